"""Progress on open pages: Socket.IO over WebSockets, the database where Redis is away."""

from __future__ import annotations

import contextlib
import logging
import threading
from functools import partial
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO, join_room

from altwright.errors import DatabaseUnavailable
from altwright.tasks.task import Task
from altwright.web.compatible.task_events import ASKED, TaskFollowers
from altwright.web.realtime.admission import USER, Gate, open_sockets, same_origin
from altwright.web.realtime.poller import JOIN_S, RECENT_S, PagePoller
from altwright.web.realtime.redis_channel import room
from altwright.web.services import Services

_log = logging.getLogger(__name__)

EXTENSION = "altwright_sockets"
#: Of Gunicorn's threads, the share that sockets may hold; the rest answers requests.
SOCKETS_SHARE = 0.75


class Sockets:
    """The Socket.IO server of one app, and the thread that reads the database for its pages."""

    def __init__(self, app: Flask, services: Services) -> None:
        """Wrap the app; threads start with the first page."""
        settings = services.settings
        # A polling client's requests have to reach the same process each.
        polls = settings.compatible_routes and settings.web_concurrency == 1
        self._store = services.store
        self._stopping = threading.Event()
        self._channel = services.page_channel
        self._io = SocketIO(
            app,
            async_mode="threading",
            transports=["websocket", "polling"] if polls else ["websocket"],
            client_manager=self._channel,
            cors_allowed_origins=lambda _origin, environ: same_origin(environ),
            # Handlers run in the socket's own thread; a page sends nothing but its hello.
            async_handlers=False,
            max_http_buffer_size=10_000,
        )
        # A ping's thread sleeps for 25 s; at a stop it wakes up and ends.
        self._io.server.eio.sleep = self._stopping.wait
        self._io.on_event("connect", self._connected)
        self._followers = TaskFollowers(services, self._send_event)
        if settings.compatible_routes:
            self._answer_followers()
        most = max(1, int(settings.web_threads * SOCKETS_SHARE))
        self._gate = Gate(app, app.wsgi_app, most, self._polled if polls else None)
        self._poller = PagePoller(services, self._gate, self._tell, self._drop)
        app.wsgi_app = self._gate  # type: ignore[method-assign]

    def close(self) -> None:
        """Close every page's socket and end the threads; new sockets are refused."""
        self._gate.is_open = False
        self._stopping.set()
        self._channel.stop()
        engine = self._io.server.eio
        for socket in list(engine.sockets.values()):
            # A page that has gone away in the meantime is closed already.
            with contextlib.suppress(Exception):
                socket.close(wait=False)
        if engine.service_task_handle is not None:
            engine.shutdown()
        self._poller.loop.stop()
        if self._channel.thread is not None:
            self._channel.thread.join(JOIN_S)

    def _polled(self) -> list[int]:
        return open_sockets(self._io.server, self._close_silent, lambda environ: environ)

    def _close_silent(self, eio_sid: str) -> None:
        socket = self._io.server.eio.sockets.pop(eio_sid, None)
        if socket is not None:
            socket.close(wait=False, abort=True)

    def _connected(self, _auth: object = None) -> None:
        user_id: int = request.environ[USER]
        self._poller.loop.start()
        # The room first: what changes while the state is read arrives as an event.
        join_room(room(user_id))
        try:
            tasks = self._store.changed([user_id], RECENT_S)
        except DatabaseUnavailable:
            self._poller.tell_all()  # as soon as it can
            return
        for task in tasks:
            self._send(task, to=request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO's

    def _answer_followers(self) -> None:
        """Take part in the replaced system's events."""
        server = self._io.server
        for event in ASKED:
            server.on(event, partial(self._asked, event))
        server.on("disconnect", lambda sid, *_: self._followers.gone(sid))
        self._channel.on_task(self._followers.tell)

    def _asked(self, event: str, sid: str, data: Any = None) -> None:
        user_id: int = self._io.server.get_environ(sid)[USER]
        self._followers.asked(event, sid, user_id, data)

    def _send_event(self, event: str, data: dict[str, Any], sid: str) -> None:
        self._io.server.emit(event, data, to=sid, ignore_queue=True)

    def _send(self, task: Task, *, to: str) -> None:
        """Send to pages of this process."""
        self._io.server.emit("task", task.to_json(), to=to, ignore_queue=True)

    def _tell(self, user_id: int, task: Task) -> None:
        self._send(task, to=room(user_id))
        self._followers.tell(task.id)

    def _drop(self, user_id: int) -> None:
        for sid, _ in list(self._channel.get_participants("/", room(user_id))):
            self._io.server.disconnect(sid, ignore_queue=True)


def init_app(app: Flask, services: Services) -> None:
    """Add sockets to an app."""
    app.extensions[EXTENSION] = Sockets(app, services)


def close(app: Flask) -> None:
    """Close the app's sockets: each would hold a stop for Gunicorn's whole grace."""
    sockets: Sockets = app.extensions[EXTENSION]
    sockets.close()
