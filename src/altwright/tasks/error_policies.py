"""Each category of errors as people read it, with what failed of it lately.

What is retried, and when, is decided by the table in domain/retry_policy.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from altwright.domain.retry_policy import POLICIES, Backoff, Who
from altwright.errors import Category
from altwright.tasks.store.statistics import DAY_S, HOUR_S, Figures


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """One category. ``retries_s``: seconds before each retry, without jitter; none: it isn't.

    ``last_hour`` and ``last_day`` count tasks that failed for good.
    """

    category: Category
    means: str
    retries_s: tuple[float, ...]
    who: Who
    last_hour: int = 0
    last_day: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API and the command line show."""
        return {
            "category": self.category.value,
            "means": self.means,
            "retries_s": list(self.retries_s),
            "who": self.who.value,
            "last_hour": self.last_hour,
            "last_day": self.last_day,
        }


class ErrorPolicies:
    """Reads only: the table is the one by which failed tasks are retried."""

    def __init__(
        self, figures: Figures, backoff: Backoff, max_retries: int, patience_s: float
    ) -> None:
        """Take the configured retries, and how long a task waits for servers that are down."""
        self._figures = figures
        self.adopt(backoff, max_retries, patience_s)

    def adopt(self, backoff: Backoff, max_retries: int, patience_s: float) -> None:
        """Go by what administrators changed while all runs."""
        self._backoff = backoff
        self._max_retries = max_retries
        #: Seconds that a task waits for a server that is down.
        self.patience_s = patience_s

    def table(self) -> list[ErrorPolicy]:
        """Return each category's policy, what failed most often of late first."""
        hour, day = self._figures.failures(HOUR_S), self._figures.failures(DAY_S)
        rows = [
            replace(row, last_hour=hour.get(row.category, 0), last_day=day.get(row.category, 0))
            for row in policies(self._backoff, self._max_retries)
        ]
        return sorted(rows, key=lambda row: -row.last_day)


def policies(backoff: Backoff, max_retries: int) -> Iterable[ErrorPolicy]:
    """Yield each category's policy, without counts."""
    steady = replace(backoff, jitter=0.0)
    for category, policy in POLICIES.items():
        retries = range(1, max_retries + 1) if policy.retried else ()
        delays = (steady.delay_s(category, one, None, Random(0)) for one in retries)  # noqa: S311 - no jitter
        yield ErrorPolicy(category, policy.means, tuple(delays), policy.who)
