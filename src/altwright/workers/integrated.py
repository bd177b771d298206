"""IntegratedRQWorker: an RQ worker in a thread, which works from the database without Redis."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import redis
from redis.exceptions import OutOfMemoryError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.timeouts import BaseDeathPenalty

from altwright.domain.task import Priority
from altwright.domain.worker import new_worker_id
from altwright.tasks.cluster.notifier import WorkWaits
from altwright.tasks.queue_manager import JOB_TTL_S
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.client import connect
from altwright.tasks.rq.serializer import TaskSerializer
from altwright.workers import jobs
from altwright.workers.worker import TaskWorker, WorkParts

_log = logging.getLogger(__name__)

#: Seconds that a worker waits for a job before it looks at its flags again.
POLL_S = 1
#: Seconds after which RQ forgets a worker that gives no sign, and between two signs of a busy one.
WORKER_TTL_S, SIGN_EVERY_S = 60, 20.0
#: Seconds between two questions to the database for work: at once after a submit of this process
#: (a condition wakes the worker), else growing from the first to the second.
DATABASE_POLL_S, DATABASE_POLL_MOST_S = 0.1, 1.0


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
        closed: Callable[[], Collection[Priority]] = tuple,
        **options: Any,
    ) -> None:
        super().__init__(queues, worker_ttl=WORKER_TTL_S, **options)
        self._ends = ends
        self._closed = closed
        self.in_hand: tuple[Job, Execution] | None = None
        self._has_popped = False

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

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Note that a job was popped: RQ calls this first of all then."""
        self._has_popped = True
        super().reorder_queues(reference_queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Give a sign of life; RQ calls this before each wait for a job.

        And once between a pop and the job's work: a stop heeded there would lose the job until
        the dispatcher misses it; execute_job gives it back.
        """
        if pipeline is None and self.in_hand is None and not self._has_popped:
            self._await_open_queues()
        self._has_popped = False
        super().heartbeat(timeout, pipeline)

    def _await_open_queues(self) -> None:
        """Wait while every queue is paused or at its limit; RQ isn't to forget this worker."""
        signed_at = time.monotonic()
        self._stop_if_asked()
        while not self._listen_to_open_queues():
            if time.monotonic() - signed_at >= SIGN_EVERY_S:
                signed_at = time.monotonic()
                super().heartbeat()
            time.sleep(DATABASE_POLL_S)
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
            if self._stop_requested or self._ends():
                queue.push_job_id(job.id, at_front=True)
                raise StopRequested
            execution = self.prepare_execution(job)
        except OutOfMemoryError:
            self._perform_unnoted(job)
            raise StopRequested from None
        self.in_hand = job, execution
        try:
            self.perform_job(job, queue, execution)
        finally:
            self.in_hand = None
        worker = jobs.here.get(None)
        if worker is not None and worker.put_off:
            # The last free place went to another worker between this one's pop and claim.
            worker.put_off = False
            queue.push_job_id(job.id, at_front=True)
        self.set_state("idle")

    def _perform_unnoted(self, job: Job) -> None:
        """Perform a job of which a full server takes no notes, and which it doesn't take back."""
        job.perform()
        job.delete(remove_from_queue=False)
        worker = jobs.here.get(None)
        if worker is not None:
            worker.put_off = False  # the dispatcher finds out that no queue has the job

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
        if self._stop_requested or self._ends():
            raise StopRequested


class IntegratedRQWorker:
    """A thread that works: on RQ's jobs while Redis is usable, else straight from the database.

    It is replaced by RQWorkerManager when its thread has died.
    """

    def __init__(
        self,
        parts: WorkParts,
        health: RedisHealthMonitor,
        queue_names: list[str],
        serializer: type[TaskSerializer],
        work_waits: WorkWaits,
        kind: str = "thread",
    ) -> None:
        """Take ``queue_names`` in the order of priority, and the condition of a submit here."""
        self.worker = TaskWorker(new_worker_id(kind), parts)
        self._health = health
        self._queue_names = queue_names
        self._serializer = serializer
        self._work_waits = work_waits
        self._stopping = threading.Event()
        self.rq_worker: ThreadRQWorker | None = None
        self._thread = threading.Thread(target=self._run, name=self.worker.id, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further task; the one in work goes on until ``interrupt``."""
        self._stopping.set()
        self._work_waits.notify_all()

    def interrupt(self) -> None:
        """Hand the task in work back at its next item."""
        self._stopping.set()
        self.worker.interrupted.set()

    def give_sign(self) -> None:
        """Lengthen RQ's records of a job in hand; called from the manager's thread."""
        rq_worker = self.rq_worker  # read once: this worker's thread may leave RQ meanwhile
        if rq_worker is not None:
            rq_worker.give_sign()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; return whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Return whether the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        jobs.here.set(self.worker)
        pause_s = DATABASE_POLL_S
        while not self._stopping.is_set():
            since = self._work_waits.count
            try:
                if self._health.takes_jobs:
                    self._work_rq()
                elif self.worker.take_next():
                    pause_s = DATABASE_POLL_S
                else:
                    woken = self._work_waits.wait(since, pause_s)
                    pause_s = DATABASE_POLL_S if woken else min(pause_s * 2, DATABASE_POLL_MOST_S)
            except Exception:  # noqa: BLE001 - recorded, and the loop goes on
                # RQ's loop ends with an exception when Redis dies while a job runs (facts: RQ 1).
                _log.exception("worker %s goes on after a fault", self.worker.id)
                self._stopping.wait(DATABASE_POLL_MOST_S)

    def _work_rq(self) -> None:
        # A client of its own: RQ changes its pool's time-outs, and BLPOP holds a connection.
        url = self._health.url
        client = connect(url, call_timeout_s=POLL_S + 1)
        try:
            self.rq_worker = ThreadRQWorker(
                [
                    Queue(name, connection=client, serializer=self._serializer)
                    for name in self._queue_names
                ],
                ends=lambda: (
                    self._stopping.is_set()
                    or not self._health.takes_jobs
                    or url != self._health.url
                ),
                closed=self.worker.closed,
                name=self.worker.id,
                connection=client,
                serializer=self._serializer,
                log_job_description=False,
            )
            self.rq_worker.work(logging_level="WARNING")
        except redis.RedisError as error:
            _log.warning("worker %s leaves redis: %s", self.worker.id, error)
            if url == self._health.url:
                self._health.note(answered=False)
            self._stopping.wait(DATABASE_POLL_S)
        finally:
            self.rq_worker = None
            client.close()
