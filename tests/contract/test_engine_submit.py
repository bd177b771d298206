"""Submitting: durable at once, replayed by its key, one active task per user in any mode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from tests.servers import RedisServer
from tests.support_engine import (
    ANNA,
    BERT,
    NOWHERE,
    ROOT,
    Counting,
    Fleet,
    Rig,
    at_once,
    count_tasks,
    fill,
    make_users,
    new_task,
    only_sqlite,
)

from altwright.db.session import Database
from altwright.db.tables import AccountRow
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Delivery, Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import (
    ActiveTaskExists,
    Category,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    NotAllowed,
    NotFound,
    RateLimited,
    TaskNotFound,
)
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.redis_client import ACTIVE_KEY
from altwright.tasks.submission_rules import (
    KIND_LENGTH,
    SETTINGS_BYTES,
    CaptionSecurityManager,
)
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database

KEY = ACTIVE_KEY.format(exclusive_key="user:1")


def test_a_submitted_task_is_worked_on_once(fleet: Fleet) -> None:
    """A submit is durable, is delivered, and each of its items has exactly one effect."""
    task = fleet.rig.submit(account_id=None)
    assert task.status is Status.QUEUED
    assert fleet.drain() == 1
    done = fleet.rig.store.get(task.id, ANNA.id)
    assert (done.status, done.percent, done.step) == (Status.COMPLETED, 100, "3 of 3 counted")
    assert fleet.rig.effects(task.id) == ["item-0", "item-1", "item-2"]
    assert fleet.rig.events(task.id) == ["queued", "claimed", "completed"]


def test_a_submit_returns_what_can_be_read_afterwards(rig: Rig) -> None:
    """What isn't read back is what the database's defaults are."""
    for task in (rig.submit(settings={"items": 2}), rig.submit(None, priority="low")):
        assert task == rig.store.get(task.id, None)


def test_nobody_submits_for_an_account_that_isnt_theirs(rig: Rig) -> None:
    """Nothing is written then, and the next submit is accepted."""
    with pytest.raises(NotFound, match="There is no such account"):
        rig.submit(account_id=2**40)
    assert rig.submit().status is Status.QUEUED
    assert count_tasks(rig.database) == 1


class OfAccounts(Counting):
    """A kind of which each account has one at a time."""

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return a key of both."""
        return f"{user.id if user else ''}:{account_id}"


@only_sqlite
def test_what_is_active_once_may_be_a_users_or_an_accounts(rig: Rig) -> None:
    """Its kind says so."""
    accounts = [
        AccountRow(
            user_id=ANNA.id, platform="mastodon", url="", token="", remote_id=name, acct=name
        )
        for name in ("one", "two")
    ]
    with rig.database.write() as session:
        session.add_all(accounts)
        session.flush()
        ids = [one.id for one in accounts]
    rig.kinds["counting"] = OfAccounts()
    made = [rig.submit(account_id=one) for one in ids]
    assert [task.account_id for task in made] == ids
    assert [rig.store.get(task.id, None) for task in made] == made
    with pytest.raises(ActiveTaskExists) as refusal:
        rig.submit(account_id=ids[0])
    assert refusal.value.task_id == made[0].id


@pytest.mark.req("2.1", "queue of its priority")
def test_a_submit_goes_to_its_queue_at_once(rig: Rig) -> None:
    """With Redis there, the job is in RQ when the submit returns, under an id made from ours."""
    task = rig.submit(priority="low")
    assert rig.queue.jobs.job_ids(Priority.LOW) == {f"{task.id}-0"}
    assert CaptionSecurityManager().checked_task_id(task.id) == task.id


def test_fifty_users_are_all_accepted_at_once(rig: Rig) -> None:
    """Simultaneous submits of different users don't stand in each other's way."""
    users = make_users(rig.database, range(4, 54))
    results = at_once(50, lambda number: rig.submit(users[number]))
    assert all(isinstance(one, Task) for one in results), results


