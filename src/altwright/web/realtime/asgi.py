"""Progress on many open pages: Socket.IO in one event loop instead of four threads a page."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import socketio
from flask import Flask

from altwright.errors import AltwrightError, DatabaseUnavailable
from altwright.tasks.task import Task
from altwright.web.realtime.redis_channel import Channel
from altwright.web.realtime.threaded import (
    CHECK_S,
    JOIN_S,
    POLL_BESIDE_S,
    POLL_S,
    RECENT_S,
    Gate,
    room,
    same_origin,
)
from altwright.web.services import Services

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_USER = "altwright.user_id"


class LivePages:
    """The Socket.IO server as an ASGI application; pages see no difference to threaded.py."""

    def __init__(self, app: Flask, services: Services, most: int) -> None:
        """Take the Flask app, whose sessions count, and how many pages may be connected."""
        self._store = services.store
        self._users = services.users
        self._health = services.health
        self._gate = Gate(app, app.wsgi_app, most)
        self._wake = asyncio.Event()
        self._channel = Channel(
            services.health, services.box, services.settings, on_listening=self._wake_up
        )
        self._io = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket"],
            # Checked before, with the session: nobody else gets as far as this server.
            cors_allowed_origins="*",
            async_handlers=False,
            max_http_buffer_size=10_000,
        )
        self._io.on("connect", self._connected)
        self._app = socketio.ASGIApp(
            self._io, other_asgi_app=_other, on_startup=self._begin, on_shutdown=self._end
        )
        self._told: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poller: asyncio.Task[None] | None = None
        self._listener: threading.Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection: WebSockets of signed-in users, from our own pages."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        environ = _environ(scope)
        user_id = None
        if same_origin(environ):
            try:
                user_id = await asyncio.to_thread(self._gate.user_id, environ)
            except DatabaseUnavailable as error:
                _log.warning("a page is not let in: %s", error)
        if user_id is None or not self._gate.enter(user_id):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        scope[_USER] = user_id
        try:
            await self._app(scope, receive, send)
        finally:
            self._gate.leave(user_id)

    async def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._health.on_change(lambda _before, _after: self._wake_up())
        self._health.start()
        self._poller = asyncio.create_task(self._poll())
        self._listener = threading.Thread(target=self._listen, name="page-events", daemon=True)
        self._listener.start()

    async def _end(self) -> None:
        self._gate.is_open = False
        self._channel.stop()
        if self._poller is not None:
            self._poller.cancel()
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join, JOIN_S)
        self._health.stop()

    async def _connected(self, sid: str, environ: dict[str, Any], _auth: object = None) -> None:
        user_id: int = environ["asgi.scope"][_USER]
        # The room first: what changes while the state is read arrives as an event.
        await self._io.enter_room(sid, room(user_id))
        try:
            tasks = await asyncio.to_thread(self._store.changed, [user_id], RECENT_S)
        except DatabaseUnavailable:
            self._told.clear()  # the poller tells everybody again, as soon as it can
            return
        for task in tasks:
            await self._io.emit("task", task.to_json(), to=sid)

    def _listen(self) -> None:
        """Hand what other processes emit to the loop."""
        assert self._loop is not None  # noqa: S101 - _begin has set it
        for event in self._channel.events():
            if event.get("method") == "emit":
                emitted = self._io.emit(event["event"], *event["data"], room=event["room"])
                asyncio.run_coroutine_threadsafe(emitted, self._loop)

    def _wake_up(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _poll(self) -> None:
        checked_at = time.monotonic()
        while True:
            self._wake.clear()
            try:
                await self._tell()
                if time.monotonic() - checked_at > CHECK_S:
                    checked_at = time.monotonic()
                    await self._drop_inactive()
            except AltwrightError as error:
                _log.warning("pages are not told of progress: %s", error)
            except Exception:  # noqa: BLE001 - the loop's last resort: pages go on being told
                _log.exception("pages are not told of progress")
            heard = self._channel.listening and self._health.usable
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_BESIDE_S if heard else POLL_S)
            except TimeoutError:
                continue

    async def _tell(self) -> None:
        """Send what has changed since the last look."""
        user_ids = self._gate.users()
        tasks: list[Task] = []
        if user_ids:
            tasks = await asyncio.to_thread(self._store.changed, user_ids, RECENT_S)
        for task in tasks:
            if task.user_id is not None and self._told.get(task.id) != task.sequence:
                await self._io.emit("task", task.to_json(), room=room(task.user_id))
        self._told = {task.id: task.sequence for task in tasks}

    async def _drop_inactive(self) -> None:
        """Close the sockets of users who may not sign in any more."""
        for user_id in self._gate.users():
            user = await asyncio.to_thread(self._users.get, user_id)
            if user is None or not user.is_active:
                for sid, _ in list(self._io.manager.get_participants("/", room(user_id))):
                    await self._io.disconnect(sid)


def _environ(scope: Scope) -> dict[str, Any]:
    """Return what WSGI would make of a request: enough to read its session and its origin."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        environ[f"HTTP_{key}"] = value.decode("latin-1")
    return environ


async def _other(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer what is no WebSocket: the supervisor asks whether this process is up."""
    is_up = scope["path"] == "/healthz"
    start = {"type": "http.response.start", "status": 200 if is_up else 404}
    headers = [(b"content-type", b"application/json")]
    await send({**start, "headers": headers})
    body = b'{"status": "ok"}' if is_up else b'{"status": "not here"}'
    await send({"type": "http.response.body", "body": body})
