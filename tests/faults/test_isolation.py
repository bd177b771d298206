"""A process for each task: its crash costs the item in hand and harms nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import RedisServer, valkey
from tests.support import wait_until
from tests.support_modes import Fleet, Started, children_of, fleet
from tests.support_service import alive, tree

from altwright.domain.task import Status


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Valkey."""
    with valkey() as running:
        yield running


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet whose workers isolate tasks."""
    with fleet(tmp_path, server, WORKER_ISOLATE="true") as fleet_:
        yield fleet_


def horses(worker: Started) -> list[int]:
    """Return the processes that work on a task: grandchildren, by way of the fork server."""
    return [pid for child in worker.children() for pid in children_of(child)]


@pytest.mark.req("6.3")
def test_a_killed_work_horse_costs_one_item_and_nobody_else(made: Fleet) -> None:
    """After kill -9 of a task's process it goes on at once, the other one isn't touched."""
    tasks = [made.submit(items=40, item_s=0.1) for _ in range(2)]
    with made.worker("--count", "2") as worker:
        wait_until(lambda: all(made.task(one.id).items_done >= 3 for one in tasks))
        victim = horses(worker)[0]
        os.kill(victim, signal.SIGKILL)

        def attempts() -> list[int]:
            return sorted(made.task(one.id).attempt for one in tasks)

        wait_until(lambda: attempts() == [1, 2])
        wait_until(lambda: made.completed(*tasks))
        assert attempts() == [1, 2]
        assert made.counted() == (2, 0, 0)
        wait_until(lambda: not horses(worker))


@pytest.mark.req("3.4")
def test_a_stop_hands_an_isolated_task_back_and_leaves_no_process(made: Fleet) -> None:
    """SIGTERM: after its time the task is queued with its progress; the whole tree is gone."""
    task = made.submit(items=100, item_s=0.1)
    with made.worker("--count", "1", RQ_SHUTDOWN_TIMEOUT="0.5") as worker:
        wait_until(lambda: made.task(task.id).items_done >= 3)
        everyone = tree(worker.pid)
        assert worker.end() == 0
    now = made.task(task.id)
    assert (now.status, now.failures) == (Status.QUEUED, 0)
    assert now.items_done >= 3
    wait_until(lambda: not any(alive(pid) for pid in everyone))


def test_a_work_horse_ends_with_its_worker(made: Fleet) -> None:
    """After kill -9 of the worker the task's process hands back by itself, instead of going on."""
    task = made.submit(items=200, item_s=0.1)
    with made.worker("--count", "1") as worker:
        wait_until(lambda: made.task(task.id).items_done >= 3)
        everyone = tree(worker.pid)
        worker.end(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in everyone))
    assert made.task(task.id).items_done < 200
