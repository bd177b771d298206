"""Concurrency per priority (requirement 8.5): kept in the database, the same in every process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from altwright.db.session import Database
from altwright.db.task_tables import StateRow, TaskRow, WorkerRow
from altwright.db.types import now
from altwright.domain.limits import Limits
from altwright.domain.task import Priority, Status
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.cluster.worker_registry import VANISHED_S

#: The row of service_state. It is there while anything is limited, for claims to lock it.
ROW = "limits"
#: Its value until an administrator sets limits, and when they reset them: the settings count.
AS_SETTINGS = {"as": "settings"}
#: Seconds that a process may go by what it read last; a change counts everywhere within them
#: and the second that a worker waits for a job.
FRESH_S = 0.8


class LimitBook:
    """Reads and changes the limits, and says what they forbid now."""

    def __init__(
        self,
        database: Database,
        from_settings: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._from_settings = from_settings
        self._clock = clock
        #: What was read last, and when; replaced as one, so that no reader waits for another.
        self._known = (-FRESH_S, from_settings)

    def current(self) -> Limits:
        """Return the limits as they were less than FRESH_S ago. Raises DatabaseUnavailable."""
        read_at, limits = self._known
        if self._clock() - read_at >= FRESH_S:
            limits = self._read()
            self._known = (self._clock(), limits)
        return limits

    def change(self, limits: Limits | None) -> None:
        """Let these hold from now on; None: those of the settings again."""
        value = AS_SETTINGS if limits is None else limits.to_json()
        ServiceState(self._database).set(ROW, value)
        self._forget()

    def full(self, connection: Connection, limits: Limits) -> frozenset[Priority]:
        """Return what no claim of this transaction may take; others wait until it has ended.

        The lock on one row makes counting and claiming one step: two workers never both see
        the last free place. ``limits`` are the current ones, read before the transaction began:
        reading them in it would take a second connection while the first is held.
        """
        if not limits:
            return frozenset()
        lock = select(StateRow.value).where(StateRow.name == ROW).with_for_update()
        row = connection.execute(lock).first()
        if row is None:  # somebody emptied the table; the next read makes the row again
            self._forget()
            return frozenset(Priority)
        return _full(connection, self._parsed(row.value))

    def closed(self) -> frozenset[Priority]:
        """Return what a worker need not ask for just now. Raises DatabaseUnavailable."""
        limits = self.current()
        if not limits:
            return frozenset()
        with self._database.connect() as connection:
            return _full(connection, limits)

    def _forget(self) -> None:
        self._known = (-FRESH_S, self._from_settings)

    def _read(self) -> Limits:
        state = ServiceState(self._database)
        kept = state.get(ROW)
        limits = self._parsed(kept)
        if kept is None and limits and not state.add(ROW, AS_SETTINGS):
            limits = self._parsed(state.get(ROW))  # another process made it
        return limits

    def _parsed(self, kept: Any) -> Limits:
        return self._from_settings if kept in (None, AS_SETTINGS) else Limits.from_json(kept)


def _full(connection: Connection, limits: Limits) -> frozenset[Priority]:
    counts = (
        select(TaskRow.priority, func.count())
        .where(TaskRow.status == Status.RUNNING)
        .group_by(TaskRow.priority)
    )
    running = {
        Priority(priority): number
        for priority, number in connection.execute(counts)
        if priority in frozenset(Priority)  # another one is about to be set aside
    }
    there = select(func.count()).where(WorkerRow.seen_at >= now(-VANISHED_S))
    return limits.full(running, (connection.scalar(there) or 0) if limits.kept else 0)
