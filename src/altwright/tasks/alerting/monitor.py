"""Evaluates the alert rules, and raises and resolves alerts by what they find."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from altwright.domain.retry_policy import POLICIES, Who
from altwright.domain.task import ACTIVE, Priority
from altwright.errors import Category, RedisUnavailable
from altwright.tasks.alerting.alerts import AlertWatch
from altwright.tasks.alerting.describer_watch import DescriberWatch
from altwright.tasks.alerting.host_watch import (
    CLOCK,
    DISK,
    FRESH_S,
    KEY,
    MODEL,
    POOL,
    TROUBLES,
)
from altwright.tasks.alerting.rules import Facts, Thresholds, findings
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.cluster.worker_control import WorkerControl
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.error_classification import Source
from altwright.tasks.execution.dispatcher import STRANGE_KEYS
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.store.repair import TaskRepair
from altwright.tasks.store.running_work import RunningWork
from altwright.tasks.store.statistics import DAY_S, HOUR_S, Figures

#: Seconds between two looks at everything, and two searches for damaged rows.
LOOK_EVERY_S, SEARCH_EVERY_S = 2.0, 60.0
#: Looking may take this share of the time: under load, tasks go before statistics (9.5).
LOOKING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Watched:
    """What the rules are about."""

    figures: Figures
    work: RunningWork
    roster: Roster
    control: WorkerControl
    health: RedisHealthMonitor
    pauses: Pauses
    upkeep: RQUpkeep
    repair: TaskRepair
    state: ServiceState
    workers_expected: Callable[[], int]
    #: How many sign-ins failed lately. Raises RedisUnavailable.
    failed_sign_ins: Callable[[], int]
    describer: DescriberWatch


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
        self.thresholds = thresholds
        self._clock = clock
        self._look_at = self._search_at = -DAY_S
        self._damaged = 0

    def look(self) -> None:
        """Raise and resolve alerts, if it is time to look."""
        at = self._clock()
        if at >= self._look_at:
            try:
                is_open = self._watch.open()
                limits = self.thresholds.eased(is_open)
                self._watch.take(findings(self.facts(), limits), is_open)
                self._watch.repeat()
            finally:
                self._look_at = self._next(at, LOOK_EVERY_S)

    def facts(self) -> Facts:
        """Look at everything."""
        watched = self._watched
        queues = watched.figures.by_priority(ACTIVE)
        paused = watched.pauses.current()
        # What an administrator made wait isn't late.
        due = [queues[priority] for priority in Priority if priority not in paused]
        last_day = _administrators(watched.figures.failures(DAY_S))
        workers = sum(not worker.vanished for worker in watched.roster.all())
        set_aside = last_day.pop(Category.CORRUPT, 0)
        seen = watched.health.facts
        at = self._clock()
        noted = watched.state.fresh(TROUBLES, within_s=FRESH_S)
        database_s = self._clock() - at
        if at >= self._search_at:
            try:
                self._damaged = watched.repair.damaged()
            finally:
                self._search_at = self._next(at, SEARCH_EVERY_S)
        return Facts(
            redis_usable=watched.health.usable,
            redis_reason=watched.health.words,
            redis_full=watched.health.full,
            memory_share=seen.memory_share if seen else None,
            remarks=tuple(seen.settings_remarks()) if seen else (),
            refused_jobs=self._asked(watched.upkeep.refused),
            suspended=bool(self._asked(watched.upkeep.suspended)),
            strange_keys=self._strange_keys(),
            waiting=sum(one.waiting for one in due),
            oldest_waiting_s=max((one.oldest_waiting_s or 0.0 for one in due), default=0.0),
            dead_letters=sum(last_day.values()),
            set_aside=set_aside,
            not_set_up=last_day.get(Category.CONFIGURATION, 0),
            damaged=self._damaged,
            ended=watched.figures.ended(HOUR_S),
            failed=sum(_administrators(watched.figures.failures(HOUR_S)).values()),
            item_s=watched.figures.item_s(),
            workers=workers,
            workers_expected=watched.workers_expected(),
            stopped=() if workers else self._stopped(),
            database_s=database_s,
            pool=noted.get(POOL),
            disk=noted.get(DISK),
            clock=noted.get(CLOCK),
            key=noted.get(KEY),
            model=noted.get(MODEL),
            without_describer=watched.figures.waiting_for(Source.DESCRIBER),
            describer=watched.describer.problem,
            describer_s=watched.describer.took_s,
            stuck=tuple(sorted(one.id for one in watched.work.all(None) if one.is_stuck)),
            failed_sign_ins=self._asked(watched.failed_sign_ins) or 0,
        )

    def _stopped(self) -> tuple[str, ...]:
        """Return which workers were asked to stop, by whom and when."""
        stops = self._watched.control.stops()
        return tuple(
            f"{group.words} by {wish.by} at {wish.at:%Y-%m-%d %H:%M} UTC"
            for group, wish in sorted(stops.items())
        )

    def _next(self, began: float, every_s: float) -> float:
        """Return when to look again, so that looking takes LOOKING_SHARE of the time at most."""
        return began + max(every_s, (self._clock() - began) / LOOKING_SHARE)

    def _strange_keys(self) -> tuple[str, ...]:
        state = self._watched.state
        keys: list[str] = state.get(STRANGE_KEYS) or []
        return tuple(keys) if keys and state.age_s(STRANGE_KEYS) < HOUR_S else ()

    def _asked(self, question: Callable[[], int]) -> int | None:
        try:
            return question()
        except RedisUnavailable:
            return None


def _administrators(failures: Mapping[str, int]) -> dict[str, int]:
    """Return the failures by category without those that the tasks' users can mend."""
    users = {category for category, policy in POLICIES.items() if policy.who is Who.USER}
    return {category: count for category, count in failures.items() if category not in users}
