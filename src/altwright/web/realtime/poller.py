"""Tells open pages what the database says has changed: what no event told them, they get here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from altwright.background import BackgroundLoop
from altwright.tasks.task import Task
from altwright.web.realtime.admission import Gate
from altwright.web.services import Services

#: Seconds between two looks into the database for the tasks of connected users: while other
#: processes aren't heard; and otherwise, since a published event may get lost all the same.
POLL_S, POLL_BESIDE_S = 0.5, 5.0
#: Seconds between two looks whether connected users may still sign in.
CHECK_S = 60.0
#: Seconds after a task's end in which a page that connects is still shown it.
RECENT_S = 60.0
#: Seconds that the threads of a process get to end.
JOIN_S = 2.0


class PagePoller:
    """The thread that reads the database for the pages of a process."""

    def __init__(
        self,
        services: Services,
        gate: Gate,
        tell: Callable[[int, Task], None],
        drop: Callable[[int], None],
    ) -> None:
        self._store = services.store
        self._users = services.users
        self._health = services.health
        self._gate = gate
        self._channel = services.page_channel
        self._tell = tell
        self._drop = drop
        #: Task id → the sequence that pages were told.
        self._told: dict[str, int] = {}
        self._tell_all = threading.Event()
        self._checked_at = time.monotonic()
        self.loop = BackgroundLoop("page-poller", self._round, every_s=self._pause_s, join_s=JOIN_S)
        services.health.on_change(lambda _before, _after: self.loop.wake())
        services.page_channel.on_listening(self.loop.wake)

    def tell_all(self) -> None:
        """Tell every page everything again in the next round."""
        self._tell_all.set()

    def _pause_s(self) -> float:
        heard = self._channel.hears_all and self._health.usable
        return POLL_BESIDE_S if heard else POLL_S

    def _round(self) -> None:
        self._tell_changes()
        if time.monotonic() - self._checked_at > CHECK_S:
            self._checked_at = time.monotonic()
            self._drop_inactive()

    def _tell_changes(self) -> None:
        user_ids = self._gate.users()
        known = {} if self._tell_all.is_set() else self._told
        self._tell_all.clear()
        self._told = {}
        if not user_ids:
            return
        tasks = self._store.changed(user_ids, RECENT_S)
        for task in tasks:
            if task.user_id is not None and known.get(task.id) != task.sequence:
                self._tell(task.user_id, task)
        self._told = {task.id: task.sequence for task in tasks}

    def _drop_inactive(self) -> None:
        """Disconnect the pages of users who may not sign in any more."""
        for user_id in self._gate.users():
            user = self._users.get(user_id)
            if user is None or not user.is_active:
                self._drop(user_id)
