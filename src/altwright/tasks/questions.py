"""The questions that workers ask most, made once: making one costs as much as asking it."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, false, select

from altwright.db.task_tables import ItemRow, StateRow, TaskRow
from altwright.domain.task import ItemStatus, Priority, Status
from altwright.tasks.pausing import state_name

#: The task whose turn it is.
NEXT_TASK = (
    select(TaskRow.id, TaskRow.attempt, TaskRow.priority)
    .where(TaskRow.status == Status.QUEUED, TaskRow.delayed == false())
    .order_by(TaskRow.priority, TaskRow.turn, TaskRow.created_at, TaskRow.id)
    .limit(1)
    # MariaDB would sort a small table instead, and lock every row of it for that.
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mysql")
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mariadb")
    .with_for_update(skip_locked=True)
)
#: A task's item to work on now.
NEXT_ITEM = (
    select(ItemRow)
    .where(ItemRow.task_id == bindparam("of_task"), ItemRow.status == ItemStatus.PENDING)
    .order_by(ItemRow.tries, ItemRow.position)
    .limit(1)
)
#: Whether urgent work waits, to which low work gives way.
URGENT_WAITS = select(
    exists().where(
        TaskRow.status == Status.QUEUED,
        TaskRow.delayed == false(),
        TaskRow.priority == Priority.URGENT,
        # Nobody may take what waits in a paused queue, so nothing gives way to it.
        ~exists().where(StateRow.name == state_name(Priority.URGENT)),
    )
)
