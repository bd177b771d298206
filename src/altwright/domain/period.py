"""The last hour, day and month as charts show them: points, and sums over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from altwright.domain.bucket import ENDS, LENGTH, Bucket, OfPriority, Span
from altwright.domain.histogram import Histogram
from altwright.domain.task import Priority, Status

#: The quantiles that are shown of waiting and processing times.
MEDIAN, HIGH = 0.5, 0.95


class Period(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def span(self) -> Span:
        """Return the length of one of its points."""
        return {Period.HOUR: Span.MINUTE, Period.DAY: Span.HOUR, Period.MONTH: Span.DAY}[self]

    @property
    def points(self) -> int:
        """Return how many points it has, the one that goes on still included."""
        return {Period.HOUR: 60, Period.DAY: 24, Period.MONTH: 30}[self]

    def begin_of(self, at: datetime) -> datetime:
        """Return when its first point begins if it ends at ``at``."""
        return self.span.begin_of(at) - (self.points - 1) * LENGTH[self.span]


def timeline(period: Period, at: datetime, buckets: Mapping[datetime, Bucket]) -> dict[str, Any]:
    """Return a period as the REST API shows it: its sums by queue and in all, and its points."""
    begin, length = period.begin_of(at), LENGTH[period.span]
    begins = [begin + number * length for number in range(period.points)]
    total = Bucket.sum(buckets[one] for one in begins if one in buckets)
    return {
        "period": period.value,
        "since": begin.isoformat(),
        "until": at.isoformat(),
        "point_s": length.total_seconds(),
        "all": _sums(total.all()),
        "queues": {one.queue: _sums(part) for one, part in total.priorities.items()},
        "points": [_point(one, buckets.get(one) or Bucket()) for one in begins],
    }


def _sums(part: OfPriority) -> dict[str, Any]:
    return {
        **{status.value: part.ended[status] for status in ENDS},
        "success_rate": success_rate(part),
        "waited_s": _times(part.waited),
        "took_s": _times(part.took),
    }


def success_rate(part: OfPriority) -> float | None:
    """Return the share of completed tasks of those that weren't cancelled; None: there are none."""
    tried = part.ended[Status.COMPLETED] + part.ended[Status.FAILED]
    return round(part.ended[Status.COMPLETED] / tried, 4) if tried else None


def _times(counted: Histogram) -> dict[str, float | None]:
    return {
        "median": _rounded(counted.quantile_s(MEDIAN)),
        "p95": _rounded(counted.quantile_s(HIGH)),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _point(begin: datetime, bucket: Bucket) -> dict[str, Any]:
    """Return one point; what nobody looked at is None."""
    every = bucket.all()

    def mean(total: int) -> float | None:
        return round(total / bucket.looks, 2) if bucket.looks else None

    return {
        "at": begin.isoformat(),
        **_sums(every),
        "waiting": {one.queue: mean(bucket.priorities[one].waiting) for one in Priority},
        "running": mean(every.running),
        "oldest_waiting_s": every.oldest_waiting_s if bucket.looks else None,
        "workers": mean(bucket.workers),
        "without_redis": mean(bucket.without_redis),
        "redis_bytes": bucket.redis_bytes if bucket.looks else None,
    }
