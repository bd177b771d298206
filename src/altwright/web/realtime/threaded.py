"""Progress on open pages: Socket.IO over WebSockets, the database where Redis is away."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from flask import Flask, request
from flask_login import current_user
from flask_socketio import SocketIO, join_room

from altwright.errors import AltwrightError, DatabaseUnavailable
from altwright.progress import Broadcaster
from altwright.tasks.task import Task
from altwright.web.realtime.redis_channel import Channel
from altwright.web.services import Services

_log = logging.getLogger(__name__)

#: Seconds between two looks into the database for the tasks of connected users: while other
#: processes aren't heard; and otherwise, since a published event may get lost all the same.
POLL_S, POLL_BESIDE_S = 0.5, 5.0
#: Seconds between two looks whether connected users may still sign in.
CHECK_S = 60.0
#: Seconds after a task's end in which a page that connects is still shown it.
RECENT_S = 60.0
#: A socket holds a thread for its life. Of Gunicorn's, this share may be held by sockets, and
#: so many by one user's pages; the rest answers requests.
SHARE = 0.75
MOST_OF_USER = 12
#: Seconds that the threads of a process get to end.
JOIN_S = 2.0
_USER = "altwright.user_id"

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SocketBroadcaster:
    """Sends what has changed to its user's pages, wherever they are connected."""

    def __init__(self, channel: Channel) -> None:
        """Take the channel."""
        self._channel = channel

    def task_changed(self, user_id: int, payload: dict[str, Any]) -> None:
        """Send; neither waits for a page nor fails for one."""
        self._emit("task", user_id, payload)

    def drafts_changed(self, user_id: int, payload: dict[str, Any]) -> None:
        """Send, likewise."""
        self._emit("drafts", user_id, payload)

    def _emit(self, event: str, user_id: int, payload: dict[str, Any]) -> None:
        try:
            self._channel.emit(event, payload, namespace="/", room=room(user_id))
        except Exception:  # noqa: BLE001 - a page's trouble must not become a task's
            _log.exception("an event could not be sent")


def broadcaster_for(services: Services) -> Broadcaster:
    """Return a broadcaster for a process without a web application."""
    channel = Channel(services.health, services.box, services.settings, write_only=True)
    return SocketBroadcaster(channel)


class Gate:
    """Lets WebSockets in: of signed-in users, from our own pages, and not too many.

    It stands before Socket.IO, which would hold a thread for anybody who asks.
    """

    def __init__(self, app: Flask, inner: WSGIApp, most: int) -> None:
        """Take what comes behind, and how many sockets this process may hold."""
        self._app = app
        self._inner = inner
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}
        self.is_open = True

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self._inner(environ, start_response)
        if not same_origin(environ):
            return _refused(start_response, "403 Forbidden")
        try:
            user_id = self.user_id(environ)
        except DatabaseUnavailable:
            return _refused(start_response, "503 Service Unavailable")
        if user_id is None:
            return _refused(start_response, "401 Unauthorized")
        if not self.enter(user_id):
            return _refused(start_response, "503 Service Unavailable")
        environ[_USER] = user_id
        try:
            return self._inner(environ, start_response)  # returns when the socket has closed
        finally:
            self.leave(user_id)

    def user_id(self, environ: dict[str, Any]) -> int | None:
        """Return who sends a request. Raises DatabaseUnavailable."""
        with self._app.request_context(environ):
            return int(current_user.ref.id) if current_user.is_authenticated else None

    def enter(self, user_id: int) -> bool:
        """Let one more of the user's pages in, if there is room."""
        with self._lock:
            theirs = self._held.get(user_id, 0)
            full = sum(self._held.values()) >= self._most or theirs >= MOST_OF_USER
            if full or not self.is_open:
                return False
            self._held[user_id] = theirs + 1
            return True

    def leave(self, user_id: int) -> None:
        """Note that one has gone."""
        with self._lock:
            self._held[user_id] -= 1
            if not self._held[user_id]:
                del self._held[user_id]

    def users(self) -> list[int]:
        """Return the users whose pages are connected to this process."""
        with self._lock:
            return list(self._held)


