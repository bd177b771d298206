"""IntegratedRQWorker: an RQ worker in a thread, which works from the database without Redis."""

from __future__ import annotations

import logging
import threading

import redis

from altwright.domain.worker import new_worker_id
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import POLL_S, WorkerLoop
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
        queue: RQQueueManager,
        kind: str = "thread",
    ) -> None:
        """Take what all workers of this process share, and what ``kind`` of worker this is."""
        self.worker = TaskWorker(new_worker_id(kind), parts)
        self._health = health
        self._queue = queue
        self._work_waits = queue.work_waits
        self._stopping = threading.Event()
        self.rq_loop: WorkerLoop | None = None
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
        rq_loop = self.rq_loop  # read once: this worker's thread may leave RQ meanwhile
        if rq_loop is not None:
            rq_loop.give_sign()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; return whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Return whether it takes no further task."""
        return self._stopping.is_set()

    @property
    def thread_id(self) -> int | None:
        """Return its thread's identity; None: it hasn't begun."""
        return self._thread.ident

    @property
    def alive(self) -> bool:
        """Return whether the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
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
                _log.exception("worker %s goes on after a fault", self.worker.id)
                self._stopping.wait(DATABASE_POLL_MOST_S)

    def _work_rq(self) -> None:
        # A client of its own: BLPOP holds a connection for longer than other calls may take.
        url = self._health.url
        client = connect(url, call_timeout_s=POLL_S + 1)
        self.rq_loop = WorkerLoop(
            self._queue.jobs.records(client, self.worker.id),
            self.worker.take,
            ends=lambda: (
                self._stopping.is_set() or not self._health.takes_jobs or url != self._health.url
            ),
            closed=self.worker.closed,
        )
        try:
            self.rq_loop.work()
        except redis.RedisError as error:
            _log.warning("worker %s leaves redis: %s", self.worker.id, error)
            if url == self._health.url:
                self._health.note(answered=False)
            # Should this Redis answer pings all the same, tasks get on.
            if not self.worker.take_next():
                self._stopping.wait(DATABASE_POLL_S)
        finally:
            self.rq_loop = None
            client.close()
