"""RQ's own command: `rq worker urgent high normal low --url …`, with our worker and with RQ's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import RedisServer, valkey
from tests.support import wait_until
from tests.support_modes import Fleet, fleet

from altwright.domain.task import Delivery, Status


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Valkey that keeps its data."""
    with valkey(appendonly=True) as running:
        yield running


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet whose dispatcher runs in this process."""
    with fleet(tmp_path, server) as fleet_:
        fleet_.services.start()
        yield fleet_


@pytest.mark.req("3.1", "external")
@pytest.mark.req("3.4", "hands it back with its progress")
def test_rqs_command_works_loses_redis_and_stops_in_order(made: Fleet, server: RedisServer) -> None:
    """It works through RQ, from the database while Redis is away, and hands back at SIGTERM."""
    through_rq = [made.submit() for _ in range(3)]
    with made.rq_worker() as worker:
        wait_until(lambda: made.completed(*through_rq), 180)
        assert {made.task(one.id).delivery for one in through_rq} == {Delivery.RQ}
        server.kill()
        without = [made.submit() for _ in range(3)]
        wait_until(lambda: made.completed(*without))
        server.start()
        wait_until(lambda: made.services.health.usable)
        again = made.submit()
        wait_until(lambda: made.completed(again))
        long = made.submit(items=500, item_s=0.1)
        wait_until(lambda: made.task(long.id).items_done >= 2)
        assert worker.end() == 0  # after RQ_SHUTDOWN_TIMEOUT
    back = made.task(long.id)
    assert (back.status, back.failures) == (Status.QUEUED, 0)
    assert back.items_done >= 2
    assert made.counted()[2] == 0


@pytest.mark.req("3.4", "hands it back with its progress")
def test_rqs_command_stops_in_order_while_redis_is_away(made: Fleet, server: RedisServer) -> None:
    """SIGTERM in the midst of an item is no fault of it: the task goes back as it is."""
    first = made.submit()
    with made.rq_worker() as worker:
        wait_until(lambda: made.completed(first), 180)
        server.kill()
        wait_until(lambda: not made.services.health.usable)
        long = made.submit(items=500, item_s=0.3)
        wait_until(lambda: made.task(long.id).items_done >= 2)
        assert worker.end() == 0  # after RQ_SHUTDOWN_TIMEOUT
    back = made.task(long.id)
    assert (back.status, back.failures, back.items_failed) == (Status.QUEUED, 0, 0)
    assert back.items_done >= 2
    assert made.counted()[2] == 0


def test_rqs_command_ends_after_as_many_jobs_as_it_was_told(made: Fleet) -> None:
    """`rq worker --max-jobs` is a command that ends, with our worker too."""
    for _ in range(3):
        made.submit()
    with made.rq_worker("altwright.rq_worker.Worker", "--max-jobs", "1") as worker:
        assert worker.process.wait(180) == 0
    # Any one: maintenance, which the leader submits, is more urgent.
    assert len(made.services.store.recent(None, Status.COMPLETED, 10)) == 1


def test_rqs_pool_works_and_ends_with_the_work(made: Fleet) -> None:
    """`rq worker-pool --burst` starts workers of ours, which end when nothing is left."""
    tasks = [made.submit() for _ in range(3)]
    ours = "altwright.rq_worker.Worker"
    with made.rq_worker(ours, "--burst", "-n", "1", command="worker-pool") as pool:
        assert pool.process.wait(180) == 0
    assert made.completed(*tasks)


def test_a_burst_ends_while_redis_is_full(made: Fleet, server: RedisServer) -> None:
    """It works on what waits in the database, and is over when nothing is left."""
    server.client().config_set("maxmemory", "1mb")
    wait_until(lambda: not made.services.health.takes_jobs, 60)
    tasks = [made.submit() for _ in range(2)]
    with made.rq_worker("altwright.rq_worker.Worker", "--burst") as worker:
        assert worker.process.wait(180) == 0
    assert made.completed(*tasks)
    server.client().config_set("maxmemory", "0")


@pytest.mark.req("6.7", "alert, purge, database")
def test_rqs_command_works_from_the_database_while_redis_is_full(
    made: Fleet, server: RedisServer
) -> None:
    """A Redis out of memory takes no jobs, so tasks wait in the database, and are taken there."""
    first = made.submit()
    with made.rq_worker():
        wait_until(lambda: made.completed(first), 60)
        server.client().config_set("maxmemory", "1mb")
        waiting = [made.submit() for _ in range(3)]
        wait_until(lambda: made.completed(*waiting), 60)
        assert {made.task(one.id).delivery for one in waiting} == {Delivery.DATABASE}
        server.client().config_set("maxmemory", "0")
        wait_until(lambda: made.services.health.takes_jobs, 60)
        again = made.submit()
        wait_until(lambda: made.completed(again), 60)
    assert made.counted()[2] == 0


def test_rqs_stock_worker_loses_nothing(made: Fleet) -> None:
    """It can't read a job, so it fails it; the tasks stay, and a worker of ours finishes them.

    Nothing is executed either: a job is no pickle.
    """
    tasks = [made.submit() for _ in range(4)]
    with made.rq_worker("rq.worker.Worker") as stock:
        failed = made.services.queue.jobs.queues[tasks[0].priority].failed_job_registry
        wait_until(lambda: failed.get_job_count(cleanup=False) > 0)
        stock.end()
    assert {made.status(task) for task in tasks} == {Status.QUEUED}
    with made.worker("--count", "2"):
        wait_until(lambda: made.completed(*tasks), 180)
    assert made.counted() == (4, 0, 0)
