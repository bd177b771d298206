"""RQ: `rq worker` and `rq worker-pool` work on it."""

from __future__ import annotations

import os

import redis
from rq import Queue

from benchmarks.peers.marks import work

queue = Queue("bench", connection=redis.Redis.from_url(os.environ["REDIS_URL"]))


def submit(count: int, gate: str, seconds: float) -> None:
    """Enqueue jobs: one as users do, many in one trip."""
    if count == 1:
        queue.enqueue(work, gate, seconds)
    else:
        queue.enqueue_many([Queue.prepare_data(work, (gate, seconds)) for _ in range(count)])
