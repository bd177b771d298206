"""Time slices: whoever has had a turn lets others have theirs, loses nothing, and goes on."""

from __future__ import annotations

import pytest
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, ROOT, Fleet, Rig, make_users

from altwright.config import load
from altwright.db.session import Database
from altwright.domain.limits import Limits
from altwright.domain.task import Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import Category
from altwright.tasks.execution.retrying import FRUITLESS, NO_PROGRESS
from altwright.tasks.execution.runner import SLICE_OVER
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run


def let_wait(rig: Rig, user: UserRef = BERT, **options: object) -> Task:
    """Submit a task of one item, and let as much time pass as a slice has."""
    task = rig.submit(user, settings={"items": 1}, **options)
    rig.later(rig.slice_s + 1)
    return task


@pytest.mark.every_database
def test_a_task_gives_way_to_anothers_after_its_slice(fleet: Fleet) -> None:
    """Between two items it goes behind whoever waits, keeps its progress and goes on."""
    rig = fleet.rig
    order: list[tuple[int | None, str]] = []

    def meet(run: Run, item: Item) -> None:
        order.append((run.task.user_id, item.key))
        if len(order) == 1:
            let_wait(rig)

    rig.kind.meet = meet
    task = rig.submit(ANNA)
    fleet.drain()
    assert order == [
        (ANNA.id, "item-0"),
        (BERT.id, "item-0"),
        (ANNA.id, "item-1"),
        (ANNA.id, "item-2"),
    ]
    assert rig.events(task.id).count(SLICE_OVER) == 1
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.failures) == (Status.COMPLETED, 0)


@pytest.mark.parametrize(
    ("who", "priority", "is_preempted"),
    [
        (BERT, "normal", True),
        (ROOT, "urgent", True),
        (BERT, "low", False),
        (ANNA, "normal", False),
        (None, "normal", True),
    ],
    ids=["another's", "more urgent", "less urgent", "own", "the service's"],
)
@pytest.mark.every_database
def test_a_slice_ends_for_others_of_its_priority_or_a_higher_one(
    rig: Rig, who: UserRef | None, priority: str, *, is_preempted: bool
) -> None:
    """Nobody gives way to tasks of their own, nor to less urgent ones."""
    rig.kind.exclusive = False
    rig.submit(ANNA)
    task, _ = rig.begin()
    rig.submit(who, priority=priority)
    rig.later(60)
    assert bool(rig.signals.now(task, slice_is_over=True).preempted_by) is is_preempted
    assert not rig.signals.now(task).preempted_by


def test_a_slice_ends_for_nobody_who_is_about_to_be_served(rig: Rig) -> None:
    """A worker that is free takes what waits within a moment."""
    rig.submit(ANNA)
    task, _ = rig.begin()
    rig.submit(BERT)
    assert not rig.signals.now(task, slice_is_over=True).preempted_by


def test_a_slice_ends_for_no_paused_queue(rig: Rig) -> None:
    """Nobody may take what waits there."""
    rig.submit(ANNA)
    task, _ = rig.begin()
    let_wait(rig)
    rig.pauses.pause(Priority.NORMAL, ROOT)
    assert not rig.signals.now(task, slice_is_over=True).preempted_by


@pytest.mark.parametrize("slice_is_over", [False, True])
def test_urgent_work_that_has_just_come_preempts_low_work(rig: Rig, *, slice_is_over: bool) -> None:
    """Whether or not it has had its slice."""
    rig.submit(priority="low")
    task, _ = rig.begin()
    rig.submit(ROOT, priority="urgent")
    signals = rig.signals.now(task, slice_is_over=slice_is_over)
    assert signals.preempted_by == {Priority.URGENT}


@pytest.mark.parametrize(
    ("full", "is_preempted"), [(Priority.NORMAL, True), (Priority.HIGH, False)], ids=str
)
def test_a_slice_ends_where_that_makes_a_place(
    database: Database, valkey: RedisServer, full: Priority, *, is_preempted: bool
) -> None:
    """A task leaves a place of its own priority; in one that is full it makes none."""
    make_users(database)
    rig = Rig(database, valkey.url, limits=Limits(most={full: 1}))
    rig.kind.exclusive = False
    rig.submit(ROOT, priority="high")
    rig.begin("w1")
    rig.submit(ANNA)
    task, _ = rig.begin("w2")
    let_wait(rig, ROOT, priority=full.queue)
    assert bool(rig.signals.now(task, slice_is_over=True).preempted_by) is is_preempted
    rig.close()


