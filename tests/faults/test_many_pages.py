"""The process for WebSockets: many pages, none of which slows another or holds a stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio
from benchmarks.sockets.__main__ import measure
from benchmarks.sockets.pages import Pages
from tests.servers import RedisServer
from tests.support import free_port, wait_until
from tests.support_modes import Fleet, Started, fleet
from tests.support_sockets import page
from tests.support_vedfolnir_client import EVENTS

from altwright.accounts.users import User
from altwright.web.app import create_app
from altwright.web.auth import SignedIn


@pytest.fixture
def made(tmp_path: Path, server: RedisServer) -> Iterator[Fleet]:
    """Return a fleet with a user."""
    with fleet(tmp_path, server, SOCKETS_PORT=str(free_port())) as fleet_:
        yield fleet_


@contextlib.contextmanager
def serving(made: Fleet) -> Iterator[tuple[str, Started]]:
    """Run the process; yield its address."""
    port = int(made.settings["SOCKETS_PORT"])
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:altwright.gunicorn_asgi_conf"]
    with made.running("sockets", [*argv, "altwright.asgi:app"]) as started:
        wait_until(lambda: _listens(started, port), 180)
        yield f"http://127.0.0.1:{port}", started


def _listens(started: Started, port: int) -> bool:
    assert started.process.poll() is None, started.log
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0 and bool(started.children())


def cookie(made: Fleet, user: User | None = None) -> str:
    """Return a session of a user, the fleet's if none is given."""
    app = create_app(made.services)
    serializer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    session = serializer.dumps({"_user_id": SignedIn(user or made.user).get_id(), "_fresh": True})
    return f"altwright_session={session}"


@pytest.mark.req("5.1", "over WebSocket")
@pytest.mark.req("5.3", "the state at once")
@pytest.mark.req("5.4", "own tasks only")
@pytest.mark.req("5.5", "the end is pushed")
def test_pages_see_their_tasks_with_and_without_redis(made: Fleet, server: RedisServer) -> None:
    """State at once, changes as they come, from the database while Redis is away; own tasks only.

    Strangers and pages of other sites aren't let in. A stop doesn't wait for open pages.
    """
    submit = made.services.queue.submit
    mine = submit("toy", user=made.user.ref, settings={})
    others = submit("toy", user=None, settings={})
    with serving(made) as (url, started):
        for bad in ({"cookie": None}, {"cookie": cookie(made), "origin": "https://evil.example"}):
            with pytest.raises(socketio.exceptions.ConnectionError), page(url, **bad):
                pass
        with page(url, cookie(made)) as opened:
            wait_until(lambda: opened.shows(mine.id, status="queued"))
            made.services.queue.cancel(mine.id, by=made.user.ref)
            wait_until(lambda: opened.shows(mine.id, status="cancelled"))
            server.kill()
            late = submit("toy", user=made.user.ref, settings={})
            wait_until(lambda: opened.shows(late.id, status="queued"))
            server.start()
            assert others.id not in {one["id"] for one in opened.received}
            started.send(signal.SIGTERM)
            assert started.process.wait(120) == 0


def test_programs_of_the_replaced_system_are_answered(tmp_path: Path, server: RedisServer) -> None:
    """By polling as by WebSocket they follow a task to its end; strangers aren't let in."""
    port = str(free_port())
    with (
        fleet(tmp_path, server, SOCKETS_PORT=port, COMPATIBLE_ROUTES="true") as made,
        serving(made) as (url, _),
        requests.Session() as session,
    ):
        polling = f"{url}/socket.io/?EIO=4&transport=polling"
        assert requests.get(polling, timeout=60).status_code == 401
        session.cookies.set("altwright_session", cookie(made).partition("=")[2])
        task = made.services.queue.submit("toy", user=made.user.ref, settings={})
        heard: dict[str, list[str]] = {"polling": [], "websocket": []}
        with contextlib.ExitStack() as stack:
            for way, events in heard.items():
                client = socketio.Client(reconnection=False, http_session=session)
                for event in EVENTS:
                    client.on(event, lambda _, event=event, events=events: events.append(event))
                client.connect(url, transports=[way], wait_timeout=60)
                stack.callback(client.disconnect)
                client.emit("join_task", {"task_id": task.id})
            wait_until(lambda: all("progress_update" in events for events in heard.values()))
            client.emit("cancel_task", {"task_id": task.id})
            wait_until(lambda: all("task_cancelled" in events for events in heard.values()))
        for events in heard.values():
            assert events.count("task_cancelled") == 1


def test_a_page_that_reads_nothing_slows_no_other(made: Fleet) -> None:
    """With a page whose connection is full the others are told as before."""
    with serving(made) as (url, _):
        port = int(url.rpartition(":")[2])
        with page(url, cookie(made)) as quick, stuck(port, cookie(made)):
            emit = made.services.progress.emit
            for number in range(60):
                progress = {"percent": 1, "step": "x" * 50_000, "sequence": number}
                task = {"id": "0", "status": "running", "progress": progress}
                emit("task", made.user.id, task)
            wait_until(lambda: len(quick.received) == 60)


@contextlib.contextmanager
def stuck(port: int, session: str) -> Iterator[None]:
    """Open a page that never reads after its hello."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Cookie: {session}",
        ]
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert b"101" in sock.recv(200)
        sock.sendall(bytes([129, 130, 0, 0, 0, 0]) + b"40")
        yield


def test_three_hundred_pages_on_one_process() -> None:
    """Every page is told every event, for some 50 kB each.

    How soon, and a thousand of them: `make bench` (docs/decisions/0007-sockets.md has figures).
    """
    figures = measure(300, "loop", 1)
    assert figures["connected"] == 300, figures
    assert figures["events"] == "3000 of 3000", figures
    assert figures["kb_per_page"] < 120, figures
    assert figures["mb"] < 250, figures


def test_a_full_process_refuses_and_goes_on(made: Fleet) -> None:
    """Beyond SOCKETS_MAX, and beyond one user's share, pages are refused; the others stay."""
    made.settings["SOCKETS_MAX"] = "4"
    ben, eve = (made.services.users.create(name, "correct horse") for name in ("ben", "eve"))
    with serving(made) as (url, _):

        async def crowd(*cookies: str) -> tuple[int, int]:
            pages = Pages(int(url.rpartition(":")[2]))
            await pages.open([*cookies])
            await pages.close()
            return pages.connected, pages.refused

        theirs = [cookie(made, user) for user in (made.user, ben, eve)]
        assert asyncio.run(crowd(*theirs[:1] * 8)) == (2, 6)
        wait_until(lambda: asyncio.run(crowd(*theirs * 2)) == (4, 2), 60)
