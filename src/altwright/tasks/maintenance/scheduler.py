"""Leader-only background loop: evaluates alert rules, trims Redis, schedules maintenance."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from altwright.background import BackgroundLoop
from altwright.domain.task import Priority
from altwright.errors import ActiveTaskExists, Category, RedisUnavailable
from altwright.tasks.alerting.alerts import AlertWatch
from altwright.tasks.alerting.notifications import Notifier
from altwright.tasks.alerting.rules import Facts, Thresholds, findings
from altwright.tasks.cluster.leases import Leases
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.maintenance.job_cleaner import RQUpkeep
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import MEMORY_ALERT, RedisHealthMonitor
from altwright.tasks.store.integrity import TaskRepair
from altwright.tasks.store.statistics import Figures

_log = logging.getLogger(__name__)

#: The role's name in the table of leases, and the seconds after which another takes over.
ROLE, ROLE_S = "caretaker", 5.0
#: Seconds between two passes, two looks at everything, and two searches for damaged rows.
EVERY_S, LOOK_EVERY_S, SEARCH_EVERY_S = 1.0, 2.0, 60.0
#: Looking may take this share of the time: under load, tasks go before statistics (9.5).
LOOKING_SHARE = 0.05
#: Seconds between two purges of RQ's old results while memory is short.
PURGE_EVERY_S = 10.0
HOUR_S, DAY_S = 3600.0, 86_400.0
#: The row of service_state that says when maintenance was last submitted, and its kind.
MAINTAINED, MAINTENANCE = "maintained", "maintenance"


@dataclass(frozen=True, slots=True)
class Watched:
    """What the caretaker looks at."""

    leases: Leases
    state: ServiceState
    figures: Figures
    roster: Roster
    health: RedisHealthMonitor
    queue: RQQueueManager
    upkeep: RQUpkeep
    repair: TaskRepair
    workers_expected: Callable[[], int]


class Caretaker:
    """Runs in every process; a lease in the database lets one act."""

    def __init__(
        self,
        watched: Watched,
        watch: AlertWatch,
        notifier: Notifier,
        thresholds: Thresholds,
        *,
        owner: str,
        maintenance_every_s: float,
        always: Sequence[Callable[[], None]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``always``, which is done in each pass of every process."""
        self._watched = watched
        self._watch = watch
        self._notifier = notifier
        self._thresholds = thresholds
        self._owner = owner
        self._maintenance_every_s = maintenance_every_s
        self._always = always
        self._clock = clock
        self._look_at = self._search_at = self._purge_at = self._maintain_at = -DAY_S
        self._damaged = 0
        #: Competes for the role, and gives it up at the end.
        self.loop = BackgroundLoop("caretaker", self.tick, every_s=EVERY_S, at_end=self._release)

    def _release(self) -> None:
        self._watched.leases.release([ROLE], self._owner)

    def tick(self) -> bool:
        """Do one pass; return whether this process holds the role."""
        for call in self._always:
            call()
        if not self._watched.leases.hold(ROLE, self._owner, ROLE_S):
            return False
        at = self._clock()
        if at >= self._look_at:
            self._watch.take(findings(self.facts(), self._thresholds))
            took_s = self._clock() - at
            self._look_at = at + max(LOOK_EVERY_S, took_s / LOOKING_SHARE)
        self._notifier.loop.wake()
        self._keep_redis_small(at)
        self._submit_maintenance(at)
        return True

    def facts(self) -> Facts:
        """Look at everything."""
        watched = self._watched
        queues = watched.figures.by_priority()
        paused = watched.queue.pauses.current()
        # What an administrator made wait isn't late.
        due = [queues[priority] for priority in Priority if priority not in paused]
        last_day = watched.figures.failures(DAY_S)
        set_aside = last_day.pop(Category.CORRUPT, 0)
        seen = watched.health.facts
        at = self._clock()
        if at >= self._search_at:
            self._damaged = watched.repair.damaged()
            took_s = self._clock() - at
            self._search_at = at + max(SEARCH_EVERY_S, took_s / LOOKING_SHARE)
        return Facts(
            redis_usable=watched.health.usable,
            redis_reason=watched.health.words,
            redis_full=watched.health.full,
            memory_share=seen.memory_share if seen else None,
            remarks=tuple(seen.settings_remarks()) if seen else (),
            refused_jobs=self._refused_jobs(),
            waiting=sum(one.waiting for one in due),
            oldest_waiting_s=max((one.oldest_waiting_s or 0.0 for one in due), default=0.0),
            dead_letters=sum(last_day.values()),
            set_aside=set_aside,
            not_set_up=last_day.get(Category.CONFIGURATION, 0),
            damaged=self._damaged,
            ended=watched.figures.ended(HOUR_S),
            failed=sum(watched.figures.failures(HOUR_S).values()),
            item_s=watched.figures.item_s(HOUR_S),
            workers=sum(not worker.vanished for worker in watched.roster.all()),
            workers_expected=watched.workers_expected(),
        )

    def _refused_jobs(self) -> int | None:
        try:
            return self._watched.upkeep.refused()
        except RedisUnavailable:
            return None

    def _keep_redis_small(self, at: float) -> None:
        """Purge RQ's old results while memory is short (requirement 6.7)."""
        seen = self._watched.health.facts
        short = self._watched.health.full or (
            seen is not None and (seen.memory_share or 0.0) > MEMORY_ALERT
        )
        if not short or at < self._purge_at:
            return
        self._purge_at = at + PURGE_EVERY_S
        try:
            removed = self._watched.upkeep.purge()
            if removed:
                _log.warning("redis is short of memory; old jobs removed: %s", removed)
                self._watched.health.look()
        except RedisUnavailable as error:
            _log.warning("old jobs not removed: %s", error)

    def _submit_maintenance(self, at: float) -> None:
        """Submit a maintenance task when the last one was long enough ago (requirement 2.5)."""
        if at < self._maintain_at or MAINTENANCE not in self._watched.queue.kinds:
            return
        self._maintain_at = at + min(60.0, self._maintenance_every_s)
        if self._watched.state.age_s(MAINTAINED) < self._maintenance_every_s:
            return
        self._watched.state.set(MAINTAINED, self._owner)
        with suppress(ActiveTaskExists):  # the last one takes its time
            self._watched.queue.submit(MAINTENANCE, user=None)
