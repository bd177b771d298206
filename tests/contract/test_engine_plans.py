"""Plans that take several attempts: the cursor goes with the items, and ended items count."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from tests.support_engine import Rig, only_sqlite

from altwright.domain.task import ItemStatus, Status
from altwright.errors import Category, TaskStateConflict
from altwright.tasks.store import task_store
from altwright.tasks.store.items import PLAN_BATCH, Planned, PlannedUpTo, Worked
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database


def _items(first: int, last: int) -> list[Planned]:
    return [Planned(f"item-{n}", f"Item {n}") for n in range(first, last)]


def _interrupted(rig: Rig, *planned: Planned | PlannedUpTo) -> Task:
    """Plan this in an attempt that ends then, and hand the task back; return it as it is."""

    def items() -> Iterator[Planned | PlannedUpTo]:
        yield from planned
        raise ZeroDivisionError

    task = rig.take()
    with pytest.raises(ZeroDivisionError):
        rig.items.plan(task, items())
    rig.claims.release(task, "worker stopped")
    return rig.store.get(task.id, None)


def test_a_cursor_comes_with_the_items_before_it(rig: Rig) -> None:
    """What was yielded after the last cursor is yielded again, and written once."""
    rig.lose_redis()
    task = rig.submit()
    left = _interrupted(rig, *_items(0, 3), PlannedUpTo("page 2"), *_items(3, 5))
    assert (left.plan_cursor, left.items_total) == ("page 2", None)
    assert [one.key for one in rig.store.items(task.id)] == ["item-0", "item-1", "item-2"]
    second = rig.take()
    assert second.plan_cursor == "page 2"
    assert rig.items.plan(second, _items(2, 6)).total == 6
    items = rig.store.items(task.id)
    assert [(one.key, one.position) for one in items] == [(f"item-{n}", n) for n in range(6)]
    whole = rig.store.get(task.id, None)
    assert (whole.plan_cursor, whole.items_total) == (None, 6)


@pytest.mark.parametrize("items", [0, 2])
def test_items_that_settings_tell_come_with_the_task(rig: Rig, items: int) -> None:
    """They are there before any worker is, and no attempt plans."""
    rig.kind.meet_plan = lambda *_: pytest.fail("planned again")
    task = rig.submit(settings={"items": items, "known": True})
    assert task.items_total == items
    keys = [f"item-{n}" for n in range(items)]
    assert [(one.key, one.label, one.position) for one in rig.store.items(task.id)] == [
        (key, f"Item {n}", n) for n, key in enumerate(keys)
    ]
    rig.drain_rq()
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.items_done) == (Status.COMPLETED, items)
    assert rig.effects(task.id) == keys


@pytest.mark.parametrize("plan", ["double", "many", "ended"])
def test_items_that_need_a_plan_are_refused(rig: Rig, plan: str) -> None:
    """What comes with a task is counted by nobody, so it has to be simple."""
    items = {
        "double": [*_items(0, 1), *_items(0, 1)],
        "many": _items(0, PLAN_BATCH + 1),
        "ended": [Planned("item-0", "", ended=Worked(ItemStatus.SKIPPED))],
    }
    with (
        patch.object(type(rig.kind), "planned", lambda *_: items[plan]),
        pytest.raises(ValueError, match="need a plan"),
    ):
        rig.submit()
    assert rig.store.recent(None) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # one statement commits there
def test_a_task_comes_with_all_its_items_or_not_at_all(rig: Rig) -> None:
    """As many as are written at once; of a submit that breaks in between nothing is there."""
    with patch.object(type(rig.kind), "planned", lambda *_: _items(0, PLAN_BATCH)):
        with (
            patch.object(task_store, "insert_items", side_effect=ZeroDivisionError),
            pytest.raises(ZeroDivisionError),
        ):
            rig.submit()
        assert rig.store.recent(None) == []
        assert rig.submit().items_total == PLAN_BATCH


def test_a_cursor_moves_without_items(rig: Rig) -> None:
    """A page of which nothing is wanted needn't be read again either."""
    rig.lose_redis()
    rig.submit()
    left = _interrupted(rig, PlannedUpTo("page 2"), PlannedUpTo("page 3"), *_items(0, 1))
    assert left.plan_cursor == "page 3"


