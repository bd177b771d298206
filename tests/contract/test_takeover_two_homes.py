"""What could be lost or done twice between the replaced system and this one, by a slip."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from tests import support_takeover
from tests.support_domain import FERNET_KEY
from tests.support_takeover import BOX, everything, fill, give, remarks, take
from tests.support_vedfolnir import MAY, OLD_KEY, Vedfolnir, closed

from altwright.accounts.users import UserStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import AccountRow
from altwright.db.takeover_table import TakenRow
from altwright.db.task_tables import TaskRow
from altwright.errors import ConfigError
from altwright.takeover.old_database import CLAIMED, OldDatabase
from altwright.takeover.pollers import reasons_to_stay
from altwright.takeover.report import Report
from altwright.takeover.run import Takeover

there = support_takeover.there
TASKS = "caption_generation_tasks"


def _to_rq(database: Database, there: Vedfolnir) -> Report:
    with closing(OldDatabase.open(there.url, writes=True)) as old:
        return Takeover(database, old, box=BOX, old_box=Box(OLD_KEY), claims=True).take_in()


def _why_not(database: Database, there: Vedfolnir) -> list[str]:
    with closing(OldDatabase.open(there.url)) as old:
        return reasons_to_stay(database, old)


def _states(there: Vedfolnir) -> dict[str, tuple[str, str]]:
    return {row["id"]: (row["status"], row["current_step"] or "") for row in there.rows(TASKS)}


@pytest.mark.every_database
def test_what_was_taken_from_workers_there_waits_for_them_after_going_back(
    database: Database, there: Vedfolnir
) -> None:
    """No worker there takes a task that is said to run: whoever goes back finds all waiting."""
    anna, bert, carl = ((one, there.connection(*one)) for one in _people(there))
    ran = there.task(anna[0][0], anna[1], status="running", started_at=MAY, current_step="Half-way")
    take(database, there, stopped=True)
    claimed = there.task(bert[0][0], bert[1])
    cut_off = there.task(carl[0][0], carl[1], status="RUNNING", current_step=CLAIMED)
    assert _to_rq(database, there).counts[TASKS]["added"] == 2
    with database.begin() as connection:  # as if it had been ended before it could take this one
        connection.execute(sa.delete(TakenRow).where(TakenRow.task_id == cut_off))
        connection.execute(sa.delete(TaskRow).where(TaskRow.id == cut_off))
    as_it_was = there.everything()
    assert give(database, there).writes == 0, "Altwright may be at work on them"
    assert give(database, there, stopped=True, dry_run=True).counts[TASKS]["changed"] == 3
    assert there.everything() == as_it_was
    assert give(database, there, stopped=True).counts[TASKS]["changed"] == 3
    assert set(_states(there).values()) == {("QUEUED", "")}
    assert all(row["started_at"] is None for row in there.rows(TASKS))
    # Vedfolnir goes on, and one more look at all that disturbs none of its workers.
    there.set(TASKS, ran, status="RUNNING", started_at="2026-07-01 08:00:00")
    assert give(database, there, stopped=True).writes == 0
    # Forward again: nobody works on what somebody there does, and what waits isn't done twice.
    assert any("3 tasks" in one or "2 tasks" in one for one in _why_not(database, there))
    report = _to_rq(database, there)
    named = next(what for what, ids in remarks(report, TASKS).items() if ids == [ran])
    assert "task cancel" in named
    assert {key: state for key, state in _states(there).items() if key != ran} == {
        claimed: ("RUNNING", CLAIMED),
        cut_off: ("RUNNING", CLAIMED),
    }
    assert _to_rq(database, there).writes == 0
    assert _why_not(database, there) == []


def _people(there: Vedfolnir) -> list[tuple[int, str]]:
    return [(there.user(name), name) for name in ("anna", "bert", "carl")]


@pytest.mark.every_database
def test_what_waits_on_both_sides_is_claimed_before_the_old_workers_get_it(
    database: Database, there: Vedfolnir
) -> None:
    """Taken while Vedfolnir rested, which was started again all the same."""
    made = fill(there)
    take(database, there, stopped=True)
    assert _states(there)[made["waits"]][0] == "QUEUED"
    assert len(_why_not(database, there)) == 1
    assert _to_rq(database, there).writes == 1
    assert _states(there)[made["waits"]] == ("RUNNING", CLAIMED)
    assert _why_not(database, there) == []


def test_another_key_takes_no_token_away(database: Database, there: Vedfolnir) -> None:
    """A shell without VEDFOLNIR_ENCRYPTION_KEY: nothing is written with a wrong one."""
    made = fill(there)
    take(database, there)
    here, as_it_was = everything(database), there.everything()
    for writes in (False, True):
        with closing(OldDatabase.open(there.url, writes=writes)) as old:
            takeover = Takeover(database, old, box=BOX, old_box=BOX)
            with pytest.raises(ConfigError, match="VEDFOLNIR_ENCRYPTION_KEY"):
                (takeover.give_back if writes else takeover.take_in)()
    # One that can't be read any more doesn't replace the one that is here.
    there.set("platform_connections", made["of_anna"], access_token=closed("new", FERNET_KEY))
    assert take(database, there).writes == 0
    assert everything(database)["accounts"] == here["accounts"]
    assert there.everything()["users"] == as_it_was["users"]
    there.set("platform_connections", made["of_anna"], access_token=closed("new"))
    assert take(database, there).counts["platform_connections"]["changed"] == 1
    with database.read() as session:
        account = session.scalar(select(AccountRow).where(AccountRow.acct == "anna@home.example"))
        assert account is not None
        assert BOX.decrypt(account.token) == "new"


def test_two_people_whose_names_differ_in_case_stay_two(
    database: Database, there: Vedfolnir
) -> None:
    """Neither the report nor --same gives one of them the other's accounts, whichever run it is."""
    for name in ("Anna", "anna"):
        there.connection(there.user(name), f"by_{name}")
    for same in ((), (), ("anna",)):
        report = take(database, there, same=same)
        (named,) = [what for what, ids in remarks(report, "users").items() if ids == ["2"]]
        assert "in case only" in named
        assert "--same" not in named
    assert len(everything(database)["accounts"]) == 1


def test_a_row_that_is_refused_there_keeps_no_other_back(
    database: Database, there: Vedfolnir
) -> None:
    """There, addresses are unique: people without one go over, and one who collides is named."""
    there.user("", email="carl@example.org")  # whom nobody takes
    with there.engine.begin() as connection:
        connection.execute(sa.text("CREATE UNIQUE INDEX one_each ON users (email)"))
    users = UserStore(database)
    for name, email in (("bert", None), ("carl", "carl@example.org"), ("dora", None)):
        users.create(name, "correct horse", email=email)
    report = give(database, there)
    assert (report.counts["users"]["added"], report.counts["users"]["left"]) == (2, 1)
    assert any("refuses" in what for what in remarks(report, "users"))
    assert [row["username"] for row in there.rows("users")] == ["", "bert", "dora"]
    assert take(database, there).writes == 0
    assert json.dumps([row["email"] for row in there.rows("users")]).count(".invalid") == 2
    # Ended between what it wrote there and its note of that.
    with database.begin() as connection:
        connection.execute(sa.delete(TakenRow))
    again = give(database, there)
    assert (again.counts["users"]["same"], again.counts["users"]["added"]) == (2, 0)
