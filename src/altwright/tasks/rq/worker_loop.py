"""A worker's loop over RQ's queues: one trip to Redis ends a job and takes the next.

RQ's own worker makes some fifty for each job, and acts on whatever stands in a job's hash.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from altwright.domain.task import Priority
from altwright.tasks.rq.job_records import JobRecords, TakenJob
from altwright.tasks.task import Ticket

_log = logging.getLogger(__name__)

#: Seconds that a worker waits for a job before it looks at its flags again.
POLL_S = 1
#: Seconds between two signs of life; RQ forgets a worker after WORKER_TTL_S.
SIGN_EVERY_S = 20.0
#: Seconds between two looks whether a queue is open again, when all are paused or at their limit.
CLOSED_POLL_S = 0.1


class WorkerLoop:
    """Takes jobs and performs them, in the thread that calls ``work``."""

    def __init__(
        self,
        records: JobRecords,
        perform: Callable[[Ticket], bool | None],
        *,
        ends: Callable[[], bool],
        closed: Callable[[], Collection[Priority]],
    ) -> None:
        """Make it; nothing is asked yet.

        Args:
            records: what RQ keeps, as this worker sees it.
            perform: works on a task and returns whether it was still to be had; None: its task
                waits on (paused, or at its limit), so that the job goes back.
            ends: whether to stop now, asked before each job.
            closed: the priorities of which no job may be taken now.
        """
        self._records = records
        self._perform = perform
        self._ends = ends
        self._closed = closed
        self._asked_to_stop = False
        self._signed_at = time.monotonic()
        self._told = ""
        self.in_hand: TakenJob | None = None
        #: Jobs that it has worked on since it was made.
        self.done = 0
        #: Whether it ended by a stop of ours, and not by one of ``work``'s limits.
        self.has_left = False

    def work(
        self, *, burst: bool = False, max_jobs: int | None = None, max_idle_s: float | None = None
    ) -> None:
        """Work until asked to stop, or as long as the limits say.

        Args:
            burst: end when no job is left.
            max_jobs: end after as many.
            max_idle_s: end when none came for so many seconds.

        Raises:
            redis.RedisError: the server has gone.
        """
        self.has_left = False
        self._records.enter()
        until = None if max_jobs is None else self.done + max_jobs
        ended: Mapping[str, Any] | None = None
        idle_since = time.monotonic()
        try:
            while not self._is_to_leave():
                job = self._next(ended, burst=burst)
                ended = None
                if job is None:
                    idle_s = time.monotonic() - idle_since
                    if burst or (max_idle_s is not None and idle_s >= max_idle_s):
                        break
                    continue
                if self._is_to_leave():
                    ended = self._records.back(job)
                    break
                ended = self._performed(job)
                self.done += not ended.get("back")
                idle_since = time.monotonic()
                if self.done == until:
                    break
            if ended is not None:
                self._records.next(ended, ())
        finally:
            with suppress(RedisError):
                self._records.leave()

    def ask_to_stop(self) -> None:
        """Stop before the next job, without a word to Redis: may be called by a signal."""
        self._asked_to_stop = True

    def give_sign(self) -> None:
        """Lengthen RQ's records of the job in hand; called from the manager's thread."""
        in_hand = self.in_hand  # read once: the worker's thread may end the job meanwhile
        if in_hand is not None:
            with suppress(RedisError):  # the worker itself finds out
                self._records.sign(in_hand)

    def _next(self, ended: Mapping[str, Any] | None, *, burst: bool) -> TakenJob | None:
        """Return the next job, which is waited for a moment; None: there is none now."""
        closed = self._closed_names()
        is_open = [name for name in self._records.queues if not name.endswith(closed)]
        due = time.monotonic() - self._signed_at >= SIGN_EVERY_S
        if due:
            self._signed_at = time.monotonic()
        found = self._records.next(ended, is_open, signs=due)
        while found.has_more and not self._is_to_leave():
            found = self._records.next(None, is_open)
        self._tell(found.refused)
        if found.job is None and not burst and not found.has_more:
            if found.is_suspended or not is_open:
                time.sleep(CLOSED_POLL_S)
            else:
                popped = self._records.await_next(is_open, POLL_S)
                if popped is not None:
                    found = self._records.next(None, (), popped=popped)
                    self._tell(found.refused)
        return found.job

    def _performed(self, job: TakenJob) -> Mapping[str, Any]:
        """Perform a job; return how it ended."""
        if job.ticket is None:
            return self._records.failed(job, "This job's payload was not written by Altwright.")
        self.in_hand = job
        try:
            value = self._perform(job.ticket)
        except Exception as error:  # noqa: BLE001 - recorded, and the loop goes on
            _log.exception("job %s failed", job.id)
            return self._records.failed(job, f"{type(error).__name__}: see the log")
        finally:
            self.in_hand = None
        # Only to a queue of which nothing is taken now: the dispatcher misses any other, and
        # delivers it anew. (A stranger may have moved it out of a paused one.)
        if value is None and job.queue.endswith(self._closed_names()):
            return self._records.back(job)
        return self._records.finished(job, bool(value))

    def _closed_names(self) -> tuple[str, ...]:
        """Return how names of queues end of which no job may be taken; a prefix stands before."""
        return tuple(priority.queue for priority in self._closed())

    def _tell(self, refused: str) -> None:
        """Log what Redis refuses, once while it is the same."""
        if refused and refused != self._told:
            _log.warning("redis refuses a worker's notes: %s", refused)
        self._told = refused

    def _is_to_leave(self) -> bool:
        self.has_left = self._asked_to_stop or self._ends()
        return self.has_left
