"""Dead letters: grouped by cause, requeued in bulk, with their whole history; and the tracker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, KEY, ROOT, Fleet, Rig, make_users, touch
from tests.support_service import Service

from altwright.db.session import utcnow
from altwright.domain.task import Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import ActiveTaskExists, Category, Conflict, PlatformRefused
from altwright.tasks.audit_log import Audit
from altwright.tasks.store.bulk_changes import BulkAction
from altwright.tasks.store.statistics import DeadLetters, Figures
from altwright.tasks.store.task_search import TaskFilter

pytestmark = pytest.mark.every_database


def failed(rig: Rig, user: UserRef, category: Category = Category.BAD_INPUT) -> str:
    """Return the id of a task that has failed for good."""
    rig.submit(user)
    task = rig.take()
    rig.claims.fail(task, category, "It can't be done.")
    return task.id


def drained(fleet: Fleet, task_id: str) -> str:
    """Work, and let time pass, until a change of many is through; return what it says."""
    for _ in range(20):
        fleet.drain()
        task = fleet.rig.store.get(task_id, None)
        if task.ended:
            return task.step
        fleet.rig.later(60)
    raise AssertionError(f"no end of {task}")


def requeued(fleet: Fleet, wanted: TaskFilter) -> str:
    """Let an administrator queue many again; return what came of it."""
    administration = fleet.rig.administration
    selection = administration.selection(BulkAction.REQUEUE, wanted)
    return drained(fleet, administration.change_many(selection, why="mended", by=ROOT).id)


def groups(rig: Rig) -> list[DeadLetters]:
    """Return the dead letters of a rig by cause."""
    return Figures(rig.database).dead_letters()


@pytest.mark.req("6.2", "FAILED and a dead letter")
def test_dead_letters_are_grouped_by_cause(rig: Rig) -> None:
    """The largest group first, with the times of its first and last."""
    assert groups(rig) == []
    for user in (ANNA, BERT):
        failed(rig, user)
    refused = failed(rig, ROOT, Category.AUTHENTICATION)
    first, second = groups(rig)
    assert (first.category, first.kind, first.count) == ("bad_input", "counting", 2)
    assert first.oldest_at is not None
    assert first.newest_at is not None
    assert first.oldest_at <= first.newest_at
    assert (second.category, second.count) == ("authentication", 1)
    assert second.oldest_at == rig.store.get(refused, None).finished_at
    assert second.to_json()["count"] == 1


@pytest.mark.req("6.2", "an administrator requeues it")
@pytest.mark.req("7.5", "tasks")
def test_many_are_requeued_at_once_and_completed(fleet: Fleet) -> None:
    """Every dead letter is worked on again, from its last finished item, and its history tells."""
    rig = fleet.rig

    def refuse_the_second(_run: object, item: object) -> None:
        if getattr(item, "position", 0) == 1:
            raise PlatformRefused("Sign in again.", category=Category.AUTHENTICATION)

    def refuse(_source: object) -> None:
        raise PlatformRefused("Sign in again.", category=Category.AUTHENTICATION)

    rig.kind.meet, rig.kind.answer = refuse_the_second, refuse
    tasks = [rig.submit(user) for user in (ANNA, BERT, ROOT)]
    fleet.drain()
    assert groups(rig)[0].count == 3
    rig.kind.meet, rig.kind.answer = lambda _run, _item: None, lambda _source: None
    # After the canary the others follow; nothing waits for them, so nobody looks how they end.
    assert requeued(fleet, TaskFilter(status=Status.FAILED)) == (
        "Of 3: 3 queued again. 1 of 1 ended well, 0 failed again."
    )
    assert groups(rig) == []
    for task in tasks:
        ended = rig.store.get(task.id, None)
        assert (ended.status, ended.items_done, ended.error) == (Status.COMPLETED, 3, None)
        assert rig.effects(task.id) == ["item-0", "item-2", "item-1"]
        history = rig.store.history(task.id)
        assert [one.event for one in history] == [
            *("queued", "claimed", "failed", "requeued", "claimed", "completed"),
        ]
        assert history[3].actor == "root"
        assert "authentication: Sign in again." in history[2].detail


@pytest.mark.req("6.2", "an administrator requeues it")
@pytest.mark.req("7.5", "audit log")
def test_only_those_that_are_wanted_are_requeued(fleet: Fleet) -> None:
    """By cause, by kind and by age; the audit log says why, and what came of it."""
    rig = fleet.rig
    old, young, other = failed(rig, ANNA), failed(rig, BERT), failed(rig, ROOT, Category.FAULT)
    touch(rig.database, old, finished_at=utcnow() - timedelta(days=2))
    yesterday = utcnow() - timedelta(days=1)
    wanted = TaskFilter(status=Status.FAILED)
    with pytest.raises(Conflict):
        requeued(fleet, replace(wanted, kind="knitting"))
    requeued(fleet, replace(wanted, category=Category.BAD_INPUT, before=yesterday))
    assert rig.store.get(old, None).status is Status.COMPLETED
    assert rig.store.get(other, None).status is Status.FAILED
    requeued(fleet, replace(wanted, category=Category.FAULT, kind="counting"))
    assert rig.store.get(other, None).status is Status.COMPLETED
    assert rig.store.get(young, None).status is Status.FAILED
    ended, begun = Audit(rig.database).recent(2)
    assert (ended.action, ended.actor) == ("bulk requeue ended", "root")
    assert ended.detail.startswith("Of 1: 1 queued again.")
    assert (begun.action, begun.actor) == ("bulk requeue begun", "root")
    assert begun.detail.endswith("failed by fault: 1 of 1; why: mended")


@pytest.mark.req("4.3", "one active task per user")
def test_a_bulk_requeue_gives_nobody_two_active_tasks(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a user's dead letters one is queued; the others stay, over however many batches."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.READ_BATCH", 2)
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.BATCH", 2)
    for _ in range(4):
        failed(fleet.rig, ANNA)
    failed(fleet.rig, BERT)
    fleet.rig.pauses.pause(Priority.NORMAL, ROOT)
    wanted = TaskFilter(status=Status.FAILED)
    selection = fleet.rig.administration.selection(BulkAction.REQUEUE, wanted)
    preview = fleet.rig.administration.preview(selection)
    assert (preview.matching, preview.applicable) == (5, 2)
    [others] = preview.others.values()
    assert others == 3
    task = fleet.rig.administration.change_many(selection, why="mended", by=ROOT)
    fleet.drain()
    active = fleet.rig.store.recent(None, Status.QUEUED)
    assert len({one.user_id for one in active}) == len(active)
    fleet.rig.pauses.resume(Priority.NORMAL, ROOT)
    drained(fleet, task.id)
    # Whose first one was through before the batch of the next found that free.
    left = sum(one.count for one in groups(fleet.rig))
    assert left <= 3
    assert len(fleet.rig.store.recent(None, Status.COMPLETED)) == 1 + 5 - left


@pytest.mark.req("6.2", "an administrator requeues it")
@pytest.mark.req("7.5", "pause, resume, clear")
@pytest.mark.req("7.5", "tasks")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # ten commands; SQL isn't theirs
def test_the_command_requeues_with_a_count(rig: Rig, tmp_path: Path, valkey: RedisServer) -> None:
    """`task dead` groups, `task requeue --all` says how many; half a command is refused."""
    url = rig.database.engine.url.render_as_string(hide_password=False)
    settings = {"REDIS_URL": valkey.url, "DATABASE_URL": url, "PLATFORM_ENCRYPTION_KEY": KEY}
    service = Service(tmp_path, settings)
    failed(rig, ANNA)
    assert service.json("task", "dead")[0]["count"] == 1
    for wrong in (["requeue"], ["requeue", "--category", "fault"], ["requeue", "x", "--all"]):
        assert service.command("task", *wrong).returncode != 0
    many = ("--all", "--category", "bad_input", "--why", "mended", "--yes")
    done = service.json("task", "requeue", *many)
    assert (done["matching"], done["applicable"]) == (1, 1)
    assert rig.drain_database()
    assert service.json("task", "dead") == []
    assert rig.submit().status is Status.QUEUED
    queues = {one["queue"]: one for one in service.json("queue", "list")}
    assert queues["normal"]["pending"] == 1
    assert service.json("queue", "pause", "normal") == {"queue": "normal", "changed": True}
    assert service.json("queue", "clear", "--yes", "normal")["cancelled"] == 1
    assert service.json("alert", "list") == []


def entry(rig: Rig) -> bytes | None:
    """Return what the tracker's entry of anna says."""
    there = rig.health.client.get("altwright:active:user:1")
    assert there is None or isinstance(there, bytes)
    return there


