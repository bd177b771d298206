"""Pools of worker processes: they grow and shrink, replace what is killed or too large."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, fleet
from tests.support_service import alive, tree

from altwright.processes.autoscale import Autoscale
from altwright.tasks.store.backlog_pressure import Pressure


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet without processes."""
    with fleet(tmp_path, server) as fleet_:
        yield fleet_


@pytest.mark.req("3.1", "external")
@pytest.mark.req("6.3", "a crashed worker is replaced")
@pytest.mark.req("9.2", "replaced over its limit")
@pytest.mark.req("9.3", "scale with the backlog")
def test_a_pool_grows_with_what_waits_and_replaces_what_dies(made: Fleet) -> None:
    """One process becomes two under a backlog; a killed one is replaced, its task goes on.

    A process that has grown over RQ_WORKER_MEMORY_LIMIT hands back after its item, and is
    replaced as well. No item is lost or done twice.
    """
    tasks = [made.submit(items=150, item_s=0.1) for _ in range(3)]
    options = ["--count", "1", "--min", "1", "--max", "2"]
    argv = [sys.executable, "-m", "altwright", "worker", *options]
    with made.running("pool", argv, RQ_WORKER_MEMORY_LIMIT="250") as pool:
        wait_until(lambda: made.live_workers(pool), 180)
        wait_until(lambda: made.live_workers(pool) == 2, 180)
        running = wait_until(made.services.engine.rescuer.running)[0]
        os.kill(int(running.worker_id.split(".")[2]), signal.SIGKILL)
        wait_until(lambda: made.task(running.task_id).attempt == 2)
        wait_until(lambda: len(pool.children()) == 2)
        # It has 60 MB more after each item, until its process is replaced.
        large = made.submit(items=8, item_s=0.4, leak_mb=60)
        tasks.append(large)
        wait_until(lambda: made.completed(*tasks), 180)
        assert "is replaced" in pool.log
        events = [event.event for event in made.services.store.history(large.id)]
        assert "worker stopped" in events
        assert "rescued" not in events
        assert made.counted() == (4, 0, 0)
        everyone = tree(pool.pid)
        assert pool.end() == 0
    assert not [pid for pid in everyone if alive(pid)]


@pytest.mark.req("9.3", "scale with the backlog")
def test_growing_is_fast_and_shrinking_slow() -> None:
    """At most twice as many at a time, within the bounds; one less after enough quiet."""
    at = 0.0
    scale = Autoscale(1, 6, 2, down_after_s=30, clock=lambda: at)
    busy = Pressure(waiting=40, running=2, late=True)
    quiet = Pressure(waiting=0, running=1, late=False)
    assert scale.wanted(0, quiet) == 1
    assert scale.wanted(1, busy) == 2
    assert scale.wanted(2, busy) == 2  # the new one hasn't had time to begin
    at = 4.0
    assert scale.wanted(2, busy) == 4
    at = 8.0
    assert scale.wanted(4, busy) == 6  # the most
    at = 12.0
    assert scale.wanted(6, busy) == 6
    assert scale.wanted(6, quiet) == 6
    at = 41.9
    assert scale.wanted(6, quiet) == 6
    at = 42.1
    assert scale.wanted(6, quiet) == 5
    at = 50.0
    assert scale.wanted(5, Pressure(waiting=1, running=9, late=False)) == 5
    at = 79.0
    assert scale.wanted(5, quiet) == 5  # the quiet begins anew
    # What waits a moment only is no reason.
    assert scale.wanted(1, Pressure(waiting=1, running=2, late=False)) == 1
