"""What running tasks are at: which item, since when, by which worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from altwright.db.copies import as_json, copied
from altwright.db.session import Database
from altwright.db.tables import UserRow
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.db.types import Instant, now
from altwright.domain.task import ItemStatus, Status
from altwright.tasks.store.item_statements import ITEM_ORDER

#: An item that takes so many times the usual is stuck, but none before so many seconds.
USUAL_TIMES, STUCK_LEAST_S = 10, 60.0

_ITEM = (
    select(ItemRow.label)
    .where(ItemRow.task_id == TaskRow.id, ItemRow.status == ItemStatus.PENDING)
    .order_by(*ITEM_ORDER)
    .limit(1)
    .scalar_subquery()
)
_LAST_ENDED = (
    select(func.max(ItemRow.finished_at, type_=Instant()))
    .where(ItemRow.task_id == TaskRow.id)
    .scalar_subquery()
)
_CLAIMED = (
    select(func.max(TaskEventRow.at, type_=Instant()))
    .where(TaskEventRow.task_id == TaskRow.id, TaskEventRow.event == "claimed")
    .scalar_subquery()
)
#: Running tasks are as many as workers, so each may be asked for its items.
_RUNNING = (
    select(
        TaskRow.id,
        TaskRow.kind,
        TaskRow.priority,
        TaskRow.attempt,
        TaskRow.worker_id,
        TaskRow.items_total,
        (TaskRow.items_done + TaskRow.items_failed + TaskRow.items_skipped).label("items_ended"),
        UserRow.username.label("user"),
        func.coalesce(_CLAIMED, TaskRow.started_at, TaskRow.created_at, type_=Instant()).label(
            "since"
        ),
        func.coalesce(_ITEM, "").label("item"),
        _LAST_ENDED.label("last_ended"),
        now().label("at"),
    )
    .outerjoin(UserRow, UserRow.id == TaskRow.user_id)
    .where(TaskRow.status == Status.RUNNING)
)


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that a worker has in hand. ``item``: its label, "" while the task is planned.

    ``since`` is when the attempt began, ``item_since`` when the last item ended, if one has.
    ``is_stuck``: nothing of it has ended for too long; its lease is kept, so it's alive.
    """

    id: str
    kind: str
    priority: int
    attempt: int
    worker_id: str
    items_total: int | None
    items_ended: int
    user: str | None
    since: datetime
    item: str
    item_since: datetime
    item_s: float
    is_stuck: bool

    def to_json(self) -> dict[str, Any]:
        """Return the shape that pages, the REST API and the command line show."""
        return as_json(self, without={"worker_id", "priority"})


class RunningWork:
    """Reads only; the cost grows with the workers, not with the tasks.

    Pages and the alert ask here whether a task is stuck. Where ``usual_s`` is known, far longer
    than usual is too long as well: worth a look on a page, but no alert.
    """

    def __init__(self, database: Database, patience_s: float) -> None:
        """Take the seconds after which a task that doesn't move is stuck, whatever is usual."""
        self._database = database
        self.patience_s = patience_s

    def all(self, usual_s: float | None) -> list[RunningTask]:
        """Return every running task; ``usual_s`` are the seconds that an item takes, if known."""
        with self._database.connect() as connection:
            return [self._task(row, usual_s) for row in connection.execute(_RUNNING)]

    def _task(self, row: Row[Any], usual_s: float | None) -> RunningTask:
        moved_at = max(row.since, row.last_ended or row.since)
        item_s = max(0.0, (row.at - moved_at).total_seconds())
        patience_s = self.patience_s
        if usual_s is not None and row.items_total is not None:
            patience_s = min(patience_s, max(STUCK_LEAST_S, USUAL_TIMES * usual_s))
        return copied(
            RunningTask,
            row,
            worker_id=row.worker_id or "",
            item_since=moved_at,
            item_s=round(item_s, 1),
            is_stuck=item_s > patience_s,
        )
