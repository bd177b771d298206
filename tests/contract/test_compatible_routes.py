"""The replaced system's routes, as a program uses them that knows nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_compatible import Deployment, deployed
from tests.support_domain import picture_server
from tests.support_vedfolnir_client import VedfolnirClient
from tests.support_web import NO_SUCH_TASK, PASSWORD, make_settings, make_web

from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.errors import PlatformRefused

ROUTES = Path(__file__).parents[2] / "docs/reference/compatible-routes.md"
STATUS, RESULTS = "/api/caption_generation/status", "/api/caption_generation/results"


@pytest.fixture
def there(tmp_path: Path, valkey: RedisServer) -> Iterator[Deployment]:
    """Return the application in the place of the replaced one; anna has two pictures."""
    with picture_server() as pictures, deployed(tmp_path, valkey, pictures) as made:
        made.post(1, "", "")
        made.post(2, "It has a text.")
        yield made


@pytest.fixture
def anna(there: Deployment) -> VedfolnirClient:
    """Return anna's program."""
    return VedfolnirClient(there.url, "anna", PASSWORD)


@pytest.fixture
def root(there: Deployment) -> VedfolnirClient:
    """Return an administrator's program."""
    return VedfolnirClient(there.url, "root", PASSWORD)


def is_naive(text: str) -> bool:
    """Return whether this is an ISO time without a zone."""
    return datetime.fromisoformat(text).tzinfo is None


def start(client: VedfolnirClient, **fields: Any) -> str:
    """Start a run; return its id."""
    data = client.send_form("/caption/start", **fields)["data"]
    assert uuid.UUID(data["task_id"]).version == 4
    return str(data["task_id"])


def test_a_run_is_started_followed_and_gives_its_results(
    there: Deployment, anna: VedfolnirClient
) -> None:
    """From the form to the results, in the shapes of before."""
    task_id = start(anna, max_posts_per_run="5", processing_delay="0", reprocess_existing="")
    short = anna.get(f"/caption/api/status/{task_id}")
    assert (short["status"], short["progress"], short["synchronized"]) == ("queued", 0, False)
    assert {"current_step", "message"} <= short.keys()
    assert task_id in anna.send_form("/caption/start", 400)["error"]  # one at a time
    waiting = anna.get(f"{STATUS}/{task_id}")["status"]
    assert waiting["task_id"] == task_id
    assert "results" not in waiting
    assert is_naive(waiting["created_at"])
    assert (waiting["started_at"], waiting["completed_at"], waiting["error_message"]) == (None,) * 3
    anna.get(f"{RESULTS}/{task_id}", 400)
    with there.working():
        wait_until(lambda: anna.get(f"/caption/api/status/{task_id}")["status"] == "completed")
    assert anna.get(f"/caption/api/status/{task_id}")["progress"] == 100
    done = anna.get(f"{STATUS}/{task_id}")["status"]
    assert done["progress_percent"] == 100
    assert is_naive(done["completed_at"])
    results = anna.get(f"{RESULTS}/{task_id}")["results"]
    assert results == done["results"]
    assert results.pop("processing_time_seconds") >= 0
    ids = results.pop("generated_image_ids")
    assert len(ids) == 2
    assert results == {
        "task_id": task_id,
        "posts_processed": 1,
        "images_processed": 2,
        "captions_generated": 2,
        "errors_count": 0,
        "skipped_existing": 0,
        "error_details": [],
    }


