"""The database as queue: idle workers hear at once that something waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from statistics import median
from typing import Any

import pytest
from sqlalchemy import text
from tests.support import busy, wait_until
from tests.support_engine import ANNA, ROOT, Rig

from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.wakeups import Messenger, WorkWaits
from altwright.workers.integrated import DATABASE_POLL_MOST_S, IntegratedRQWorker
from altwright.workers.worker import WorkParts

#: Seconds within which a woken worker has claimed on a busy machine; polling takes up to 1 s.
AT_ONCE_S = 0.35


@contextmanager
def idle_worker(rig: Rig) -> Iterator[IntegratedRQWorker]:
    """Run a worker on the database, after it has become slow in asking."""
    worker = IntegratedRQWorker(
        WorkParts(rig.claims, rig.runner, nullcontext, rig.pauses.current),
        rig.health,
        ["normal"],
        rig.queue.serializer,
        rig.queue.work_waits,
    )
    worker.start()
    try:
        threading.Event().wait(1.6)  # 0.1 + 0.2 + 0.4 + 0.8 s: the pauses before the longest
        yield worker
    finally:
        worker.stop()
        assert worker.join(5)


def claimed_after_s(rig: Rig, submit: Callable[[], str]) -> float:
    """Return the seconds from a submit to its claim, by the database's clock."""
    task_id = submit()
    wait_until(lambda: rig.store.get(task_id, None).status is Status.COMPLETED, 10)
    task = rig.store.get(task_id, None)
    assert task.started_at is not None
    return (task.started_at - task.created_at).total_seconds()


@pytest.mark.req("6.4")
def test_a_submit_wakes_the_workers_of_its_process(rig: Rig) -> None:
    """Without Redis an idle worker has claimed the task almost at once, each time."""
    rig.lose_redis()
    with idle_worker(rig):
        took = []
        for _ in range(3):
            took.append(claimed_after_s(rig, lambda: rig.submit().id))
            threading.Event().wait(0.8)
    assert median(took) < AT_ONCE_S, took


def test_a_submit_elsewhere_wakes_or_is_found_by_asking(rig: Rig) -> None:
    """PostgreSQL carries the wake-up to other processes; on the others a second is the most."""
    rig.lose_redis()
    other = Rig(rig.database, rig.redis_url)
    other.lose_redis()
    speaks = rig.database.engine.dialect.name == "postgresql"
    here, there = (Messenger(rig.database, one.queue.work_waits) for one in (rig, other))
    other.queue.tell_others = there.tell
    here.start()
    try:
        if speaks:
            wait_until(lambda: here.listening, 5)
        with idle_worker(rig):
            took = []
            for _ in range(3):
                took.append(claimed_after_s(rig, lambda: other.submit().id))
                threading.Event().wait(0.8)
    finally:
        here.stop()
        other.close()
    assert median(took) < (AT_ONCE_S if speaks else DATABASE_POLL_MOST_S + AT_ONCE_S), took


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_listener_that_lost_its_connection_listens_again(rig: Rig) -> None:
    """The server ends its connection: it comes back, and wakes for what it may have missed."""
    waits = WorkWaits()
    messenger = Messenger(rig.database, waits)
    messenger.start()
    try:
        wait_until(lambda: messenger.listening, 5)
        before = waits.count
        with rig.database.write() as session:
            ended = session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN %' AND pid <> pg_backend_pid()"
                )
            ).all()
        assert len(ended) == 1
        wait_until(lambda: waits.count > before and messenger.listening, 10)
        before = waits.count
        messenger.tell()
        wait_until(lambda: waits.count > before, 5)
    finally:
        messenger.stop()


def test_a_wake_up_before_the_wait_is_not_lost() -> None:
    """A submit between a worker's question and its wait lets it ask again at once."""
    waits = WorkWaits()
    since = waits.count
    waits.notify_all()
    began = time.monotonic()
    assert waits.wait(since, 5)
    assert time.monotonic() - began < busy()
    assert not waits.wait(waits.count, 0.01)


def test_an_idle_worker_asks_less_and_less(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle workers don't keep the database busy: once a second in the end."""
    rig.lose_redis()
    asked: list[float] = []
    claim_next = rig.claims.claim_next

    def counted(*args: Any, **options: Any) -> Any:
        asked.append(time.monotonic())
        return claim_next(*args, **options)

    monkeypatch.setattr(rig.claims, "claim_next", counted)
    with idle_worker(rig):
        wait_until(lambda: asked and time.monotonic() - asked[0] > 4, 10)
    assert 4 <= len(asked) <= 9


def test_what_comes_back_to_the_queue_wakes_too(rig: Rig) -> None:
    """A requeue and a resumed queue are heard as a submit is."""
    rig.lose_redis()
    since = rig.queue.work_waits.count
    rig.queue.resume(Priority.NORMAL, by=ROOT)
    assert rig.queue.work_waits.count > since
    rig.submit(ANNA)
    task = rig.take()
    rig.claims.fail(task, Category.BAD_INPUT, "x")
    since = rig.queue.work_waits.count
    rig.queue.requeue(task.id, by=ROOT)
    assert rig.queue.work_waits.count > since
