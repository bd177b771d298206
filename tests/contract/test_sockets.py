"""Progress on open pages: over Redis, and without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import socketio
from flask import Flask
from tests.servers import RedisServer
from tests.support import PATIENCE_S, wait_until
from tests.support_sockets import Page, Served, page, served
from tests.support_toys import Toy, ToyWork
from tests.support_web import Web, make_settings, make_web, sign_in
from werkzeug.serving import make_server

from altwright.domain.task import Delivery
from altwright.errors import Category, PlatformRefused
from altwright.tasks.task import Ticket
from altwright.tasks.task_kind import Run
from altwright.web.app import create_app
from altwright.web.realtime import poller, threaded


@pytest.fixture
def web(tmp_path: Path, valkey: RedisServer) -> Iterator[Web]:
    """Return an application on the served one's database and Redis: another process of it."""
    made = make_web(make_settings(tmp_path, valkey.url))
    create_app(made.services, serves_pages=False)
    yield made
    made.services.health.client.close()
    made.services.database.close()


@pytest.fixture
def server(web: Web, tmp_path: Path, valkey: RedisServer) -> Iterator[Served]:
    """Return the served application."""
    with served(tmp_path, valkey.url) as running:
        yield running


def _step(web: Web, task_id: str, text: str) -> None:
    """Work on this waiting task, as a worker in this process would."""
    # Not on the next: the served process submits tasks too.
    ticket = Ticket(task_id, 0)
    claimed = web.services.engine.claims.claim(ticket, "host.boot.1.1.test", Delivery.DATABASE)
    assert claimed is not None
    web.services.engine.claims.step(claimed.id, claimed.attempt, text)
    web.services.progress.publish_by_id(claimed.id)


@pytest.mark.req("3.1", "off")
@pytest.mark.req("5.3", "the state at once")
def test_a_page_that_connects_is_told_the_state_at_once(web: Web, server: Served) -> None:
    """A page gets its user's active tasks, and those that ended just now, without asking."""
    ended = web.submit()
    web.services.queue.cancel(ended["id"], by=web.anna.ref)
    active = web.submit()
    with page(server.url, server.cookie("anna")) as shown:
        wait_until(lambda: len(shown.received) >= 2)
        assert shown.shows(ended["id"], status="cancelled")
        assert shown.shows(active["id"], status="queued")
    assert web.services.engine.roster.all() == []  # WORKER_MODE=off: no worker is there


@pytest.mark.req("5.1", "over WebSocket")
def test_progress_of_another_process_reaches_the_page(web: Web, server: Served) -> None:
    """What a worker in another process does is shown within a moment, its end too."""
    task = web.submit()
    with page(server.url, server.cookie("anna")) as shown:
        wait_until(lambda: shown.shows(task["id"], status="queued"))
        _listening(web)
        _step(web, task["id"], "Looking at the first picture")
        wait_until(lambda: shown.shows(task["id"], status="running"))
        step = shown.last(task["id"])
        assert step is not None
        assert step["progress"]["step"] == "Looking at the first picture"
        _comes_over_redis(web, shown)


def _comes_over_redis(web: Web, shown: Page) -> None:
    """Tell the page of a task that isn't in the database, where the poller would find it."""
    emit = web.services.progress.emit

    def told() -> bool:
        emit("task", web.anna.id, {"id": "nowhere", "progress": {"sequence": 1}})
        return shown.last("nowhere") is not None

    wait_until(told)


def _listening(web: Web) -> None:
    """Wait until the served process hears Redis."""
    client = web.services.health.client
    wait_until(lambda: client.pubsub_numsub(*client.pubsub_channels("altwright:*")))


@pytest.mark.req("5.5", "the end is pushed")
def test_every_end_reaches_the_page(web: Web, server: Served) -> None:
    """Done, failed and cancelled: what a worker or its user ends is shown without asking."""

    class Refused(Toy):
        def open(self, run: Run) -> ToyWork:
            raise PlatformRefused("No.", category=Category.AUTHENTICATION)

    kinds: dict[str, Toy] = {"completed": Toy(), "failed": Refused(), "cancelled": Toy()}
    with page(server.url, server.cookie("anna")) as shown:
        _listening(web)
        for end, kind in kinds.items():
            web.services.engine.kinds[kind.name] = kind
            task = web.services.queue.submit(kind.name, user=web.anna.ref, settings={})
            if end == "cancelled":
                web.services.queue.cancel(task.id, by=web.anna.ref)
            else:
                ticket = Ticket(task.id, 0)
                claimed = web.services.engine.claims.claim(
                    ticket, "host.boot.1.1.test", Delivery.DATABASE
                )
                assert claimed is not None
                web.services.engine.runner.run(claimed, threading.Event())
            wait_until(partial(shown.shows, task.id, status=end))


