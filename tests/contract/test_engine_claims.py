"""Claims: one worker per task, fenced by its attempt; items end once, with their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session
from tests.support_engine import (
    ANNA,
    BERT,
    Fleet,
    Rig,
    at_once,
    effect_of,
    make_users,
    touch,
)

from altwright.domain.task import Delivery, ItemStatus, Status
from altwright.errors import Category, TaskStateConflict
from altwright.tasks.execution.runner import Cancelled
from altwright.tasks.store.items import ITEM_TRIES, PLAN_BATCH, Planned, Worked
from altwright.tasks.task import Item, Task, Ticket
from altwright.tasks.task_kind import Run

pytestmark = pytest.mark.every_database


def ticket_of(task: Task) -> Ticket:
    """Return what RQ's job says."""
    return Ticket(task.id, task.attempt)


@pytest.mark.req("3.5", "never two workers at a time")
def test_of_many_workers_one_gets_the_task(rig: Rig) -> None:
    """Twenty workers claim the same ticket at once; one has it, and the row is its."""
    ticket = ticket_of(rig.submit())
    got = at_once(20, lambda n: rig.claims.claim(ticket, f"w{n}", Delivery.RQ))
    winners = [task for task in got if isinstance(task, Task)]
    assert len(winners) == 1
    assert got.count(None) == 19
    now = rig.store.get(ticket.task_id, None)
    assert (now.attempt, now.worker_id) == (1, winners[0].worker_id)
    assert rig.events(ticket.task_id) == ["queued", "claimed"]


@pytest.mark.req("3.5", "never two workers at a time")
def test_workers_on_the_database_never_share_a_task(rig: Rig) -> None:
    """Eight workers take forty tasks at once: each task is taken once, none is left."""
    make_users(rig.database, range(4, 44))
    rig.kind.exclusive = False
    ids = {rig.submit().id for _ in range(40)}

    def take_all(number: int) -> list[str]:
        taken = []
        while (task := rig.claims.claim_next(f"w{number}")) is not None:
            taken.append(task.id)
        return taken

    taken = [task_id for some in at_once(8, take_all) for task_id in some]
    assert sorted(taken) == sorted(ids)


@pytest.mark.req("4.4", "the same rows")
@pytest.mark.req("4.5", "side by side")
def test_both_ways_of_delivery_share_the_work(rig: Rig) -> None:
    """A task that a database worker took is dropped by the RQ worker that pops its job."""
    rig.kind.exclusive = False
    ids = {rig.submit().id for _ in range(5)}
    taken = [rig.take(f"database{n}").id for n in range(2)]
    assert rig.drain_rq() == 3
    assert len(set(taken)) == 2
    completed = {task.id for task in rig.store.recent(None, Status.COMPLETED)}
    assert completed == ids - set(taken)


def test_items_that_are_known_come_with_a_first_claim(rig: Rig) -> None:
    """The first fifty in their order, of this task alone; later attempts ask anew."""
    rig.kind.exclusive = False
    known = rig.submit(settings={"items": 60, "known": True})
    rig.submit(settings={"items": 2, "known": True})
    planning = rig.submit()
    tasks = {task.id: task for task in (rig.take() for _ in range(3))}
    first = tasks[known.id].claimed_items or ()
    assert [item.key for item in first] == [f"item-{n}" for n in range(50)]
    assert tasks[planning.id].claimed_items is None
    rig.claims.release(tasks[known.id], "worker stopped")
    again = rig.take()
    assert (again.id, again.attempt, again.claimed_items) == (known.id, 2, None)


def test_stale_tickets_claim_nothing(rig: Rig) -> None:
    """A ticket of an earlier attempt, or of a task that ended, is worth nothing."""
    rig.submit()
    first = rig.take()
    rig.claims.release(first, "worker stopped")
    stale, fresh, unknown = (Ticket(first.id, 0), Ticket(first.id, 1), Ticket("f" * 36, 1))
    assert [one for one in (stale, fresh, unknown) if rig.claims.waits(one)] == [fresh]
    assert rig.claims.claim(stale, "w", Delivery.RQ) is None
    second = rig.claims.claim(fresh, "w", Delivery.RQ)
    assert second is not None
    assert (second.id, second.worker_id, second.delivery) == (first.id, "w", Delivery.RQ)
    assert not rig.claims.waits(fresh)
    assert not rig.claims.waits(Ticket(first.id, second.attempt))
    rig.claims.complete(second, "done")
    assert rig.claims.claim(Ticket(first.id, 2), "w", Delivery.RQ) is None
    assert rig.claims.claim(unknown, "w", Delivery.RQ) is None


