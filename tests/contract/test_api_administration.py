"""What administrators do through the API: the same as on their pages, and written down as well."""

from __future__ import annotations

from typing import Any

import pytest
from tests import support_web
from tests.support_web import NO_SUCH_TASK, PASSWORD, Caller, Web, problem

from altwright.domain.caption import Role
from altwright.domain.task import Priority, Status
from altwright.web.api import admin_responses, responses

web = support_web.web

ADMIN = "/api/v1/admin"


def got(who: Caller, path: str, shape: type[responses.Shape], method: str = "GET") -> Any:
    """Return an answer that has the shape that its document says."""
    answer = who.call(method, f"{ADMIN}{path}", **({} if method == "GET" else {"json": {}}))
    assert answer.status_code == 200, answer.text
    shape.model_validate_json(answer.text)
    return answer.get_json()


def test_everybodys_tasks_are_listed_page_by_page(web: Web) -> None:
    """Filters are those of the page; a wrong one is named."""
    root = web.by_token(web.root)
    failed = web.tasks(3, Status.FAILED)
    waiting = web.tasks(2, priority=Priority.LOW)
    shape = admin_responses.AnybodysTaskList
    found = got(root, "/tasks?status=failed&category=fault&user=anna&text=broke", shape)["tasks"]
    assert {one["id"] for one in found} == set(failed)
    assert {one["user_id"] for one in found} == {web.anna.id}
    found = got(root, "/tasks?priority=low", shape)["tasks"]
    assert {one["id"] for one in found} == set(waiting)
    seen: list[str] = []
    after = ""
    while page := got(root, f"/tasks?limit=2{after}", shape)["tasks"]:
        seen += [one["id"] for one in page]
        after = f"&after={seen[-1]}"
    assert sorted(seen) == sorted(failed + waiting)
    assert len(seen) == len(set(seen))
    for wrong in ("user=nobody", "status=odd", "since=yesterday", "odd=1"):
        assert problem(root.get(f"{ADMIN}/tasks?{wrong}"), 422)["fields"], wrong


@pytest.mark.req("7.5", "tasks")
@pytest.mark.req("7.5", "audit log")
@pytest.mark.parametrize("role", ["mona", "root"])
def test_actions_on_one_task(web: Web, role: str) -> None:
    """Moderators do these, too; who has a task of no such state is told so."""
    user = web.root
    if role == "mona":
        user = web.services.users.create("mona", PASSWORD, role=Role.MODERATOR)
    who = web.by_token(user)
    [task] = web.tasks(1, Status.FAILED)
    path = f"{ADMIN}/tasks/{task}"
    assert who.post(f"{path}/requeue").get_json()["status"] == "queued"
    problem(who.post(f"{path}/requeue"), 409)
    moved = who.post(f"{path}/priority", json={"priority": "low"})
    assert moved.get_json()["priority"] == "low"
    problem(who.post(f"{path}/priority", json={"priority": "odd"}), 422)
    assert who.post(f"{path}/cancel").get_json()["status"] == "cancelled"
    problem(who.post(f"{ADMIN}/tasks/{NO_SUCH_TASK}/cancel"), 404)
    log = got(who, "/audit?limit=3", admin_responses.AuditLog)["entries"]
    assert [one["action"] for one in log] == [
        *("task cancelled", "task reprioritised", "task requeued"),
    ]
    said = {(one["actor"], one["subject"], one["detail"]) for one in log}
    assert said == {(role, task, "")}


