"""Damaged tasks: refused before they are written, set aside when met, repaired on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from rq.job import Job, JobStatus
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, KEY, ROOT, Fleet, Rig, touch
from tests.support_service import Service

from altwright.crypto import Box
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category, InvalidInput
from altwright.tasks.execution.retrying import OUTAGE_PATIENCE_S
from altwright.tasks.store.items import Worked
from altwright.tasks.store.repair import Repair, TaskRepair
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database

FOREIGN = Box(Fernet.generate_key().decode("ascii")).encrypt("{}")


def now_of(rig: Rig, task_id: str) -> Task:
    """Return a task as it is now."""
    return rig.store.get(task_id, None)


def repaired(rig: Rig, *, dry_run: bool = False) -> list[Repair]:
    """Run a repair."""
    return TaskRepair(rig.store, rig.backlog, rig.kinds).run("root", dry_run=dry_run)


WRONG_SUBMITS: dict[str, dict[str, Any]] = {
    "a set": {"settings": {"items": {1, 2}}},
    "no number": {"settings": {"items": float("nan")}},
    "a key that isn't text": {"settings": {1: "one"}},
    "a tuple": {"settings": {"items": (1, 2)}},
    "too large": {"settings": {"text": "x" * 70_000}},
    "a long request key": {"request_key": "k" * 129},
    "an empty request key": {"request_key": ""},
    "a request key with NUL": {"request_key": "a\0b"},
}


@pytest.mark.parametrize("case", WRONG_SUBMITS)
def test_what_could_not_be_kept_as_it_is_is_refused(rig: Rig, case: str) -> None:
    """A submit that the database would refuse, cut off or change writes nothing."""
    with pytest.raises(InvalidInput) as refused:
        rig.submit(**WRONG_SUBMITS[case])
    assert refused.value.fields
    assert rig.store.recent(None) == []
    assert rig.submit().status is Status.QUEUED  # nothing holds the user's place


DAMAGES: dict[str, dict[str, Any]] = {
    "settings closed with another key": {"settings": FOREIGN},
    "settings that are no text of ours": {"settings": "…"},
    "an unknown priority": {"priority": 9},
    "an unknown delivery": {"delivery": "pigeon"},
}


@pytest.mark.req("6.6", "stored and logged")
@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_task_is_set_aside_and_the_others_go_on(fleet: Fleet, case: str) -> None:
    """It fails once, with its reason; no worker and no dispatcher meets it again."""
    rig = fleet.rig
    rig.dispatcher.tick()
    damaged, sound = rig.submit(ANNA), rig.submit(BERT)
    touch(rig.database, damaged.id, **DAMAGES[case])
    fleet.drain()
    rig.later(5)
    fleet.drain()
    rig.drain_database()  # an unknown priority has no RQ queue
    assert now_of(rig, sound.id).status is Status.COMPLETED
    ended = now_of(rig, damaged.id)
    if case == "an unknown delivery":
        assert ended.status is Status.COMPLETED  # a claim writes who delivered it
        return
    assert (ended.status, ended.error_category) == (Status.FAILED, Category.CORRUPT)
    assert "damaged" in str(ended.error)
    assert rig.events(damaged.id).count("claimed") <= 1
    assert rig.submit(ANNA).status is Status.QUEUED


def test_an_unknown_kind_waits_for_a_worker_that_knows_it(fleet: Fleet) -> None:
    """Also one that isn't there for hours; nobody's fault, and nothing is repaired meanwhile."""
    rig = fleet.rig
    rig.dispatcher.tick()
    newer = rig.submit()
    kind = rig.kinds.pop(newer.kind)
    fleet.drain("older")
    rig.later(60)
    fleet.drain("older")
    waits = now_of(rig, newer.id)
    assert (waits.status, waits.waits, waits.failures) == (Status.QUEUED, 3, 0)
    rig.kinds[newer.kind] = kind
    rig.later(300)
    fleet.drain("newer")
    assert now_of(rig, newer.id).status is Status.COMPLETED
    assert len(rig.effects(newer.id)) == 3


def test_a_kind_that_no_worker_knows_is_set_aside_in_the_end(rig: Rig) -> None:
    """After as long as a server is waited for; a repair queues it once its kind is known."""
    task = rig.submit()
    kind = rig.kinds.pop(task.kind)
    touch(rig.database, task.id, outage_s=OUTAGE_PATIENCE_S + 1)
    rig.drain_database()
    ended = now_of(rig, task.id)
    assert (ended.status, ended.error_category) == (Status.FAILED, Category.CORRUPT)
    assert "'counting'" in str(ended.error)
    rig.kinds[task.kind] = kind
    assert [one.action for one in repaired(rig)] == ["queued again"]
    assert rig.drain_database() == 1


def test_a_row_that_can_not_be_dispatched_holds_up_no_other(rig: Rig) -> None:
    """A negative attempt is set aside by the dispatcher; what waits behind it gets to RQ."""
    rig.lose_redis()
    damaged, sound = rig.submit(ANNA), rig.submit(BERT)
    touch(rig.database, damaged.id, attempt=-1)
    rig.find_redis()
    rig.dispatcher.tick()
    assert rig.drain_rq() == 1
    assert now_of(rig, sound.id).status is Status.COMPLETED
    assert now_of(rig, damaged.id).error_category == Category.CORRUPT


def test_a_damaged_payload_is_set_aside_by_rq_and_delivered_anew(rig: Rig) -> None:
    """A job that can't be read fails in RQ, with its reason; its task completes all the same."""
    rig.dispatcher.tick()
    task = rig.submit()
    rig.health.client.hset(f"rq:job:{task.id}-0", "data", b"nothing of ours")
    rig.drain_rq()
    job = Job.fetch(f"{task.id}-0", rig.health.client, rig.queue.jobs.serializer)
    assert job.get_status() is JobStatus.FAILED
    assert now_of(rig, task.id).status is Status.QUEUED
    rig.later(5)
    rig.dispatcher.tick()
    assert rig.drain_rq() == 1
    assert now_of(rig, task.id).status is Status.COMPLETED