ZOMBIE_WRITES: dict[str, Callable[[Rig, Task, Item], Any]] = {
    "renew": lambda rig, task, _: rig.claims.renew(task.id, task.attempt),
    "step": lambda rig, task, _: rig.claims.step(task.id, task.attempt, "undead"),
    "plan": lambda rig, task, _: rig.items.plan(task, [Planned("x", "X")]),
    "end item": lambda rig, task, item: rig.items.end_item(
        task, item, Worked(ItemStatus.DONE, effect=effect_of(task, item.key)), 0.1
    ),
    "end last item": lambda rig, task, item: rig.items.end_item(
        replace(task, items_total=1), item, Worked(ItemStatus.DONE), 0.1, lambda _now: "undead"
    ),
    "defer item": lambda rig, task, item: rig.items.defer_item(task, item, "why", Category.NETWORK),
    "signals": lambda rig, task, _: rig.signals.now(task),
    "current": lambda rig, task, _: rig.claims.current(task),
    "complete": lambda rig, task, _: rig.claims.complete(task, "undead"),
    "cancelled": lambda rig, task, _: rig.claims.cancelled(task),
    "fail": lambda rig, task, _: rig.claims.fail(task, Category.FAULT, "undead"),
    "retry": lambda rig, task, _: rig.claims.retry(task, Category.FAULT, "undead", 0),
    "release": lambda rig, task, _: rig.claims.release(task, "undead"),
}


@pytest.mark.req("3.5", "never two workers at a time")
@pytest.mark.parametrize("write", ZOMBIE_WRITES)
@pytest.mark.parametrize("since", ["queued", "running", "completed"])
def test_a_worker_that_was_given_up_changes_nothing(rig: Rig, write: str, since: str) -> None:
    """Whatever a rescued task's old worker writes is refused and leaves no row behind."""
    rig.submit()
    zombie, item = rig.begin("zombie")
    assert rig.rescuer.rescue(zombie.id, zombie.attempt, "test")
    if since != "queued":
        successor = rig.take("successor")
        if since == "completed":
            rig.claims.complete(successor, "done")
    before = rig.store.get(zombie.id, None), rig.store.items(zombie.id), rig.events(zombie.id)
    with pytest.raises(TaskStateConflict, match="running this attempt") as refused:
        ZOMBIE_WRITES[write](rig, zombie, item)
    assert refused.value.task_id == zombie.id
    after = rig.store.get(zombie.id, None), rig.store.items(zombie.id), rig.events(zombie.id)
    assert after == before
    assert rig.effects(zombie.id) == []


def test_an_item_ends_once(rig: Rig) -> None:
    """A second end is refused with its effect, also by the same attempt, and as the last item's."""
    rig.submit(settings={"items": 2})
    task, item = rig.begin()
    worked = Worked(ItemStatus.DONE, effect=effect_of(task, item.key))
    rig.items.end_item(task, item, worked, 0.1)
    task = rig.claims.current(task)
    for summary in (None, lambda _now: "all done"):
        with pytest.raises(TaskStateConflict, match="working on this item") as refused:
            rig.items.end_item(task, item, worked, 0.1, summary)
        assert refused.value.task_id == task.id
    assert rig.effects(task.id) == ["item-0"]
    now = rig.store.get(task.id, None)
    assert (now.status, now.items_done) == (Status.RUNNING, 1)
    assert [one.took_s for one in rig.store.items(task.id)] == [0.1, None]


def test_the_end_of_the_last_item_is_that_of_its_task(rig: Rig) -> None:
    """It says its summary, for which all items count, and who has done it."""
    rig.submit(settings={"items": 2})
    task, _ = rig.begin("w1")
    task = rig.claims.current(task)
    for item in rig.items.next_items(task.id):
        ended = rig.items.end_item(
            task, item, Worked(ItemStatus.DONE), 0.1, lambda now: f"{now.items_done} done"
        )
        task = ended.task
    assert ended.signals.cancel is False
    assert (task.status, task.step) == (Status.COMPLETED, "2 done")
    assert rig.store.get(task.id, None) == task
    assert [one.status for one in rig.store.items(task.id)] == [ItemStatus.DONE] * 2
    last = rig.store.history(task.id)[-1]
    assert (last.event, last.actor) == ("completed", "w1")


