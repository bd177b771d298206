"""What a worker has to act on between two items: a cancel, and others whose turn it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Priority, Status
from altwright.errors import TaskStateConflict
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.held import HELD
from altwright.tasks.store.ordering import PRIORITIES
from altwright.tasks.task import Task

#: Whether a cancel of a held task is asked for.
CANCEL_ASKED = HELD.with_only_columns(TaskRow.cancel_requested_at.is_not(None))
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
    gives_way: frozenset[Priority] = frozenset()


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
            signals = within(connection, task, slice_is_over=slice_is_over)
        return self.heeded(task, signals)

    def heeded(self, task: Task, signals: Signals) -> Signals:
        """Return the signals; nobody gives way to tasks of which none may begin all the same.

        Of a task's own priority one may: its end makes a place.
        """
        if signals.gives_way:
            closed = set(self._limits.closed()) - {task.priority}
            return replace(signals, gives_way=signals.gives_way - closed)
        return signals


def within(connection: Connection, task: Task, *, slice_is_over: bool = False) -> Signals:
    """Return the signals as a transaction sees them. Raises TaskStateConflict."""
    held = {"of_task": task.id, "of_attempt": task.attempt}
    cancel = connection.scalar(CANCEL_ASKED, held)
    if cancel is None:
        raise TaskStateConflict(task.id, expected="running this attempt")
    gives_way = PRIORITIES.gives_way(
        connection, task.user_id, task.priority, slice_is_over=slice_is_over
    )
    return Signals(bool(cancel), gives_way)
