"""How attempts end that don't complete: retries, dead letters, hand-backs, preemption."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support_engine import ANNA, BERT, LEASE_S, ROOT, Counting, Fleet, Rig, touch

from altwright import bootstrap, config
from altwright.db import migrate
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ItemStatus, Priority, Status
from altwright.errors import (
    ActiveTaskExists,
    Category,
    ConfigError,
    DatabaseUnavailable,
    ImageUnavailable,
    ImageUnusable,
    NotFound,
    PlatformRefused,
    PlatformUnavailable,
    TaskStateConflict,
)
from altwright.tasks.error_classification import NOT_SET_UP, OUR_FAULT, Source
from altwright.tasks.execution.runner import DATABASE_REST_S, RESTS
from altwright.tasks.store.expired_leases import CRASHES, Running
from altwright.tasks.store.items import ITEM_TRIES, Plan, Planned, PlannedUpTo, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run

pytestmark = pytest.mark.every_database


def failing_plan(error: Exception) -> Callable[[Run, int], None]:
    """Return what a whole attempt fails with, before it has any item."""

    def meet_plan(_run: Run, _position: int) -> None:
        raise error

    return meet_plan


def delay_s(rig: Rig, task_id: str) -> float:
    """Return the seconds between a task's last event and the moment it is due."""
    task = rig.store.get(task_id, None)
    return (task.available_at - rig.store.history(task_id)[-1].at).total_seconds()


@pytest.mark.req("6.1", "three retries")
@pytest.mark.req("6.1", "Retry-After wins")
@pytest.mark.req("6.2", "FAILED and a dead letter")
@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (PlatformUnavailable("The server is down."), [60, 240, 960]),
        (PlatformUnavailable("It doesn't answer.", category=Category.NETWORK), [0, 60, 240]),
        (PlatformUnavailable("Too slow.", category=Category.TIMEOUT), [0, 60, 240]),
        (PlatformUnavailable("Back soon.", retry_in_s=5), [5, 5, 5]),
        (PlatformUnavailable("In an age.", retry_in_s=1e12), [86_400] * 3),
    ],
    ids=["service down", "network", "time-out", "retry-after", "absurd"],
)
def test_a_failed_attempt_is_retried_three_times(
    fleet: Fleet, error: Exception, waits: list[float]
) -> None:
    """At once or after 1, 4 and 16 minutes, or when the server says; then it is a dead letter."""
    rig = fleet.rig
    rig.kind.meet_plan = failing_plan(error)
    task = rig.submit()
    met: list[float] = []
    for number in range(3):
        rig.dispatcher.tick()
        work = rig.drain_rq if rig.health.usable else rig.worker().take_next
        if met and met[-1] > 0:
            assert work() == 0, "it waits"
            rig.later(met[-1] + 1)
            rig.dispatcher.tick()
        assert work() == 1
        met.append(round(delay_s(rig, task.id)))
        now = rig.store.get(task.id, None)
        assert (now.status, now.failures, now.error) == (Status.QUEUED, number + 1, str(error))
    assert met == waits
    rig.later(waits[-1] + 1)
    fleet.drain()
    dead = rig.store.get(task.id, None)
    assert (dead.status, dead.failures, dead.attempt) == (Status.FAILED, 4, 4)
    assert rig.events(task.id)[-2:] == ["claimed", "failed"]
    assert rig.effects(task.id) == []


