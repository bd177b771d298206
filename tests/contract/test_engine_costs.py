"""What a submit and a claim cost does not grow with the backlog."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    event,
    text,
)
from tests.support_backlog import fill
from tests.support_engine import Rig, make_users

from altwright.db.session import Database, utcnow
from altwright.domain.task import Delivery, Priority
from altwright.tasks.store.time_series import Series

pytestmark = pytest.mark.every_database

#: How much more the database may do at the larger backlog, and what that may come to at least.
#: Its own count, not seconds: others use this machine too.
MORE_AT_MOST, SPARE = 1.5, 50
#: Calls of each kind that are counted together.
CALLS = 20
SMALL, LARGE = 100, 100_000


def test_nothing_grows_with_the_backlog(rig: Rig) -> None:
    """Submit, claim, dispatch, rescue and statistics read no more at 100,000 tasks than at 100.

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
        rig.rescuer.running()

    series = Series(rig.database)

    def count() -> None:
        minute = next(iter(series.unsettled(utcnow())))
        series.ended(minute, minute + timedelta(minutes=1))

    calls = {
        "submit": submit,
        "claim": claim,
        "dispatch": dispatch,
        "rescue": rescue,
        "count": count,
    }
    with METERS[rig.database.engine.dialect.name](rig.database) as meter:
        fill(rig.database, SMALL, "a")
        before = costs(meter, calls)
        fill(rig.database, LARGE, "b")
        after = costs(meter, calls)
    for name in calls:
        assert after[name] <= MORE_AT_MOST * before[name] + SPARE, (before, after)


def costs(meter: Callable[[], int], calls: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return what the database does for one call of each, as ``meter`` counts it."""
    begin = meter()
    asking = meter() - begin
    found = {}
    for name, call in calls.items():
        begin = meter()
        for _ in range(CALLS):
            call()
        found[name] = (meter() - begin - asking) / CALLS
    return found


@contextmanager
def sqlite_steps(database: Database) -> Iterator[Callable[[], int]]:
    """Yield what counts the steps of SQLite's virtual machine, in tens."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    def watch(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(count, 10)

    event.listen(database.engine, "checkout", watch)
    yield lambda: counted[0]
    event.remove(database.engine, "checkout", watch)
    database.engine.dispose()  # its connections keep what was set


@contextmanager
def postgresql_rows(database: Database) -> Iterator[Callable[[], int]]:
    """Yield what counts the rows and entries of indexes that PostgreSQL reads."""
    reads = text(
        "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) "
        "+ (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"
    )

    def count() -> int:
        with database.write() as session:
            session.execute(text("SELECT pg_stat_force_next_flush()"))
        with database.write() as session:
            return int(session.scalar(reads) or 0)

    yield count


@contextmanager
def mariadb_rows(database: Database) -> Iterator[Callable[[], int]]:
    """Yield what counts the rows and entries of indexes that MariaDB reads."""
    reads = text(
        "SELECT sum(variable_value) FROM information_schema.global_status "
        "WHERE variable_name LIKE 'handler\\_read%'"
    )

    def count() -> int:
        with database.write() as session:
            return int(session.scalar(reads) or 0)

    yield count


METERS = {"sqlite": sqlite_steps, "postgresql": postgresql_rows, "mariadb": mariadb_rows}
