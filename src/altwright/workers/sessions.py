"""WorkerSessionManager: a task's database connections end with it, whatever happened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, event

_log = logging.getLogger(__name__)


class WorkerSessionManager:
    """Counts the connections that each thread has taken from the pool (requirement 6.8)."""

    def __init__(
        self,
        engine: Engine,
        app_context: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Take Flask's ``app.app_context``, in which tasks run (requirement 3.6)."""
        self._app_context = app_context
        self._local = threading.local()
        event.listen(engine, "checkout", self._taken)
        event.listen(engine, "checkin", self._returned)

    @contextmanager
    def task(self) -> Iterator[None]:
        """Surround the work on one task."""
        with self._app_context():
            try:
                yield
            finally:
                self._close_leftovers()

    def _held(self) -> dict[int, Any]:
        if not hasattr(self._local, "held"):
            self._local.held = {}
        held: dict[int, Any] = self._local.held
        return held

    def _taken(self, _connection: Any, record: Any, proxy: Any) -> None:
        self._held()[id(record)] = proxy

    def _returned(self, _connection: Any, record: Any) -> None:
        self._held().pop(id(record), None)

    def _close_leftovers(self) -> None:
        for proxy in list(self._held().values()):
            _log.error("a task left a database connection open; it is closed now")
            proxy.close()
