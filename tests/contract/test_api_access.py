"""Who may call what: the matrix of routes and callers, CSRF, and the form of refusals."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from tests import support_web
from tests.support_web import NO_SUCH_TASK, Caller, Web, problem

from altwright.errors import DatabaseUnavailable, InvalidInput
from altwright.findings import OTHER
from altwright.web.api import requests
from altwright.web.api.blueprint import refuse

web = support_web.web

#: What each caller is answered: anonymous, owner, another user, administrator.
OWN, PRIVATE, ALL = "own", "private", "all"


@dataclass(frozen=True)
class Route:
    """A route, a request that its owner may make, and what others get for the same one."""

    method: str
    path: str
    success: int
    others: int
    admin: int
    body: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = [
    Route("POST", "/tasks", 202, 404, 404, {"account_id": "ACCOUNT"}),
    Route("GET", "/tasks", 200, 200, 200),
    Route("GET", "/tasks/TASK", 200, 404, 200),
    Route("GET", "/tasks/TASK/items", 200, 404, 200),
    Route("GET", "/tasks/TASK/history", 200, 404, 200),
    Route("POST", "/tasks/TASK/cancel", 200, 404, 200),
    Route("POST", "/tasks/FAILED/requeue", 200, 404, 200),
    Route("GET", "/accounts", 200, 200, 200),
    Route(
        "POST",
        "/accounts",
        201,
        201,
        201,
        {
            "platform": "mastodon",
            "url": "https://social.example",
            "token": "token",
        },
    ),
    Route("DELETE", "/accounts/ACCOUNT", 204, 404, 404),
    Route("GET", "/drafts", 200, 200, 200),
    Route("GET", "/drafts/DRAFT", 200, 404, 404),
    Route("PATCH", "/drafts/DRAFT", 200, 404, 404, {"text": "A cat."}),
    Route("POST", "/drafts/DRAFT/approve", 200, 404, 404),
    Route("POST", "/drafts/DRAFT/skip", 200, 404, 404),
    Route("POST", "/drafts/APPROVED/reopen", 200, 404, 404),
    Route("POST", "/drafts/DRAFT/describe", 202, 404, 404),
    Route("POST", "/drafts/approve", 200, 200, 200, {"ids": ["DRAFT"]}),
    Route("POST", "/drafts/skip", 200, 200, 200, {"ids": ["DRAFT"]}),
    Route("POST", "/drafts/publish", 202, 409, 409, {"ids": ["APPROVED"]}),
    Route("GET", "/admin/statistics", 403, 403, 200),
]


@pytest.fixture
def things(web: Web) -> dict[str, Any]:
    """Return things of anna's that the routes name."""
    draft, approved = web.drafts(2)
    web.services.drafts.approve(approved.id, web.anna.id)
    return {"ACCOUNT": web.account_id, "DRAFT": draft.id, "APPROVED": approved.id}


def _send(web: Web, route: Route, who: Caller, things: dict[str, Any]) -> Any:
    path = route.path
    if "TASK" in path and "TASK" not in things:
        things["TASK"] = web.submit()["id"]
    if "FAILED" in path and "FAILED" not in things:
        things["FAILED"] = web.failed()["id"]
    for name, value in things.items():
        path = path.replace(name, str(value))
    options: dict[str, Any] = {} if route.body is None else {"json": _filled(route.body, things)}
    return who.call(route.method, f"/api/v1{path}", **options)


def _filled(body: dict[str, Any], things: dict[str, Any]) -> dict[str, Any]:
    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return [fill(one) for one in value]
        return things.get(value, value)

    return {name: fill(value) for name, value in body.items()}


