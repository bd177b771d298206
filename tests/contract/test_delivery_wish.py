"""Administrators switch from RQ to the database and back, with tasks queued and running."""

from __future__ import annotations

import pytest
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, ROOT, Fleet, Rig

from altwright.db.session import Database
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.execution.dispatcher import MODE
from altwright.tasks.store.items import Planned
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_snapshot import Comparison, compared, snapshots

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
    assert (after.same, after.went_on, after.differing) == (3, 0, {})
    rig.wish.use(Delivery.RQ)
    rig.dispatcher.tick()
    assert sum(figures.queued()[Delivery.RQ].values()) == 2
    assert rig.state.get(MODE) == Delivery.RQ
    assert compared(before, snapshots(rig.database)).differing == {}
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


def test_only_a_task_that_waits_has_a_place_to_lose(rig: Rig) -> None:
    """Progress forgets failures, and an attempt's end counts one; another priority is told."""
    first = rig.submit(settings={"items": 2})
    rig.claims.retry(rig.take(), Category.NETWORK, "It is gone.", 0.0)
    task = rig.take()
    before = snapshots(rig.database)
    assert rig.store.get(task.id, None).failures == 1
    rig.items.plan(task, [Planned("item-0", "Item 0"), Planned("item-1", "Item 1")])
    progressed = snapshots(rig.database)
    assert rig.store.get(task.id, None).failures == 0
    assert compared(before, progressed) == Comparison(same=1, went_on=0, differing={})
    rig.claims.retry(task, Category.NETWORK, "It is gone.", 0.0)
    waits = snapshots(rig.database)
    assert compared(progressed, waits) == Comparison(same=0, went_on=1, differing={})
    rig.store.reprioritise(first.id, Priority.URGENT, actor="root")
    assert compared(waits, snapshots(rig.database)).differing == {first.id: ("priority",)}
