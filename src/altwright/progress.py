"""ProgressTracker: what a task is doing, in the database (throttled) and on the user's pages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from altwright.errors import TaskNotFound
from altwright.tasks.claims import Claims
from altwright.tasks.records import Task
from altwright.tasks.store import TaskStore

_log = logging.getLogger(__name__)

#: Seconds between two steps that are written; items and ends are always written.
STEP_EVERY_S = 0.5


class Broadcaster(Protocol):
    """Who tells a user's open pages; must neither block nor raise."""

    def task_changed(self, user_id: int, payload: dict[str, Any]) -> None:
        """Send the task's JSON shape to the user's pages."""
        ...


class SilentBroadcaster:
    """For processes without pages, and while nothing listens."""

    def task_changed(self, user_id: int, payload: dict[str, Any]) -> None:
        """Do nothing: pages read the database."""


class ProgressTracker:
    """Keeps the database first and tells pages second, so that a page never knows more."""

    def __init__(
        self,
        store: TaskStore,
        claims: Claims,
        broadcaster: Broadcaster | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the broadcaster; bootstrap replaces it once sockets are there."""
        self._store = store
        self._claims = claims
        self._clock = clock
        self.broadcaster: Broadcaster = broadcaster or SilentBroadcaster()

    def changed(self, task_id: str) -> None:
        """Tell the user's pages how the task stands now."""
        try:
            task = self._store.get(task_id, None)
        except TaskNotFound:
            return  # purged meanwhile
        if task.user_id is not None:
            self.broadcaster.task_changed(task.user_id, task.to_json())

    def stepper(self, task: Task) -> Callable[[str], None]:
        """Return the ``step`` of a Run: it writes and tells at most twice a second."""
        written_at = -STEP_EVERY_S

        def step(text: str) -> None:
            nonlocal written_at
            at = self._clock()
            if at - written_at >= STEP_EVERY_S:
                written_at = at
                self._claims.step(task.id, task.attempt, text)
                self.changed(task.id)

        return step