@pytest.mark.req("5.4", "own tasks only")
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_anonymous_callers_are_refused(web: Web, route: Route, things: dict[str, Any]) -> None:
    """Nobody gets anything without a session or a token, and is told how to authenticate."""
    response = _send(web, route, web.anonymous(), things)
    problem(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="altwright"'


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_owners_may(web: Web, route: Route, things: dict[str, Any]) -> None:
    """A user does everything with what is theirs."""
    response = _send(web, route, web.by_token(web.anna), things)
    assert response.status_code == route.success, response.text


@pytest.mark.req("5.4", "own tasks only")
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_others_may_not(web: Web, route: Route, things: dict[str, Any]) -> None:
    """Another user's things don't exist for a user; lists show their own, which is nothing."""
    response = _send(web, route, web.by_token(web.bert), things)
    assert response.status_code == route.others, response.text
    if response.status_code == 200:
        answer = response.get_json()
        lists = [answer[name] for name in ("tasks", "accounts", "drafts") if name in answer]
        assert not any(lists)
        assert answer.get("changed", 0) == 0


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_administrators_may_what_runs_the_service(
    web: Web, route: Route, things: dict[str, Any]
) -> None:
    """An administrator sees and stops anybody's tasks; drafts and accounts stay their owners'."""
    response = _send(web, route, web.by_token(web.root), things)
    assert response.status_code == route.admin, response.text


@pytest.mark.req("5.4", "own tasks only")
def test_everybodys_tasks_are_for_administrators(web: Web) -> None:
    """Only an administrator lists the tasks of all users, and only when they ask for it."""
    task = web.submit()
    root = web.by_token(web.root)
    shown = root.get("/api/v1/tasks?everybody=true").get_json()["tasks"]
    assert [one["id"] for one in shown] == [task["id"]]
    assert root.get("/api/v1/tasks").get_json() == {"tasks": []}
    problem(web.by_token(web.bert).get("/api/v1/tasks?everybody=true"), 403)


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer aw_wrong", "Bearer x", "Basic YW5uYTp4", "aw_wrong", "Bearer aw_\xff"],
)
def test_a_wrong_token_is_no_session(web: Web, header: str) -> None:
    """Who sends a wrong token is refused, signed in or not: no way round the CSRF check."""
    browser = web.by_session(web.anna)
    for who in (web.anonymous(), browser):
        refused = problem(who.get("/api/v1/tasks", headers={"Authorization": header}), 401)
        assert refused["detail"] == "This token is not valid."


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Token"])
def test_a_token_is_sent_as_a_bearers(web: Web, scheme: str) -> None:
    """A right token under another scheme is refused; who is let in isn't asked for another."""
    token = web.services.users.make_token(web.anna.id, "test")
    who = web.anonymous()
    problem(who.get("/api/v1/tasks", headers={"Authorization": f"{scheme} {token}"}), 401)
    let_in = who.get("/api/v1/tasks", headers={"Authorization": f"bearer {token}"})
    assert let_in.status_code == 200
    assert "WWW-Authenticate" not in let_in.headers


def test_who_acts_is_known_by_the_address_too(web: Web) -> None:
    """In a session and with a token; over a Unix socket there is none."""
    for who in (web.by_session(web.root), web.by_token(web.root)):
        for address in ("192.0.2.7", ""):
            who.client.environ_base["REMOTE_ADDR"] = address
            assert who.post("/api/v1/admin/queues/low/pause").status_code == 200
            assert who.post("/api/v1/admin/queues/low/resume").status_code == 200
            assert [one.address for one in web.services.audit.recent(2)] == [address] * 2


def test_inactive_users_are_out(web: Web) -> None:
    """A user who is set inactive can do nothing more, by token or by session."""
    program, browser = web.by_token(web.anna), web.by_session(web.anna)
    assert program.get("/api/v1/tasks").status_code == 200
    assert browser.get("/api/v1/tasks").status_code == 200
    web.services.users.set_active(web.anna.id, active=False)
    problem(program.get("/api/v1/tasks"), 401)
    problem(browser.get("/api/v1/tasks"), 401)


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method != "GET"], ids=str)
def test_sessions_need_a_csrf_token(web: Web, route: Route, things: dict[str, Any]) -> None:
    """Another site can't make a browser change anything; our own pages can."""
    browser = web.by_session(web.anna)
    refused = Caller(browser.client, {})
    problem(_send(web, route, refused, things), 400)
    forged = Caller(browser.client, {"X-CSRFToken": "IjAwIg.aaaa.bbbb"})
    problem(_send(web, route, forged, things), 400)
    assert _send(web, route, browser, things).status_code == route.success


