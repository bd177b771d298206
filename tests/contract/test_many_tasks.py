"""What administrators do to many tasks at once: counted, with a reason, in the background."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from tests import support_web
from tests.contract.test_admin_pages import moderator
from tests.support_engine import elapse
from tests.support_many import KIND, Pretending, work_off
from tests.support_web import PASSWORD, Caller, Web, problem

from altwright.db.session import utcnow
from altwright.db.task_tables import TaskRow
from altwright.domain.caption import Role
from altwright.domain.task import Priority, Status
from altwright.tasks.task import Task

web = support_web.web

MANY = "/admin/tasks/many"


def post(who: Caller, path: str, **form: Any) -> str:
    """Send a form, follow, and return the page that comes."""
    form["csrf_token"] = who.headers["X-CSRFToken"]
    answer = who.post(path, data=form, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def asked(who: Caller, query: str) -> tuple[str, dict[str, str]]:
    """Return the preview's page, and what its form sends."""
    page = who.get(f"{MANY}?{query}").text
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return page, {name: html.unescape(value) for name, value in fields}


def ordered(web: Web, query: str, why: str = "night shift") -> Task:
    """Let root go through preview and confirmation; return the task that is under way."""
    root = web.by_session(web.root)
    _, form = asked(root, query)
    page = post(root, MANY, **form, why=why)
    found = re.search(r"<dt>Id</dt><dd><code>([^<]+)", page)
    assert found, page
    return web.services.store.get(found[1], None)


def stands(web: Web, status: Status) -> set[str]:
    """Return the ids of the tasks in a state, without those that change others."""
    found = web.services.store.recent(None, status, 10_000)
    return {task.id for task in found if task.kind != "administration"}


@pytest.mark.req("7.5", "tasks")
@pytest.mark.req("7.5", "audit log")
def test_all_that_match_are_cancelled(web: Web) -> None:
    """The number is exact, later ones are left alone, and the result says what was done."""
    waiting = web.tasks(230, priority=Priority.LOW)
    others = web.tasks(3)
    [running] = web.tasks(
        1, Status.RUNNING, priority=Priority.LOW, lease_until=utcnow() + timedelta(hours=1)
    )
    web.tasks(7, Status.COMPLETED, priority=Priority.LOW)
    root = web.by_session(web.root)
    page, form = asked(root, "action=cancel&priority=low&user=anna")
    assert "Cancel 231 tasks?" in page
    assert "<strong data-matching>238</strong>" in page
    assert "7 have ended" in page
    assert "priority low, of anna" in page
    later = web.tasks(2, priority=Priority.LOW)
    page = post(root, MANY, **form, why="night shift")
    assert "231 tasks: under way" in page
    [task] = web.services.store.recent(None, limit=1)
    ended = web.work_on(task.id)
    assert ended.status is Status.COMPLETED
    assert ended.step == "Of 231: 1 asked to stop at their next item; 230 cancelled."
    assert stands(web, Status.CANCELLED) == set(waiting)
    assert stands(web, Status.QUEUED) == {*others, *later}
    assert web.services.store.get(running, None).cancel_requested
    page = root.get(f"/admin/tasks/{task.id}").text
    for words in ("night shift", "231 of 238", "priority low, of anna", ended.step):
        assert words in page, words
    history = web.services.store.history(waiting[0])
    assert (history[-1].event, history[-1].actor) == ("cancelled", "root")
    assert history[-1].detail == f"task {task.id}"
    done, begun = web.services.audit.recent(2)
    assert (done.action, done.subject, done.detail) == ("bulk cancel ended", task.id, ended.step)
    assert (begun.action, begun.actor, begun.address) == ("bulk cancel begun", "root", "127.0.0.1")
    assert begun.detail == "priority low, of anna: 231 of 238; why: night shift"
    assert (begun.before, begun.after) == ("", "")


