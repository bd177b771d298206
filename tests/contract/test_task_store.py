"""The task store itself: turns in another queue, changes that come too late, a day's ration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from tests.support_engine import ANNA, BERT, ROOT, Rig, fill, touch

from altwright.db.task_tables import ItemRow, TaskRow
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category, TaskNotFound, TaskStateConflict
from altwright.tasks.store.expired_leases import give_back_all
from altwright.tasks.store.task_store import PRIORITY_CHANGED, ask_to_cancel, reprioritised
from altwright.tasks.task import Task


def test_a_task_takes_its_turn_in_another_queue(rig: Rig) -> None:
    """After its user's that wait there, before others that came later; its history says who did."""
    rig.kind.exclusive = False
    annas, berts = rig.submit(), rig.submit(BERT)
    waiting = rig.submit(priority="low")
    for task in (berts, annas):
        moved = rig.store.reprioritise(task.id, Priority.LOW, actor="root")
        assert (moved.priority, moved.delivery) == (Priority.LOW, Delivery.DATABASE)
        assert moved.sequence == task.sequence + 1
        event = rig.store.history(task.id)[-1]
        assert (event.event, event.attempt, event.actor, event.detail) == (
            *(PRIORITY_CHANGED, 0, "root", "normal → low"),
        )
        assert rig.store.reprioritise(task.id, Priority.LOW, actor="root") == moved
        with rig.database.read() as session:
            query = select(TaskRow.dispatched_at).where(TaskRow.id == task.id)
            assert session.scalar(query) is None
    assert [rig.take().id for _ in range(3)] == [berts.id, waiting.id, annas.id]


def test_what_does_not_wait_keeps_its_priority(rig: Rig) -> None:
    """And what isn't there gets none."""
    task = rig.submit()
    rig.take()
    with pytest.raises(TaskStateConflict, match=f"Task {task.id} is not queued"):
        rig.store.reprioritise(task.id, Priority.LOW, actor="root")
    assert rig.store.get(task.id, None).priority is Priority.NORMAL
    with pytest.raises(TaskNotFound):
        rig.store.reprioritise("0" * 36, Priority.LOW, actor="root")


def test_a_change_of_an_attempt_that_is_over_writes_nothing(rig: Rig) -> None:
    """Nor one of a state that is over; and what is asked of one task is asked of no other."""
    rig.kind.exclusive = False
    ids = [rig.submit(user).id for user in (ANNA, BERT, ROOT)]
    held, beside = rig.take(), rig.take().id
    (waits,) = {*ids} - {held.id, beside}
    known = [rig.store.get(one, None) for one in ids]
    low = None, Priority.NORMAL, Priority.LOW
    with rig.database.begin() as connection:
        assert not reprioritised(connection, held.id, held.attempt, *low, by="root")
        assert not reprioritised(connection, waits, 1, *low, by="root")
        for attempt, status in ((2, Status.RUNNING), (1, Status.COMPLETED), (1, Status.QUEUED)):
            assert not ask_to_cancel(connection, held.id, attempt, status, by="root")
    assert [rig.store.get(one, None) for one in ids] == known
    rig.store.cancel(held.id, user_id=None, actor="root")
    rig.store.reprioritise(waits, Priority.LOW, actor="root")
    now = [rig.store.get(one, None) for one in ids]
    same = [one.id for one, before in zip(now, known, strict=True) if one == before]
    assert same == [beside]
    with rig.database.begin() as connection:
        assert ask_to_cancel(connection, waits, 0, Status.QUEUED, by="root", detail="a fair")
        assert ask_to_cancel(connection, beside, 1, Status.RUNNING, by="root", detail="a fair")
    for one, what in ((waits, "cancelled"), (beside, "cancel requested")):
        event = rig.store.history(one)[-1]
        assert (event.event, event.actor, event.detail) == (what, "root", "a fair")


