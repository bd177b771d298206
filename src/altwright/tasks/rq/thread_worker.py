"""RQ's worker in a thread: every override of RQ's worker, and every use of its private parts.

tests/unit/test_rq_adapter.py compares the names and signatures with the installed RQ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import ConnectionError, OutOfMemoryError, TimeoutError  # noqa: A004 - Redis's
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.timeouts import BaseDeathPenalty

from altwright.domain.task import Priority
from altwright.tasks.rq.client import JOB_TTL_S

#: Seconds that a worker waits for a job before it looks at its flags again.
POLL_S = 1
#: Seconds after which RQ forgets a worker without a heartbeat, and between two of a busy one.
WORKER_TTL_S, SIGN_EVERY_S = 60, 20.0
#: Seconds between two looks whether a queue is open again, when all are paused or at their limit.
CLOSED_POLL_S = 0.1


class NoDeathPenalty(BaseDeathPenalty):
    """Attempts end at a checkpoint; RQ's timer hits the wrong thread in two of three cases."""

    def setup_death_penalty(self) -> None:
        """Set nothing up."""

    def cancel_death_penalty(self) -> None:
        """Cancel nothing."""


class ThreadRQWorker(SimpleWorker):
    """RQ's worker without what only works in a main thread; RQ's records stay as RQ writes them."""

    death_penalty_class = NoDeathPenalty
    max_connection_wait_time = 2.0

    def __init__(
        self,
        queues: list[Queue],
        *,
        ends: Callable[[], bool],
        closed: Callable[[], Collection[Priority]],
        was_put_off: Callable[[], bool],
        **options: Any,
    ) -> None:
        """Make RQ's worker.

        Args:
            queues: RQ's queues, most urgent first.
            ends: whether this worker should stop when it is idle.
            closed: the priorities of which it must not take a job now.
            was_put_off: whether the last job's task waits on, so that the job has to go back;
                asked once after each job.
            options: RQ's own.
        """
        super().__init__(queues, worker_ttl=WORKER_TTL_S, **options)
        self._ends = ends
        self._closed = closed
        self._was_put_off = was_put_off
        self.in_hand: tuple[Job, Execution] | None = None
        #: Whether it has left RQ by a stop of ours, not as RQ's command was told (--max-jobs).
        self.has_left = False

    @property
    def dequeue_timeout(self) -> int:
        """Return the seconds that one BLPOP may take."""
        return POLL_S

    @property
    def connection_timeout(self) -> int:
        """Return the seconds after which a frozen server counts as gone."""
        return POLL_S + 1

    def register_birth(self) -> None:
        """Enter this worker, in the place of what Redis kept of it when it went away."""
        self.connection.delete(self.key)
        super().register_birth()  # type: ignore[no-untyped-call] # RQ has none

    def _install_signal_handlers(self) -> None:
        """Leave signals to the process's main thread."""

    def subscribe(self) -> None:
        """Do without a thread for commands by pub/sub: ours come through the database."""
        self.pubsub = self.pubsub_thread = None

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        """Heed `rq suspend`, and a stop."""
        self._stop_if_asked()
        super().check_for_suspension(burst)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a job, POLL_S at a time: between, stops and paused queues are heeded.

        Only before a pop: a stop after it would lose the job until the dispatcher misses it;
        execute_job gives it back.
        """
        began = time.monotonic()
        while True:
            self._await_open_queues()
            popped = super().dequeue_job_and_maintain_ttl(timeout, POLL_S)
            idle_s = time.monotonic() - began
            is_over = max_idle_time is not None and idle_s >= max_idle_time
            if popped is not None or timeout is None or is_over:
                return popped

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Give a sign of life; where nobody takes it, stop: RQ would wait for its server for ever.

        Raises:
            StopRequested: the server is away.
        """
        try:
            super().heartbeat(timeout, pipeline)
        except (ConnectionError, TimeoutError) as error:
            self.has_left = True
            raise StopRequested from error

    def ask_to_stop(self) -> None:
        """Stop before the next job, without a word to Redis: may be called by a signal."""
        self._stop_requested = True
        self._shutdown_requested_date = datetime.now(UTC)

    def _await_open_queues(self) -> None:
        """Wait while every queue is paused or at its limit; RQ isn't to forget this worker."""
        signed_at = time.monotonic()
        self._stop_if_asked()
        while not self._listen_to_open_queues():
            if time.monotonic() - signed_at >= SIGN_EVERY_S:
                signed_at = time.monotonic()
                self.heartbeat()
            time.sleep(CLOSED_POLL_S)
            self._stop_if_asked()

    def _listen_to_open_queues(self) -> bool:
        """Leave out queues that are paused or at their limit; return whether any is left."""
        closed = tuple(priority.queue for priority in self._closed())
        # By the end of the name: a prefix stands before it.
        is_open = [queue for queue in self.queues if not (closed and queue.name.endswith(closed))]
        # Twice where there is one: RQ pops a single queue through another list, from which it
        # takes the job only if the worker has no more queues than that.
        self._ordered_queues = is_open * 2 if len(is_open) == 1 else is_open
        return bool(is_open)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return seconds: signs are given while a job runs, so a short life is enough."""
        return WORKER_TTL_S

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Perform the job here, in this thread; one that was popped too late goes back."""
        try:
            if self._is_to_leave():
                queue.push_job_id(job.id, at_front=True)
                raise StopRequested
            execution = self.prepare_execution(job)
        except OutOfMemoryError:
            self._perform_unnoted(job)
            self.has_left = True
            raise StopRequested from None
        self.in_hand = job, execution
        try:
            self.perform_job(job, queue, execution)
        finally:
            self.in_hand = None
        if self._was_put_off():
            # The last free place went to another worker between this one's pop and claim.
            queue.push_job_id(job.id, at_front=True)
        self.set_state("idle")

    def _perform_unnoted(self, job: Job) -> None:
        """Perform a job of which a full server takes no notes, and which it doesn't take back."""
        job.perform()
        job.delete(remove_from_queue=False)
        self._was_put_off()  # the dispatcher finds out that no queue has the job

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:  # noqa: FBT001, FBT002 - RQ's signature
        """Begin; RQ takes the job's time to live away here, and a killed worker's job stays."""
        super().prepare_job_execution(job, remove_from_intermediate_queue)
        self.connection.expire(job.key, JOB_TTL_S)

    def give_sign(self) -> None:
        """Lengthen RQ's records of the job in hand; called from the manager's thread."""
        in_hand = self.in_hand  # read once: the worker's thread may end the job meanwhile
        if in_hand is not None:
            self.maintain_heartbeats(*in_hand)

    def _stop_if_asked(self) -> None:
        if self._is_to_leave():
            raise StopRequested

    def _is_to_leave(self) -> bool:
        self.has_left = self._stop_requested or self._ends()
        return self.has_left
