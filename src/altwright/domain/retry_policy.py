"""When a failed task is tried again: the policy of each category of error, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType

from altwright.domain.counting import counted, duration
from altwright.errors import Category


class Who(StrEnum):
    """Who can mend what made a task fail for good."""

    #: Its pages say what to do; no administrator is told.
    USER = "user"
    #: They are told by an alert; the task's user reads that they are.
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Policy:
    """``means``: what it says to an administrator; ``who`` can mend it.

    ``first_at_once``: the first retry waits for nothing, since the fault has likely passed.
    """

    means: str
    retried: bool
    first_at_once: bool = False
    who: Who = Who.ADMINISTRATOR


#: Requirement 6.1: at once for a passing network fault, then after 1, 4 and 16 minutes.
POLICIES = MappingProxyType(
    {
        Category.NETWORK: Policy("A connection failed or broke.", retried=True, first_at_once=True),
        Category.TIMEOUT: Policy(
            "A server, or the task, took too long.", retried=True, first_at_once=True
        ),
        Category.RATE_LIMIT: Policy("A server asked us to wait.", retried=True),
        Category.SERVICE_DOWN: Policy("A server is in trouble.", retried=True),
        Category.EXHAUSTED: Policy("Something ran out: memory, disk, quota.", retried=True),
        Category.FAULT: Policy("Something broke inside Altwright.", retried=True),
        Category.AUTHENTICATION: Policy(
            "A server refuses a user's token.", retried=False, who=Who.USER
        ),
        Category.CONFIGURATION: Policy("The service isn't set up as it should be.", retried=False),
        Category.BAD_INPUT: Policy("What was asked for can't be done.", retried=False),
        Category.REVIEW: Policy(
            "A text waits for a person's decision.", retried=False, who=Who.USER
        ),
        Category.CORRUPT: Policy("What was stored can't be read.", retried=False),
    }
)


#: The longest Retry-After that is believed, and the shortest (servers say 0 too), seconds.
RETRY_AFTER_MOST_S, RETRY_AFTER_LEAST_S = 86_400.0, 1.0
#: Seconds of pauses that servers asked for after which a task that doesn't get on fails: a week, so
#: that it takes several of the longest.
PAUSE_PATIENCE_S = 7 * 86_400.0


#: Steps of the curve after which the waits for a server that is down grow no more: 16 minutes.
OUTAGE_STEPS = 2


@dataclass(frozen=True, slots=True)
class Backoff:
    """The configured curve, in seconds; a retry waits at most ``longest_s``."""

    base_s: float = 60.0
    factor: float = 4.0
    longest_s: float = 3600.0
    #: Share of the delay that is drawn by lot, so that workers don't retry in step.
    jitter: float = 0.1

    def delay_s(
        self, category: Category, failures: int, retry_in_s: float | None, random: Random
    ) -> float:
        """Return the seconds until the next try after ``failures`` (≥ 1) failures.

        A server's own Retry-After (``retry_in_s``) wins over the curve, without jitter below it.
        """
        if retry_in_s is not None:
            wanted_s = min(max(retry_in_s, RETRY_AFTER_LEAST_S), RETRY_AFTER_MOST_S)
            return wanted_s * (1 + self.jitter * random.random())
        steps = failures - 1
        if POLICIES[category].first_at_once:
            if steps == 0:
                return 0.0
            steps -= 1
        return self._spread_s(self.base_s * self.factor**steps, random)

    def outage_s(self, waits: int, retry_in_s: float | None, random: Random) -> float:
        """Return the seconds until a server that is down is asked again, after ``waits`` waits.

        At once, then after 15 seconds, so that a short outage stays short, then after 1, 4 and
        each 16 minutes (of the default ``base_s``). A server's own Retry-After wins.
        """
        if retry_in_s is not None:
            return self.delay_s(Category.SERVICE_DOWN, 1, retry_in_s, random)
        return self.rest_s(waits, random) if waits else 0.0

    def rest_s(self, tries: int, random: Random) -> float:
        """Return the seconds before what failed ``tries`` (≥ 1) times is tried again by itself.

        15 seconds, then a minute, …: what overloads a server has passed by then.
        """
        steps = min(tries - 2, OUTAGE_STEPS)
        return self._spread_s(self.base_s * self.factor**steps, random)

    def _spread_s(self, delay_s: float, random: Random) -> float:
        return min(delay_s, self.longest_s) * (1 + self.jitter * (2 * random.random() - 1))


def delay_words(delay_s: float, before: str) -> str:
    """Return when something is tried again, as people read it; ``before`` the wait's length."""
    return f"{before} {duration(delay_s)}" if delay_s > 0 else "Tries again at once"


def retries_words(delays_s: Sequence[float]) -> str:
    """Return when something is retried: "3 times: at once, after 1 minute, after 4 minutes"."""
    if not delays_s:
        return "not"
    waits = (f"after {duration(delay_s)}" if delay_s else "at once" for delay_s in delays_s)
    return f"{counted(len(delays_s), 'time')}: {', '.join(waits)}"
