"""`python -m benchmarks.admin_pages`: administrators' pages beside 1,000,000 tasks that have ended.

Pages are asked in turns, in one process and without HTTP. Then submits and claims are measured,
in turns while another process asks for pages and writes statistics, and while it rests.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    text,
)
from tests.servers import valkey
from tests.support_web import PASSWORD, sign_in

from altwright import bootstrap, config
from altwright.builders.alerting import ROLE
from altwright.db import migrate
from altwright.db.session import Database
from altwright.db.tables import UserRow
from altwright.db.task_tables import AuditRow, ItemRow, StatisticsRow, TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.bucket import EPOCH, KEPT, LENGTH, Bucket, Span
from altwright.domain.caption import Role
from altwright.domain.period import Period
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.time_series import Series
from altwright.web.admin.access import SECTIONS
from altwright.web.app import create_app
from benchmarks.backlog import Backlogged, database_urls, numbers
from benchmarks.databases import KINDS, say

USERS, AUDITED = 1000, 20_000
#: What is seldom is one task of so many.
SELDOM = 50_000
#: Seconds between two pages: as three dashboards ask that stand open.
PAGE_EVERY_S = 5.0 / 3
#: What is promised: milliseconds of a page, and how many times slower submits and claims become.
PAGE_MOST_MS, RATIO_MOST = 200.0, 1.2
#: What failed tasks failed of.
CAUSES = (Category.NETWORK, Category.SERVICE_DOWN, Category.BAD_INPUT, Category.FAULT)
OPERATIONS = ("submit", "claim")
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
#: The slowest pages of each database that a chart shows.
SHOWN = 5
ROOT = "root"


class Sizes(NamedTuple):
    """How much is measured: tasks that have ended and that wait, how often each page is asked.

    And turns of submits and claims with pages beside them (as many are without), of so long.
    """

    ended: int = 1_000_000
    waiting: int = 100_000
    asked: int = 15
    turns: int = 8
    turn_s: float = 6.0
    #: Within which tasks ended, and of which there are statistics.
    days: int = 30


QUICK = Sizes(50_000, 5_000, 5, 2)


def fill(services: bootstrap.Services, sizes: Sizes) -> None:
    """Write users, tasks that ended and those that wait, their statistics, and an audit log."""
    database = services.database
    people = [{"username": f"user{n}", "password_hash": "!"} for n in range(USERS)]
    done = [{"actor": ROOT, "action": f"did {n % 20}", "subject": f"{n}"} for n in range(AUDITED)]
    with database.write() as session:
        session.execute(insert(UserRow), people)
        session.execute(insert(AuditRow), done)
    _write_tasks(services, sizes.ended, sizes.days * 86_400 / sizes.ended)
    _write_tasks(services, sizes.waiting, None)
    dialect = database.engine.dialect.name
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As each server does by itself after a while.
        connection.execute(
            text(
                {"postgresql": "VACUUM ANALYZE", "sqlite": "PRAGMA optimize"}.get(
                    dialect, "ANALYZE TABLE tasks"
                )
            )
        )
    _write_statistics(database, sizes.days)


def nth(number: ColumnElement[int], of: int, which: int) -> ColumnElement[bool]:
    """Return whether a number is this one of so many."""
    return number % of == which


def _write_tasks(services: bootstrap.Services, count: int, apart_s: float | None) -> None:
    """Write tasks that ended so many seconds apart; None: they wait."""
    source = numbers(services.database, count)
    n, ends = source.c.n, apart_s is not None
    mixed = (cast(n, BigInteger) * 7919) % 9973  # so that neighbours differ
    back_s = n * (apart_s or 0.01)
    created = now(cast(-back_s - 60 - mixed % 100, Integer))
    causes = [(nth(mixed, 40, 10 * number), one.value) for number, one in enumerate(CAUSES)]
    row: dict[str, Any] = {
        "id": literal("e" if ends else "w", String) + cast(n, String(12)),
        "kind": case(
            (nth(n, SELDOM, 7), "maintenance"), (nth(mixed, 6, 1), "publishing"), else_="captions"
        ),
        "user_id": 2 + mixed % USERS,
        "status": literal(Status.QUEUED.value),
        "priority": case(
            (nth(n, SELDOM, 11), int(Priority.URGENT)),
            (nth(mixed, 20, 3), int(Priority.HIGH)),
            (nth(mixed, 4, 2), int(Priority.LOW)),
            else_=int(Priority.NORMAL),
        ),
        "turn": cast(func.floor(n / USERS), Integer),
        "settings": literal(services.box.encrypt("{}")),
        "delivery": literal(Delivery.DATABASE.value),
        "delayed": literal(value=False),
        "created_at": created,
        "available_at": created,
        "step": literal(""),
        "max_retries": literal(3),
    }
    zero = ("failures", "crashes", "sequence", "items_failed", "items_skipped")
    row |= {name: literal(0) for name in (*zero, "attempt", "items_done")}
    if ends:
        row |= {
            "status": case(
                (nth(mixed, 10, 0), Status.FAILED.value),
                (nth(mixed, 33, 1), Status.CANCELLED.value),
                else_=Status.COMPLETED.value,
            ),
            "delivery": case((nth(mixed, 7, 0), Delivery.DATABASE.value), else_=Delivery.RQ.value),
            "attempt": literal(1),
            "items_total": literal(3),
            "items_done": literal(3),
            "started_at": now(cast(-back_s - 40 - mixed % 20, Integer)),
            "finished_at": now(cast(-back_s - 5, Integer)),
            "error_category": case(
                (~nth(mixed, 10, 0), null()),
                (nth(n, SELDOM // 50, 10), Category.CORRUPT.value),
                *causes,
            ),
            "error": case((nth(mixed, 10, 0), "It broke."), else_=null()),
        }
    with services.database.write() as session:
        rows = select(*row.values()).select_from(source)
        session.execute(insert(TaskRow).from_select(list(row), rows))
        if ends:
            items = [
                {"task_id": "e0", "key": f"{n}", "position": n, "status": ItemStatus.DONE}
                for n in range(500)
            ]
            session.execute(insert(ItemRow), items)
            moves = [{"task_id": "e0", "event": "retried", "attempt": n} for n in range(50)]
            session.execute(insert(TaskEventRow), moves)


def _write_statistics(database: Database, days: int) -> None:
    """Write the stretches that a leader would have written in so many days, from the same rows."""
    series = Series(database)
    last = Span.MINUTE.begin_of(database.now()) - LENGTH[Span.MINUTE]
    kept: dict[tuple[Span, Any], Bucket] = {(Span.EVER, EPOCH): Bucket()}
    begin = last - timedelta(days=days + 1)
    while begin < last:  # by the hour, then by the minute
        is_near = begin >= Span.HOUR.begin_of(last - KEPT[Span.MINUTE])
        span = Span.MINUTE if is_near else Span.HOUR
        begin = span.begin_of(begin)
        bucket = series.ended(begin, begin + LENGTH[span])
        for one in (Span.MINUTE, Span.HOUR, Span.DAY, Span.EVER):
            if is_near or one is not Span.MINUTE:
                kept.setdefault((one, one.begin_of(begin)), Bucket()).merge(bucket)
        begin += LENGTH[span]
    rows = [
        {"span": span, "begins_at": at, "value": bucket.to_json()}
        for (span, at), bucket in kept.items()
    ]
    with database.write() as session:
        session.execute(insert(StatisticsRow), rows)


def pages() -> dict[str, str]:
    """Return each page's name and address: every section, and what its forms ask for."""
    found = {name: path for path, name in SECTIONS}
    found |= {f"Dashboard, {period}": f"/admin?period={period}" for period in sorted(Period)[1:]}
    filters: list[dict[str, Any]] = [
        *({"status": one} for one in Status),
        *({"priority": one.queue} for one in Priority),
        *({"kind": one} for one in ("captions", "maintenance")),
        *({"category": one} for one in (Category.NETWORK, Category.CORRUPT, Category.EXHAUSTED)),
        *({"delivery": one} for one in Delivery),
        {"user": "user7"},
        {"user": "user7", "status": Status.FAILED},
        {"status": Status.FAILED, "category": Category.NETWORK, "kind": "captions"},
        {"status": Status.COMPLETED, "priority": "urgent"},
        {"status": Status.QUEUED, "kind": "maintenance"},
        {"after": "e900000"},
        {"after": "e40000"},
        {"status": Status.COMPLETED, "after": "e40000"},
    ]
    found |= {
        f"Tasks, {' '.join(f'{name} {value}' for name, value in one.items())}": "/admin/tasks?"
        + urlencode(one)
        for one in filters
    }
    return found | {
        "A task": "/admin/tasks/e0",
        "A queue, before it is cleared": "/admin/queues/low/clear",
        "Audit log, of one action": "/admin/audit?action=did+7",
        "REST, statistics": "/api/v1/admin/statistics?period=month",
        "/metrics": "/metrics",
    }


