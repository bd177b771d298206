"""Workers are scaled, stopped and restarted from afar while tasks run, and nothing is lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.test_scaling import at_work, workers
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import UP_WITHIN_S, Fleet, fleet

from altwright.domain.user import UserRef
from altwright.domain.worker import WorkerKind, host_name
from altwright.tasks.cluster.worker_control import POOL

ROOT = UserRef(0, "root", is_admin=True)


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet without processes; running tasks get two seconds at a stop."""
    settings = {"RQ_WORKER_COUNT": "2", "WEB_CONCURRENCY": "2", "RQ_SHUTDOWN_TIMEOUT": "2"}
    with fleet(tmp_path, server, **settings) as fleet_:
        yield fleet_


def command(made: Fleet, *arguments: str) -> Any:
    """Run a command to its end, and return its JSON."""
    return json.loads(made.command(*arguments, "--json"))


def done(made: Fleet) -> dict[str, int]:
    """Return how many attempts each worker has ended."""
    return {one.id: one.done for one in made.services.engine.roster.all()}


def standing(made: Fleet, kind: str, host: str = "") -> str:
    """Return what was asked of workers, and how far that is."""
    groups = made.services.worker_administration.groups()
    return next(one.standing for one in groups if one.group == (kind, host))


@pytest.mark.req("7.5", "workers")
def test_integrated_workers_are_scaled_stopped_and_started_again(made: Fleet) -> None:
    """Two become four, none and two again, by command, while requests are answered.

    Tasks that are longer than RQ_SHUTDOWN_TIMEOUT go back to the queue as they are.
    """
    hurry = made.folder / "hurry"
    tasks = [made.submit(items=4000, item_s=0.1, hurry=str(hurry)) for _ in range(6)]
    with made.gunicorn() as gunicorn:
        wait_until(lambda: at_work(made) == 2)
        answer = command(made, "workers", "scale", "4")
        assert answer["most"] == 4
        wait_until(lambda: at_work(made) == 4)
        wait_until(lambda: workers(made, gunicorn).total() == 4)
        assert command(made, "workers", "stop", "--kind", "integrated")["most"] == 0
        assert "still there" in standing(made, "integrated")
        wait_until(lambda: standing(made, "integrated").endswith("stopped."))
        assert at_work(made) == 0
        assert made.answers(gunicorn)
        back = [made.task(one.id) for one in tasks]
        assert {(one.status, one.failures, one.crashes) for one in back} == {("queued", 0, 0)}
        assert sum(one.items_done for one in back) > 0
        hurry.touch()
        command(made, "workers", "scale", "--reset")
        wait_until(lambda: made.completed(*tasks), 180)
        assert workers(made, gunicorn).total() == 2
    assert made.counted() == (6, 0, 0)


@pytest.mark.req("7.5", "workers")
def test_web_processes_are_replaced_one_after_the_other(made: Fleet) -> None:
    """Each gets a successor, while somebody always works, and requests are answered."""
    tasks = [made.submit(items=150, item_s=0.1) for _ in range(3)]
    with made.gunicorn() as gunicorn:
        wait_until(lambda: len(workers(made, gunicorn)) == 2)
        before = set(gunicorn.children())
        made.services.worker_administration.restart("integrated", "", by=ROOT)
        together: list[int] = []

        def replaced() -> bool:
            now = set(gunicorn.children())
            together.append(len(now & before))
            return not now & before and len(now) == 2

        wait_until(replaced, 120, every_s=0.02)
        assert 1 in together  # one was still there while the other had gone
        wait_until(lambda: workers(made, gunicorn).total() == 2)
        wait_until(lambda: standing(made, "integrated").endswith("all were replaced."))
        assert made.answers(gunicorn)
        wait_until(lambda: made.completed(*tasks), 180)
    assert made.counted() == (3, 0, 0)


@pytest.mark.req("7.5", "workers")
def test_a_pool_is_scaled_stopped_and_restarted(made: Fleet) -> None:
    """A host's worker processes: two, one after the other anew, none, and as configured."""
    host = host_name()
    options = ["--count", "1", "--min", "1", "--max", "1"]
    argv = [sys.executable, "-m", "altwright", "worker", *options]
    tasks = [made.submit(items=100, item_s=0.1) for _ in range(3)]
    with made.running("pool", argv) as pool:
        wait_until(lambda: made.live_workers(pool) == 1, UP_WITHIN_S)
        wait_until(made.services.engine.control.pools)
        assert command(made, "workers", "scale", "2", "--host", host)["most"] == 2
        wait_until(lambda: made.live_workers(pool) == 2, UP_WITHIN_S)
        before = set(pool.children())
        command(made, "workers", "restart", "--kind", "pool", "--host", host)
        wait_until(lambda: not before & set(pool.children()), 120)
        wait_until(lambda: made.live_workers(pool) == 2, UP_WITHIN_S)
        command(made, "workers", "stop", "--kind", "pool", "--host", host)
        wait_until(lambda: not pool.children(), 60)
        assert standing(made, POOL, host) == "Asked to stop by command line: stopped."
        assert pool.process.poll() is None
        made.services.worker_administration.reset(POOL, host, by=ROOT)
        wait_until(lambda: made.live_workers(pool) == 1, UP_WITHIN_S)
        wait_until(lambda: made.completed(*tasks), 180)
        assert pool.end() == 0
    assert made.services.engine.control.pools() == []
    assert made.counted() == (3, 0, 0)


@pytest.mark.req("7.5", "workers")
def test_a_worker_of_its_own_ends_and_one_of_rqs_command_too(made: Fleet) -> None:
    """Both let their task go on elsewhere, and exit as at SIGTERM; what runs them comes next."""
    administration = made.services.worker_administration
    host = host_name()
    made.services.start()
    tasks = [made.submit(items=60, item_s=0.1) for _ in range(2)]
    with made.worker("--count", "1") as worker, made.rq_worker() as rq:
        wait_until(lambda: made.live_workers(rq) == 1, UP_WITHIN_S)
        wait_until(lambda: at_work(made) == 2)
        for kind, process in ((WorkerKind.EXTERNAL, worker), (WorkerKind.RQ, rq)):
            state = administration.stop(kind, host, by=ROOT)
            assert "whatever runs it" in state.afterwards
            assert process.process.wait(60) == 0
        assert made.services.engine.roster.all() == []
    with made.worker("--count", "2"):  # a new one heeds no wish of before
        wait_until(lambda: made.completed(*tasks), 180)
    assert made.counted() == (2, 0, 0)


def test_a_task_is_taken_over_from_a_worker_that_is_stuck(made: Fleet) -> None:
    """Its thread is shown; another goes on, and what the late one writes counts for nothing."""
    hurry = made.folder / "hurry"
    task = made.submit(items=3, item_s=20, hurry=str(hurry))
    with made.worker("--count", "2"):
        wait_until(lambda: at_work(made) == 1)
        worker = next(one for one in command(made, "workers", "list") if one["task"])
        assert worker["task"]["item"] == "toy 0"
        stack = command(made, "workers", "stack", worker["id"])
        assert any("support_toys.py" in line for line in stack["lines"])
        hurry.touch()
        command(made, "task", "take-over", task.id)
        wait_until(lambda: made.completed(task))
        assert made.task(task.id).attempt == 2
        # The late attempt ends, too, and leaves no trace.
        wait_until(lambda: done(made)[worker["id"]] > worker["done"])
    assert made.counted() == (1, 0, 0)
