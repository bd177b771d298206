"""`python -m benchmarks.drain`: how many tasks a second the engine alone gets done, to tune it by.

Inside this process, without the threads that a worker's process has (`python -m benchmarks.field`
has those, and the field beside them). Tasks that do nothing, of one item and of a hundred, beside
what RQ's own workers do with jobs that do nothing, in turns, so that whatever else the machine does
meets all. The ratio of medians counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import redis
from cryptography.fernet import Fernet
from rq import Queue, SimpleWorker, Worker
from rq.worker import BaseWorker
from tests.servers import mariadb, postgresql, valkey

from altwright.builders.engine import Engine, EngineOptions
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work
from altwright.workers.worker import TaskWorker
from benchmarks.databases import KINDS, say

TASKS, ROUNDS = 300, 5
#: Tasks of many items, and how many they have.
LARGE, ITEMS = 10, 100
_KEY = Fernet.generate_key().decode("ascii")


def nothing() -> None:
    """Do what a peer's job does."""


class Nothing(TaskKind):
    """A kind of task whose items do nothing."""

    name = "nothing"
    default_priority = Priority.NORMAL

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return them."""
        return dict(settings)

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Let any number be active."""
        return None

    def planned(self, settings: Mapping[str, Any]) -> list[Planned]:
        """Return the items."""
        return [Planned(f"{number}", "") for number in range(settings["items"])]

    def open(self, run: Run) -> DoingNothing:
        """Begin."""
        return DoingNothing(run)


class DoingNothing(Work):
    """One attempt."""

    def __init__(self, run: Run) -> None:
        """Take it."""
        self._run = run

    def plan(self) -> Iterable[Planned]:
        """Yield nothing: the items came with the task."""
        return ()

    def item(self, item: Item) -> Worked:
        """Do nothing."""
        return Worked(ItemStatus.DONE)

    def summary(self, task: Task) -> str:
        """Say so."""
        return ""


class Ours:
    """Our engine on one database, and one worker."""

    def __init__(self, database: Database, url: str) -> None:
        """Put it together."""
        store = TaskStore(database, Box(_KEY))
        options = EngineOptions(QueueOptions(window=1_000_000))
        health = RedisHealthMonitor(connect(url))
        self._engine = Engine(store, health, {Nothing.name: Nothing()}, options, owner="bench")
        self._client = connect(url, call_timeout_s=5)

    def drain(self, tasks: int, items: int) -> None:
        """Work on all that was submitted."""
        worker = TaskWorker("bench", self._engine.work_parts())
        records = self._engine.queue.jobs.records(self._client, worker.id)
        loop = WorkerLoop(records, worker.take, ends=lambda: False, closed=worker.closed)
        loop.work(burst=True)
        if loop.done != tasks:
            raise RuntimeError("tasks were left")

    def submit(self, tasks: int, items: int) -> None:
        """Let tasks wait."""
        for _ in range(tasks):
            self._engine.queue.submit(Nothing.name, user=None, settings={"items": items})


class Peer:
    """One of RQ's own workers."""

    def __init__(self, url: str, kind: type[BaseWorker]) -> None:
        """Take its class."""
        self._client = redis.Redis.from_url(url)
        self._queue = Queue("peer", connection=self._client)
        self._kind = kind

    def submit(self, tasks: int, _items: int) -> None:
        """Let jobs wait."""
        self._queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(tasks)])

    def drain(self, _tasks: int, _items: int) -> None:
        """Work on all."""
        self._kind([self._queue], connection=self._client).work(burst=True, logging_level="WARNING")


@contextlib.contextmanager
def database_of(kind: str) -> Iterator[Database]:
    """Yield an empty database with our tables."""
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="altwright-drain-"))
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
        else:
            url = stack.enter_context(postgresql() if kind == "postgresql" else mariadb())
        database = Database(make_engine(url))
        stack.callback(database.close)
        migrate.upgrade(database.engine)
        yield database


def rates(drains: Mapping[str, tuple[Any, int, int]], rounds: int) -> dict[str, dict[str, float]]:
    """Return of each what it did in a second, and its processor time, over rounds in turns."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in drains}
    for number in range(rounds):
        order = list(drains.items())
        for name, (drain, tasks, items) in order if number % 2 else order[::-1]:
            drain.submit(tasks, items)
            began, cpu = time.perf_counter(), time.process_time()
            drain.drain(tasks, items)
            count = tasks * items
            seen[name].append(
                (
                    count / (time.perf_counter() - began),
                    1000 * (time.process_time() - cpu) / count,
                )
            )
    return {
        name: {
            "per_s": statistics.median(rate for rate, _ in some),
            "least": min(rate for rate, _ in some),
            "most": max(rate for rate, _ in some),
            "cpu_ms": statistics.median(cpu for _, cpu in some),
        }
        for name, some in seen.items()
    }


def main() -> int:
    """Measure, and print a table and the ratios; `--json` writes them to a file, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(valkey()).url
        drains: dict[str, tuple[Any, int, int]] = {
            "RQ SimpleWorker": (Peer(url, SimpleWorker), asked.tasks, 1),
            "RQ Worker (fork)": (Peer(url, Worker), max(asked.tasks // 5, 1), 1),
        }
        for kind in asked.kinds:
            ours = Ours(stack.enter_context(database_of(kind)), url)
            drains[f"{kind}, one item"] = (ours, asked.tasks, 1)
            drains[f"{kind}, {ITEMS} items"] = (ours, LARGE, ITEMS)
        found = rates(drains, asked.rounds)
    base = found["RQ SimpleWorker"]["per_s"]
    say(f"{'':<24}{'per s':>9}{'least':>9}{'most':>9}{'ms CPU':>9}   ratio")
    for name, one in found.items():
        shown = "".join(f"{one[key]:>9.1f}" for key in ("per_s", "least", "most"))
        say(f"{name:<24}{shown}{one['cpu_ms']:>9.2f}{one['per_s'] / base:>8.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
