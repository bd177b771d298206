"""Why a task waits, over HTTP: each reason, their order, the place, and the range of times."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests import support_web
from tests.support_engine import Counting, touch
from tests.support_web import Web

from altwright.db.session import utcnow
from altwright.domain.limits import Limits
from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.task import Task
from altwright.tasks.waiting_reasons import SAMPLE_LEAST
from altwright.web.api.responses import Waiting

web = support_web.web


def seen(web: Web, *workers: str) -> None:
    """Let these workers be at work."""
    web.services.engine.roster.seen(workers, kind="integrated", host="here", pid=1)


def waiting(web: Web, task_id: str, *, staff: bool = False) -> dict[str, Any]:
    """Return what the API says, to anna or to an administrator."""
    who = web.by_token(web.root if staff else web.anna)
    answer = who.get(f"/api/v1/tasks/{task_id}/waiting")
    assert answer.status_code == 200, answer.text
    Waiting.model_validate(answer.get_json())
    return dict(answer.get_json())


def codes(found: dict[str, Any]) -> list[str]:
    """Return the codes of the reasons, in their order."""
    return [reason["code"] for reason in found["reasons"]]


def words(found: dict[str, Any], code: str) -> str:
    """Return what a reason says."""
    return next(str(one["words"]) for one in found["reasons"] if one["code"] == code)


def others(web: Web, count: int, priority: str = "normal") -> list[Task]:
    """Submit tasks of bert's."""
    web.services.engine.kinds["counting"] = Counting(exclusive=False)
    bert = replace(web.bert.ref, is_admin=True)  # who may ask for any priority
    queue = web.services.queue
    return [queue.submit("counting", user=bert, priority=priority) for _ in range(count)]


def work(web: Web, worker: str) -> Task:
    """Let a worker take the task whose turn it is."""
    task = web.services.engine.claims.claim_next(worker)
    assert task is not None
    return task


def test_a_task_whose_turn_it_is(web: Web) -> None:
    """With a worker that is free, it is taken in a moment; what has ended doesn't wait."""
    seen(web, "w1")
    task = web.submit()
    found = waiting(web, task["id"])
    assert (codes(found), found["ahead"]) == (["soon"], 0)
    web.services.engine.claims.fail(work(web, "w1"), Category.FAULT, "It broke.")
    assert codes(waiting(web, task["id"])) == []


def test_no_worker(web: Web) -> None:
    """It says that nobody is there, and to those whose affair it is, who asked for that."""
    task = web.submit()
    assert codes(waiting(web, task["id"])) == ["no_workers"]
    root = web.by_session(web.root)
    web.services.engine.roster.seen(["w"], kind="integrated", host="here", pid=1)
    form = {"csrf_token": root.headers["X-CSRFToken"], "kind": "integrated", "host": ""}
    assert root.post("/admin/workers/stop", data=form).status_code == 303
    web.services.engine.roster.gone(["w"])
    assert "root" not in words(waiting(web, task["id"]), "no_workers")
    assert "to stop by root" in words(waiting(web, task["id"], staff=True), "no_workers")


def test_a_paused_queue(web: Web) -> None:
    """It comes first, and names whoever paused it to those whose affair that is."""
    seen(web, "w1")
    task = web.submit()
    web.services.administration.pause(Priority.NORMAL, by=web.root.ref)
    assert codes(waiting(web, task["id"])) == ["paused"]
    assert words(waiting(web, task["id"]), "paused") == "The queue normal is paused."
    assert "by root" in words(waiting(web, task["id"], staff=True), "paused")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"error_category": "rate_limit", "waits": 1}, "asked for a pause"),
        ({"waits": 1, "waits_for": "describer"}, "describer didn't answer"),
        ({"waits": 1, "waits_for": "platform"}, "server didn't answer"),
        ({"waits": 1, "waits_for": "model_hub"}, "model hub didn't answer"),
        ({"waits": 1, "waits_for": "altwright"}, "doesn't know its kind"),
        ({"failures": 1}, "met a problem"),
        ({}, "What is left"),
    ],
)
def test_a_delayed_task(web: Web, values: dict[str, Any], says: str) -> None:
    """It says what it waits for, and until when; it has no place then."""
    seen(web, "w1")
    task = web.submit()
    until = utcnow() + timedelta(minutes=5)
    touch(web.services.database, task["id"], delayed=True, available_at=until, **values)
    found = waiting(web, task["id"])
    assert codes(found) == ["delayed"]
    assert says in words(found, "delayed")
    assert found["reasons"][0]["until"] == until.isoformat()
    assert found["ahead"] is None


