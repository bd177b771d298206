"""Faults of the world: one item's costs no other; a server's lets the task wait, with an end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support_engine import ANNA, BERT, Rig, touch

from altwright.domain.retry_policy import RETRY_AFTER_MOST_S
from altwright.domain.task import ItemStatus, Status
from altwright.errors import (
    Category,
    ConfigError,
    DescriberUnavailable,
    ImageUnavailable,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.platforms.refusals import PlatformForbids
from altwright.tasks.error_classification import NOT_SET_UP, Source
from altwright.tasks.execution.retrying import FRUITLESS, NO_PROGRESS, OUTAGE_PATIENCE_S
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run

AWAY = PlatformUnavailable("It doesn't answer.", category=Category.NETWORK)


def at(*positions: int, error: Exception) -> Callable[[Run, Item], None]:
    """Return what the items at these positions meet, each time."""

    def meet(_run: Run, item: Item) -> None:
        if item.position in positions:
            raise error

    return meet


def always(error: Exception) -> Callable[..., None]:
    """Return what raises this whatever it is asked."""

    def meet(*_: object) -> None:
        raise error

    return meet


def delay_s(rig: Rig, task_id: str) -> float:
    """Return the seconds between a task's last event and the moment it is due."""
    task = rig.store.get(task_id, None)
    return (task.available_at - rig.store.history(task_id)[-1].at).total_seconds()


def wait(rig: Rig, seconds: float) -> None:
    """Let time pass, and what is due then take its turn."""
    rig.later(seconds)
    rig.backlog.wake_delayed()


def finish(rig: Rig, task_id: str, attempts: int = 40) -> Task:
    """Let a task have its attempts, an hour between two, until it ends."""
    for _ in range(attempts):
        rig.drain_database()
        task = rig.store.get(task_id, None)
        if task.ended:
            return task
        wait(rig, 3600)
    raise AssertionError(f"{task_id} doesn't end: {rig.events(task_id)}")


@pytest.mark.parametrize(
    "error",
    [
        PlatformUnavailable("It answered 500."),
        PlatformRefused("Not this one.", category=Category.AUTHENTICATION),
        PlatformRefused("Not this one."),
        DescriberUnavailable("The model server is in trouble (it answered 500)."),
        DescriberUnavailable("Too slow.", category=Category.TIMEOUT),
        ConfigError(["OPENAI_API_KEY: the server doesn't accept it"]),
        ImageUnavailable("It doesn't answer."),
        RuntimeError("a fault of ours"),
    ],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'category', '')}",
)
def test_one_items_fault_costs_no_other(rig: Rig, error: Exception) -> None:
    """Whatever comes with one item ends that item, with words for people; the others are done."""
    rig.kind.meet = at(0, error=error)
    task = rig.submit(settings={"items": 6})
    ended = finish(rig, task.id)
    assert (ended.status, ended.items_done, ended.items_failed) == (Status.COMPLETED, 5, 1)
    (failed,) = rig.store.items(task.id, [ItemStatus.FAILED])
    assert failed.key == "item-0"
    assert failed.reason
    assert "OPENAI" not in failed.reason
    assert ended.failures == 0


@pytest.mark.parametrize(
    ("whole", "status", "category", "words"),
    [
        (AWAY, Status.QUEUED, Category.NETWORK, "It doesn't answer."),
        (
            PlatformRefused("No token.", category=Category.AUTHENTICATION),
            *(Status.FAILED, Category.AUTHENTICATION, "No token."),
        ),
        (
            ConfigError(["MODEL: isn't there"]),
            *(Status.FAILED, Category.CONFIGURATION, NOT_SET_UP),
        ),
    ],
    ids=["down", "refuses us", "isn't set up"],
)
def test_a_server_in_trouble_is_no_items_fault(
    rig: Rig, whole: Exception, status: Status, category: Category, words: str
) -> None:
    """When the server itself says so, the task waits or ends, and no item has failed."""
    rig.kind.meet = at(1, error=whole)
    rig.kind.answer = always(whole)
    task = rig.submit()
    rig.worker().take_next()
    now = rig.store.get(task.id, None)
    assert (now.status, now.error_category, now.error) == (status, category, words)
    assert (now.items_done, now.items_failed) == (1, 0)
    assert "MODEL" not in str(rig.store.history(task.id))


def test_different_items_that_fail_in_a_row_stop_the_task(rig: Rig) -> None:
    """Three for one cause, though the server says it is well: the task rests, then goes on."""
    rig.kind.meet = at(0, 1, 2, error=DescriberUnavailable("Trouble."))
    task = rig.submit(settings={"items": 5})
    rig.drain_database()
    now = rig.store.get(task.id, None)
    assert (now.status, now.items_done, now.failures) == (Status.QUEUED, 0, 1)
    assert round(delay_s(rig, task.id)) == 60
    ended = finish(rig, task.id)
    assert (ended.status, ended.items_done, ended.items_failed) == (Status.COMPLETED, 2, 3)


