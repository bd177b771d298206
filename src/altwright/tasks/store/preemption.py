"""Preemption and cancels: what a worker has to act on between two items."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Priority, Status
from altwright.errors import TaskStateConflict
from altwright.tasks.store.claim_order import PRIORITIES
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.one_task import HELD
from altwright.tasks.task import Task, task_with

#: Tasks of which a cancel is asked for, of several that attempts hold.
CANCELS = select(TaskRow.id).where(
    TaskRow.id.in_(bindparam("ids", expanding=True)),
    TaskRow.status == Status.RUNNING,
    TaskRow.cancel_requested_at.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the database says between two items."""

    cancel: bool
    #: Priorities in which tasks wait that have to come first.
    preempted_by: frozenset[Priority] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """A task as its worker's last write left it, and what the worker has to heed now."""

    task: Task
    signals: Signals


class SignalStore:
    """Reads the signals; Items reads them in the transaction that ends an item."""

    def __init__(self, database: Database, limits: LimitBook) -> None:
        self._database = database
        self._limits = limits

    def cancelling(self, task_ids: Collection[str]) -> set[str]:
        """Return those of these running tasks of which a cancel was asked for."""
        with self._database.connect() as connection:
            return set(connection.scalars(CANCELS, {"ids": sorted(task_ids)}))

    def now(self, task: Task, *, slice_is_over: bool = False) -> Signals:
        """Return what the worker has to heed now; ``slice_is_over``: its time slice is.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.connect() as connection:
            standing = within(connection, task, slice_is_over=slice_is_over)
        return self.heeded(standing).signals

    def heeded(self, standing: Standing) -> Standing:
        """Return it; tasks of which none may begin all the same preempt nobody.

        Of a task's own priority one may: its end makes a place.
        """
        signals = standing.signals
        if not signals.preempted_by:
            return standing
        closed = set(self._limits.closed()) - {standing.task.priority}
        signals = replace(signals, preempted_by=signals.preempted_by - closed)
        return replace(standing, signals=signals)


def within(connection: Connection, task: Task, *, slice_is_over: bool = False) -> Standing:
    """Return how a task stands, as a transaction sees it. Raises TaskStateConflict."""
    row = connection.execute(HELD, {"of_task": task.id, "of_attempt": task.attempt}).first()
    if row is None:
        raise TaskStateConflict(task.id, expected="running this attempt")
    return standing(connection, task_with(row, task.settings), slice_is_over=slice_is_over)


def standing(connection: Connection, task: Task, *, slice_is_over: bool = False) -> Standing:
    """Return the same of a task that this transaction has read or written."""
    preempted_by = PRIORITIES.preempted_by(
        connection, task.user_id, task.priority, slice_is_over=slice_is_over
    )
    return Standing(task, Signals(task.cancel_requested, preempted_by))
