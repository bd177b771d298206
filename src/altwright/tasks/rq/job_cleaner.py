"""What RQ keeps of jobs that are over: counted, trimmed by age, and purged when memory is short."""

from __future__ import annotations

import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import redis
from rq.exceptions import AbandonedJobError
from rq.job import Job, JobStatus
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    StartedJobRegistry,
)
from rq.results import Result
from rq.suspension import WORKERS_SUSPENDED
from rq.utils import utcformat

from altwright.domain.task import Priority
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import QueueOptions

#: Jobs removed in one round trip.
BATCH = 500


class RQUpkeep:
    """Everything here may go at any time: a task's end stands in the database."""

    def __init__(self, health: RedisHealthMonitor, options: QueueOptions) -> None:
        """Take what RQ's queues' names begin with, and how long RQ keeps a failed job."""
        self._health = health
        self._queues = [options.prefix + priority.queue for priority in Priority]
        self._failure_ttl_s = options.failure_ttl_s

    def refused(self) -> int:
        """Return how many jobs could not be read, BATCH a queue at most. Raises RedisUnavailable.

        The function that jobs run raises nothing. So of those that RQ set aside as failed, these
        are all but the ones whose worker was killed; such a task goes on by itself.
        """
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            for registry in self._registries(FailedJobRegistry):
                pipeline.zrange(registry.key, 0, BATCH - 1)
            names = [
                job_id.decode("ascii", "replace") for ids in pipeline.execute() for job_id in ids
            ]
            for name in names:
                pipeline.xrevrange(Result.get_key(name), count=1)
            return sum(not _was_abandoned(latest) for latest in pipeline.execute())

    def suspended(self) -> bool:
        """Return whether `rq suspend` stops every worker. Raises RedisUnavailable."""
        with self._health.guarded() as client:
            return bool(client.exists(WORKERS_SUSPENDED))

    def set_aside_abandoned(self) -> int:
        """Note jobs as failed whose worker has given no sign for long; return how many.

        Their tasks go on by themselves; this is for who looks at RQ. Raises RedisUnavailable.
        """
        noted = 0
        at = time.time()
        with self._health.guarded() as client:
            for name in self._queues:
                started = StartedJobRegistry(name, client)
                over: Any = client.zrangebyscore(started.key, 0, at, start=0, num=BATCH)
                for one in over:
                    job_id = one.decode("ascii", "replace").rpartition(":")[0]
                    if client.zrem(started.key, one):
                        self._note_abandoned(client, name, job_id, at)
                        noted += 1
        return noted

    def _note_abandoned(self, client: redis.Redis, name: str, job_id: str, at: float) -> None:
        key, why = Job.key_for(job_id), f"{AbandonedJobError.__name__}: its worker is gone"
        if not client.exists(key):
            return
        ended_at = utcformat(datetime.fromtimestamp(at, UTC))
        pipeline = client.pipeline()
        pipeline.hset(key, mapping={"status": JobStatus.FAILED.value, "ended_at": ended_at})
        packed = b64encode(zlib.compress(why.encode()))
        pipeline.xadd(
            Result.get_key(job_id),
            {"type": Result.Type.FAILED.value, "worker_name": "", "exc_string": packed},
            maxlen=10,
        )
        for kept in (key, Result.get_key(job_id)):
            pipeline.expire(kept, self._failure_ttl_s)
        failed = FailedJobRegistry(name, client)
        pipeline.zadd(failed.key, {job_id: at + self._failure_ttl_s})
        pipeline.execute()

    def trim(self) -> int:
        """Remove jobs from RQ's registries whose time is over; return how many.

        RQ's workers do so too, while there are any. Raises RedisUnavailable.
        """
        removed = 0
        with self._health.guarded() as client:
            at: Any = client.time()
            for registry in self._registries():
                removed += int(client.zremrangebyscore(registry.key, 0, at[0]))
        return removed

    def purge(self, *, failed: bool = True) -> int:
        """Remove finished, cancelled and (unless told otherwise) failed jobs; return how many.

        Raises:
            RedisUnavailable: Redis is away.
        """
        kinds = (FinishedJobRegistry, CanceledJobRegistry) + ((FailedJobRegistry,) * failed)
        with self._health.guarded() as client:
            return sum(_empty(client, registry) for registry in self._registries(*kinds))

    def forget_refused(self) -> int:
        """Remove the jobs that RQ set aside; return how many. Raises RedisUnavailable."""
        with self._health.guarded() as client:
            return sum(_empty(client, one) for one in self._registries(FailedJobRegistry))

    def _registries(self, *kinds: type[BaseRegistry]) -> Iterator[BaseRegistry]:
        for name in self._queues:
            for kind in kinds or (FinishedJobRegistry, CanceledJobRegistry, FailedJobRegistry):
                yield kind(name, self._health.client)


def _was_abandoned(latest: Any) -> bool:
    """Return whether the newest of a job's results, as XREVRANGE gives it, says so."""
    try:
        ((_, fields),) = latest
        why = zlib.decompressobj().decompress(b64decode(fields[b"exc_string"]), 4096)
    except (KeyError, TypeError, ValueError, zlib.error):
        return False
    return AbandonedJobError.__name__.encode() in why


def _empty(client: redis.Redis, registry: BaseRegistry) -> int:
    removed = 0
    while True:
        ids: Any = client.zrange(registry.key, 0, BATCH - 1)
        if not ids:
            return removed
        pipeline = client.pipeline(transaction=False)
        for job_id in ids:
            name = job_id.decode("ascii", "replace")
            pipeline.delete(Job.key_for(name), Result.get_key(name))
        pipeline.zrem(registry.key, *ids)
        pipeline.execute()
        removed += len(ids)
