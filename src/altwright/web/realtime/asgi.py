"""Progress on many open pages: Socket.IO in one event loop instead of four threads a page."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from functools import partial
from typing import Any

import socketio
from flask import Flask

from altwright.errors import DatabaseUnavailable
from altwright.tasks.task import Task
from altwright.web.compatible.task_events import ASKED, TaskFollowers
from altwright.web.realtime.admission import SINCE, USER, Gate, open_sockets, same_origin
from altwright.web.realtime.poller import JOIN_S, RECENT_S, PagePoller
from altwright.web.realtime.redis_channel import room
from altwright.web.services import Services

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LivePages:
    """The Socket.IO server as an ASGI application; pages see no difference to threaded.py."""

    def __init__(self, app: Flask, services: Services, most: int) -> None:
        self._store = services.store
        self._health = services.health
        is_compatible = services.settings.compatible_routes
        self._channel = services.page_channel
        self._io = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket", "polling"] if is_compatible else ["websocket"],
            # Checked before, with the session: nobody else gets as far as this server.
            cors_allowed_origins="*",
            async_handlers=False,
            max_http_buffer_size=10_000,
        )
        self._gate = Gate(app, app.wsgi_app, most, self._polled if is_compatible else None)
        self._poller = PagePoller(services, self._gate, self._tell, self._drop)
        self._followers = TaskFollowers(services, self._send_event)
        self._io.on("connect", self._connected)
        if is_compatible:
            self._answer_followers()
        self._app = socketio.ASGIApp(
            self._io, other_asgi_app=_other, on_startup=self._begin, on_shutdown=self._end
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: threading.Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection: WebSockets of signed-in users, from our own pages."""
        is_socket = scope["type"] == "websocket"
        environ = {} if scope["type"] == "lifespan" else _environ(scope)
        if not (is_socket or (environ and self._gate.polls(environ))):
            await self._app(scope, receive, send)
            return
        user_id = None
        if same_origin(environ):
            try:
                user_id = await asyncio.to_thread(self._gate.user_id, environ)
            except DatabaseUnavailable as error:
                _log.warning("a page is not let in: %s", error)
        if user_id is None:
            await receive()
            await _refuse(scope, send, 401)
            return
        has_room = is_socket or self._gate.may_begin(environ, user_id)
        if not has_room or not self._gate.enter(user_id):
            await receive()
            await _refuse(scope, send, 503)
            return
        scope[USER], scope[SINCE] = user_id, time.monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            self._gate.leave(user_id)

    def _polled(self) -> list[int]:
        return open_sockets(self._io, self._close_silent, lambda environ: environ["asgi.scope"])

    def _close_silent(self, eio_sid: str) -> None:
        socket = self._io.eio.sockets.pop(eio_sid, None)
        if socket is not None:
            self._soon(socket.close(wait=False, abort=True))

    async def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._health.loop.start()
        self._poller.loop.start()
        self._listener = threading.Thread(target=self._listen, name="page-events", daemon=True)
        self._listener.start()

    async def _end(self) -> None:
        self._gate.is_open = False
        self._channel.stop()
        await asyncio.to_thread(self._poller.loop.stop)
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join, JOIN_S)
        self._health.loop.stop()

    async def _connected(self, sid: str, environ: dict[str, Any], _auth: object = None) -> None:
        user_id: int = environ["asgi.scope"][USER]
        # The room first: what changes while the state is read arrives as an event.
        await self._io.enter_room(sid, room(user_id))
        try:
            tasks = await asyncio.to_thread(self._store.changed, [user_id], RECENT_S)
        except DatabaseUnavailable:
            self._poller.tell_all()  # as soon as it can
            return
        for task in tasks:
            await self._io.emit("task", task.to_json(), to=sid)

    def _answer_followers(self) -> None:
        """Take part in the replaced system's events."""
        for event in ASKED:
            self._io.on(event, partial(self._asked, event))
        self._io.on("disconnect", self._gone)

    async def _asked(self, event: str, sid: str, data: Any = None) -> None:
        user_id: int = self._io.get_environ(sid)["asgi.scope"][USER]
        await asyncio.to_thread(self._followers.asked, event, sid, user_id, data)

    async def _gone(self, sid: str, *_: Any) -> None:
        await asyncio.to_thread(self._followers.gone, sid)

    def _send_event(self, event: str, data: dict[str, Any], sid: str) -> None:
        self._soon(self._io.emit(event, data, to=sid))

    def _listen(self) -> None:
        """Hand what other processes emit to the loop."""
        for event in self._channel.events():
            if event.get("method") == "emit":
                self._soon(self._io.emit(event["event"], *event["data"], room=event["room"]))
                if event["event"] == "task":
                    self._followers.tell(event["data"][0]["id"])

    def _tell(self, user_id: int, task: Task) -> None:
        self._soon(self._io.emit("task", task.to_json(), room=room(user_id)))
        self._followers.tell(task.id)

    def _drop(self, user_id: int) -> None:
        for sid, _ in list(self._io.manager.get_participants("/", room(user_id))):
            self._soon(self._io.disconnect(sid))

    def _soon(self, call: Coroutine[Any, Any, Any]) -> None:
        """Let the event loop do what another thread found."""
        assert self._loop is not None  # noqa: S101 - _begin has set it
        asyncio.run_coroutine_threadsafe(call, self._loop)


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


async def _refuse(scope: Scope, send: Send, status: int) -> None:
    """Let nobody in, by a WebSocket or a poll."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _other(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer what is no WebSocket: the supervisor asks whether this process is up."""
    is_up = scope["path"] == "/healthz"
    start = {"type": "http.response.start", "status": 200 if is_up else 404}
    headers = [(b"content-type", b"application/json")]
    await send({**start, "headers": headers})
    body = b'{"status": "ok"}' if is_up else b'{"status": "not here"}'
    await send({"type": "http.response.body", "body": body})
