"""The four RQ queues: how jobs get there, and what lies in them."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.utils import utcformat
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from altwright.domain.task import Priority
from altwright.errors import RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_records import JobRecords
from altwright.tasks.rq.redis_client import EPOCH_KEY
from altwright.tasks.rq.serializer import RUN_TASK, TaskSerializer, deliverable
from altwright.tasks.store.backlog import Backlog
from altwright.tasks.task import Ticket

_log = logging.getLogger(__name__)

#: RQ declares a job abandoned when its time-out has passed, while it may still run. The
#: engine's own limit and leases decide, so RQ's is out of the way (facts: RQ §1).
JOB_TIMEOUT_S = 86_400


#: Adds one job (its hash is KEYS[3]) to RQ's queue KEYS[2], unless as many lie there as may.
_ADD = """
if redis.call('llen', KEYS[2]) >= tonumber(ARGV[1]) then return 0 end
redis.call('sadd', KEYS[1], KEYS[2])
redis.call('hset', KEYS[3], unpack(ARGV, 4))
redis.call('expire', KEYS[3], ARGV[2])
redis.call('rpush', KEYS[2], ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """``window``: jobs per queue that lie in Redis at most; times in seconds.

    ``max_retries`` is what each task begins with, ``runs_per_day`` what a user may start (0: no
    limit).
    """

    prefix: str = ""
    window: int = 1000
    #: How long a waiting job's hash lives. A job that a worker popped and lost, killed, would leave
    #: it for ever otherwise; a job that expires in its queue is dispatched again.
    job_ttl_s: int = 86_400
    result_ttl_s: int = 500
    failure_ttl_s: int = 86_400
    max_retries: int = 3
    runs_per_day: int = 0


class JobQueues:
    """Jobs on their way to workers. Every method but ``records`` raises RedisUnavailable."""

    def __init__(
        self,
        health: RedisHealthMonitor,
        backlog: Backlog,
        serializer: type[TaskSerializer],
        options: QueueOptions,
    ) -> None:
        self._health = health
        self._backlog = backlog
        self._options = options
        self.serializer = serializer
        #: RQ's own, most urgent first.
        self.queues = {
            priority: Queue(
                options.prefix + priority.queue, connection=health.client, serializer=serializer
            )
            for priority in Priority
        }
        self._add = health.client.register_script(_ADD)
        # By prefix, so that two services can share a Redis without taking it for a new one.
        self._epoch_key = EPOCH_KEY + (f":{options.prefix}" if options.prefix else "")

    def adopt(self, options: QueueOptions) -> None:
        """Go by this window from now on; the rest stays as it was when this process began."""
        self._options = replace(self._options, window=options.window)

    @property
    def window(self) -> int:
        """Return how many jobs per queue lie in Redis at most."""
        return self._options.window

    def add(self, priority: Priority, ticket: Ticket) -> bool:
        """Put the job of a new task into its queue; return whether there was room."""
        queue, job = self.queues[priority], job_id(ticket)
        keys = [Queue.redis_queues_keys, queue.key, Job.key_for(job)]
        fields = [part for field in self._fields(queue, ticket).items() for part in field]
        with self._health.guarded():
            return bool(
                self._add(keys=keys, args=[self.window, self._options.job_ttl_s, job, *fields])
            )

    def enqueue(self, priority: Priority, tickets: Sequence[Ticket]) -> None:
        """Put jobs into a queue. Doing so twice is harmless: the claim decides.

        Raises:
            RedisUnavailable: Redis is away; some of them may have got there.
        """
        known = []
        for ticket in tickets:
            if deliverable(ticket.task_id, ticket.attempt):
                known.append(ticket)
            else:
                _log.error("task %s can't be delivered and is set aside", ticket.task_id)
                self._backlog.set_aside(ticket.task_id, ticket.attempt, "no worker takes its id")
        if not known:
            return
        queue = self.queues[priority]
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.sadd(Queue.redis_queues_keys, queue.key)
            for ticket in known:
                key = Job.key_for(job_id(ticket))
                pipeline.hset(key, mapping=self._fields(queue, ticket))
                pipeline.expire(key, self._options.job_ttl_s)
            # A task that has had its turn before comes first: a crash mustn't cost it its place.
            again = [job_id(ticket) for ticket in known if ticket.attempt > 0]
            new = [job_id(ticket) for ticket in known if ticket.attempt == 0]
            if again:
                pipeline.lpush(queue.key, *reversed(again))
            if new:
                pipeline.rpush(queue.key, *new)
            pipeline.execute()

    def _fields(self, queue: Queue, ticket: Ticket) -> dict[Any, Any]:
        """Return a job's hash as RQ writes it (rq/job.py, to_dict)."""
        at = utcformat(datetime.now(UTC))
        named = {"task_id": ticket.task_id, "attempt": ticket.attempt}
        return {
            "status": JobStatus.QUEUED.value,
            "created_at": at,
            "enqueued_at": at,
            "data": zlib.compress(self.serializer.dumps((RUN_TASK, None, (), named))),
            "origin": queue.name,
            "description": f"task {ticket.task_id}",
            "timeout": JOB_TIMEOUT_S,
            "ttl": self._options.job_ttl_s,
            "result_ttl": self._options.result_ttl_s,
            "failure_ttl": self._options.failure_ttl_s,
        }

    def take_back(self, priority: Priority) -> None:
        """Let the database keep what RQ was to deliver, and empty the queue, where Redis is."""
        self._backlog.take_from_rq([priority])
        self.empty(priority)

    def empty(self, priority: Priority) -> None:
        """Take every job out of a queue; without Redis there is nothing to take out."""
        with suppress(RedisUnavailable), self._health.guarded():
            self.queues[priority].empty()

    def remove_strange_keys(self) -> list[str]:
        """Delete what isn't of the type that RQ's lists and registries have; return the keys.

        Nothing could be delivered there, and only a stranger writes such a thing.
        """
        wanted = {Queue.redis_queues_keys: b"set", REDIS_WORKER_KEYS: b"set"}
        for queue in self.queues.values():
            wanted[queue.key] = b"list"
            wanted[WORKERS_BY_QUEUE_KEY % queue.name] = b"set"
            for registry in (StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry):
                wanted[registry.key_template.format(queue.name)] = b"zset"
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            for key in wanted:
                pipeline.type(key)
            types = dict(zip(wanted, pipeline.execute(), strict=True))
            strange = [key for key, kind in types.items() if kind not in {wanted[key], b"none"}]
            if strange:
                client.delete(*strange)
        return strange

    def lengths(self) -> dict[Priority, int]:
        """Return how many jobs lie in each queue."""
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            for queue in self.queues.values():
                pipeline.llen(queue.key)
            return dict(zip(self.queues, pipeline.execute(), strict=True))

    def job_ids(self, priority: Priority) -> set[str]:
        """Return the ids of the jobs in a queue."""
        with self._health.guarded() as client:
            ids: Any = client.lrange(self.queues[priority].key, 0, -1)
        return {one.decode("ascii", "replace") for one in ids}

    def records(
        self, client: redis.Redis, worker: str, names: Sequence[str] | None = None
    ) -> JobRecords:
        """Return RQ's records as a worker sees them, who takes from these queues; None: all."""
        return JobRecords(
            client,
            worker,
            [queue.name for queue in self.queues.values()] if names is None else names,
            self.serializer,
            job_ttl_s=self._options.job_ttl_s,
            result_ttl_s=self._options.result_ttl_s,
            failure_ttl_s=self._options.failure_ttl_s,
        )

    def epoch(self) -> str | None:
        """Return the mark that this Redis bears, None when it bears none."""
        with self._health.guarded() as client:
            try:
                there: Any = client.get(self._epoch_key)
            except ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                return None  # a stranger's; ours is written over it
        return None if there is None else str(there.decode("ascii", "replace"))

    def set_epoch(self, epoch: str) -> None:
        """Mark this Redis."""
        with self._health.guarded() as client:
            client.set(self._epoch_key, epoch)


def job_id(ticket: Ticket) -> str:
    """Return the id of the job that delivers this attempt.

    One per attempt: RQ's clean-up of an ended attempt can't delete the job of the next.
    """
    return f"{ticket.task_id}-{ticket.attempt}"