@pytest.mark.req("7.5", "tasks")
def test_many_get_another_priority_and_those_that_wait_get_theirs_back(web: Web) -> None:
    """Each gets back what it had; one that was changed since keeps that."""
    low, normal = web.tasks(3, priority=Priority.LOW), web.tasks(2)
    high = web.tasks(1, priority=Priority.HIGH)
    task = ordered(web, "action=priority&to=high&kind=description")
    assert web.work_on(task.id).step == "Of 5: 5 given another priority."
    assert {web.services.store.get(one, None).priority for one in low + normal} == {Priority.HIGH}
    web.services.administration.reprioritise(low[0], Priority.URGENT, by=web.root.ref)
    root = web.by_session(web.root)
    assert "another change" in post(root, f"/admin/tasks/{task.id}/undo", why="too early")
    [undoing] = web.services.store.recent(None, limit=1)
    assert "Nothing was done" in post(root, f"/admin/tasks/{undoing.id}/undo", why="no")
    web.services.administration.cancel(low[0], by=web.root.ref)
    assert web.work_on(undoing.id).step == "Of 4: 4 given their priority back."
    found = {one: web.services.store.get(one, None).priority for one in [*low[1:], *normal, *high]}
    assert found == {
        **dict.fromkeys(low[1:], Priority.LOW),
        **dict.fromkeys(normal, Priority.NORMAL),
        **dict.fromkeys(high, Priority.HIGH),
    }


def test_an_order_that_cant_be_read_is_shown_as_that(web: Web) -> None:
    """As any other task: after a change of the key, say."""
    web.tasks(2)
    task = ordered(web, "action=priority&to=high")
    with web.services.database.write() as session:
        session.execute(update(TaskRow).where(TaskRow.id == task.id).values(settings="x"))
    root = web.by_session(web.root)
    page = root.get(f"/admin/tasks/{task.id}")
    assert page.status_code == 200
    assert "settings can" in page.text
    assert "Nothing was done" in post(root, f"/admin/tasks/{task.id}/undo", why="no")


def through(web: Web, task: Task) -> Task:
    """Work until a change of many is through; time passes while it waits."""
    for _ in range(20):
        task = web.work_on(task.id)
        if task.ended:
            return task
        work_off(web)
        elapse(web.services.database, 60)
    raise AssertionError(f"no end of {task}")


def test_moderators_give_no_order_again(web: Web) -> None:
    """One that failed changes many tasks when it is queued again, by whichever door."""
    web.tasks(2)
    task_id = ordered(web, "action=cancel").id
    with web.services.database.write() as session:
        row = update(TaskRow).where(TaskRow.id == task_id)
        session.execute(row.values(status=Status.FAILED))
    [odd] = web.tasks(1, Status.FAILED, kind="no longer there")
    mona = web.by_token(moderator(web))
    for path in (f"/api/v1/admin/tasks/{task_id}/requeue", f"/api/v1/tasks/{task_id}/requeue"):
        refused = problem(mona.post(path), 403)
        assert refused["detail"] == "Only an administrator may give this order again."
    assert mona.post(f"/api/v1/admin/tasks/{odd}/requeue").status_code == 200
    root = web.by_token(web.root)
    assert root.post(f"/api/v1/admin/tasks/{task_id}/requeue").status_code == 200


@pytest.mark.req("7.5", "tasks")
@pytest.mark.parametrize("mended", [False, True])
def test_dead_letters_go_through_a_canary(
    web: Web, monkeypatch: pytest.MonkeyPatch, *, mended: bool
) -> None:
    """One goes first, then ten; the others follow, or stay when those fail again."""
    monkeypatch.setitem(web.services.engine.kinds, KIND, Pretending(is_mended=mended))
    dead = web.tasks(130, Status.FAILED)
    task = ordered(web, "action=requeue&status=failed&category=fault")
    assert web.work_on(task.id).step.startswith("Waits for the first ones: 0 of 1")
    ended = through(web, task)
    assert ended.status is Status.COMPLETED
    if mended:
        assert ended.step.startswith("Of 130: 130 queued again. 1 of 1 ended well")
        assert through(web, task).items_failed == 0
        assert stands(web, Status.FAILED) == set()
    else:
        assert ended.step.startswith("Stopped by itself. Of 130: 1 queued again; 129 left as they")
        assert stands(web, Status.FAILED) == set(dead)
        page = web.by_session(web.root).get(f"/admin/tasks/{task.id}").text
        assert "0 of 1 ended well, 1 failed again" in page