@pytest.mark.req("6.6", "stored and logged")
@pytest.mark.parametrize(
    ("error", "category", "message"),
    [
        (
            PlatformRefused("Token revoked.", category=Category.AUTHENTICATION),
            Category.AUTHENTICATION,
            "Token revoked.",
        ),
        (NotFound("There is no such account."), Category.BAD_INPUT, "There is no such account."),
        (ConfigError(["KEY: missing"]), Category.CONFIGURATION, NOT_SET_UP),
    ],
)
def test_what_only_a_person_can_change_isnt_retried(
    rig: Rig, error: Exception, category: Category, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a failure is final at once, with its category and its words."""
    rig.kind.meet_plan = failing_plan(error)
    task = rig.submit()
    rig.drain_database()
    dead = rig.store.get(task.id, None)
    assert (dead.status, dead.error_category, dead.error) == (Status.FAILED, category, message)
    assert rig.store.history(task.id)[-1].detail == f"{category}: {message}"
    assert f"task {task.id} failed: {category}: {message}" in caplog.text


@pytest.mark.req("6.1", "configurable, with jitter")
def test_retries_are_configured(tmp_path: Path) -> None:
    """RQ_MAX_RETRIES says how many there are, RQ_RETRY_BASE_DELAY how long the first one waits."""
    settings = config.load(
        DATA_DIR=tmp_path,
        REDIS_URL=f"unix://{tmp_path}/nowhere.sock",
        RQ_MAX_RETRIES=1,
        RQ_RETRY_BASE_DELAY=10,
    )
    services = bootstrap.build(settings)
    migrate.upgrade(services.database.engine)
    kind = Counting()
    kind.meet_plan = failing_plan(PlatformUnavailable("The server is down."))
    services.engine.kinds[kind.name] = kind
    task_id = services.queue.submit(kind.name, user=None).id
    for failures in (1, 2):
        task = services.engine.claims.claim_next("w")
        assert task is not None
        services.engine.runner.run(task, threading.Event())
        now = services.store.get(task_id, None)
        assert now.failures == failures
        if failures == 1:
            waits = now.available_at - services.store.history(task_id)[-1].at
            assert waits.total_seconds() == pytest.approx(10, rel=0.11)
            touch(services.database, task_id, available_at=now.created_at, delayed=False)
    assert now.status is Status.FAILED
    services.health.client.close()
    services.database.close()


@pytest.mark.req("6.6", "stored and logged")
@pytest.mark.req("11.6", "shown to users")
def test_a_fault_of_ours_shows_no_insides(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen error is retried, and users read a sentence, not the exception."""

    def meet_plan(_run: Run, _position: int) -> None:
        raise RuntimeError("/secret/path token=abc")

    rig.kind.meet_plan = meet_plan
    task = rig.submit()
    rig.drain_database()
    now = rig.store.get(task.id, None)
    assert (now.status, now.error, now.error_category) == (
        Status.QUEUED,
        OUR_FAULT,
        Category.FAULT,
    )
    assert "secret" not in str(rig.store.history(task.id))
    assert f"task {task.id} again in 60 s: {OUR_FAULT}" in caplog.text


def test_a_retry_that_succeeds_leaves_no_error_behind(fleet: Fleet) -> None:
    """A completed task shows no error of an attempt before."""

    def meet_plan(run: Run, _position: int) -> None:
        if run.task.attempt == 1:
            raise PlatformUnavailable("A blip.", category=Category.NETWORK)

    fleet.rig.kind.meet_plan = meet_plan
    task = fleet.rig.submit()
    fleet.drain()
    done = fleet.rig.store.get(task.id, None)
    assert (done.status, done.error, done.error_category) == (Status.COMPLETED, None, None)
    assert fleet.rig.events(task.id) == ["queued", "claimed", "retry", "claimed", "completed"]


def test_a_picture_that_cant_be_had_costs_no_other(rig: Rig) -> None:
    """It is tried again after the others and then failed alone; an unusable one at once."""

    def meet(_run: Run, item: Item) -> None:
        if item.key == "item-0":
            raise ImageUnavailable("It doesn't answer.")
        if item.key == "item-1":
            raise ImageUnusable("It is no picture.")

    rig.kind.meet = meet
    task = rig.submit()
    for rest_s in (15, 60):
        rig.drain_database()
        assert rig.events(task.id)[-1] == RESTS
        assert round(delay_s(rig, task.id)) == rest_s
        rig.later(rest_s + 1)
        rig.backlog.wake_delayed()
    rig.drain_database()
    done = rig.store.get(task.id, None)
    assert (done.status, done.items_done, done.items_failed) == (Status.COMPLETED, 1, 2)
    late, unusable = rig.store.items(task.id, [ItemStatus.FAILED])
    assert (late.tries, late.reason) == (ITEM_TRIES, "It doesn't answer.")
    assert (unusable.tries, unusable.reason) == (0, "It is no picture.")


@pytest.mark.req("6.2", "an administrator requeues it")
def test_a_dead_letter_is_requeued_with_its_progress(fleet: Fleet) -> None:
    """Requeueing gives a fresh budget of retries and keeps the finished items."""
    rig = fleet.rig
    broken = [True]

    def meet(_run: Run, item: Item) -> None:
        if broken[0] and item.key == "item-2":
            raise PlatformRefused("No.", category=Category.AUTHENTICATION)

    def answer(_source: Source) -> None:
        if broken[0]:
            raise PlatformRefused("No.", category=Category.AUTHENTICATION)

    rig.kind.meet, rig.kind.answer = meet, answer
    task = rig.submit()
    fleet.drain()
    assert rig.store.get(task.id, None).status is Status.FAILED
    broken[0] = False
    waits = rig.submit(BERT)
    with pytest.raises(TaskStateConflict, match=f"Task {waits.id} is not failed"):
        rig.queue.requeue_failed(waits.id, by=ROOT)
    again = rig.queue.requeue_failed(task.id, by=ROOT)
    assert (again.status, again.failures, again.error) == (Status.QUEUED, 0, None)
    fleet.drain()
    done = rig.store.get(task.id, None)
    assert (done.status, done.items_done) == (Status.COMPLETED, 3)
    assert rig.effects(task.id) == ["item-0", "item-1", "item-2"]
    assert "requeued" in rig.events(task.id)


@pytest.mark.req("4.3", "one active task per user")
def test_a_requeue_is_a_submit_as_far_as_the_user_goes(rig: Rig) -> None:
    """It is refused while another task of the user is active, naming that one."""
    rig.kind.meet_plan = failing_plan(PlatformRefused("No.", category=Category.AUTHENTICATION))
    dead = rig.submit()
    rig.drain_database()
    active = rig.submit()
    with pytest.raises(ActiveTaskExists) as refusal:
        rig.queue.requeue_failed(dead.id, by=ANNA)
    assert refusal.value.task_id == active.id
    assert rig.store.get(dead.id, None).status is Status.FAILED


@pytest.mark.req("3.4", "hands it back with its progress")
def test_a_stopped_worker_hands_its_task_back(fleet: Fleet) -> None:
    """Told to stop, it finishes its item; another goes on; that is no failure."""
    rig = fleet.rig
    stop = threading.Event()

    def meet(run: Run, item: Item) -> None:
        if (run.task.attempt, item.key) == (1, "item-0"):
            stop.set()

    rig.kind.meet = meet
    task = rig.submit()
    rig.runner.run(rig.take(), stop)
    handed_back = rig.store.get(task.id, None)
    assert (handed_back.status, handed_back.items_done) == (Status.QUEUED, 1)
    assert handed_back.failures == 0
    fleet.drain()
    assert rig.effects(task.id) == ["item-0", "item-1", "item-2"]
    assert rig.events(task.id)[2] == "worker stopped"


def test_an_attempt_that_used_its_time_up_hands_its_task_back(rig: Rig) -> None:
    """A long task goes on in a next attempt, after who waits, without a failure counted."""
    order: list[int | None] = []

    def meet(run: Run, _item: Item) -> None:
        order.append(run.task.user_id)
        if len(order) == 1:
            rig.at += 4000

    rig.kind.meet = meet
    task = rig.submit()
    rig.submit(BERT, settings={"items": 1})
    assert rig.drain_database() == 3
    assert order == [ANNA.id, BERT.id, ANNA.id, ANNA.id]
    assert rig.events(task.id) == ["queued", "claimed", "time used up", "claimed", "completed"]
    assert rig.store.get(task.id, None).failures == 0


def test_low_work_gives_way_to_urgent_work(fleet: Fleet) -> None:
    """Between two items a low task goes back to the queue, keeps its progress and goes on."""
    rig = fleet.rig
    order: list[tuple[str, str]] = []

    def meet(run: Run, item: Item) -> None:
        order.append((run.task.priority.queue, item.key))
        if order == [("low", "item-0")]:
            rig.submit(ROOT, priority="urgent", settings={"items": 1})

    rig.kind.meet = meet
    task = rig.submit(priority="low")
    fleet.drain()
    assert order == [
        ("low", "item-0"),
        ("urgent", "item-0"),
        ("low", "item-1"),
        ("low", "item-2"),
    ]
    assert "preempted" in rig.events(task.id)
    assert rig.store.get(task.id, None).failures == 0


def test_normal_work_gives_way_to_nobody(rig: Rig) -> None:
    """Only low work is preempted."""

    def meet(_run: Run, item: Item) -> None:
        if item.key == "item-0":
            rig.submit(ROOT, priority="urgent")

    rig.kind.meet = meet
    task = rig.submit()
    worker = rig.worker()
    worker.take_next()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    rig.kind.meet = lambda _run, _item: None
    rig.drain_database()


def test_a_picture_that_kills_workers_is_set_aside(rig: Rig) -> None:
    """The item in hand at each death comes last, then counts as failed; the others are done."""
    rig.submit(settings={"items": 2})
    for number in range(ITEM_TRIES):
        task, item = rig.begin(f"w{number}")
        if item.key == "item-1":
            rig.items.end_item(task, item, Worked(ItemStatus.DONE), 0.1)
            item = rig.next_item(task.id) or item
        assert item.key == "item-0"
        rig.rescuer.rescue(task.id, task.attempt, "test")
        blamed = next(one for one in rig.store.items(task.id) if one.key == "item-0")
        assert (blamed.tries, blamed.category) == (number + 1, Category.EXHAUSTED)
        assert blamed.reason == "The worker stopped while it had this picture in hand."
    rig.drain_database()
    done = rig.store.get(task.id, None)
    assert (done.status, done.items_done, done.items_failed) == (Status.COMPLETED, 1, 1)
    failed = rig.store.items(task.id, [ItemStatus.FAILED])[0]
    assert (failed.key, failed.category) == ("item-0", Category.EXHAUSTED)


def test_a_worker_that_gave_no_sign_is_told_from_one_that_did(rig: Rig) -> None:
    """Each running task is there once, with its attempt, its worker and whether its lease is up."""
    rig.kind.exclusive = False
    for _ in range(3):
        rig.submit()
    late = rig.take("w1")
    rig.later(LEASE_S + 1)
    held = rig.take("w2")
    assert sorted(rig.rescuer.running()) == sorted(
        [
            Running(late.id, late.attempt, "w1", expired=True),
            Running(held.id, held.attempt, "w2", expired=False),
        ]
    )


def dying(rig: Rig, workers: int) -> Task:
    """Let so many workers die of the task; return what the next one claims."""
    for number in range(workers):
        held = rig.take(f"w{number}")
        assert rig.rescuer.rescue(held.id, held.attempt, "test")
    return rig.take("next")


def test_a_task_that_kills_every_worker_becomes_a_dead_letter(rig: Rig) -> None:
    """After so many deaths in a row without a finished item it fails, and can be requeued."""
    task = rig.submit()
    last = dying(rig, CRASHES - 1)
    assert rig.rescuer.rescue(last.id, last.attempt, "test")
    dead = rig.store.get(task.id, None)
    assert (dead.status, dead.error_category) == (Status.FAILED, Category.EXHAUSTED)
    assert rig.queue.requeue_failed(task.id, by=ROOT).status is Status.QUEUED


@pytest.mark.req("6.2", "an administrator requeues it")
def test_a_requeued_task_starts_afresh(rig: Rig) -> None:
    """Neither workers that died before nor a cancel that came too late count any more."""
    task = rig.submit()
    last = dying(rig, CRASHES - 1)
    rig.queue.cancel(task.id, by=ANNA)
    rig.claims.fail(last, Category.FAULT, "It can't be done.")
    again = rig.queue.requeue_failed(task.id, by=ROOT)
    assert (again.crashes, again.failures, again.cancel_requested) == (0, 0, False)
    assert (again.error, again.error_category) == (None, None)
    held = rig.take()
    rig.rescuer.rescue(held.id, held.attempt, "test")
    assert rig.store.get(task.id, None).status is Status.QUEUED
    assert rig.drain_database() == 1
    assert rig.store.get(task.id, None).status is Status.COMPLETED


def test_a_cancel_outlives_the_last_of_many_workers(rig: Rig) -> None:
    """A task of which a cancel was asked for is cancelled, not failed, when its worker dies."""
    task = rig.submit()
    last = dying(rig, CRASHES - 1)
    rig.queue.cancel(task.id, by=ANNA)
    rig.rescuer.rescue(last.id, last.attempt, "test")
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.error) == (Status.CANCELLED, None)


