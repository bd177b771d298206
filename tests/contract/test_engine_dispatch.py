"""The dispatcher: database and RQ in step through losses, floods, take-overs and flushes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.servers import RedisServer
from tests.servers import valkey as new_valkey
from tests.support import wait_until
from tests.support_engine import ANNA, BERT, LEASE_S, Fleet, Rig, make_users, new_task, touch

from altwright.db.session import Database
from altwright.domain.task import Delivery, Priority, Status
from altwright.domain.worker import new_worker_id, process_name
from altwright.tasks.execution.dispatcher import COMPARE_EVERY_S, EPOCH, MODE, ROLE, ROLE_S
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.redis_client import EPOCH_KEY
from altwright.tasks.store.backlog import GRACE_S
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database


def submit_many(rig: Rig, count: int) -> list[str]:
    """Submit a task for each of ``count`` users."""
    users = make_users(rig.database, range(10, 10 + count))
    return [rig.submit(user, settings={"items": 1}).id for user in users]


@pytest.fixture
def small(database: Database, valkey: RedisServer, rig: Rig) -> Iterator[Rig]:
    """Return an engine whose window holds five jobs."""
    made = Rig(database, valkey.url, QueueOptions(window=5))
    yield made
    made.close()


@pytest.mark.req("4.1", "on their own")
@pytest.mark.req("6.7", "memory is bounded")
def test_redis_holds_one_window_of_the_backlog(small: Rig) -> None:
    """However many tasks wait, at most a window of jobs lies in RQ; all are worked on."""
    ids = submit_many(small, 23)
    for _ in range(3):
        small.dispatcher.tick()
        assert small.job_count() == 5
    order: list[str] = []
    small.kind.meet = lambda run, _item: order.append(run.task.id)
    assert Fleet(small, Delivery.RQ).drain() == 23
    assert order == ids


def test_a_full_window_lets_nobody_jump_the_queue(small: Rig) -> None:
    """A submit that finds room in RQ while older tasks wait in the database waits behind them."""
    ids = submit_many(small, 8)
    small.take("database")
    small.queue.jobs.queues[Priority.NORMAL].empty()
    newest = small.submit(ANNA, settings={"items": 1})
    assert newest.delivery is Delivery.DATABASE
    order: list[str] = []
    small.kind.meet = lambda run, _item: order.append(run.task.id)
    small.later(GRACE_S + 1)
    Fleet(small, Delivery.RQ).drain()
    assert order == [*ids[1:], newest.id]


@pytest.mark.req("6.3", "one lease")
def test_an_expired_lease_is_taken_back(rig: Rig) -> None:
    """A silent worker's task goes on with another after its lease; a renewed one doesn't."""
    task, other = rig.submit(), rig.submit(BERT)
    silent, lively = rig.take("silent"), rig.take("lively")
    assert (silent.id, lively.id) == (task.id, other.id)
    rig.later(LEASE_S - 5)
    rig.claims.renew(lively.id, lively.attempt)
    rig.dispatcher.tick()
    assert rig.store.get(task.id, None).status is Status.RUNNING
    rig.later(6)
    rig.dispatcher.tick()
    assert rig.store.get(task.id, None).status is Status.QUEUED
    assert rig.store.get(other.id, None).status is Status.RUNNING
    assert rig.events(task.id)[-1] == "rescued"
    assert rig.job_count() >= 1


def name_of_a_gone_process() -> str:
    """Return the worker's name that a process of this host had, which has ended."""
    code = "from altwright.domain.worker import new_worker_id; print(new_worker_id('test'))"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return gone.stdout.strip()


def test_a_worker_whose_process_is_gone_loses_its_task_at_once(rig: Rig) -> None:
    """A killed worker on this host is noticed by its process, long before its lease runs out."""
    rig.submit()
    lost = rig.take(name_of_a_gone_process())
    rig.submit(BERT)
    kept = rig.take(new_worker_id("test"))
    rig.dispatcher.tick()
    assert rig.store.get(lost.id, None).status is Status.QUEUED
    assert rig.store.get(kept.id, None).status is Status.RUNNING
    assert rig.store.history(lost.id)[-1].detail == "worker process is gone"


def test_one_process_dispatches_and_another_takes_over(rig: Rig) -> None:
    """The role is one process's at a time; a silent holder's is taken over within its lease."""
    second = Rig(rig.database, rig.redis_url, owner="there")
    assert rig.dispatcher.tick()
    assert not second.dispatcher.tick()
    rig.later(ROLE_S / 2)
    assert rig.dispatcher.tick()
    rig.later(ROLE_S + 0.1)
    assert second.dispatcher.tick()
    assert not rig.dispatcher.tick()
    second.leases.release([ROLE], "there")
    assert rig.dispatcher.tick()
    rig.leases.release([ROLE], "there")
    assert rig.dispatcher.tick()
    second.close()