def test_all_workers_are_busy_and_others_come_first(web: Web) -> None:
    """The place is exact, one's own are told apart, and administrators see with what."""
    seen(web, "w1", "w2")
    others(web, 2)
    work(web, "w1")
    work(web, "w2")
    others(web, 2, "urgent")
    anna = replace(web.anna.ref, is_admin=True)
    web.services.engine.kinds["counting"] = Counting(exclusive=False)
    web.services.queue.submit("counting", user=anna, priority="high")
    task = web.submit()
    found = waiting(web, task["id"])
    assert codes(found) == ["busy", "own_first", "position"]
    assert found["ahead"] == 3
    assert words(found, "busy") == "All 2 workers are busy."
    assert words(found, "own_first") == "1 of your own tasks comes first."
    assert "counting of bert (2)" in words(waiting(web, task["id"], staff=True), "busy")
    # None of a paused queue is taken, so none of them comes before it.
    web.services.administration.pause(Priority.URGENT, by=web.root.ref)
    assert waiting(web, task["id"])["ahead"] == 1


def test_a_limit_is_reached(web: Web) -> None:
    """As many of its queue run as may, though a worker is free."""
    seen(web, "w1", "w2")
    web.services.administration.limit(Limits(most={Priority.NORMAL: 1}), by=web.root.ref)
    others(web, 1)
    work(web, "w1")
    task = web.submit()
    assert codes(waiting(web, task["id"])) == ["limited"]
    assert "At most 1 task" in words(waiting(web, task["id"]), "limited")
    web.services.administration.limit(Limits(kept={Priority.URGENT: 1}), by=web.root.ref)
    assert "kept for other queues" in words(waiting(web, task["id"]), "limited")


def test_redis_away_makes_no_difference(web: Web) -> None:
    """It stands last, and says so; a worker takes the task all the same."""
    seen(web, "w1")
    health: RedisHealthMonitor = web.services.health
    task = web.submit()
    for _ in range(10):
        health.note(answered=False)
    assert not health.usable
    assert codes(waiting(web, task["id"])) == ["soon", "redis_away"]
    assert work(web, "w1").id == task["id"]


def test_workers_that_rq_suspends(web: Web) -> None:
    """`rq suspend` holds up what lies in RQ."""
    seen(web, "w1")
    web.services.health.check()
    task = web.submit()
    touch(web.services.database, task["id"], delivery="rq")
    client = web.services.health.client
    client.set("rq:suspended", 1)
    assert codes(waiting(web, task["id"])) == ["suspended"]
    client.delete("rq:suspended")
    assert codes(waiting(web, task["id"])) == ["soon"]


def ended(web: Web, count: int, took_s: float) -> None:
    """Let tasks have ended lately that took so long."""
    for task in others(web, count):
        claimed = work(web, "w1")
        web.services.engine.claims.complete(claimed, "")
        at = utcnow() - timedelta(minutes=2)
        touch(
            web.services.database,
            task.id,
            started_at=at - timedelta(seconds=took_s),
            finished_at=at,
        )


def test_the_range_goes_by_what_ran_lately(web: Web) -> None:
    """Median and 90th of what ended; nothing is said of too few, nor while a queue is paused."""
    seen(web, "w1")
    ended(web, SAMPLE_LEAST - 1, 60)
    others(web, 3)
    work(web, "w1")
    task = web.submit()
    touch(web.services.database, task["id"], turn=1000)  # the last one
    assert waiting(web, task["id"])["starts_in_s"] is None
    last = others(web, 1)[0]
    touch(
        web.services.database,
        last.id,
        status=Status.COMPLETED,
        started_at=utcnow() - timedelta(seconds=180),
        finished_at=utcnow() - timedelta(seconds=120),
    )
    found = waiting(web, task["id"])
    # Two before it, and one that is half done, a minute each, with one worker.
    assert found["ahead"] == 2
    assert found["starts_in_s"]["from"] == pytest.approx(150, rel=0.2)
    assert found["starts_in_s"]["to"] == pytest.approx(180, rel=0.2)
    page = web.by_session(web.anna).get(f"/tasks/{task['id']}").text
    assert re.search("It probably starts in .*, going by what has run lately", page)
    web.services.administration.pause(Priority.NORMAL, by=web.root.ref)
    assert waiting(web, task["id"])["starts_in_s"] is None


def test_pages_and_others_eyes(web: Web) -> None:
    """Both task pages tell it; another user learns nothing."""
    task = web.submit()
    for who, path in ((web.anna, "/tasks"), (web.root, "/admin/tasks")):
        page = web.by_session(who).get(f"{path}/{task['id']}").text
        assert 'data-reason="no_workers"' in page
    refused = web.by_token(web.bert).get(f"/api/v1/tasks/{task['id']}/waiting")
    assert refused.status_code == 404
