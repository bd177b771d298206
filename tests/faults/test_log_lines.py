"""A service in trouble of many kinds: its log says what happens, and gives nothing away."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support import free_port, wait_until
from tests.support_leaves import serving
from tests.support_modes import ROOT, Fleet
from tests.support_pretend import MODEL, Misbehaviour, PretendMastodon

#: Stands where secrets stand.
SECRET = "sesame-open-the-door"
#: What an exception of a library may say.
BUG = f"/home/anna/keys at http://10.0.0.3:8080 and db.internal with {SECRET}"
#: What no line may have: secrets, paths, hosts of one's own, stacks.
UNSAID = re.compile(
    rf"sesame|{ROOT}|/home/|/tmp/|/usr/|\.py\b|127\.0\.0\.1|10\.0\.0\.3|db\.internal|Traceback|SELECT"
)


def ask(made: Fleet, token: str, method: str, path: str, **body: Any) -> requests.Response:
    """Call the API."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{made.url}/api/v1/{path}"
    return requests.request(method, url, json=body or None, headers=headers, timeout=120)


@contextmanager
def pictures(made: Fleet) -> Iterator[str]:
    """Let somebody have a picture that is none, and one for which the model server refuses."""
    fediverse = PretendMastodon()
    fediverse.wrong = [Misbehaviour("/files/2-", lambda call: call.answer(200, b"no picture"))]
    with serving(fediverse) as fediverse.server:
        fediverse.post(1)
        fediverse.post(2)
        user = made.services.users.create("robin", "correct horse")
        account = made.services.accounts.add(user.id, "mastodon", fediverse.server.url, SECRET)
        token = made.services.users.make_token(user.id, "test")
        ask(made, token, "POST", "tasks", account_id=account.id).raise_for_status()
        yield token


@pytest.mark.req("11.6", "written to logs")
def test_no_line_tells_a_secret_a_path_a_host_or_a_stack(tmp_path: Path) -> None:
    """A bug, a broken picture, hosts that refuse, a locked database, a lost table: all are told."""
    settings = {
        "TOYS": "beside captions",
        "DESCRIBER": "ollama",
        "OLLAMA_URL": f"http://127.0.0.1:{free_port()}",
        "OLLAMA_MODEL": MODEL,
        "METRICS_TOKEN": SECRET,
        "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    }
    made = Fleet(tmp_path, f"redis://:{SECRET}@127.0.0.1:{free_port()}/0", settings)
    with ExitStack() as stack:
        stack.callback(made.close)
        service = stack.enter_context(made.gunicorn())
        made.submit(items=1, bug=BUG)
        token = stack.enter_context(pictures(made))
        wait_until(lambda: "OLLAMA_URL" in service.log)
        wait_until(lambda: "unexpected error in task" in service.log)
        with closing(sqlite3.connect(tmp_path / "altwright.db", isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            answer = ask(made, token, "PATCH", "drafts/1", text="A cat.")
            assert answer.status_code == requests.codes.unavailable, answer.text
            raw.execute("ROLLBACK")
            raw.execute("ALTER TABLE drafts RENAME TO lost")
        answer = ask(made, token, "GET", "drafts")
        assert answer.status_code == requests.codes.server_error, answer.text
    lines = service.log.splitlines()
    assert [one for one in lines if UNSAID.search(one) or token in one] == []
    told = (
        r"unexpected error in task .*raised=.?RuntimeError at tests\.support_toys:\d+ < ",
        r"OLLAMA_URL: nothing listens there",
        r"redis is down, was suspect",
        r"PATCH /api/v1/drafts/1: ",
        r"GET /api/v1/drafts failed .*raised=.?OperationalError at ",
    )
    assert [words for words in told if not any(re.search(words, one) for one in lines)] == []
