"""Queues that an administrator pauses, resumes and clears, on each database and delivery."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_engine import ANNA, BERT, ROOT, Fleet, Rig, new_task, touch

from altwright.db.session import Database
from altwright.domain.limits import Limits
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.queue_pauses import READ_EVERY_S, Pauses


def status(rig: Rig, task_id: str) -> Status:
    """Return a task's state now."""
    return rig.store.get(task_id, None).status


@pytest.mark.req("7.5", "pause, resume, clear")
@pytest.mark.every_database
def test_a_paused_queue_waits_and_the_others_go_on(fleet: Fleet) -> None:
    """Nobody takes its tasks, other priorities are worked on, and after a resume all complete."""
    rig = fleet.rig
    rig.kind.exclusive = False
    rig.administration.pause(Priority.NORMAL, by=ROOT)
    normal, low = rig.submit(), rig.submit(priority="low")
    assert fleet.drain() == 1
    assert (status(rig, normal.id), status(rig, low.id)) == (Status.QUEUED, Status.COMPLETED)
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    assert fleet.drain() == 1
    assert status(rig, normal.id) is Status.COMPLETED


@pytest.mark.req("7.5", "pause, resume, clear")
@pytest.mark.req("8.2", "change while it runs")
def test_every_process_heeds_a_pause_within_two_seconds(rig: Rig, valkey: RedisServer) -> None:
    """Another process, which has read that nothing is paused, takes nothing 2 s later."""
    other = Rig(rig.database, valkey.url)
    assert other.pauses.current() == frozenset()
    rig.submit()
    rig.administration.pause(Priority.NORMAL, by=ROOT)
    other.at += 2 * READ_EVERY_S
    assert not other.worker().take_next()
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    other.at += 2 * READ_EVERY_S
    assert other.worker().take_next()
    other.close()


@pytest.mark.every_database
def test_jobs_of_a_paused_queue_leave_redis_and_come_back(rig: Rig) -> None:
    """A pause takes its jobs out of RQ; one that a submit elsewhere put there follows."""
    rig.dispatcher.tick()
    tasks = [rig.submit(user) for user in (ANNA, BERT)]
    assert rig.job_count() == 2
    rig.administration.pause(Priority.NORMAL, by=ROOT)
    assert rig.job_count() == 0
    assert {rig.store.get(task.id, None).delivery for task in tasks} == {Delivery.DATABASE}
    other = Rig(rig.database, rig.redis_url)  # it read the pauses before
    other.pauses.current()
    touch(rig.database, tasks[0].id, delivery=Delivery.RQ)
    rig.at += 3
    rig.dispatcher.tick()
    assert rig.job_count() == 0
    assert rig.store.get(tasks[0].id, None).delivery is Delivery.DATABASE
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    rig.dispatcher.tick()
    assert rig.job_count() == 2
    assert rig.drain_rq() == 2
    other.close()


def test_a_submit_to_a_paused_queue_is_accepted_and_kept(rig: Rig) -> None:
    """Its task is durable at once, and stays out of Redis."""
    rig.administration.pause(Priority.NORMAL, by=ROOT)
    task = rig.submit()
    assert task.delivery is Delivery.DATABASE
    assert rig.job_count() == 0
    assert rig.store.get(task.id, ANNA.id).status is Status.QUEUED


def test_work_in_hand_goes_on_when_its_queue_is_paused(rig: Rig) -> None:
    """A pause stops claims, not what runs."""
    task = rig.submit()

    def pause(_run: object, _item: object) -> None:
        rig.administration.pause(Priority.NORMAL, by=ROOT)

    rig.kind.meet = pause
    assert rig.drain_database() == 1
    assert status(rig, task.id) is Status.COMPLETED


@pytest.mark.every_database
def test_low_work_gives_way_to_no_paused_queue(rig: Rig) -> None:
    """Urgent tasks that nobody may take don't stop a low one between its items."""
    rig.kind.exclusive = False
    rig.administration.pause(Priority.URGENT, by=ROOT)
    low = rig.submit(priority="low")
    rig.submit(ROOT, priority="urgent")
    assert rig.drain_database() == 1
    assert rig.events(low.id) == ["queued", "claimed", "completed"]


