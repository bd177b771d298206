"""Administrators switch from RQ to the database and back, with tasks queued and running."""

from __future__ import annotations

import pytest
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, ROOT, Fleet, Rig

from altwright.db.session import Database
from altwright.domain.task import Delivery, Status
from altwright.tasks.execution.dispatcher import MODE
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_snapshot import compared, snapshots

pytestmark = pytest.mark.every_database


@pytest.mark.req("10.5", "back to database-only")
@pytest.mark.req("4.1", "by one command")
def test_the_switch_moves_what_waits_and_leaves_what_runs(rig: Rig) -> None:
    """Tasks go to the database and back as they were; what runs ends; Redis stays in use."""
    ids = [rig.submit(user, settings={"items": 1}).id for user in (ANNA, BERT, ROOT)]
    rig.dispatcher.tick()
    runs = rig.take("busy")
    before, figures = snapshots(rig.database), Figures(rig.database)
    assert sum(figures.queued()[Delivery.RQ].values()) == 2
    rig.wish.use(Delivery.DATABASE)
    rig.dispatcher.tick()
    assert sum(figures.queued()[Delivery.DATABASE].values()) == 2
    assert (rig.state.get(MODE), rig.health.usable) == (Delivery.DATABASE, True)
    after = compared(before, snapshots(rig.database))
    assert (after.same, after.went_on, after.differing) == (3, 0, ())
    rig.wish.use(Delivery.RQ)
    rig.dispatcher.tick()
    assert sum(figures.queued()[Delivery.RQ].values()) == 2
    assert rig.state.get(MODE) == Delivery.RQ
    assert compared(before, snapshots(rig.database)).differing == ()
    rig.claims.release(runs, "stopped")
    assert Fleet(rig, Delivery.RQ).drain() == 3
    assert {rig.store.get(one, None).status for one in ids} == {Status.COMPLETED}


def test_a_submit_that_does_not_know_yet_is_taken_back(
    rig: Rig, database: Database, valkey: RedisServer
) -> None:
    """Another process may have written to RQ meanwhile; the dispatcher puts that right."""
    other = Rig(database, valkey.url, owner="elsewhere")
    rig.wish.use(Delivery.DATABASE)
    late = other.submit(BERT, settings={"items": 1})
    assert late.delivery is Delivery.RQ
    assert rig.submit(settings={"items": 1}).delivery is Delivery.DATABASE
    rig.dispatcher.tick()
    assert rig.store.get(late.id, None).delivery is Delivery.DATABASE
    assert rig.drain_database() == 2
    other.close()
