"""Changes of many tasks on every database: through kills, cancels and the clock, nobody twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.servers import RedisServer
from tests.support_engine import ANNA, KEY, ROOT, Fleet, Rig, fill, touch
from tests.support_service import Service

from altwright.db.session import utcnow
from altwright.db.task_tables import TaskEventRow
from altwright.domain.task import Priority, Status
from altwright.errors import Conflict, InvalidInput, TaskStateConflict
from altwright.tasks.audit_log import Audit
from altwright.tasks.bulk_task import fates_of, told
from altwright.tasks.store.bulk_changes import BATCH, BulkAction, BulkChanges, Preview
from altwright.tasks.store.items import Planned
from altwright.tasks.store.task_search import TaskFilter
from altwright.tasks.task import Task
from altwright.tasks.task_kind import Run

pytestmark = pytest.mark.every_database


def rows(rig: Rig, count: int, status: Status = Status.QUEUED) -> list[str]:
    """Write counting tasks of anna's that stand in nobody's way."""
    return fill(rig.database, rig.box, count, status, kind="counting", user_id=ANNA.id)


def order(rig: Rig, action: BulkAction, priority: Priority | None = None) -> Task:
    """Let root change all counting tasks."""
    selection = rig.administration.selection(action, TaskFilter(kind="counting"), priority)
    return rig.administration.change_many(selection, why="a test", by=ROOT)


def test_a_change_of_many_has_a_reason_and_something_to_do(rig: Rig) -> None:
    """Both are asked for in words, and the audit log has what was wanted."""
    administration = rig.administration
    wanted = administration.selection(BulkAction.PRIORITY, TaskFilter(user_id=1), Priority.LOW)
    with pytest.raises(Conflict, match="There is no task to which this could be done"):
        administration.change_many(wanted, why="a test", by=ROOT)
    fault = "should be a reason, of 1 to 500 characters, in one line"
    for why in ("", " ", "x" * 501, "two\nlines"):
        with pytest.raises(InvalidInput, match="Say why") as refused:
            administration.change_many(wanted, why=why, by=ROOT)
        assert refused.value.fields == {"why": fault}
    rows(rig, 2)
    for why in ("x", "x" * 500):
        wanted = administration.selection(BulkAction.PRIORITY, TaskFilter(user_id=1), Priority.LOW)
        task = administration.change_many(wanted, why=why, by=ROOT, username="anna")
        administration.cancel(task.id, by=ROOT)
        assert rig.store.history(task.id)[0].actor == "root"
        _, begun = Audit(rig.database).recent(2)
        assert (begun.action, begun.subject) == ("bulk priority begun", task.id)
        assert begun.detail == f"of anna: 2 of 2; why: {why}"
        assert (begun.before, begun.after) == ("", "low")


def test_only_changed_priorities_that_can_be_read_are_taken_back(rig: Rig) -> None:
    """Nothing else has anything that it could be given back."""
    ids = rows(rig, 2, Status.COMPLETED)
    rows(rig, 2)
    made = order(rig, BulkAction.PRIORITY, Priority.LOW)
    unreadable = order_that_ended(rig, made)
    touch(rig.database, unreadable.id, settings="x")
    rows(rig, 2)
    cancelling = order_that_ended(rig, order(rig, BulkAction.CANCEL))
    for task_id in (ids[0], unreadable.id, cancelling.id):
        with pytest.raises(Conflict, match="Only a change of many priorities that is over"):
            rig.administration.undo(task_id, why="a test", by=ROOT)


def order_that_ended(rig: Rig, made: Task) -> Task:
    """Let an order be carried out; return it as it is then."""
    rig.pauses.pause(Priority.NORMAL, ROOT)
    rig.pauses.pause(Priority.LOW, ROOT)
    rig.drain_database()
    ended = rig.store.get(made.id, None)
    assert ended.status is Status.COMPLETED
    return ended


def events(rig: Rig, name: str) -> Counter[str]:
    """Return how often this has happened to each task."""
    query = select(TaskEventRow.task_id).where(TaskEventRow.event == name)
    with rig.database.read() as session:
        return Counter(session.scalars(query))


def previewed(rig: Rig, action: BulkAction, **wanted: Any) -> Preview:
    """Count counting tasks."""
    selection = rig.administration.selection(action, TaskFilter(kind="counting", **wanted))
    return rig.administration.preview(selection)


def test_a_preview_counts_as_far_as_it_says(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly up to its bound, then in words; all are changed, however many were counted."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.COUNT_MOST", 20)
    rig.lose_redis()
    rows(rig, 20)
    found = previewed(rig, BulkAction.CANCEL)
    assert (found.matching.words, found.applicable.words, found.is_exact) == ("20", "20", True)
    ids = rows(rig, 5)
    found = previewed(rig, BulkAction.CANCEL)
    assert (found.matching.words, found.applicable.of_tasks) == (
        "more than 20",
        "more than 20 tasks",
    )
    assert not found.is_exact
    touch(rig.database, ids[0], cancel_requested_at=utcnow())
    assert previewed(rig, BulkAction.CANCEL).others == {"are being cancelled already": 1}
    made = order(rig, BulkAction.CANCEL)
    rig.drain_database("a")
    assert rig.store.get(made.id, None).step.startswith("Of more than 20: 24 cancelled")


def test_a_preview_looks_at_so_many_of_those_that_have_ended(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be done is counted exactly beside any number to which it can't."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.COUNT_MOST", 20)
    rows(rig, 7)
    fill(rig.database, rig.box, 40, Status.COMPLETED, kind="other")
    found = previewed(rig, BulkAction.CANCEL)
    assert (found.matching.words, found.applicable.words) == ("at least 7", "7")
    rows(rig, 40, Status.COMPLETED)
    assert previewed(rig, BulkAction.CANCEL, user_id=ANNA.id).others["have ended"].words == (
        "more than 20"
    )
    found = previewed(rig, BulkAction.CANCEL, status=Status.QUEUED)
    assert (found.matching.words, found.others) == ("7", {})


def test_a_preview_counts_each_user_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As each may have one active task; of so many dead letters it can say at least how many."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.COUNT_MOST", 20)
    ids = rows(rig, 15, Status.FAILED)
    for one in ids[:10]:
        touch(rig.database, one, exclusive_key="a user's")
    found = previewed(rig, BulkAction.REQUEUE)
    assert (found.matching, found.applicable, found.is_exact) == (15, 6, True)
    assert list(found.others.values()) == [9]
    for one in rows(rig, 15, Status.FAILED):
        touch(rig.database, one, exclusive_key="a user's")
    found = previewed(rig, BulkAction.REQUEUE)
    assert found.matching.words == "more than 20"
    assert 1 <= found.applicable <= 6
    assert found.applicable.words.startswith("at least ")


def test_a_change_outlives_its_worker(rig: Rig) -> None:
    """Another goes on where it stood; what the late one still writes changes nothing."""
    ids = rows(rig, 3 * BATCH + 20)
    rig.lose_redis()
    made = order(rig, BulkAction.CANCEL)
    task = rig.take("a")
    assert task.id == made.id
    work = rig.kinds[task.kind].open(Run(task, lambda: None, lambda _: None))
    plan = rig.items.plan(task, work.plan())
    assert plan.total == 5
    first, second = plan.first[:2]
    rig.items.end_item(task, first, work.item(first), 0.0)
    late = work.item(second)  # and killed before its end was written
    assert len(events(rig, "cancelled")) == BATCH
    rig.later(60)
    rig.dispatcher.tick()
    rig.drain_database("b")
    with pytest.raises(TaskStateConflict):
        rig.items.end_item(task, second, late, 0.0)
    ended = rig.store.get(task.id, None)
    assert ended.step == "Of 320: 320 cancelled."
    assert events(rig, "cancelled") == Counter(dict.fromkeys(ids, 1))


def test_a_change_is_cancelled_between_two_batches(rig: Rig) -> None:
    """The batch in hand is written, the others aren't; its page tells which."""
    rows(rig, 3 * BATCH)
    rig.lose_redis()
    made = order(rig, BulkAction.PRIORITY, Priority.HIGH)
    task = rig.take("a")
    work = rig.kinds[task.kind].open(Run(task, lambda: None, lambda _: None))
    first = rig.items.plan(task, work.plan()).first[0]
    rig.items.end_item(task, first, work.item(first), 0.0)
    rig.administration.cancel(made.id, by=ROOT)
    rig.claims.release(task, "worker stopped")
    assert rig.store.get(made.id, None).status is Status.CANCELLED
    reasons = [item.reason for item in rig.store.items(made.id)]
    assert reasons == ["100 given another priority", "", "", ""]


