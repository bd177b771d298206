"""The whole web application on SQLite and a real Valkey, and callers of every kind."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from tests import forked
from tests.servers import RedisServer
from tests.support_domain import QUICK, FakePlatform, World, make_post
from tests.support_engine import Rig, fill
from werkzeug.test import TestResponse

from altwright import bootstrap, config
from altwright.accounts.connections import AccountStore
from altwright.accounts.users import User, UserStore
from altwright.captions.drafts.draft import Draft
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.errors import Category
from altwright.tasks.task import Task
from altwright.web.app import create_app

PASSWORD = "correct horse"
JSON = "application/json"
PROBLEM = "application/problem+json"
NO_SUCH_TASK = "7d444840-9dc0-41d1-b245-5ffdce74fad2"


@dataclass
class Caller:
    """Somebody who calls the API; ``headers`` go with each request."""

    client: FlaskClient
    headers: dict[str, str]

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request with the caller's headers."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        """POST."""
        return self.call("POST", path, **options)


@dataclass
class Web:
    """The application, with users anna and bert and an administrator; anna has an account."""

    app: Flask
    services: bootstrap.Services
    platform: FakePlatform
    anna: User
    bert: User
    root: User
    account_id: int

    def anonymous(self) -> Caller:
        """Return a caller who isn't known."""
        return Caller(self.app.test_client(), {})

    def by_token(self, user: User) -> Caller:
        """Return a program with a token of the user's."""
        token = self.services.users.make_token(user.id, "test")
        return Caller(self.app.test_client(), {"Authorization": f"Bearer {token}"})

    def by_session(self, user: User) -> Caller:
        """Return a browser in which the user has signed in."""
        client = self.app.test_client()
        sign_in(client, user.username)
        page = client.get("/login", follow_redirects=True)
        return Caller(client, {"X-CSRFToken": csrf_token(page.text)})

    def close(self) -> None:
        """Give connections back."""
        self.services.health.client.close()
        self.services.database.close()

    def drafts(self, count: int = 1) -> list[Draft]:
        """Write drafts of anna's, each for a picture of its own post."""
        services = self.services
        account = services.accounts.get(self.account_id, None)
        world = World(
            services.database,
            self.platform,
            services.box,
            services.users,
            services.accounts,
            services.drafts,
            self.anna,
            account,
        )
        written = []
        for number in range(1, count + 1):
            post = make_post(number, "")
            self.platform.add(post)
            written += world.draft(post)
        return written

    def submit(self, caller: Caller | None = None) -> dict[str, Any]:
        """Submit a task of anna's; return its JSON."""
        response = (caller or self.by_token(self.anna)).post(
            "/api/v1/tasks", json={"account_id": self.account_id}
        )
        assert response.status_code == 202, response.text
        return dict(response.get_json())

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `altwright` on the application's host."""
        own = self.services.settings
        known = {"DATA_DIR": str(own.data_dir), "REDIS_URL": own.redis_url}
        return forked.command(words, own.data_dir, os.environ | known | settings)

    def failed(self) -> dict[str, Any]:
        """Return a task of anna's that has failed."""
        task = self.submit()
        claimed = self.services.engine.claims.claim_next("host.boot.1.1.test")
        assert claimed is not None
        assert claimed.id == task["id"]
        self.services.engine.claims.fail(claimed, Category.FAULT, "It broke.")
        return task

    def tasks(self, count: int, status: Status = Status.QUEUED, **values: Any) -> list[str]:
        """Write tasks of anna's, as many as asked for and all at once; return their ids."""
        kind, user_id = "description", self.anna.id
        given = {"kind": kind, "user_id": user_id, **values}
        return fill(self.services.database, self.services.box, count, status, **given)

    def work_on(self, task_id: str) -> Task:
        """Make attempts at the task whose turn it is until ``task_id`` isn't due; return that."""
        engine = self.services.engine
        while engine.store.get(task_id, None).status is Status.QUEUED:
            engine.dispatcher.tick()
            claimed = engine.claims.claim_next("host.boot.1.1.test", engine.pauses.current())
            if claimed is None:
                break
            engine.runner.run(claimed, threading.Event())
        return engine.store.get(task_id, None)


def csrf_token(page: str) -> str:
    """Return the token that a page carries, in a form or in its head."""
    found = re.search(r'name="csrf[-_]token"\s+(?:value|content)="([^"]+)"', page)
    assert found, "the page carries no CSRF token"
    return found[1]


def sign_in(
    client: FlaskClient, username: str, password: str = PASSWORD, **form: str
) -> TestResponse:
    """Fill in the page to sign in."""
    token = csrf_token(client.get("/login").text)
    return client.post(
        "/login", data={"username": username, "password": password, "csrf_token": token, **form}
    )


def make_settings(folder: Path, redis_url: str, **others: object) -> config.Settings:
    """Return settings of a service that lives in ``folder``."""
    return config.load(DATA_DIR=folder, REDIS_URL=redis_url, _ENV_FILE=None, **others)


@cache
def _database() -> bytes:
    """Return an SQLite database with its tables and users; made once, since that takes a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "altwright.db"
        engine = make_engine(f"sqlite:///{path}")
        migrate.upgrade(engine)
        users = UserStore(Database(engine), QUICK)
        for name in ("anna", "bert"):
            users.create(name, PASSWORD)
        users.create("root", PASSWORD, role=Role.ADMIN)
        engine.dispose()
        return path.read_bytes()


class _Compiled(BytecodeCache):
    """Keeps what templates were compiled to, for each application of a run."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give it what was kept."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()


def make_web(settings: config.Settings) -> Web:
    """Return the application with its users, on a database of its own."""
    (settings.data_dir / "altwright.db").write_bytes(_database())
    services = bootstrap.build(settings)
    platform = FakePlatform()
    accounts = AccountStore(services.database, services.box, lambda *_: platform)
    users = UserStore(services.database, QUICK)
    services = replace(services, accounts=accounts, users=users)
    anna, bert, root = services.users.all()
    account = accounts.add(anna.id, "mastodon", "https://social.example", "token-of-anna")
    app = create_app(services)
    app.jinja_env.bytecode_cache = _compiled
    return Web(app, services, platform, anna, bert, root, account.id)


def beside(rig: Rig, folder: Path, redis_url: str) -> Web:
    """Return the application on a rig's database and Redis; its users have PASSWORD there."""
    url = rig.database.engine.url.render_as_string(hide_password=False)
    web = make_web(make_settings(folder, redis_url, DATABASE_URL=url))
    for user in web.services.users.all():
        web.services.users.set_password(user.id, PASSWORD)
    web.services.users.set_role(web.root.id, Role.ADMIN)
    web.services.health.check()
    return web


@pytest.fixture
def web(tmp_path: Path, valkey: RedisServer) -> Iterator[Web]:
    """Return the application; Redis is watched by nobody, so that a test decides when."""
    made = make_web(make_settings(tmp_path, valkey.url))
    yield made
    made.close()


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """Return a problem document, after checking its form."""
    assert response.status_code == status, response.text
    assert response.mimetype == PROBLEM
    document = response.get_json()
    assert {"type", "title", "status", "detail"} <= document.keys()
    assert document["status"] == status
    assert document["detail"]
    return dict(document)