def test_one_bad_row_hides_no_other(rig: Rig) -> None:
    """Lists, counts and statistics show the rest; the bad row is marked with its fault."""
    rig.kind.exclusive = False
    bad, good = rig.submit(), rig.submit()
    touch(rig.database, bad.id, status="asleep", priority=7)
    shown = {one.id: one for one in rig.store.recent(ANNA.id)}
    assert shown[good.id].fault == ""
    assert shown[bad.id].status is Status.FAILED
    assert "'asleep'" in shown[bad.id].fault
    assert "'7'" in shown[bad.id].fault
    assert {one.priority: one for one in rig.administration.queues()}[Priority.NORMAL].waiting == 1


def test_a_dry_run_says_and_changes_nothing(rig: Rig) -> None:
    """What would be done is named; the rows stay as they were."""
    task = rig.submit()
    touch(rig.database, task.id, status="asleep")
    before = row_of(rig, task.id)
    found = repaired(rig, dry_run=True)
    assert [(one.task_id, one.action) for one in found] == [(task.id, "failed")]
    assert row_of(rig, task.id) == before
    assert repaired(rig) == found
    assert repaired(rig) == []


def row_of(rig: Rig, task_id: str) -> dict[str, Any]:
    """Return all columns of a task."""
    with rig.database.read() as session:
        row = session.get_one(TaskRow, task_id)
        return {column.key: getattr(row, column.key) for column in TaskRow.__table__.columns}


def test_impossible_rows_are_brought_back_to_a_possible_state(rig: Rig) -> None:
    """Each is named, put right, noted in its history, and then worked on to its end."""
    rig.kind.exclusive = False
    rig.dispatcher.tick()
    without_lease, long_ago, nobody, pigeon = (rig.submit() for _ in range(4))
    touch(rig.database, without_lease.id, status=Status.RUNNING, attempt=1, lease_until=None)
    touch(rig.database, long_ago.id, delivery=Delivery.RQ, dispatched_at=None)
    touch(rig.database, nobody.id, priority=9)
    touch(rig.database, pigeon.id, delivery="pigeon")
    found = {one.task_id: one for one in repaired(rig)}
    assert set(found) == {without_lease.id, long_ago.id, nobody.id, pigeon.id}
    assert repaired(rig) == []
    for task_id, repair in found.items():
        noted = [one for one in rig.store.history(task_id) if one.event == "repaired"]
        assert [(one.actor, repair.action in one.detail) for one in noted] == [("root", True)]
    rig.dispatcher.tick()
    assert rig.drain_database() == 4
    assert {now_of(rig, one).status for one in found} == {Status.COMPLETED}


