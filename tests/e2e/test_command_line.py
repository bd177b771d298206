"""Everything without a browser: commands and the REST API, on a running service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path
from socket import gethostname
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from tests.support import wait_until
from tests.support_leaves import TOKEN, MastodonServer, mastodon_server, serving
from tests.support_models import ModelServerDouble
from tests.support_service import Service, running

SENTENCE = "A black cat sleeps on a red chair."


@pytest.fixture(scope="module")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonServer]:
    """Run a pretend Mastodon server."""
    with mastodon_server(tmp_path_factory.mktemp("mastodon")) as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, mastodon: MastodonServer) -> Iterator[Service]:
    """Run the service with an OpenAI-compatible describer."""
    double = ModelServerDouble("openai", SENTENCE)
    with serving(double.respond) as models:
        settings = {
            "DESCRIBER": "openai",
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "OPENAI_MODEL": "eyes:7b",
            "ALLOWED_PRIVATE_HOSTS": urlsplit(mastodon.url).netloc,
        }
        with running(Service(tmp_path, settings), "serve") as made:
            yield made


@pytest.mark.req("10.1", "the same in every mode")
def test_from_no_user_to_published_texts(service: Service, mastodon: MastodonServer) -> None:
    """Commands make user, token and account; the API describes, edits, approves and publishes."""
    mastodon.reset()
    media = [mastodon.upload() for _ in range(2)]
    post = mastodon.post("My cat, twice.", media, spoiler_text="cats", language="en")

    made = service.command("user", "create", "anna", "--token")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert re.fullmatch(r"aw_[\w-]{43}", token)
    arguments = ("--user", "anna", "--url", mastodon.url, "--token", TOKEN)
    account = service.json("account", "add", *arguments)
    assert account["acct"].startswith("ada@")
    assert TOKEN not in str(service.json("account", "list", "--user", "anna"))

    context = ("account", "context", str(account["id"]), "--user", "anna")
    said = service.json(*context, "--names", "Mia is my cat.", "--tone", "warm")
    assert (said["names"], said["tone"], said["version"]) == ("Mia is my cat.", "warm", 1)
    changed = service.json(*context, "--never-name-people")
    assert changed == said | {"never_name_people": True, "version": 2}
    assert service.json(*context) == changed

    body = {"account_id": account["id"]}
    key = {"Idempotency-Key": "once"}
    first = service.api(token, "POST", "/tasks", json=body, headers=key)
    assert first.status_code == 202
    again = service.api(token, "POST", "/tasks", json=body, headers=key)
    assert again.json()["id"] == first.json()["id"]
    task = first.json()["id"]
    ended(service, token, task)
    shown = service.json("task", "show", task)
    assert shown["items"] == {"total": 2, "done": 2, "failed": 0, "skipped": 0}
    assert [one["event"] for one in shown["history"]] == ["queued", "claimed", "completed"]
    assert task in service.command("task", "list").stdout

    drafts = service.api(token, "GET", "/drafts").json()["drafts"]
    assert {draft["text"] for draft in drafts} == {SENTENCE}
    assert {draft["model"] for draft in drafts} == {"eyes:7b"}
    one, two = (draft["id"] for draft in drafts)
    service.api(token, "PATCH", f"/drafts/{one}", json={"text": "Mia asleep."})
    refused = service.api(token, "POST", "/drafts/publish", json={"ids": [one, two]})
    assert refused.status_code == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    for draft in (one, two):
        assert service.api(token, "POST", f"/drafts/{draft}/approve", json={}).ok
    publishing = service.api(token, "POST", "/drafts/publish", json={"ids": [one, two]}).json()
    ended(service, token, publishing["id"])
    published = mastodon.call("GET", f"/api/v1/statuses/{post}")
    assert {one["description"] for one in published["media_attachments"]} == {
        "Mia asleep.",
        SENTENCE,
    }
    assert [one["id"] for one in published["media_attachments"]] == media
    assert (published["spoiler_text"], published["language"]) == ("cats", "en")


def test_submitting_and_cancelling_by_command(service: Service, mastodon: MastodonServer) -> None:
    """Commands submit and cancel; a second active task is refused by name."""
    mastodon.reset()
    service.command("user", "create", "ben", "--token")
    service.json("account", "add", "--user", "ben", "--url", mastodon.url, "--token", TOKEN)
    for number in range(3):
        mastodon.post(f"Post {number}", [mastodon.upload()])
    slow = ("--setting", "processing_delay=10")
    task = service.json("task", "submit", "--user", "ben", *slow)
    second = service.command("task", "submit", "--user", "ben")
    assert second.returncode == 1
    assert f"Task {task['id']} is active" in second.stderr
    service.json("task", "cancel", task["id"])
    wait_until(lambda: service.json("task", "show", task["id"])["status"] == "cancelled")


def test_wrong_words_are_explained(service: Service) -> None:
    """A mistake on the command line gets a line that helps, not a traceback."""
    service.command("user", "create", "carl", "--token")
    mistakes = {
        ("task", "submit", "--user", "nobody"): "There is no user 'nobody'",
        ("task", "submit", "--user", "carl"): "carl has 0 accounts",
        ("user", "create", "carl", "--token"): "carl",
        ("user", "create", "a b", "--token"): "name",
        ("task", "show", "3f2b8c1e"): "'3f2b8c1e' is none",
        ("account", "add", "--user", "carl", "--url", "ftp://x", "--token", "t"): "https://",
        ("account", "add", "--user", "carl", "--url", "http://10.0.0.1", "--token", "t"): "private",
        ("account", "add", "--user", "carl", "--url", "https://a.example"): "Access token: missing",
        ("user", "password", "carl"): "Password: missing",
        ("account", "context", "99", "--user", "carl"): "no such account",
        ("account", "context", "1", "--user", "carl", "--tone", "angry"): "'playful'",
    }
    for arguments, words in mistakes.items():
        done = service.command(*arguments)
        assert done.returncode in {1, 2}, arguments
        assert words in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_refused_private_host_is_named_as_it_has_to_be_set(
    service: Service, mastodon: MastodonServer
) -> None:
    """The value that allows it keeps what is allowed already; with it, the command goes on."""
    service.command("user", "create", "dora", "--token")
    allowed = service.settings["ALLOWED_PRIVATE_HOSTS"]
    service.settings["ALLOWED_PRIVATE_HOSTS"] = "10.9.8.7:3000"
    arguments = ("account", "add", "--user", "dora", "--url", mastodon.url)
    refused = service.command(*arguments, typed=f"{TOKEN}\n")
    assert refused.returncode == 1
    value = re.search(r"ALLOWED_PRIVATE_HOSTS=(\S+) allows it", refused.stderr)
    assert value is not None, refused.stderr
    assert value[1].split(",") == sorted(["10.9.8.7:3000", allowed])
    service.settings["ALLOWED_PRIVATE_HOSTS"] = value[1]
    assert service.command(*arguments, typed=f"{TOKEN}\n").returncode == 0


def test_secrets_are_read_from_stdin(service: Service) -> None:
    """No argument holds them, so `ps` shows them to nobody."""
    made = service.command("user", "create", "emil", typed="a long pass phrase\n")
    assert made.returncode == 0, made.stderr
    changed = service.command("user", "password", "emil", typed="another long phrase\n")
    assert changed.returncode == 0, changed.stderr
    moved = service.command("redis", "use", typed="redis://:sesame@127.0.0.1:1/0\n")
    assert "nothing listens there" in moved.stderr
    assert "sesame" not in moved.stderr


def ended(service: Service, token: str, task: str) -> dict[str, Any]:
    """Wait until a task has completed."""

    def completed() -> dict[str, Any] | None:
        shown: dict[str, Any] = service.api(token, "GET", f"/tasks/{task}").json()
        assert shown["status"] in {"queued", "running", "completed"}, shown
        return shown if shown["status"] == "completed" else None

    return wait_until(completed, 180) or {}


@pytest.mark.req("7.5", "audit log")
def test_what_administrates_by_command_is_in_the_audit_log(service: Service) -> None:
    """Who, what and on what, with before and after where something was before."""
    for arguments in (
        ("user", "create", "bob", "--token"),
        ("user", "role", "bob", "moderator"),
        ("user", "token", "bob"),
        ("user", "deactivate", "bob"),
        ("user", "activate", "bob"),
        ("workers", "limits", "--max", "low=2"),
        ("workers", "limits", "--reset"),
    ):
        done = service.command(*arguments)
        assert done.returncode == 0, done.stderr
    entries = service.json("audit")[:7][::-1]
    shown = ("action", "subject", "detail", "before", "after")
    assert [tuple(one[name] for name in shown) for one in entries[:5]] == [
        ("user created", "bob", "user", "", ""),
        ("role given", "bob", "", "user", "moderator"),
        ("token made", "bob", "command line", "", ""),
        ("user deactivated", "bob", "", "", ""),
        ("user activated", "bob", "", "", ""),
    ]
    set_to, reset = entries[5:]
    assert set_to["after"] == reset["before"] == "low: 2 at a time"
    assert {one["address"] for one in entries} == {f"{getuser()}@{gethostname()}"}
    instants = re.findall(r"\d{4}-\d\d-\d\dT\S+", service.command("audit").stdout)
    assert len(instants) >= len(entries)
    assert [one for one in instants if "." in one] == []  # nobody reads microseconds


@pytest.mark.req("7.5", "audit log")
def test_people_are_looked_after_by_command(service: Service) -> None:
    """Added with a link, reset, noted, revoked, shown; the running service serves the link."""
    made = service.json("user", "create", "gina", "--link")
    assert requests.get(service.url + made["link"], timeout=60).status_code == 200
    reset = service.command("user", "reset", "gina")
    assert requests.get(service.url + made["link"], timeout=60).status_code == 404
    page = requests.get(service.url + reset.stdout.strip(), timeout=60)
    assert "You will sign in as <strong>gina</strong>" in page.text
    service.command("user", "email", "gina", "gina@example.org")
    service.command("user", "token", "gina", "--name", "script")
    assert service.command("user", "limit", "gina", "few").returncode == 2
    service.command("user", "limit", "gina", "4")
    service.command("user", "sign-out", "gina")
    shown = service.json("user", "show", "gina")
    assert shown["runs_per_day"] == 4
    assert shown["email"] == "gina@example.org"
    assert "script" in service.command("user", "show", "gina").stdout
    [token] = shown["tokens"]
    assert service.command("user", "revoke", "gina", str(token["id"])).returncode == 0
    gone = service.command("user", "revoke", "gina", str(token["id"]))
    assert (gone.returncode, gone.stderr) == (1, "altwright: There is no such token.\n")
    assert [one["action"] for one in service.json("audit")[:7][::-1]] == [
        "user created",
        "password reset",
        "e-mail changed",
        "token made",
        "runs a day limited",
        "sessions ended",
        "token revoked",
    ]


def test_settings_are_changed_by_command(service: Service) -> None:
    """All of them or none; what is wrong is said in words, and the way back is one command."""
    changed = service.json("settings", "set", "rq_max_retries=5", "TASK_SLICE=90")
    assert {one["name"]: (one["value"], one["origin"]) for one in changed} == {
        "RQ_MAX_RETRIES": (5, "page"),
        "TASK_SLICE": (90, "page"),
    }
    for wrong, said in (
        (("RQ_MAX_RETRIES=99",), "RQ_MAX_RETRIES: should be 20 or less"),
        (("DISPATCH_WINDOW=5", "PORT=80"), "PORT: can't be changed while all runs"),
        (("DISPATCH_WINDOW",), "should be like RQ_MAX_RETRIES=5"),
    ):
        refused = service.command("settings", "set", *wrong)
        assert refused.returncode == 1
        assert said in refused.stderr
    assert service.command("settings", "reset", "RQ_MAX_RETRIES", "task_slice").returncode == 0
    assert {one["origin"] for one in service.json("settings", "list")} <= {"default", "environment"}
    assert "RQ_MAX_RETRIES" in service.command("settings", "list").stdout
