"""Redis client: short timeouts, no implicit retries, translated errors, all key names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

from altwright.domain.redis_url import SentinelUrl, sentinel_url
from altwright.errors import RedisUnavailable
from altwright.tasks.rq.connection_errors import reason_of

#: Seconds. A request waits for Redis at most this long, once; then the breaker is open.
CONNECT_TIMEOUT_S = 0.3
CALL_TIMEOUT_S = 0.5

#: All keys that are ours; RQ's own begin with "rq:".
EPOCH_KEY = "altwright:epoch"
ACTIVE_KEY = "altwright:active:{exclusive_key}"
LOGIN_KEY = "altwright:login:{digest}"
#: Counts the sign-ins of everybody that failed.
FAILED_LOGINS_KEY = LOGIN_KEY.format(digest="failed")
#: Written to see whether the server takes writes; a second later it is gone.
PROBE_KEY = "altwright:probe"
#: Held by the process that has told of a database that is away.
DATABASE_ALERT_KEY = "altwright:alert:database"
SOCKET_CHANNEL = "altwright:socketio"


def connect(
    url: str, *, call_timeout_s: float = CALL_TIMEOUT_S, health_check_s: int = 0
) -> redis.Redis:
    """Return a client that connects when it is first used.

    With Sentinels, each new connection goes to the server that they call the master then.
    ``decode_responses`` stays off: RQ's payloads are bytes, and RQ loses jobs otherwise.
    ``health_check_s``: seconds of silence after which a connection is asked whether it lives.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": call_timeout_s,
        "health_check_interval": health_check_s,
        # redis-py's constructor and from_url differ in their defaults (10 retries against
        # none); here it is on purpose: the breaker decides, not each call.
        "retry": Retry(NoBackoff(), 0),
    }
    group = sentinel_url(url)
    if group is None:
        return redis.Redis.from_url(url, **options)
    return _of_sentinels(group, options)


def _of_sentinels(group: SentinelUrl, options: dict[str, Any]) -> redis.Redis:
    # Numbers and switches as redis-py itself reads them in an address.
    given = parse_url("redis://?" + urlencode(group.options))
    logins = {
        name: given.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in given
    }
    tls: dict[str, Any] = {"ssl": True} if group.tls else {}
    tls |= {name: value for name, value in given.items() if name.startswith("ssl_")}
    sentinels = Sentinel(group.sentinels, sentinel_kwargs={**options, **tls, **logins})
    client: redis.Redis = sentinels.master_for(
        group.service,
        **{**options, **tls, **given},
        db=group.database,
        username=group.username,
        password=group.password,
    )
    return client


def move(client: redis.Redis, url: str) -> None:
    """Let a client, and everything that was made from it, use another server from now on.

    Calls that are on their way end where they began.
    """
    before = client.connection_pool
    client.connection_pool = connect(url).connection_pool
    before.disconnect(inuse_connections=False)


def database_number(url: str) -> int:
    """Return which of a server's databases an address names."""
    group = sentinel_url(url)
    if group is not None:
        return group.database
    number: Any = parse_url(url).get("db", 0)
    return int(number)


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
        raise RedisUnavailable(f"Redis can't be used: {reason_of(error)}.") from error
