"""A pool of worker processes under a supervisor, which grows and shrinks with what waits."""

from __future__ import annotations

import logging
import time
from functools import partial

from altwright.config import Settings
from altwright.db.session import Database, make_engine
from altwright.domain.worker import host_name
from altwright.errors import DatabaseUnavailable
from altwright.processes.autoscale import Autoscale
from altwright.processes.supervisor import Child, OnReload, Supervisor, python
from altwright.tasks.cluster.worker_control import POOL, Group, PoolSize, Wish, WorkerControl
from altwright.tasks.store.backlog_pressure import pressure

_log = logging.getLogger(__name__)

#: Seconds between two questions to the database.
SCALE_EVERY_S = 1.0
#: Seconds after which a pool says again how large it is, though that hasn't changed.
NOTE_EVERY_S = 10.0
#: Seconds that a child gets beyond the time of running tasks before it is killed.
STOP_SPARE_S = 15.0
_NAME = "worker "


class WorkerPool:
    """Adds worker processes to a supervisor, retires and replaces them."""

    def __init__(self, settings: Settings, options: list[str], scale: Autoscale) -> None:
        """Take options of `altwright worker`."""
        self._database = Database(make_engine(settings.resolved_database_url, pool_size=1))
        self._control = WorkerControl(self._database)
        self._group = Group(POOL, host_name())
        self._scale = scale
        self._configured = scale.least, scale.most
        self._make_child = partial(worker_child, settings, options)
        self._looked_at = -SCALE_EVERY_S
        self._again: Wish | None = None
        self._has_looked = False
        self._noted: tuple[PoolSize | None, float] = (None, 0.0)

    def look(self, supervisor: Supervisor) -> None:
        """Bring the processes to what is wanted; called often, looks when due."""
        at = time.monotonic()
        if at - self._looked_at < SCALE_EVERY_S:
            return
        self._looked_at = at
        there = [child for child in supervisor.children if child.name.startswith(_NAME)]
        try:
            self._follow(supervisor, there)
            wanted = self._wanted(len(there))
            self._note(wanted, at)
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

    def close(self) -> None:
        """Say that the pool has ended."""
        try:
            self._control.pool_gone(self._group.host)
        except DatabaseUnavailable as error:
            _log.warning("the end of the pool isn't noted: %s", error)
        self._database.close()

    def _follow(self, supervisor: Supervisor, there: list[Child]) -> None:
        """Take up what administrators want; what was wanted before the start is done."""
        wishes = self._control.wishes(self._group)
        scale = wishes.scale
        self._scale.between(*((scale.least, scale.most) if scale else self._configured))
        if self._has_looked and wishes.again and wishes.again != self._again:
            _log.info("worker processes are replaced in turn: asked for by %s", wishes.again.by)
            supervisor.replace(there)
        self._again, self._has_looked = wishes.again, True

    def _wanted(self, there: int) -> int:
        if self._scale.is_fixed:
            return self._scale.least
        return self._scale.wanted(there, pressure(self._database))

    def _note(self, there: int, at: float) -> None:
        size = PoolSize(self._group.host, there, self._scale.least, self._scale.most)
        before, noted_at = self._noted
        if size != before or at - noted_at >= NOTE_EVERY_S:
            self._control.note_pool(size)
            self._noted = size, at


def worker_child(settings: Settings, options: list[str], number: int) -> Child:
    """Return the worker process of a number, with options of `altwright worker`."""
    return Child(
        f"{_NAME}{number}",
        python("altwright", "worker", "--in-pool", *options),
        stop_s=settings.rq_shutdown_timeout + STOP_SPARE_S,
        on_reload=OnReload.RESTART,
    )