@pytest.mark.req("7.5", "pause, resume, clear")
@pytest.mark.every_database
def test_clearing_cancels_what_waits_and_nothing_else(fleet: Fleet) -> None:
    """Waiting and delayed tasks of that priority end as cancelled, with who did it."""
    rig = fleet.rig
    rig.kind.exclusive = False
    running = rig.submit()
    rig.take()
    waiting = [rig.submit(user) for user in (ANNA, BERT, BERT)]
    delayed = rig.submit(BERT)
    touch(rig.database, delayed.id, delayed=True)
    high = rig.submit(ROOT)
    told: list[tuple[str, str]] = []
    rig.progress.emit = lambda *of: told.append((of[2]["id"], of[2]["status"]))
    assert rig.administration.cancel_waiting(Priority.NORMAL, by=ROOT) == 4
    assert sorted(told) == sorted((task.id, "cancelled") for task in (*waiting, delayed))
    for task in (*waiting, delayed):
        assert status(rig, task.id) is Status.CANCELLED
        last = rig.store.history(task.id)[-1]
        assert (last.event, last.actor) == ("cancelled", "root")
    assert status(rig, running.id) is Status.RUNNING
    assert fleet.drain() == 1
    assert status(rig, high.id) is Status.COMPLETED
    if fleet.delivery is Delivery.RQ:
        assert rig.job_count() == 0


