"""Deploying at noon: reloads, binary upgrades, recycling and stuck processes under load."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, Load, Started, fleet
from tests.support_service import alive

import altwright

SOURCE = Path(altwright.__file__).parent
#: Submits between two reloads: some three seconds' worth, where nothing else is done.
ACCEPTED_BETWEEN = 20


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet of two Gunicorn processes with three workers."""
    settings = {"RQ_WORKER_COUNT": "3", "WEB_CONCURRENCY": "2", "RQ_SHUTDOWN_TIMEOUT": "2"}
    with fleet(tmp_path, server, **settings) as fleet_:
        yield fleet_


def all_done(made: Fleet, load: Load) -> None:
    """Check that every request was accepted, and that all its work was done once."""
    assert load.failed == []
    assert len(set(load.accepted)) == len(load.accepted) > 0
    wait_until(lambda: made.counted()[1] == 0, 180, every_s=0.2)
    tasks, lost, twice = made.counted()
    assert (lost, twice) == (0, 0)
    assert tasks >= len(load.accepted)


@pytest.mark.req("3.3", "loses no task")
@pytest.mark.req("3.3", "starts none twice")
@pytest.mark.req("3.4", "hands it back with its progress")
@pytest.mark.parametrize("reloads", [3, pytest.param(20, marks=pytest.mark.slow_proof)])
def test_reloads_under_load_fail_no_request_and_lose_or_double_no_task(
    made: Fleet, reloads: int
) -> None:
    """SIGHUP after SIGHUP, while tasks are submitted and long ones run."""
    long = [made.submit(items=reloads * 15, item_s=0.2) for _ in range(2)]
    with made.gunicorn() as gunicorn, Load(made, pause_s=0.35) as load:
        wait_until(made.services.engine.rescuer.running)
        before = set(gunicorn.children())
        for _ in range(reloads):
            gunicorn.send(signal.SIGHUP)
            enough = len(load.accepted) + ACCEPTED_BETWEEN
            wait_until(lambda: len(load.accepted) + len(load.failed) >= enough)  # noqa: B023
        wait_until(lambda: not before & set(gunicorn.children()))
        load.__exit__()
        all_done(made, load)
        assert any(made.task(task.id).attempt > 1 for task in long)  # handed back, and went on


@pytest.mark.req("3.3", "loses no task")
@pytest.mark.req("3.3", "starts none twice")
def test_a_binary_upgrade_and_recycled_processes_fail_no_request(made: Fleet) -> None:
    """WEB_MAX_REQUESTS replaces processes; USR2 and TERM put another Gunicorn in its place."""
    with made.gunicorn(WEB_MAX_REQUESTS="15") as old, Load(made, pause_s=0.35) as load:
        first = set(old.children())
        wait_until(lambda: not first & set(old.children()), 180)
        old.send(signal.SIGUSR2)
        new = Started(old.process, old.log_file)
        pid = wait_until(lambda: new_master(old)) or 0
        wait_until(lambda: len(workers_of(pid)) == 2)
        wait_until(lambda: made.live_workers(new) >= 1)
        old.send(signal.SIGTERM)
        wait_until(lambda: old.process.poll() is not None)
        count = len(load.accepted)
        wait_until(lambda: len(load.accepted) > count + 20)
        load.__exit__()
        try:
            all_done(made, load)
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not alive(pid))


def test_a_reload_after_an_upgrade_runs_the_new_version_and_fails_no_request(
    made: Fleet, tmp_path: Path
) -> None:
    """SIGHUP to a Gunicorn whose program was exchanged: what it had imported counts for nothing."""
    program = tmp_path / "program"
    shutil.copytree(SOURCE, program / "altwright", ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join([str(program), made.environment()["PYTHONPATH"]])
    with made.gunicorn(PYTHONPATH=path) as gunicorn, Load(made, pause_s=0.35) as load:
        # What a page asks for stands in a module that the master has imported for its settings.
        exchange(program / "altwright/domain/worker_mode.py", "", '\n\nNEW = "newer"\n')
        health = program / "altwright/web/health.py"
        exchange(health, '"ok"}', "NEW}")
        exchange(
            health,
            "import services\n",
            "import services\nfrom altwright.domain.worker_mode import NEW\n",
        )
        gunicorn.send(signal.SIGHUP)
        wait_until(lambda: all(says_newer(made) for _ in range(5)))
        count = len(load.accepted)
        wait_until(lambda: len(load.accepted) > count + ACCEPTED_BETWEEN)
        load.__exit__()
        all_done(made, load)


def exchange(file: Path, old: str, new: str) -> None:
    """Put other text into a file; at its end for no old one."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1) if old else text + new)


def says_newer(made: Fleet) -> bool:
    """Say whether the process that answers is of the newer version."""
    return bool(requests.get(f"{made.url}/healthz", timeout=120).json()["status"] == "newer")


def new_master(old: Started) -> int | None:
    """Return the Gunicorn that a USR2 has started: the child that has children."""
    return next((pid for pid in old.children() if workers_of(pid)), None)


def workers_of(pid: int) -> list[int]:
    """Return a Gunicorn's worker processes."""
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, listing) if alive(child)]


@pytest.mark.req("6.3", "a crashed worker is replaced")
@pytest.mark.req("6.3", "goes on from the last item")
def test_a_frozen_gunicorn_process_is_replaced_and_its_tasks_go_on(made: Fleet) -> None:
    """After SIGSTOP and Gunicorn's time-out it is killed; its tasks are done elsewhere, once."""
    tasks = [made.submit(items=60, item_s=0.1) for _ in range(6)]
    with made.gunicorn("--timeout", "4", "--graceful-timeout", "2") as gunicorn:
        running = wait_until(made.services.engine.rescuer.running)
        victim = int(running[0].worker_id.split(".")[2])
        os.kill(victim, signal.SIGSTOP)
        wait_until(lambda: victim not in gunicorn.children())
        wait_until(lambda: len(gunicorn.children()) == 2)
        wait_until(lambda: made.completed(*tasks), 180)
    assert made.counted() == (6, 0, 0)


@pytest.mark.req("9.2", "replaced over its limit")
def test_a_process_over_its_memory_limit_is_replaced_and_answers_meanwhile(made: Fleet) -> None:
    """A Gunicorn process that grew too large hands back after its item; no request fails."""
    with made.gunicorn(RQ_WORKER_MEMORY_LIMIT="250") as gunicorn, Load(made, pause_s=0.35) as load:
        before = set(gunicorn.children())
        large = made.submit(items=8, item_s=0.4, leak_mb=60)
        wait_until(lambda: made.completed(large), 180)
        events = [event.event for event in made.services.store.history(large.id)]
        assert "worker stopped" in events
        assert "rescued" not in events
        assert not before <= set(gunicorn.children())
        load.__exit__()
        all_done(made, load)