@dataclass(frozen=True, slots=True)
class Asker:
    """An administrator's browser, and a program of theirs."""

    services: bootstrap.Services
    client: FlaskClient
    token: str

    def ask(self, path: str) -> int:
        """Ask for a page; return its bytes. Raises RuntimeError: it wasn't there."""
        by_token = path.startswith(("/api", "/metrics"))
        headers = {"Authorization": f"Bearer {self.token}"} if by_token else {}
        answer = self.client.get(path, headers=headers)
        if answer.status_code != 200:  # noqa: PLR2004 - HTTP
            raise RuntimeError(f"{path}: {answer.status_code}")
        return len(answer.data)


@contextlib.contextmanager
def asker(folder: Path, database_url: str, redis_url: str) -> Iterator[Asker]:
    """Yield somebody who is signed in as ROOT, to the service on these servers."""
    settings = config.load(
        DATA_DIR=folder, REDIS_URL=redis_url, DATABASE_URL=database_url, _ENV_FILE=None
    )
    services = bootstrap.build(settings)
    services.health.check()
    migrate.upgrade(services.database.engine)
    root = services.users.by_name(ROOT) or services.users.create(ROOT, PASSWORD, role=Role.ADMIN)
    client = create_app(services).test_client()
    sign_in(client, ROOT)
    token = services.users.make_token(root.id, "benchmark")
    yield Asker(services, client, token)
    services.close()


