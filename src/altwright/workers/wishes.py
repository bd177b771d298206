"""What administrators want of the workers in one process, and whose turn it is to do it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from altwright.errors import DatabaseUnavailable
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.stack_dumps import StackDumps, request_row, stack_of
from altwright.tasks.cluster.worker_control import (
    AGAIN,
    END,
    SCALE,
    Group,
    Wishes,
    WorkerControl,
)

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
        stacks: StackDumps,
        leases: Leases,
        owner: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the process's group; None: a supervisor follows the wishes for it."""
        self._control = control
        self._group = group
        self._stacks = stacks
        #: Requests for stacks that were answered here.
        self._answered: dict[str, str] = {}
        self._leases = leases
        # No process's name: the turn lasts beyond the end of the process that had it.
        self._owner = f"turn of {owner}"
        self._clock = clock
        self._read_at: float | None = None
        self._first: Wishes | None = None
        self._now = Wishes()
        #: Set once: let running tasks end, take no more, and end the process.
        self.leave = threading.Event()

    def count(self, otherwise: int) -> int:
        """Return how many workers there should be in the whole group."""
        return self._now.scale.most if self._now.scale else otherwise

    def look(self, threads: Mapping[str, int]) -> None:
        """Read the wishes, if it is time to, and take them up; called often.

        While the database is away, what was read last holds. ``threads`` are the identities of
        workers' threads, by the workers' ids.
        """
        at = self._clock()
        if self._read_at is not None and at - self._read_at < READ_EVERY_S:
            return
        self._read_at = at
        try:
            self._follow(threads)
        except DatabaseUnavailable as error:
            _log.warning("what is wanted of workers isn't read: %s", error)

    def _follow(self, threads: Mapping[str, int]) -> None:
        group = self._group
        names = {group.row(what): what for what in (SCALE, AGAIN, END)} if group else {}
        asked = {request_row(worker_id): worker_id for worker_id in threads}
        rows = self._control.read([*names, *asked])
        for row, worker_id in asked.items():
            if row in rows and self._answered.get(worker_id) != rows[row].id:
                self._stacks.answer(worker_id, rows[row].id, stack_of(threads[worker_id]))
                self._answered[worker_id] = rows[row].id
        if group:
            self._take_up(
                group, Wishes(**{names[name]: rows[name] for name in names if name in rows})
            )

    def _take_up(self, group: Group, wishes: Wishes) -> None:
        self._now = wishes
        if self._first is None:
            self._first = wishes
        if wishes.end and wishes.end != self._first.end:
            self._leave("asked to end", wishes.end.by)
        if (
            wishes.again
            and wishes.again != self._first.again
            # Renewed until the very end, so that the next one waits for this one's successor.
            and self._leases.hold(group.row(AGAIN), self._owner, TURN_S)
        ):
            self._leave("asked to be replaced", wishes.again.by)

    def _leave(self, why: str, by: str) -> None:
        if not self.leave.is_set():
            _log.info("this process ends: %s by %s", why, by)
            self.leave.set()
