"""RQWorkerManager: the workers of one process, from their start to their orderly end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from altwright.background import BackgroundLoop
from altwright.domain.worker import StartedBy, host_name
from altwright.errors import AltwrightError
from altwright.tasks.cluster.worker_registry import Roster, Tally
from altwright.tasks.rq.worker_loop import SIGN_EVERY_S
from altwright.workers.integrated import IntegratedRQWorker
from altwright.workers.memory import MemoryLimit, resident_bytes
from altwright.workers.places import Places
from altwright.workers.wishes import ProcessWishes

_log = logging.getLogger(__name__)

#: Seconds between two looks at the workers, and between two entries in the roster.
LOOK_EVERY_S, ROSTER_EVERY_S = 0.5, 5.0
#: Seconds that an interrupted worker gets for the item in hand.
ITEM_GRACE_S = 3.0
#: Seconds between two looks at a stop.
STOP_LOOK_S = 0.05


class RQWorkerManager:
    """Keeps a worker in each place of this process, and stops them within a time."""

    def __init__(
        self,
        make_worker: Callable[[], IntegratedRQWorker],
        roster: Roster,
        places: Places,
        memory: MemoryLimit,
        wishes: ProcessWishes,
        *,
        kind: str,
        started_by: StartedBy = StartedBy.NOBODY,
        grace_s: float = 0.0,
        make_room: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what makes a worker, where workers should be, and ``kind`` for the roster.

        ``memory.reached`` is set when this process should be replaced, ``wishes.leave`` when it
        is asked to end. ``grace_s`` are the seconds that a worker has for its task once it is one
        too many. ``make_room`` is told how many workers need a connection to the database.
        """
        self._make_worker = make_worker
        self._roster = roster
        self._places = places
        self.memory = memory
        self.wishes = wishes
        self._kind = kind
        self._started_by = started_by
        self._grace_s = grace_s
        self._make_room = make_room
        self._clock = clock
        self._stopping = threading.Event()
        #: Starts the workers and looks after them, also while they stop.
        self.loop = BackgroundLoop("workers", self._look_after, every_s=LOOK_EVERY_S)
        self._signed_at = self._entered_at = -SIGN_EVERY_S
        self._by_place: dict[int, IntegratedRQWorker] = {}
        #: Since when workers that are too many have been ending.
        self._ending_since: dict[IntegratedRQWorker, float] = {}
        self._lock = threading.Lock()

    @property
    def workers(self) -> list[IntegratedRQWorker]:
        """Return the workers that are here now."""
        return list(self._by_place.values())

    @property
    def should_leave(self) -> bool:
        """Return whether this process should end, for another one to be started."""
        return self.memory.reached.is_set() or self.wishes.leave.is_set()

    def stop(self, timeout_s: float, item_grace_s: float = ITEM_GRACE_S) -> bool:
        """Stop: running tasks get ``timeout_s`` to end, then go back to the queue.

        Returns whether every worker has ended; one that has not is stuck in an item, and its
        task is taken back when its lease runs out.
        """
        self._stopping.set()
        with self._lock:  # no worker is being started any more
            workers = self.workers
        for worker in workers:
            worker.stop()
        self._entered_at = -ROSTER_EVERY_S  # so that it is seen at once
        self._await_end(timeout_s)
        for worker in workers:
            worker.interrupt()
        ended = self._await_end(item_grace_s)
        self.loop.stop()
        try:
            self._roster.gone([worker.worker.id for worker in workers])
        except AltwrightError as error:
            _log.warning("workers not taken out of the roster: %s", error)
        return ended

    def _await_end(self, within_s: float) -> bool:
        deadline = self._clock() + within_s
        while self._by_place:
            self._clear_away()
            if self._by_place and self._clock() >= deadline:
                return False
            time.sleep(STOP_LOOK_S)
        return True

    def _clear_away(self) -> None:
        """Give up the places of workers that have ended, for other processes to take."""
        with self._lock:
            ended = [place for place, worker in self._by_place.items() if not worker.alive]
            for place in ended:
                del self._by_place[place]
        try:
            self._places.left(ended)
        except AltwrightError as error:
            _log.warning("places %s are left to their leases: %s", ended, error)

    def _look_after(self) -> None:
        self.wishes.look(
            {one.worker.id: one.thread_id for one in self.workers if one.thread_id is not None}
        )
        if self._stopping.is_set():
            self._places.kept(list(self._by_place))
        else:
            self._fill()
            self.memory.look()
        self._give_signs()

    def _fill(self) -> None:
        wanted = self._places.wanted(list(self._by_place))
        ended: list[IntegratedRQWorker] = []
        with self._lock:
            if self._stopping.is_set():
                self._places.left(wanted - self._by_place.keys())
                return
            for place, worker in list(self._by_place.items()):
                if not worker.alive:
                    ended.append(worker)
                    if place not in wanted:
                        self._places.left([place])
                    elif not worker.stopping:
                        _log.error("worker %s died and is replaced", worker.worker.id)
                    del self._by_place[place]
                elif place not in wanted or worker.stopping:
                    self._end(worker)
            self._make_room(len(wanted | self._by_place.keys()))
            for place in wanted - self._by_place.keys():
                self._by_place[place] = self._make_worker()
                self._by_place[place].start()
                _log.info("%s worker %s started", self._kind, place)
        if ended:
            for worker in ended:
                self._ending_since.pop(worker, None)
            self._entered_at = -ROSTER_EVERY_S
            self._roster.gone([worker.worker.id for worker in ended])

    def _end(self, worker: IntegratedRQWorker) -> None:
        """Let a worker end that is too many: after its task, or at the item if that takes long."""
        at = self._clock()
        if worker not in self._ending_since:
            self._ending_since[worker] = at
            self._entered_at = -ROSTER_EVERY_S
            worker.stop()
        elif at - self._ending_since[worker] >= self._grace_s:
            worker.interrupt()

    def _give_signs(self) -> None:
        at = self._clock()
        workers = self.workers
        if at - self._entered_at >= ROSTER_EVERY_S and workers:
            self._entered_at = at
            tallies = {
                one.worker.id: Tally(one.worker.worked, one.worker.failed, one.stopping)
                for one in workers
            }
            self._roster.seen(
                list(tallies),
                kind=self._kind,
                host=host_name(),
                pid=os.getpid(),
                started_by=self._started_by,
                memory_bytes=resident_bytes(),
                tallies=tallies,
            )
        if at - self._signed_at >= SIGN_EVERY_S:
            self._signed_at = at
            for worker in workers:
                worker.give_sign()
