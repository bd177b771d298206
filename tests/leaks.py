"""What no test may leave behind: threads, child processes, Redis keys that never go away."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis
from tests.servers import children
from tests.support import wait_until

#: Keys without a time to live, each bounded by something else. Everything not named here expires.
EXEMPT = {
    "altwright:epoch": "one key, which has to outlive everything",
    "rq:queues": "RQ's set of queue names",
    "rq:workers": "RQ's set of workers, from which a stop takes them",
    "rq:workers:*": "the same, by queue",
    "rq:queue:*": "the queues: at most one window of jobs each",
    "rq:finished:*": "RQ's registry of finished jobs, which its maintenance trims by age",
    "rq:failed:*": "the same for failed ones",
    "rq:canceled:*": "the same for cancelled ones",
    "rq:wip:*": "the same for started ones",
}


@contextmanager
def nothing_stays() -> Iterator[None]:
    """Fail if a thread or a child process that began inside is there at the end."""
    threads, processes = set(threading.enumerate()), children()
    yield
    with suppress(AssertionError):  # what is left is said below
        wait_until(lambda: not _new_threads(threads) and children() <= processes)
    assert not _new_threads(threads), f"threads left behind: {_new_threads(threads)}"
    assert children() <= processes, f"processes left behind: {children() - processes}"


def _new_threads(before: set[threading.Thread]) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread not in before]


def everlasting(client: redis.Redis) -> list[str]:
    """Return the keys that never go away and are bounded by nothing."""
    found: list[str] = []
    for key in client.scan_iter(count=1000):
        name = key.decode("utf-8", "replace")
        ttl: Any = client.pttl(key)
        if ttl == -1 and not any(fnmatch.fnmatchcase(name, one) for one in EXEMPT):
            found.append(name)
    return found