@pytest.mark.req("7.5", "tasks")
def test_many_tasks(web: Web) -> None:
    """The preview counts, the order names its moment and a reason, and can be taken back."""
    root = web.by_token(web.root)
    low = web.tasks(4, priority=Priority.LOW)
    web.tasks(1, Status.COMPLETED, priority=Priority.LOW)
    asked = {"action": "priority", "to": "high", "priority": "low", "user": "anna"}
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    preview = got(root, f"/tasks/many?{query}", admin_responses.ManyPreview)
    assert (preview["matching"], preview["applicable"]) == (5, 4)
    assert preview["others"] == {"don't wait": 1}
    assert preview["is_exact"]
    assert preview["words"] == "priority low, of anna"
    [later] = web.tasks(1, priority=Priority.LOW)
    many = f"{ADMIN}/tasks/many"
    problem(root.post(many, json=asked), 422)
    problem(root.post(many, json={**asked, "to": None, "why": "x"}), 422)
    problem(root.post(many, json={**asked, "why": "x", "user": "nobody"}), 422)
    problem(root.post(many, json={**asked, "why": "x", "kind": "none"}), 409)
    answer = root.post(many, json={**asked, "why": "a demo", "until": preview["until"]})
    assert answer.status_code == 202
    responses.Task.model_validate_json(answer.text)
    task_id = answer.get_json()["id"]
    assert answer.headers["Location"] == f"/api/v1/tasks/{task_id}"
    busy = problem(root.post(many, json={**asked, "why": "again"}), 409)
    assert busy["task_id"] == task_id
    problem(root.post(f"{ADMIN}/tasks/{task_id}/undo", json={"why": "not yet over"}), 409)
    web.work_on(task_id)
    store = web.services.store
    assert {store.get(one, None).priority for one in low} == {Priority.HIGH}
    assert store.get(later, None).priority is Priority.LOW
    undone = root.post(f"{ADMIN}/tasks/{task_id}/undo", json={"why": "over"}).get_json()["id"]
    assert web.work_on(undone).step == "Of 4: 4 given their priority back."
    assert {store.get(one, None).priority for one in low} == {Priority.LOW}


def test_dead_letters(web: Web) -> None:
    """They are grouped as on their page."""
    web.tasks(2, Status.FAILED)
    root = web.by_token(web.root)
    [group] = got(root, "/dead-letters", admin_responses.DeadLetterList)["groups"]
    assert (group["category"], group["count"], group["last_hour"]) == ("fault", 2, 2)


@pytest.mark.req("7.5", "pause, resume, clear")
def test_queues(web: Web) -> None:
    """They are shown, paused, resumed and cleared."""
    root = web.by_token(web.root)
    web.tasks(3, priority=Priority.LOW)

    def low() -> Any:
        found = got(root, "/queues", admin_responses.QueueList)["queues"]
        return next(one for one in found if one["queue"] == "low")

    for action, changed in (("pause", True), ("pause", False), ("resume", True)):
        answer = got(root, f"/queues/low/{action}", admin_responses.QueueChanged, "POST")
        assert answer == {"queue": "low", "changed": changed}
        assert low()["paused_by"] == (None if action == "resume" else "root")
    assert low()["pending"] == 3
    cleared = got(root, "/queues/low/clear", admin_responses.QueueCleared, "POST")
    assert cleared == {"queue": "low", "cancelled": 3}
    assert low()["cancelled"] == 3
    problem(root.post(f"{ADMIN}/queues/odd/pause"), 422)


def test_limits(web: Web) -> None:
    """They are shown, changed and given back to the settings."""
    root = web.by_token(web.root)
    shape = admin_responses.LimitsShown
    assert got(root, "/limits", shape) == {"most": {}, "kept": {}}
    limits = {"most": {"low": 2}, "kept": {"urgent": 1}}
    assert root.call("PUT", f"{ADMIN}/limits", json=limits).get_json() == limits
    assert got(root, "/limits", shape) == limits
    for wrong in ({"most": {"odd": 1}}, {"most": {"low": 0}}, {"kept": {"low": 1001}}):
        problem(root.call("PUT", f"{ADMIN}/limits", json=wrong), 422)
    assert got(root, "/limits", shape, "DELETE") == {"most": {}, "kept": {}}
    [back, _changed] = got(root, "/audit?action=limits+changed", admin_responses.AuditLog)[
        "entries"
    ]
    assert back["before"] == "urgent: 1 kept free; low: 2 at a time"
