"""The dispatcher's SQL: what waits, what was dispatched, what has to be taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Float, bindparam, exists, false, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import ItemRow, LeaseRow, StateRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.domain.worker import gone_from_this_host
from altwright.errors import Category
from altwright.tasks.store.claims import CRASHES
from altwright.tasks.store.ordering import PRIORITIES
from altwright.tasks.store.transitions import cancel_if_asked, changed, move, record
from altwright.tasks.task import Ticket

#: Seconds that a dispatched task may be in no RQ queue before it is dispatched again: the time
#: between a submit's commit and its enqueue, and between a worker's pop and its claim.
GRACE_S = 2.0
#: Who stands in the history of a task that is set aside before any worker had it.
SETS_ASIDE = "altwright"
#: Share of a role's lease that has to be left so that it isn't written anew yet.
FRESH = 0.75
#: Tasks taken back in one pass.
BATCH = 500


#: What every pass of a dispatcher asks; made once, since making costs as much as asking.
_RUNNING = select(
    TaskRow.id, TaskRow.attempt, TaskRow.worker_id, TaskRow.lease_until < now()
).where(TaskRow.status == Status.RUNNING)
_HOLDER = select(
    LeaseRow.owner,
    (LeaseRow.expires_at < now()).label("expired"),
    (LeaseRow.expires_at > now(bindparam("fresh_s", type_=Float))).label("fresh"),
).where(LeaseRow.name == bindparam("role"))


#: For each delivery the question in which priorities due tasks wait.
_WAITS = {
    delivery: select(
        *(
            exists().where(
                TaskRow.status == Status.QUEUED,
                TaskRow.delivery == delivery,
                TaskRow.delayed == false(),
                TaskRow.priority == priority,
            )
            for priority in Priority
        )
    )
    for delivery in Delivery
}
_STATES = select(StateRow.name, StateRow.value).where(
    StateRow.name.in_(bindparam("names", expanding=True))
)
_MY_LEASE = update(LeaseRow).where(
    LeaseRow.name == bindparam("role"),
    LeaseRow.owner.in_([bindparam("me"), bindparam("gone")]) | (LeaseRow.expires_at < now()),
)


class Running(NamedTuple):
    """A running task; ``expired``: its worker hasn't given a sign for a lease's length."""

    task_id: str
    attempt: int
    worker_id: str
    expired: bool


class Backlog:
    """Tasks that wait, and tasks whose worker has gone."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    def priorities(self, delivery: Delivery) -> list[Priority]:
        """Return the priorities in which due tasks wait for this delivery, most urgent first."""
        with self._database.connect() as connection:
            row = connection.execute(_WAITS[delivery]).one()
        return [priority for priority, waiting in zip(Priority, row, strict=True) if waiting]

    def due(self, priority: Priority, limit: int) -> list[Ticket]:
        """Return tickets of due tasks that aren't in RQ, in the order of their turn.

        Those of later rounds are kept back, so that nobody's many tasks fill the window.
        """
        with self._database.connect() as connection:
            rows = PRIORITIES.due(connection, priority, limit)
        return [Ticket(row.id, row.attempt, priority) for row in rows]

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
                TaskRow.status == Status.QUEUED,
                TaskRow.delivery == Delivery.RQ,
                TaskRow.delayed == false(),
                TaskRow.priority == priority,
                TaskRow.dispatched_at <= now(-GRACE_S),
            )
            .order_by(TaskRow.turn, TaskRow.created_at, TaskRow.id)
            .limit(limit)
        )
        with self._database.connect() as connection:
            return [Ticket(row.id, row.attempt, priority) for row in connection.execute(query)]

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

    def waiting(self) -> int:
        """Return how many tasks are due and queued."""
        query = select(func.count()).where(
            TaskRow.status == Status.QUEUED, TaskRow.delayed == false()
        )
        with self._database.connect() as connection:
            return connection.scalar(query) or 0

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
            hopeless = row.crashes + 1 >= CRASHES and row.cancel_requested_at is None
            values: dict[str, Any] = {"crashes": row.crashes + 1}
            if hopeless:
                values |= {
                    "error_category": Category.EXHAUSTED,
                    "error": f"{CRASHES} workers in a row died while working on this task.",
                }
            after = Status.FAILED if hopeless else Status.QUEUED
            if not move(connection, task_id, Status.RUNNING, after, attempt=attempt, **values):
                return False
            actor = row.worker_id or ""
            event = "failed" if hopeless else "rescued"
            record(connection, task_id, event, attempt=attempt, actor=actor, detail=why)
            if row.items_total is not None:
                _blame_item_in_hand(connection, task_id)
            if not hopeless:
                cancel_if_asked(connection, task_id, attempt, actor)
            return True

    @again_after_deadlock
    def set_aside(self, task_id: str, attempt: int, fault: str) -> bool:
        """Fail a queued task whose row makes no sense, so that it holds up no other."""
        with self._database.begin() as connection:
            moved = move(
                connection,
                task_id,
                Status.QUEUED,
                Status.FAILED,
                attempt=attempt,
                error_category=Category.CORRUPT,
                error=f"This task is damaged: {fault}.",
            )
            if moved:
                record(
                    connection, task_id, "failed", attempt=attempt, actor=SETS_ASIDE, detail=fault
                )
            return moved

    def hold(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or lengthen a lease on a role; say whether ``owner`` holds it now.

        A process of this host that is gone leaves its roles at once, not when they run out.
        """
        with self._database.connect() as connection:
            asked = {"role": name, "fresh_s": ttl_s * FRESH}
            held = connection.execute(_HOLDER, asked).first()
        if held is None:
            return self._first_to_hold(name, owner, ttl_s)
        if held.owner == owner and held.fresh:
            return True
        if held.owner == owner or held.expired:
            return self._take_lease(name, owner, ttl_s)
        # Most processes most of the time read only; this asks the kernel, not the database.
        return gone_from_this_host(held.owner) and self._take_lease(
            name, owner, ttl_s, gone=held.owner
        )

    @again_after_deadlock
    def _take_lease(self, name: str, owner: str, ttl_s: float, gone: str = "") -> bool:
        taken = _MY_LEASE.values(owner=owner, expires_at=now(ttl_s))
        with self._database.begin() as connection:
            return bool(changed(connection, taken, {"role": name, "me": owner, "gone": gone}))

    def _first_to_hold(self, name: str, owner: str, ttl_s: float) -> bool:
        try:
            with self._database.begin() as connection:
                lease = {"name": name, "owner": owner, "expires_at": now(ttl_s)}
                connection.execute(insert(LeaseRow).values(lease))
        except IntegrityError:
            return False  # another process was first
        return True

    @again_after_deadlock
    def let_go(self, name: str, owner: str) -> None:
        """Give a role up, so that another process need not wait for the lease to run out."""
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == name, LeaseRow.owner == owner)
            .values(expires_at=now(-1))
        )
        with self._database.begin() as connection:
            changed(connection, statement)

    def state(self, name: str) -> Any:
        """Return a fact about the whole service, or None."""
        return self.states(name)[0]

    def states(self, *names: str) -> list[Any]:
        """Return several facts as of one moment, None for those that aren't there."""
        with self._database.connect() as connection:
            values = {row.name: row.value for row in connection.execute(_STATES, {"names": names})}
        return [values.get(name) for name in names]

    def state_age_s(self, name: str) -> float:
        """Return how long ago a fact was set, in seconds; infinitely long if it never was."""
        with self._database.connect() as connection:
            changed_at = connection.scalar(select(StateRow.changed_at).where(StateRow.name == name))
            at = connection.scalar(select(now()))
        return (at - changed_at).total_seconds() if changed_at and at else float("inf")

    def set_state(self, name: str, value: Any) -> None:
        """Keep a fact about the whole service."""
        statement = update(StateRow).where(StateRow.name == name)
        with self._database.begin() as connection:
            if changed(connection, statement.values(value=value, changed_at=now())):
                return
        if not self.add_state(name, value):
            with self._database.begin() as connection:  # another process was first
                changed(connection, statement.values(value=value, changed_at=now()))

    def add_state(self, name: str, value: Any) -> bool:
        """Keep a fact unless there is one of this name; return whether there was none."""
        try:
            with self._database.begin() as connection:
                connection.execute(insert(StateRow).values(name=name, value=value))
        except IntegrityError:
            if self.state(name) is None:
                raise  # the row was refused for another reason
            return False
        return True


def _blame_item_in_hand(connection: Connection, task_id: str) -> None:
    in_hand = connection.scalar(
        select(ItemRow.id)
        .where(ItemRow.task_id == task_id, ItemRow.status == ItemStatus.PENDING)
        .order_by(ItemRow.tries, ItemRow.position)
        .limit(1)
    )
    if in_hand is not None:
        changed(
            connection,
            update(ItemRow)
            .where(ItemRow.id == in_hand)
            .values(
                tries=ItemRow.tries + 1,
                category=Category.EXHAUSTED,
                reason="The worker stopped while it had this picture in hand.",
            ),
        )
