"""Writes statistics over time: once a minute, from what the tasks' own rows say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from altwright.domain.bucket import LENGTH, Bucket, Span
from altwright.domain.task import ACTIVE, Delivery
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.time_series import SETTLED, Series

#: Seconds between two looks whether a minute is over.
LOOK_EVERY_S = 5.0
#: Recording may take this share of the time: under load, tasks go before statistics (9.5).
RECORDING_SHARE = 0.02
#: Minutes that are counted in one round; a leader that was away has the others wait.
ROUND_MINUTES = 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the statistics are made of."""

    series: Series
    figures: Figures
    roster: Roster
    health: RedisHealthMonitor


class StatisticsRecorder:
    """One process of the cluster does so.

    What ended is counted from the tasks' rows, so it is right for minutes in which nobody was
    there to count; how the service stood in those stays unknown.
    """

    def __init__(self, recorded: Recorded, clock: Callable[[], float] = time.monotonic) -> None:
        self._recorded = recorded
        self._clock = clock
        self._record_at = clock()

    def tick(self) -> None:
        """Count the minutes that are over, if it is time to look."""
        began = self._clock()
        if began < self._record_at:
            return
        try:
            self.record()
        finally:
            took_s = self._clock() - began
            self._record_at = began + max(LOOK_EVERY_S, took_s / RECORDING_SHARE)

    def record(self) -> int:
        """Count minutes that are over; return how many."""
        series = self._recorded.series
        at = series.database.now()
        latest = Span.MINUTE.begin_of(at - SETTLED) - LENGTH[Span.MINUTE]
        count = 0
        for minute in islice(series.unsettled(at), ROUND_MINUTES):
            bucket = series.ended(minute, minute + LENGTH[Span.MINUTE])
            if minute == latest:
                self._look(bucket)
            count += series.add(minute, bucket)
        return count

    def _look(self, bucket: Bucket) -> None:
        for priority, queue in self._recorded.figures.by_priority(ACTIVE).items():
            bucket.look(
                priority,
                waiting=queue.waiting + queue.delayed,
                running=queue.running,
                oldest_waiting_s=queue.oldest_waiting_s or 0.0,
            )
        health = self._recorded.health
        bucket.look_around(
            workers=len(self._recorded.roster.alive()),
            delivery=Delivery.RQ if health.takes_jobs else Delivery.DATABASE,
            redis_bytes=health.facts.used_bytes if health.facts and health.usable else 0,
        )
