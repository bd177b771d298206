"""Evaluates the alert rules, and raises and resolves alerts by what they find."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from altwright.tasks.alerting.alerts import AlertWatch
from altwright.tasks.alerting.rules import Thresholds, findings
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.maintenance.job_cleaner import RQUpkeep
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.integrity import TaskRepair
from altwright.tasks.store.statistics import Figures

#: Seconds between two looks at everything, and two searches for damaged rows.
LOOK_EVERY_S, SEARCH_EVERY_S = 2.0, 60.0
#: Looking may take this share of the time: under load, tasks go before statistics (9.5).
LOOKING_SHARE = 0.05
HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What the rules are about."""

    figures: Figures
    roster: Roster
    health: RedisHealthMonitor
    pauses: Pauses
    upkeep: RQUpkeep
    repair: TaskRepair
    workers_expected: Callable[[], int]


class AlertMonitor:
    """Looks at everything now and then; one process of the cluster does so."""

    def __init__(
        self,
        watched: Watched,
        watch: AlertWatch,
        thresholds: Thresholds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watched = watched
        self._watch = watch
        self._thresholds = thresholds
        self._clock = clock
        self._look_at = self._search_at = -DAY_S
        self._damaged = 0

    def look(self) -> None:
        """Raise and resolve alerts, if it is time to look."""
        at = self._clock()
        if at >= self._look_at:
            self._watch.take(findings(self.facts(), self._thresholds))
            took_s = self._clock() - at
            self._look_at = at + max(LOOK_EVERY_S, took_s / LOOKING_SHARE)


FACTS
