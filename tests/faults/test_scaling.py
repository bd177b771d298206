"""How many workers there are: as configured, over any number of processes, whatever dies."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, Started, fleet

from altwright.domain.worker import gone_from_this_host


def workers(made: Fleet, gunicorn: Started) -> Counter[int]:
    """Return the living processes of this Gunicorn that have workers, and how many each."""
    living = set(gunicorn.children())
    return Counter(one.pid for one in made.services.engine.roster.all() if one.pid in living)


def at_work(made: Fleet) -> int:
    """Return how many tasks living workers have in hand now."""
    running = made.services.engine.rescuer.running()
    return sum(not gone_from_this_host(task.worker_id) for task in running)


@pytest.mark.req("3.1", "integrated")
@pytest.mark.req("3.1", "started by Gunicorn's hooks")
@pytest.mark.req("3.5", "coordinated in the database")
@pytest.mark.req("6.3", "a crashed worker is replaced")
@pytest.mark.parametrize("processes", [1, 2, 8])
def test_the_service_has_the_configured_number_of_workers(
    tmp_path: Path, server: RedisServer, processes: int
) -> None:
    """RQ_WORKER_COUNT=3 gives three workers with 1, 2 and 8 Gunicorn processes, and after a kill.

    Seen from outside: of twelve long tasks exactly three run at a time.
    """
    with fleet(tmp_path, server, RQ_WORKER_COUNT="3", WEB_CONCURRENCY=str(processes)) as made:
        for _ in range(12):
            made.submit(items=6000, item_s=0.1)  # ends with the test only
        with made.gunicorn(RQ_SHUTDOWN_TIMEOUT="0") as gunicorn:
            wait_until(lambda: at_work(made) == 3)
            wait_until(lambda: workers(made, gunicorn).total() == 3)
            if processes > 1:
                assert max(workers(made, gunicorn).values()) <= 2  # shared, not one process's
            victim = next(iter(workers(made, gunicorn)))
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: victim not in gunicorn.children())
            wait_until(lambda: workers(made, gunicorn).total() == 3)
            wait_until(lambda: at_work(made) == 3)
            assert not too_many(made)


def too_many(made: Fleet) -> bool:
    """Watch for a second: say whether there ever were more than three at work."""
    seen: list[int] = []

    def watch() -> bool:
        seen.append(at_work(made))
        return len(seen) == 20

    wait_until(watch, every_s=0.05)
    return max(seen) > 3