def test_items_of_one_post_count_once(rig: Rig) -> None:
    """Its pictures fail together; that says nothing of the server."""
    rig.kind.meet = at(0, 1, 2, 3, error=PlatformUnavailable("It answered 500."))
    task = rig.submit(settings={"items": 8, "of_post": 4})
    rig.drain_database()
    assert rig.store.get(task.id, None).items_done == 4


@pytest.mark.every_database
@pytest.mark.parametrize("items", [3, 4, 5, 40])
@pytest.mark.parametrize("retries", [3, 6])
def test_a_task_whose_every_item_fails_ends_as_failed(rig: Rig, items: int, retries: int) -> None:
    """A server that says it is well and can do nothing is given up after the retries.

    However few items there are, and no item is blamed.
    """
    rig.kind.meet = always(DescriberUnavailable("It answered 500."))
    task = rig.submit(settings={"items": items})
    touch(rig.database, task.id, max_retries=retries)
    ended = finish(rig, task.id)
    assert (ended.status, ended.error) == (Status.FAILED, "It answered 500.")
    assert (ended.attempt, ended.items_failed) == (retries + 1, 0)


def test_a_server_that_works_again_gets_every_item_done(rig: Rig) -> None:
    """None has used its tries up meanwhile."""
    rig.kind.meet = always(DescriberUnavailable("It answered 500."))
    task = rig.submit()
    for _ in range(3):
        rig.drain_database()
        wait(rig, 3600)
    rig.kind.meet = lambda *_: None
    assert finish(rig, task.id).items_done == 3


def test_items_that_failed_in_runs_before_fail_each_for_itself(rig: Rig) -> None:
    """A run that has nothing else to do ends, and waits for no server."""
    rig.kind.meet = always(DescriberUnavailable("It answered 500."))
    task = rig.submit(settings={"items": 3, "failed_before": True})
    ended = finish(rig, task.id)
    assert (ended.status, ended.items_failed) == (Status.COMPLETED, 3)
    assert "retry" not in rig.events(task.id)


def test_a_server_is_asked_once_for_many_failures(rig: Rig) -> None:
    """What it said is believed for a while."""
    asked: list[Source] = []
    rig.kind.answer = asked.append
    rig.kind.meet = at(*range(1, 20, 2), error=PlatformUnavailable("It answered 500."))
    rig.submit(settings={"items": 20})
    rig.drain_database()
    assert asked == [Source.PLATFORM]


def test_a_probe_that_meets_a_fault_of_ours_harms_no_task(rig: Rig) -> None:
    """Then nobody can say, and the item is blamed."""
    rig.kind.answer = always(ZeroDivisionError())
    rig.kind.meet = at(0, error=AWAY)
    ended = finish(rig, rig.submit().id)
    assert (ended.status, ended.items_done, ended.items_failed) == (Status.COMPLETED, 2, 1)


@pytest.mark.every_database
def test_waiting_when_asked_to_is_no_failure(rig: Rig) -> None:
    """However often a server asks for it."""
    rig.kind.meet = always(RateLimited("The server asked us to wait.", retry_in_s=300))
    task = rig.submit()
    for _ in range(12):
        assert rig.drain_database() == 1
        now = rig.store.get(task.id, None)
        assert (now.status, now.failures) == (Status.QUEUED, 0)
        assert round(delay_s(rig, task.id)) == 300
        wait(rig, 301)
    assert rig.events(task.id)[-1] == "waiting"
    rig.kind.meet = lambda _run, _item: None
    rig.drain_database()
    assert rig.store.get(task.id, None).status is Status.COMPLETED


def test_an_absurd_wait_is_cut(rig: Rig) -> None:
    """A day is the longest."""
    rig.kind.meet = always(RateLimited("Wait for ever.", retry_in_s=1e12))
    task = rig.submit()
    rig.drain_database()
    assert round(delay_s(rig, task.id)) == RETRY_AFTER_MOST_S


@pytest.mark.every_database
def test_one_item_that_is_always_asked_to_wait_holds_up_no_other(rig: Rig) -> None:
    """It comes after the others."""
    rig.kind.meet = at(0, error=RateLimited("Wait.", retry_in_s=60))
    task = rig.submit()
    rig.drain_database()
    wait(rig, 61)
    rig.drain_database()
    assert rig.store.get(task.id, None).items_done == 2


@pytest.mark.every_database
def test_progress_gives_the_retries_and_the_patience_back(rig: Rig) -> None:
    """A task that gets on between its failures is never ended by them."""
    failed: set[int] = set()

    def meet(run: Run, item: Item) -> None:
        # Each attempt does one item; then three different ones fail.
        if item.position not in failed and len(failed) < 3 * run.task.attempt and run_has_one(run):
            failed.add(item.position)
            raise DescriberUnavailable("Trouble.")

    def run_has_one(run: Run) -> bool:
        return rig.store.get(run.task.id, None).items_finished >= run.task.attempt

    rig.kind.meet = meet
    task = rig.submit(settings={"items": 40})
    ended = finish(rig, task.id)
    assert (ended.status, ended.items_done, ended.failures) == (Status.COMPLETED, 40, 0)
    assert rig.events(task.id).count("retry") > ended.max_retries + 1


