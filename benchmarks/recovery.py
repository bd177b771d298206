"""`python -m benchmarks.recovery`: how soon a running service is itself again after a loss.

Prints each figure beside what the project promises. Tests check that it recovers; how soon it
does depends on the machine and is measured here, several times.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import requests
from scripts.benchmark_limits import RECOVERY_S
from tests.servers import valkey
from tests.support import wait_until
from tests.support_modes import fleet

from benchmarks.chaos.kind import ITEM_S, ITEMS
from benchmarks.chaos.world import Person, World, built, people
from benchmarks.databases import say

TRIES = 3
#: So many answers in a row have to say the same before all of Gunicorn's workers count as agreed.
IN_A_ROW = 25


@dataclass(frozen=True, slots=True)
class Outage:
    """What a loss of Redis was like, in seconds, and who delivered tasks meanwhile."""

    noticed_s: float
    submit_s: float
    back_s: float
    deliveries: dict[str, str]


def outage(folder: Path, *, frozen: bool = False) -> Outage:
    """Kill a real Valkey under a running service, or stop it so that it is silent; and undo it."""
    folder.mkdir(exist_ok=True)
    with built(folder, "sqlite", clock="") as world:
        before, during, later, after = people(world.database, 4)
        world.start_service()
        _agreed(world, "rq")
        deliveries = {"before": _delivered_by(world, before, _submit(world, before))}
        (world.redis.freeze if frozen else world.redis.kill)()
        began = time.monotonic()
        task_id = _submit(world, during)  # it meets the fault: nothing has noticed yet
        submit_s = time.monotonic() - began
        noticed_s = submit_s + _agreed(world, "database")
        deliveries["during"] = _delivered_by(world, during, task_id)
        deliveries["later"] = _delivered_by(world, later, _submit(world, later))
        (world.redis.thaw if frozen else world.redis.start)()
        back_s = _agreed(world, "rq")
        deliveries["after"] = _delivered_by(world, after, _submit(world, after))
        assert world.stop_service() == 0  # noqa: S101 - a benchmark
    return Outage(noticed_s, submit_s, back_s, deliveries)


def _api(world: World, user: Person, method: str, path: str, **options: Any) -> requests.Response:
    """Call the API over a connection of its own, so that any Gunicorn worker may answer."""
    return requests.request(
        method,
        f"{world.url}/api/v1{path}",
        headers={"Authorization": f"Bearer {user.token}"},
        timeout=60,
        **options,
    )


def _submit(world: World, user: Person) -> str:
    """Submit once, without trying again; return the task's id."""
    settings = {"items": ITEMS, "item_s": ITEM_S}
    body = {"account_id": user.account_id, "settings": settings}
    answer = _api(world, user, "POST", "/tasks", json=body)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _delivered_by(world: World, user: Person, task_id: str) -> str:
    """Wait for a task's end; return who delivered it."""
    ended: dict[str, Any] = {}

    def completed() -> bool:
        ended.update(_api(world, user, "GET", f"/tasks/{task_id}").json())
        return bool(ended["status"] == "completed")

    wait_until(completed)
    return str(ended["delivery"])


def _agreed(world: World, delivery: str) -> float:
    """Ask until every worker says that tasks go by ``delivery``; return when one last didn't."""
    began = time.monotonic()
    last_s, in_a_row = 0.0, 0

    def asked() -> bool:
        nonlocal last_s, in_a_row
        asked_s = time.monotonic() - began
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{world.url}/readyz", timeout=60).json()["delivery"] == delivery:
                in_a_row += 1
                return in_a_row == IN_A_ROW
        last_s, in_a_row = asked_s, 0
        return False

    wait_until(asked)
    return last_s


def killed_worker_s(folder: Path) -> float:
    """Return the seconds from a kill -9 of a pool's process to its task's next attempt."""
    with valkey() as server, fleet(folder, server) as made:
        for _ in range(2):
            made.submit(items=200, item_s=0.1)
        with made.worker("--count", "1", "--min", "2", "--max", "2") as pool:
            wait_until(lambda: made.live_workers(pool) == 2)  # noqa: PLR2004 - as asked for
            victim = wait_until(made.services.engine.rescuer.running)[0]
            os.kill(int(victim.worker_id.split(".")[2]), signal.SIGKILL)
            began = time.monotonic()
            wait_until(lambda: made.task(victim.task_id).attempt > 1, every_s=0.01)
            return time.monotonic() - began


def claim_s(folder: Path) -> float:
    """Return the seconds from a submit to its claim by an idle process, from the database."""
    with valkey() as server, fleet(folder, server) as made:
        with made.worker("--count", "1"):
            server.kill()
            made.services.health.check()
            first = made.submit(items=1)
            wait_until(lambda: made.completed(first))
            time.sleep(3)  # the worker has become slow in asking
            task = made.submit(items=1)
            wait_until(lambda: made.completed(task))
        started_at = made.task(task.id).started_at
        assert started_at is not None  # noqa: S101 - a benchmark
        return (started_at - task.created_at).total_seconds()


def _seconds(folder: Path) -> Iterator[float]:
    """Yield the figures of a round, in the order of RECOVERY_S."""
    for frozen in (False, True):
        one = outage(folder / ("frozen" if frozen else "lost"), frozen=frozen)
        yield from (one.noticed_s, one.submit_s, one.back_s)
    yield killed_worker_s(folder / "killed")
    yield claim_s(folder / "claimed")


def main() -> int:
    """Measure; return 2 when a server isn't installed."""
    parser = argparse.ArgumentParser(prog="benchmarks.recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=TRIES)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in RECOVERY_S}
    try:
        for _ in range(asked.rounds):
            with tempfile.TemporaryDirectory(prefix="altwright-") as name:
                for seconds, one in zip(found.values(), _seconds(Path(name)), strict=True):
                    seconds.append(one)
    except pytest.skip.Exception as missing:
        say(f"{missing}")
        return 2
    for name, seconds in found.items():
        shown = ", ".join(f"{one:.2f}" for one in sorted(seconds))
        verdict = "kept" if median(seconds) <= RECOVERY_S[name] else "MISSED"
        say(f"{name}: {shown} s; promised {RECOVERY_S[name]:.0f} s: {verdict}")
    if asked.json:
        figures = {
            name: {
                "median_s": round(median(seconds), 2),
                "least": round(min(seconds), 2),
                "most": round(max(seconds), 2),
                "promised_s": RECOVERY_S[name],
            }
            for name, seconds in found.items()
        }
        asked.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