def test_a_repeated_submit_gets_the_first_ones_task(fleet: Fleet) -> None:
    """A submit whose answer was lost is repeated with its key and makes no second task."""
    first = fleet.rig.submit(request_key="k-1")
    assert fleet.rig.submit(request_key="k-1").id == first.id
    fleet.drain()
    again = fleet.rig.submit(request_key="k-1")
    assert (again.id, again.status) == (first.id, Status.COMPLETED)
    assert count_tasks(fleet.rig.database) == 1


def test_simultaneous_repeats_get_one_task(rig: Rig) -> None:
    """Fifty requests with one key at the same instant make one task and get it."""
    results = at_once(50, lambda _number: rig.submit(request_key="k-1"))
    assert len({one.id if isinstance(one, Task) else one for one in results}) == 1
    assert count_tasks(rig.database) == 1


def test_request_keys_are_each_users_own_and_exact(rig: Rig) -> None:
    """The same key of another user, or in other letters, is another request."""
    rig.kind.exclusive = False
    ids = {
        rig.submit(ANNA, request_key="key").id,
        rig.submit(BERT, request_key="key").id,
        rig.submit(ANNA, request_key="KEY").id,
        rig.submit(ANNA, request_key="key ").id,
    }
    assert len(ids) == 4


def test_a_key_leads_to_nobody_elses_task(rig: Rig) -> None:
    """Neither when it is asked for, nor when the submit that bears it is refused."""
    annas = rig.submit(ANNA, request_key="key")
    assert rig.queue.submitted(ANNA, "key") == annas
    own = rig.submit(BERT)
    assert rig.queue.submitted(BERT, "key") is None
    with pytest.raises(ActiveTaskExists) as refusal:
        rig.submit(BERT, request_key="key")
    assert refusal.value.task_id == own.id


@pytest.mark.req("4.6", "refused until the first has ended")
def test_the_next_submit_is_accepted_once_the_first_has_ended(fleet: Fleet) -> None:
    """Completed, cancelled and failed tasks stand in nobody's way."""
    fleet.rig.submit()
    fleet.drain()
    second = fleet.rig.submit()
    fleet.rig.queue.cancel(second.id, by=ANNA)
    third = fleet.rig.submit()
    with pytest.raises(ActiveTaskExists) as refusal:
        fleet.rig.submit()
    assert refusal.value.task_id == third.id


@pytest.mark.req("4.3", "one active task per user")
def test_redis_answers_first_and_the_database_decides(rig: Rig, valkey: RedisServer) -> None:
    """The tracker names the active task while it lives, and nothing after it."""
    client = valkey.client()
    task = rig.submit()
    assert client.get(KEY) == task.id.encode()
    assert 0 < client.pttl(KEY) <= 30_000
    rig.queue.cancel(task.id, by=ANNA)
    assert client.get(KEY) is None
    client.close()


@pytest.mark.req("4.3", "Redis first")
@only_sqlite  # one writes at a time there
def test_a_second_submit_that_redis_knows_of_waits_for_no_writer(rig: Rig) -> None:
    """A look at the task that it names is enough to refuse it."""
    task = rig.submit()
    with rig.database.begin() as connection:
        connection.execute(update(TaskRow).values(step="somebody writes"))
        with pytest.raises(ActiveTaskExists) as refusal:
            rig.submit()
    assert refusal.value.task_id == task.id


@pytest.mark.req("4.3", "one active task per user")
@pytest.mark.req("4.3", "Redis first")
@pytest.mark.parametrize(
    "wrong", ["ended task", "unknown task", "somebody else's task", "junk", "list", "nothing"]
)
def test_a_wrong_tracker_locks_nobody_out_and_lets_nobody_in(
    rig: Rig, valkey: RedisServer, wrong: str
) -> None:
    """Whatever Redis says, a user without an active task gets one, and one with doesn't."""
    client = valkey.client()

    def spoil(ended: Task, other: Task) -> None:
        client.delete(KEY)
        match wrong:
            case "ended task":
                client.set(KEY, ended.id)
            case "unknown task":
                client.set(KEY, CaptionSecurityManager().new_task_id())
            case "somebody else's task":
                client.set(KEY, other.id)
            case "junk":
                client.set(KEY, b"\x00\xff\xfe")
            case "list":
                client.rpush(KEY, "x")

    ended = rig.submit()
    rig.queue.cancel(ended.id, by=ANNA)
    other = rig.submit(BERT)
    spoil(ended, other)
    task = rig.submit()
    assert client.get(KEY) == task.id.encode()
    spoil(ended, other)
    with pytest.raises(ActiveTaskExists) as refusal:
        rig.submit()
    assert refusal.value.task_id == task.id
    assert client.get(KEY) == task.id.encode()
    assert rig.health.usable
    client.close()


