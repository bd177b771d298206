"""Celery over Redis, set as safe as can be: acknowledged after the work, given back by the dead."""

from __future__ import annotations

import os

from celery import Celery

from benchmarks.peers import marks

app = Celery("bench", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="work", ignore_result=True)
def work(gate: str, seconds: float) -> None:
    """Do what all do."""
    marks.work(gate, seconds)


def submit(count: int, gate: str, seconds: float) -> None:
    """Send messages."""
    for _ in range(count):
        work.delay(gate, seconds)
