"""One task: by its id, while an attempt holds it, and as another table names it."""

from __future__ import annotations

from sqlalchemy import Exists, bindparam, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status

TASK = select(TaskRow).where(TaskRow.id == bindparam("of_task"))
#: One that runs an attempt, as its worker asks for it.
HELD = TASK.where(TaskRow.attempt == bindparam("of_attempt"), TaskRow.status == Status.RUNNING)


def of_kind(task_id: InstrumentedAttribute[str | None], kind: str) -> Exists:
    """Return whether the task that another table names is there, and of a kind."""
    return exists().where(TaskRow.id == task_id, TaskRow.kind == kind)
