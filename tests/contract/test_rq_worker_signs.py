"""A worker's loop over RQ's queues: signs of life, and stops that lose no job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from tests import leaks
from tests.support_engine import BERT, Rig

from altwright.domain.task import Priority, Status
from altwright.tasks.rq import worker_loop
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.job_records import TakenJob
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop
from altwright.tasks.task import Ticket
from altwright.workers.integrated import IntegratedRQWorker

KEY = "rq:worker:signs"


@contextmanager
def looping(
    rig: Rig,
    *,
    ends: Callable[[], bool] = lambda: False,
    closed: Callable[[], Collection[Priority]] = tuple,
    before: Callable[[Ticket], None] = lambda _ticket: None,
    kind: type[WorkerLoop] = WorkerLoop,
) -> Iterator[WorkerLoop]:
    """Return the loop of a worker of this engine; ``before`` is called before each task."""
    client = connect(rig.redis_url, call_timeout_s=2)
    worker = rig.worker("signs")

    def perform(ticket: Ticket) -> bool | None:
        before(ticket)
        return worker.take(ticket)

    yield kind(rig.queue.jobs.records(client, "signs"), perform, ends=ends, closed=closed)
    client.close()


def test_a_stop_between_pop_and_work_loses_no_job(rig: Rig) -> None:
    """A worker that is asked to stop when it has just popped a job puts it back, at the front."""
    task = rig.submit()
    later = rig.submit(BERT)
    assert rig.job_count() == 2
    client = rig.health.client
    waiting = client.lrange("rq:queue:normal", 0, -1)
    with looping(rig, ends=lambda: rig.job_count() < 2) as loop:
        loop.work()
        assert loop.done == 0
    assert client.lrange("rq:queue:normal", 0, -1) == waiting
    assert client.hget(f"rq:job:{task.id}-0", "status") == b"queued"
    # Nobody has begun it, so that its attempt isn't wasted either.
    assert {rig.store.get(one.id, None).attempt for one in (task, later)} == {0}


@pytest.mark.parametrize("when", ["before the pop", "in the work"])
def test_a_job_that_a_full_server_takes_no_notes_of_is_performed(rig: Rig, when: str) -> None:
    """Redis is full when a job has been popped, or when its end is to be noted."""
    task = rig.submit()
    client = rig.health.client

    def fill(_: object = None) -> bool:
        client.config_set("maxmemory", "1")
        return False

    hooks: Any = {"ends": fill} if when == "before the pop" else {"before": fill}
    try:
        with looping(rig, **hooks) as loop:
            loop.work(burst=True)
    finally:
        client.config_set("maxmemory", "0")
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert client.hget(f"rq:job:{task.id}-0", "status") == b"finished"
    assert not client.exists("rq:wip:normal")


def test_a_worker_that_may_take_nothing_stays_known(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ doesn't forget a worker whose queues are all paused or full for minutes."""
    monkeypatch.setattr(worker_loop, "SIGN_EVERY_S", 0.0)
    lives: list[int] = []

    def closed() -> Collection[Priority]:
        client: Redis = rig.health.client
        lives.append(int(client.ttl(KEY)))
        client.expire(KEY, 5)
        return tuple(Priority)

    with looping(rig, ends=lambda: len(lives) > 2, closed=closed) as loop:
        loop.work()
    assert min(lives[1:]) > 5


def test_a_sign_keeps_what_rq_knows_of_a_long_job(rig: Rig) -> None:
    """The records of a job in hand live on, and one that has just ended leaves nothing behind."""
    task = rig.submit()
    client = rig.health.client
    job = f"{task.id}-0"
    taken: list[TakenJob] = []

    def long(_: Ticket) -> None:
        assert loop.in_hand is not None
        taken.append(loop.in_hand)
        one = f"{job}:{loop.in_hand.execution}"
        for key in (KEY, f"rq:execution:{one}"):
            client.expire(key, 5)
        client.zadd("rq:wip:normal", {one: 1})
        loop.give_sign()
        assert min(client.ttl(key) for key in (KEY, f"rq:execution:{one}")) > 5
        assert (client.zscore("rq:wip:normal", one) or 0) > 1
        assert client.hget(KEY, "state") == b"busy"

    with looping(rig, before=long) as loop:
        loop.work(burst=True)
        assert loop.done == 1
        client.delete(f"rq:job:{job}")
        rig.queue.jobs.records(client, "signs").sign(taken[0])
    assert not client.exists(f"rq:job:{job}", f"rq:executions:{job}", "rq:wip:normal")


def test_a_job_that_was_taken_for_abandoned_and_ends_has_not_failed(rig: Rig) -> None:
    """While no sign of a long job got through, it was set aside; its end puts that right."""
    task = rig.submit()
    client: Any = rig.health.client

    def miss_signs(_: Ticket) -> None:
        (one,) = client.zrange("rq:wip:normal", 0, -1)
        client.zadd("rq:wip:normal", {one: 1})
        assert RQUpkeep(rig.health, QueueOptions()).set_aside_abandoned() == 1
        assert client.zcard("rq:failed:normal") == 1

    with looping(rig, before=miss_signs) as loop:
        loop.work(burst=True)
    assert client.hget(f"rq:job:{task.id}-0", "status") == b"finished"
    assert not client.exists("rq:failed:normal", "rq:wip:normal")


def test_what_a_worker_writes_after_a_flush_goes_away_by_itself(rig: Rig) -> None:
    """A Redis that was emptied meanwhile keeps no torso of a worker that then dies."""
    rig.submit()
    client = rig.health.client

    def lose_all(_: Ticket) -> None:
        client.flushall()

    class Dies(WorkerLoop):
        """A worker that is killed when it has ended its job: it doesn't leave."""

        def _is_to_leave(self) -> bool:
            if self.done:
                self._records.leave = lambda: None  # type: ignore[method-assign]
            return super()._is_to_leave()

    with looping(rig, before=lose_all, kind=Dies) as loop:
        loop.work(burst=True)
    assert client.hget(KEY, "successful_job_count") == b"1"
    assert leaks.everlasting(client) == []


class EndsMeanwhile(WorkerLoop):
    """A loop whose job ends whenever another thread has looked at it once."""

    looks: int = 0

    @property
    def in_hand(self) -> Any:
        """Return a job at the first look only."""
        self.looks += 1
        return TakenJob("normal", "job", "execution", 0.0, None) if self.looks == 1 else None

    @in_hand.setter
    def in_hand(self, value: Any) -> None:
        """Forget what is set."""


def test_a_job_that_ends_while_a_sign_is_given_harms_nobody(rig: Rig) -> None:
    """The manager's thread gives signs of all workers; one whose job just ended stops none."""
    with looping(rig, kind=EndsMeanwhile) as loop:
        assert isinstance(loop, EndsMeanwhile)
        loop.give_sign()
        assert loop.looks == 1

        class LeavesMeanwhile(IntegratedRQWorker):
            """A worker that leaves RQ whenever another thread has looked at it once."""

            looks: int = 0

            @property
            def rq_loop(self) -> Any:
                """Return the loop at the first look only."""
                self.looks += 1
                return loop if self.looks == 1 else None

            @rq_loop.setter
            def rq_loop(self, value: Any) -> None:
                """Forget what is set."""

        worker = LeavesMeanwhile(rig.work_parts(), rig.health, rig.queue)
        loop.looks = 0
        worker.give_sign()
        assert (worker.looks, loop.looks) == (1, 1)
