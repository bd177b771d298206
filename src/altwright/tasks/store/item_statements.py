"""The statements on items, and on the counts of their task; Items executes them."""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, insert, select, update

from altwright.db.session import KEEPS_PLAN
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import ItemStatus
from altwright.tasks.store.transitions import COMPLETED, RENEWED, START_AFRESH, task_write

# Made once: making a question costs as much as asking it.
#: The order in which a task's pending items are worked on; the first is the one in hand.
ITEM_ORDER = (ItemRow.tries, ItemRow.position)
#: A task's items to work on now.
NEXT_ITEMS = (
    select(ItemRow)
    .where(ItemRow.task_id == bindparam("of_task"), ItemRow.status == ItemStatus.PENDING)
    .order_by(*ITEM_ORDER)
    .limit(bindparam("most", type_=Integer))
    .execution_options(**KEEPS_PLAN)
)
#: A write to an item that isn't finished.
PENDING = (
    update(ItemRow)
    .where(ItemRow.id == bindparam("of_item"), ItemRow.status == ItemStatus.PENDING)
    .execution_options(**KEEPS_PLAN)
)
_ENDING = ("status", "attempt", "category", "reason", "took_s")
ITEM_ENDED = PENDING.values(
    finished_at=now(),
    **{name: bindparam(f"item_{name}", type_=ItemRow.__table__.c[name].type) for name in _ENDING},
)
ITEM_PUT_OFF = PENDING.values(tries=ItemRow.tries + 1)
#: Whether it was the item's fault nobody knows, but the others shall not wait for it.
ITEM_PUT_BEHIND = ITEM_PUT_OFF.values(excused=ItemRow.excused + 1)
#: Items that have used up no more than so many tries.
ITEMS_SPARED = (
    update(ItemRow)
    .where(
        ItemRow.id.in_(bindparam("of_items", expanding=True)),
        ItemRow.status == ItemStatus.PENDING,
        ItemRow.tries - ItemRow.excused > bindparam("most"),
    )
    .values(tries=ItemRow.excused + bindparam("most"))
)
#: What a task that gets on is given back: its retries, and its patience with servers.
PROGRESSED = {**START_AFRESH, "progress_attempt": TaskRow.attempt}
#: What a part of a plan, a plan, and what an item's end writes to its task.
GREW = RENEWED.values(**PROGRESSED)
PLANNED = GREW.values(sequence=TaskRow.sequence + 1)
PLAN_COMPLETE = task_write(PLANNED)
COUNTS = {
    ItemStatus.DONE: TaskRow.items_done,
    ItemStatus.SKIPPED: TaskRow.items_skipped,
    ItemStatus.FAILED: TaskRow.items_failed,
}
COUNTED = {
    status: task_write(PLANNED.values(**{count.key: count + 1}, crashes=0))
    for status, count in COUNTS.items()
}
#: What the end of a task's last item writes: the same, and the task's end.
_IS_LAST = (
    TaskRow.items_done + TaskRow.items_skipped + TaskRow.items_failed + 1 == TaskRow.items_total
)
COUNTED_LAST = {
    status: task_write(
        COMPLETED.plain.where(_IS_LAST).values(**PROGRESSED, **{count.key: count + 1}, crashes=0),
        item_ended=ITEM_ENDED,
    )
    for status, count in COUNTS.items()
}
#: Items that are planned, and such as have ended at once.
PLANNED_ITEM = insert(ItemRow).returning(*ItemRow.__table__.c)
ENDED_ITEM = insert(ItemRow).values(finished_at=now())
