"""IntegratedRQWorker: an RQ worker in a thread, which works from the database without Redis."""

from __future__ import annotations

import logging
import threading

import redis
from rq import Queue

from altwright.domain.worker import new_worker_id
from altwright.tasks.cluster.notifier import WorkWaits
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.client import connect
from altwright.tasks.rq.serializer import TaskSerializer
from altwright.tasks.rq.thread_worker import POLL_S, ThreadRQWorker
from altwright.workers import jobs
from altwright.workers.worker import TaskWorker, WorkParts

_log = logging.getLogger(__name__)

#: Seconds between two questions to the database for work: at once after a submit of this process
#: (a condition wakes the worker), else growing from the first to the second.
DATABASE_POLL_S, DATABASE_POLL_MOST_S = 0.1, 1.0


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
                was_put_off=self.worker.was_put_off,
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
