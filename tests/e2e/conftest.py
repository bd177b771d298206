"""A demo for each test, with the models and pictures that `make test` has set up."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.servers import valkey
from tests.support_service import Service, running
from tests.support_web import Web, make_settings, make_web

from altwright.demo.server import TOKEN

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Demo:
    """A running demo, and its pretend Mastodon server seen through that server's own API."""

    service: Service

    @property
    def login(self) -> dict[str, Any]:
        """Return name, password and the pretend server's port."""
        path = self.service.folder / "var" / "demo" / "login.json"
        login: dict[str, Any] = json.loads(path.read_text())
        return login

    @property
    def server(self) -> str:
        """Return the pretend server's address."""
        return f"http://127.0.0.1:{self.login['server_port']}"

    def posts(self) -> dict[str, dict[str, Any]]:
        """Return the posts as the pretend server has them, with the text that was typed."""
        headers = {"Authorization": f"Bearer {TOKEN}"}

        def get(path: str) -> Any:
            answer = requests.get(f"{self.server}/api/v1/{path}", headers=headers, timeout=120)
            answer.raise_for_status()
            return answer.json()

        me = get("accounts/verify_credentials")["id"]
        posts = get(f"accounts/{me}/statuses?limit=40")
        return {
            post["id"]: {**post, "source": get(f"statuses/{post['id']}/source")} for post in posts
        }


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Start `altwright demo` in a folder of its own."""
    kept = ROOT / "var"
    if not (kept / "models").exists() or not (kept / "demo" / "pictures").exists():
        reason = "NOT SET UP: models and demo pictures (altwright demo --check-only)"
        if os.environ.get("ALTWRIGHT_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    shutil.copytree(kept / "models", tmp_path / "var" / "models")
    shutil.copytree(kept / "demo" / "pictures", tmp_path / "var" / "demo" / "pictures")
    with running(Service(tmp_path), "demo", until="Ctrl-C stops everything") as service:
        yield Demo(service)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """Return the application, to be asked what a file says of it."""
    with valkey() as server:
        made = make_web(make_settings(tmp_path, server.url))
        made.services.health.check()
        yield made
        made.close()
