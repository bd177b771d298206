"""Tells administrators of a database that is away: no alert can be kept there meanwhile."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from altwright.db.session import utcnow
from altwright.domain.worker import host_name
from altwright.errors import DatabaseUnavailable, RedisUnavailable
from altwright.tasks.alerting.alerts import RAISED, Alert, AlertBook
from altwright.tasks.alerting.notifications import Notifier
from altwright.tasks.alerting.rules import PATIENCE_S, QUIET_OF, database_down
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import DATABASE_ALERT_KEY

_log = logging.getLogger(__name__)

#: Seconds after which, in an outage, a process that starts anew may tell of it once more.
TOLD_S = 3600


class DatabaseWatch:
    """Every process hears how its questions fare; one of them tells, and one writes it down later.

    Which one tells: the first to say so in Redis, and while that is away, too, the first on each
    host. Which one writes it down: the first that sees it back.
    """

    def __init__(
        self,
        book: AlertBook,
        notifier: Notifier,
        health: RedisHealthMonitor,
        lock: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the file that a process of this host locks to be the one that tells."""
        self._book = book
        self._notifier = notifier
        self._health = health
        self._lock = lock
        self._clock = clock
        self._locked: IO[str] | None = None
        self._wrong_since: tuple[float, datetime] | None = None
        self._right_since: float | None = None
        self._is_told = self._is_mine = False
        self._alert: Alert | None = None

    def heard(self, error: DatabaseUnavailable | None) -> None:
        """Take in how a question to the database fared. Raises DatabaseUnavailable."""
        at = self._clock()
        if error is None:
            self._right(at)
            return
        self._right_since = None
        began, since = self._wrong_since = self._wrong_since or (at, utcnow())
        if not self._is_told and at - began >= PATIENCE_S["database_down"]:
            self._is_told, self._is_mine = True, self._is_first()
            self._tell(error, since)
        self._notifier.retry_now()

    def _tell(self, error: DatabaseUnavailable, since: datetime) -> None:
        finding = database_down(host_name(), str(error))
        self._alert = Alert(0, finding.name, finding.severity, finding.message, since, None)
        _log.error("alert %s: %s", finding.name, finding.message)
        if self._is_mine:
            self._notifier.tell_now(RAISED, self._alert)

    def _right(self, at: float) -> None:
        if self._wrong_since is None:
            return
        self._right_since = at if self._right_since is None else self._right_since
        if self._is_told and at - self._right_since < QUIET_OF["database_down"]:
            return
        if self._alert is not None:
            began, _ = self._wrong_since
            # Whoever is first, since who told may have ended meanwhile. Of those who didn't tell,
            # none writes what somebody has since the beginning; who told has an end of its own.
            since = self._right_since if self._is_mine else began
            self._notifier.forget_now()
            self._book.record(self._alert, at - since)  # if it goes away here again, all stays so
            self._give_up()
        self._wrong_since = self._right_since = self._alert = None
        self._is_told = self._is_mine = False

    def _is_first(self) -> bool:
        try:
            with self._health.guarded() as client:
                return bool(client.set(DATABASE_ALERT_KEY, host_name(), nx=True, ex=TOLD_S))
        except RedisUnavailable:
            return self._is_first_here()

    def _is_first_here(self) -> bool:
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("w")
        except OSError:
            return True  # told twice rather than not at all
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._locked = file
        return True

    def _give_up(self) -> None:
        if self._locked is not None:
            self._locked.close()
            self._locked = None
            return
        with suppress(RedisUnavailable), self._health.guarded() as client:
            client.delete(DATABASE_ALERT_KEY)
