"""`python -m benchmarks.backlog`: what submit and claim cost behind 100 to 1,000,000 waiting tasks.

The backlogs lie in databases of the same server, and operations alternate between them, so that
whatever else the machine does meets all. The ratio of medians is what counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Integer, String, cast, column, func, insert, literal, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import Subquery
from tests.servers import mariadb, postgresql
from tests.support_engine import NOWHERE

from altwright.builders.engine import Engine, EngineOptions
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.db.tables import UserRow
from altwright.db.task_tables import TaskRow
from altwright.db.types import Instant
from altwright.domain.task import Delivery, Priority, Status
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.submission_rules import NewTask
from altwright.tasks.task import Task
from benchmarks.databases import KINDS, say

#: How many tasks wait; and of those that have ended there are as many, up to a limit.
SIZES, QUICK_SIZES, ENDED_MOST = (100, 10_000, 1_000_000), (100, 10_000), 100_000
#: Users whose tasks the backlog holds; each has one in each round.
USERS = 1000
#: What the project promises: the largest backlog's median over the smallest one's.
RATIO_MOST = 1.5
OPERATIONS, QUICK_OPERATIONS = 400, 50
_KEY = Fernet.generate_key().decode("ascii")


class Backlogged(Engine):
    """An engine over a database with waiting tasks, and as many finished ones; Redis is away."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        health = RedisHealthMonitor(connect(NOWHERE))
        store = TaskStore(database, Box(_KEY))
        super().__init__(store, health, {}, EngineOptions(), owner="bench")

    def submit(self) -> None:
        """Submit a task of a user who has some in the backlog."""
        user_id = 1 + time.monotonic_ns() % USERS
        new = NewTask(
            id=str(uuid.uuid4()),
            kind="bench",
            user_id=user_id,
            account_id=None,
            priority=Priority.NORMAL,
            settings={},
            request_key=uuid.uuid4().hex,
        )
        self.store.submit(new, delivery=Delivery.DATABASE, actor="bench")

    def claim(self) -> Task:
        """Claim the task whose turn it is."""
        task = self.claims.claim_next("bench")
        if task is None:
            raise RuntimeError("nothing waits: the backlog is used up")
        return task

    def timed_pair(self) -> list[tuple[str, float]]:
        """Submit a task, claim one and complete it; return what the first two took, in ms."""
        submit_ms, _ = _timed(self.submit)
        claim_ms, task = _timed(self.claim)
        self.claims.complete(task, "")
        return [("submit", submit_ms), ("claim", claim_ms)]


def numbers(database: Database, count: int) -> Subquery:
    """Return the numbers from 0 on, as a table with the column n."""
    sql = {
        "sqlite": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {0}) "
        "SELECT n FROM s",
        "postgresql": "SELECT n FROM generate_series(0, {0}) AS s(n)",
    }.get(database.engine.dialect.name, "SELECT seq AS n FROM seq_0_to_{0}")
    n: ColumnClause[int] = column("n", Integer)
    return text(sql.format(count - 1)).columns(n).subquery()


def fill(database: Database, size: int) -> None:
    """Write users, and ``size`` tasks that wait in rounds, and tasks that have ended."""
    source = numbers(database, size)
    n = source.c.n
    values: dict[str, Any] = {
        "kind": literal("bench"),
        "user_id": 1 + n % USERS,
        "priority": literal(int(Priority.NORMAL)),
        "turn": cast(func.floor(n / USERS), Integer),
        "settings": literal(Box(_KEY).encrypt("{}")),
        "delivery": literal(Delivery.DATABASE.value),
        "delayed": literal(value=False),
        "step": literal(""),
        "max_retries": literal(3),
    }
    at = literal(datetime(2026, 1, 1, tzinfo=UTC), Instant)
    values |= {"created_at": at, "available_at": at}
    names = ("attempt", "failures", "crashes", "sequence", "items_done", "items_failed")
    values |= {name: literal(0) for name in (*names, "items_skipped")}
    with database.write() as session:
        known = session.scalar(select(func.count()).select_from(UserRow)) or 0
        users = [{"username": f"user{i}", "password_hash": "!"} for i in range(known, USERS)]
        if users:
            session.execute(insert(UserRow), users)
        for status in (Status.QUEUED, Status.COMPLETED):
            row = values | {
                "id": literal(f"{status[:1]}-", String) + cast(n, String(12)),
                "status": literal(status.value),
            }
            rows = select(*row.values()).select_from(source)
            if status is Status.COMPLETED:
                rows = rows.where(n < ENDED_MOST)
            session.execute(insert(TaskRow).from_select(list(row), rows))


