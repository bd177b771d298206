"""The connection to Redis: short time-outs, no hidden retries, errors of ours, and every key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from altwright.errors import RedisUnavailable

#: Seconds. A request waits for Redis at most this long, once; then the breaker is open.
CONNECT_TIMEOUT_S = 0.3
CALL_TIMEOUT_S = 0.5

#: All keys that are ours; RQ's own begin with "rq:".
EPOCH_KEY = "altwright:epoch"
ACTIVE_KEY = "altwright:active:{exclusive_key}"
LOGIN_KEY = "altwright:login:{digest}"
SOCKET_CHANNEL = "altwright:socketio"


def connect(url: str, *, call_timeout_s: float = CALL_TIMEOUT_S) -> redis.Redis:
    """Return a client that connects when it is first used.

    ``decode_responses`` stays off: RQ's payloads are bytes, and RQ loses jobs otherwise.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=call_timeout_s,
        # redis-py's constructor and from_url differ in their defaults (10 retries against
        # none); here it is on purpose: the breaker decides, not each call.
        retry=Retry(NoBackoff(), 0),
    )


class RedisFull(RedisUnavailable):
    """Redis answers but takes nothing more: its maxmemory is reached."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into RedisUnavailable, of which RedisFull is one."""
    try:
        yield
    except OutOfMemoryError as error:
        raise RedisFull("Redis has no memory left.") from error
    except (RedisError, OSError) as error:
        raise RedisUnavailable("Redis does not answer.") from error
