"""ProgressTracker: what a task is doing, in the database (throttled) and on the user's pages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from altwright.errors import TaskNotFound, TaskStateConflict, TemporaryError
from altwright.tasks.rq.user_task_tracker import UserTaskTracker
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Task

_log = logging.getLogger(__name__)

#: Seconds between two steps that are written; items and ends are always written.
STEP_EVERY_S = 0.5


#: Sends an event to a user's open pages: its name, whose, what it says. Neither blocks nor raises.
Emit = Callable[[str, int, dict[str, Any]], None]


class ProgressTracker:
    """Keeps the database first and tells pages second, so that a page never knows more."""

    def __init__(
        self,
        store: TaskStore,
        claims: Claims,
        tracker: UserTaskTracker,
        emit: Emit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._claims = claims
        self._tracker = tracker
        self._clock = clock
        self._lock = threading.Lock()
        #: Steps that came too soon after another: attempt to when it may be written, and text.
        self._held_back: dict[tuple[str, int], tuple[float, str]] = {}
        self.emit = emit

    def publish_by_id(self, task_id: str) -> None:
        """Tell the user's pages how the task stands now; without the database, they ask later."""
        try:
            task = self._store.get(task_id, None)
        except TaskNotFound:
            return  # purged meanwhile
        except TemporaryError as error:
            _log.warning("pages not told of task %s: %s", task_id, error)
            return
        self.publish(task)

    def publish(self, task: Task) -> None:
        """Tell the user's pages how the task stands, which was read just now."""
        if task.ended:
            self._tracker.follow(task)
        if task.user_id is not None:
            self.emit("task", task.user_id, task.to_json())

    def drafts_changed(
        self, user_id: int, draft_id: int | None = None, version: int | None = None
    ) -> None:
        """Tell the user's pages that a person has changed a draft; None: several, so pages ask."""
        self.emit("drafts", user_id, {"id": draft_id, "version": version})

    def stepper(self, task: Task) -> Callable[[str], None]:
        """Return the ``step`` of a Run: at most two a second are written, the last one always."""
        key = (task.id, task.attempt)
        due_at = self._clock()

        def step(text: str) -> None:
            nonlocal due_at
            at = self._clock()
            with self._lock:
                self._held_back.pop(key, None)
                if at < due_at:
                    self._held_back[key] = (due_at, text)
                    return
            due_at = at + STEP_EVERY_S
            self._write(key, text)

        return step

    def flush(self) -> None:
        """Write the steps that were held back for long enough."""
        at = self._clock()
        with self._lock:
            due = [key for key, (due_at, _) in self._held_back.items() if due_at <= at]
            steps = [(key, self._held_back.pop(key)[1]) for key in due]
        for key, text in steps:
            try:
                self._write(key, text)
            except TaskStateConflict:
                continue  # the attempt has ended since
            except TemporaryError as error:
                _log.warning("step of task %s not written: %s", key[0], error)

    def _write(self, key: tuple[str, int], text: str) -> None:
        self._claims.step(*key, text)
        self.publish_by_id(key[0])
