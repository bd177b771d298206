"""A program of the replaced system, which knows nothing but its routes and its events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import socketio

#: What the replaced server sends to a task's room, and to whoever asks wrongly.
EVENTS = ("progress_update", "task_completed", "task_error", "task_cancelled", "error")


@dataclass
class Room:
    """A socket and what it was sent, in its order."""

    client: socketio.Client
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def ask(self, event: str, task_id: str) -> None:
        """Send an event about a task."""
        self.client.emit(event, {"task_id": task_id})

    def got(self, event: str, task_id: str | None = None) -> list[dict[str, Any]]:
        """Return what came of this event, of one task if it is named."""
        return [
            data
            for name, data in list(self.sent)
            if name == event and task_id in {None, data.get("task_id")}
        ]


class VedfolnirClient:
    """Signs in with a session's cookie, and sends the CSRF token as header or in the form."""

    def __init__(self, url: str, username: str, password: str) -> None:
        """Sign in."""
        self._url = url
        self.session = requests.Session()
        form = {"username": username, "password": password, "csrf_token": self.csrf()}
        done = self.session.post(f"{url}/login", data=form, allow_redirects=False, timeout=60)
        assert done.status_code == 302, done.text

    def csrf(self) -> str:
        """Ask for the session's token."""
        answer = self.session.get(f"{self._url}/api/csrf-token", timeout=60).json()
        assert set(answer) == {"csrf_token"}
        return str(answer["csrf_token"])

    def get(self, path: str, wanted: int = 200, /, **query: Any) -> dict[str, Any]:
        """GET; check status and envelope."""
        return self._checked(
            self.session.get(f"{self._url}{path}", params=query, timeout=60), wanted
        )

    def send(
        self, path: str, status: int = 200, *, method: str = "POST", **options: Any
    ) -> dict[str, Any]:
        """Send with the token in the header."""
        headers = {"X-CSRFToken": self.csrf()}
        url = f"{self._url}{path}"
        answer = self.session.request(method, url, headers=headers, timeout=60, **options)
        return self._checked(answer, status)

    def send_form(self, path: str, wanted: int = 200, /, **fields: Any) -> dict[str, Any]:
        """Send a form that has the token in it."""
        form = {"csrf_token": self.csrf(), **fields}
        answer = self.session.post(f"{self._url}{path}", data=form, timeout=60)
        return self._checked(answer, wanted)

    @staticmethod
    def _checked(answer: requests.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        assert body["success"] is (status == 200)
        assert body.get("error") if status != 200 else "error" not in body
        return body

    @contextmanager
    def room(self, **options: Any) -> Iterator[Room]:
        """Open a socket as the library does by itself."""
        client = socketio.Client(reconnection=False, http_session=self.session)
        room = Room(client)
        for event in EVENTS:
            client.on(event, lambda data, event=event: room.sent.append((event, data)))
        client.on("disconnect", lambda *_: room.gone.set())
        try:
            client.connect(self._url, wait_timeout=60, **options)
            yield room
        finally:
            client.disconnect()
            # A client whose server closes the socket may leave its writer waiting for more.
            if client.eio.queue is not None:
                client.eio.queue.put(None)