def times_of_pages(one: Asker, asked: int) -> dict[str, dict[str, float]]:
    """Return the median, in milliseconds, and the size of each page."""
    taken: dict[str, list[float]] = {}
    sizes = {}
    for _ in range(asked + 1):
        for name, path in pages().items():
            gc.collect()
            began = time.perf_counter()
            sizes[name] = one.ask(path) / 1000
            taken.setdefault(name, []).append(1000 * (time.perf_counter() - began))
    return {
        name: {
            "median_ms": round(statistics.median(some[1:]), 1),  # the first one warms up
            "most_ms": round(max(some[1:]), 1),
            "kb": round(sizes[name]),
        }
        for name, some in taken.items()
    }


def load(folder: Path, database_url: str, redis_url: str) -> None:
    """Lead the service, and ask for its pages, until there is no more input."""
    with asker(folder, database_url, redis_url) as one:
        leads = next(loop for loop in one.services.loops if loop.name == ROLE)
        leads.start()
        stands_open = pages()["Dashboard"]
        one.ask(stands_open)
        say("ready")
        is_over = threading.Event()

        def wait() -> None:
            sys.stdin.read()
            is_over.set()

        threading.Thread(target=wait, daemon=True).start()
        for path in pages().values():
            for asked in (stands_open, path):
                one.ask(asked)
                if is_over.wait(PAGE_EVERY_S):
                    leads.stop()
                    return


