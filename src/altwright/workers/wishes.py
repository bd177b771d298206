"""What administrators want of the workers in one process, and whose turn it is to do it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from altwright.errors import DatabaseUnavailable
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.worker_control import AGAIN, Group, Wishes, WorkerControl

_log = logging.getLogger(__name__)

#: Seconds between two questions to the database; a wish is taken up within twice that.
READ_EVERY_S = 0.9
#: Seconds after the end of a process in which its successor starts, before the next one ends.
TURN_S = 5.0


class ProcessWishes:
    """Follows the wishes for one process; those of before its start are no affair of it."""

    def __init__(
        self,
        control: WorkerControl,
        group: Group | None,
        leases: Leases,
        owner: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the process's group; None: a supervisor follows the wishes for it."""
        self._control = control
        self._group = group
        self._leases = leases
        # No process's name: the turn lasts beyond the end of the process that had it.
        self._owner = f"turn of {owner}"
        self._clock = clock
        self._read_at: float | None = None
        self._first: Wishes | None = None
        self._now = Wishes()
        self._has_turn = False
        #: Set once: let running tasks end, take no more, and end the process.
        self.leave = threading.Event()

    def count(self, otherwise: int) -> int:
        """Return how many workers there should be in the whole group."""
        return self._now.scale.most if self._now.scale else otherwise

    def look(self) -> None:
        """Read the wishes, if it is time to, and take them up; called often.

        While the database is away, what was read last holds.
        """
        if self._group is None:
            return
        at = self._clock()
        if self._read_at is not None and at - self._read_at < READ_EVERY_S:
            return
        self._read_at = at
        try:
            self._follow(self._group)
        except DatabaseUnavailable as error:
            _log.warning("what is wanted of workers isn't read: %s", error)

    def _follow(self, group: Group) -> None:
        self._now = self._control.wishes(group)
        if self._first is None:
            self._first = self._now
        if self._now.end and self._now.end != self._first.end:
            self._leave("asked to end", self._now.end.by)
        if self._now.again and self._now.again != self._first.again:
            # Renewed until the very end, so that the next one waits for this one's successor.
            self._has_turn = self._leases.hold(group.row(AGAIN), self._owner, TURN_S)
            if self._has_turn:
                self._leave("asked to be replaced", self._now.again.by)

    def _leave(self, why: str, by: str) -> None:
        if not self.leave.is_set():
            _log.info("this process ends: %s by %s", why, by)
            self.leave.set()