def test_the_trackers_entry_lives_while_a_long_item_is_worked_on(rig: Rig) -> None:
    """Each renewal of the worker's lease renews it; it isn't gone in the middle of an item."""
    task = rig.submit()
    seen: list[int] = []

    def long_item(_run: object, _item: object) -> None:
        rig.health.client.pexpire("altwright:active:user:1", 50)
        rig.runner.leases.renew_all()
        left = rig.health.client.pttl("altwright:active:user:1")
        assert isinstance(left, int)
        seen.append(left)

    rig.kind.meet = long_item
    rig.drain_database()
    assert min(seen) > 10_000
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert entry(rig) is None  # its end released it


@pytest.mark.req("4.3", "one active task per user")
@pytest.mark.req("4.6", "refused until the first has ended")
def test_an_entry_that_ran_out_lets_no_second_task_in(rig: Rig) -> None:
    """A task that waits longer than its entry lives is refused by the index, and entered again."""
    task = rig.submit()
    rig.health.client.delete("altwright:active:user:1")
    with pytest.raises(ActiveTaskExists) as refused:
        rig.submit()
    assert refused.value.task_id == task.id
    assert entry(rig) == task.id.encode()


def test_an_entry_is_taken_by_the_first(rig: Rig) -> None:
    """The others are told what stands there, in characters that a database can look for."""
    take = rig.tracker.take
    assert [take("user:1", task_id) for task_id in ("one", "other")] == [None, "one"]
    rig.health.client.set("altwright:active:user:1", b"\x00\xffx", px=1000)
    assert take("user:1", "one") == "?\ufffdx"


def test_an_end_releases_only_its_own_entry(rig: Rig) -> None:
    """What another task has entered meanwhile stays."""
    task = rig.submit()
    rig.tracker.hold("user:1", "another")
    rig.tracker.follow(replace(task, status=Status.COMPLETED))
    assert entry(rig) == b"another"
    rig.tracker.follow(task)
    assert entry(rig) == b"another"
    make_users(rig.database, ids=[77])  # a user without tasks has no entry
    rig.tracker.follow(rig.submit(None))  # nor has a task of which there may be many
    assert rig.health.client.keys("altwright:active:*") == [b"altwright:active:user:1"]
