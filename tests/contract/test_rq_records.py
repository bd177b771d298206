"""What a worker of ours leaves in Redis is what RQ's own leaves: dashboards see no difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.timeouts import BaseDeathPenalty
from tests.servers import RedisServer
from tests.servers import redis_server as new_redis
from tests.support_engine import ANNA, BERT, Rig

from altwright.domain.task import Priority, Status
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop
from altwright.workers import jobs
from altwright.workers.worker import TaskWorker

#: Fields of a job that tell RQ's worker what to do afterwards; ours has none to write.
INSTRUCTIONS = {
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "group_id",
    "meta",
}
#: What RQ's workers hold while one of them cleans up; here the leader does.
LOCKS = {b"rq:clean_groups"}


class NoDeathPenalty(BaseDeathPenalty):
    """Sets no alarm, which the test runner's own would meet."""

    def setup_death_penalty(self) -> None:
        """Set nothing up."""

    def cancel_death_penalty(self) -> None:
        """Cancel nothing."""


class PlainWorker(SimpleWorker):
    """RQ's own in-process worker; only what may outlive a test is left out."""

    death_penalty_class = NoDeathPenalty

    def _install_signal_handlers(self) -> None:
        """Leave pytest's in place."""

    def subscribe(self) -> None:
        """Start no thread that may still listen when the server has gone."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""


Work = Callable[[Rig, Redis, TaskWorker], None]


def as_rq(rig: Rig, client: Redis, worker: TaskWorker) -> None:
    """Work with RQ's own worker."""
    token = jobs.here.set(worker)
    serializer = rig.queue.jobs.serializer
    queues = [
        Queue(queue.name, connection=client, serializer=serializer)
        for queue in rig.queue.jobs.queues.values()
    ]
    plain = PlainWorker(queues, name=worker.id, connection=client, serializer=serializer)
    plain.work(burst=True, logging_level="WARNING")
    jobs.here.reset(token)


def as_ours(rig: Rig, client: Redis, worker: TaskWorker) -> None:
    """Work with our loop."""
    records = rig.queue.jobs.records(client, worker.id)
    WorkerLoop(records, worker.take, ends=lambda: False, closed=worker.closed).work(burst=True)


def shapes(client: Any, *names: str) -> dict[str, Any]:
    """Return RQ's keys, without ids, each with its type, its fields and whether it has a TTL."""
    found = {}
    for key in client.scan_iter("rq:*"):
        if key in LOCKS:
            continue
        kind = client.type(key).decode()
        fields: set[str] = set()
        if kind == "hash":
            written = {field.decode() for field, value in client.hgetall(key).items() if value}
            fields = written - INSTRUCTIONS
        if kind == "stream":
            ((_, values),) = client.xrange(key)
            fields = {field.decode() for field in values}
        name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27,}|[0-9a-f]{32}", "ID", key.decode())
        for worker in names:
            name = name.replace(worker, "WORKER")
        found[name] = (kind, sorted(fields), client.ttl(key) > 0)
    return found


@pytest.mark.parametrize("moment", ["waits", "runs", "finished", "unreadable"])
def test_ours_writes_what_rq_writes(rig: Rig, valkey: RedisServer, moment: str) -> None:
    """Keys, types, fields and lives, of a job that waits, runs, has ended, or isn't ours."""
    seen: dict[str, Any] = {}
    for name, work in (("theirs", as_rq), ("ours", as_ours)):
        client = connect(valkey.url, call_timeout_s=5)
        client.flushall()
        task = rig.submit(ANNA if name == "ours" else BERT)
        job = f"rq:job:{task.id}-0"
        if moment == "waits":
            if name == "theirs":
                client.flushall()
                Queue("normal", connection=client, serializer=rig.queue.jobs.serializer).enqueue(
                    "altwright.workers.jobs.run_task",
                    kwargs={"task_id": task.id, "attempt": 0},
                    job_id=f"{task.id}-0",
                    ttl=60,
                    result_ttl=60,
                    failure_ttl=60,
                    job_timeout=60,
                )
            seen[name] = shapes(client)
        else:
            if moment == "unreadable":
                client.hset(job, "data", b"nothing of ours")
            worker = rig.worker(f"worker-{name}")
            if moment == "runs":
                rig.kind.meet = lambda _run, _item, client=client, name=name: seen.update(  # type: ignore[misc]
                    {name: shapes(client, f"worker-{name}")}
                )
            work(rig, client, worker)
            seen.setdefault(name, shapes(client, f"worker-{name}"))
        client.close()
    if moment == "runs":  # RQ's would stay for ever should its worker be killed
        assert seen["ours"].pop("rq:job:ID")[2]
        seen["theirs"].pop("rq:job:ID")
    assert seen["ours"] == seen["theirs"]


@pytest.mark.req("1.1", "RQ and the app on one Redis")
@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_rqs_own_worker_drains_the_queues(rig: Rig, kind: str) -> None:
    """Any RQ worker with our serializer works on the tasks, on Valkey and on Redis."""
    if kind == "redis":
        with new_redis() as server:
            other = Rig(rig.database, server.url)
            drain_plainly(other)
            other.close()
    else:
        drain_plainly(rig)


def drain_plainly(rig: Rig) -> None:
    """Drain the queues with RQ's worker."""
    rig.dispatcher.tick()
    ids = [rig.submit(user).id for user in (ANNA, BERT)]
    client = connect(rig.redis_url, call_timeout_s=5)
    as_rq(rig, client, rig.worker())
    for one in ids:
        assert rig.store.get(one, None).status is Status.COMPLETED
        job = Job.fetch(f"{one}-0", client, rig.queue.jobs.serializer)
        assert job.get_status() is JobStatus.FINISHED
        assert job.return_value() is True
    finished = FinishedJobRegistry(queue=rig.queue.jobs.queues[Priority.NORMAL]).get_job_ids()
    assert sorted(finished) == sorted(f"{one}-0" for one in ids)
    client.close()


def test_rq_reads_what_ours_wrote(rig: Rig) -> None:
    """`rq info` and dashboards see our workers, their jobs, and how these ended."""
    task, refused = rig.submit(), rig.submit(BERT)
    client = connect(rig.redis_url, call_timeout_s=5)
    client.hset(f"rq:job:{refused.id}-0", "data", b"nothing of ours")
    queue = rig.queue.jobs.queues[Priority.NORMAL]
    seen: list[Any] = []

    def look(*_: Any) -> None:
        (worker,) = Worker.all(connection=client)
        seen.append((worker.get_state(), worker.get_current_job_id(), worker.queue_names()))
        seen.append(StartedJobRegistry(queue=queue).get_job_ids(cleanup=False))

    rig.kind.meet = look
    as_ours(rig, client, rig.worker("ours"))
    job = f"{task.id}-0"
    names = ["urgent", "high", "normal", "low"]
    assert seen[:2] == [("busy", job, names), [job]]
    assert Worker.all(connection=client) == []
    ended = Job.fetch(job, client, rig.queue.jobs.serializer)
    assert (ended.get_status(), ended.return_value()) == (JobStatus.FINISHED, True)
    failed = Job.fetch(f"{refused.id}-0", client, rig.queue.jobs.serializer)
    assert failed.get_status() is JobStatus.FAILED
    latest = failed.latest_result()
    assert latest is not None
    assert latest.type is Result.Type.FAILED
    assert "not written by Altwright" in str(latest.exc_string)
    assert FailedJobRegistry(queue=queue).get_job_ids() == [f"{refused.id}-0"]
    client.close()