def test_without_slices_nobody_gives_way(database: Database, valkey: RedisServer) -> None:
    """TASK_SLICE=0."""
    make_users(database)
    rig = Rig(database, valkey.url, slice_s=0)

    def meet(_run: Run, item: Item) -> None:
        if item.position == 0:
            rig.submit(BERT)
            rig.later(1000)

    rig.kind.meet = meet
    task = rig.submit(ANNA)
    rig.worker().take_next()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    rig.close()


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [({}, 300), ({"PLATFORM_TIMEOUT": 200}, 600), ({"TASK_SLICE": 60}, 60), ({"TASK_SLICE": 0}, 0)],
    ids=str,
)
def test_a_slice_is_long_enough_for_a_page(settings: dict[str, int], wanted: float) -> None:
    """Else a slow server's pages would be asked for again and again."""
    assert load(**settings).slice_s == wanted


@pytest.mark.every_database
def test_who_gave_way_comes_after_who_waits_and_before_who_comes(rig: Rig) -> None:
    """However many come: each round ends."""
    users = make_users(rig.database, range(4, 24))
    hog = rig.submit(ANNA)
    rig.take()
    waiting = [rig.submit(user).id for user in users[:3]]
    rig.claims.release(rig.store.get(hog.id, None), SLICE_OVER, behind=True)
    order = []
    for user in users[3:]:
        rig.submit(user)
        order.append(rig.take().id)
    assert order[:4] == [*waiting, hog.id]


@pytest.mark.every_database
def test_two_who_give_way_do_so_in_turns(rig: Rig) -> None:
    """The one that was stopped later comes later, and somebody who came meanwhile in between."""
    first, second = rig.submit(ANNA), rig.submit(BERT)
    rig.take("w1")
    rig.take("w2")
    other, newcomer = make_users(rig.database, [4, 5])
    third = rig.submit(other)
    rig.claims.release(rig.store.get(first.id, None), SLICE_OVER, behind=True)
    fourth = rig.submit(newcomer)
    rig.claims.release(rig.store.get(second.id, None), SLICE_OVER, behind=True)
    wanted = [third.id, first.id, fourth.id, second.id]
    assert [rig.take().id for _ in wanted] == wanted


def test_a_plan_gives_way_between_two_pages(rig: Rig) -> None:
    """What it has found is kept."""

    def meet_plan(run: Run, position: int) -> None:
        if run.task.user_id == ANNA.id and position == 200 and run.task.attempt == 1:
            let_wait(rig)
            run.checkpoint()

    rig.kind.meet_plan = meet_plan
    task = rig.submit(ANNA, settings={"items": 203})
    rig.worker().take_next()
    waiting = rig.store.get(task.id, None)
    assert (waiting.status, waiting.failures) == (Status.QUEUED, 0)
    assert len(rig.store.items(task.id)) == 200
    rig.drain_database()
    assert rig.store.get(task.id, None).items_done == 203


def test_an_item_that_was_begun_is_ended(rig: Rig) -> None:
    """It may take longer than a slice; broken off, it would begin anew for ever."""

    def meet(run: Run, _item: Item) -> None:
        if run.task.user_id == ANNA.id:
            let_wait(rig)
            run.checkpoint()

    rig.kind.meet = meet
    rig.kind.exclusive = False
    task = rig.submit(ANNA)
    rig.drain_database()
    assert rig.events(task.id).count(SLICE_OVER) == 2  # with the last, it is completed
    assert rig.store.get(task.id, None).items_done == 3


def test_slices_without_progress_have_an_end(rig: Rig) -> None:
    """A plan that never gets anywhere fails, with a sentence, and holds nobody up for long."""

    def meet_plan(run: Run, _position: int) -> None:
        if run.task.user_id == ANNA.id:
            let_wait(rig)
            run.checkpoint()

    rig.kind.meet_plan = meet_plan
    rig.kind.exclusive = False
    task = rig.submit(ANNA)
    rig.drain_database()
    dead = rig.store.get(task.id, None)
    assert (dead.status, dead.error_category) == (Status.FAILED, Category.TIMEOUT)
    assert (dead.error, dead.attempt) == (NO_PROGRESS, FRUITLESS)


def test_a_task_that_gave_way_can_be_cancelled(rig: Rig) -> None:
    """Before its next turn, or during its slice."""
    rig.submit(ANNA)
    task, _ = rig.begin()
    let_wait(rig)
    rig.queue.cancel(task.id, by=ANNA)
    rig.claims.release(task, SLICE_OVER, behind=True)
    assert rig.store.get(task.id, None).status is Status.CANCELLED
