"""Which workers a process should have: a number of its own, or its share of the service's."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from altwright.tasks.cluster.worker_slots import Slots

#: Seconds that a slot may stay empty before a process takes more than its share.
SHARE_S = 3.0


class Places(Protocol):
    """Numbered places; the manager keeps a worker in each that is this process's."""

    def wanted(self, held: Collection[int]) -> set[int]:
        """Return the places that should have a worker here. Raises DatabaseUnavailable."""

    def kept(self, held: Collection[int]) -> None:
        """Hold on to these at a stop, and take no other. Raises DatabaseUnavailable."""

    def left(self, places: Collection[int]) -> None:
        """Note that these have no worker any more. Raises DatabaseUnavailable."""


class OwnPlaces:
    """A fixed number in this process, whatever others have."""

    def __init__(self, count: int) -> None:
        self._places = set(range(count))

    def wanted(self, held: Collection[int]) -> set[int]:
        """Return all of them."""
        return self._places

    def kept(self, held: Collection[int]) -> None:
        """Hold nothing."""

    def left(self, places: Collection[int]) -> None:
        """Give nothing up."""


class SharedPlaces:
    """A number in the whole service: first a fair share, then what nobody else takes."""

    def __init__(
        self,
        slots: Slots,
        count: Callable[[], int],
        processes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._count = count
        self._processes = processes
        self._clock = clock
        self._began = clock()

    def wanted(self, held: Collection[int]) -> set[int]:
        """Keep what is held and take free slots; what is above the number is left."""
        count = self._count()
        mine = {number for number in self._slots.keep(held) if number < count}
        share = -(-count // self._processes)
        if self._clock() - self._began > SHARE_S:
            share = count
        return mine | self._slots.take(count, share - len(mine))

    def kept(self, held: Collection[int]) -> None:
        """Lengthen the hold on these."""
        self._slots.keep(held)

    def left(self, places: Collection[int]) -> None:
        """Let other processes have them."""
        if places:
            self._slots.let_go(places)
