"""Administrators' pages: who sees what, and each action through HTTP."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests import support_web
from tests.servers import RedisServer
from tests.support_web import PASSWORD, Caller, Web, csrf_token, make_settings, make_web

from altwright.accounts.users import User
from altwright.db.session import utcnow
from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.tasks.alerting.rules import Finding, Severity
from altwright.web.admin import views
from altwright.web.admin.access import MODERATORS_MAY
from altwright.web.security import SAFE_METHODS

web = support_web.web

#: What stands in paths for their parts.
PARTS = {
    "name": "low",
    "task_id": support_web.NO_SUCH_TASK,
    "int:user_id": "99",
    "int:alert_id": "99",
    "int:token_id": "99",
}


def moderator(web: Web) -> User:
    """Return a moderator."""
    return web.services.users.create("mona", PASSWORD, role=Role.MODERATOR)


def routes(web: Web) -> list[tuple[str, str, str]]:
    """Return method, path and endpoint of all that is under /admin, pages and API."""
    found = []
    for rule in web.app.url_map.iter_rules():
        if not rule.rule.startswith(("/admin", "/api/v1/admin")):
            continue
        path = rule.rule
        for part, value in PARTS.items():
            path = path.replace(f"<{part}>", value)
        assert "<" not in path
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [(method, path, rule.endpoint) for method in methods]
    return found


def post(who: Caller, path: str, **form: str) -> str:
    """Send a form as its page would, follow, and return the page that comes."""
    token = who.headers["X-CSRFToken"]
    answer = who.post(path, data={"csrf_token": token, **form}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_every_route_asks_for_the_role(web: Web) -> None:
    """All routes are walked, with sessions and tokens: a new one without the check fails here."""
    mona = moderator(web)
    doors = ((web.by_session, True), (web.by_token, False))
    callers = [(enter(web.anna), enter(mona), enter(web.root), has) for enter, has in doors]
    walked = routes(web)
    assert len({path for _, path, _ in walked}) > 3
    for method, path, endpoint in walked:
        asked = f"{method} {path}"
        is_safe, is_api = method in SAFE_METHODS, path.startswith("/api/")
        body: dict[str, Any] = {"json": {}} if is_api and not is_safe else {}
        # A page of nobody's leads to where one signs in; a form without its session is refused.
        nobodys = 401 if is_api else 302 if is_safe else 400
        assert web.anonymous().call(method, path, **body).status_code == nobodys, asked
        for user, watching, root, has_session in callers:
            if not (has_session or is_api):  # no page is for programs
                for who in (user, watching, root):
                    assert who.call(method, path).status_code == nobodys, asked
                continue
            assert user.call(method, path, **body).status_code == 403, asked
            is_refused = watching.call(method, path, **body).status_code == 403
            assert is_refused == (not is_safe and endpoint not in MODERATORS_MAY), asked
            assert root.call(method, path, **body).status_code not in {401, 403, 500}, asked


def test_what_moderators_may_exists(tmp_path: Path, valkey: RedisServer) -> None:
    """The table names nothing that isn't there."""
    settings = make_settings(tmp_path, valkey.url, COMPATIBLE_ROUTES="true")
    web = make_web(settings)
    assert {rule.endpoint for rule in web.app.url_map.iter_rules()} >= MODERATORS_MAY
    web.close()


def test_the_link_is_for_those_who_may(web: Web) -> None:
    """Users see no way to what they may not see."""
    for who, may in ((web.anna, False), (moderator(web), True), (web.root, True)):
        assert ('href="/admin"' in web.by_session(who).get("/").text) == may


def test_actions_need_a_csrf_token(web: Web) -> None:
    """Another site can't make an administrator's browser pause a queue."""
    browser = web.by_session(web.root)
    refused = Caller(browser.client, {}).post("/admin/queues/low/pause")
    assert refused.status_code == 400


def test_queues_are_paused_resumed_and_cleared(web: Web) -> None:
    """Each action says what it did; clearing tells the number first."""
    root = web.by_session(web.root)
    assert "is paused" in post(root, "/admin/queues/normal/pause")
    assert "Paused by root" in root.get("/admin/queues").text
    assert "was paused already" in post(root, "/admin/queues/normal/pause")
    task = web.submit()
    page = root.get("/admin/queues/normal/clear").text
    assert csrf_token(page)
    assert "<strong data-count>1</strong>" in page
    assert "1 task of the queue normal cancelled" in post(root, "/admin/queues/normal/clear")
    assert web.services.store.get(task["id"], None).status == "cancelled"
    assert "goes on" in post(root, "/admin/queues/normal/resume")
    done = [(one.actor, one.action) for one in web.services.audit.recent()]
    assert done == [
        ("root", "queue resumed"),
        ("root", "queue cleared"),
        ("root", "queue paused"),
    ]
    assert root.get("/admin/queues/odd/clear").status_code == 404