def test_times_that_contradict_the_state_are_put_right(rig: Rig) -> None:
    """An ended task without a time, which would be kept for ever, and a waiting one with one."""
    rig.kind.exclusive = False
    ended, waiting = rig.submit(), rig.submit()
    touch(rig.database, ended.id, status=Status.CANCELLED)
    touch(rig.database, waiting.id, finished_at=waiting.created_at)
    repaired(rig)
    assert now_of(rig, ended.id).finished_at is not None
    assert now_of(rig, waiting.id).finished_at is None


def test_counts_that_contradict_the_items_are_counted_anew(rig: Rig) -> None:
    """Also a running task's, without touching one whose counts are right."""
    rig.submit(BERT)
    rig.drain_database()
    rig.submit()
    task, item = rig.begin()
    rig.items.end_item(task, item, Worked(ItemStatus.DONE), 0.1)
    touch(rig.database, task.id, items_total=9, items_done=0, items_failed=4)
    found = repaired(rig)
    assert [one.task_id for one in found] == [task.id]
    counted = now_of(rig, task.id)
    assert (counted.items_total, counted.items_done, counted.items_failed) == (3, 1, 0)
    assert counted.status is Status.RUNNING
    assert repaired(rig) == []


def test_a_lost_key_sets_tasks_aside_and_its_return_brings_them_back(rig: Rig) -> None:
    """Settings that nobody can open fail their task; with the key back a repair queues it."""
    task = rig.submit()
    keyless = TaskStore(rig.database, Box(Fernet.generate_key().decode("ascii")))
    repair = TaskRepair(keyless, rig.backlog, rig.kinds)
    assert [one.action for one in repair.run("root")] == ["failed"]
    assert now_of(rig, task.id).error_category == Category.CORRUPT
    assert [one.action for one in repair.run("root")] == ["stays set aside"]
    assert [one.action for one in repaired(rig)] == ["queued again"]
    assert rig.drain_database() == 1
    assert rig.events(task.id)[1:3] == ["failed", "requeued"]


def test_what_was_set_aside_waits_for_the_users_active_task(rig: Rig) -> None:
    """A repair doesn't give a user two active tasks; it says why it left one."""
    task = rig.submit()
    rig.backlog.set_aside(task.id, 0, "a test says so")
    rig.submit()
    assert ["another task" in one.action for one in repaired(rig)] == [True]
    assert now_of(rig, task.id).status is Status.FAILED


def test_damaged_counts_what_a_look_at_the_table_finds(rig: Rig) -> None:
    """The alert's figure: impossible rows, not those set aside already."""
    repair = TaskRepair(rig.store, rig.backlog, rig.kinds)
    task = rig.submit()
    assert repair.damaged() == 0
    touch(rig.database, task.id, status="asleep")
    assert repair.damaged() == 1
    repair.run("root")
    assert repair.damaged() == 0


def test_a_repair_is_shown_as_json(rig: Rig) -> None:
    """The command line prints what a program can read."""
    task = rig.submit(ROOT)
    touch(rig.database, task.id, kind="knitting")
    said = json.loads(json.dumps([one.to_json() for one in repaired(rig)]))
    assert said[0]["task_id"] == task.id
    assert "knitting" in said[0]["fault"]


def test_the_command_repairs_and_clears_away_what_rq_refused(
    rig: Rig, tmp_path: Path, valkey: RedisServer
) -> None:
    """`task repair` lists a damaged task, then repairs it, and removes unreadable jobs."""
    url = rig.database.engine.url.render_as_string(hide_password=False)
    keys = {"PLATFORM_ENCRYPTION_KEY": KEY, "REDIS_URL": valkey.url, "DATABASE_URL": url}
    service = Service(tmp_path, keys)
    rig.dispatcher.tick()
    task = rig.submit()
    rig.health.client.hset(f"rq:job:{task.id}-0", "data", b"nothing of ours")
    rig.drain_rq()
    touch(rig.database, task.id, kind="captions", priority=9)
    assert len(service.json("task", "repair", "--dry-run")) == 1
    done = service.json("task", "repair")
    assert [one["action"] for one in done] == ["priority normal", "removed from Redis"]
    assert service.json("task", "repair") == []