@pytest.mark.every_database
def test_clearing_goes_batch_by_batch(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait, no transaction holds more than a batch."""
    monkeypatch.setattr("altwright.tasks.store.task_store.CANCEL_BATCH", 2)
    rig.kind.exclusive = False
    for _ in range(5):
        rig.submit()
    assert rig.administration.cancel_waiting(Priority.NORMAL, by=ROOT) == 5
    for _ in range(5):
        rig.submit()
    assert [len(ids) for ids in rig.store.cancel_queued(Priority.NORMAL, actor="root")] == [2, 2, 1]


@pytest.mark.every_database
def test_clearing_leaves_alone_what_is_submitted_after_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that comes while the batches go on was not among those that waited."""
    monkeypatch.setattr("altwright.tasks.store.task_store.CANCEL_BATCH", 1)
    waiting = rig.submit()
    batches = rig.store.cancel_queued(Priority.NORMAL, actor="root")
    assert next(batches) == [waiting.id]
    new = new_task("ffffffff-ffff-4fff-bfff-ffffffffffff", BERT)  # after every other, by its id
    later, _ = rig.store.submit(new, delivery=Delivery.DATABASE, actor="bert")
    touch(rig.database, later.id, created_at=later.created_at + timedelta(seconds=1))
    assert list(batches) == []
    assert status(rig, later.id) is Status.QUEUED


@pytest.mark.req("7.5", "audit log")
@pytest.mark.every_database
def test_each_action_is_in_the_audit_log(rig: Rig) -> None:
    """Who paused, resumed, cleared and limited what; an action that changes nothing is none."""
    assert rig.administration.pause(Priority.LOW, by=ROOT)
    assert not rig.administration.pause(Priority.LOW, by=ANNA)
    assert rig.pauses.all()[Priority.LOW].by == "root"
    assert rig.administration.resume(Priority.LOW, by=ROOT)
    assert not rig.administration.resume(Priority.LOW, by=ROOT)
    rig.administration.cancel_waiting(Priority.LOW, by=ROOT)
    rig.administration.limit(Limits(most={Priority.LOW: 2}), by=ROOT)
    assert rig.administration.limits() == Limits(most={Priority.LOW: 2})
    rig.administration.limit(None, by=ROOT)
    audit = Audit(rig.database).recent()
    assert {one.actor for one in audit} == {"root"}
    none, two = '{"most": {}, "kept": {}}', '{"most": {"low": 2}, "kept": {}}'
    assert [(one.action, one.subject, one.detail, one.before, one.after) for one in audit] == [
        ("limits changed", "", "", two, none),
        ("limits changed", "", "", none, two),
        ("queue cleared", "low", "0 tasks cancelled", "", ""),
        ("queue resumed", "low", "", "", ""),
        ("queue paused", "low", "", "", ""),
    ]


def test_what_a_person_does_with_their_own_task_is_no_act_of_office(rig: Rig) -> None:
    """It stands in the task's history only; with another's it is in the audit log as well."""
    for user in (ROOT, ANNA):
        task = rig.submit(user)
        rig.administration.reprioritise(task.id, Priority.LOW, by=ROOT)
        rig.administration.cancel(task.id, by=ROOT)
    audit = Audit(rig.database).recent()
    assert [(one.action, one.subject, one.before, one.after) for one in audit] == [
        ("task cancelled", task.id, "queued", "cancelled"),
        ("task reprioritised", task.id, "normal", "low"),
    ]


@pytest.mark.req("7.1", "counts by priority")
@pytest.mark.every_database
def test_statistics_count_by_priority_and_state(rig: Rig) -> None:
    """Each queue's tasks by state, the age of the oldest that waits, and jobs in RQ."""
    rig.kind.exclusive = False
    rig.dispatcher.tick()
    first = rig.submit()
    rig.drain_rq()
    rig.submit(ROOT)
    rig.take()
    waiting = rig.submit()
    rig.submit(BERT)
    delayed = rig.submit(BERT)
    touch(rig.database, delayed.id, delayed=True)
    rig.submit(priority="urgent", user=ROOT)
    rig.claims.fail(rig.take(), Category.BAD_INPUT, "wrong")
    cancelled = rig.submit(priority="low")
    rig.queue.cancel(cancelled.id, by=ANNA)
    rig.administration.pause(Priority.LOW, by=ROOT)
    created_at = rig.store.get(waiting.id, None).created_at
    touch(rig.database, waiting.id, created_at=created_at.replace(year=created_at.year - 1))
    queues = {one.priority: one.to_json() for one in rig.administration.queues()}
    normal = queues[Priority.NORMAL]
    assert status(rig, first.id) is Status.COMPLETED
    assert (normal["pending"], normal["delayed"], normal["completed"]) == (3, 1, 1)
    assert normal["in_rq"] == 3
    assert normal["oldest_waiting_s"] > 300 * 86_400
    assert queues[Priority.HIGH]["running"] == 1
    assert queues[Priority.LOW]["cancelled"] == 1
    assert queues[Priority.LOW]["paused_by"] == "root"
    assert queues[Priority.URGENT]["oldest_waiting_s"] is None
    assert queues[Priority.URGENT]["failed"] == 1
    active = rig.administration.queues(ACTIVE)[Priority.NORMAL].to_json()
    assert (active["pending"], active["completed"]) == (3, 0)
    rig.lose_redis()
    assert {one.in_rq for one in rig.administration.queues()} == {None}


def test_without_the_database_the_last_known_pauses_hold(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that can't ask goes by what it knew."""
    from altwright.errors import DatabaseUnavailable  # noqa: PLC0415 - raised here only

    at = 0.0
    pauses = Pauses(database, clock=lambda: at)
    pauses.pause(Priority.HIGH, ROOT)
    assert pauses.current() == {Priority.HIGH}

    def away() -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(pauses, "all", away)
    at = 10.0
    assert pauses.current() == {Priority.HIGH}


def test_an_idle_worker_of_rq_drops_what_was_paused_meanwhile(rig: Rig) -> None:
    """A job that a worker popped before the pause reached RQ leaves its task waiting."""
    rig.dispatcher.tick()
    task = rig.submit()
    rig.pauses.pause(Priority.NORMAL, ROOT)
    assert rig.drain_rq() == 0
    assert status(rig, task.id) is Status.QUEUED
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    rig.later(5)
    rig.dispatcher.tick()
    wait_until(lambda: rig.drain_rq() == 1)
    assert status(rig, task.id) is Status.COMPLETED
