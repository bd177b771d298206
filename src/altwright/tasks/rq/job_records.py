"""What RQ keeps in Redis of jobs, executions and workers: every use of its keys and shapes.

Written as RQ 3 writes it, so that its command and its dashboards see what they expect. Of what
stands there only an id and our payload are read: a job's hash also names callbacks, webhooks,
retries and repeats, which RQ's own worker would act on, whoever wrote them.
tests/contract/test_rq_records.py compares with what RQ's own worker leaves.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import uuid
import zlib
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import ResponseError
from rq.defaults import RQ_KEY_PREFIX
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, ExecutionRegistry
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.suspension import WORKERS_SUSPENDED
from rq.utils import utcformat
from rq.version import VERSION
from rq.worker import BaseWorker, WorkerStatus
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from altwright.tasks.rq.serializer import TaskSerializer
from altwright.tasks.task import Ticket

#: Seconds that Redis remembers a worker, and that it works on a job, without a sign of life.
WORKER_TTL_S = 60
#: Bytes of a payload, or of an id, that is read; ours have some 300.
MOST_BYTES = 4096
#: Ids looked at in one trip: a stranger's junk must not hold the server up.
MOST_LOOKS = 1000

_TAKE = files("altwright.tasks.rq").joinpath("take_job.lua").read_text("utf-8")
#: A sign of life of a job in hand, which may have ended (and gone) in this moment.
_SIGN = """
redis.call('HSET', KEYS[1], 'last_heartbeat', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
if #KEYS == 2 or redis.call('EXISTS', KEYS[3]) == 0 then return end
redis.call('HSET', KEYS[3], 'last_heartbeat', ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[3])
redis.call('ZADD', KEYS[4], 'XX', ARGV[4], ARGV[5])
redis.call('ZADD', KEYS[5], 'XX', ARGV[4] + 60, ARGV[6])
if redis.call('EXISTS', KEYS[6]) == 1 then
  redis.call('HSET', KEYS[6], 'last_heartbeat', ARGV[1])
end
"""
_KEYS = {
    "job": Job.redis_job_namespace_prefix,
    "queue": Queue.redis_queue_namespace_prefix,
    "started": StartedJobRegistry.key_template.format(""),
    JobStatus.FINISHED.value: FinishedJobRegistry.key_template.format(""),
    JobStatus.FAILED.value: FailedJobRegistry.key_template.format(""),
    "execution": f"{RQ_KEY_PREFIX}:execution:",
    "executions": ExecutionRegistry.key_template.format(""),
    "results": Result.get_key(""),
}


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job that a worker has in hand; ``ticket`` is None when its payload isn't ours."""

    queue: str
    id: str
    execution: str
    started_at: float
    ticket: Ticket | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a worker finds when it looks for a job; ``refused`` is what Redis didn't let it do."""

    job: TakenJob | None = None
    is_suspended: bool = False
    #: It looked at as many ids as it may in one trip, and none was a job.
    has_more: bool = False
    refused: str = ""


class JobRecords:
    """RQ's records as one worker reads and writes them."""

    def __init__(
        self,
        client: redis.Redis,
        worker: str,
        queues: Sequence[str],
        serializer: type[TaskSerializer],
        *,
        job_ttl_s: int,
        result_ttl_s: int,
        failure_ttl_s: int,
    ) -> None:
        """Take the worker's name, its queues, and how long RQ keeps jobs, and those that ended."""
        self.client = client
        self.queues = tuple(queues)
        self._worker = worker
        self._key = BaseWorker.redis_worker_namespace_prefix + worker
        self._held = WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker)
        self._serializer = serializer
        self._job_ttl_s = job_ttl_s
        self._ttl_s = {JobStatus.FINISHED: result_ttl_s, JobStatus.FAILED: failure_ttl_s}
        self._take = client.register_script(_TAKE)
        self._sign = client.register_script(_SIGN)
        self._state = ""
        #: Results as they are kept, by value: there are two.
        self._sealed: dict[bool, str] = {}

    def enter(self) -> None:
        """Enter the worker, in the place of what Redis kept of it when it went away."""
        address = "unknown"
        with suppress(ResponseError):  # it may not be asked
            self.client.client_setname(self._worker)
            address = str(self.client.client_info()["addr"])
        at = utcformat(datetime.now(UTC))
        pipeline = self.client.pipeline()
        pipeline.delete(self._key, self._held)
        pipeline.hset(
            self._key,
            mapping={
                "birth": at,
                "last_heartbeat": at,
                "queues": ",".join(self.queues),
                "pid": os.getpid(),
                "hostname": socket.gethostname(),
                "ip_address": address,
                "version": VERSION,
                "python_version": sys.version,
                "state": WorkerStatus.STARTED.value,
            },
        )
        pipeline.expire(self._key, WORKER_TTL_S + 60)
        for members in self._lists():
            pipeline.sadd(members, self._key)
        pipeline.execute()

    def leave(self) -> None:
        """Take the worker out."""
        pipeline = self.client.pipeline()
        for members in self._lists():
            pipeline.srem(members, self._key)
        pipeline.hset(self._key, "death", utcformat(datetime.now(UTC)))
        pipeline.expire(self._key, 60)
        pipeline.delete(self._held)
        pipeline.execute()

    def _lists(self) -> list[str]:
        return [REDIS_WORKER_KEYS, *(WORKERS_BY_QUEUE_KEY % name for name in self.queues)]

    def next(
        self,
        ended: Mapping[str, Any] | None,
        queues: Collection[str],
        *,
        popped: tuple[str, str] | None = None,
        signs: bool = False,
    ) -> Found:
        """End the job before, and take the next of these queues, in one trip.

        Args:
            ended: how the job before ended: ``finished``, ``failed`` or ``back``.
            queues: from which to take it, most urgent first; none: nothing is taken.
            popped: queue and id of one that has been taken from its queue already.
            signs: whether a sign of life is due.
        """
        at = time.time()
        execution = uuid.uuid4().hex
        asked: dict[str, Any] = {
            "now": at,
            "at": utcformat(datetime.fromtimestamp(at, UTC)),
            "worker": self._worker,
            "state": self._state,
            "ttl_s": WORKER_TTL_S,
            "job_ttl_s": self._job_ttl_s,
            "keys": _KEYS,
            "most_bytes": MOST_BYTES,
            "most_looks": MOST_LOOKS,
            "sign": signs,
            "queues": list(queues),
            "execution": execution,
        }
        if ended:
            asked["ended"] = ended
        if popped:
            asked["popped"] = popped
        answer: Any = self._take(
            keys=[self._key, self._held, WORKERS_SUSPENDED], args=[json.dumps(asked)]
        )
        found, refused, *job = answer
        refused = refused.decode("utf-8", "replace")
        if found != b"job":
            suspended = found == b"suspended"
            self._state = "suspended" if suspended else "idle"
            return Found(is_suspended=suspended, has_more=found == b"more", refused=refused)
        self._state = "busy"
        queue, job_id, payload = job
        taken = TakenJob(
            queue.decode(),
            job_id.decode("ascii", "replace"),
            execution,
            at,
            self._ticket(payload),
        )
        return Found(taken, refused=refused)

    def await_next(self, queues: Collection[str], timeout_s: int) -> tuple[str, str] | None:
        """Wait for a job; return the queue that it was taken from and its id, or None."""
        prefix = Queue.redis_queue_namespace_prefix
        answer: Any = self.client.blpop([prefix + name for name in queues], timeout_s)
        if answer is None:
            return None
        key, job_id = answer
        if len(job_id) > MOST_BYTES:
            return None
        return key.decode().removeprefix(prefix), job_id.decode("ascii", "replace")

    def finished(self, job: TakenJob, value: bool) -> dict[str, Any]:  # noqa: FBT001 - the result
        """Return that a job has ended, for ``next``."""
        if value not in self._sealed:
            self._sealed[value] = b64encode(self._serializer.dumps(value)).decode()
        sealed = self._sealed[value]
        return self._ended(job, JobStatus.FINISHED, "successful", 1, "return_value", sealed)

    def failed(self, job: TakenJob, why: str) -> dict[str, Any]:
        """Return that a job can't be worked on, for ``next``: RQ sets it aside."""
        packed = b64encode(zlib.compress(why.encode())).decode()
        return self._ended(job, JobStatus.FAILED, "failed", 2, "exc_string", packed)

    def back(self, job: TakenJob) -> dict[str, Any]:
        """Return that a job goes back to the front of its queue, for ``next``."""
        return {"id": job.id, "queue": job.queue, "execution": job.execution, "back": True}

    def _ended(
        self, job: TakenJob, status: JobStatus, counter: str, kind: int, name: str, value: str
    ) -> dict[str, Any]:
        at = time.time()
        result = {
            "type": kind,
            "worker_name": self._worker,
            name: value,
            "execution_id": job.execution,
            "execution_started_at": job.started_at,
            "execution_ended_at": at,
        }
        return {
            "id": job.id,
            "queue": job.queue,
            "execution": job.execution,
            "status": status.value,
            "counter": f"{counter}_job_count",
            "took_s": at - job.started_at,
            "ttl_s": self._ttl_s[status],
            "result": [str(one) for pair in result.items() for one in pair],
        }

    def sign(self, job: TakenJob | None) -> None:
        """Give a sign of life of the worker, and of the job that it has in hand."""
        at = time.time()
        keys = [self._key, self._held]
        one = ""
        if job is not None:
            one = f"{job.id}:{job.execution}"
            keys += [
                _KEYS["execution"] + one,
                _KEYS["started"] + job.queue,
                _KEYS["executions"] + job.id,
                _KEYS["job"] + job.id,
            ]
        until = at + WORKER_TTL_S
        stamp = utcformat(datetime.fromtimestamp(at, UTC))
        execution = job.execution if job else ""
        self._sign(keys=keys, args=[stamp, at, WORKER_TTL_S + 60, until, one, execution])

    def _ticket(self, payload: bytes) -> Ticket | None:
        try:
            inflated = zlib.decompressobj().decompress(payload, MOST_BYTES)
            _function, _, _, named = self._serializer.loads(inflated)
            return Ticket(named["task_id"], named["attempt"])
        except (ValueError, TypeError, KeyError, zlib.error):
            return None
