"""The database as queue: idle workers hear at once that something waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from tests.support import PATIENCE_S, wait_until
from tests.support_engine import ANNA, BERT, NOWHERE, ROOT, Rig

from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.cluster.worker_wakeup import Messenger, WorkWaits
from altwright.workers.integrated import DATABASE_POLL_MOST_S, DATABASE_POLL_S, IntegratedRQWorker

pytestmark = pytest.mark.every_database


class SoundSleep(WorkWaits):
    """Waits that end by a wake-up only, once they have become as long as they get."""

    def __init__(self) -> None:
        """Note every pause that a worker asks for."""
        super().__init__()
        self.pauses_s: list[float] = []

    @property
    def sleeps(self) -> bool:
        """Say whether a worker waits, and won't ask by itself."""
        return self.pauses_s[-1:] == [DATABASE_POLL_MOST_S]

    def wait(self, since: int, timeout_s: float) -> bool:
        """Wait."""
        self.pauses_s.append(timeout_s)
        return super().wait(since, 10 * PATIENCE_S if self.sleeps else 0)


@contextmanager
def idle_worker(rig: Rig, waits: WorkWaits) -> Iterator[IntegratedRQWorker]:
    """Run a worker on the database."""
    queue = Rig(rig.database, rig.redis_url, waits=waits).queue
    worker = IntegratedRQWorker(rig.work_parts(), rig.health, queue)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        assert worker.join(PATIENCE_S)


def without_redis(rig: Rig, waits: WorkWaits) -> Rig:
    """Return another process's engine, which knows that Redis is away."""
    other = Rig(rig.database, NOWHERE, waits=waits)
    other.lose_redis()
    return other


def completes(rig: Rig, task_id: str) -> None:
    """Wait for a task's end."""
    wait_until(lambda: rig.store.get(task_id, None).status is Status.COMPLETED)


def test_a_submit_wakes_the_workers_of_its_process(rig: Rig) -> None:
    """Without Redis an idle worker claims the task without asking by itself, each time."""
    rig.lose_redis()
    waits = SoundSleep()
    rig = without_redis(rig, waits)
    with idle_worker(rig, waits):
        for _ in range(3):
            wait_until(lambda: waits.sleeps)
            completes(rig, rig.submit().id)


def test_a_submit_elsewhere_wakes(rig: Rig) -> None:
    """PostgreSQL carries the wake-up to other processes; on the others each of them looks.

    A requeue does, too.
    """
    waits = SoundSleep()
    rig, other = without_redis(rig, waits), without_redis(rig, WorkWaits())
    failed = rig.submit(BERT)
    rig.claims.fail(rig.take(), Category.FAULT, "It can't be done.")
    here = rig.messenger
    here.loop.start()
    try:
        wait_until(lambda: here.listening or not here.speaks)
        with idle_worker(rig, waits):
            for _ in range(3):
                wait_until(lambda: waits.sleeps)
                completes(rig, other.submit().id)
            wait_until(lambda: waits.sleeps)
            other.queue.requeue_failed(failed.id, by=ROOT)
            completes(rig, failed.id)
    finally:
        here.loop.stop()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_listener_that_lost_its_connection_listens_again(rig: Rig) -> None:
    """The server ends its connection: it comes back, and wakes for what it may have missed."""
    waits = WorkWaits()
    messenger = Messenger(rig.database, waits)
    messenger.loop.start()
    try:
        wait_until(lambda: messenger.listening)
        before = waits.count
        with rig.database.write() as session:
            ended = session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()"
                )
            ).all()
        assert len(ended) == 1
        wait_until(lambda: waits.count > before and messenger.listening)
        before = waits.count
        messenger.tell()
        wait_until(lambda: waits.count > before)
    finally:
        messenger.loop.stop()


def test_a_wake_up_before_the_wait_is_not_lost() -> None:
    """A submit between a worker's question and its wait lets it ask again at once."""
    waits = WorkWaits()
    since = waits.count
    waits.notify_all()
    assert waits.wait(since, 0)
    assert not waits.wait(waits.count, 0)


def test_an_idle_worker_asks_less_and_less(rig: Rig) -> None:
    """Idle workers don't keep the database busy: once a second in the end."""
    waits = SoundSleep()
    rig = without_redis(rig, waits)
    with idle_worker(rig, waits):
        wait_until(lambda: waits.sleeps)
    assert waits.pauses_s == [DATABASE_POLL_S, 0.2, 0.4, 0.8, DATABASE_POLL_MOST_S]


def test_what_comes_back_to_the_queue_wakes_too(rig: Rig) -> None:
    """A requeue and a resumed queue are heard as a submit is."""
    rig.lose_redis()
    since = rig.queue.work_waits.count
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    assert rig.queue.work_waits.count > since
    rig.submit(ANNA)
    task = rig.take()
    rig.claims.fail(task, Category.BAD_INPUT, "x")
    since = rig.queue.work_waits.count
    rig.queue.requeue_failed(task.id, by=ROOT)
    assert rig.queue.work_waits.count > since
