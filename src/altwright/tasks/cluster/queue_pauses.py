"""Paused queues: stored in the database, honoured by every process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database, changed
from altwright.db.task_tables import StateRow
from altwright.domain.task import Priority
from altwright.domain.user import UserRef
from altwright.errors import DatabaseUnavailable
from altwright.tasks.audit_log import write

_log = logging.getLogger(__name__)

#: Seconds that a process relies on what it read; a pause is heeded everywhere within twice that.
READ_EVERY_S = 1.0


def state_name(priority: Priority) -> str:
    """Return the name of the row in service_state that pauses a priority."""
    return f"paused:{priority.queue}"


_NAMES = {state_name(priority): priority for priority in Priority}
#: Made once: every process asks every second.
_PAUSED = select(StateRow).where(StateRow.name.in_(_NAMES))


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a queue, and when."""

    by: str
    at: datetime


class Pauses:
    """All SQL on paused queues. One row for each, so that two administrators don't undo another."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._known: frozenset[Priority] = frozenset()

    def current(self) -> frozenset[Priority]:
        """Return the paused priorities, as they were READ_EVERY_S ago at most.

        While the database is away, what was known last holds.
        """
        with self._lock:
            at = self._clock()
            if self._read_at is not None and at - self._read_at < READ_EVERY_S:
                return self._known
            self._read_at = at
        try:
            known = frozenset(self.all())
        except DatabaseUnavailable as error:
            _log.warning("paused queues not read: %s", error)
            return self._known
        with self._lock:
            self._known = known
        return known

    def all(self) -> dict[Priority, Pause]:
        """Return the paused priorities now."""
        with self._database.connect() as connection:
            return {
                _NAMES[row.name]: Pause(str(row.value), row.changed_at)
                for row in connection.execute(_PAUSED)
            }

    def pause(self, priority: Priority, by: UserRef) -> bool:
        """Pause a queue; return whether it wasn't paused before."""
        try:
            with self._database.write() as session:
                session.add(StateRow(name=state_name(priority), value=by.username))
                write(session, by, "queue paused", priority.queue)
        except IntegrityError:
            return False
        finally:
            self._forget()
        return True

    def resume(self, priority: Priority, by: UserRef) -> bool:
        """Let a queue go on; return whether it was paused."""
        statement = delete(StateRow).where(StateRow.name == state_name(priority))
        with self._database.write() as session:
            was_paused = bool(changed(session, statement))
            if was_paused:
                write(session, by, "queue resumed", priority.queue)
        self._forget()
        return was_paused

    def _forget(self) -> None:
        with self._lock:
            self._read_at = None