@pytest.mark.req("10.3", "one documented shape")
@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("DELETE", "/api/v1/tasks", {}, 405),
        ("GET", "/api/v1/tasks/nonsense", {}, 422),
        ("GET", f"/api/v1/tasks/{NO_SUCH_TASK}", {}, 404),
        *(("GET", f"/api/v1/drafts/{one}", {}, 404) for one in (-1, 0, 2**70)),
        *(("DELETE", f"/api/v1/accounts/{one}", {}, 404) for one in (-1, 0, 2**70)),
        ("POST", f"/api/v1/drafts/1/texts/{2**70}/restore", {}, 404),
        ("GET", "/api/v1/tasks?limit=0", {}, 422),
        ("GET", "/api/v1/tasks?limit=201", {}, 422),
        ("GET", "/api/v1/tasks?limt=2", {}, 422),
        ("GET", "/api/v1/drafts?status=nonsense", {}, 422),
        ("GET", "/api/v1/drafts?cursor=nonsense", {}, 422),
        ("POST", "/api/v1/tasks", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/api/v1/tasks", {"data": "[" * 9999, "content_type": "application/json"}, 400),
        ("POST", "/api/v1/tasks", {"data": '{"a": NaN}', "content_type": "application/json"}, 400),
        ("POST", "/api/v1/tasks", {"data": "a=1", "content_type": "text/plain"}, 415),
        ("POST", "/api/v1/tasks", {"data": "x" * 300_000, "content_type": "text/plain"}, 413),
        ("POST", "/api/v1/tasks", {}, 422),
        ("POST", "/api/v1/tasks", {"json": []}, 422),
        ("POST", "/api/v1/tasks", {"json": "text"}, 422),
        ("PATCH", "/api/v1/drafts/1", {"json": {"text": "a\0b"}}, 422),
        ("PATCH", "/api/v1/drafts/1", {"json": {"text": "a\ud800b"}}, 422),
        ("POST", "/api/v1/drafts/approve", {"json": {"ids": []}}, 422),
        ("POST", "/api/v1/drafts/approve", {"json": {"ids": ["1"]}}, 422),
        ("POST", "/api/v1/drafts/approve", {"json": {"ids": [0, True, 2**64]}}, 422),
    ],
)
def test_refusals_are_problem_documents(
    web: Web, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    """Every refusal of the API has one form, and input that is wrong is named."""
    document = problem(web.by_token(web.anna).call(method, path, **options), status)
    if status == 400:
        assert "no JSON" in document["detail"]
    if status == 413:
        assert document["detail"] == "A request's body may have 262,144 bytes at most."
    if status == 422:
        assert document["fields"]
        assert all(document["fields"].values())


#: Values of every kind, none of which any input takes but a few.
JUNK = [None, True, -1, 1.5, 2**70, "x", "x\0" * 12_000, [], [None], ["x"] * 2000, {}, {"x": [1]}]
#: Words of pydantic's and of Python's that say nothing to whoever calls an API.
FOREIGN = re.compile(
    r"instance|valid|input|pydantic|dictionary|unable|[Nn]one\b|\bstr\b|\bint\b|[a-z][A-Z]|\{[a-z]"
)


def _models() -> list[type[BaseModel]]:
    found = [one for one in vars(requests).values() if inspect.isclass(one)]
    return [one for one in found if issubclass(one, BaseModel) and one is not BaseModel]


@pytest.mark.parametrize("model", _models(), ids=lambda model: model.__name__)
def test_what_is_wrong_with_an_input_is_said_in_our_words(model: type[BaseModel]) -> None:
    """Of every field, whatever is sent for it: no class, no type and no library's words."""
    said = set()
    is_text = issubclass(model, requests.Asked)  # a query, or headers
    junk = [one for one in JUNK if isinstance(one, str)] if is_text else JUNK
    inputs: list[Any] = [*JUNK, {"unknown": 1}]
    for name, field in model.model_fields.items():
        inputs += [{field.alias or name: one} for one in junk]
    for one in inputs:
        try:
            model.model_validate(one)
        except ValidationError as error:
            with pytest.raises(InvalidInput) as refused:
                refuse(error)
            said |= set(refused.value.fields.values())
    assert said
    assert OTHER not in said
    said = {re.sub(r"'[^']*'", "", words) for words in said}  # values that are ours
    assert not [words for words in sorted(said) if FOREIGN.search(words)]


@pytest.mark.req("11.6", "shown to users")
def test_what_nobody_foresaw_tells_nothing(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is answered with 500 and logged with its traceback; its words stay in the log."""

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("secret-words")

    monkeypatch.setattr(web.services.store.__class__, "recent", breaks)
    response = web.by_token(web.anna).get("/api/v1/tasks")
    problem(response, 500)
    assert "secret-words" not in response.text
    assert "secret-words" in caplog.text


def test_a_database_that_is_away_is_a_passing_trouble(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the database requests are answered with 503 and when to try again."""

    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("The database does not answer.")

    browser = web.by_session(web.anna)
    monkeypatch.setattr(web.services.users.__class__, "get", away)
    response = browser.get("/api/v1/tasks")
    assert problem(response, 503)["retry_in_s"] > 0
    assert int(response.headers["Retry-After"]) > 0
    page = browser.get("/")
    assert page.status_code == 503
    assert page.mimetype == "text/html"
    assert "does not answer" in page.text


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/api/v1/tasks", "/healthz"])
def test_every_answer_is_protected(web: Web, path: str) -> None:
    """Pages load nothing from elsewhere, run no inline code, and can't be framed or cached."""
    headers = web.anonymous().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