@pytest.mark.req("5.4", "own tasks only")
def test_users_are_told_of_their_own_tasks_only(web: Web, server: Served) -> None:
    """Nobody else's page hears of a task, an administrator's neither."""
    with ExitStack() as stack:
        anna, bert, root = (
            stack.enter_context(page(server.url, server.cookie(name)))
            for name in ("anna", "bert", "root")
        )
        _listening(web)
        task = web.submit()
        _step(web, task["id"], "Working")
        wait_until(lambda: anna.shows(task["id"], status="running"))
        assert bert.received == []
        assert root.received == []


def test_a_changed_draft_is_told_to_its_owners_pages_only(web: Web, server: Served) -> None:
    """By another process, with the version that tells a page whether the change was its own."""
    first, second = web.drafts(2)
    with ExitStack() as stack:
        anna, bert = (
            stack.enter_context(page(server.url, server.cookie(name))) for name in ("anna", "bert")
        )
        _listening(web)
        caller = web.by_token(web.anna)

        def told(method: str, path: str, **body: Any) -> dict[str, Any]:
            """Change something until a page has heard of it, and return what it heard last."""
            anna.drafts.clear()
            assert caller.call(method, f"/api/v1/drafts/{path}", json=body).status_code == 200
            return wait_until(lambda: next(iter(anna.drafts), {}))

        news = told("PATCH", str(first.id), text="By hand.")
        assert news == {"id": first.id, "version": first.version + 1}
        assert told("POST", "approve", ids=[first.id, second.id]) == {"id": None, "version": None}
        assert told("POST", f"{first.id}/reopen")["version"] == first.version + 3
        assert bert.drafts == []


@pytest.mark.req("5.4", "own tasks only")
def test_strangers_are_refused(web: Web, server: Served) -> None:
    """No socket opens without a session, nor from a page of another site, whatever its scheme."""
    cookie = server.cookie("anna")
    refused = [
        (None, server.url),
        ("altwright_session=forged", server.url),
        (cookie, "https://evil.example"),
        (cookie, "null"),
        (cookie, server.url.replace("127.0.0.1", "127.0.0.1.evil.example")),
        (cookie, server.url.rpartition(":")[0]),
    ]
    for given, origin in refused:
        with (
            pytest.raises(socketio.exceptions.ConnectionError),
            page(server.url, given, origin),
        ):
            pytest.fail("a socket was opened")
    with page(server.url, cookie, server.url.replace("http:", "https:")) as shown:
        assert shown.client.connected


def test_what_is_published_is_not_readable(web: Web, server: Served, valkey: RedisServer) -> None:
    """Who reads Redis learns nothing of tasks, and what they publish reaches no page."""
    with page(server.url, server.cookie("anna")) as shown, valkey.client() as client:
        _listening(web)
        (channel,) = client.pubsub_channels("altwright:*")
        with client.pubsub(ignore_subscribe_messages=True) as eavesdropper:
            eavesdropper.subscribe(channel)
            eavesdropper.get_message(timeout=60)
            task = web.submit()
            message = eavesdropper.get_message(timeout=60)
            assert message is not None
            assert task["id"].encode() not in message["data"]
        wait_until(lambda: shown.shows(task["id"], status="queued"))
        forged = b'{"method": "emit", "event": "task", "data": [{"id": "x"}], "namespace": "/"}'
        client.publish(channel, forged)
        client.publish(channel, b"nonsense")
        web.services.queue.cancel(task["id"], by=web.anna.ref)
        wait_until(lambda: shown.shows(task["id"], status="cancelled"))
        assert {one["id"] for one in shown.received} == {task["id"]}


@pytest.mark.req("5.1", "over WebSocket")
def test_pages_are_told_without_redis(web: Web, server: Served, valkey: RedisServer) -> None:
    """Redis is killed: open pages stay open and go on being told, from the database.

    When it is back, events come over it again.
    """
    task = web.submit()
    with page(server.url, server.cookie("anna")) as shown:
        _listening(web)
        valkey.kill()
        _step(web, task["id"], "While Redis is away")
        wait_until(lambda: shown.shows(task["id"], status="running"))
        web.services.queue.cancel(task["id"], by=web.anna.ref)
        wait_until(lambda: shown.shows(task["id"], cancel_requested=True))
        valkey.start()
        for _ in range(2):
            web.services.health.check()
        _listening(web)
        assert not shown.gone.is_set()
        _comes_over_redis(web, shown)