def test_a_run_outlasts_an_hour_of_outage_and_a_short_one_stays_short(rig: Rig) -> None:
    """A server that is down is asked again at once, after 15 s, 1, 4 and each 16 minutes."""
    rig.kind.meet = rig.kind.answer = always(AWAY)
    task = rig.submit()
    waits: list[int] = []
    while sum(waits) < 3600:
        assert rig.drain_database() >= 1
        now = rig.store.get(task.id, None)
        assert (now.status, now.failures) == (Status.QUEUED, 0)
        waits.append(round(delay_s(rig, task.id)))
        wait(rig, waits[-1] + 1)
    assert waits[:5] == [15, 60, 240, 960, 960], "after one at once"
    assert [item.tries for item in rig.store.items(task.id)] == [0, 0, 0], "nobody is blamed"
    assert rig.next_item(task.id) == rig.store.items(task.id)[1], "put behind"
    rig.kind.meet, rig.kind.answer = lambda *_: None, lambda _: None
    rig.drain_database()
    assert rig.store.get(task.id, None).status is Status.COMPLETED


def test_a_servers_own_word_on_when_it_is_back_wins(rig: Rig) -> None:
    """Retry-After of a 503."""
    rig.kind.meet = rig.kind.answer = always(PlatformUnavailable("Later.", retry_in_s=33))
    task = rig.submit()
    rig.drain_database()
    assert round(delay_s(rig, task.id)) == 33


def test_an_item_that_crashes_its_server_each_time_comes_last_and_fails(rig: Rig) -> None:
    """The server is down after each try of it, and back at the next attempt."""
    down = [False]

    def meet(_run: Run, item: Item) -> None:
        if item.position == 0:
            down[0] = True
            raise DescriberUnavailable("It hung up.", category=Category.NETWORK)

    def answer(_source: Source) -> None:
        if down[0]:
            down[0] = False
            raise DescriberUnavailable("It can't be reached.", category=Category.NETWORK)

    rig.kind.meet, rig.kind.answer = meet, answer
    task = rig.submit()
    for _ in range(4):
        rig.drain_database()
        wait(rig, 3600)
    assert rig.store.get(task.id, None).items_done == 2
    assert rig.store.items(task.id)[0].status is ItemStatus.PENDING


@pytest.mark.every_database
def test_a_server_that_stays_away_ends_the_task_with_a_sentence(rig: Rig) -> None:
    """Patience has an end, and says for how long it lasted."""
    rig.kind.meet = rig.kind.answer = always(AWAY)
    dead = finish(rig, rig.submit().id)
    assert dead.status is Status.FAILED
    assert OUTAGE_PATIENCE_S < dead.outage_s < OUTAGE_PATIENCE_S + 960
    assert dead.error == "It doesn't answer. The task has waited for 6.22 hours."


def test_attempts_that_use_their_time_up_without_progress_have_an_end(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """A plan that doesn't fit its time limit isn't begun again for ever, nor before others."""
    order: list[int | None] = []

    def meet_plan(run: Run, _position: int) -> None:
        order.append(run.task.user_id)
        if run.task.user_id == ANNA.id:
            rig.at += 4000
            run.checkpoint()

    rig.kind.meet_plan = meet_plan
    task = rig.submit()
    rig.submit(BERT, settings={"items": 1})
    assert rig.drain_database() == FRUITLESS + 1
    assert order == [ANNA.id, BERT.id, *[ANNA.id] * (FRUITLESS - 1)]
    assert caplog.text.count(f"task {task.id} again: {NO_PROGRESS}") == FRUITLESS - 1
    retries = [one.detail for one in rig.store.history(task.id) if one.event == "retry"]
    assert retries == [f"timeout: Tries again at once: {NO_PROGRESS}"] * (FRUITLESS - 1)
    dead = rig.store.get(task.id, None)
    assert (dead.status, dead.error_category) == (Status.FAILED, Category.TIMEOUT)
    assert dead.error == NO_PROGRESS


def test_an_item_that_uses_all_the_time_up_comes_after_the_others(rig: Rig) -> None:
    """It costs no other item its turn, and counts as failed after its tries."""

    def meet(run: Run, item: Item) -> None:
        if item.position == 0:
            rig.at += 4000
            run.checkpoint()

    rig.kind.meet = meet
    task = rig.submit(settings={"items": 4})
    ended = finish(rig, task.id)
    assert (ended.status, ended.items_done, ended.items_failed) == (Status.COMPLETED, 3, 1)
    (failed,) = rig.store.items(task.id, [ItemStatus.FAILED])
    assert (failed.key, failed.category) == ("item-0", Category.TIMEOUT)


@pytest.mark.parametrize("items", [3, 4])
def test_refusals_in_a_row_fail_the_task_also_at_its_end(rig: Rig, items: int) -> None:
    """A server that allows it with none of them ends the run, be it with the last item or not."""
    rig.kind.meet = always(PlatformForbids("The server doesn't allow it."))
    task = rig.submit(settings={"items": items})
    rig.drain_database()
    ended = rig.store.get(task.id, None)
    assert (ended.status, ended.items_failed) == (Status.FAILED, 3)
    assert "allow" in str(ended.error)
