"""The place of a waiting task is the one in which workers take it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support_engine import ANNA, BERT, ROOT, Rig, touch

from altwright.domain.task import Priority
from altwright.errors import Category
from altwright.tasks.store.claim_order import PRIORITIES

pytestmark = pytest.mark.every_database


def test_each_place_is_how_many_are_taken_before(rig: Rig) -> None:
    """Of tasks of three users in four queues, one of them closed: each is taken in its place."""
    rig.kind.exclusive = False
    users = [replace(one, is_admin=True) for one in (ANNA, BERT, ROOT)]
    # Before nobody: one runs, and one isn't due.
    for user in users[:2]:
        rig.submit(user, priority="urgent")
    rig.claims.retry(rig.take(), Category.NETWORK, "gone", 60)
    rig.take()
    for number in range(40):
        # Neither users nor queues follow each other in the same order.
        priority = Priority(number * 7 % 5 % 4)
        made = rig.submit(users[number * number % 7 % 3], priority=priority.queue)
        # Some of one instant: their ids decide.
        instant = made.created_at.replace(microsecond=0) + timedelta(seconds=number % 2)
        touch(rig.database, made.id, created_at=instant)
    closed = {Priority.HIGH}
    with rig.database.connect() as connection:
        places = {
            task.id: PRIORITIES.ahead(connection, task.id, closed)
            for task in rig.store.recent(None, limit=100)
        }
    taken = 0
    owners: dict[int | None, int] = {}
    while (claimed := rig.claims.claim_next("w", paused=closed)) is not None:
        assert places[claimed.id] == (taken, owners.get(claimed.user_id, 0))
        taken += 1
        owners[claimed.user_id] = owners.get(claimed.user_id, 0) + 1
        with rig.database.connect() as connection:
            assert PRIORITIES.ahead(connection, claimed.id, closed) is None
    assert taken > 20
