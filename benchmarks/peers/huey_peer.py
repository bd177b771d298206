"""Huey over Redis; a task whose worker dies is lost, since it has no late acknowledging."""

from __future__ import annotations

import os

from huey import RedisHuey

from benchmarks.peers import marks

huey = RedisHuey("bench", url=os.environ["REDIS_URL"])


@huey.task()
def work(gate: str, seconds: float) -> None:
    """Do what all do."""
    marks.work(gate, seconds)


def submit(count: int, gate: str, seconds: float) -> None:
    """Enqueue tasks."""
    for _ in range(count):
        work(gate, seconds)
