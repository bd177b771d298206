"""What administrators do to users: by page and REST API, each in the audit log."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests import support_web
from tests.support_engine import at_once
from tests.support_web import Caller, Web, csrf_token, sign_in

from altwright.accounts import password_links
from altwright.accounts.users import NOBODYS
from altwright.db.tables import UserRow
from altwright.db.task_tables import TaskRow
from altwright.domain.caption import Role
from altwright.errors import NotFound
from altwright.web.admin import users as users_page

web = support_web.web
API, PAGE = "/api/v1/admin/users", "/admin/users"
#: A password that somebody chooses.
CHOSEN = "battery staple"


def post(who: Caller, path: str, **form: str) -> str:
    """Send a form as its page would, follow, and return the page that comes."""
    data = {"csrf_token": who.headers["X-CSRFToken"], **form}
    return who.post(path, data=data, follow_redirects=True).text


def link_in(page: str) -> str:
    """Return the path of the link that a page shows."""
    found = re.search(r"http://localhost(/password/[\w=-]+)", page)
    assert found, page
    return found[1]


def choose(web: Web, link: str, password: str = CHOSEN, again: str | None = None) -> str:
    """Open a link in a new browser and choose a password; return the page that comes."""
    client = web.app.test_client()
    token = csrf_token(client.get(link).text)
    form = {"csrf_token": token, "password": password, "again": again or password}
    return client.post(link, data=form, follow_redirects=True).text


def may_sign_in(web: Web, username: str, password: str) -> bool:
    """Say whether that is their password."""
    return sign_in(web.app.test_client(), username, password).status_code == 302


def audit(web: Web) -> list[tuple[str, str, str]]:
    """Return who did what to whom, newest first."""
    return [(one.actor, one.action, one.subject) for one in web.services.audit.recent()]


@pytest.mark.req("7.5", "audit log")
def test_a_user_is_added_and_chooses_their_password(web: Web) -> None:
    """The link works once; the administrator has never seen a password."""
    root = web.by_session(web.root)
    page = post(root, PAGE, username="carla", email="carla@example.org", role="moderator")
    assert "carla is added" in page
    link = link_in(page)
    assert not may_sign_in(web, "carla", CHOSEN)
    assert "differ" in choose(web, link, CHOSEN, "another one")
    assert "at least 8 characters" in choose(web, link, "short")
    assert "Your password is set" in choose(web, link)
    assert may_sign_in(web, "carla", CHOSEN)
    assert root.get(link).status_code == 404
    assert audit(web) == [("carla", "password chosen", "carla"), ("root", "user created", "carla")]
    carla = web.services.users.by_name("carla")
    assert carla is not None
    assert (carla.role, carla.email) == (Role.MODERATOR, "carla@example.org")
    assert "never signed in" not in root.get(f"{PAGE}/{carla.id}").text


def test_what_is_wrong_with_a_new_user_is_said(web: Web) -> None:
    """Beside its field, with what was typed."""
    root = web.by_session(web.root)
    page = post(root, PAGE, username="ANNA", email="x@y", role="user")
    assert "is taken" in page
    assert 'value="ANNA"' in page
    assert "should be an e-mail address" in post(root, PAGE, username="carl", email="nowhere")
    assert root.post(PAGE, data={"username": "carl", "role": "odd"}).status_code == 404
    assert audit(web) == []


def test_a_password_is_reset(web: Web) -> None:
    """The old one and its sessions end at once; tokens stay."""
    root, anna, program = (
        web.by_session(web.root),
        web.by_session(web.anna),
        web.by_token(web.anna),
    )
    first = link_in(post(root, f"{PAGE}/{web.anna.id}/password"))
    assert anna.get("/tasks").status_code == 302
    assert program.get("/api/v1/tasks").status_code == 200
    assert not may_sign_in(web, "anna", support_web.PASSWORD)
    second = link_in(post(root, f"{PAGE}/{web.anna.id}/password"))
    assert root.get(first).status_code == 404
    choose(web, second)
    assert may_sign_in(web, "anna", CHOSEN)


@pytest.mark.parametrize("how", ["late", "locked", "odd", "sealed"])
def test_a_link_that_cant_be_used_says_so(
    web: Web, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Too old, of somebody locked out, made up, or something else that we have sealed."""
    users, links = web.services.users, web.services.people.links
    if how == "late":
        monkeypatch.setattr(password_links, "LASTS", timedelta(seconds=-1))
    link = links.make(web.anna)
    if how == "locked":
        users.set_active(web.anna.id, active=False)
    elif how == "odd":
        link = "/password/odd"
    elif how == "sealed":
        link = "/password/" + web.services.box.encrypt('{"max_posts_per_run": 1}')
    answer = web.anonymous().get(link)
    assert answer.status_code == 404
    assert "Ask an administrator for a new one." in answer.text


def test_no_password_is_as_slow_to_refuse_as_a_wrong_one(web: Web) -> None:
    """Nobody's hash is checked in its place, and what stands in the column is none."""
    made = web.services.users.create_without_password("carla")
    with web.services.database.read() as session:
        row = session.get(UserRow, made.id)
    assert row is not None
    assert row.password_hash.startswith(NOBODYS)
    assert not may_sign_in(web, "carla", row.password_hash)