def test_a_fallback_that_is_down_is_trouble_of_the_describer(web: Web) -> None:
    """No task waits for it; the dashboard doesn't contradict the alert on the same page."""
    root = web.by_session(web.root)
    assert "In trouble" not in root.get("/admin").text
    finding = Finding("describer_down", Severity.CRITICAL, "ollama: nothing listens there.")
    web.services.alerts.raise_(finding)
    assert "In trouble" in root.get("/admin").text


def test_tasks_of_everybody_are_found_by_what_they_are_like(web: Web) -> None:
    """Filters are in the address; what nobody has is no error, and what can't be shows nothing."""
    root = web.by_session(web.root)
    failed, waiting = web.failed(), web.submit()
    odd = "kind=captions&status=failed&delivery=odd"
    everything = root.get("/admin/tasks").text
    assert failed["id"][:8] in everything
    assert waiting["id"][:8] in everything
    for query, found in (
        ("status=failed", [failed]),
        ("status=queued&priority=normal", [waiting]),
        ("user=anna", [failed, waiting]),
        ("user=bert", []),
        ("user=nobody", []),
        ("category=authentication&status=failed", []),
        (odd, []),
        ("account=x", []),
    ):
        page = root.get(f"/admin/tasks?{query}").text
        shown = [task for task in (failed, waiting) if task["id"][:8] in page]
        assert shown == found, query
        is_mistyped = query in {"user=nobody", odd, "account=x"}
        assert ("There is no" in page) == is_mistyped, query
        assert ("So nothing is shown" in page) == is_mistyped, query
        assert ("No task is like that" in page) == (not found and not is_mistyped), query
    assert "There is no way of delivery “odd”" in root.get(f"/admin/tasks?{odd}").text


def test_all_that_match_are_counted(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what can be done to all of them: their number, on each page of the list."""
    monkeypatch.setattr(views, "TASKS_A_PAGE", 2)
    root = web.by_session(web.root)
    made = [web.failed()["id"] for _ in range(5)]
    for query, count in (("", 5), ("status=failed", 5), (f"status=failed&after={made[1]}", 5)):
        assert f"All that match: {count}<" in root.get(f"/admin/tasks?{query}").text, query
    assert "All that match" not in root.get("/admin/tasks?status=odd").text


def test_tasks_are_paged(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page begins where the one before ended, also of what has ended."""
    monkeypatch.setattr(views, "TASKS_A_PAGE", 2)
    root = web.by_session(web.root)
    made = [web.failed()["id"] for _ in range(5)]
    for query in ("", "status=failed"):
        seen: list[str] = []
        path = f"/admin/tasks?{query}"
        while path:
            page = root.get(path).text
            seen += re.findall(r'<th scope="row"><a href="/admin/tasks/([^"]+)"', page)
            older = re.search(r'href="([^"]+)">Older tasks', page)
            path = html.unescape(older[1]) if older else ""
        assert seen == made[::-1]


@pytest.mark.req("7.5", "audit log")
@pytest.mark.req("7.5", "tasks")
@pytest.mark.parametrize("role", ["mona", "root"])
def test_actions_on_one_task(web: Web, role: str) -> None:
    """Moderators do these, too; each is in the audit log, with before and after."""
    who = web.by_session(moderator(web) if role == "mona" else web.root)
    failed = web.failed()["id"]
    assert "queued again" in post(who, f"/admin/tasks/{failed}/requeue")
    assert "Nothing was done" in post(who, f"/admin/tasks/{failed}/requeue")
    page = post(who, f"/admin/tasks/{failed}/priority", priority="low")
    assert "priority is low" in page
    assert "normal → low" in page
    assert "cancelled" in post(who, f"/admin/tasks/{failed}/cancel")
    assert "Nothing was done" in post(who, f"/admin/tasks/{failed}/priority", priority="high")
    entries = web.services.audit.recent()
    assert [(one.action, one.before, one.after) for one in entries] == [
        ("task cancelled", "queued", "cancelled"),
        ("task reprioritised", "normal", "low"),
        ("task requeued", "failed", "queued"),
    ]
    assert {(one.actor, one.subject, one.address) for one in entries} == {
        (role, failed, "127.0.0.1")
    }
    assert who.post(f"/admin/tasks/{failed}/priority", data={"priority": "odd"}).status_code == 404


def test_dead_letters_are_shown_by_cause_and_time(web: Web) -> None:
    """Each group leads to its tasks, and to the question whether all are to be queued again."""
    root = web.by_session(web.root)
    assert "No task has failed for good" in root.get("/admin/failed").text
    web.tasks(3, Status.FAILED)
    web.tasks(2, Status.FAILED, finished_at=utcnow() - timedelta(hours=2))
    page = root.get("/admin/failed").text
    links = [html.unescape(one) for one in re.findall(r'href="([^"]+category=fault[^"]+)"', page)]
    assert len(links) == 4
    for link, count in zip((links[0], *links[2:]), (5, 3, 5), strict=True):
        assert root.get(link).text.count('<th scope="row">') == count
    assert "<strong data-applicable>5</strong>" in root.get(links[1]).text


def test_users_are_locked_out_and_given_roles(web: Web) -> None:
    """From the next request on; nobody changes themselves."""
    root, anna = web.by_session(web.root), web.by_session(web.anna)
    page = post(root, f"/admin/users/{web.anna.id}/role", role="moderator")
    assert "role of anna is moderator" in page
    assert anna.get("/admin/tasks").status_code == 200
    assert "locked out" in post(root, f"/admin/users/{web.anna.id}/active", active="no")
    assert anna.get("/admin/tasks").status_code == 302
    assert "may sign in again" in post(root, f"/admin/users/{web.anna.id}/active", active="yes")
    for path in ("role", "active"):
        own = f"/admin/users/{web.root.id}/{path}"
        assert root.post(own, data={"role": "user"}).status_code == 403
    entries = root.get("/admin/audit?by=root").text
    for words in ("Role given", '<td class="admin-table__words">moderator</td>', "127.0.0.1"):
        assert words in entries
    assert "No entry is like that" in root.get("/admin/audit?by=nobody").text
    of_role = root.get("/admin/audit?action=role+given&subject=anna").text
    assert of_role.count('<th scope="row">') == 1


def test_the_audit_log_is_read_page_by_page(web: Web) -> None:
    """Older entries are a step away, and the filter stays in the address."""
    root = web.by_session(web.root)
    for number in range(60):
        web.services.audit.add(web.root.ref, "role given", f"user{number}")
    first = root.get("/admin/audit?by=root").text
    assert "user59" in first
    assert "user9<" not in first
    [older] = re.findall(r'href="([^"]*after=[^"]*)"', first)
    second = root.get(html.unescape(older)).text
    assert "user9<" in second
    assert "user0<" in second
    assert "by=root" in older


HUGE, LARGE = "9" * 5000, "9" * 30
#: The first and the last moment that can be written, in places where it's another day in UTC.
FIRST, LAST = "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/admin/{page}={number}"
            for page in ("users?after", "alerts?after", "audit?after", "tasks?account")
            for number in (LARGE, HUGE)
        ),
        f"/admin/users/{LARGE}",
        f"/api/v1/admin/users/{LARGE}",
        *(
            f"{path}={at}"
            for path in (
                "/admin/tasks/many?action=cancel&until",
                "/api/v1/admin/tasks?since",
                "/api/v1/admin/tasks?status=failed&before",
                "/api/v1/admin/tasks/many?action=cancel&since",
            )
            for at in (FIRST, LAST)
        ),
    ],
    ids=lambda path: path[:60],
)
def test_no_address_is_a_fault_of_ours(web: Web, path: str) -> None:
    """Numbers that no database holds, and days that no calendar has, are answered."""
    assert web.by_session(web.root).get(path).status_code in {200, 404}