def test_what_is_noted_at_the_end_of_a_plan_stays(rig: Rig) -> None:
    """The task's summary may need it, in whatever attempt the last item ends."""
    rig.lose_redis()
    task = rig.submit()
    first = rig.take()
    rig.items.plan(first, [*_items(0, 1), PlannedUpTo("3 more")])
    whole = rig.store.get(task.id, None)
    assert (whole.plan_cursor, whole.items_total) == ("3 more", 1)


@only_sqlite
def test_a_plan_may_be_empty(rig: Rig) -> None:
    """There is nothing to note, and nothing to do."""
    rig.lose_redis()
    task = rig.submit()
    total, planned, first = rig.items.plan(rig.take(), [])
    assert (total, planned.plan_cursor, first) == (0, None, [])
    assert rig.store.get(task.id, None).plan_cursor is None


@only_sqlite
def test_what_comes_last_does_so_whenever_it_was_planned(rig: Rig) -> None:
    """Also when it was written with others before it."""
    rig.lose_redis()
    task = rig.submit()
    held = rig.take()
    report = Planned("report", "The report", last=True)
    first = rig.items.plan(
        held, [report, *_items(0, 1), PlannedUpTo("page 2"), *_items(1, 3)]
    ).first
    assert [one.key for one in first] == ["item-0", "item-1", "item-2", "report"]
    keys = []
    while (item := rig.next_item(task.id)) is not None:
        keys.append(item.key)
        rig.items.end_item(held, item, Worked(ItemStatus.DONE), 0.1)
    assert keys == ["item-0", "item-1", "item-2", "report"]


def test_a_cursor_of_an_attempt_that_is_over_is_not_written(rig: Rig) -> None:
    """A worker that was presumed dead can't move another's plan."""
    rig.lose_redis()
    task = rig.submit()
    first = rig.take()
    rig.rescuer.rescue(task.id, 1, "test")
    second = rig.take("another")
    assert second.attempt != first.attempt
    with pytest.raises(TaskStateConflict):
        rig.items.plan(first, [*_items(0, 1), PlannedUpTo("page 2")])
    assert rig.store.get(task.id, None).plan_cursor is None
    assert rig.store.items(task.id) == []


def test_items_that_have_ended_count_at_once(rig: Rig) -> None:
    """They carry their reason, nobody works on them, and the task's counts have them."""
    rig.lose_redis()
    task = rig.submit()
    held = rig.take()
    skipped = Worked(ItemStatus.SKIPPED, "It can't be read.", Category.BAD_INPUT)
    failed = Worked(ItemStatus.FAILED, "It is broken.", Category.FAULT)
    planned: list[Planned | PlannedUpTo] = [
        Planned("a", "A", ended=skipped),
        *_items(0, 1),
        Planned("b", "B", ended=failed),
        PlannedUpTo("page 2"),
        Planned("c", "C", ended=skipped),
        Planned("a", "A", ended=skipped),
    ]
    assert rig.items.plan(held, planned).total == 4
    now = rig.store.get(task.id, None)
    assert (now.items_total, now.items_skipped, now.items_failed, now.items_done) == (4, 2, 1, 0)
    items = {one.key: one for one in rig.store.items(task.id)}
    assert (items["a"].status, items["a"].reason) == (ItemStatus.SKIPPED, "It can't be read.")
    assert (items["b"].category, items["b"].attempt) == ("fault", held.attempt)
    assert items["c"].finished_at is not None
    first = rig.next_item(task.id)
    assert first is not None
    assert (first.key, first.finished_at) == ("item-0", None)
    rig.items.end_item(held, first, Worked(ItemStatus.DONE), 0.1)
    assert rig.next_item(task.id) is None
    assert rig.store.get(task.id, None).items_finished == 4


def test_many_ended_items_are_written_in_batches(rig: Rig) -> None:
    """As others are."""
    rig.lose_redis()
    task = rig.submit()
    held = rig.take()
    ended = Worked(ItemStatus.SKIPPED, "No.")
    count = PLAN_BATCH + 3
    planned = [Planned(f"item-{n}", "x", ended=ended) for n in range(count)]
    assert rig.items.plan(held, planned).total == count
    assert rig.store.get(task.id, None).items_skipped == count
