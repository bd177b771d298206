"""Tasks of everybody, page by page: each once and none left out, however seldom they are."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import select
from tests.support_engine import ANNA, BERT, ROOT, Rig

from altwright.db.task_tables import TaskRow
from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.store.task_search import TaskFilter, TaskSearch
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database

FILTERS = [
    TaskFilter(status=status, priority=priority, category=category, user_id=user_id)
    for status, priority, category, user_id in product(
        (None, Status.QUEUED, Status.COMPLETED, Status.FAILED),
        (None, Priority.LOW, Priority.URGENT),
        (None, Category.NETWORK),
        (None, BERT.id),
    )
]


@pytest.fixture
def searched(rig: Rig) -> Rig:
    """Return an engine with forty tasks of all kinds."""
    rig.kind.exclusive = False
    for number in range(36):
        priority = "low" if number % 5 == 1 else "normal"
        rig.submit((ANNA, BERT)[number % 2], priority=priority)
        task = rig.take()
        if number % 4 == 0:
            category = Category.NETWORK if number % 3 else Category.FAULT
            rig.claims.fail(task, category, "No.")
        else:
            rig.claims.complete(task, "")
    for user, priority in ((ANNA, "low"), (BERT, "normal"), (ROOT, "normal"), (ROOT, "urgent")):
        rig.submit(user, priority=priority)
    return rig


@pytest.mark.parametrize("look_at", [3, 50])
def test_pages_show_each_task_once(searched: Rig, look_at: int) -> None:
    """Whatever is asked for, and in however many looks it is found; the newest first."""
    search = TaskSearch(searched.database, searched.store.box, look_at)
    with searched.database.read() as session:
        rows = list(session.scalars(select(TaskRow)))
    for wanted in FILTERS:
        seen: list[Task] = []
        after = None
        while True:
            page = search.page(wanted, 4, after)
            assert page.looked_back_to is None or page.older
            seen += page.tasks
            after = page.older
            if after is None:
                break
        fields = {
            "status": wanted.status,
            "priority": wanted.priority,
            "error_category": wanted.category,
            "user_id": wanted.user_id,
        }
        expected = {
            row.id
            for row in rows
            if all(getattr(row, name) == it for name, it in fields.items() if it is not None)
        }
        assert len(seen) == len(expected), wanted
        assert {task.id for task in seen} == expected, wanted
        times = [
            one.finished_at or one.created_at if wanted.has_ended else one.created_at
            for one in seen
        ]
        assert times == sorted(times, reverse=True)


def test_as_many_are_counted_as_are_looked_at(searched: Rig) -> None:
    """Exactly while that is cheap; then it's said that there are more, or that there may be."""
    search = TaskSearch(searched.database, searched.store.box, 50)
    for wanted in FILTERS:
        assert search.count(wanted).words == str(len(search.page(wanted, 50).tasks)), wanted
    few = TaskSearch(searched.database, searched.store.box, 3)
    assert few.count(TaskFilter()).words == "more than 3"
    assert few.count(TaskFilter(status=Status.QUEUED)).words == "more than 3"
    assert few.count(TaskFilter(priority=Priority.URGENT)).words == "at least 1"
