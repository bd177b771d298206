"""Dramatiq over Redis; it acknowledges after the work of itself."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import marks

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def work(gate: str, seconds: float) -> None:
    """Do what all do."""
    marks.work(gate, seconds)


def submit(count: int, gate: str, seconds: float) -> None:
    """Send messages."""
    for _ in range(count):
        work.send(gate, seconds)