def test_tokens_are_seen_and_revoked(web: Web) -> None:
    """By page and API; what they are is shown nowhere."""
    root, program = web.by_session(web.root), web.by_token(web.anna)
    [token] = root.get(f"{API}/{web.anna.id}").get_json()["tokens"]
    assert token.keys() == {"id", "name", "created_at"}
    path = f"{PAGE}/{web.anna.id}"
    assert "Revoke" in root.get(path).text
    assert root.post(f"{PAGE}/{web.bert.id}/tokens/{token['id']}/revoke").status_code == 404
    assert "counts no longer" in post(root, f"{path}/tokens/{token['id']}/revoke")
    assert program.get("/api/v1/tasks").status_code == 401
    web.by_token(web.anna)
    [token] = root.get(f"{API}/{web.anna.id}").get_json()["tokens"]
    again = f"{API}/{web.anna.id}/tokens/{token['id']}"
    assert root.call("DELETE", again).status_code == 204
    assert root.call("DELETE", again).status_code == 404
    assert audit(web) == [("root", "token revoked", "anna")] * 2


def test_the_email_is_changed(web: Web) -> None:
    """And removed; the log doesn't keep it."""
    root, path = web.by_session(web.root), f"{PAGE}/{web.anna.id}/email"
    assert "is noted" in post(root, path, email="anna@example.org")
    refused = post(root, path, email="nowhere")
    assert "should be an e-mail address" in refused
    assert 'value="nowhere"' in refused
    assert "is removed" in post(root, path, email="")
    assert "example.org" not in root.get("/admin/audit").text


def test_a_users_page_shows_accounts_without_secrets(web: Web) -> None:
    """Moderators see it, too, and get no buttons."""
    mona = web.services.users.create("mona", support_web.PASSWORD, role=Role.MODERATOR)
    for who, may in ((mona, False), (web.root, True)):
        page = web.by_session(who).get(f"{PAGE}/{web.anna.id}").text
        assert "anna@social.example" in page
        assert (">Reset the password" in page) == may
    assert web.by_session(web.root).get(f"{PAGE}/99").status_code == 404


