"""Workers: through RQ, from the database, and when they or Redis die; real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, QueuePool
from tests import leaks
from tests.servers import RedisServer, valkey
from tests.support import wait_until
from tests.support_toys import Toy, ToyWork

from altwright import bootstrap, config
from altwright.bootstrap import Services
from altwright.db import migrate
from altwright.domain.task import Delivery, Status
from altwright.tasks.task import Task
from altwright.tasks.task_kind import Run

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Valkey that keeps its data over a restart."""
    with valkey(appendonly=True) as running:
        yield running


@pytest.fixture
def services(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Return a service whose threads run, on SQLite and the Valkey, with toys to work on."""
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.setenv("LEASE_S", "6")
    with leaks.nothing_stays():
        made = bootstrap.build(config.load())
        made.settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(made.database.engine)
        made.engine.kinds["toy"] = Toy()
        made.start()
        try:
            yield made
        finally:
            made.close()


@contextmanager
def working(services: Services, count: int = 2, stop_s: float = 60) -> Iterator[None]:
    """Run workers in this process."""
    manager = services.worker_manager("integrated", count)
    manager.loop.start()
    try:
        yield
    finally:
        assert manager.stop(stop_s, item_grace_s=60), "a worker did not end"


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "tests.toy_worker"], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


#: Items of a task that is far from its end when something happens to it, however busy the machine.
MANY = 500


def long_task(services: Services, hurry: Path) -> Task:
    """Submit a task of MANY items of 0.1 s, which take no time once the file ``hurry`` exists."""
    return submit(services, items=MANY, item_s=0.1, hurry=str(hurry))


def submit(services: Services, **settings: Any) -> Task:
    """Submit a toy task."""
    return services.queue.submit("toy", user=None, settings=settings)


def status(services: Services, task: Task) -> Status:
    """Return the task's state now."""
    return services.store.get(task.id, None).status


def completed(services: Services, *tasks: Task) -> bool:
    """Say whether all have completed."""
    return all(status(services, task) is Status.COMPLETED for task in tasks)


@pytest.mark.req("1.1", "RQ and the app on one Redis")
@pytest.mark.req("1.2", "four queues")
@pytest.mark.req("1.5", "queues in priority order")
@pytest.mark.req("3.5", "coordinated in Redis")
def test_tasks_go_through_rq_and_rqs_own_command_sees_them(
    services: Services, server: RedisServer
) -> None:
    """A submitted task is delivered by RQ, and `rq info` shows queue, job count and worker."""
    tasks = [submit(services) for _ in range(5)]
    info = [str(Path(sys.executable).with_name("rq")), "info", "--raw", "--url", server.url]
    before = subprocess.run(info, capture_output=True, text=True, check=True).stdout
    assert "queue normal 5" in before
    with working(services):
        wait_until(lambda: completed(services, *tasks))
        during = subprocess.run(info, capture_output=True, text=True, check=True).stdout
        assert "idle urgent, high, normal, low" in during
    assert {services.store.get(task.id, None).delivery for task in tasks} == {Delivery.RQ}


@pytest.mark.req("1.4", "goes on with the database")
@pytest.mark.req("1.4", "no request fails")
@pytest.mark.req("6.4", "noticed and replaced")
@pytest.mark.req("6.4", "the submit that meets it")
@pytest.mark.req("6.5", "back to RQ")
def test_work_goes_on_from_the_database_and_back(services: Services, server: RedisServer) -> None:
    """Redis is killed: the very next submit succeeds and completes; back, tasks use RQ again."""
    with working(services):
        server.kill()
        without = [submit(services) for _ in range(5)]
        wait_until(lambda: completed(services, *without))
        assert services.store.get(without[-1].id, None).delivery is Delivery.DATABASE
        server.start()
        wait_until(lambda: services.health.usable)
        again = submit(services)
        assert again.delivery is Delivery.RQ
        wait_until(lambda: completed(services, again))


@pytest.mark.req("6.5", "back empty")
def test_a_redis_that_came_back_empty_costs_nothing(
    services: Services, server: RedisServer
) -> None:
    """FLUSHALL takes every job; all tasks complete all the same."""
    tasks = [submit(services) for _ in range(30)]
    with server.client() as client:
        client.flushall()
    with working(services):
        wait_until(lambda: completed(services, *tasks))


@pytest.mark.req("3.4", "lets running work finish")
def test_a_stop_lets_running_work_end(services: Services) -> None:
    """A task that ends within the time of a stop is completed, by the attempt that had it."""
    assert services.settings.rq_shutdown_timeout == 30
    with working(services):
        task = submit(services, items=6, item_s=0.2)
        wait_until(lambda: services.store.get(task.id, None).items_done >= 1)
    ended = services.store.get(task.id, None)
    assert (ended.status, ended.attempt) == (Status.COMPLETED, 1)


class Leaking(Toy):
    """Toys that take a connection and never give it back."""

    def __init__(self, services: Services) -> None:
        """Take the service whose connections are taken."""
        self._engine = services.database.engine
        self.taken: list[Connection] = []

    def open(self, run: Run) -> ToyWork:
        """Begin an attempt."""
        self.taken.append(self._engine.connect())
        return super().open(run)


@pytest.mark.req("6.8", "no leak")
@pytest.mark.req("6.8", "counted")
def test_a_connection_that_a_task_leaves_open_is_closed(services: Services) -> None:
    """When its task ends its worker gives it back, so that the pool lacks none."""
    leaking = services.engine.kinds["toy"] = Leaking(services)
    pool = services.database.engine.pool
    assert isinstance(pool, QueuePool)
    with working(services):
        tasks = [submit(services) for _ in range(3)]
        wait_until(lambda: completed(services, *tasks))
    assert len(leaking.taken) == 3
    assert pool.checkedout() == 0


@pytest.mark.req("3.4", "hands it back with its progress")
def test_a_stop_hands_running_work_back_with_its_progress(
    services: Services, tmp_path: Path
) -> None:
    """At the end of its time a running task goes back to the queue; the next attempt goes on."""
    task = long_task(services, tmp_path / "hurry")
    with working(services, stop_s=0.3):
        wait_until(lambda: services.store.get(task.id, None).items_done >= 3)
    back = services.store.get(task.id, None)
    assert back.status is Status.QUEUED
    assert back.items_done >= 3
    assert back.failures == 0
    (tmp_path / "hurry").touch()
    with working(services):
        wait_until(lambda: completed(services, task))
    ended = services.store.get(task.id, None)
    assert (ended.items_done, ended.attempt) == (MANY, 2)


@pytest.mark.req("6.3", "goes on from the last item")
def test_a_killed_workers_task_goes_on_elsewhere(services: Services, tmp_path: Path) -> None:
    """After kill -9 of a worker's process its task is taken back and finished, no item twice."""
    task = long_task(services, tmp_path / "hurry")
    with worker_process() as process:
        wait_until(lambda: services.store.get(task.id, None).items_done >= 3)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: status(services, task) is Status.QUEUED)
    (tmp_path / "hurry").touch()
    with working(services):
        wait_until(lambda: completed(services, task))
    assert services.store.get(task.id, None).items_done == MANY
    assert [event.event for event in services.store.history(task.id)].count("rescued") == 1


@pytest.mark.req("3.5", "never two workers at a time")
def test_a_worker_that_was_stopped_and_presumed_dead_changes_nothing(
    services: Services, tmp_path: Path
) -> None:
    """SIGSTOP for longer than a lease: another attempt finishes, and the old one is fenced off."""
    task = long_task(services, tmp_path / "hurry")
    with worker_process() as process:
        wait_until(lambda: services.store.get(task.id, None).items_done >= 3)
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: status(services, task) is Status.QUEUED)
        (tmp_path / "hurry").touch()
        with working(services):
            wait_until(lambda: completed(services, task))
        os.kill(process.pid, signal.SIGCONT)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(120) == 0
    ended = services.store.get(task.id, None)
    assert (ended.status, ended.items_done) == (Status.COMPLETED, MANY)
    assert len(services.store.items(task.id)) == MANY
