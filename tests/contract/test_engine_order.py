"""Whose turn it is: strict between priorities, fair inside one, on each database."""

from __future__ import annotations

import pytest
from tests.support_engine import ANNA, BERT, ROOT, Fleet, Rig, touch

from altwright.domain.task import Delivery, Priority
from altwright.errors import Category
from altwright.tasks.store.claim_order import PRIORITIES, ROUNDS_AHEAD
from altwright.tasks.task import Ticket

pytestmark = pytest.mark.every_database


@pytest.mark.req("1.5", "queues in priority order")
@pytest.mark.req("2.2", "strict order")
@pytest.mark.req("2.2", "the same order from the database")
def test_priorities_are_strict(fleet: Fleet) -> None:
    """Urgent before high before normal before low, however they came in."""
    order: list[str] = []
    fleet.rig.kind.exclusive = False
    fleet.rig.kind.meet = lambda run, _item: order.append(run.task.priority.queue)
    for priority in ("low", "normal", "urgent", "high", "low", "urgent"):
        fleet.rig.submit(None, priority=priority, settings={"items": 1})
    fleet.drain()
    assert order == ["urgent", "urgent", "high", "normal", "low", "low"]


def thirty_of_anna(fleet: Fleet) -> list[int | None]:
    """Submit that many; return the users of the items that are worked on, as they come."""
    order: list[int | None] = []
    fleet.rig.kind.exclusive = False
    fleet.rig.kind.meet = lambda run, _item: order.append(run.task.user_id)
    for _ in range(30):
        fleet.rig.submit(ANNA, settings={"items": 1})
    return order


@pytest.mark.req("2.2", "fair between users")
def test_a_user_with_many_tasks_lets_others_take_their_turn(fleet: Fleet) -> None:
    """Anna's thirty tasks don't keep Bert's two waiting longer than a few of hers."""
    order = thirty_of_anna(fleet)
    for _ in range(2):
        fleet.rig.submit(BERT, settings={"items": 1})
    fleet.drain()
    turns = [place for place, user in enumerate(order) if user == BERT.id]
    assert len(order) == 32
    assert turns[0] <= 5
    assert turns[1] <= 10


@pytest.mark.req("2.2", "fair between users")
def test_many_tasks_of_a_user_dont_fill_the_way_of_who_comes_later(fleet: Fleet) -> None:
    """Of Anna's thirty only the next few are handed to RQ, so that Bert's finds room among them."""
    order = thirty_of_anna(fleet)
    fleet.rig.dispatcher.tick()
    fleet.rig.submit(BERT, settings={"items": 1})
    fleet.drain()
    assert len(order) == 31
    assert order.index(BERT.id) <= ROUNDS_AHEAD + 1


@pytest.mark.req("2.2", "fair between users")
def test_only_what_a_user_has_waiting_in_a_queue_puts_them_behind(rig: Rig) -> None:
    """Neither what has ended nor what waits in another priority has had a turn there."""
    rig.kind.exclusive = False
    rig.lose_redis()
    for _ in range(6):
        rig.submit()
    rig.drain_database()
    for _ in range(6):
        rig.submit(priority="low")
    waiting = [rig.submit(user) for user in (BERT, BERT, BERT, ANNA)]
    assert [rig.take().user_id for _ in waiting] == [BERT.id, BERT.id, ANNA.id, BERT.id]


def test_rounds_that_are_over_are_joined_by_nobody(rig: Rig) -> None:
    """Who comes later takes their turn in the next round, not before those who wait."""
    rig.kind.exclusive = False
    rig.lose_redis()
    for _ in range(6):
        rig.submit()
    for _ in range(2):
        rig.take()
    rig.submit(BERT)
    assert [rig.take().user_id for _ in range(4)] == [ANNA.id, ANNA.id, BERT.id, ANNA.id]


def test_rq_gets_the_next_rounds_and_who_comes_into_one_of_them(rig: Rig) -> None:
    """Of Anna's many it gets a few; Bert's goes there, though the rest of hers came before it."""
    rig.kind.exclusive = False
    users = [ANNA, BERT, *[ANNA] * (ROUNDS_AHEAD + 1), BERT]
    made = [rig.submit(user).delivery for user in users]
    assert made == [*[Delivery.RQ] * (ROUNDS_AHEAD + 2), Delivery.DATABASE, Delivery.RQ]


def test_what_is_due_is_the_next_rounds_of_what_the_database_delivers(rig: Rig) -> None:
    """In its order, no more than is asked for; neither what runs nor another priority."""
    rig.kind.exclusive = False
    rig.lose_redis()
    rig.submit()
    rig.take()
    ids = [rig.submit().id for _ in range(ROUNDS_AHEAD + 3)]
    rig.submit(BERT, priority="low")
    touch(rig.database, ids[0], delivery=Delivery.RQ)
    assert rig.backlog.first() == Ticket(ids[0], 0)
    due = [ticket.task_id for ticket in rig.backlog.due(Priority.NORMAL, 100)]
    assert due == ids[1 : ROUNDS_AHEAD + 1]
    assert rig.backlog.due(Priority.HIGH, 100) == []
    assert rig.backlog.due(Priority.NORMAL, 2) == [Ticket(one, 0) for one in ids[1:3]]


def test_of_those_whose_time_has_come_the_ones_found_take_their_turn(rig: Rig) -> None:
    """Unless they have moved on meanwhile."""
    rig.kind.exclusive = False
    for _ in range(3):
        rig.submit()
        rig.claims.retry(rig.take(), Category.NETWORK, "gone", 60)
    rig.later(61)
    with rig.database.connect() as connection:
        ended, found, other = PRIORITIES.delay_over(connection)
    rig.queue.cancel(ended, by=ANNA)
    with rig.database.begin() as connection:
        assert PRIORITIES.take_turns_again(connection, [ended, found]) == 1
        assert PRIORITIES.delay_over(connection) == [other]
    assert rig.take().id == found


def test_a_task_taken_back_keeps_its_place(fleet: Fleet) -> None:
    """A worker that died doesn't send its task behind those that came later."""
    order: list[int | None] = []
    fleet.rig.kind.meet = lambda run, _item: order.append(run.task.user_id)
    for user in (ANNA, BERT, ROOT):
        fleet.rig.submit(user, priority="normal", settings={"items": 1})
    held = fleet.rig.take("gone")
    fleet.rig.rescuer.rescue(held.id, held.attempt, "test")
    fleet.drain()
    assert order == [ANNA.id, BERT.id, ROOT.id]


@pytest.mark.req("2.2", "first in, first out")
def test_one_users_tasks_are_first_in_first_out(fleet: Fleet) -> None:
    """Tasks of one user and priority are worked on in the order of their submits."""
    order: list[str] = []
    fleet.rig.kind.exclusive = False
    fleet.rig.kind.meet = lambda run, _item: order.append(run.task.id)
    ids = [fleet.rig.submit(ANNA, settings={"items": 1}).id for _ in range(12)]
    fleet.drain()
    assert order == ids


def test_paused_priorities_are_left_alone(rig: Rig) -> None:
    """A paused priority is neither claimed by ticket nor in turn; the next one is, either way."""
    normal = rig.submit()
    low = [rig.submit(user, priority="low") for user in (BERT, ROOT)]
    paused = {Priority.NORMAL}
    tickets = [Ticket(task.id, task.attempt) for task in (normal, low[0])]
    taken = [rig.claims.claim(one, "w", Delivery.RQ, paused) for one in tickets]
    taken.append(rig.claims.claim_next("w", paused))
    assert [task and task.id for task in taken] == [None, *(task.id for task in low)]
