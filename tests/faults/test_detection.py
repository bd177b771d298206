"""How soon a running service notices that Redis went, and that it is back; seen from outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from benchmarks.chaos.kind import ITEM_S, ITEMS
from benchmarks.chaos.world import Person, World, built, people
from tests.support import wait_until

#: What the project promises (requirements 6.4, 6.5), in seconds.
NOTICED_WITHIN_S, BACK_WITHIN_S = 2.0, 5.0
#: A machine that is busy with something else may miss them twice; each time on a new service, as
#: a Redis that comes and goes is trusted more slowly on purpose.
TRIES = 3
#: Seconds that answers are watched for after the promise, to see that it stays so.
STAYS_S = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds until /readyz has said the last wrong thing, and what became of submits."""

    noticed_s: float
    back_s: float
    submit_s: float
    deliveries: dict[str, str]

    @property
    def in_time(self) -> bool:
        """Say whether the promises were kept."""
        return self.noticed_s <= NOTICED_WITHIN_S and self.back_s <= BACK_WITHIN_S


def api(world: World, user: Person, method: str, path: str, **options: Any) -> requests.Response:
    """Call the API over a connection of its own, so that any Gunicorn worker may answer."""
    return requests.request(
        method,
        f"{world.url}/api/v1{path}",
        headers={"Authorization": f"Bearer {user.token}"},
        timeout=10,
        **options,
    )


def submit(world: World, user: Person) -> str:
    """Submit once, without trying again; return the task's id."""
    settings = {"items": ITEMS, "item_s": ITEM_S}
    body = {"account_id": user.account_id, "settings": settings}
    answer = api(world, user, "POST", "/tasks", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def delivered_by(world: World, user: Person, task_id: str) -> str:
    """Wait for a task's end; return who delivered it."""

    def ended() -> dict[str, Any] | None:
        task: dict[str, Any] = api(world, user, "GET", f"/tasks/{task_id}").json()
        return task if task["status"] == "completed" else None

    task = wait_until(ended, 20)
    assert task is not None
    return str(task["delivery"])


def last_said(world: World, wrong: str, within_s: float) -> float:
    """Watch /readyz; return the seconds after which no worker says ``wrong`` any more."""
    began = time.monotonic()
    last_s = 0.0

    def looked() -> bool:
        nonlocal last_s
        asked_s = time.monotonic() - began
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{world.url}/readyz", timeout=5).json()["delivery"] == wrong:
                last_s = asked_s
        return time.monotonic() - began > within_s + STAYS_S

    wait_until(looked, within_s + 30)
    return last_s


def measured(folder: Path) -> Measured:
    """Kill a real Valkey under a running service, and start it again."""
    folder.mkdir()
    with built(folder, "sqlite", clock="") as world:
        before, during, later, after = people(world.database, 4)
        world.start_service()
        wait_until(lambda: last_said(world, "database", 0) == 0, 30)
        deliveries = {"before": delivered_by(world, before, submit(world, before))}
        world.redis.kill()
        killed = time.monotonic()
        task_id = submit(world, during)  # it meets the fault: nothing has noticed yet
        submit_s = time.monotonic() - killed
        noticed_s = last_said(world, "rq", NOTICED_WITHIN_S) + submit_s
        deliveries["during"] = delivered_by(world, during, task_id)
        deliveries["later"] = delivered_by(world, later, submit(world, later))
        world.redis.start()
        back_s = last_said(world, "database", BACK_WITHIN_S)
        deliveries["after"] = delivered_by(world, after, submit(world, after))
        assert world.stop_service() == 0
    return Measured(noticed_s, back_s, submit_s, deliveries)


def best(measure: Callable[[int], Measured]) -> list[Measured]:
    """Measure until it was in time, at most TRIES times."""
    tries: list[Measured] = []
    while len(tries) < TRIES and not (tries and tries[-1].in_time):
        tries.append(measure(len(tries)))
    return tries


@pytest.mark.req("6.4")
@pytest.mark.req("6.5")
def test_redis_is_missed_within_2_s_and_used_again_within_5_s(tmp_path: Path) -> None:
    """After a kill -9 every worker says so within 2 s; after a start all use it within 5 s.

    The submit that meets the fault succeeds at once, as do those that follow.
    """
    tries = best(lambda number: measured(tmp_path / str(number)))
    assert tries[-1].in_time, tries
    for one in tries:
        assert one.deliveries == {
            "before": "rq",
            "during": "database",
            "later": "database",
            "after": "rq",
        }, one
    assert tries[-1].submit_s < NOTICED_WITHIN_S, tries