def test_a_submit_that_cant_be_kept_is_refused() -> None:
    """Every field that the database would refuse, cut off or give back changed is named at once."""
    longest = new_task("f" * 36, kind="k" * KIND_LENGTH, request_key="r" * 128, exclusive_key="e")
    assert (longest.request_key, longest.exclusive_key) == ("r" * 128, "e")
    for key in ("", "\n", "x" * 1000):
        with pytest.raises(InvalidInput, match="can't be accepted") as refused:
            new_task("f" * 36, kind="k" * (KIND_LENGTH + 1), request_key=key, exclusive_key=key)
        assert set(refused.value.fields) == {"kind", "request_key", "exclusive_key"}
        assert refused.value.fields["kind"] == "should have at most 32 characters"
        assert refused.value.fields["request_key"] == "should be 1 to 128 printable characters"
    for odd, words in (
        (object(), "should be values that JSON has"),
        (float("nan"), "should be values that JSON has"),
        ((1,), "should be values that JSON gives back as they are"),
        ("x" * SETTINGS_BYTES, "should be at most 64 kB"),
    ):
        with pytest.raises(InvalidInput) as refused:
            new_task("f" * 36, settings={"a": odd})
        assert refused.value.fields == {"settings": words}
    rest = SETTINGS_BYTES - len('{"a": ""}')
    assert new_task("f" * 36, settings={"a": "x" * rest}).settings


def test_an_unknown_kind_is_refused(rig: Rig) -> None:
    """A kind that doesn't exist is the caller's fault."""
    with pytest.raises(InvalidInput, match="known are administration, counting"):
        rig.queue.submit("nonsense", user=ANNA)


@only_sqlite
def test_a_kind_may_refuse_whoever_asks(rig: Rig) -> None:
    """Orders of administrators begin with a preview."""
    with pytest.raises(NotAllowed, match="begins with a preview"):
        rig.queue.submit("administration", user=ROOT)


@only_sqlite
def test_a_history_begins_with_who_asked(rig: Rig) -> None:
    """For themselves, or for a task of the service; by itself the service stands there."""
    asked: list[tuple[str, UserRef | None, UserRef | None]] = [
        ("anna", ANNA, None),
        ("root", None, ROOT),
        ("altwright", None, None),
    ]
    for name, user, by in asked:
        task = rig.queue.submit(rig.kind.name, user=user, by=by)
        assert [one.actor for one in rig.store.history(task.id)] == [name]


@only_sqlite
def test_pages_hear_of_what_is_done_with_their_users_task(rig: Rig) -> None:
    """Each time as it is then; a submit that is repeated has done nothing."""
    told: list[tuple[int, str]] = []
    rig.progress.emit = lambda _, user_id, task: told.append((user_id, task["status"]))
    task = rig.submit(request_key="key")
    assert rig.submit(request_key="key") == task
    rig.claims.fail(rig.take(), Category.BAD_INPUT, "It can't be done.")
    rig.queue.requeue_failed(task.id, by=ROOT)
    rig.queue.cancel(task.id, by=ROOT)
    assert told == [(ANNA.id, status) for status in ("queued", "queued", "cancelled")]