def test_the_older_routes_cancel_and_retry(there: Deployment, anna: VedfolnirClient) -> None:
    """A waiting run is cancelled once; one that failed goes on, and nothing else does."""
    started = anna.send("/start_caption_generation", data={"max_posts_per_run": "5"})
    assert started["redirect_url"] == "/review/batches"
    first = str(started["task_id"])
    assert anna.send(f"/caption/api/cancel/{first}")["message"]
    assert anna.get(f"{STATUS}/{first}")["status"]["status"] == "cancelled"
    for path in ("/caption/api/cancel", "/api/caption_generation/cancel"):
        anna.send(f"{path}/{first}", 400)
    anna.send(f"/api/caption_generation/retry/{first}", 400)

    def refuse(method: str) -> None:
        raise PlatformRefused("The server has no such account.")

    there.web.platform.before = refuse
    second = start(anna)
    with there.working():
        wait_until(lambda: anna.get(f"{STATUS}/{second}")["status"]["status"] == "failed")
        failed = anna.get(f"{STATUS}/{second}")["status"]
        assert failed["error_message"] == "The server has no such account."
        assert anna.get(f"/caption/api/status/{second}")["message"] == failed["error_message"]
        assert anna.get(f"{RESULTS}/{second}")["results"]["captions_generated"] == 0
        there.web.platform.before = lambda _: None
        again = anna.send(f"/api/caption_generation/retry/{second}")["task_id"]
        wait_until(lambda: anna.get(f"{STATUS}/{again}")["status"]["status"] == "completed")
    assert anna.get(f"{RESULTS}/{again}")["results"]["captions_generated"] == 2


RANGES = {
    "max_posts_per_run": ("0", "501", "many"),
    "processing_delay": ("-1", "10.5", "nan"),
    "max_caption_length": ("49", "2001"),
    "optimal_min_length": ("19", "501"),
    "optimal_max_length": ("49", "1001", "100", "501"),
    "reprocess_existing": ("perhaps",),
    "account_id": ("99999999999999999999", "x"),
}
WRONG = [(name, value) for name, values in RANGES.items() for value in values]


def test_what_is_out_of_range_is_named(there: Deployment, anna: VedfolnirClient) -> None:
    """400 with each field and what is wrong with it; nothing is started."""
    for name, value in WRONG:
        details = anna.send_form("/caption/start", 400, **{name: value})["details"]
        assert f"{name}: " in "".join(details), (name, value)
    older = "/start_caption_generation"
    details = anna.send_form(older, 400, max_posts_per_run="0", processing_delay="11")["details"]
    assert [one.partition(":")[0] for one in details] == ["max_posts_per_run", "processing_delay"]
    assert there.web.services.store.recent(there.web.anna.id) == []
    widest = {"max_posts_per_run": "500", "processing_delay": "10", "max_caption_length": "2000"}
    anna.send_form(older, **widest, optimal_min_length="500", optimal_max_length="1000")


def test_who_may_is_asked_as_everywhere(there: Deployment, anna: VedfolnirClient) -> None:
    """401, 403, 404 and a missing token, in the envelope; somebody else's task is none."""
    web = there.web
    task_id = start(anna)
    bert = VedfolnirClient(there.url, "bert", PASSWORD)
    bert.get(f"{STATUS}/{task_id}", 404)
    bert.send(f"/caption/api/cancel/{task_id}", 404)
    bert.send("/caption/start", 400)  # he has no account
    bert.send_form("/caption/start", 404, account_id=web.account_id)
    for path in (STATUS, RESULTS, "/caption/api/status"):
        anna.get(f"{path}/{NO_SUCH_TASK}", 404)
    anna.get(f"{STATUS}/7", 400)
    anna.get("/caption/api/status/%00", 404)
    anna.get("/admin/api/jobs", 403)
    anna.send(f"/admin/api/jobs/{task_id}/priority", 403, method="PUT", json={"priority": "low"})
    nobody = web.anonymous()
    for path in (f"{STATUS}/{task_id}", "/admin/api/jobs"):
        answer = nobody.get(path)
        assert (answer.status_code, answer.get_json()["success"]) == (401, False)
    answer = web.by_session(web.anna).client.post(f"/caption/api/cancel/{task_id}")
    assert (answer.status_code, answer.get_json()["success"]) == (400, False)
    assert "CSRF" in answer.get_json()["error"]
    assert anna.get(f"{STATUS}/{task_id}")["status"]["status"] == "queued"