def test_what_has_moved_on_is_counted_as_that(fleet: Fleet) -> None:
    """Between the preview and the batch a task may end; the sum is that of the preview."""
    rig = fleet.rig
    ids = rows(rig, 10)
    made = order(rig, BulkAction.CANCEL)
    task = rig.claims.claim_next("a")
    assert task is not None
    work = rig.kinds[task.kind].open(Run(task, lambda: None, lambda _: None))
    rig.items.plan(task, work.plan())
    rig.administration.cancel(ids[3], by=ROOT)
    rig.claims.release(task, "worker stopped")
    while not rig.store.get(made.id, None).ended:
        fleet.drain()
    assert rig.store.get(made.id, None).step == "Of 10: 9 cancelled; 1 not so any more."
    assert set(events(rig, "cancelled").values()) == {1}


def test_a_plan_that_was_interrupted_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its batches are neither left out nor planned twice, however many they are."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.BATCH", 2)
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.READ_BATCH", 3)
    monkeypatch.setattr("altwright.tasks.bulk_task.NOTED_EVERY", 2)
    ids = rows(rig, 21)
    rig.lose_redis()
    order(rig, BulkAction.CANCEL)
    task = rig.take("a")
    work = rig.kinds[task.kind].open(Run(task, lambda: None, lambda _: None))

    def broken() -> object:
        for number, one in enumerate(work.plan()):
            if number == 7:
                raise ZeroDivisionError
            yield one

    with pytest.raises(ZeroDivisionError):
        rig.items.plan(task, broken())  # type: ignore[arg-type]
    rig.later(60)
    rig.dispatcher.tick()
    rig.drain_database("b")
    assert rig.store.get(task.id, None).step == "Of 21: 21 cancelled."
    assert events(rig, "cancelled") == Counter(dict.fromkeys(ids, 1))