def test_two_finishers_of_an_item_leave_one_effect(rig: Rig) -> None:
    """Ten threads end the same item at once; the counts and the effect are those of one."""
    rig.submit()
    task, item = rig.begin()
    worked = Worked(ItemStatus.DONE, effect=effect_of(task, item.key))
    results = at_once(10, lambda _n: rig.items.end_item(task, item, worked, 0.1))
    assert sum(isinstance(one, TaskStateConflict) for one in results) == 9
    assert rig.effects(task.id) == ["item-0"]
    assert rig.store.get(task.id, None).items_done == 1


@pytest.mark.parametrize("summary", [None, lambda _now: "all done"], ids=["one", "the last"])
def test_an_effect_that_fails_takes_the_items_end_with_it(
    rig: Rig, summary: Callable[[Task], str] | None
) -> None:
    """Effect and end, of a last item its task's, too, are one transaction: all of it or nothing."""
    rig.submit(settings={"items": 3 if summary is None else 1})
    task, item = rig.begin()
    task = rig.claims.current(task)

    def effect(session: Session) -> None:
        effect_of(task, item.key)(session)
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rig.items.end_item(task, item, Worked(ItemStatus.DONE, effect=effect), 0.1, summary)
    assert rig.effects(task.id) == []
    again = rig.next_item(task.id)
    assert again is not None
    assert (again.key, again.status) == (item.key, ItemStatus.PENDING)
    now = rig.store.get(task.id, None)
    assert (now.status, now.items_done) == (Status.RUNNING, 0)


def test_a_fault_in_one_items_effect_costs_no_other_item(fleet: Fleet) -> None:
    """An item whose result can't be written is tried again, then counts as failed, alone."""

    def meet(_run: Run, item: Item) -> None:
        if item.key == "item-1":
            raise ZeroDivisionError

    fleet.rig.kind.meet = meet
    task = fleet.rig.submit()
    for _ in range(ITEM_TRIES):
        fleet.drain()
        fleet.rig.later(3600)
    done = fleet.rig.store.get(task.id, None)
    assert (done.status, done.items_done, done.items_failed) == (Status.COMPLETED, 2, 1)
    item = fleet.rig.store.items(task.id, [ItemStatus.FAILED])[0]
    assert (item.key, item.tries, item.category) == ("item-1", ITEM_TRIES, Category.FAULT)
    assert "ZeroDivision" not in item.reason


def test_deferred_items_come_after_the_others(rig: Rig) -> None:
    """An item that failed for a passing reason is tried again at the end."""
    rig.submit()
    task, item = rig.begin()
    rig.items.defer_item(task, item, "the server is slow", Category.NETWORK)
    deferred = rig.store.items(task.id)[0]
    assert (deferred.tries, deferred.reason) == (1, "the server is slow")
    assert deferred.category == Category.NETWORK
    order = []
    while (item := rig.next_item(task.id)) is not None:  # type: ignore[assignment]
        order.append(item.key)
        rig.items.end_item(task, item, Worked(ItemStatus.DONE), 0.1)
    assert order == ["item-1", "item-2", "item-0"]


def test_an_interrupted_plan_is_resumed(rig: Rig) -> None:
    """Items written before the interruption are kept, once each and in their order."""
    count = 2 * PLAN_BATCH + 50
    interrupted = [True]

    def meet_plan(_run: Run, position: int) -> None:
        if interrupted[0] and position == PLAN_BATCH + 10:
            interrupted[0] = False
            raise ZeroDivisionError

    rig.lose_redis()
    rig.kind.meet_plan = meet_plan
    rig.kind.meet = lambda _run, _item: None
    task = rig.submit(settings={"items": count})
    worker = rig.worker()
    assert worker.take_next()
    halfway = rig.store.get(task.id, None)
    assert (halfway.status, halfway.items_total) == (Status.QUEUED, None)
    assert len(rig.store.items(task.id)) == PLAN_BATCH
    rig.later(61)
    rig.dispatcher.tick()
    second = rig.take()
    planned = [Planned(f"item-{n}", f"Item {n}") for n in range(count)]
    assert rig.items.plan(second, planned).total == count
    items = rig.store.items(task.id)
    assert [item.key for item in items] == [f"item-{n}" for n in range(count)]
    assert [item.position for item in items] == list(range(count))
    assert rig.store.get(task.id, None).items_total == count


