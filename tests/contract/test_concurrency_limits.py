"""How many tasks of a priority run at a time: never more, whoever claims at the same instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete, event
from tests.support_engine import NOWHERE, ROOT, Rig, at_once, elapse, make_users

from altwright.db.session import Database
from altwright.db.task_tables import StateRow
from altwright.domain.limits import Limits
from altwright.domain.task import Delivery, Priority
from altwright.tasks.cluster.worker_registry import VANISHED_S, Roster
from altwright.tasks.store.concurrency_limits import FRESH_S, LimitBook
from altwright.tasks.task import Task, Ticket

pytestmark = [pytest.mark.every_database, pytest.mark.req("8.5", "per priority")]

TWO_LOW = Limits(most={Priority.LOW: 2})
WORKERS = 8


@pytest.fixture
def of_settings(database: Database) -> Iterator[Rig]:
    """Return an engine whose settings let two low tasks run at a time; no Redis is there."""
    made = Rig(database, NOWHERE, limits=TWO_LOW)
    make_users(database, range(1, 20))
    made.kind.exclusive = False
    made.lose_redis()
    yield made
    made.close()


def submitted(rig: Rig, count: int = WORKERS) -> list[Task]:
    """Submit low tasks."""
    return [rig.submit(ROOT, priority="low") for _ in range(count)]


def claimed(rig: Rig, how: Callable[[int], Task | None]) -> int:
    """Claim with eight workers at the same instant; return how many got a task."""
    got = at_once(WORKERS, how)
    faults = [one for one in got if isinstance(one, Exception)]
    assert faults == []
    for task in got:
        if task is not None:
            rig.claims.complete(task, "")
    return sum(task is not None for task in got)


@pytest.mark.parametrize("delivery", list(Delivery))
def test_the_settings_limits_hold_from_the_first_claim_on(
    of_settings: Rig, delivery: Delivery
) -> None:
    """Eight workers claim at once, three times over, in a new database: two get a task each."""
    for _ in range(3):
        tasks = submitted(of_settings)

        def claim(number: int, tasks: list[Task] = tasks) -> Task | None:
            if delivery is Delivery.DATABASE:
                return of_settings.claims.claim_next(f"w{number}")
            task = tasks[number]
            ticket = Ticket(task.id, task.attempt)
            return of_settings.claims.claim(ticket, f"w{number}", Delivery.RQ)

        assert claimed(of_settings, claim) == 2


def test_limits_are_changed_and_reset(of_settings: Rig) -> None:
    """What an administrator sets counts in each process; a reset brings the settings back."""
    other = Rig(of_settings.database, NOWHERE, limits=TWO_LOW)

    def holding() -> tuple[Limits, Limits]:
        for rig in (of_settings, other):
            rig.at += FRESH_S + 1
        return of_settings.limits.current(), other.limits.current()

    three = Limits(most={Priority.LOW: 3}, kept={Priority.URGENT: 1})
    assert holding() == (TWO_LOW, TWO_LOW)
    of_settings.limits.change(three)
    assert holding() == (three, three)
    other.limits.change(None)
    assert holding() == (TWO_LOW, TWO_LOW)
    of_settings.limits.change(Limits())
    assert holding() == (Limits(), Limits())
    other.close()


def test_limits_hold_after_a_reset(of_settings: Rig) -> None:
    """Claims at the same instant see the settings' limits again, not none."""
    of_settings.limits.change(Limits(most={Priority.LOW: 5}))
    submitted(of_settings)
    assert claimed(of_settings, lambda n: of_settings.claims.claim_next(f"w{n}")) == 5
    of_settings.limits.change(None)
    submitted(of_settings)
    assert claimed(of_settings, lambda n: of_settings.claims.claim_next(f"w{n}")) == 2


def test_a_reset_needs_no_limits_before_it(database: Database) -> None:
    """Resetting what nobody has set changes nothing."""
    rig = Rig(database, NOWHERE)
    rig.limits.change(None)
    assert rig.limits.current() == Limits()
    rig.close()


def test_a_process_that_begins_goes_by_what_is_set(database: Database) -> None:
    """Whatever its clock shows; where nothing is limited everything may be claimed."""
    of_settings, free = (LimitBook(database, one, clock=lambda: 0.0) for one in (TWO_LOW, Limits()))
    with database.begin() as connection:
        assert free.full(connection, Limits()) == frozenset()
    assert (of_settings.current(), free.current()) == (TWO_LOW, Limits())
    three = Limits(most={Priority.LOW: 3})
    of_settings.change(three)
    assert of_settings.current() == three
    for from_settings in (TWO_LOW, Limits()):
        assert LimitBook(database, from_settings, clock=lambda: 0.0).current() == three


def test_limits_that_another_sets_meanwhile_are_those(database: Database) -> None:
    """A process that reads them for the first time doesn't put its settings' in their place."""
    three = Limits(most={Priority.LOW: 3})
    ended: list[object] = []

    def meanwhile(*of: object) -> None:
        ended.extend(of)
        if len(ended) == 1:
            LimitBook(database, Limits()).change(three)

    for end in ("commit", "rollback"):
        event.listen(database.engine, end, meanwhile)
    got = LimitBook(database, TWO_LOW).current()
    for end in ("commit", "rollback"):
        event.remove(database.engine, end, meanwhile)
    assert got == three


def test_no_limit_is_lost_with_the_row_that_holds_it(of_settings: Rig) -> None:
    """Where somebody empties the table of facts, nothing is claimed until the row is back."""
    submitted(of_settings)
    assert of_settings.limits.current() == TWO_LOW
    with of_settings.database.write() as session:
        session.execute(delete(StateRow))
    of_settings.claims.claim_next("first")
    got = [of_settings.claims.claim_next(f"w{number}") for number in range(WORKERS)]
    assert sum(task is not None for task in got) == 2


def test_other_priorities_go_on(of_settings: Rig) -> None:
    """A full priority stops its own tasks only."""
    submitted(of_settings)
    of_settings.submit(priority="normal")
    taken = [of_settings.claims.claim_next(f"w{number}") for number in range(5)]
    assert [task.priority for task in taken if task] == [Priority.NORMAL] + [Priority.LOW] * 2
    assert of_settings.limits.closed() == {Priority.LOW}


def test_a_place_is_kept_among_workers_that_live(database: Database) -> None:
    """Of three workers one is left to urgent work; two that have vanished are no others."""
    rig = Rig(database, NOWHERE, limits=Limits(kept={Priority.URGENT: 1}))
    make_users(database)
    rig.kind.exclusive = False
    rig.lose_redis()
    roster = Roster(database)
    roster.seen(["gone-1", "gone-2"], kind="external", host="there", pid=1)
    elapse(database, VANISHED_S + 1)
    roster.seen(["w1", "w2", "w3"], kind="external", host="here", pid=2)
    submitted(rig, 4)
    taken = [rig.claims.claim_next(f"w{number}") for number in range(4)]
    assert sum(task is not None for task in taken) == 2
    assert rig.limits.closed() == {Priority.HIGH, Priority.NORMAL, Priority.LOW}
    rig.close()