@contextlib.contextmanager
def loaded(folder: Path, database_url: str, redis_url: str) -> Iterator[None]:
    """Let another process ask for pages and write statistics."""
    argv = [sys.executable, "-m", "benchmarks.admin_pages", "--load"]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [*argv, str(folder), database_url, redis_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not process.stdout or b"ready" not in process.stdout.readline():
            raise RuntimeError("the process that asks for pages ended")
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the process that asks for pages ended with {process.returncode}")
    finally:
        process.communicate()  # which closes its input


def turn(engine: Backlogged, seconds: float) -> dict[str, float]:
    """Return the means of the submits and claims that there is time for, in milliseconds."""
    taken: dict[str, list[float]] = {}
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        for what, took_ms in engine.timed_pair():
            taken.setdefault(what, []).append(took_ms)
    return {what: statistics.fmean(some) for what, some in taken.items()}


def run(kind: str, sizes: Sizes) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Measure on one kind of database, and print a line for each page.

    Returns figures of each page, and of submits and claims.
    """
    with (
        tempfile.TemporaryDirectory(prefix="altwright-admin-") as folder,
        valkey() as redis,
        database_urls(kind, 1) as [url],
    ):
        where = (Path(folder), url, redis.url)
        with asker(*where) as one:
            fill(one.services, sizes)
        with asker(*where) as one:
            found = times_of_pages(one, sizes.asked)
            for name, row in found.items():
                say(f"{kind:<12}{name:<60}{row['median_ms']:>9.1f} ms{row['most_ms']:>9.1f} ms")
            engine = Backlogged(one.services.database)
            times: dict[str, list[float]] = {}
            for number in range(2 * sizes.turns):
                is_loaded = number % 4 in {1, 2}  # there and back: what drifts meets both
                mark = "beside_" if is_loaded else ""
                with loaded(*where) if is_loaded else contextlib.nullcontext():
                    for what, mean_ms in turn(engine, sizes.turn_s).items():
                        times.setdefault(f"{what}_{mark}ms", []).append(mean_ms)
    beside = {name: round(statistics.median(some), 3) for name, some in sorted(times.items())}
    for what in OPERATIONS:
        ratio = beside[f"{what}_beside_ms"] / beside[f"{what}_ms"]
        beside[f"{what}_ratio"] = round(ratio, 3)
    say(f"{kind:<12}{beside}")
    return found, beside


def main() -> int:
    """Measure; return 1 when a page or what is beside it is slower than promised."""
    parser = argparse.ArgumentParser(prog="benchmarks.admin_pages", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--quick", action="store_true", help="fewer tasks: a try")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.load:
        load(Path(asked.load[0]), *asked.load[1:])
        return 0
    all_pages: dict[str, dict[str, dict[str, float]]] = {}
    slowest: dict[str, dict[str, float]] = {}
    beside: dict[str, dict[str, float]] = {}
    for kind in asked.database or KINDS:
        try:
            found, beside[NAMES[kind]] = run(kind, QUICK if asked.quick else Sizes())
        except pytest.skip.Exception as missing:
            say(f"{kind:<12}{missing}")
            continue
        all_pages[NAMES[kind]] = found
        ordered = sorted(found, key=lambda name: -found[name]["median_ms"])
        slowest |= {f"{NAMES[kind]}, {name}": found[name] for name in ordered[:SHOWN]}
    if asked.json:
        figures = {"slowest": slowest, "beside": beside, "pages": all_pages}
        asked.json.write_text(json.dumps(figures, indent=1))
    worst_ms = max((row["median_ms"] for row in slowest.values()), default=0)
    ratios = [row[f"{what}_ratio"] for row in beside.values() for what in OPERATIONS]
    worst = max(ratios, default=0)
    say(f"The slowest page takes {worst_ms:.0f} ms; promised: {PAGE_MOST_MS:.0f} ms at most.")
    say(f"The largest ratio is {worst:.2f}; promised: {RATIO_MOST} at most.")
    return 1 if worst_ms > PAGE_MOST_MS or worst > RATIO_MOST else 0


if __name__ == "__main__":
    sys.exit(main())