@contextlib.contextmanager
def backlogs(kind: str, *sizes: int) -> Iterator[list[Backlogged]]:
    """Prepare one database for each size, on one server."""
    with contextlib.ExitStack() as stack:
        urls = stack.enter_context(database_urls(kind, len(sizes)))
        made = []
        for url, size in zip(urls, sizes, strict=True):
            database = Database(make_engine(url))
            stack.callback(database.close)
            migrate.upgrade(database.engine)
            fill(database, size)
            made.append(Backlogged(database))
        yield made


@contextlib.contextmanager
def database_urls(kind: str, count: int) -> Iterator[list[str]]:
    """Yield addresses of empty databases on one server of a kind."""
    names = [f"backlog{number}" for number in range(count)]
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="altwright-backlog-") as folder:
            yield [f"sqlite:///{Path(folder) / name}.db" for name in names]
        return
    with (postgresql if kind == "postgresql" else mariadb)() as url:
        engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in names:
                connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        yield [
            make_url(url).set(database=name).render_as_string(hide_password=False) for name in names
        ]


def compare(engines: list[Backlogged], operations: int) -> list[dict[str, float]]:
    """Return of each backlog the medians of many operations, made in turns, in milliseconds."""
    times: list[dict[str, list[float]]] = [{"submit_ms": [], "claim_ms": []} for _ in engines]
    pairs = list(zip(engines, times, strict=True))
    for number in range(operations):
        for one, some in pairs if number % 2 else reversed(pairs):
            for what, took_ms in one.timed_pair():
                some[f"{what}_ms"].append(took_ms)
    return [{name: statistics.median(those) for name, those in some.items()} for some in times]


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = call()
    return 1000 * (time.perf_counter() - began), result


def run(kind: str, sizes: tuple[int, ...], operations: int) -> dict[str, dict[str, float]]:
    """Measure on one kind of database, print a line for each size, and return the figures."""
    with backlogs(kind, *sizes) as engines:
        found = compare(engines, operations)
    base = found[0]["claim_ms"], found[0]["submit_ms"]
    for size, one in zip(sizes, found, strict=True):
        one["claims_per_s"] = 1000 / one["claim_ms"]
        one["ratio"] = max(one["claim_ms"] / base[0], one["submit_ms"] / base[1])
        shown = f"{one['submit_ms']:>9.2f} ms{one['claim_ms']:>9.2f} ms{one['claims_per_s']:>9.0f}"
        say(f"{kind:<12}{size:>12,}{shown}{one['ratio']:>9.2f}")
    return {
        f"{size}": {name: round(value, 3) for name, value in one.items()}
        for size, one in zip(sizes, found, strict=True)
    }


def main() -> int:
    """Measure; return 1 when a ratio is larger than promised."""
    parser = argparse.ArgumentParser(prog="benchmarks.backlog", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--count", type=int, help=f"operations ({OPERATIONS})")
    parser.add_argument("--quick", action="store_true", help="small backlogs: a try")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    sizes = QUICK_SIZES if asked.quick else SIZES
    operations = asked.count or (QUICK_OPERATIONS if asked.quick else OPERATIONS)
    say(f"{'':<12}{'waiting':>12}{'submit':>12}{'claim':>12}{'claims/s':>9}    ratio")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind in asked.database or KINDS:
        try:
            found[kind] = run(kind, sizes, operations)
        except pytest.skip.Exception as missing:
            say(f"{kind:<12}{missing}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    worst = max((one["ratio"] for sized in found.values() for one in sized.values()), default=0)
    say(f"The largest ratio is {worst:.2f}; promised: {RATIO_MOST} at most.")
    return 1 if worst > RATIO_MOST else 0


if __name__ == "__main__":
    sys.exit(main())
