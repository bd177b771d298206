"""`python -m benchmarks.backlog`: what submit and claim cost behind 100 and 100,000 waiting tasks.

Both backlogs lie in databases of the same server, and operations alternate between them, so that
whatever else the machine does meets both. The ratio of medians is what counts.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Integer, String, cast, column, func, insert, literal, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.sql.elements import ColumnClause
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
from benchmarks.databases import say, worst_of

SMALL, LARGE = 100, 100_000
#: Users whose tasks the backlog holds; each has one in each round.
USERS = 1000
#: What the project promises: the larger backlog's median over the smaller one's.
RATIO_MOST = 1.5
OPERATIONS = 400
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

    def claim(self) -> None:
        """Claim the task whose turn it is, and end it."""
        task = self.claims.claim_next("bench")
        if task is None:
            raise RuntimeError("nothing waits: the backlog is used up")
        self.claims.complete(task, "")


def fill(database: Database, size: int) -> None:
    """Write users, and ``size`` tasks that wait in rounds and ``size`` that have ended."""
    dialect = database.engine.dialect.name
    numbers = {
        "sqlite": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < COUNT) "
        "SELECT n FROM s",
        "postgresql": "SELECT n FROM generate_series(0, COUNT) AS s(n)",
    }.get(dialect, "SELECT seq AS n FROM seq_0_to_COUNT")
    n: ColumnClause[int] = column("n", Integer)
    source = text(numbers.replace("COUNT", str(size - 1))).columns(n).subquery()
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
            session.execute(insert(TaskRow).from_select(list(row), rows))


@contextlib.contextmanager
def backlogs(kind: str, *sizes: int) -> Iterator[list[Backlogged]]:
    """Prepare one database for each size, on one server."""
    with contextlib.ExitStack() as stack:
        urls = stack.enter_context(_urls(kind, len(sizes)))
        made = []
        for url, size in zip(urls, sizes, strict=True):
            database = Database(make_engine(url))
            stack.callback(database.close)
            migrate.upgrade(database.engine)
            fill(database, size)
            made.append(Backlogged(database))
        yield made


@contextlib.contextmanager
def _urls(kind: str, count: int) -> Iterator[list[str]]:
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


@dataclass(frozen=True, slots=True)
class Compared:
    """The median times of an operation, in milliseconds, behind both backlogs."""

    small_ms: float
    large_ms: float

    @property
    def ratio(self) -> float:
        """Return how much slower the larger backlog is."""
        return self.large_ms / self.small_ms


def compare(small: Backlogged, large: Backlogged, operations: int) -> dict[str, Compared]:
    """Return the medians of many operations, made in turns."""
    times: dict[str, tuple[list[float], list[float]]] = {"submit": ([], []), "claim": ([], [])}
    for number in range(operations):
        for name, both in times.items():
            pair = list(zip((small, large), both, strict=True))
            for one, some in pair if number % 2 else reversed(pair):
                some.append(_timed(one.submit if name == "submit" else one.claim))
    return {
        name: Compared(*(1000 * statistics.median(some) for some in both))
        for name, both in times.items()
    }


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def run(kind: str, operations: int) -> float:
    """Measure on one kind of database, print a line each, and return the largest ratio."""
    with backlogs(kind, SMALL, LARGE) as (small, large):
        compared = compare(small, large, operations)
    for name, one in compared.items():
        times = f"{one.small_ms:>15.2f} ms{one.large_ms:>15.2f} ms"
        say(f"{kind:<12}{name:<8}{times}{one.ratio:>10.2f}")
    return max(one.ratio for one in compared.values())


def main() -> int:
    """Measure; return 1 when a ratio is larger than promised."""
    say(f"{'':<12}{'':<8}{SMALL:>10} waiting{LARGE:>10} waiting     ratio")
    worst = worst_of("benchmarks.backlog", __doc__, OPERATIONS, run)
    say(f"The largest ratio is {worst:.2f}; promised: {RATIO_MOST} at most.")
    return 1 if worst > RATIO_MOST else 0


if __name__ == "__main__":
    sys.exit(main())
