"""A pool of worker processes under a supervisor, which grows and shrinks with what waits."""

from __future__ import annotations

import logging
import time
from functools import partial

from altwright.config import Settings
from altwright.db.session import Database, make_engine
from altwright.errors import DatabaseUnavailable
from altwright.processes.autoscale import Autoscale
from altwright.processes.supervisor import Child, OnReload, Supervisor, python
from altwright.tasks.store.backlog_pressure import pressure

_log = logging.getLogger(__name__)

#: Seconds between two questions to the database.
SCALE_EVERY_S = 1.0
#: Seconds that a child gets beyond the time of running tasks before it is killed.
STOP_SPARE_S = 15.0
_NAME = "worker "


class WorkerPool:
    """Adds worker processes to a supervisor and retires them."""

    def __init__(self, settings: Settings, options: list[str], scale: Autoscale) -> None:
        """Take options of `altwright worker`."""
        self._database = Database(make_engine(settings.resolved_database_url, pool_size=1))
        self._scale = scale
        self._make_child = partial(worker_child, settings, options)
        self._looked_at = -SCALE_EVERY_S

    def look(self, supervisor: Supervisor) -> None:
        """Bring the number of processes to what is wanted; called often, looks when due."""
        at = time.monotonic()
        if at - self._looked_at < SCALE_EVERY_S:
            return
        self._looked_at = at
        there = [child for child in supervisor.children if child.name.startswith(_NAME)]
        try:
            wanted = self._scale.wanted(len(there), pressure(self._database))
        except DatabaseUnavailable as error:
            _log.warning("the number of worker processes stays: %s", error)
            return
        if wanted == len(there):
            return
        _log.info("worker processes: %s, wanted %s", len(there), wanted)
        # Names that are free, so that each is of one process in the status and in the log.
        taken = {child.name for child in supervisor.children}
        numbers = (number for number in range(1, 1000) if f"{_NAME}{number}" not in taken)
        for _ in range(wanted - len(there)):
            supervisor.add(self._make_child(next(numbers)))
        for child in there[wanted:]:
            supervisor.retire(child)


def worker_child(settings: Settings, options: list[str], number: int) -> Child:
    """Return the worker process of a number, with options of `altwright worker`."""
    return Child(
        f"{_NAME}{number}",
        python("altwright", "worker", *options),
        stop_s=settings.rq_shutdown_timeout + STOP_SPARE_S,
        on_reload=OnReload.RESTART,
    )
