"""Streak: tells one item's trouble from a server's, by asking the server and by counting."""

from __future__ import annotations

import logging
from collections.abc import Callable

from altwright.errors import Category, DatabaseUnavailable, TaskStateConflict
from altwright.interrupts import Interrupted
from altwright.tasks.error_classification import Fault, Meaning, Source, fault_of
from altwright.tasks.store.items import LAST_FROM
from altwright.tasks.task import Item
from altwright.tasks.task_kind import Work

_log = logging.getLogger(__name__)

#: Different items that fail in a row for the same cause before the task stops.
IN_A_ROW = 3
#: Seconds for which a server's good answer is believed while items go on failing.
BELIEVED_S = 30.0


class Streak:
    """What failed in a row in one attempt, and what the servers said about themselves."""

    def __init__(self, work: Work, clock: Callable[[], float], *, has_worked: bool = False) -> None:
        self._work = work
        self._clock = clock
        self._has_worked = has_worked
        self._cause: object = None
        self._failed: set[str] = set()
        #: Ids of the items that failed in a row.
        self.items: set[int] = set()
        self._asked: dict[object, float] = {}

    def over(self) -> None:
        """Note that an item was worked on without a fault."""
        self._has_worked = True
        self._begin()

    def failed(self, item: Item, fault: Fault) -> int:
        """Note a failure; return how many different items have failed in a row for its cause.

        Those of one post count as one. Items that were tried before say nothing new, unless
        nothing has worked yet; those that failed in runs before never do.
        """
        if item.position >= LAST_FROM or (item.tries and self._has_worked):
            return 0
        if fault.cause != self._cause:
            self._cause = fault.cause
            self._begin()
        self.items.add(item.id)
        self._failed.add(item.key.partition(":")[0])
        return len(self._failed)

    def _begin(self) -> None:
        self._failed.clear()
        self.items.clear()

    def asked(self, source: Source, about: object = None) -> Fault | None:
        """Ask a server how it is; return what is wrong with it as a whole, None: nothing is.

        ``about`` is what it is asked about; a good answer to the same is believed for a while.
        """
        asked_at = self._asked.get((source, about))
        if asked_at is not None and self._clock() - asked_at < BELIEVED_S:
            return None
        try:
            self._work.probe(source)
        except (TaskStateConflict, DatabaseUnavailable, Interrupted):
            raise
        except Exception as error:  # noqa: BLE001 - what it means is told, or recorded
            fault = fault_of(error)
            # No matter whose: a server that asks for a pause says so of itself.
            if fault.source is not Source.ALTWRIGHT or fault.meaning is Meaning.WAIT:
                return fault
            if fault.category is Category.FAULT:
                _log.exception("unexpected error while probing %s", source)
        self._asked[source, about] = self._clock()
        return None
