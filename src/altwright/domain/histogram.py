"""Durations counted between fixed bounds, so that two counts can be put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Self

#: Bounds lie LEAST_S * 2 ** (n / STEPS) apart: a quantile is at most 19 % off. LAST is 12 days.
LEAST_S, STEPS, LAST = 0.0625, 4, 96


def bound_s(index: int) -> float:
    """Return the upper bound, in seconds, of what is counted under ``index``."""
    return float(LEAST_S * 2 ** (index / STEPS))


class Histogram:
    """How many durations lie below each bound and above the one before; and their sum."""

    def __init__(self, counts: Mapping[int, int] | None = None, total_s: float = 0.0) -> None:
        self.counts: Counter[int] = Counter(counts or {})
        self.total_s = total_s

    @classmethod
    def from_json(cls, kept: Mapping[str, float]) -> Self:
        """Return what ``to_json`` wrote."""
        counts = {int(name): int(count) for name, count in kept.items() if name != "s"}
        return cls(counts, kept.get("s", 0.0))

    def to_json(self) -> dict[str, float]:
        """Return the counts by index, and the sum of the durations in seconds as "s"."""
        counts = {str(index): count for index, count in sorted(self.counts.items())}
        return {**counts, "s": round(self.total_s, 3)} if counts else {}

    def add(self, duration_s: float) -> None:
        """Count one duration; what lies beyond the last bound is counted there."""
        duration_s = max(0.0, duration_s)
        steps = STEPS * math.log2(duration_s / LEAST_S) if duration_s > LEAST_S else 0.0
        self.counts[min(math.ceil(steps), LAST)] += 1
        self.total_s += duration_s

    def merge(self, other: Histogram) -> None:
        """Count what another has counted as well."""
        self.counts.update(other.counts)
        self.total_s += other.total_s

    @property
    def count(self) -> int:
        """Return how many durations were counted."""
        return self.counts.total()

    def quantile_s(self, share: float) -> float | None:
        """Return the duration in seconds that ``share`` of all don't exceed; None: there is none.

        It is taken from where it lies between two bounds, so it is at most 19 % off.
        """
        rank = math.ceil(share * self.count)
        below = 0
        for index, count in sorted(self.counts.items()):
            if below + count >= rank:
                if index == 0:
                    return LEAST_S
                return bound_s(index - 1) * 2 ** ((rank - below) / count / STEPS)
            below += count
        return None

    def up_to(self, index: int) -> int:
        """Return how many durations lie at or below the bound of ``index``."""
        return sum(count for at, count in self.counts.items() if at <= index)
