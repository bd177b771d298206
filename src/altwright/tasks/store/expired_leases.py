"""Running tasks whose worker has gone, and how they are taken back from it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Status
from altwright.errors import Category
from altwright.tasks.store.item_statements import NEXT_ITEMS
from altwright.tasks.store.transitions import to_failed, to_queued

#: Attempts in a row that may end with their worker's death before any item was finished.
CRASHES = 5
#: What every pass of a dispatcher asks; built once.
_RUNNING = select(
    TaskRow.id, TaskRow.attempt, TaskRow.worker_id, TaskRow.lease_until < now()
).where(TaskRow.status == Status.RUNNING)


class Running(NamedTuple):
    """A running task; ``expired``: its worker hasn't given a sign for a lease's length."""

    task_id: str
    attempt: int
    worker_id: str
    expired: bool


class Rescuer:
    """Finds running tasks, and takes them back from workers that have gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def running(self) -> list[Running]:
        """Return every running task with its worker, and whether its lease has run out."""
        with self._database.connect() as connection:
            return [
                Running(task_id, attempt, worker_id or "", bool(expired))
                for task_id, attempt, worker_id, expired in connection.execute(_RUNNING)
            ]

    @again_after_deadlock
    def rescue(self, task_id: str, attempt: int, why: str) -> bool:
        """Take a task back from a worker that has gone; return whether it was still its.

        The item that the worker had in hand is tried later, since it may be what killed it;
        a task whose workers die without finishing anything is set aside as failed.
        """
        with self._database.begin() as connection:
            row = connection.execute(
                select(
                    TaskRow.crashes,
                    TaskRow.worker_id,
                    TaskRow.items_total,
                    TaskRow.cancel_requested_at,
                )
                .where(
                    TaskRow.id == task_id,
                    TaskRow.attempt == attempt,
                    TaskRow.status == Status.RUNNING,
                )
                .with_for_update()
            ).first()
            if row is None:
                return False
            crashes, by = row.crashes + 1, row.worker_id or ""
            if crashes >= CRASHES and row.cancel_requested_at is None:
                moved = to_failed(
                    connection,
                    task_id,
                    attempt,
                    Status.RUNNING,
                    by=by,
                    category=Category.EXHAUSTED,
                    error=f"{CRASHES} workers in a row died while working on this task.",
                    detail=why,
                    crashes=crashes,
                )
            else:
                moved = to_queued(
                    connection, task_id, attempt, "rescued", by=by, detail=why, crashes=crashes
                )
            if moved and row.items_total is not None:
                _blame_item_in_hand(connection, task_id)
            return moved


def give_back_all(connection: Connection, why: str) -> int:
    """Queue every running task again, of whose workers none can be there; return how many.

    No worker has died of it, and no item is to blame.
    """
    return sum(
        to_queued(connection, task_id, attempt, "rescued", by=worker_id or "", detail=why)
        for task_id, attempt, worker_id, _ in connection.execute(_RUNNING).all()
    )


def _blame_item_in_hand(connection: Connection, task_id: str) -> None:
    in_hand = connection.execute(NEXT_ITEMS, {"of_task": task_id, "most": 1}).first()
    if in_hand is not None:
        changed(
            connection,
            update(ItemRow)
            .where(ItemRow.id == in_hand.id)
            .values(
                tries=ItemRow.tries + 1,
                category=Category.EXHAUSTED,
                reason="The worker stopped while it had this picture in hand.",
            ),
        )