def test_a_role_whose_process_is_gone_is_free_at_once(rig: Rig) -> None:
    """A killed dispatcher on this host doesn't delay the rescue of its tasks by its lease."""
    gone = Rig(rig.database, rig.redis_url, owner=name_of_a_gone_process())
    assert gone.dispatcher.tick()
    assert rig.dispatcher.tick()
    here = Rig(rig.database, rig.redis_url, owner=process_name())
    rig.leases.release([ROLE], rig.owner)
    assert here.dispatcher.tick()
    assert not rig.dispatcher.tick()  # that process is alive
    here.close()
    gone.close()


def test_a_stopped_dispatcher_gives_its_role_up(rig: Rig) -> None:
    """Another process needs no lease's length to go on after an orderly stop."""
    second = Rig(rig.database, rig.redis_url, owner="there")
    rig.dispatcher.tick()
    rig.dispatcher.loop.start()
    rig.dispatcher.loop.stop()
    assert second.dispatcher.tick()
    second.close()


@pytest.mark.parametrize("loss", ["popped", "deleted job", "queue deleted", "never enqueued"])
def test_a_job_lost_on_its_way_is_dispatched_again(rig: Rig, loss: str) -> None:
    """Whatever happened between commit, enqueue, pop and claim, the task is worked on."""
    rig.dispatcher.tick()
    if loss == "never enqueued":
        new = new_task("11111111-1111-4111-8111-111111111111")
        task, _ = rig.store.submit(new, delivery=Delivery.RQ, actor="anna")
    else:
        task = rig.submit()
    client = rig.health.client
    queue = rig.queue.jobs.queues[Priority.NORMAL]
    match loss:
        case "popped":
            assert client.lpop(queue.key) is not None
        case "deleted job":
            client.delete(f"rq:job:{task.id}-0")
        case "queue deleted":
            client.delete(queue.key)
    assert rig.drain_rq() == 0
    rig.at += COMPARE_EVERY_S
    rig.dispatcher.tick()
    assert rig.drain_rq() == 0, "a claim may be on its way"
    rig.later(GRACE_S + 1)
    rig.dispatcher.tick()
    assert rig.drain_rq() == 1
    assert rig.events(task.id) == ["queued", "claimed", "completed"]


@pytest.mark.req("6.5", "back empty")
@pytest.mark.parametrize("how", ["flushed", "replaced"])
def test_a_redis_that_comes_back_empty_gets_its_jobs_again(rig: Rig, how: str) -> None:
    """An epoch that isn't there sends every waiting task again, at once."""
    rig.dispatcher.tick()
    ids = submit_many(rig, 6)
    assert rig.job_count() == 6
    epoch = rig.health.client.get(EPOCH_KEY)
    rig.health.client.flushall()
    if how == "replaced":
        rig.health.client.set(EPOCH_KEY, "of another service")
    rig.dispatcher.tick()
    assert rig.job_count() == 6
    assert rig.health.client.get(EPOCH_KEY) not in {None, epoch}
    assert rig.state.get(EPOCH).encode() == rig.health.client.get(EPOCH_KEY)
    assert rig.drain_rq() == 6
    assert all(rig.events(one) == ["queued", "claimed", "completed"] for one in ids)


@pytest.mark.req("6.5", "back empty")
@pytest.mark.parametrize("since", ["another epoch", "the same epoch"])
def test_a_redis_that_comes_back_older_loses_nothing(rig: Rig, since: str) -> None:
    """Jobs that an older copy lacks are sent again, those that it has too many do nothing."""
    with new_valkey() as server:
        other = Rig(rig.database, server.url, owner="there")
        other.dispatcher.tick()
        done = submit_many(other, 3)
        client = server.client()
        old: dict[bytes, Any] = {key: client.dump(key) for key in client.scan_iter()}
        assert other.drain_rq() == 3
        if since == "another epoch":
            client.flushall()
            other.dispatcher.tick()
        waiting = [other.submit(user).id for user in (ANNA, BERT)]
        client.flushall()
        for key, value in old.items():
            client.restore(key, 0, value)
        other.later(GRACE_S + 1)
        other.dispatcher.tick()
        assert other.drain_rq() == 2
        for one in done + waiting:
            assert other.events(one) == ["queued", "claimed", "completed"]
        client.close()
        other.close()


