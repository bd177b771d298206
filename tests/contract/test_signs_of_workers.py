"""Signs of workers' processes: each notes its own, and none waits for another's."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.support_engine import elapse

from altwright.db.session import Database
from altwright.db.task_tables import WorkerRow
from altwright.tasks.cluster.worker_registry import FORGOTTEN_S, Roster


@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_sign_does_not_wait_for_that_of_another_process(database: Database) -> None:
    """Two processes that note theirs at the same moment would be each other's deadlock.

    SQLite has one writer at a time.
    """
    roster = Roster(database)
    roster.seen(["here"], kind="external", host="a", pid=1)
    roster.seen(["there"], kind="external", host="b", pid=2)
    with database.write() as other:
        other.execute(update(WorkerRow).where(WorkerRow.id == "there").values(done=1))
        roster.seen(["here"], kind="external", host="a", pid=1)
    assert {one.id for one in roster.all()} == {"here", "there"}


@pytest.mark.every_database
def test_workers_long_gone_are_forgotten(database: Database) -> None:
    """Whoever gives a sign takes those out that gave none for an hour."""
    roster = Roster(database)
    roster.seen(["gone"], kind="external", host="a", pid=1)
    elapse(database, FORGOTTEN_S + 1)
    roster.seen(["here"], kind="external", host="b", pid=2)
    assert [one.id for one in roster.all()] == ["here"]
