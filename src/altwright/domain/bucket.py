"""What happened in a stretch of time: ends of tasks, and how the service stood meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from altwright.domain.histogram import Histogram
from altwright.domain.task import Delivery, Priority, Status

#: The states in which a task ends.
ENDS = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
#: When EVER began.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(StrEnum):
    """How long a stretch is. EVER is one that begins with the first task and never ends."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    EVER = "ever"

    def begin_of(self, at: datetime) -> datetime:
        """Return when the stretch began that an instant lies in (days are UTC's)."""
        match self:
            case Span.MINUTE:
                return at.replace(second=0, microsecond=0)
            case Span.HOUR:
                return at.replace(minute=0, second=0, microsecond=0)
            case Span.DAY:
                return at.replace(hour=0, minute=0, second=0, microsecond=0)
            case Span.EVER:
                return EPOCH


#: How long a stretch of each kind lasts, and is kept.
LENGTH = {
    Span.MINUTE: timedelta(minutes=1),
    Span.HOUR: timedelta(hours=1),
    Span.DAY: timedelta(days=1),
}
KEPT = {
    Span.MINUTE: timedelta(hours=3),
    Span.HOUR: timedelta(days=8),
    Span.DAY: timedelta(days=731),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ended. ``waited_s``: before its first attempt; ``took_s``: from then on."""

    priority: Priority
    status: Status
    waited_s: float | None
    took_s: float | None


@dataclass(slots=True)
class OfPriority:
    """Tasks of one priority: those that ended, and the sums of what each look at it saw."""

    ended: Counter[Status] = field(default_factory=Counter)
    waiting: int = 0
    running: int = 0
    oldest_waiting_s: float = 0.0
    waited: Histogram = field(default_factory=Histogram)
    took: Histogram = field(default_factory=Histogram)

    def to_json(self) -> dict[str, Any]:
        """Return what there is to keep; nothing of what is zero."""
        kept: dict[str, Any] = {
            **{status.value: self.ended[status] for status in ENDS},
            "waiting": self.waiting,
            "running": self.running,
            "oldest_waiting_s": round(self.oldest_waiting_s, 1),
            "waited": self.waited.to_json(),
            "took": self.took.to_json(),
        }
        return {name: value for name, value in kept.items() if value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what ``to_json`` wrote."""
        return cls(
            ended=Counter({one: kept[one.value] for one in ENDS if one.value in kept}),
            waiting=kept.get("waiting", 0),
            running=kept.get("running", 0),
            oldest_waiting_s=kept.get("oldest_waiting_s", 0.0),
            waited=Histogram.from_json(kept.get("waited", {})),
            took=Histogram.from_json(kept.get("took", {})),
        )

    def merge(self, other: OfPriority) -> None:
        """Take what another stretch saw as well."""
        self.ended.update(other.ended)
        self.waiting += other.waiting
        self.running += other.running
        self.oldest_waiting_s = max(self.oldest_waiting_s, other.oldest_waiting_s)
        self.waited.merge(other.waited)
        self.took.merge(other.took)


@dataclass(slots=True)
class Bucket:
    """One stretch of time.

    ``looks``: how often somebody looked how the service stood; 0 is a gap. ``workers`` and the
    numbers of waiting and running tasks are sums over the looks. ``without_redis``: looks at which
    the database delivered tasks. ``redis_bytes``: the most that was seen.
    """

    priorities: dict[Priority, OfPriority] = field(
        default_factory=lambda: {priority: OfPriority() for priority in Priority}
    )
    looks: int = 0
    workers: int = 0
    without_redis: int = 0
    redis_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return what there is to keep."""
        queues = {one.queue: part.to_json() for one, part in self.priorities.items()}
        kept: dict[str, Any] = {
            "looks": self.looks,
            "workers": self.workers,
            "without_redis": self.without_redis,
            "redis_bytes": self.redis_bytes,
            **queues,
        }
        return {name: value for name, value in kept.items() if value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what ``to_json`` wrote; what a newer version wrote besides is left out."""
        numbers = ("looks", "workers", "without_redis", "redis_bytes")
        priorities = {one: OfPriority.from_json(kept.get(one.queue, {})) for one in Priority}
        return cls(priorities, **{name: kept.get(name, 0) for name in numbers})

    def count(self, task: Ended) -> None:
        """Take a task in that ended."""
        part = self.priorities[task.priority]
        part.ended[task.status] += 1
        if task.waited_s is not None:
            part.waited.add(task.waited_s)
        if task.took_s is not None:
            part.took.add(task.took_s)

    def look(
        self,
        priority: Priority,
        *,
        waiting: int,
        running: int,
        oldest_waiting_s: float,
    ) -> None:
        """Take in how a queue stands; once for each priority, and then ``looks`` is raised."""
        part = self.priorities[priority]
        part.waiting += waiting
        part.running += running
        part.oldest_waiting_s = max(part.oldest_waiting_s, oldest_waiting_s)

    def look_around(self, *, workers: int, delivery: Delivery, redis_bytes: int) -> None:
        """Take in how the service stands."""
        self.looks += 1
        self.workers += workers
        self.without_redis += delivery is Delivery.DATABASE
        self.redis_bytes = max(self.redis_bytes, redis_bytes)

    def merge(self, other: Bucket) -> None:
        """Take what another stretch saw as well."""
        for priority, part in self.priorities.items():
            part.merge(other.priorities[priority])
        self.looks += other.looks
        self.workers += other.workers
        self.without_redis += other.without_redis
        self.redis_bytes = max(self.redis_bytes, other.redis_bytes)

    @classmethod
    def sum(cls, buckets: Iterable[Bucket]) -> Self:
        """Return what several stretches saw, as one."""
        total = cls()
        for bucket in buckets:
            total.merge(bucket)
        return total

    def all(self) -> OfPriority:
        """Return the parts of all priorities as one."""
        every = OfPriority()
        for part in self.priorities.values():
            every.merge(part)
        return every