@only_sqlite
def test_a_redis_that_has_gone_is_asked_once(database: Database) -> None:
    """By each of the submits that find out; they are for the database, and say so."""
    make_users(database)
    rig = Rig(database, NOWHERE)
    first = rig.submit()
    assert rig.health.usable, "one call has failed"
    rig.kind.exclusive = False
    second = rig.submit(BERT, priority="low")
    assert not rig.health.usable
    for task in (first, second):
        assert task.delivery is Delivery.DATABASE
        assert task == rig.store.get(task.id, None)
    rig.close()


@only_sqlite
def test_a_task_that_isnt_in_rq_though_its_row_says_so_is_on_its_way(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There was no room, and then no database: the submit holds, and the dispatcher looks."""
    rig.queue.jobs.adopt(QueueOptions(window=0))
    kept = rig.submit()
    assert kept.delivery is Delivery.DATABASE
    assert kept == rig.store.get(kept.id, None)

    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(rig.backlog, "mark", away)
    task = rig.submit(BERT, priority="low")
    assert task.delivery is Delivery.RQ
    assert f"task {task.id} waits for the dispatcher" in caplog.text
    monkeypatch.undo()
    assert rig.drain_database() == 2


class Rationed(Counting):
    """A kind of which a user may start so many a day."""

    is_rationed = True


def test_users_start_so_many_of_a_kind_a_day(database: Database, valkey: RedisServer) -> None:
    """As the setting says, or for them alone; administrators and the service have no limit."""
    make_users(database)
    rig = Rig(database, valkey.url, QueueOptions(runs_per_day=1))
    rig.kinds["counting"] = rationed = Rationed(exclusive=False)
    first = rig.submit(request_key="key")
    assert rig.submit(request_key="key").id == first.id
    words = r"You may start 1 run within a day; the next one is possible in 24 hours\."
    with pytest.raises(RateLimited, match=words) as refusal:
        rig.submit()
    assert 86_000 < (refusal.value.retry_in_s or 0) <= 86_400
    for user in (BERT, ROOT, ROOT, None, None):
        rig.submit(user)
    more = replace(ANNA, runs_per_day=2)
    rig.submit(more)
    with pytest.raises(RateLimited, match="2 runs"):
        rig.submit(more)
    rig.submit(replace(ANNA, runs_per_day=0))
    rig.kinds["counting"] = Counting(exclusive=False)
    rig.submit()
    rig.kinds["counting"] = rationed
    rig.queue.runs_per_day = 0
    rig.submit()
    rig.close()


@pytest.mark.req("2.3", "an administrator's is high")
@pytest.mark.req("2.4", "no more than the role allows")
def test_users_ask_for_no_more_than_their_role_allows(rig: Rig) -> None:
    """Normal and low are everybody's, high and urgent an administrator's."""
    for asked in ("urgent", "high"):
        with pytest.raises(NotAllowed, match="Only an administrator"):
            rig.submit(priority=asked)
    assert count_tasks(rig.database) == 0
    assert rig.submit(priority="low").priority is Priority.LOW
    assert rig.submit(BERT, priority="normal").priority is Priority.NORMAL
    assert rig.submit(ROOT, priority="urgent").priority is Priority.URGENT


@pytest.mark.req("2.1", "queue of its priority")
@pytest.mark.req("2.3", "an administrator's is high")
@pytest.mark.req("2.4", "a user's is normal")
def test_priorities_follow_from_who_asks(rig: Rig) -> None:
    """A user's task is normal, an administrator's high, the service's own as its kind says."""
    rig.kind.default_priority = Priority.URGENT
    by_user = {user: rig.submit(user) for user in (ANNA, ROOT, None)}
    priorities = {ANNA: Priority.NORMAL, ROOT: Priority.HIGH, None: Priority.URGENT}
    assert {user: task.priority for user, task in by_user.items()} == priorities
    for task in by_user.values():
        assert rig.queue.jobs.job_ids(task.priority) == {f"{task.id}-0"}


@pytest.mark.req("5.4", "own tasks only")
def test_a_task_is_its_users_alone(rig: Rig) -> None:
    """Others' tasks aren't found; an administrator finds everybody's."""
    task = rig.submit()
    with pytest.raises(TaskNotFound, match=task.id):
        rig.store.get(task.id, BERT.id)
    with pytest.raises(TaskNotFound):
        rig.queue.cancel(task.id, by=BERT)
    assert rig.queue.cancel(task.id, by=ROOT).status is Status.CANCELLED
    assert rig.events(task.id)[-1] == "cancelled"
    rig.submit()
    failed = rig.take()
    rig.claims.fail(failed, Category.BAD_INPUT, "It can't be done.")
    with pytest.raises(TaskNotFound):
        rig.queue.requeue_failed(failed.id, by=BERT)
    assert rig.queue.requeue_failed(failed.id, by=ANNA).status is Status.QUEUED


@pytest.mark.req("11.2", "encrypted")
def test_settings_are_encrypted_at_rest(rig: Rig) -> None:
    """Neither the database nor Redis holds a task's settings in the clear."""
    task = rig.submit(settings={"hint": "a secret hint"})
    with rig.database.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT settings FROM tasks").scalar()
        connection.rollback()
    assert "secret" not in str(stored)
    assert rig.store.get(task.id, None).settings["hint"] == "a secret hint"


def test_a_submit_for_a_user_who_is_gone_fails_plainly(database: Database, rig: Rig) -> None:
    """A foreign key that fails is no other active task, nor is one that has ended."""
    rig.queue.cancel(rig.submit().id, by=ANNA)
    with pytest.raises(Conflict, match="just ending; try again"):
        rig.store.submit(
            new_task("0" * 36, user_id=999, exclusive_key=None, user=None),
            delivery=Delivery.DATABASE,
            actor="x",
        )
    assert count_tasks(database) == 1


def test_lists_are_newest_first_and_paged(rig: Rig) -> None:
    """Pages of a list neither repeat nor leave out a task."""
    rig.kind.exclusive = False
    ids = [rig.submit().id for _ in range(7)]
    rig.submit(BERT)
    first = rig.store.recent(ANNA.id, limit=4)
    rest = rig.store.recent(ANNA.id, limit=4, before=first[-1].id)
    assert [task.id for task in first] == ids[:2:-1]
    assert [task.id for task in rest] == ids[2::-1]
    assert len(rig.store.recent(None)) == 8
    assert rig.store.recent(ANNA.id, status=Status.RUNNING) == []


def test_pages_tell_tasks_of_one_instant_apart(rig: Rig) -> None:
    """Each comes once, in an order that stays; a page has fifty unless more or fewer are asked."""
    row: dict[str, Any] = {"kind": "counting", "user_id": ANNA.id}
    row["created_at"] = rig.database.now()
    ids = [one for some in (26, 25) for one in fill(rig.database, rig.box, some, **row)]
    seen: list[str] = []
    while page := rig.store.recent(ANNA.id, limit=20, before=seen[-1] if seen else None):
        seen += [task.id for task in page]
    assert seen == sorted(ids, reverse=True)
    assert [task.id for task in rig.store.recent(None)] == seen[:50]


def test_what_changed_lately_is_found_by_user(rig: Rig) -> None:
    """Active tasks and those that ended lately are found; others' aren't."""
    ended = rig.submit()
    rig.queue.cancel(ended.id, by=ANNA)
    active = rig.submit()
    rig.submit(BERT)
    assert {task.id for task in rig.store.changed([ANNA.id], 60)} == {ended.id, active.id}
    assert {task.id for task in rig.store.changed([ANNA.id], -1)} == {active.id}


@pytest.mark.req("7.1", "counts by priority")
def test_counts_are_by_state_and_priority(rig: Rig) -> None:
    """Every state and priority has its number, zeros included."""
    rig.submit(priority="low")
    rig.submit(ROOT)
    rig.take()
    counts = {one.priority: one for one in rig.administration.queues()}
    assert (counts[Priority.LOW].waiting, counts[Priority.LOW].running) == (1, 0)
    assert (counts[Priority.HIGH].waiting, counts[Priority.HIGH].running) == (0, 1)
    assert sum(one.waiting + one.running for one in counts.values()) == 2
