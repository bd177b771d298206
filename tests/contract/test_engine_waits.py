"""Waits for servers: what uses patience up, what doesn't, and what people read of them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from tests.support_engine import Rig

from altwright.domain.retry_policy import PAUSE_PATIENCE_S, RETRY_AFTER_MOST_S, Backoff
from altwright.domain.task import ItemStatus, Status
from altwright.errors import (
    Category,
    DescriberUnavailable,
    ModelHubUnavailable,
    PlatformUnavailable,
    RateLimited,
)
from altwright.tasks.execution.retrying import OUTAGE_PATIENCE_S
from altwright.tasks.store.items import ITEM_TRIES
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run

HOUR_S = 3600.0
AWAY = PlatformUnavailable("It doesn't answer.", category=Category.NETWORK)


def raises(*errors: Exception | None) -> Callable[..., None]:
    """Return what raises these one call after the other, and from then on the last of them."""
    left = list(errors)

    def meet(*_: object) -> None:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is not None:
            raise error

    return meet


def attempt(rig: Rig, task: Task, after_s: float = 0.0) -> Task:
    """Make one attempt at a task after some time; return it."""
    rig.later(after_s)
    rig.backlog.wake_delayed()
    assert rig.worker().take_next()
    return rig.store.get(task.id, None)


@pytest.mark.every_database
def test_a_pause_that_was_asked_for_leaves_the_patience_with_outages(rig: Rig) -> None:
    """A task that has waited for hours because a server asked it to survives the next hiccup."""
    rig.kind.meet = raises(RateLimited("Wait.", retry_in_s=8 * HOUR_S), AWAY, None)
    rig.kind.answer = raises(AWAY, None)
    task = rig.submit()
    now = attempt(rig, task)
    assert (now.paused_s, now.outage_s, now.waits_for) == (8 * HOUR_S, 0, "")
    now = attempt(rig, task, 9 * HOUR_S)
    assert (now.paused_s, now.outage_s, now.waits_for) == (8 * HOUR_S, 15, "platform")
    assert now.status is Status.QUEUED
    assert attempt(rig, task, 60).status is Status.COMPLETED


def test_a_model_hub_that_is_away_is_no_describer_that_is_down(rig: Rig) -> None:
    """Nobody is called because a model can't be fetched while another describer works."""
    away = ModelHubUnavailable("It can't be reached.", category=Category.NETWORK)
    rig.kind.meet = rig.kind.answer = raises(away)
    task = rig.submit()
    attempt(rig, task)
    now = attempt(rig, task, HOUR_S)
    assert (now.status, now.waits_for) == (Status.QUEUED, "model_hub")


def test_pauses_without_a_length_grow(rig: Rig) -> None:
    """A server that asks for one, and doesn't say for how long, gets more time each time."""
    rig.kind.meet = raises(RateLimited("Wait."))
    task = rig.submit()
    paused_s = [attempt(rig, task, after_s).paused_s for after_s in (0, 60, 240)]
    assert paused_s == [60, 60 + 240, 60 + 240 + 960]


def test_patience_lasts_as_long_as_is_set(rig: Rig) -> None:
    """One wait goes beyond it: it ends after that."""
    rig.retrying.adopt(Backoff(jitter=0), 1.0 + 15.0)
    rig.kind.meet = rig.kind.answer = raises(AWAY)
    task = rig.submit()
    ends = [attempt(rig, task, HOUR_S) for _ in range(4)]
    assert [one.outage_s for one in ends] == [1, 16, 76, 76]
    assert [one.status for one in ends] == [*[Status.QUEUED] * 3, Status.FAILED]


@pytest.mark.every_database
def test_time_in_which_nobody_claims_leaves_the_patience_with_outages(rig: Rig) -> None:
    """A paused queue, a backlog, a host that was off: nobody has waited for the server."""
    rig.kind.meet = rig.kind.answer = raises(AWAY)
    task = rig.submit()
    attempt(rig, task)
    assert attempt(rig, task, OUTAGE_PATIENCE_S + HOUR_S).status is Status.QUEUED


@pytest.mark.parametrize("retry_in_s", [8 * HOUR_S, 0.0])
def test_a_server_that_is_down_may_say_for_how_long(rig: Rig, retry_in_s: float) -> None:
    """Its Retry-After is a pause; each wait uses some patience up all the same, for an end."""
    down = DescriberUnavailable("It is being updated.", retry_in_s=retry_in_s)
    rig.kind.meet = rig.kind.answer = raises(down)
    task = rig.submit()
    attempt(rig, task)
    now = attempt(rig, task, 9 * HOUR_S)
    assert (now.status, now.outage_s < HOUR_S) == (Status.QUEUED, True)
    assert attempt(rig, task, 9 * HOUR_S).outage_s > now.outage_s


@pytest.mark.every_database
def test_pauses_of_a_day_each_end_a_task_that_never_gets_on_after_a_week(rig: Rig) -> None:
    """No single pause uses the patience up, however long a server asks for."""
    rig.kind.meet = raises(RateLimited("Wait.", retry_in_s=1e9))
    task = rig.submit()
    for _ in range(round(PAUSE_PATIENCE_S / RETRY_AFTER_MOST_S) + 1):
        assert attempt(rig, task, 2 * RETRY_AFTER_MOST_S).status is Status.QUEUED
    dead = attempt(rig, task, 2 * RETRY_AFTER_MOST_S)
    assert (dead.status, dead.error_category) == (Status.FAILED, Category.RATE_LIMIT)
    assert dead.error == "Wait. The task has waited for 192 hours."


