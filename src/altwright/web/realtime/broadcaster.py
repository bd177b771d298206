"""Sends what has changed to its user's pages, wherever they are connected."""

from __future__ import annotations

import logging
from typing import Any

from altwright.web.realtime.redis_channel import PageChannel

_log = logging.getLogger(__name__)


class SocketBroadcaster:
    """Tells pages of this process and, over Redis, those of others."""

    def __init__(self, channel: PageChannel) -> None:
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


def room(user_id: int) -> str:
    """Return the name of the room where a user's pages are."""
    return f"user:{user_id}"
