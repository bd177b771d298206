"""A task that is running an attempt, as a worker asks for it."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status

#: A task by its id, and one that runs an attempt.
TASK = select(TaskRow).where(TaskRow.id == bindparam("of_task"))
HELD = TASK.where(TaskRow.attempt == bindparam("of_attempt"), TaskRow.status == Status.RUNNING)
