"""Notifier: tells workers that something waits in the database, here and in other processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import text

from altwright.background import BackgroundLoop
from altwright.db.session import Database
from altwright.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

#: PostgreSQL's channel; channels belong to one database.
CHANNEL = "altwright_work"
#: Seconds that the listener waits before it looks whether it should end, and between two tries
#: to reach the database.
LISTEN_S, RETRY_S = 0.5, 1.0
#: Seconds between two looks at what waits, for databases that carry no wake-ups.
LOOK_S = 0.05


class WorkWaits:
    """What idle workers of a process wait on; a wake-up that comes before the wait counts too."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.count = 0

    def notify_all(self) -> None:
        """Wake every worker."""
        with self._condition:
            self.count += 1
            self._condition.notify_all()

    def wait(self, since: int, timeout_s: float) -> bool:
        """Wait for a wake-up after the one numbered ``since``; return whether one came in time."""
        with self._condition:
            return self._condition.wait_for(lambda: self.count != since, timeout_s)


class Messenger:
    """Carries wake-ups to other processes, over LISTEN and NOTIFY where that is PostgreSQL.

    On the other databases it looks what waits first, and wakes when that has changed. Workers ask
    every DATABASE_POLL_MOST_S seconds at the latest: a wake-up that gets lost costs no more.
    """

    def __init__(
        self,
        database: Database,
        waits: WorkWaits,
        first_waiting: Callable[[], object] = lambda: None,
    ) -> None:
        """Take what says which task waits first; None: there is none, or RQ delivers it."""
        self._database = database
        self._first_waiting = first_waiting
        self._seen: object = None
        self.waits = waits
        #: Whether this database can carry them.
        self.speaks = database.engine.dialect.name == "postgresql"
        # It listens until that breaks off, and again after RETRY_S.
        step, every_s = (self._hear, RETRY_S) if self.speaks else (self._look, LOOK_S)
        self.loop = BackgroundLoop("wake-ups", step, every_s=every_s)
        #: Whether wake-ups of other processes are heard now.
        self.listening = False

    def tell(self) -> None:
        """Wake the workers of every process that listens."""
        if not self.speaks:
            return
        try:
            with self._database.begin_one() as connection:
                connection.execute(text(f"NOTIFY {CHANNEL}"))
        except DatabaseUnavailable as error:
            _log.warning("other processes not woken: %s", error)

    def _look(self) -> None:
        try:
            first = self._first_waiting()
        except DatabaseUnavailable:
            return  # workers say so
        if first is not None and first != self._seen:
            self.waits.notify_all()
        self._seen = first

    def _hear(self) -> None:
        try:
            with closing(self._connected()) as connection:
                self._listen(connection)
        except self._database.engine.dialect.loaded_dbapi.Error as error:
            _log.warning("wake-ups not heard: %s", type(error).__name__)
        finally:
            self.listening = False

    def _connected(self) -> Any:
        engine = self._database.engine
        arguments, options = engine.dialect.create_connect_args(engine.url)
        # Not of the pool: it is held for the life of the process, and tasks need the others.
        return engine.dialect.loaded_dbapi.connect(
            *arguments, **options, autocommit=True, connect_timeout=5
        )

    def _listen(self, connection: Any) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self.listening = True
        self.waits.notify_all()  # what came before nobody has heard
        while not self.loop.stopping:
            for _ in connection.notifies(timeout=LISTEN_S, stop_after=1):
                self.waits.notify_all()
