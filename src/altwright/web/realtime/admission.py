"""Which WebSockets are let in: of signed-in users, from our own pages, and not too many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_login import current_user

from altwright.errors import DatabaseUnavailable

#: Sockets that one user's pages may hold in a process, where that isn't over half of them.
MOST_OF_USER = 12
#: Seconds within which a connection that begins by polling has to say what it wants.
BEGIN_S = 5.0
#: The keys of a request's environment under which a socket's user stands, and when it was let in.
USER, SINCE = "altwright.user_id", "altwright.let_in_at"

#: Where Socket.IO's requests go, those that poll too.
SOCKET_PATH = "/socket.io/"

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Gate:
    """Lets WebSockets in: of signed-in users, from our own pages, and not too many.

    It stands before Socket.IO, which would hold a thread for anybody who asks.
    """

    def __init__(
        self, app: Flask, inner: WSGIApp, most: int, polled: Callable[[], list[int]] | None = None
    ) -> None:
        """Take ``polled``: whose sockets are open, where they may begin by polling; None: not.

        Each poll holds a thread, and so counts as a page while it lasts.
        """
        self._polled = polled
        self._app = app
        self._inner = inner
        self._most = most
        self._most_of_user = min(MOST_OF_USER, max(1, most // 2))
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}
        self.is_open = True

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        is_socket = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        if not (is_socket or self.polls(environ)):
            return self._inner(environ, start_response)
        if not same_origin(environ):
            return _refused(start_response, "403 Forbidden")
        try:
            user_id = self.user_id(environ)
        except DatabaseUnavailable:
            return _refused(start_response, "503 Service Unavailable")
        if user_id is None:
            return _refused(start_response, "401 Unauthorized")
        if not (is_socket or self.may_begin(environ, user_id)) or not self.enter(user_id):
            return _refused(start_response, "503 Service Unavailable")
        environ[USER], environ[SINCE] = user_id, time.monotonic()
        try:
            # Returns when the socket has closed, or the poll is over.
            return self._inner(environ, start_response)
        finally:
            self.leave(user_id)

    def polls(self, environ: dict[str, Any]) -> bool:
        """Return whether a request is one of a socket that polls."""
        return self._polled is not None and environ["PATH_INFO"].startswith(SOCKET_PATH)

    def may_begin(self, environ: dict[str, Any], user_id: int) -> bool:
        """Return whether a poll goes on with its socket, or there is room for a new one of theirs.

        An answer with an id holds no thread: without a limit of its own, one user who only asks
        for ids would keep everybody else out.
        """
        if self._polled is None or "sid=" in environ.get("QUERY_STRING", ""):
            return True
        users = self._polled()
        return len(users) < self._most and users.count(user_id) < self._most_of_user

    def user_id(self, environ: dict[str, Any]) -> int | None:
        """Return who sends a request. Raises DatabaseUnavailable."""
        with self._app.request_context(environ):
            return int(current_user.ref.id) if current_user.is_authenticated else None

    def enter(self, user_id: int) -> bool:
        """Let one more of the user's pages in, if there is room."""
        with self._lock:
            theirs = self._held.get(user_id, 0)
            full = sum(self._held.values()) >= self._most or theirs >= self._most_of_user
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


def open_sockets(
    server: Any, close: Callable[[str], object], of: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[int]:
    """Return whose connections a Socket.IO server holds; close those that said nothing in time.

    ``of`` a connection's environment returns where USER and SINCE stand. A connection without a
    session of Socket.IO would else keep its place until a ping stays unanswered, for 45 seconds.
    """
    users = []
    for eio_sid, environ in list(server.environ.items()):
        began = of(environ)
        is_late = time.monotonic() - began[SINCE] > BEGIN_S
        if is_late and server.manager.sid_from_eio_sid(eio_sid, "/") is None:
            close(eio_sid)
        else:
            users.append(began[USER])
    return users


def same_origin(environ: dict[str, Any]) -> bool:
    """Return whether a request comes from a page of this site; programs send no Origin.

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
