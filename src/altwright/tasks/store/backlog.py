"""Queued tasks as the dispatcher sees them: which are due, which are in RQ, which are back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import exists, select, update

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.claim_order import PRIORITIES, TURN_ORDER
from altwright.tasks.store.due import DUE
from altwright.tasks.store.transitions import to_failed
from altwright.tasks.task import Ticket

#: Seconds that a dispatched task may be in no RQ queue before it is dispatched again: the time
#: between a submit's commit and its enqueue, and between a worker's pop and its claim.
GRACE_S = 2.0
#: Who stands in the history of a task that is set aside before any worker had it.
SETS_ASIDE = "altwright"
#: Tasks taken back in one pass.
BATCH = 500


#: For each delivery the question in which priorities due tasks wait.
_WAITS = {
    delivery: select(
        *(
            exists().where(
                *DUE,
                TaskRow.delivery == delivery,
                TaskRow.priority == priority,
            )
            for priority in Priority
        )
    )
    for delivery in Delivery
}


class Backlog:
    """All SQL of the dispatcher on queued tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def priorities(self, delivery: Delivery) -> list[Priority]:
        """Return the priorities in which due tasks wait for this delivery, most urgent first."""
        with self._database.connect() as connection:
            row = connection.execute(_WAITS[delivery]).one()
        return [priority for priority, waiting in zip(Priority, row, strict=True) if waiting]

    def first(self) -> Ticket | None:
        """Return the ticket of the task that waits first, whoever may have it now."""
        with self._database.connect() as connection:
            row = PRIORITIES.first(connection)
        return None if row is None else Ticket(row.id, row.attempt)

    def due(self, priority: Priority, limit: int) -> list[Ticket]:
        """Return tickets of due tasks that aren't in RQ, in the order of their turn.

        Those of later rounds are kept back, so that nobody's many tasks fill the window.
        """
        with self._database.connect() as connection:
            rows = PRIORITIES.due(connection, priority, limit)
        return [Ticket(row.id, row.attempt) for row in rows]

    @again_after_deadlock
    def wake_delayed(self) -> int:
        """Let tasks take their turn whose time has come; return how many."""
        with self._database.connect() as connection:
            ids = PRIORITIES.delay_over(connection)
        if not ids:
            return 0
        with self._database.begin() as connection:
            return PRIORITIES.take_turns_again(connection, ids)

    @again_after_deadlock
    def mark(self, tickets: Sequence[Ticket], delivery: Delivery) -> None:
        """Note who delivers these tasks; those that have moved on meanwhile are left alone."""
        if not tickets:
            return
        by_attempt: dict[int, list[str]] = {}
        for ticket in tickets:
            by_attempt.setdefault(ticket.attempt, []).append(ticket.task_id)
        dispatched_at = now() if delivery is Delivery.RQ else None
        with self._database.begin() as connection:
            for attempt, ids in by_attempt.items():
                changed(
                    connection,
                    update(TaskRow)
                    .where(
                        TaskRow.id.in_(ids),
                        TaskRow.attempt == attempt,
                        TaskRow.status == Status.QUEUED,
                    )
                    .values(delivery=delivery, dispatched_at=dispatched_at),
                )

    def dispatched(self, priority: Priority, limit: int) -> list[Ticket]:
        """Return tickets of tasks that should lie in RQ's queue since a while."""
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(
                *DUE,
                TaskRow.delivery == Delivery.RQ,
                TaskRow.priority == priority,
                TaskRow.dispatched_at <= now(-GRACE_S),
            )
            .order_by(*TURN_ORDER)
            .limit(limit)
        )
        with self._database.connect() as connection:
            return [Ticket(row.id, row.attempt) for row in connection.execute(query)]

    @again_after_deadlock
    def take_from_rq(self, priorities: Collection[Priority] = tuple(Priority)) -> int:
        """Let the database deliver everything that RQ was to deliver; return how many tasks."""
        statement = (
            update(TaskRow)
            .where(
                TaskRow.status == Status.QUEUED,
                TaskRow.delivery == Delivery.RQ,
                TaskRow.priority.in_(priorities),
            )
            .values(delivery=Delivery.DATABASE, dispatched_at=None)
        )
        with self._database.begin() as connection:
            return changed(connection, statement)

    @again_after_deadlock
    def set_aside(self, task_id: str, attempt: int, fault: str) -> bool:
        """Fail a queued task whose row makes no sense, so that it holds up no other."""
        with self._database.begin() as connection:
            return to_failed(
                connection,
                task_id,
                attempt,
                Status.QUEUED,
                by=SETS_ASIDE,
                category=Category.CORRUPT,
                error=f"This task is damaged: {fault}.",
                detail=fault,
            )
