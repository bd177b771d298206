"""TaskWorker: what a worker of any kind does with a task that it is handed or takes itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass

from altwright.domain.task import Delivery, Priority
from altwright.errors import TemporaryError
from altwright.tasks.execution.runner import TaskRunner
from altwright.tasks.store.claims import Claims
from altwright.tasks.task import Task, Ticket

_log = logging.getLogger(__name__)

#: Seconds that a worker leaves a database alone that didn't answer it.
DATABASE_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class WorkParts:
    """What workers share. ``session`` surrounds each task: WorkerSessionManager.task."""

    claims: Claims
    runner: TaskRunner
    session: Callable[[], AbstractContextManager[None]]
    paused: Callable[[], Collection[Priority]] = tuple
    limited: Callable[[], Collection[Priority]] = tuple

    def closed(self) -> frozenset[Priority]:
        """Return the priorities of which no task may begin now: paused, or at their limit."""
        return frozenset(self.paused()) | frozenset(self.limited())


class TaskWorker:
    """One worker; it works on one task at a time, in the thread that calls it."""

    def __init__(self, worker_id: str, parts: WorkParts) -> None:
        """Take the worker's id, which is unique in the cluster (domain.worker.new_worker_id)."""
        self.id = worker_id
        self._parts = parts
        #: Set: hand the task in work back at its next item.
        self.interrupted = threading.Event()
        #: Attempts that have ended here, and those of them that failed.
        self.worked = self.failed = 0

    def take(self, ticket: Ticket) -> bool | None:
        """Work on the task of a ticket that RQ delivered; return whether it was still to be had.

        None: it waits on, since its priority is paused, or at its limit.
        """
        waits = False

        def claim() -> Task | None:
            nonlocal waits
            claims = self._parts.claims
            task = claims.claim(ticket, self.id, Delivery.RQ, paused=self._parts.paused())
            waits = task is None and claims.waits(ticket)
            return task

        worked = self._work(claim)
        return None if waits else worked

    def closed(self) -> frozenset[Priority]:
        """Return the priorities of which no task may begin now; none while nobody can say."""
        try:
            return self._parts.closed()
        except TemporaryError as error:
            _log.warning("worker %s: %s", self.id, error)
            return frozenset()

    def take_next(self) -> bool:
        """Work on the task whose turn it is, if any waits; return whether one did."""
        return self._work(
            lambda: self._parts.claims.claim_next(self.id, paused=self._parts.paused())
        )

    def _work(self, claim: Callable[[], Task | None]) -> bool:
        with self._parts.session():
            try:
                task = claim()
                if task is None:
                    return False
                self.failed += not self._parts.runner.run(task, self.interrupted)
            except TemporaryError as error:
                # Its lease runs out, and another worker goes on where this one stopped.
                _log.warning("worker %s: %s", self.id, error)
                self.interrupted.wait(DATABASE_PAUSE_S)
                return False
            self.worked += 1
            return True
