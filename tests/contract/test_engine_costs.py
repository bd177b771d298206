"""What a submit and a claim cost does not grow with the backlog."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    ColumnClause,
    Integer,
    String,
    cast,
    column,
    insert,
    literal,
    select,
    text,
)
from tests.support_engine import (
    ANNA,
    Rig,
    make_users,
)

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.db.types import Instant
from altwright.domain.task import Delivery, Priority

pytestmark = pytest.mark.every_database

#: How much slower anything may be at the larger backlog.
SLOWER_AT_MOST = 1.5
SMALL, LARGE = 100, 100_000
#: Share of the delayed and of the finished tasks that lie beside the waiting ones.
BESIDE = 5


@pytest.mark.req("9.4")
def test_nothing_grows_with_the_backlog(rig: Rig) -> None:
    """Submit, claim, dispatch and rescue take no longer at 100,000 waiting tasks than at 100.

    A fifth as many delayed ones and as many finished ones lie beside them.
    """
    users = iter(make_users(rig.database, range(1000, 3000)))
    rig.lose_redis()

    def submit() -> None:
        rig.submit(next(users))

    def claim() -> None:
        task = rig.claims.claim_next("w")
        assert task is not None
        rig.claims.complete(task, "")

    def dispatch() -> None:
        rig.backlog.wake_delayed()
        tickets = rig.backlog.due(Priority.NORMAL, 5)
        assert len(tickets) == 5

    def rescue() -> None:
        assert rig.backlog.priorities(Delivery.DATABASE) == [Priority.NORMAL]
        rig.backlog.running()

    calls = {"submit": submit, "claim": claim, "dispatch": dispatch, "rescue": rescue}
    fill(rig.database, SMALL, "a")
    before = fast_times(calls)
    fill(rig.database, LARGE, "b")
    ratios: dict[str, float] = {}
    for _ in range(20):  # others use this machine too
        after = fast_times(calls)
        ratios = {name: after[name] / before[name] for name in calls}
        if max(ratios.values()) <= SLOWER_AT_MOST:
            break
    assert max(ratios.values()) <= SLOWER_AT_MOST, ratios


def fast_times(calls: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the time within which the fastest tenth of each call was done, called in turns.

    What else the machine does adds to a time and never takes from it.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(60):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.quantiles(some, n=10)[0] for name, some in times.items()}


def fill(database: Database, count: int, mark: str) -> None:
    """Write ``count`` waiting tasks of one user, and some delayed and finished ones."""
    numbers = {
        "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < COUNT) "
        "SELECT n FROM s",
        "postgresql": "SELECT n FROM generate_series(1, COUNT) AS s(n)",
    }.get(database.engine.dialect.name, "SELECT seq AS n FROM seq_1_to_COUNT")
    n: ColumnClause[int] = column("n", Integer)
    values: dict[str, Any] = {
        "kind": literal("counting"),
        "user_id": literal(ANNA.id),
        "priority": literal(int(Priority.NORMAL)),
        "turn": n,
        "settings": literal("x"),
        "delivery": literal(Delivery.DATABASE.value),
        "created_at": literal(datetime(2026, 1, 1, tzinfo=UTC), Instant),
        "available_at": literal(datetime(2100, 1, 1, tzinfo=UTC), Instant),
        "step": literal(""),
        "max_retries": literal(3),
    }
    names = ("attempt", "failures", "crashes", "sequence", "items_done", "items_failed")
    values |= {name: literal(0) for name in (*names, "items_skipped")}
    lying_there = {"w": ("queued", False), "d": ("queued", True), "f": ("completed", False)}
    source = text(numbers.replace("COUNT", str(count))).columns(n).subquery()
    with database.write() as session:
        for letter, (status, delayed) in lying_there.items():
            row = values | {
                "id": literal(f"{mark}{letter}-", String) + cast(n, String(12)),
                "status": literal(status),
                "delayed": literal(delayed),
            }
            rows = select(*row.values()).select_from(source)
            if letter != "w":
                rows = rows.where(n % BESIDE == 0)
            session.execute(insert(TaskRow).from_select(list(row), rows))
