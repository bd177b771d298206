"""The dispatcher's SQL: what waits, what was dispatched, what has to be taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database
from altwright.db.task_tables import ItemRow, LeaseRow, StateRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category
from altwright.tasks.claims import CRASHES
from altwright.tasks.records import Ticket
from altwright.tasks.store import moved, record

#: Seconds that a dispatched task may be in no RQ queue before it is dispatched again: the time
#: between a submit's commit and its enqueue, and between a worker's pop and its claim.
GRACE_S = 2.0
#: Tasks taken back in one pass.
BATCH = 500


class Backlog:
    """Tasks that wait, and tasks whose worker has gone."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    def due(self, priority: Priority, limit: int) -> list[Ticket]:
        """Return tickets of due tasks that aren't in RQ, in the order of their turn."""
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(
                TaskRow.status == Status.QUEUED,
                TaskRow.delivery == Delivery.DATABASE,
                TaskRow.priority == priority,
                TaskRow.available_at <= now(),
            )
            .order_by(TaskRow.turn, TaskRow.created_at, TaskRow.id)
            .limit(limit)
        )
        with self._database.read() as session:
            return [Ticket(row.id, row.attempt, priority) for row in session.execute(query)]

    def mark(self, tickets: Sequence[Ticket], delivery: Delivery) -> None:
        """Note who delivers these tasks; those that have moved on meanwhile are left alone."""
        dispatched_at = now() if delivery is Delivery.RQ else None
        with self._database.write() as session:
            for ticket in tickets:
                moved(
                    session,
                    update(TaskRow)
                    .where(
                        TaskRow.id == ticket.task_id,
                        TaskRow.attempt == ticket.attempt,
                        TaskRow.status == Status.QUEUED,
                    )
                    .values(delivery=delivery, dispatched_at=dispatched_at),
                )

    def dispatched(self, priority: Priority, limit: int) -> list[Ticket]:
        """Return tickets of tasks that should lie in RQ's queue since a while."""
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(
                TaskRow.status == Status.QUEUED,
                TaskRow.delivery == Delivery.RQ,
                TaskRow.priority == priority,
                TaskRow.dispatched_at <= now(-GRACE_S),
            )
            .order_by(TaskRow.turn, TaskRow.created_at, TaskRow.id)
            .limit(limit)
        )
        with self._database.read() as session:
            return [Ticket(row.id, row.attempt, priority) for row in session.execute(query)]

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
            .execution_options(synchronize_session=False)
        )
        with self._database.write() as session:
            result: Any = session.execute(statement)
            return int(result.rowcount)

    def waiting(self) -> int:
        """Return how many tasks are due and queued."""
        query = select(func.count()).where(
            TaskRow.status == Status.QUEUED, TaskRow.available_at <= now()
        )
        with self._database.read() as session:
            return session.scalar(query) or 0

    def running(self) -> list[tuple[str, int, str]]:
        """Return task id, attempt and worker id of running tasks."""
        query = select(TaskRow.id, TaskRow.attempt, TaskRow.worker_id).where(
            TaskRow.status == Status.RUNNING
        )
        with self._database.read() as session:
            return [(row.id, row.attempt, row.worker_id or "") for row in session.execute(query)]

    def expired(self) -> list[tuple[str, int]]:
        """Return task id and attempt of running tasks whose lease has run out."""
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(TaskRow.status == Status.RUNNING, TaskRow.lease_until < now())
            .limit(BATCH)
        )
        with self._database.read() as session:
            return [(row.id, row.attempt) for row in session.execute(query)]

    def rescue(self, task_id: str, attempt: int, why: str) -> bool:
        """Take a task back from a worker that has gone; return whether it was still its.

        The item that the worker had in hand is tried later, since it may be what killed it;
        a task whose workers die without finishing anything is set aside as failed.
        """
        with self._database.write() as session:
            row = session.execute(
                select(TaskRow.crashes, TaskRow.worker_id, TaskRow.items_total)
                .where(
                    TaskRow.id == task_id,
                    TaskRow.attempt == attempt,
                    TaskRow.status == Status.RUNNING,
                )
                .with_for_update()
            ).first()
            if row is None:
                return False
            hopeless = row.crashes + 1 >= CRASHES
            values: dict[str, Any] = {
                "crashes": TaskRow.crashes + 1,
                "lease_until": None,
                "worker_id": None,
                "sequence": TaskRow.sequence + 1,
                "delivery": Delivery.DATABASE,
                "dispatched_at": None,
            }
            if hopeless:
                values |= {
                    "status": Status.FAILED,
                    "finished_at": now(),
                    "error_category": Category.EXHAUSTED,
                    "error": f"{CRASHES} workers in a row died while working on this task.",
                }
            else:
                values |= {"status": Status.QUEUED, "available_at": now()}
            moved(
                session,
                update(TaskRow)
                .where(TaskRow.id == task_id, TaskRow.attempt == attempt)
                .values(**values),
            )
            in_hand = session.scalar(
                select(ItemRow.id)
                .where(ItemRow.task_id == task_id, ItemRow.status == ItemStatus.PENDING)
                .order_by(ItemRow.tries, ItemRow.position)
                .limit(1)
            )
            if in_hand is not None and row.items_total is not None:
                moved(
                    session,
                    update(ItemRow)
                    .where(ItemRow.id == in_hand)
                    .values(
                        tries=ItemRow.tries + 1,
                        category=Category.EXHAUSTED,
                        reason="The worker stopped while it had this picture in hand.",
                    ),
                )
            record(
                session,
                task_id,
                "failed" if hopeless else "rescued",
                attempt=attempt,
                actor=row.worker_id or "",
                detail=why,
            )
            return True

    def hold(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or lengthen a lease on a role; say whether ``owner`` holds it now."""
        statement = (
            update(LeaseRow)
            .where(
                LeaseRow.name == name,
                (LeaseRow.owner == owner) | (LeaseRow.expires_at < now()),
            )
            .values(owner=owner, expires_at=now(ttl_s))
        )
        with self._database.write() as session:
            if moved(session, statement):
                return True
            if session.get(LeaseRow, name) is not None:
                return False
        try:
            with self._database.write() as session:
                session.add(LeaseRow(name=name, owner=owner, expires_at=now(ttl_s)))
        except IntegrityError:
            return False  # another process was first
        return True

    def let_go(self, name: str, owner: str) -> None:
        """Give a role up, so that another process need not wait for the lease to run out."""
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.owner == owner)
            .values(expires_at=now(-1))
        )
        with self._database.write() as session:
            moved(session, statement)

    def state(self, name: str) -> Any:
        """Return a fact about the whole service, or None."""
        with self._database.read() as session:
            row = session.get(StateRow, name)
            return row.value if row else None

    def set_state(self, name: str, value: Any) -> None:
        """Keep a fact about the whole service."""
        with self._database.write() as session:
            row = session.get(StateRow, name)
            if row is None:
                session.add(StateRow(name=name, value=value))
            else:
                row.value = value