def test_a_canary_is_of_tasks_that_can_be_queued_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches full of those that have to stay are none of its stages, however many come first."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.BATCH", 5)
    ids = rows(rig, 40, Status.FAILED)
    for one in ids[:12]:
        touch(rig.database, one, exclusive_key="held")
    fill(rig.database, rig.box, 1, kind="counting", user_id=ANNA.id, exclusive_key="held")
    rig.lose_redis()
    made = order(rig, BulkAction.REQUEUE)
    task = next(task for task in iter(lambda: rig.take("a"), None) if task.id == made.id)
    work = rig.kinds[task.kind].open(Run(task, lambda: None, lambda _: None))
    keys = [one.key for one in work.plan() if isinstance(one, Planned)]
    sizes = [key.rpartition(" ")[2] for key in keys[:-1]]
    looks = [number for number, key in enumerate(keys) if key.startswith("check")]
    # Twelve that are held, and the first one; then ten in two batches.
    assert sizes == ["5", "5", "3", "13", "5", "5", "23", *["5"] * 3, "2"]
    assert looks == [3, 6]
    assert [keys[number].split(" ")[1] for number in looks] == [ids[0], ids[13]]


@pytest.mark.parametrize("action", [BulkAction.CANCEL, BulkAction.REQUEUE])
def test_a_step_that_does_not_work_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, action: BulkAction
) -> None:
    """It is tried again, and counted in the end; nothing follows a canary of which nobody knows."""
    monkeypatch.setattr("altwright.tasks.store.bulk_changes.BATCH", 10)
    status = Status.QUEUED if action is BulkAction.CANCEL else Status.FAILED
    ids = rows(rig, 30, status)
    rig.lose_redis()
    apply = BulkChanges.apply

    def broken(self: BulkChanges, connection: object, selection: object, *rest: Any) -> Any:
        if rest[0].first == ids[0]:
            raise ZeroDivisionError
        return apply(self, connection, selection, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(BulkChanges, "apply", broken)
    made = order(rig, action)
    for _ in range(20):
        rig.dispatcher.tick()
        rig.drain_database("a")
        rig.later(60)
    ended = rig.store.get(made.id, None)
    assert ended.status is Status.COMPLETED
    if action is BulkAction.CANCEL:
        assert ended.step == "A step didn't work. Of 30: 20 cancelled; 10 left as they are."
    else:
        assert ended.step.startswith("Stopped by itself. Of 30: 30 left as they are.")


def test_fates_are_told_and_read() -> None:
    """What an item says is what the result adds up."""
    fates = {"not so any more": 3, "cancelled": 1_200, "asked to stop at their next item": 1}
    assert told(fates) == ("1 asked to stop at their next item; 1,200 cancelled; 3 not so any more")
    assert fates_of(told(fates)) == fates
    assert fates_of("") == {}


@pytest.mark.req("7.5", "tasks")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # ten commands; SQL isn't theirs
def test_the_commands_count_ask_and_do(rig: Rig, tmp_path: Path, valkey: RedisServer) -> None:
    """Nothing is done before a yes and a reason; the number is exact; a priority is taken back."""
    url = rig.database.engine.url.render_as_string(hide_password=False)
    settings = {"REDIS_URL": valkey.url, "DATABASE_URL": url, "PLATFORM_ENCRYPTION_KEY": KEY}
    service = Service(tmp_path, settings)
    ids = rows(rig, 5)
    asked = service.command("task", "priority", "high", "--kind", "counting")
    assert asked.returncode == 1  # nobody answers
    assert "5 tasks: kind counting" in asked.stderr
    assert "Change the priority of 5 tasks?" in asked.stderr
    unreasoned = service.command("task", "cancel", "--user", "anna", "--yes")
    assert unreasoned.returncode == 1
    assert "why: should be a reason" in unreasoned.stderr
    nobody = service.command("task", "cancel", "--user", "nobody", "--yes", "--why", "x")
    assert "There is no user 'nobody'" in nobody.stderr
    for wrong in ([], ["odd", "--all"], [ids[0], "high", "--all"], ["high"]):
        assert service.command("task", "priority", *wrong, "--yes", "--why", "x").returncode == 2
    done = service.json("task", "priority", "high", "--all", "--why", "a demo", "--yes")
    assert (done["action"], done["applicable"]) == ("priority", 5)
    change = rig.take("a")
    assert change.id == done["task"]
    rig.claims.release(change, "worker stopped")
    rig.pauses.pause(Priority.HIGH, ROOT)
    rig.drain_database()
    assert {rig.store.get(one, None).priority for one in ids} == {Priority.HIGH}
    service.json("task", "undo", change.id, "--why", "it is over")
    rig.pauses.pause(Priority.NORMAL, ROOT)
    rig.drain_database()
    assert {rig.store.get(one, None).priority for one in ids} == {Priority.NORMAL}
    done = service.json("task", "cancel", "--status", "queued", "--why", "a demo", "--yes")
    assert done["applicable"] == 5
    rig.drain_database()
    assert {rig.store.get(one, None).status for one in ids} == {Status.CANCELLED}