def test_pauses_never_end_a_task_that_gets_on(rig: Rig) -> None:
    """One picture a day is slow, and no failure."""
    done: set[int] = set()

    def meet(run: Run, _item: Item) -> None:
        if run.task.attempt in done:
            raise RateLimited("One a day.", retry_in_s=RETRY_AFTER_MOST_S)
        done.add(run.task.attempt)

    rig.kind.meet = meet
    task = rig.submit(settings={"items": 12})
    for _ in range(11):
        assert attempt(rig, task, RETRY_AFTER_MOST_S).status is Status.QUEUED
    assert attempt(rig, task, RETRY_AFTER_MOST_S).status is Status.COMPLETED


def test_a_probe_that_is_asked_to_wait_makes_the_task_wait(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Also without a Retry-After: that is no good answer, and no fault of ours."""
    rig.kind.meet = raises(DescriberUnavailable("It answered 500."), None)
    rig.kind.answer = raises(RateLimited("Too many requests."), None)
    task = rig.submit()
    with caplog.at_level(logging.ERROR):
        now = attempt(rig, task)
    assert (now.status, now.error_category) == (Status.QUEUED, Category.RATE_LIMIT)
    assert rig.events(task.id)[-1] == "waiting"
    assert [item.tries for item in rig.store.items(task.id)] == [0, 0, 0]
    assert caplog.records == []
    assert attempt(rig, task, HOUR_S).items_done == 3


@pytest.mark.every_database
def test_an_item_that_met_a_rate_limit_has_all_its_tries_left(rig: Rig) -> None:
    """It comes after the others, and none of its tries is used up."""
    met: list[int] = []

    def meet(_run: Run, item: Item) -> None:
        if item.position == 0:
            met.append(item.tries)
            if len(met) <= 2:
                raise RateLimited("Wait.", retry_in_s=1)
            raise DescriberUnavailable("It answered 500.")

    rig.kind.meet = meet
    task = rig.submit()
    while not (now := attempt(rig, task, HOUR_S)).ended:
        assert now.attempt < 20
    assert met == [0, 0, *range(ITEM_TRIES)]
    assert (now.status, now.items_done, now.items_failed) == (Status.COMPLETED, 2, 1)


def test_items_that_met_a_rate_limit_count_when_they_fail_in_a_row(rig: Rig) -> None:
    """A server that fails at all of them stops the task, though each was put behind before."""
    paused: set[int] = set()

    def meet(_run: Run, item: Item) -> None:
        if item.position == 0:
            return
        if item.position not in paused:
            paused.add(item.position)
            raise RateLimited("Wait.", retry_in_s=1)
        raise DescriberUnavailable("It answered 500.")

    rig.kind.meet = meet
    task = rig.submit(settings={"items": 4})
    for _ in range(4):
        now = attempt(rig, task, HOUR_S)
    assert (now.status, now.items_done, now.failures) == (Status.QUEUED, 1, 1)
    assert rig.events(task.id)[-1] == "retry"


@pytest.mark.every_database
def test_an_item_that_always_meets_a_rate_limit_leaves_others_their_tries(rig: Rig) -> None:
    """What has failed once isn't kept from its second try by it."""

    def meet(_run: Run, item: Item) -> None:
        if item.position == 0:
            raise RateLimited("Wait.", retry_in_s=1)
        if item.position == 1 and not item.tries:
            raise DescriberUnavailable("It answered 500.")

    rig.kind.meet = meet
    task = rig.submit()
    for _ in range(4):
        now = attempt(rig, task, HOUR_S)
    assert (now.items_done, now.items_failed) == (2, 0)
    (left,) = rig.store.items(task.id, [ItemStatus.PENDING])
    assert (left.position, left.tries) == (0, 0)


def test_people_read_how_long_a_task_waits_and_administrators_why(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Categories are for whoever runs the service; nobody waits "for 0 s"."""
    rig.kind.meet = raises(RateLimited("The model server asks us to wait.", retry_in_s=960), AWAY)
    rig.kind.answer = raises(AWAY)
    task = rig.submit()
    attempt(rig, task)
    attempt(rig, task, 960)
    attempt(rig, task, HOUR_S)
    waits = [one for one in rig.store.history(task.id) if one.event == "waiting"]
    assert [one.words for one in waits] == [
        "Waits 16 minutes: The model server asks us to wait.",
        "Waits 15 seconds: It doesn't answer.",
        "Waits 1 minute: It doesn't answer.",
    ]
    assert [one.detail.partition(":")[0] for one in waits] == ["rate_limit", "network", "network"]
    assert f"task {task.id} waits for 960 s: The model server asks us to wait." in caplog.text


def test_the_first_look_at_an_outage_is_called_what_it_is(rig: Rig) -> None:
    """It is made at once."""
    rig.kind.meet = rig.kind.answer = raises(AWAY)
    task = rig.submit()
    attempt(rig, task)
    assert rig.store.history(task.id)[-1].words == "Tries again at once: It doesn't answer."