def test_an_attempt_goes_on_where_the_last_one_stopped(fleet: Fleet) -> None:
    """Finished items aren't worked on again after an attempt that ended in the middle."""
    met: list[tuple[int, str]] = []

    def meet(run: Run, item: Item) -> None:
        met.append((run.task.attempt, item.key))
        if run.task.attempt == 1 and item.key == "item-1":
            worker_stops()

    def worker_stops() -> None:
        fleet.rig.rescuer.rescue(task.id, 1, "test")

    fleet.rig.kind.meet = meet
    task = fleet.rig.submit()
    fleet.drain()
    assert fleet.rig.store.get(task.id, None).status is Status.COMPLETED
    assert met == [(1, "item-0"), (1, "item-1"), (2, "item-2"), (2, "item-1")]
    assert sorted(fleet.rig.effects(task.id)) == ["item-0", "item-1", "item-2"]


@pytest.mark.req("7.5", "tasks")
def test_a_cancel_reaches_a_running_task_at_its_next_item(fleet: Fleet) -> None:
    """The item in hand is kept; no further one is begun; the user can submit again."""

    def meet(_run: Run, item: Item) -> None:
        if item.key == "item-1":
            fleet.rig.queue.cancel(task.id, by=ANNA)

    fleet.rig.kind.meet = meet
    task = fleet.rig.submit()
    fleet.drain()
    ended = fleet.rig.store.get(task.id, None)
    assert (ended.status, ended.items_done) == (Status.CANCELLED, 2)
    assert fleet.rig.events(task.id) == ["queued", "claimed", "cancel requested", "cancelled"]
    assert fleet.rig.submit().status is Status.QUEUED


def test_a_cancel_ends_a_kind_that_asks_at_checkpoints(rig: Rig) -> None:
    """A long plan heeds a cancel within a second of its clock."""

    def meet_plan(run: Run, position: int) -> None:
        if position == 1:
            rig.queue.cancel(run.task.id, by=ANNA)
        rig.at += 2
        run.checkpoint()

    rig.kind.meet_plan = meet_plan
    task = rig.submit()
    rig.drain_database()
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.items_total) == (Status.CANCELLED, None)


@pytest.mark.parametrize("how", ["rescue", "retry", "release"])
def test_a_cancel_asked_for_before_a_handing_back_ends_the_task(rig: Rig, how: str) -> None:
    """A task whose worker gave it back after a cancel was asked for isn't begun again."""
    rig.submit()
    task = rig.take()
    rig.queue.cancel(task.id, by=ANNA)
    match how:
        case "rescue":
            rig.rescuer.rescue(task.id, task.attempt, "test")
        case "retry":
            rig.claims.retry(task, Category.NETWORK, "gone", 60)
        case "release":
            rig.claims.release(task, "worker stopped")
    ended = rig.store.get(task.id, None)
    assert ended.status is Status.CANCELLED
    assert ended.finished_at is not None
    last = rig.store.history(task.id)[-1]
    assert (last.event, last.attempt, last.actor, last.detail) == ("cancelled", 1, "worker", "")
    assert rig.claims.claim_next("w") is None


def test_what_is_handed_back_says_why_and_keeps_its_count(rig: Rig) -> None:
    """A failure counts; a wait is none, but shortens its patience; a release is neither."""
    task_id = rig.submit().id

    def handed_back() -> Task:
        rig.later(61)
        rig.dispatcher.tick()
        return rig.take()

    rig.claims.retry(rig.take(), Category.NETWORK, "It is gone.", 60)
    assert rig.claims.claim_next("early") is None
    failed = handed_back()
    assert (failed.failures, failed.error, failed.error_category) == (1, "It is gone.", "network")
    rig.claims.wait(failed, Category.TIMEOUT, "It is slow.", 1, "m.example", outage_s=7)
    assert rig.claims.claim_next("early") is None
    late = handed_back()
    assert (late.failures, late.error, late.error_category) == (1, "It is slow.", "timeout")
    assert (late.waits, late.waits_for, late.outage_s, late.paused_s) == (1, "m.example", 7, 0)
    rig.claims.wait(late, Category.TIMEOUT, "It is slow.", 60, "", outage_s=1, paused_s=5)
    late = handed_back()
    assert (late.waits, late.waits_for, late.outage_s, late.paused_s) == (2, "", 8, 5)
    rig.claims.wait(late, Category.TIMEOUT, "It is slow.", 0, "")
    late = handed_back()
    assert (late.waits, late.outage_s, late.paused_s) == (3, 8, 5)
    rig.claims.retry(late, Category.FAULT, "It is odd.", 0)
    failed = handed_back()
    assert failed.failures == 2
    rig.claims.release(failed, "worker stopped")
    assert handed_back().failures == 2
    said = [(one.event, one.actor, one.detail) for one in rig.store.history(task_id)]
    assert [one for one in said if one[0] in {"retry", "waiting", "worker stopped"}] == [
        ("retry", "worker", "network: Tries again in 1 minute: It is gone."),
        ("waiting", "worker", "timeout: Waits 1 second: It is slow."),
        ("waiting", "worker", "timeout: Waits 1 minute: It is slow."),
        ("waiting", "worker", "timeout: Tries again at once: It is slow."),
        ("retry", "worker", "fault: Tries again at once: It is odd."),
        ("worker stopped", "worker", ""),
    ]