@pytest.mark.req("1.4", "goes on with the database")
@pytest.mark.req("1.4", "says so in the log")
@pytest.mark.req("6.4", "noticed and replaced")
@pytest.mark.req("6.4", "the submit that meets it")
def test_without_redis_everything_goes_on_with_the_database(
    rig: Rig, valkey: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Tasks in RQ and new ones are worked on from the database, and keep what they are."""
    rig.dispatcher.tick()
    before = rig.submit(priority="low", settings={"items": 2, "hint": "x"})
    valkey.kill()
    during = rig.submit(BERT)
    assert during.status is Status.QUEUED
    rig.lose_redis()
    rig.dispatcher.tick()
    assert rig.state.get(MODE) == Delivery.DATABASE
    assert "delivery is database now" in caplog.text
    moved = rig.store.get(before.id, None)
    assert moved.delivery is Delivery.DATABASE
    kept = ("id", "priority", "user_id", "settings", "created_at", "attempt", "failures")
    assert [getattr(moved, name) for name in kept] == [getattr(before, name) for name in kept]
    assert rig.drain_database() == 2
    valkey.start()
    rig.find_redis()
    rig.dispatcher.tick()
    assert rig.state.get(MODE) == Delivery.RQ


@pytest.mark.req("4.1", "on their own")
@pytest.mark.req("6.5", "back to RQ")
def test_tasks_go_back_to_redis_when_it_is_there_again(rig: Rig, valkey: RedisServer) -> None:
    """What waited in the database is dispatched in its order at the first pass."""
    rig.dispatcher.tick()
    valkey.kill()
    rig.lose_redis()
    ids = submit_many(rig, 4)
    rig.dispatcher.tick()
    valkey.start()
    rig.find_redis()
    rig.dispatcher.tick()
    assert rig.queue.jobs.job_ids(Priority.NORMAL) == {f"{one}-0" for one in ids}
    assert rig.drain_rq() == 4


@pytest.mark.req("4.1", "on their own")
@pytest.mark.req("4.2", "survives the move")
def test_a_task_that_goes_to_rq_keeps_what_it_is(rig: Rig) -> None:
    """Priority, user, settings, id, age and retries are those that it had in the database."""
    rig.lose_redis()
    settings = {"items": 2, "hint": "x"}
    task = rig.submit(priority="low", settings=settings)
    touch(rig.database, task.id, failures=2, created_at=task.created_at - timedelta(days=1))
    before = rig.store.get(task.id, None)
    seen: list[Task] = []
    rig.kind.meet = lambda run, _item: seen.append(run.task)
    rig.find_redis()
    rig.dispatcher.tick()
    assert rig.drain_rq() == 1
    kept = ("id", "priority", "user_id", "settings", "created_at", "failures")
    for name in kept:
        assert getattr(seen[0], name) == getattr(before, name), name
    assert (seen[0].delivery, seen[0].failures) == (Delivery.RQ, 2)


@pytest.mark.req("6.7", "alert, purge, database")
def test_a_full_redis_leaves_tasks_in_the_database(rig: Rig, valkey: RedisServer) -> None:
    """Out of memory, Redis takes no job; submits succeed, the circuit stays closed."""
    rig.dispatcher.tick()
    rig.health.client.config_set("maxmemory", "1mb")
    task = rig.submit()
    assert rig.health.full
    assert rig.health.usable
    assert rig.store.get(task.id, None).delivery is Delivery.DATABASE
    rig.dispatcher.tick()
    assert rig.state.get(MODE) == Delivery.DATABASE
    assert rig.job_count() == 0
    assert rig.drain_database() == 1
    rig.health.client.config_set("maxmemory", "0")
    rig.at += 60
    assert rig.health.check()
    assert not rig.health.full
    second = rig.submit()
    assert rig.queue.jobs.job_ids(Priority.NORMAL) == {f"{second.id}-0"}


def test_two_services_share_a_redis_by_their_prefix(rig: Rig, database: Database) -> None:
    """Another service's mark isn't taken for a foreign Redis's."""
    with new_valkey() as server:
        first = Rig(database, server.url, QueueOptions(prefix="a-"))
        first.dispatcher.tick()
        epoch = database_epoch(first)
        first.health.client.set(f"{EPOCH_KEY}:b-", "other")
        first.health.client.set(EPOCH_KEY, "other")
        first.dispatcher.tick()
        assert database_epoch(first) == epoch
        assert first.queue.jobs.queues[Priority.HIGH].name == "a-high"
        first.close()


def database_epoch(rig: Rig) -> str:
    """Return the mark that the database has of its Redis."""
    return str(rig.state.get(EPOCH))


def test_a_fault_in_a_pass_doesnt_end_the_dispatcher(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread goes on after an error nobody foresaw."""
    passes: list[int] = []

    def broken() -> int:
        passes.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(rig.dispatcher, "rescue", broken)
    rig.dispatcher.loop.start()
    try:
        wait_until(lambda: len(passes) >= 2)
    finally:
        rig.dispatcher.loop.stop()
    assert len(passes) >= 2