def test_who_asked_first_to_cancel_a_running_task_is_known(rig: Rig) -> None:
    """Asked again it stays asked; its page hears of each."""
    rig.submit()
    held = rig.take()
    for times in (1, 2):
        asked = rig.store.cancel(held.id, user_id=ANNA.id, actor="anna")
        assert asked.cancel_requested
        assert asked.sequence == held.sequence + times
        event = rig.store.history(held.id)[-1]
        assert (event.event, event.attempt, event.actor, event.detail) == (
            *("cancel requested", 1, "anna", ""),
        )
        query = select(TaskRow.cancel_requested_at).where(TaskRow.id == held.id)
        with rig.database.read() as session:
            at = session.scalar(query)
        assert at is not None
        if times == 1:
            touch(rig.database, held.id, cancel_requested_at=at - timedelta(hours=1))
            first = at - timedelta(hours=1)
        else:
            assert at == first
    rig.claims.fail(held, Category.FAULT, "No.")
    with pytest.raises(TaskStateConflict, match=f"Task {held.id} is not active"):
        rig.store.cancel(held.id, user_id=None, actor="anna")


def test_a_cancel_that_meets_a_claim_asks_the_worker(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task waited when it was looked at, and runs when it is to be cancelled."""
    task = rig.submit()
    look = rig.store.get

    def claimed_after_the_look(task_id: str, user_id: int | None) -> Task:
        seen = look(task_id, user_id)
        monkeypatch.setattr(rig.store, "get", look)
        rig.take()
        return seen

    monkeypatch.setattr(rig.store, "get", claimed_after_the_look)
    now = rig.store.cancel(task.id, user_id=ANNA.id, actor="anna")
    assert (now.status, now.cancel_requested) == (Status.RUNNING, True)


def test_a_days_ration_is_free_again_when_its_oldest_is_a_day_old(rig: Rig) -> None:
    """Counted are a user's tasks of one kind, however they ended; others' and older ones aren't."""
    at = rig.submit(BERT).created_at
    for hours, status in ((25, Status.FAILED), (20, Status.COMPLETED), (4, Status.CANCELLED)):
        (task_id,) = fill(
            rig.database, rig.box, 1, status, kind="counting", user_id=ANNA.id, account_id=None
        )
        touch(rig.database, task_id, created_at=at - timedelta(hours=hours))
    fill(rig.database, rig.box, 3, kind="other", user_id=ANNA.id, account_id=None)
    for most, hours in ((1, 20), (2, 4), (3, 0)):
        wait_s = rig.store.wait_for_another(ANNA.id, "counting", most)
        assert wait_s == pytest.approx(hours * 3600, abs=60), most


def test_items_come_in_their_order_whenever_they_were_written(rig: Rig) -> None:
    """All of them, or those in some states."""
    task = rig.submit()
    rig.begin()
    with rig.database.write() as session:
        session.execute(update(ItemRow).values(position=10 - ItemRow.position))
        session.execute(
            update(ItemRow).where(ItemRow.key == "item-1").values(status=ItemStatus.DONE)
        )
    assert [one.key for one in rig.store.items(task.id)] == ["item-2", "item-1", "item-0"]
    pending = rig.store.items(task.id, [ItemStatus.PENDING])
    assert [one.key for one in pending] == ["item-2", "item-0"]
    assert rig.store.items(task.id, []) == []
    assert rig.store.items("0" * 36) == []


@pytest.mark.every_database
def test_what_ran_when_the_database_was_copied_is_queued_again(rig: Rig) -> None:
    """Each running task is, with its worker and why; no worker has died, no item is to blame."""
    rig.kind.exclusive = False
    known = {"items": 1, "known": True}
    held = {rig.submit(settings=known).id: rig.take(f"w{number}") for number in range(2)}
    rig.submit(settings=known)
    with rig.database.begin() as connection:
        assert give_back_all(connection, "restored") == len(held)
    assert rig.rescuer.running() == []
    for task in held.values():
        now = rig.store.get(task.id, None)
        assert (now.status, now.crashes, now.attempt) == (Status.QUEUED, 0, 1)
        last = rig.store.history(task.id)[-1]
        assert (last.event, last.actor, last.detail) == ("rescued", task.worker_id, "restored")
        assert [item.tries for item in rig.store.items(task.id)] == [0]
