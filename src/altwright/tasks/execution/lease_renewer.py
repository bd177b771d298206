"""LeaseKeeper: watches over the tasks that this process works on, from one thread.

It renews their leases, and interrupts whoever waits for a server, a process or a pause when the
task is cancelled, taken back, out of time or to give way, or when its worker is to stop.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from altwright.background import BackgroundLoop
from altwright.errors import TaskStateConflict, TemporaryError
from altwright.interrupts import Interrupt
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.preemption import SignalStore
from altwright.tasks.task import Task

_log = logging.getLogger(__name__)

#: Seconds between two looks at what is held, and at steps that were held back
#: (progress.STEP_EVERY_S); and between two questions to the database about cancels.
LOOK_EVERY_S, ASK_EVERY_S = 0.5, 1.0


@dataclass(eq=False)
class Hold:
    """One attempt that this process holds; ``over`` says that it is to end for a reason here.

    ``is_preemptible``: it is to end if others wait for their turn.
    """

    task: Task
    over: Callable[[], bool]
    is_preemptible: Callable[[], bool]
    interrupt: Interrupt = field(default_factory=Interrupt)
    #: Its lease was lost: another worker has the task.
    lost: threading.Event = field(default_factory=threading.Event)

    def lose(self) -> None:
        """Note that the task was taken back, and end what the attempt waits for."""
        self.lost.set()
        self.interrupt.interrupt()


class LeaseKeeper:
    """Renews the leases of all tasks that this process works on, and interrupts their work."""

    def __init__(
        self,
        claims: Claims,
        signals: SignalStore,
        flush: Callable[[], None],
        renewed: Callable[[Task], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``flush``, which is called often from the same thread.

        ``renewed`` is told of each task whose lease was renewed.
        """
        self._claims = claims
        self._signals = signals
        self._flush = flush
        self._renewed = renewed
        self._clock = clock
        self._held: dict[tuple[str, int], Hold] = {}
        self._asked_at = self._renewed_at = clock()
        #: Seconds between two renewals: three in a lease, so that two may fail.
        self._every_s = claims.lease_s / 3
        self._lock = threading.Lock()
        #: Without it every long item would be taken for a dead worker's.
        self.loop = BackgroundLoop("leases", self._round, every_s=min(self._every_s, LOOK_EVERY_S))

    @contextlib.contextmanager
    def kept(self, hold: Hold) -> Iterator[None]:
        """Keep a task's lease inside, and interrupt its work when it is to end."""
        key = hold.task.id, hold.task.attempt
        with self._lock:
            self._held[key] = hold
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(key, None)

    def _round(self) -> None:
        self._flush()
        if self._clock() - self._renewed_at >= self._every_s - LOOK_EVERY_S / 2:
            self._renewed_at = self._clock()
            self.renew_all()
        self.look()

    def renew_all(self) -> None:
        """Renew every lease once; a task that was taken back gets its flag set."""
        for hold in self._holds():
            try:
                self._claims.renew(hold.task.id, hold.task.attempt)
            except TaskStateConflict:
                hold.lose()
            except TemporaryError as error:
                _log.warning("lease of task %s not renewed: %s", hold.task.id, error)
            else:
                self._renewed(hold.task)

    def look(self) -> None:
        """Interrupt the work of attempts that are to end.

        The database is asked about cancels, and who waits for the turn of those that had theirs.
        """
        holds = self._holds()
        for hold in holds:
            if hold.over():
                hold.interrupt.interrupt()
        if holds and self._clock() - self._asked_at >= ASK_EVERY_S:
            self._asked_at = self._clock()
            try:
                cancelled = self._signals.cancelling({hold.task.id for hold in holds})
                for hold in holds:
                    if hold.task.id in cancelled or self._is_preempted(hold):
                        hold.interrupt.interrupt()
            except TemporaryError as error:
                _log.warning("nobody can say which tasks are to end: %s", error)

    def _is_preempted(self, hold: Hold) -> bool:
        if not hold.is_preemptible():
            return False
        try:
            return bool(self._signals.now(hold.task, slice_is_over=True).preempted_by)
        except TaskStateConflict:
            return True  # its worker finds out why

    def _holds(self) -> list[Hold]:
        with self._lock:
            return list(self._held.values())