def test_jobs_of_everybody(
    there: Deployment,
    anna: VedfolnirClient,
    root: VedfolnirClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Listed by state and user and in pages; given another priority, cancelled, restarted."""
    web = there.web
    many = web.tasks(3, kind="captions", account_id=web.account_id)
    listed = root.get("/admin/api/jobs", status="queued", user_id=web.anna.id, limit=2, offset=1)
    assert (listed["total"], listed["limit"], listed["offset"]) == (3, 2, 1)
    assert {one["task_id"] for one in listed["jobs"]} < set(many)
    assert {one["user_id"] for one in listed["jobs"]} == {web.anna.id}
    assert root.get("/admin/api/jobs", status="failed")["jobs"] == []
    for wrong in ({"status": "lost"}, {"limit": 0}, {"offset": -1}, {"user_id": "x"}):
        assert root.get("/admin/api/jobs", 400, **wrong)["details"]
    job = f"/admin/api/jobs/{many[0]}"
    root.send(f"{job}/priority", method="PUT", json={"priority": "urgent"})
    assert root.send(f"{job}/priority", 400, method="PUT", json={"priority": "x"})["details"]
    first, *_ = (one for one in root.get("/admin/api/jobs")["jobs"] if one["task_id"] == many[0])
    assert first["priority"] == "urgent"
    root.send(f"{job}/cancel", 400, json={"reason": "two\nlines"})
    with caplog.at_level("INFO"):
        told = root.send(f"{job}/cancel", 400, json={"reason": "x" * 501})["details"]
    assert f"POST {job}/cancel: 400 " in caplog.text
    assert told == ["reason: should have 500 characters at most"]
    root.send(f"{job}/cancel", json={"reason": "Too many at once."})
    assert web.services.store.history(many[0])[-1].detail == "Too many at once."
    (entry,) = web.services.audit.recent(action="task cancelled")
    assert (entry.actor, entry.subject, entry.detail) == ("root", many[0], "Too many at once.")
    assert anna.get(f"{STATUS}/{many[0]}")["status"]["status"] == "cancelled"
    root.send(f"{job}/restart", 400)
    (failed,) = web.tasks(1, Status.FAILED, kind="captions")
    assert root.send(f"/admin/api/jobs/{failed}/restart")["new_task_id"] == failed
    assert root.get(f"{STATUS}/{failed}")["status"]["status"] == "queued"


def test_a_viewer_looks_only(there: Deployment) -> None:
    """By the routes of before, the REST API, page and socket: what is theirs is seen and stays."""
    web = there.web
    task_id = web.submit()["id"]
    (draft,) = web.drafts()
    web.services.users.set_role(web.anna.id, Role.VIEWER)
    anna = VedfolnirClient(there.url, "anna", PASSWORD)
    assert anna.get(f"{STATUS}/{task_id}")["status"]["status"] == "queued"
    anna.send("/caption/start", 403)
    anna.send(f"/caption/api/cancel/{task_id}", 403)
    program, browser = web.by_token(web.anna), web.by_session(web.anna)
    assert program.get("/api/v1/drafts").get_json()["drafts"][0]["id"] == draft.id
    approval, cancel = f"drafts/{draft.id}/approve", f"tasks/{task_id}/cancel"
    for path in (approval, cancel, "drafts/publish", "tasks"):
        for caller in (program, browser):
            refused = caller.post(f"/api/v1/{path}", json={})
            assert refused.status_code == 403, path
            assert refused.get_json()["detail"].startswith("You may look only"), path
    assert 'data-act="approve"' not in browser.get("/review").text
    assert "data-start-form" not in browser.get("/").text
    assert web.services.store.get(task_id, None).status is Status.QUEUED


def test_without_the_setting_they_are_not_there(tmp_path: Path, valkey: RedisServer) -> None:
    """Nobody who doesn't need them has them."""
    web = make_web(make_settings(tmp_path, valkey.url))
    rules = {rule.rule for rule in web.app.url_map.iter_rules()}
    web.close()
    assert rules.isdisjoint({"/caption/start", "/api/csrf-token", "/admin/api/jobs"})


def test_every_route_is_documented(there: Deployment) -> None:
    """The page names each with its method."""
    page = ROUTES.read_text()
    rules = [rule for rule in there.web.app.url_map.iter_rules() if "compatible" in rule.endpoint]
    assert len(rules) == 14
    for rule in rules:
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert f"`{method} {rule.rule.replace('<task_id>', 'ID')}`" in page
