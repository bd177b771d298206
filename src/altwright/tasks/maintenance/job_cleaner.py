"""What RQ keeps of jobs that are over: counted, trimmed by age, and purged when memory is short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from rq.job import Job
from rq.registry import BaseRegistry, CanceledJobRegistry, FailedJobRegistry, FinishedJobRegistry
from rq.results import Result

from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor

#: Jobs removed in one round trip.
BATCH = 500


class RQUpkeep:
    """Everything here may go at any time: a task's end stands in the database."""

    def __init__(self, queue: RQQueueManager, health: RedisHealthMonitor) -> None:
        self._queue = queue
        self._health = health

    def refused(self) -> int:
        """Return how many jobs RQ set aside as failed. Raises RedisUnavailable.

        The function that jobs run raises nothing, so these could not be read.
        """
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            for registry in self._registries(FailedJobRegistry):
                pipeline.zcard(registry.key)
            return sum(int(count) for count in pipeline.execute())

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
        for queue in self._queue.queues.values():
            for kind in kinds or (FinishedJobRegistry, CanceledJobRegistry, FailedJobRegistry):
                yield kind(queue=queue)


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
