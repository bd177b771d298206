"""What RQ asks of a worker in a thread: signs of life, and stops that lose no job."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError
from rq import Queue
from rq.job import Job
from tests.support_engine import BERT, Rig

from altwright.domain.task import Priority, Status
from altwright.tasks.rq import thread_worker
from altwright.tasks.rq.client import connect
from altwright.tasks.rq.thread_worker import ThreadRQWorker
from altwright.workers import jobs
from altwright.workers.integrated import IntegratedRQWorker


@contextmanager
def rq_worker(
    rig: Rig,
    *,
    ends: Callable[[], bool],
    closed: Callable[[], Collection[Priority]] = tuple,
    kind: type[ThreadRQWorker] = ThreadRQWorker,
) -> Iterator[ThreadRQWorker]:
    """Return RQ's worker of this engine, whose work is its tasks."""
    client = connect(rig.redis_url, call_timeout_s=2)
    ours = rig.worker("signs")
    token = jobs.here.set(ours)
    queues = [
        Queue(queue.name, connection=client, serializer=rig.queue.serializer)
        for queue in rig.queue.queues.values()
    ]
    worker = kind(
        queues,
        ends=ends,
        closed=closed,
        was_put_off=ours.was_put_off,
        name="signs",
        connection=client,
        serializer=rig.queue.serializer,
    )
    yield worker
    jobs.here.reset(token)
    client.close()


def test_a_stop_between_pop_and_work_loses_no_job(rig: Rig) -> None:
    """A worker that is asked to stop when it has just popped a job puts it back, at the front."""
    task = rig.submit()
    later = rig.submit(BERT)
    assert rig.job_count() == 2
    client = connect(rig.redis_url, call_timeout_s=2)
    waiting = client.lrange("rq:queue:normal", 0, -1)
    # True as soon as a job was popped: RQ gives a sign of life just then.
    with rq_worker(rig, ends=lambda: rig.job_count() < 2) as worker:
        worker.work(logging_level="WARNING")
    assert client.lrange("rq:queue:normal", 0, -1) == waiting
    client.close()
    # Nobody has begun it, so that its attempt isn't wasted either.
    assert {rig.store.get(one.id, None).attempt for one in (task, later)} == {0}


@pytest.mark.parametrize("is_known", [True, False])
def test_a_job_that_a_full_server_does_not_take_back_is_performed(
    rig: Rig, caplog: pytest.LogCaptureFixture, *, is_known: bool
) -> None:
    """Redis is full when a job has been popped, whether the worker knows by then or not."""
    task = rig.submit()
    client = connect(rig.redis_url, call_timeout_s=2)

    class FillsUp(ThreadRQWorker):
        """A worker whose server has no room from its first job on."""

        def execute_job(self, job: Job, queue: Queue) -> None:
            client.config_set("maxmemory", "1")
            super().execute_job(job, queue)

    def is_full() -> bool:
        return is_known and rig.job_count() == 0

    try:
        with (
            rq_worker(rig, ends=is_full, kind=FillsUp) as worker,
            contextlib.suppress(OutOfMemoryError),  # RQ notes the worker's end there
        ):
            worker.work(logging_level="WARNING")
    finally:
        client.config_set("maxmemory", "0")
        client.close()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert "unhandled exception" not in caplog.text
    assert not list(rig.health.client.scan_iter("rq:job:*"))


def test_a_worker_that_may_take_nothing_stays_known(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ doesn't forget a worker whose queues are all paused or full for minutes."""
    monkeypatch.setattr(thread_worker, "SIGN_EVERY_S", 0.0)
    key = "rq:worker:signs"
    lives: list[int] = []

    def closed() -> Collection[Priority]:
        client: Redis = rig.health.client
        lives.append(int(client.ttl(key)))
        client.expire(key, 5)
        return tuple(Priority)

    with rq_worker(rig, ends=lambda: len(lives) > 2, closed=closed) as worker:
        worker.work(logging_level="WARNING")
    assert min(lives[1:]) > 5


class EndsMeanwhile(ThreadRQWorker):
    """A worker whose job ends whenever another thread has looked at it once."""

    looks: int = 0
    signs: int = 0

    @property
    def in_hand(self) -> Any:
        """Return a job at the first look only."""
        self.looks += 1
        return ("job", "execution") if self.looks == 1 else None

    @in_hand.setter
    def in_hand(self, value: Any) -> None:
        """Forget what is set."""

    def maintain_heartbeats(self, *_in_hand: Any) -> None:
        """Count the signs."""
        self.signs += 1


def test_a_job_that_ends_while_a_sign_is_given_harms_nobody(rig: Rig) -> None:
    """The manager's thread gives signs of all workers; one whose job just ended stops none."""
    with rq_worker(rig, ends=lambda: True, kind=EndsMeanwhile) as worker:
        assert isinstance(worker, EndsMeanwhile)
        worker.give_sign()
        assert worker.signs == 1

        class LeavesMeanwhile(IntegratedRQWorker):
            """A worker that leaves RQ whenever another thread has looked at it once."""

            looks: int = 0

            @property
            def rq_worker(self) -> Any:
                """Return RQ's worker at the first look only."""
                self.looks += 1
                return worker if self.looks == 1 else None

            @rq_worker.setter
            def rq_worker(self, value: Any) -> None:
                """Forget what is set."""

        parts = rig.work_parts()
        thread = LeavesMeanwhile(parts, rig.health, [], rig.queue.serializer, rig.queue.work_waits)
        worker.looks = 0
        thread.give_sign()
        assert worker.signs == 2