def test_what_no_database_looks_for_is_refused_before(web: Web) -> None:
    """PostgreSQL takes no such character, not even in a question."""
    root = web.by_session(web.root)
    for path in (
        *(f"/admin/{one}=%00" for one in ("users?name", "alerts?name", "audit?by", "tasks?text")),
        *(f"/api/v1/admin/{one}=%00" for one in ("users?name", "alerts?name", "audit?by")),
    ):
        assert root.get(path).status_code == 422, path
    assert root.get("/admin/tasks/%00").status_code == 404
    form = {"csrf_token": root.headers["X-CSRFToken"], "action": "cancel", "text": "\0"}
    assert root.post("/admin/tasks/many", data=form).status_code == 422


def test_no_form_is_a_fault_of_ours(web: Web) -> None:
    """The same of what forms say."""
    root = web.by_session(web.root)
    for path, form, status in (
        ("workers/scale", {"kind": "integrated", "least": HUGE}, 303),
        ("workers/take-over", {"task_id": support_web.NO_SUCH_TASK, "attempt": HUGE}, 404),
        ("workers/take-over", {"task_id": support_web.NO_SUCH_TASK, "attempt": LARGE}, 404),
        ("workers/take-over", {"task_id": "a\r\nb: c", "attempt": "1"}, 303),
        ("settings/limits", {"most_urgent": HUGE}, 422),
        (f"users/{web.bert.id}/limit", {"runs_per_day": HUGE}, 422),
        (f"users/{web.bert.id}/tokens/{LARGE}/revoke", {}, 404),
        (f"alerts/{LARGE}/acknowledge", {}, 404),
    ):
        data = {"csrf_token": root.headers["X-CSRFToken"], **form}
        assert root.post(f"/admin/{path}", data=data).status_code == status, path
