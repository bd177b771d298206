"""Administrators' pages and routes of vision models: what they show, order and refuse."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from tests.pretend_hub import NAME, REPOSITORY, REVISION, PretendHub, pretend_hub
from tests.pretend_ollama import BLIND, SEES, PretendOllama
from tests.servers import RedisServer
from tests.support_leaves import serving
from tests.support_web import Web, make_settings, make_web, problem

from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.domain.worker import host_name
from altwright.tasks.store.items import PLAN_BATCH

API = "/api/v1/admin/models"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PretendHub]:
    """Run a pretend hub."""
    with pretend_hub(tmp_path / "hub") as made:
        yield made


@pytest.fixture
def ollama() -> Iterator[PretendOllama]:
    """Run a pretend Ollama."""
    made = PretendOllama()
    with serving(made.respond) as server:
        made.url = server.url
        yield made


@pytest.fixture
def web(
    tmp_path: Path, valkey: RedisServer, hub: PretendHub, ollama: PretendOllama
) -> Iterator[Web]:
    """Return the application beside both."""
    settings = make_settings(
        tmp_path, valkey.url, MODEL_HUB_URL=hub.url, MODEL_HUB_TIMEOUT=5, OLLAMA_URL=ollama.url
    )
    made = make_web(settings)
    yield made
    made.close()


def test_a_model_is_ordered_by_a_program(web: Web) -> None:
    """What the hub states is looked up first; one is got at a time."""
    root = web.by_token(web.root)
    assert root.get(API).get_json()["models"][0]["name"] == "smolvlm-500m"
    changed = root.post(API, json={"name": REPOSITORY, "revision": "4" * 40})
    assert "has changed on the hub" in problem(changed, 409)["detail"]
    ordered = root.post(API, json={"name": REPOSITORY, "revision": REVISION, "use": True})
    assert ordered.status_code == 202, ordered.text
    assert ordered.get_json()["kind"] == "model"
    again = problem(root.post(API, json={"name": "qwen3-vl-2b"}), 409)
    assert again["task_id"] == ordered.get_json()["id"]


def test_what_is_no_model_is_refused_in_words(web: Web, hub: PretendHub) -> None:
    """Unknown names, models that aren't here, and a hub in trouble."""
    root = web.by_token(web.root)
    assert "in the catalogue" in problem(root.post(API, json={"name": "gpt"}), 422)["detail"]
    assert "doesn't have" in problem(root.post(API, json={"name": "a/b"}), 422)["detail"]
    problem(root.post(f"{API}/{NAME}/use"), 404)
    problem(root.call("DELETE", f"{API}/{NAME}"), 404)
    hub.status = 500
    assert "in trouble" in problem(root.post(API, json={"name": REPOSITORY}), 503)["detail"]


def test_moderators_see_models_and_order_none(web: Web) -> None:
    """Only an administrator decides what describes."""
    web.services.users.set_role(web.bert.id, Role.MODERATOR)
    bert = web.by_token(web.bert)
    assert bert.get(API).status_code == 200
    problem(bert.post(API, json={"name": REPOSITORY}), 403)


def test_a_hubs_login_is_shown_to_nobody(tmp_path: Path, valkey: RedisServer) -> None:
    """A mirror may want one; moderators see the page as well."""
    url = "https://mirror:secret-word@hub.example/models"
    web = make_web(make_settings(tmp_path, valkey.url, MODEL_HUB_URL=url))
    try:
        root = web.by_session(web.root)
        pages = [root.get(f"/admin/models{one}").text for one in ("", "/get?name=smolvlm-500m")]
        assert all("https://hub.example/models" in page for page in pages)
        assert not any("secret-word" in page for page in pages)
    finally:
        web.close()


def test_ollamas_vision_models_are_offered(web: Web, ollama: PretendOllama) -> None:
    """Those that see pictures; one is chosen by a button, and the page says which describes."""
    root = web.by_session(web.root)
    page = root.get("/admin/models/ollama").text
    assert SEES in page
    assert BLIND not in page
    form = {"csrf_token": root.headers["X-CSRFToken"], "name": SEES}
    chosen = root.post("/admin/models/ollama/use", data=form, follow_redirects=True)
    assert f"{SEES} describes from now on" in chosen.text
    current = web.services.live.current
    assert (current.describer, current.ollama_model) == ("ollama", SEES)
    ollama.is_broken = True
    assert "is in trouble" in root.get("/admin/models/ollama").text


def test_a_host_without_the_model_says_so(web: Web) -> None:
    """On the page and to a balancer, which goes on sending: pages need no model."""
    root = web.by_session(web.root)
    roster = web.services.engine.roster
    web.services.live.change({"DESCRIBER": "model", "MODEL_NAME": "qwen3-vl-2b"}, by=web.root.ref)
    assert "MODEL_NAME: qwen3-vl-2b isn't here" in unescape(root.get("/admin/models").text)
    assert "describer" not in root.get("/readyz").get_json()  # nobody describes here
    roster.seen(["w"], kind="integrated", host=host_name(), pid=1)
    ready = root.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["describer"] == "not on this host"


@pytest.mark.parametrize("is_locked_out", [False, True])
def test_whoever_is_no_administrator_any_more_changes_no_describer(
    web: Web, *, is_locked_out: bool
) -> None:
    """What they ordered is fetched, and another administrator decides what describes."""
    users = web.services.users
    users.set_role(web.bert.id, Role.ADMIN)
    bert = users.get(web.bert.id)
    assert bert is not None
    task = web.services.local_models.pull("plain", by=bert.ref)
    if is_locked_out:
        users.set_active(bert.id, active=False)
    else:
        users.set_role(bert.id, Role.USER)
    ended = web.work_on(task.id)
    assert (ended.status, ended.items_done, ended.items_skipped) == (Status.COMPLETED, 1, 1)
    assert "describes" not in ended.step
    assert web.services.live.current.describer == "offline"


@pytest.mark.parametrize(("name", "sees"), [("plain", True), ("words", False)])
def test_a_model_of_ollamas_library_is_named_as_ollama_takes_it(
    web: Web, ollama: PretendOllama, name: str, *, sees: bool
) -> None:
    """A name may lack its ":latest", and a page may ask about fewer models than there are."""
    ollama.has |= {f"a{number:02}:1b": ["completion"] for number in range(40)}
    task = web.services.local_models.pull(name, by=web.root.ref)
    ended = web.work_on(task.id)
    assert (ended.status, ended.items_skipped) == (Status.COMPLETED, int(not sees))
    assert (web.services.live.current.ollama_model == name) == sees


def test_a_model_of_any_size_can_be_ordered(web: Web, hub: PretendHub) -> None:
    """Of one of 20 GB or of a terabyte the pieces are larger, so that they are no more."""
    projector = next(name for name in hub.files if "mmproj" in name)
    hub.stated[projector] = {"size": 10**12}
    ordered = web.by_token(web.root).post(API, json={"name": REPOSITORY})
    assert ordered.status_code == 202, ordered.text
    assert ordered.get_json()["items"]["total"] <= PLAN_BATCH
