"""A real Gunicorn with the application, and pages that are connected to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import socketio
from tests.support import free_port, wait_until
from tests.support_web import PASSWORD

#: Seconds that Gunicorn has to come up, and to stop.
UP_WITHIN_S, DOWN_WITHIN_S = 240.0, 240.0


@dataclass
class Served:
    """Gunicorn, and where it listens."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def cookie(self, username: str) -> str:
        """Sign in; return the session's cookie."""
        with requests.Session() as session:
            page = session.get(f"{self.url}/login", timeout=60)
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            assert found, page.text
            form = {"username": username, "password": PASSWORD, "csrf_token": found[1]}
            done = session.post(f"{self.url}/login", data=form, timeout=60, allow_redirects=False)
            assert done.status_code == 302, done.text
            return f"altwright_session={session.cookies['altwright_session']}"


@contextmanager
def served(folder: Path, redis_url: str, **environment: str) -> Iterator[Served]:
    """Serve the application from ``folder`` with one Gunicorn process and no workers."""
    port = free_port()
    values = {
        "DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "WORKER_MODE": "off",
        "WEB_THREADS": "16",
        "RQ_SHUTDOWN_TIMEOUT": "5",
        **environment,
    }
    log = folder / "gunicorn.log"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:altwright.gunicorn_conf"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*argv, "altwright.wsgi:app"],
            env={**os.environ, **values},
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            return requests.get(f"{url}/healthz", timeout=10).ok
        except requests.RequestException:
            return False

    try:
        wait_until(answers, UP_WITHIN_S)
        yield Served(url, process, log)
    finally:
        process.terminate()
        try:
            process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Page:
    """A page's socket, the tasks that it was sent, and its news of drafts."""

    client: socketio.Client
    received: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[dict[str, Any]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def last(self, task_id: str) -> dict[str, Any] | None:
        """Return a task as the page shows it: the message with the highest sequence."""
        mine = [one for one in self.received if one["id"] == task_id]
        return max(mine, key=lambda one: one["progress"]["sequence"], default=None)

    def shows(self, task_id: str, **expected: Any) -> bool:
        """Say whether the page shows the task like this."""
        shown = self.last(task_id)
        return shown is not None and all(shown[name] == value for name, value in expected.items())


@contextmanager
def page(url: str, cookie: str | None, origin: str | None = None) -> Iterator[Page]:
    """Open a socket as a page of ``origin`` does; left out, as one of the site itself.

    Raises:
        socketio.exceptions.ConnectionError: the server refuses it.
    """
    client = socketio.Client(reconnection=False, websocket_extra_options={"origin": origin or url})
    opened = Page(client)
    client.on("task", opened.received.append)
    client.on("drafts", opened.drafts.append)
    client.on("disconnect", lambda *_: opened.gone.set())
    headers = {} if cookie is None else {"Cookie": cookie}
    try:
        client.connect(url, headers=headers, transports=["websocket"], wait_timeout=60)
        yield opened
    finally:
        client.disconnect()
        # A client whose server closes the socket may leave its writer waiting for more.
        client.eio.queue.put(None)
