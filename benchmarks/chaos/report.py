"""The report of a chaos run, for people and as JSON."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.chaos.injections import Injected
from benchmarks.chaos.plan import Fault
from benchmarks.chaos.truth import History


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how many were measured, their median, the 99th percentile and the worst."""

    count: int
    median_s: float
    p99_s: float
    worst_s: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Times | None:
        """Sum up; None when there is nothing."""
        some = sorted(seconds)
        if not some:
            return None
        p99 = some[min(len(some) - 1, len(some) * 99 // 100)]
        return cls(len(some), *(round(one, 3) for one in (median(some), p99, some[-1])))

    def __str__(self) -> str:
        """Say it in a line."""
        return f"median {self.median_s:.2f} s, worst {self.worst_s:.2f} s"


@dataclass
class Report:
    """What a run did and found; ``broken`` is empty when every promise held."""

    database: str
    seed: int
    took_s: float = 0.0
    under_fire_s: float = 0.0
    users: int = 0
    accepted: int = 0
    items: int = 0
    tasks_per_s: float = 0.0
    tasks_per_s_under_fire: float = 0.0
    submits: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    answer_times: Times | None = None
    injected: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    missed: dict[str, int] = field(default_factory=dict)
    #: Fault to the longest time without a finished item from its beginning on.
    pauses: dict[str, Times] = field(default_factory=dict)
    #: Fault of Redis to the time from its end to the next claim through RQ.
    back_to_rq: dict[str, Times] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    #: From a dead attempt's last sign to when it was taken back, and to the next one's claim.
    noticed: Times | None = None
    taken_over: Times | None = None
    items_redone: int = 0
    redis_keys: dict[str, int] = field(default_factory=dict)
    ended_within_s: float = 0.0
    broken: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return everything."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report as people read it."""
        return [
            (
                f"Chaos on {self.database}, seed {self.seed}: {self.took_s:.0f} s, of which "
                f"{self.under_fire_s:.0f} s under fire"
            ),
            "",
            f"{'Injected':<48} {'times':>5}   longest pause in the work   back on RQ",
            *(self._fault(fault, count) for fault, count in self.injected.items()),
            f"  {sum(self.injected.values())} in all",
            *(f"  found nobody to hit: {what}, {n} times" for what, n in self.missed.items()),
            *(f"  SKIPPED: {what}" for what in self.skipped),
            "",
            (
                f"Tasks    {self.accepted} accepted from {self.users} users, {self.items} items; "
                f"{self.tasks_per_s:.1f} tasks/s, {self.tasks_per_s_under_fire:.1f} under fire"
            ),
            "Submits  " + _counts(self.submits),
            "Answers  " + _counts(self.answers) + f"; until one that counts: {self.answer_times}",
            "Attempts " + _counts(self.attempts),
            (
                f"The dead  noticed {self.noticed}; worked on {self.taken_over}; "
                f"items begun again: {self.items_redone} of {self.items}"
            ),
            "Redis    " + _counts(self.redis_keys),
            f"All had ended {self.ended_within_s:.1f} s after the last submit.",
            "",
            *(f"BROKEN: {what}" for what in self.broken),
            "Promises broken." if self.broken else "Every promise held.",
        ]

    def _fault(self, fault: str, count: int) -> str:
        pause, back = self.pauses.get(fault), self.back_to_rq.get(fault)
        return f"  {fault:<46} {count:>5}   {pause or '-'!s:<26}  {back or '-'}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def pauses(injected: Sequence[Injected], history: History) -> dict[str, Times]:
    """Return the longest pause between items from each fault's beginning to the first after it."""
    found: dict[str, list[float]] = {}
    at = history.effects_at
    for one in injected:
        first, after = bisect_left(at, one.began_at), bisect_left(at, one.ended_at)
        if after < len(at):
            moments = [one.began_at, *at[first : after + 1]]
            longest = max(later - earlier for earlier, later in pairwise(moments))
            found.setdefault(one.fault, []).append(longest.total_seconds())
    return _summed(found)


def back_to_rq(injected: Sequence[Injected], history: History) -> dict[str, Times]:
    """Return the time from the end of each fault of Redis to the next claim through RQ.

    Faults that another one followed before that are left out.
    """
    of_redis = sorted(
        (one for one in injected if one.lane == "redis"), key=lambda one: one.began_at
    )
    followers: list[datetime | None] = [one.began_at for one in of_redis[1:]]
    found: dict[str, list[float]] = {}
    for one, follower in zip(of_redis, [*followers, None], strict=True):
        index = bisect_left(history.from_rq_at, one.ended_at)
        if index == len(history.from_rq_at):
            continue
        claimed_at = history.from_rq_at[index]
        if follower is None or claimed_at < follower:
            found.setdefault(one.fault, []).append((claimed_at - one.ended_at).total_seconds())
    return _summed(found)


def _summed(found: dict[str, list[float]]) -> dict[str, Times]:
    times = {fault: Times.of(some) for fault, some in found.items()}
    return {fault: one for fault, one in times.items() if one is not None}


def counted(faults: Iterable[Fault]) -> dict[str, int]:
    """Count faults, in the order in which they are defined."""
    counts = Counter(faults)
    return {fault.value: counts[fault] for fault in Fault if counts[fault]}
