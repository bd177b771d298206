"""RQWorkerManager: the workers of one process, from their start to their orderly end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from altwright.config import host_name
from altwright.errors import AltwrightError
from altwright.tasks.roster import Roster
from altwright.workers.integrated import SIGN_EVERY_S, IntegratedRQWorker

_log = logging.getLogger(__name__)

#: Seconds between two looks at the workers, and between two entries in the roster.
LOOK_EVERY_S, ROSTER_EVERY_S = 0.5, 5.0
#: Seconds that an interrupted worker gets for the item in hand.
ITEM_GRACE_S = 3.0


class RQWorkerManager:
    """Starts ``count`` workers, replaces those that die, and stops them within a time."""

    def __init__(
        self,
        make_worker: Callable[[], IntegratedRQWorker],
        roster: Roster,
        *,
        kind: str,
        count: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what makes a worker, and ``kind``: "integrated" or "external"."""
        self._make_worker = make_worker
        self._roster = roster
        self._kind = kind
        self._count = count
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._signed_at = self._entered_at = -SIGN_EVERY_S
        self.workers: list[IntegratedRQWorker] = []

    def start(self) -> None:
        """Start the workers, and the thread that looks after them."""
        self.workers = [self._make_worker() for _ in range(self._count)]
        for worker in self.workers:
            worker.start()
        self._thread = threading.Thread(target=self._look_after, name="workers", daemon=True)
        self._thread.start()
        _log.info("%s %s workers started", self._count, self._kind)

    def stop(self, timeout_s: float) -> bool:
        """Stop: running tasks get ``timeout_s`` to end, then go back to the queue.

        Returns whether every worker has ended; one that has not is stuck in an item, and its
        task is taken back when its lease runs out.
        """
        self._stopping.set()
        for worker in self.workers:
            worker.stop()
        deadline = self._clock() + timeout_s
        for worker in self.workers:
            worker.join(max(0.0, deadline - self._clock()))
        for worker in self.workers:
            worker.interrupt()
        deadline = self._clock() + ITEM_GRACE_S
        ended = [worker.join(max(0.0, deadline - self._clock())) for worker in self.workers]
        if self._thread is not None:
            self._thread.join()
        try:
            self._roster.gone([worker.worker.id for worker in self.workers])
        except AltwrightError as error:
            _log.warning("workers not taken out of the roster: %s", error)
        return all(ended)

    def _look_after(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self._replace_dead()
                self._give_signs()
            except Exception:  # noqa: BLE001 - recorded, and the loop goes on
                _log.exception("looking after the workers met a fault")

    def _replace_dead(self) -> None:
        for position, worker in enumerate(self.workers):
            if not worker.alive:
                _log.error("worker %s died and is replaced", worker.worker.id)
                self.workers[position] = self._make_worker()
                self.workers[position].start()

    def _give_signs(self) -> None:
        at = self._clock()
        if at - self._entered_at >= ROSTER_EVERY_S:
            self._entered_at = at
            ids = [worker.worker.id for worker in self.workers]
            self._roster.seen(ids, kind=self._kind, host=host_name(), pid=os.getpid())
        if at - self._signed_at >= SIGN_EVERY_S:
            self._signed_at = at
            for worker in self.workers:
                if worker.rq_worker is not None:
                    worker.rq_worker.give_sign()
