"""Limits guessing of passwords: failed sign-ins per name and address, and per address.

Own code rather than Flask-Limiter: that one asks Redis over a client of its own, without our
breaker, so that each sign-in would wait for a Redis that is away.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from altwright.errors import RateLimited, RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import FAILED_LOGINS_KEY, LOGIN_KEY

#: Tries that count against each other, in seconds; and how many a name at an address and an
#: address have in it. Fewer than 100 a year and account is what NIST SP 800-63B 5.2.2 asks for
#: a single account; a shared address (NAT) needs more.
WINDOW_S = 900
TRIES_OF_NAME, TRIES_OF_ADDRESS = 10, 100
#: Entries in memory after which ended ones are dropped.
MANY = 10_000


@dataclass(slots=True)
class _Count:
    tries: int
    until: float


class LoginLimit:
    """Counts in Redis for the whole cluster; without it in this process's memory.

    A try is counted before the password is looked at, so that many at the same instant can't
    slip through, and forgiven when it was right. Nothing locks a name for everybody: whoever
    knows it could lock its owner out.
    """

    def __init__(
        self, health: RedisHealthMonitor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._health = health
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, _Count] = {}

    def enter(self, username: str, address: str) -> None:
        """Count a try. Raises RateLimited: there were too many."""
        self._count(FAILED_LOGINS_KEY)  # for the alert; one that succeeds is taken off again
        for parts, most in (
            ((address,), TRIES_OF_ADDRESS),
            ((address, username.lower()), TRIES_OF_NAME),
        ):
            count = self._count(_key(*parts))
            if count.tries > most:
                minutes = math.ceil(count.until / 60)
                raise RateLimited(
                    f"Too many sign-ins have failed; try again in {minutes} min.",
                    retry_in_s=count.until,
                )

    def forgive(self, username: str, address: str) -> None:
        """Forget the tries of a name that has signed in."""
        key = _key(address, username.lower())
        with self._lock:
            self._counts.pop(key, None)
        with suppress(RedisUnavailable), self._health.guarded() as client:
            pipeline = client.pipeline()
            pipeline.delete(key)
            # Where its window has ended meanwhile, there is nothing to take it off.
            pipeline.set(FAILED_LOGINS_KEY, 1, ex=WINDOW_S, nx=True)
            pipeline.decr(FAILED_LOGINS_KEY)
            pipeline.execute()

    def _count(self, key: str) -> _Count:
        """Count one more; return how many there are, and for how many seconds they count."""
        try:
            with self._health.guarded() as client:
                pipeline = client.pipeline()
                # EXPIRE NX would need Redis 7.
                pipeline.set(key, 0, ex=WINDOW_S, nx=True)
                pipeline.incr(key)
                pipeline.ttl(key)
                _, tries, ttl_s = pipeline.execute()
                return _Count(tries, ttl_s)
        except RedisUnavailable:
            return self._count_here(key)

    def _count_here(self, key: str) -> _Count:
        at = self._clock()
        with self._lock:
            if len(self._counts) > MANY:
                self._counts = {k: c for k, c in self._counts.items() if c.until > at}
            count = self._counts.get(key)
            if count is None or count.until <= at:
                count = self._counts[key] = _Count(0, at + WINDOW_S)
            count.tries += 1
            return _Count(count.tries, count.until - at)


def _key(*parts: str) -> str:
    # Digested: names are typed into the wrong field, so they may be passwords.
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
    return LOGIN_KEY.format(digest=digest[:32])
