"""Which tasks a statement is about: conditions and selections that several statements share."""

from __future__ import annotations

from sqlalchemy import Exists, bindparam, exists, false, select
from sqlalchemy.orm import InstrumentedAttribute

from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status

#: A task that is due: queued, and no retry whose time hasn't come.
DUE = (TaskRow.status == Status.QUEUED, TaskRow.delayed == false())
#: A task by its id, and one that runs an attempt, as its worker asks for it.
TASK = select(TaskRow).where(TaskRow.id == bindparam("of_task"))
HELD = TASK.where(TaskRow.attempt == bindparam("of_attempt"), TaskRow.status == Status.RUNNING)


def of_kind(task_id: InstrumentedAttribute[str | None], kind: str) -> Exists:
    """Return whether the task that another table names is there, and of a kind."""
    return exists().where(TaskRow.id == task_id, TaskRow.kind == kind)
