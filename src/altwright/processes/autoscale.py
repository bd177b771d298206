"""How many worker processes there should be, by what waits (requirement 9.3)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from altwright.tasks.store.backlog_pressure import Pressure

#: Seconds after a start before the next: a process has to boot and take tasks before what still
#: waits says anything. And seconds of too little work before one process goes.
UP_EVERY_S, DOWN_AFTER_S = 3.0, 30.0


class Autoscale:
    """Decides between a least and a most; grows fast, shrinks slowly."""

    def __init__(
        self,
        least: int,
        most: int,
        threads: int,
        *,
        down_after_s: float = DOWN_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``threads``, how many tasks a process works on at a time."""
        self.least = least
        self.most = max(least, most)
        self._threads = threads
        self._down_after_s = down_after_s
        self._clock = clock
        self._grew_at = -UP_EVERY_S
        self._enough_since: float | None = None

    @property
    def is_fixed(self) -> bool:
        """Return whether what waits makes no difference."""
        return self.least == self.most

    def between(self, least: int, most: int) -> None:
        """Decide between these from now on."""
        self.least, self.most = least, max(least, most)

    def wanted(self, there: int, pressure: Pressure) -> int:
        """Return how many processes there should be, of ``there`` now.

        More at once when tasks wait for longer than they should, or for a whole process's worth:
        at most twice as many. Fewer one by one, when all would fit into fewer for a while.
        """
        at = self._clock()
        if there < self.least:
            return self.least
        needed = math.ceil((pressure.waiting + pressure.running) / self._threads)
        needed = max(self.least, min(needed, self.most))
        if needed >= there:
            self._enough_since = None
        elif self._enough_since is None:
            self._enough_since = at
        long_waits = pressure.late or pressure.waiting > self._threads
        if needed > there and long_waits and at - self._grew_at >= UP_EVERY_S:
            self._grew_at = at
            return min(needed, there * 2) if there else needed
        if self._enough_since is not None and at - self._enough_since >= self._down_after_s:
            self._enough_since = at
            return there - 1
        return min(there, self.most)
