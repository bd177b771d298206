"""Schedules maintenance, and purges old jobs while Redis is short of memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from altwright.errors import ActiveTaskExists, RedisUnavailable
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import MEMORY_ALERT, RedisHealthMonitor
from altwright.tasks.rq.job_cleaner import RQUpkeep

_log = logging.getLogger(__name__)

#: Seconds between two purges of RQ's old results while memory is short.
PURGE_EVERY_S = 10.0
#: Seconds between two looks whether maintenance is due.
LOOK_EVERY_S = 60.0
#: The row of service_state that says when maintenance was last submitted, and its kind.
MAINTAINED, MAINTENANCE = "maintained", "maintenance"


class MaintenanceScheduler:
    """One process of the cluster does so."""

    def __init__(
        self,
        state: ServiceState,
        queue: RQQueueManager,
        health: RedisHealthMonitor,
        upkeep: RQUpkeep,
        *,
        owner: str,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the name of this process, and the seconds between two maintenance tasks."""
        self._state = state
        self._queue = queue
        self._health = health
        self._upkeep = upkeep
        self._owner = owner
        self.every_s = every_s
        self._clock = clock
        self._purge_at = self._look_at = clock()

    def tick(self) -> None:
        """Do what is due."""
        at = self._clock()
        self._keep_redis_small(at)
        self._look_after(at)

    def _keep_redis_small(self, at: float) -> None:
        """Purge RQ's old results while memory is short (requirement 6.7)."""
        seen = self._health.facts
        short = self._health.full or (
            seen is not None and (seen.memory_share or 0.0) > MEMORY_ALERT
        )
        if not short or at < self._purge_at:
            return
        self._purge_at = at + PURGE_EVERY_S
        try:
            removed = self._upkeep.purge()
            if removed:
                _log.warning("redis is short of memory; old jobs removed: %s", removed)
                self._health.look()
        except RedisUnavailable as error:
            _log.warning("old jobs not removed: %s", error)

    def _look_after(self, at: float) -> None:
        """Submit a maintenance task when the last one was long enough ago (requirement 2.5)."""
        if at < self._look_at:
            return
        self._look_at = at + min(LOOK_EVERY_S, self.every_s)
        with suppress(RedisUnavailable):
            self._upkeep.set_aside_abandoned()
        if MAINTENANCE not in self._queue.kinds:
            return
        if self._state.age_s(MAINTAINED) < self.every_s:
            return
        with suppress(ActiveTaskExists):  # the last one takes its time
            self._queue.submit(MAINTENANCE, user=None)
        self._state.set(MAINTAINED, self._owner)
