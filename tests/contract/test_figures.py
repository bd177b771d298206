"""Figures that alerts go by: of the last while only, and of what was done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support_engine import ANNA, BERT, ROOT, Rig, touch

from altwright.db.session import utcnow
from altwright.domain.task import ItemStatus
from altwright.errors import Category
from altwright.tasks.store.items import Worked
from altwright.tasks.store.statistics import Figures

pytestmark = pytest.mark.every_database


def test_failures_of_long_ago_are_over(rig: Rig) -> None:
    """What failed yesterday is in no figure of the last hour; what was cancelled is no end."""
    for user, category in ((ANNA, Category.FAULT), (BERT, Category.NETWORK), (ROOT, None)):
        rig.submit(user, priority="normal")
        task = rig.take()
        if category is None:
            rig.claims.complete(task, "")
        else:
            rig.claims.fail(task, category, "No.")
        if category is Category.FAULT:
            touch(rig.database, task.id, finished_at=utcnow() - timedelta(days=1))
    rig.queue.cancel(rig.submit(BERT).id, by=BERT)
    figures = Figures(rig.database)
    assert figures.failures(3600) == {"network": 1}
    assert figures.failures(2 * 24 * 3600) == {"network": 1, "fault": 1}
    assert (figures.ended(3600), figures.ended(2 * 24 * 3600)) == (2, 3)


def test_an_items_time_is_that_of_what_was_done(rig: Rig) -> None:
    """Those that were skipped or failed at once say nothing of how fast describing is."""
    figures = Figures(rig.database)
    rig.submit(settings={"items": 3})
    task, item = rig.begin()
    for status, took_s in (
        (ItemStatus.DONE, 9.0),
        (ItemStatus.SKIPPED, 0.1),
        (ItemStatus.FAILED, 0.2),
    ):
        rig.items.end_item(task, item, Worked(status), took_s)
        item = rig.next_item(task.id) or item
    assert figures.item_s() is None
    rig.claims.complete(task, "")
    assert figures.item_s() == 9.0
    touch(rig.database, task.id, user_id=None)  # as the service's own clean-ups
    assert figures.item_s() is None
    touch(rig.database, task.id, user_id=ANNA.id)
    touch(rig.database, task.id, finished_at=utcnow() - timedelta(days=1))
    assert figures.item_s() is None