def test_users_are_found_and_paged(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a part of the name, in any case; each page begins where the last one ended."""
    monkeypatch.setattr(users_page, "USERS_A_PAGE", 2)
    root = web.by_session(web.root)
    first = root.get(PAGE).text
    assert re.findall(r'data-user="(\w+)"', first) == ["anna", "bert"]
    more = re.search(r'href="([^"]*after=\d+)"', first)
    assert more
    rest = root.get(more[1].replace("&amp;", "&")).text
    assert re.findall(r'data-user="(\w+)"', rest) == ["root"]
    assert re.findall(r'data-user="(\w+)"', root.get(f"{PAGE}?name=NN").text) == ["anna"]
    assert "Nobody is called so" in root.get(f"{PAGE}?name=%25").text


def test_the_api_does_the_same(web: Web) -> None:
    """Added with a link, changed, locked out, and never oneself."""
    root = web.by_token(web.root)
    made = root.post(API, json={"username": "carla", "role": "moderator"})
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.get_json()
    choose(web, urlsplit(shown["link"]).path)
    path = f"{API}/{shown['id']}"
    changes = {"role": "user", "is_active": False, "email": "c@example.org"}
    changed = root.call("PATCH", path, json=changes)
    assert changed.status_code == 200, changed.text
    assert changed.get_json().items() >= changes.items()
    assert root.call("PATCH", path, json={"email": None}).get_json()["email"] is None
    assert not may_sign_in(web, "carla", CHOSEN)
    assert root.call("PATCH", path, json={"is_active": True}).get_json()["is_active"]
    assert may_sign_in(web, "carla", CHOSEN)
    reset = root.post(f"{path}/password")
    assert "/password/" in reset.get_json()["link"]
    assert not may_sign_in(web, "carla", CHOSEN)
    listed = root.get(f"{API}?name=car").get_json()["users"]
    assert [one["username"] for one in listed] == ["carla"]
    own = f"{API}/{web.root.id}"
    both = {"email": "r@example.org", "role": "user"}
    assert root.call("PATCH", own, json=both).status_code == 403
    assert root.get(own).get_json()["email"] is None
    assert root.call("PATCH", own, json={"email": "nowhere"}).status_code == 422
    assert root.call("PATCH", own, json={"is_active": False}).status_code == 403
    assert root.call("PATCH", path, json={"role": "king"}).status_code == 422
    assert root.get(f"{API}/99").status_code == 404


@pytest.mark.parametrize("how", ["page", "program"])
def test_two_administrators_who_remove_each_other_at_once(web: Web, how: str) -> None:
    """Each is still signed in: one stays all the same."""
    rita = web.services.users.create("rita", support_web.PASSWORD, role=Role.ADMIN)
    pairs = [(web.by_session(web.root), rita), (web.by_session(rita), web.root)]

    def remove(number: int) -> None:
        who, victim = pairs[number]
        if how == "page":
            post(who, f"{PAGE}/{victim.id}/active", active="no")
        else:
            who.call("PATCH", f"{API}/{victim.id}", json={"role": "user"})

    assert at_once(2, remove) == [None, None]
    left = [one for one in web.services.users.all() if one.role is Role.ADMIN and one.is_active]
    assert len(left) == 1


def test_the_last_administrator_stays_one_by_command_too(web: Web) -> None:
    """Whoever runs commands makes another one first."""
    for words in (("role", "root", "user"), ("deactivate", "root")):
        refused = web.command("user", *words)
        assert refused.returncode == 1
        assert "make somebody else an administrator first" in refused.stderr
    assert web.command("user", "role", "anna", "admin").returncode == 0
    assert web.command("user", "deactivate", "root").returncode == 0


def test_a_user_is_signed_out_everywhere(web: Web) -> None:
    """By page and API; password and tokens stay."""
    root, program = web.by_session(web.root), web.by_token(web.anna)
    first, second = web.by_session(web.anna), web.by_session(web.anna)
    assert "signed out everywhere" in post(root, f"{PAGE}/{web.anna.id}/sessions/end")
    assert {first.get("/tasks").status_code, second.get("/tasks").status_code} == {302}
    third = web.by_session(web.anna)
    assert third.get("/tasks").status_code == 200
    assert root.post(f"{API}/{web.anna.id}/sign-out").status_code == 204
    assert third.get("/tasks").status_code == 302
    assert program.get("/api/v1/tasks").status_code == 200
    assert audit(web) == [("root", "sessions ended", "anna")] * 2


def test_runs_a_day_are_limited(web: Web) -> None:
    """By the setting for all, and for one user; the refusal says when it is possible again."""
    root, program, people = web.by_session(web.root), web.by_token(web.anna), web.services.people

    def submit(**headers: str) -> Any:
        body = {"account_id": web.account_id}
        return program.post("/api/v1/tasks", json=body, headers=headers)

    web.services.live.change({"USER_RUNS_PER_DAY": 1}, by=web.root.ref)
    key = {"Idempotency-Key": "once"}
    first = submit(**key).get_json()
    assert submit(**key).get_json()["id"] == first["id"]
    web.services.queue.cancel(first["id"], by=web.anna.ref)
    refused = submit()
    assert refused.status_code == 429
    assert "You may start 1 run within a day; the next one is possible in 24 hours." in refused.text
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    page = post(root, f"{PAGE}/{web.anna.id}/limit", runs_per_day="2")
    assert "They may start 2 runs within a day" in page
    second = submit()
    assert second.status_code == 202
    web.services.queue.cancel(second.get_json()["id"], by=web.anna.ref)
    assert submit().status_code == 429
    with web.services.database.write() as session:
        session.get_one(TaskRow, first["id"]).created_at -= timedelta(days=1)
    assert submit().status_code == 202
    assert "any number of runs" in post(root, f"{PAGE}/{web.anna.id}/limit", runs_per_day="0")
    assert people.get(web.anna.id).runs_per_day == 0
    for wrong in ("-1", "many", "9" * 30):
        page = post(root, f"{PAGE}/{web.anna.id}/limit", runs_per_day=wrong)
        assert "should be a whole number" in page
        assert f'value="{wrong}"' in page
    assert "as the setting says" in post(root, f"{PAGE}/{web.anna.id}/limit", runs_per_day="")
    path = f"{API}/{web.anna.id}"
    assert root.call("PATCH", path, json={"runs_per_day": 5}).get_json()["runs_per_day"] == 5
    assert root.call("PATCH", path, json={}).get_json()["runs_per_day"] == 5
    assert root.call("PATCH", path, json={"runs_per_day": None}).get_json()["runs_per_day"] is None
    assert root.call("PATCH", path, json={"runs_per_day": -1}).status_code == 422
    changes = [(one.before, one.after) for one in web.services.audit.recent(2)]
    assert changes == [("5", "the setting's"), ("the setting's", "5")]


def test_administrators_start_as_many_runs_as_they_like(web: Web) -> None:
    """And so does the service."""
    services = web.services
    services.live.change({"USER_RUNS_PER_DAY": 1}, by=web.root.ref)
    for _ in range(3):
        task = services.queue.submit("captions", user=web.root.ref)
        services.queue.cancel(task.id, by=web.root.ref)


def test_a_link_works_once_also_at_the_same_moment(web: Web) -> None:
    """Of several who use it together one chooses the password; the others are told."""
    root = web.services.people
    link = root.reset_password(web.bert.id, by=web.root.ref).link.removeprefix("/password/")
    together = threading.Barrier(4)

    def chosen(number: int) -> bool:
        together.wait()
        try:
            root.choose_password(link, f"{CHOSEN} {number}", address="")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as people:
        used = list(people.map(chosen, range(4)))
    assert used.count(True) == 1
    assert may_sign_in(web, "bert", f"{CHOSEN} {used.index(True)}")
