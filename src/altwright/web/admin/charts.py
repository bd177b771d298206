"""What the dashboard's charts show: series of numbers over a period, each a table as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altwright.domain.counting import duration
from altwright.domain.task import Priority

Value = float | None
Point = Mapping[str, Any]


def _count(value: float) -> str:
    return f"{value:,.10g}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 10 else duration(value)  # noqa: PLR2004 - digits that say something


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _megabytes(value: float) -> str:
    return f"{value / 2**20:,.1f} MB"


#: How a number of each unit reads; charts.js has the same for its axes.
UNITS: dict[str, Callable[[float], str]] = {
    "count": _count,
    "seconds": _seconds,
    "share": _share,
    "bytes": _megabytes,
}


def worded(value: Value, unit: str) -> str:
    """Return a number as it reads; "—" for what nobody knows."""
    return "—" if value is None else UNITS[unit](value)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; each series is a name with what it takes of a point."""

    id: str
    title: str
    unit: str
    series: Sequence[tuple[str, Callable[[Point], Value]]]
    note: str = ""

    def rows(self, points: Sequence[Point]) -> Iterator[tuple[str, list[Value]]]:
        """Yield each point's instant and values."""
        for point in points:
            yield point["at"], [take(point) for _, take in self.series]


def _of(name: str) -> Callable[[Point], Value]:
    return lambda point: point[name]


def _times(name: str) -> tuple[tuple[str, Callable[[Point], Value]], ...]:
    return (
        ("Median", lambda point: point[name]["median"]),
        ("95th percentile", lambda point: point[name]["p95"]),
    )


def _waiting(queue: str) -> Callable[[Point], Value]:
    return lambda point: point["waiting"][queue]


#: In the order of the page.
CHARTS = (
    Chart(
        "ended",
        "Tasks that ended",
        "count",
        (
            ("Completed", _of("completed")),
            ("Failed", _of("failed")),
            ("Cancelled", _of("cancelled")),
        ),
    ),
    Chart(
        "waiting",
        "Tasks waiting",
        "count",
        [(one.queue.capitalize(), _waiting(one.queue)) for one in Priority],
        "As it was at the end of each minute; the mean of these for longer stretches.",
    ),
    Chart("waited", "Time before the start", "seconds", _times("waited_s")),
    Chart("took", "Time from start to end", "seconds", _times("took_s"), "Pauses included."),
    Chart(
        "success",
        "Share that completed",
        "share",
        (("Completed, of those that weren't cancelled", _of("success_rate")),),
    ),
    Chart(
        "workers",
        "Workers and running tasks",
        "count",
        (("Workers", _of("workers")), ("Running tasks", _of("running"))),
    ),
    Chart("oldest", "Oldest waiting task", "seconds", (("Age", _of("oldest_waiting_s")),)),
    Chart(
        "away",
        "Share of the time without Redis",
        "share",
        (("Delivered by the database", _of("without_redis")),),
    ),
    Chart("redis", "Memory of Redis", "bytes", (("Most used", _of("redis_bytes")),)),
)
