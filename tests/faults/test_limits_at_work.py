"""Concurrency per priority in a running fleet, changed while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, fleet

from altwright.domain.task import Priority


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet in which two low tasks run at a time, by the settings."""
    with fleet(tmp_path, server, RQ_MAX_LOW_WORKERS="2") as fleet_:
        yield fleet_


def running(made: Fleet) -> Counter[Priority]:
    """Return how many tasks of each priority run now."""
    ids = [one.task_id for one in made.services.engine.rescuer.running()]
    return Counter(made.task(task_id).priority for task_id in ids)


@pytest.mark.req("8.2", "change while it runs")
@pytest.mark.req("8.5", "per priority")
@pytest.mark.parametrize("away", [False, True], ids=["RQ", "database"])
def test_limits_hold_in_every_process_and_change_while_it_runs(
    made: Fleet, server: RedisServer, *, away: bool
) -> None:
    """Of many low tasks two run; the limit moves by command; a worker is kept for urgent."""
    if away:
        server.stop()
    most: Counter[Priority] = Counter()

    def watch() -> Counter[Priority]:
        now = running(made)
        most.update({one: max(0, n - most[one]) for one, n in now.items()})
        return now

    with made.worker("--count", "3") as first, made.worker("--count", "2") as second:
        wait_until(lambda: made.live_workers(first) + made.live_workers(second) == 5)
        # Long ones: there is work for every worker as long as the test takes.
        low = [made.submit(priority="low", items=3000, item_s=0.1) for _ in range(8)]
        wait_until(lambda: watch()[Priority.LOW] == 2)
        looks = iter(range(30))
        wait_until(lambda: watch() and next(looks, None) is None, every_s=0.05)
        assert most[Priority.LOW] == 2
        made.command("workers", "limits", "--most", "low=4")
        wait_until(lambda: watch()[Priority.LOW] == 4)
        made.command("workers", "limits", "--max", "low=none", "--reserve", "urgent=1")
        normal = [made.submit(priority="normal", items=3000, item_s=0.1) for _ in range(6)]
        totals: list[int] = []

        def watched() -> bool:
            totals.append(watch().total())
            return len(totals) == 60

        wait_until(watched, every_s=0.05)
        assert max(totals) == 4  # of five workers one is kept
        urgent = made.submit(priority="urgent", items=1)
        wait_until(lambda: made.completed(urgent))
        made.command("workers", "limits", "--reset")
        assert made.services.engine.limits.current().most == {Priority.LOW: 2}
        for task in (*low, *normal):
            made.services.store.cancel(task.id, user_id=None, actor="test")
        wait_until(lambda: all(made.task(task.id).ended for task in (*low, *normal)))
    assert made.counted()[2] == 0
