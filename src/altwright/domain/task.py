"""A task's words: its states, the moves between them, its priorities."""

from __future__ import annotations

import logging
from enum import IntEnum, StrEnum
from types import MappingProxyType

_log = logging.getLogger(__name__)


class Status(StrEnum):
    """Where a task is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Every legal move; docs/reference/states.md draws its diagram from this table.
MOVES = MappingProxyType(
    {
        Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
        # RUNNING to QUEUED: retry, preempted, slice over, lease lost, worker stopped.
        Status.RUNNING: frozenset(
            {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.QUEUED}
        ),
        Status.FAILED: frozenset({Status.QUEUED}),  # an administrator requeues a dead letter
        Status.COMPLETED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
)

ACTIVE = (Status.QUEUED, Status.RUNNING)


class Priority(IntEnum):
    """The four priorities; the number is the order, so that SQL sorts by it."""

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def queue(self) -> str:
        """Return the queue's name (requirement 1.2)."""
        return self.name.lower()

    @classmethod
    def named(cls, queue: str | None) -> Priority | None:
        """Return the priority whose queue is called so; None: there is none."""
        return next((one for one in cls if one.queue == queue), None)

    @classmethod
    def parse(cls, name: str) -> Priority:
        """Return the priority called ``name``; an unknown one is normal (requirement 2.6)."""
        try:
            return cls[name.strip().upper()]
        except KeyError:
            _log.warning("unknown priority %r, taken as normal", name[:20])
            return cls.NORMAL


class Delivery(StrEnum):
    """Who hands a task to a worker."""

    RQ = "rq"
    DATABASE = "database"


class ItemStatus(StrEnum):
    """How far a task's item is."""

    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
