"""Workers for RQ's own command: `rq worker` with RQ_WORKER_CLASS=altwright.rq_worker.Worker."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

import redis
from rq import Queue
from rq.exceptions import StopRequested

from altwright import bootstrap
from altwright.domain.worker import new_worker_id
from altwright.processes.preparation import configured
from altwright.tasks.rq.thread_worker import ThreadRQWorker
from altwright.web.app import create_app
from altwright.workers import jobs
from altwright.workers.integrated import DATABASE_POLL_MOST_S
from altwright.workers.worker import TaskWorker

_log = logging.getLogger(__name__)


class Worker(ThreadRQWorker):
    """RQ's worker with our serializer, in the main thread; without Redis it asks the database.

    Its settings come from the environment, as for every other process of the service.
    """

    _worker: TaskWorker

    def __init__(self, queues: list[Queue], *, name: str | None = None, **options: Any) -> None:
        """Take what RQ's command passes; its serializer and time-outs give way to ours."""
        self._services = bootstrap.build(configured())
        app = create_app(self._services, serves_pages=False)
        serializer = self._services.queue.serializer
        for option in ("serializer", "worker_ttl", "default_worker_ttl"):
            options.pop(option, None)
        super().__init__(
            [
                Queue(queue.name, connection=queue.connection, serializer=serializer)
                for queue in queues
            ],
            ends=lambda: not self._services.health.takes_jobs,
            closed=lambda: self._worker.closed(),  # noqa: PLW0108 - it is made below
            was_put_off=lambda: self._worker.was_put_off(),  # noqa: PLW0108 - the same
            name=name or new_worker_id("rq"),
            serializer=serializer,
            **options,
        )
        self._asked_to_stop = False
        parts = self._services.work_parts(app.app_context)
        self._worker = TaskWorker(self.name, parts)

    def work(self, burst: bool = False, *args: Any, **options: Any) -> bool:  # noqa: FBT001, FBT002
        """Work until asked to stop, or as long as RQ's command says: ``burst``, its limits."""
        limited = any(options.get(name) is not None for name in ("max_jobs", "max_idle_time"))
        jobs.here.set(self._worker)
        self._services.start()
        worked = False
        try:
            while not self._asked_to_stop:
                try:
                    worked = super().work(burst, *args, **options) or worked
                except redis.RedisError as error:
                    # RQ's command would end here; the tasks are in the database.
                    _log.warning("worker %s leaves redis: %s", self.name, error)
                    self._services.health.note(answered=False)
                else:
                    if burst or (limited and not self.has_left):
                        break
                self._work_from_database()
        except StopRequested:
            pass  # the signal came between two tasks
        finally:
            self._services.close()
        return worked

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Let the running task end; after RQ_SHUTDOWN_TIMEOUT it goes back to the queue."""
        # RQ's own would raise into whatever this thread is in the middle of, or call Redis.
        self._asked_to_stop = True
        self.ask_to_stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_force_stop)
        timeout_s = self._services.settings.rq_shutdown_timeout
        timer = threading.Timer(timeout_s, self._worker.interrupted.set)
        timer.daemon = True
        timer.start()

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)

    def _work_from_database(self) -> None:
        waits = self._services.queue.work_waits
        while not self._services.health.takes_jobs and not self._asked_to_stop:
            since = waits.count
            if not self._worker.take_next():
                waits.wait(since, DATABASE_POLL_MOST_S)
