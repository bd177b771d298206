"""Numbered places for workers: each is one process's at a time; a silent one's is free again."""

from __future__ import annotations

import pytest
from tests.support_engine import at_once, elapse

from altwright.db.session import Database
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.worker_slots import SLOT_S, Slots

pytestmark = [pytest.mark.every_database, pytest.mark.req("3.5", "coordinated in the database")]

#: Processes of other hosts, of which nobody here knows whether they live.
OTHERS = [f"worker-{letter}@elsewhere" for letter in "abcdefgh"]


def test_each_slot_is_one_process_s(database: Database) -> None:
    """Eight processes take at once what they can get of five: five are taken, none twice."""
    got = at_once(len(OTHERS), lambda n: Slots(Leases(database), OTHERS[n]).take(5, 2))
    assert [one for one in got if isinstance(one, Exception)] == []
    taken = sorted(number for some in got for number in some)
    assert len(taken) == len(set(taken))
    more = [sorted(Slots(Leases(database), owner).take(5, 2)) for owner in OTHERS]
    assert sorted([*taken, *(number for some in more for number in some)]) == [0, 1, 2, 3, 4]


def test_a_slot_stays_with_who_gives_signs(database: Database) -> None:
    """A hold is lengthened before it runs out, and nobody else gets the slot meanwhile."""
    first, second = Slots(Leases(database), OTHERS[0]), Slots(Leases(database), OTHERS[1])
    assert first.take(2, 2) == {0, 1}
    for _ in range(5):
        elapse(database, SLOT_S / 2)
        assert first.keep({0, 1}) == {0, 1}
        assert second.take(2, 2) == set()


def test_a_silent_process_s_slot_goes_to_another_once(database: Database) -> None:
    """It is taken over when it has run out, by one; who held it is told so."""
    silent = Slots(Leases(database), OTHERS[0])
    assert silent.take(1, 1) == {0}
    elapse(database, SLOT_S + 1)
    got = at_once(7, lambda n: Slots(Leases(database), OTHERS[n + 1]).take(1, 1))
    assert sorted(map(len, got)) == [0] * 6 + [1]
    assert silent.keep({0}) == set()


def test_a_slot_that_was_given_up_is_free_at_once(database: Database) -> None:
    """A process that ends leaves its place to the next one."""
    first, second = Slots(Leases(database), OTHERS[0]), Slots(Leases(database), OTHERS[1])
    assert first.take(3, 2) == {0, 1}
    first.let_go({0, 2})
    assert second.take(3, 3) == {0, 2}
    assert first.keep({0, 1}) == {1}


def test_nobody_gives_up_what_another_has(database: Database) -> None:
    """A process that was taken for dead, and lives on, doesn't free the slot of its successor."""
    first, second, third = (Slots(Leases(database), owner) for owner in OTHERS[:3])
    assert first.take(1, 1) == {0}
    elapse(database, SLOT_S + 1)
    assert second.take(1, 1) == {0}
    first.let_go({0})
    assert third.take(1, 1) == set()
    assert second.keep({0}) == {0}
