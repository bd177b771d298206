"""Concurrency per priority (requirement 8.5): kept in the database, the same in every process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database
from altwright.db.task_tables import StateRow, TaskRow, WorkerRow
from altwright.db.types import now
from altwright.domain.limits import Limits
from altwright.domain.task import Priority, Status
from altwright.tasks.backlog import Backlog
from altwright.tasks.roster import VANISHED_S

#: The row of service_state. Its value is None until an administrator sets limits; the settings
#: count until then.
ROW = "limits"
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
        """Take the limits that hold until an administrator sets others."""
        self._database = database
        self._from_settings = from_settings
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = -FRESH_S
        self._limits = from_settings

    def current(self) -> Limits:
        """Return the limits as they were less than FRESH_S ago. Raises DatabaseUnavailable."""
        with self._lock:
            if self._clock() - self._read_at >= FRESH_S:
                kept = Backlog(self._database).state(ROW)
                self._limits = self._from_settings if kept is None else Limits.from_json(kept)
                self._read_at = self._clock()
            return self._limits

    def change(self, limits: Limits | None) -> None:
        """Let these hold from now on; None: those of the settings again."""
        Backlog(self._database).set_state(ROW, limits.to_json() if limits is not None else None)
        with self._lock:
            self._read_at = -FRESH_S

    def full(self, connection: Connection) -> frozenset[Priority]:
        """Return what no claim of this transaction may take; others wait until it has ended.

        The lock on one row makes counting and claiming one step: two workers never both see
        the last free place.
        """
        if not self.current():
            return frozenset()
        lock = select(StateRow.value).where(StateRow.name == ROW).with_for_update()
        row = connection.execute(lock).first()
        if row is None:
            self._make_row()
            row = connection.execute(lock).first()
        kept = row.value if row is not None else None
        limits = self._from_settings if kept is None else Limits.from_json(kept)
        return _full(connection, limits)

    def closed(self) -> frozenset[Priority]:
        """Return what a worker need not ask for just now. Raises DatabaseUnavailable."""
        limits = self.current()
        if not limits:
            return frozenset()
        with self._database.connect() as connection:
            return _full(connection, limits)

    def _make_row(self) -> None:
        """Make the row that is locked; on SQLite there is nothing to lock."""
        if self._database.engine.dialect.name == "sqlite":
            return  # the transaction holds the only write lock already
        try:
            with self._database.write() as session:
                session.add(StateRow(name=ROW, value=None))
        except IntegrityError:
            pass  # another process was first


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