class Sockets:
    """The Socket.IO server of one app, and the thread that reads the database for its pages."""

    def __init__(self, app: Flask, services: Services) -> None:
        """Wrap the app; threads start with the first page."""
        settings = services.settings
        self._store = services.store
        self._users = services.users
        self._health = services.health
        #: Task id → the sequence that the poller has told.
        self._told: dict[str, int] = {}
        self._tell_all = threading.Event()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._poller: threading.Thread | None = None
        self._start_once = threading.Lock()
        self._channel = Channel(
            services.health, services.box, settings, on_listening=self._wake.set
        )
        self._io = SocketIO(
            app,
            async_mode="threading",
            transports=["websocket"],
            client_manager=self._channel,
            cors_allowed_origins=lambda _origin, environ: same_origin(environ),
            # Handlers run in the socket's own thread; a page sends nothing but its hello.
            async_handlers=False,
            max_http_buffer_size=10_000,
        )
        # A ping's thread sleeps for 25 s; at a stop it wakes up and ends.
        self._io.server.eio.sleep = self._stopping.wait
        self._io.on_event("connect", self._connected)
        services.health.on_change(lambda _before, _after: self._wake.set())
        self._gate = Gate(app, app.wsgi_app, max(1, int(settings.web_threads * SHARE)))
        app.wsgi_app = self._gate  # type: ignore[method-assign]
        self.broadcaster = SocketBroadcaster(self._channel)

    def close(self) -> None:
        """Close every page's socket and end the threads; new sockets are refused."""
        self._gate.is_open = False
        self._stopping.set()
        self._wake.set()
        self._channel.stop()
        engine = self._io.server.eio
        for socket in list(engine.sockets.values()):
            # A page that has gone away in the meantime is closed already.
            with contextlib.suppress(Exception):
                socket.close(wait=False)
        if engine.service_task_handle is not None:
            engine.shutdown()
        if self._poller is not None:
            self._poller.join(JOIN_S)
        if self._channel.thread is not None:
            self._channel.thread.join(JOIN_S)

    def _connected(self, _auth: object = None) -> None:
        user_id: int = request.environ[_USER]
        self._start_poller()
        # The room first: what changes while the state is read arrives as an event.
        join_room(room(user_id))
        try:
            tasks = self._store.changed([user_id], RECENT_S)
        except DatabaseUnavailable:
            self._tell_all.set()  # the poller does, as soon as it can
            return
        for task in tasks:
            self._send(task, to=request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO's

    def _send(self, task: Task, *, to: str) -> None:
        """Send to pages of this process."""
        self._io.server.emit("task", task.to_json(), to=to, ignore_queue=True)

    def _start_poller(self) -> None:
        with self._start_once:
            if self._poller is None:
                self._poller = threading.Thread(target=self._poll, name="page-poller", daemon=True)
                self._poller.start()

    def _poll(self) -> None:
        checked_at = time.monotonic()
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._tell()
                if time.monotonic() - checked_at > CHECK_S:
                    checked_at = time.monotonic()
                    self._drop_inactive()
            except AltwrightError as error:
                _log.warning("pages are not told of progress: %s", error)
            except Exception:  # noqa: BLE001 - the loop's last resort: pages go on being told
                _log.exception("pages are not told of progress")
            heard = self._channel.listening and self._health.usable
            self._wake.wait(POLL_BESIDE_S if heard else POLL_S)

    def _tell(self) -> None:
        """Send what has changed since the last look."""
        user_ids = self._gate.users()
        known = {} if self._tell_all.is_set() else self._told
        self._tell_all.clear()
        self._told = {}
        if not user_ids:
            return
        tasks = self._store.changed(user_ids, RECENT_S)
        for task in tasks:
            if task.user_id is not None and known.get(task.id) != task.sequence:
                self._send(task, to=room(task.user_id))
        self._told = {task.id: task.sequence for task in tasks}

    def _drop_inactive(self) -> None:
        """Close the sockets of users who may not sign in any more."""
        for user_id in self._gate.users():
            user = self._users.get(user_id)
            if user is None or not user.is_active:
                for sid, _ in list(self._channel.get_participants("/", room(user_id))):
                    self._io.server.disconnect(sid, ignore_queue=True)


#: The servers of this process, for ``close_all``.
_all: WeakSet[Sockets] = WeakSet()


def init_app(app: Flask, services: Services) -> Sockets:
    """Add sockets to an app, and let progress be told over them."""
    sockets = Sockets(app, services)
    app.extensions["altwright_sockets"] = sockets
    services.progress.broadcaster = sockets.broadcaster
    _all.add(sockets)
    return sockets


def close_all() -> None:
    """Close the sockets of this process: each would hold a stop for Gunicorn's whole grace."""
    for sockets in list(_all):
        sockets.close()


def room(user_id: int) -> str:
    """Return the name of the room where a user's pages are."""
    return f"user:{user_id}"


def same_origin(environ: dict[str, Any]) -> bool:
    """Say whether a request comes from a page of this site; programs send no Origin.

    Hosts are compared and schemes are not: a proxy that ends TLS need not say so. Cookies are
    shared between a host's schemes, so nothing is given away. The port counts, unless it is
    the scheme's own.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return True
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"//{environ.get('HTTP_HOST', '')}")
        ports = {None, {"http": 80, "https": 443}.get(theirs.scheme)}
        same_port = theirs.port == ours.port or {theirs.port, ours.port} <= ports
    except ValueError:
        return False
    return theirs.hostname is not None and theirs.hostname == ours.hostname and same_port


def _refused(start_response: Callable[..., Any], status: str) -> list[bytes]:
    start_response(status, [("Content-Length", "0"), ("Retry-After", "2")])
    return [b""]