@pytest.mark.parametrize("how", ["release", "retry"])
def test_what_is_handed_back_keeps_its_place_or_comes_last(rig: Rig, how: str) -> None:
    """A task that has had its turn comes after those that wait; any other is the next again."""
    rig.kind.exclusive = False
    first, second = rig.submit().id, rig.submit().id

    def hand_back(task: Task, **options: bool) -> None:
        if how == "retry":
            rig.claims.retry(task, Category.NETWORK, "gone", 0, **options)
        else:
            rig.claims.release(task, "worker stopped", **options)

    hand_back(rig.take())
    again = rig.take()
    assert again.id == first
    hand_back(again, behind=True)
    assert [rig.take().id, rig.take().id] == [second, first]


def test_a_cancel_asked_for_before_the_end_of_a_task_ends_it(rig: Rig) -> None:
    """Its worker has nothing left to do, and hasn't heard of it."""
    rig.submit(settings={"items": 0})
    task = rig.take()
    rig.claims.step(task.id, task.attempt, "on its way")
    rig.store.cancel(task.id, user_id=None, actor="a" * 200)  # a host may call its users anything
    rig.claims.complete(task, "done")
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.step) == (Status.CANCELLED, "")
    history = [(one.event, one.actor, one.detail) for one in rig.store.history(task.id)]
    assert history[-2:] == [("cancel requested", "a" * 128, ""), ("cancelled", "worker", "")]
    with pytest.raises(TaskStateConflict):
        rig.claims.complete(task, "done")


def test_a_cancelled_task_in_rq_is_dropped_by_its_worker(fleet: Fleet) -> None:
    """A job whose task was cancelled while it waited does nothing."""
    task = fleet.rig.submit()
    fleet.rig.queue.cancel(task.id, by=ANNA)
    assert fleet.drain() == 0
    assert fleet.rig.effects(task.id) == []
    with pytest.raises(TaskStateConflict):
        fleet.rig.queue.cancel(task.id, by=ANNA)


def test_a_kind_may_stop_itself(rig: Rig) -> None:
    """What a checkpoint raises passes through a kind unharmed."""

    def meet(_run: Run, _item: Item) -> None:
        raise Cancelled

    rig.kind.meet = meet
    task = rig.submit()
    rig.drain_database()
    assert rig.store.get(task.id, None).status is Status.CANCELLED


def test_a_corrupt_task_fails_and_hurts_nobody(fleet: Fleet) -> None:
    """Settings that can't be decrypted fail their task; lists still show it."""
    other = fleet.rig.submit(BERT)
    task = fleet.rig.submit()
    touch(fleet.rig.database, task.id, settings="x")
    assert [one.corrupt for one in fleet.rig.store.recent(ANNA.id)] == [True]
    fleet.drain()
    assert fleet.rig.store.get(task.id, None).status is Status.FAILED
    assert fleet.rig.store.get(other.id, None).status is Status.COMPLETED


@pytest.mark.req("5.2", "kept in the database")
@pytest.mark.req("5.2", "the last step is never lost")
def test_the_last_step_is_never_lost(rig: Rig) -> None:
    """Steps are written twice a second at most; the last of a burst is written a little later."""
    rig.submit()
    task = rig.take()
    step = rig.progress.stepper(task)
    for number in range(10):
        step(f"step {number}")
    first = rig.store.get(task.id, None)
    assert first.step == "step 0"
    rig.progress.flush()
    assert rig.store.get(task.id, None).step == "step 0"
    rig.at += 0.6
    rig.progress.flush()
    last = rig.store.get(task.id, None)
    assert last.step == "step 9"
    assert last.sequence == first.sequence + 1
    step("after the end")
    rig.claims.complete(task, "done")
    rig.at += 1
    rig.progress.flush()
    assert rig.store.get(task.id, None).step == "done"
