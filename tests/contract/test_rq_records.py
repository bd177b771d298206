"""What a worker of ours leaves in Redis is what RQ's own leaves: dashboards see no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from tests.support_engine import Rig
from tests.support_redis import NoDeathPenalty

from altwright.domain.task import Priority
from altwright.tasks.rq.client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop
from altwright.tasks.task import Ticket
from altwright.workers import jobs
from altwright.workers.worker import TaskWorker

#: Fields of a job in which RQ's worker writes what it is to do afterwards; ours writes none.
INSTRUCTIONS = {
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "group_id",
    "meta",
}


class PlainWorker(SimpleWorker):
    """RQ's own in-process worker; only what may outlive a test is left out."""

    death_penalty_class = NoDeathPenalty

    def _install_signal_handlers(self) -> None:
        """Leave pytest's in place."""

    def subscribe(self) -> None:
        """Start no thread that may still listen when the server has gone."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""


def work_as_rq(rig: Rig, client: Redis, worker: TaskWorker) -> None:
    """Work with RQ's own worker."""
    token = jobs.here.set(worker)
    queue = Queue("normal", connection=client, serializer=rig.queue.serializer)
    PlainWorker(
        [queue], name=worker.id, connection=client, serializer=rig.queue.serializer
    ).work(burst=True, logging_level="WARNING")
    jobs.here.reset(token)


def work_as_we(rig: Rig, client: Redis, worker: TaskWorker) -> None:
    """Work with our loop."""
    records = rig.queue.records(client, worker.id, ["normal"])
    WorkerLoop(records, worker.take, ends=lambda: False, closed=tuple).work(burst=True)
