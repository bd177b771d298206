"""Many tasks at once, written by the database itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnClause, Integer, String, cast, column, insert, literal, select, text
from tests.support_engine import ANNA

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.db.types import Instant
from altwright.domain.task import Delivery, Priority

#: Share of the delayed and of the finished tasks that lie beside the waiting ones.
BESIDE = 5


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
            if letter == "f":
                row["finished_at"] = row["created_at"]
            rows = select(*row.values()).select_from(source)
            if letter != "w":
                rows = rows.where(n % BESIDE == 0)
            session.execute(insert(TaskRow).from_select(list(row), rows))
    if database.engine.dialect.name == "postgresql":
        # As its autovacuum does soon after; until then plans go by the tables as they were.
        with database.write() as session:
            session.execute(text("ANALYZE"))
