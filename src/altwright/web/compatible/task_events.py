"""The replaced system's Socket.IO events: who has joined which task's room, and what they hear."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final

from altwright.domain.task import Status
from altwright.domain.user import UserRef
from altwright.errors import AltwrightError, InvalidInput, NotSignedIn, TaskNotFound, TemporaryError
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.tasks.task import Task
from altwright.web.auth import refuse_viewer
from altwright.web.compatible.answers import Answer, naive, results_of, words
from altwright.web.services import Services

#: What a client sends, each with {"task_id": …}.
ASKED: Final = ("join_task", "leave_task", "cancel_task", "get_task_status")
#: Sends an event to a socket of this process: its name, what it says, to whom. It never waits.
Send = Callable[[str, Answer, str], None]


class TaskFollowers:
    """The sockets of this process that follow tasks of their users.

    Each hears of a change what the database says then, and of an end once: its room closes with it.
    """

    def __init__(self, services: Services, send: Send) -> None:
        self._services = services
        self._send = send
        self._security = CaptionSecurityManager()
        # Held while a state is read and sent: what is sent later is never older.
        self._lock = threading.Lock()
        #: Task id → sockets.
        self._joined: dict[str, set[str]] = {}

    def asked(self, event: str, sid: str, user_id: int, data: Any) -> None:
        """Do what a socket of this user asks for; what can't be done is an event, too."""
        try:
            user = self._user(user_id)
            task = self._services.store.get(self._task_id(data), user.id)
            match event:
                case "join_task":
                    self._join(sid, task.id)
                case "leave_task":
                    self._leave(sid, task.id)
                case "cancel_task":
                    self._cancel(sid, user, task)
                case _:
                    self._send("progress_update", progress_of(task), sid)
        except AltwrightError as error:
            self._send("error", {"message": str(error)}, sid)

    def gone(self, sid: str) -> None:
        """Forget a socket that has closed."""
        with self._lock:
            for task_id in [one for one, sids in self._joined.items() if sid in sids]:
                self._remove(sid, task_id)

    def tell(self, task_id: str) -> None:
        """Tell those who follow a task how it stands now.

        Without the database nothing is said; the poller comes back to it.
        """
        if task_id not in self._joined:
            return
        with self._lock:
            sids = self._joined.get(task_id, ())
            try:
                self._show(task_id, sids)
            except (TaskNotFound, TemporaryError):
                return

    def _join(self, sid: str, task_id: str) -> None:
        with self._lock:
            self._joined.setdefault(task_id, set()).add(sid)
            self._show(task_id, (sid,))

    def _leave(self, sid: str, task_id: str) -> None:
        with self._lock:
            self._remove(sid, task_id)

    def _remove(self, sid: str, task_id: str) -> None:
        sids = self._joined.get(task_id, set())
        sids.discard(sid)
        if not sids:
            self._joined.pop(task_id, None)

    def _cancel(self, sid: str, user: UserRef, task: Task) -> None:
        """Cancel a task; whoever does so follows it to its end."""
        refuse_viewer(user)
        with self._lock:
            self._joined.setdefault(task.id, set()).add(sid)
        try:
            self._services.queue.cancel(task.id, by=user)
        finally:
            self.tell(task.id)

    def _show(self, task_id: str, sids: Collection[str]) -> None:
        task = self._services.store.get(task_id, None)
        end = self._end_of(task)
        for sid in list(sids):
            self._send("progress_update", progress_of(task), sid)
            if end is not None:
                self._send(*end, sid)
                self._remove(sid, task_id)

    def _end_of(self, task: Task) -> tuple[str, Answer] | None:
        match task.status:
            case Status.COMPLETED:
                results = results_of(self._services, task)
                return "task_completed", {"task_id": task.id, "results": results}
            case Status.FAILED:
                return "task_error", {"task_id": task.id, "error": words(task)}
            case Status.CANCELLED:
                return "task_cancelled", {"task_id": task.id, "message": words(task)}
            case _:
                return None

    def _user(self, user_id: int) -> UserRef:
        user = self._services.users.get(user_id)
        if user is None or not user.is_active:
            raise NotSignedIn("Sign in first.")
        return user.ref

    def _task_id(self, data: Any) -> str:
        task_id = data.get("task_id") if isinstance(data, dict) else None
        if not isinstance(task_id, str):
            raise InvalidInput('Send {"task_id": …} with the event.')
        return self._security.checked_task_id(task_id)


def progress_of(task: Task) -> Answer:
    """Return what ``progress_update`` says."""
    return {
        "task_id": task.id,
        "user_id": task.user_id,
        "current_step": task.step,
        "progress_percent": task.percent,
        "details": {
            "status": task.status.value,
            "images_total": task.items_total,
            "images_processed": task.items_finished,
            "errors_count": task.items_failed,
        },
        "started_at": naive(task.started_at),
        "updated_at": naive(task.finished_at or datetime.now(UTC)),
    }