def test_a_redis_that_hangs_delays_nobody(
    web: Web, server: Served, valkey: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telling pages costs at most a call's time-out once, and nothing after that."""
    asked: list[object] = []
    execute: Any = redis.Redis.execute_command

    def counted(client: redis.Redis, *command: Any, **options: Any) -> Any:
        asked.append(command)
        return execute(client, *command, **options)

    task = web.submit()
    valkey.freeze()
    for _ in range(2):
        web.services.health.check()
    monkeypatch.setattr(redis.Redis, "execute_command", counted)
    for _ in range(50):
        web.services.progress.publish_by_id(task["id"])
    assert len(asked) <= 1
    with page(server.url, server.cookie("anna")) as shown:
        wait_until(lambda: shown.shows(task["id"], status="queued"))
    valkey.thaw()


def test_sockets_leave_threads_for_requests(web: Web, tmp_path: Path, valkey: RedisServer) -> None:
    """Pages can't take every thread, nor one user's half of their places; requests go on."""
    with served(tmp_path, valkey.url, WEB_THREADS="8") as server, ExitStack() as stack:
        cookies = {name: server.cookie(name) for name in ("anna", "bert", "root")}
        opened = dict.fromkeys(cookies, 0)
        for name, cookie in cookies.items():
            for _ in range(5):
                with suppress(socketio.exceptions.ConnectionError):
                    stack.enter_context(page(server.url, cookie))
                    opened[name] += 1
        most = int(8 * threaded.SOCKETS_SHARE)
        assert opened == {"anna": most // 2, "bert": most // 2, "root": 0}
        for _ in range(5):
            assert requests.get(f"{server.url}/healthz", timeout=60).ok


def test_open_pages_do_not_hold_a_stop(web: Web, tmp_path: Path, valkey: RedisServer) -> None:
    """A stop closes open sockets and is done; Gunicorn's grace would be ten minutes."""
    with (
        served(tmp_path, valkey.url, RQ_SHUTDOWN_TIMEOUT="600") as server,
        page(server.url, server.cookie("anna")) as shown,
    ):
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0
        assert shown.gone.wait(PATIENCE_S)


@contextmanager
def _serving(app: Flask) -> Iterator[str]:
    """Serve an application in this process; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        threaded.close(app)
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_worker_s_app_tells_pages_of_other_processes(web: Web, server: Served) -> None:
    """A process that serves no page sends by Redis, whenever its app was made."""
    app = create_app(web.services, serves_pages=False)
    assert threaded.EXTENSION not in app.extensions
    with page(server.url, server.cookie("anna")) as shown:
        task = web.submit()
        wait_until(lambda: shown.shows(task["id"], status="queued"), 60)


def test_inactive_users_lose_their_sockets(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not sign in any more is told nothing more on the pages that are open; others are."""
    monkeypatch.setattr(poller, "CHECK_S", 0.1)
    monkeypatch.setattr(poller, "POLL_BESIDE_S", 0.1)
    app = create_app(web.services)
    with _serving(app) as url, ExitStack() as stack:
        anna, bert = (
            stack.enter_context(page(url, _cookie(app, name))) for name in ("anna", "bert")
        )
        web.services.users.set_active(web.anna.id, active=False)
        assert anna.gone.wait(PATIENCE_S)
        assert not bert.gone.is_set()


def test_a_closed_server_keeps_no_thread_and_lets_nobody_in(web: Web) -> None:
    """After a stop nothing of the sockets is left in the process, and new ones are refused."""
    app = create_app(web.services)
    with _serving(app) as url:
        cookie = _cookie(app, "anna")
        with page(url, cookie) as shown:
            threaded.close(app)
            assert shown.gone.wait(PATIENCE_S)
        with pytest.raises(socketio.exceptions.ConnectionError), page(url, cookie):
            pytest.fail("a socket was opened")
    names = {thread.name for thread in threading.enumerate()}
    assert not {name for name in names if "page-poller" in name or "_service_task" in name}


def _cookie(app: Flask, username: str) -> str:
    client = app.test_client()
    sign_in(client, username)
    cookie = client.get_cookie("altwright_session")
    assert cookie is not None
    return f"altwright_session={cookie.value}"
