"""Events between processes over Redis, for Socket.IO: encrypted, with quick reconnects."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import socketio
from redis.exceptions import RedisError

from altwright.config import Settings
from altwright.crypto import Box
from altwright.errors import RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import SOCKET_CHANNEL, connect, database_number

_log = logging.getLogger(__name__)

#: Seconds that the listener waits for a message before it looks whether it should end, and
#: between two tries to reach Redis. python-socketio's own go up to 60 (facts: RQ §3).
LISTEN_S, RETRY_S = 0.5, 0.5
#: Seconds for which nothing is published after an event that no process heard.
UNHEARD_S = 1.0
#: Seconds after which a silent connection is asked whether the server is still there.
SILENT_S = 5


class PageChannel(socketio.RedisManager):  # type: ignore[misc]  # it ships no types
    """The clients of this process, and what other processes publish for them.

    Messages are encrypted: who can read Redis learns nothing of tasks from them, and who can
    write to it can't tell pages anything. Publishes over the health monitor's client: while Redis
    is away an event costs nothing and reaches this process's clients only. The listener has a
    connection of its own, opened when the first client comes.
    """

    def __init__(self, health: RedisHealthMonitor, box: Box, settings: Settings) -> None:
        url = settings.resolved_redis_url
        # One for each service: unlike keys, channels span a server's databases.
        channel = f"{SOCKET_CHANNEL}:{database_number(url)}:{settings.rq_queue_prefix}"
        super().__init__(url, channel=channel, json=json)
        self._health = health
        self._box = box
        self._listeners: list[Callable[[], None]] = []
        self._task_listeners: list[Callable[[str], None]] = []
        self._stop = threading.Event()
        self._unheard_until = 0.0
        #: The listener's; python-socketio starts it with the first client.
        self.thread: threading.Thread | None = None
        #: Since when what other processes publish is heard here; None: it isn't.
        self.heard_since: float | None = None

    def emit_to_user(self, event: str, user_id: int, payload: dict[str, Any]) -> None:
        """Send to a user's pages, here and elsewhere; neither wait nor fail for a page."""
        try:
            self.emit(event, payload, namespace="/", room=room(user_id))
        except Exception:  # noqa: BLE001 - a page's trouble must not become a task's
            _log.exception("an event could not be sent")

    def on_listening(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` each time Redis is heard again."""
        self._listeners.append(listener)

    def on_task(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with a task's id each time this process is to tell pages of it."""
        self._task_listeners.append(listener)

    @property
    def hears_all(self) -> bool:
        """Return whether an event of any process arrives: those that nobody heard held back."""
        since = self.heard_since
        return since is not None and time.monotonic() - since > UNHEARD_S

    def stop(self) -> None:
        """End the listener, within LISTEN_S seconds."""
        self._stop.set()

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what other processes emit, until ``stop``; for a server that isn't threaded."""
        with suppress(_Stopped):
            for data in self._listen():
                yield json.loads(data)

    def _handle_emit(self, message: dict[str, Any]) -> None:
        super()._handle_emit(message)
        if message["event"] == "task":
            for listener in self._task_listeners:
                listener(message["data"][0]["id"])

    def _publish(self, data: Any) -> None:
        # Only of tasks, which pages are told again from the database.
        if time.monotonic() < self._unheard_until and data.get("event") == "task":
            return
        try:
            with self._health.guarded() as client:
                if not client.publish(self.channel, self._box.close(json.dumps(data).encode())):
                    self._unheard_until = time.monotonic() + UNHEARD_S
        except RedisUnavailable:
            # Pages of other processes read the database meanwhile.
            _log.debug("an event stays in this process: Redis is away")

    def _thread(self) -> None:
        with suppress(_Stopped):
            super()._thread()

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                yield from self._messages()
            except (RedisError, OSError) as error:
                if self.heard_since is not None:
                    _log.warning("events of other processes are not heard: %s", error)
            finally:
                self.heard_since = None
            if self._stop.wait(RETRY_S):
                raise _Stopped

    def _opened(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            data = self._box.open(message["data"])
        except ValueError:
            _log.warning("an event was closed with another key, or is forged")
        else:
            yield {**message, "data": data}

    def _messages(self) -> Iterator[dict[str, Any]]:
        url = self._health.url
        with (
            connect(url, call_timeout_s=SILENT_S, health_check_s=SILENT_S) as client,
            client.pubsub(ignore_subscribe_messages=True) as pubsub,
        ):
            pubsub.subscribe(self.channel)
            pubsub.get_message(timeout=LISTEN_S)  # the answer to the subscription
            self.heard_since = time.monotonic()
            for listener in self._listeners:
                listener()
            while not self._stop.is_set() and url == self._health.url:
                message = pubsub.get_message(timeout=LISTEN_S)
                if message is not None:
                    yield from self._opened(message)


def room(user_id: int) -> str:
    """Return the name of the room where a user's pages are."""
    return f"user:{user_id}"


class _Stopped(BaseException):
    """Ends the listener: python-socketio's loop around it catches every Exception."""