def test_a_canary_whose_queue_is_paused_says_so(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its step and on its page, with who paused it; once that is over, it goes on."""
    monkeypatch.setitem(web.services.engine.kinds, KIND, Pretending(is_mended=True))
    web.tasks(30, Status.FAILED, priority=Priority.LOW)
    task = ordered(web, "action=requeue&status=failed&category=fault")
    administration = web.services.administration
    administration.pause(Priority.LOW, by=web.root.ref)
    waits = "Waits for the first ones: 0 of 1 ended well, 0 failed again"
    assert web.work_on(task.id).step == f"{waits}; the queue low is paused by root"
    page = web.by_session(web.root).get(f"/admin/tasks/{task.id}").text
    assert "the queue low is paused by root" in page
    administration.resume(Priority.LOW, by=web.root.ref)
    ended = through(web, task)
    assert ended.step.startswith("Of 30: 30 queued again. 1 of 1 ended well")


def test_a_wrong_wish_is_refused_in_words(web: Web) -> None:
    """Nothing is done to more than was meant: what can't be told is no filter."""
    root = web.by_session(web.root)
    web.tasks(2)
    for query in ("action=cancel&user=nobody", "action=cancel&status=odd", "action=odd", ""):
        assert root.get(f"{MANY}?{query}").status_code == 422, query
    assert root.get(f"{MANY}?action=priority").status_code == 422
    page, form = asked(root, "action=cancel")
    assert "Nothing was done" in post(root, MANY, **form, why=" ")
    assert "Nothing was done" in post(root, MANY, **form, why="x" * 501)
    assert "Nothing was done" in post(root, MANY, **form | {"until": "odd"}, why="x")
    assert len(stands(web, Status.QUEUED)) == 2
    first = ordered(web, "action=cancel&kind=description")
    refused = post(root, MANY, **form, why="again")
    assert f"Nothing was done: Task {first.id} is active" in refused
    web.work_on(first.id)
    page, _ = asked(root, "action=cancel")
    assert "<h1>There is no such task to cancel</h1>" in page
    assert "Nothing was done: There is no task" in post(root, MANY, **form, why="again")


def test_moderators_count_but_change_nothing(web: Web) -> None:
    """Many at once are an administrator's affair."""
    mona = web.by_session(web.services.users.create("mona", PASSWORD, role=Role.MODERATOR))
    web.tasks(2)
    assert MANY not in mona.get("/admin/tasks").text
    page, form = asked(mona, "action=cancel")
    assert "<strong data-applicable>2</strong>" in page
    assert mona.post(MANY, data={**form, "why": "x"}).status_code == 403


def test_the_list_finds_what_the_filter_says(web: Web) -> None:
    """By account, by time and by words of the error, too."""
    root = web.by_session(web.root)
    web.tasks(1, Status.FAILED, error="No 100% match.", account_id=web.account_id)
    web.tasks(2, Status.FAILED, finished_at=utcnow() - timedelta(days=2))
    yesterday = f"{utcnow() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    for query, count in (
        ("text=100%25", 1),
        ("text=broke", 2),
        (f"account={web.account_id}", 1),
        ("account=99999999999999999999", 0),
        ("status=faild", 0),
        (f"status=failed&since={yesterday}", 1),
        (f"status=failed&before={yesterday}", 2),
        (f"before={yesterday}", 0),
    ):
        page = root.get(f"/admin/tasks?{query}").text
        assert page.count('<th scope="row">') == count, query