def test_a_fault_of_the_database_is_no_failure_of_the_task(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task whose attempt met it rests a little and goes on, its retries untouched."""
    task = rig.submit()
    original = rig.items.plan

    def unavailable(task: Task, items: Iterable[Planned | PlannedUpTo]) -> Plan:
        monkeypatch.setattr(rig.items, "plan", original)
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(rig.items, "plan", unavailable)
    rig.drain_database()
    now = rig.store.get(task.id, None)
    assert (now.status, now.failures, now.error) == (Status.QUEUED, 0, None)
    assert round(delay_s(rig, task.id)) == DATABASE_REST_S
    rig.later(DATABASE_REST_S + 1)
    rig.dispatcher.tick()
    rig.drain_database()
    assert rig.store.get(task.id, None).status is Status.COMPLETED


def test_every_move_is_in_the_history(rig: Rig) -> None:
    """The history of a task with many moves names each, in order, with attempt, actor and why."""
    task = rig.submit()
    first = rig.take("w1")
    rig.claims.release(first, "worker stopped")
    second = rig.take("w2")
    rig.claims.retry(second, Category.NETWORK, "gone", 0)
    third = rig.take("w3")
    rig.rescuer.rescue(third.id, third.attempt, "lease ran out")
    fourth = rig.take("w4")
    rig.claims.fail(fourth, Category.FAULT, "no")
    rig.queue.requeue_failed(task.id, by=ROOT)
    rig.queue.cancel(task.id, by=ANNA)
    history = [
        (one.event, one.attempt, one.actor, one.detail) for one in rig.store.history(task.id)
    ]
    assert history == [
        ("queued", 0, "anna", ""),
        ("claimed", 1, "w1", ""),
        ("worker stopped", 1, "w1", ""),
        ("claimed", 2, "w2", ""),
        ("retry", 2, "w2", "network: Tries again at once: gone"),
        ("claimed", 3, "w3", ""),
        ("rescued", 3, "w3", "lease ran out"),
        ("claimed", 4, "w4", ""),
        ("failed", 4, "w4", "fault: no"),
        ("requeued", 4, "root", ""),
        ("cancelled", 4, "anna", ""),
    ]
    with rig.database.read() as session:
        sequence = session.scalar(select(TaskRow.sequence).where(TaskRow.id == task.id))
    assert sequence == len(history) - 1


def test_retries_that_wait_dont_stand_in_the_way(rig: Rig) -> None:
    """A task that waits for its time isn't claimed, by turn or by ticket, nor makes low yield."""
    task = rig.submit(ROOT, priority="urgent")
    claimed = rig.take()
    rig.claims.retry(claimed, Category.SERVICE_DOWN, "down", 60)
    low = rig.submit(priority="low")
    taken = rig.take()
    assert taken.id == low.id
    assert not rig.signals.now(taken).preempted_by
    assert rig.backlog.due(Priority.URGENT, 10) == []
    rig.later(61)
    assert rig.backlog.wake_delayed() == 1
    assert rig.signals.now(taken).preempted_by
    assert [ticket.task_id for ticket in rig.backlog.due(Priority.URGENT, 10)] == [task.id]
