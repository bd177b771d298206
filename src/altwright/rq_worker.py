"""Workers for RQ's own command: `rq worker` with RQ_WORKER_CLASS=altwright.rq_worker.Worker."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

import redis
import rq
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.worker import BaseWorker

from altwright import bootstrap
from altwright.background import BackgroundLoop
from altwright.domain.worker import StartedBy, WorkerKind, host_name, new_worker_id
from altwright.processes.preparation import configured
from altwright.tasks.cluster.worker_registry import Tally
from altwright.tasks.rq.worker_loop import POLL_S, SIGN_EVERY_S, WorkerLoop
from altwright.web.services import task_app
from altwright.workers.integrated import DATABASE_POLL_MOST_S
from altwright.workers.manager import LOOK_EVERY_S, ROSTER_EVERY_S
from altwright.workers.memory import resident_bytes
from altwright.workers.worker import TaskWorker

_log = logging.getLogger(__name__)

#: Seconds after a first signal from which a second one means at once: RQ's pool, and a terminal,
#: send one twice.
TWICE_S = 1.0


class _Limits(NamedTuple):
    """When RQ's command wants a worker to end: nothing is left, so many jobs, idle for so long."""

    burst: bool
    jobs: int | None
    idle_s: float | None


class Worker(BaseWorker):
    """Our loop as RQ's command starts it, in the main thread; without Redis it asks the database.

    Its settings come from the environment, as for every other process of the service. Of RQ's
    options the queues, the name, ``burst``, ``max_jobs`` and ``max_idle_time`` count.
    """

    #: `rq info` asks this class for workers, of which it shows records only.
    find_by_key = rq.Worker.find_by_key
    #: `rq worker-pool` says there that it begins.
    log = logging.getLogger("rq.worker")

    def __init__(
        self,
        queues: Sequence[rq.Queue],
        name: str | None = None,
        *,
        connection: redis.Redis,
        **_options: Any,
    ) -> None:
        """Take what RQ's command passes; nothing of RQ's own worker is set up."""
        self._services = bootstrap.build(configured().of_workers())
        app = task_app(self._services)
        self.name = name or new_worker_id("rq")
        parts = self._services.work_parts(app.app_context)
        self._worker = TaskWorker(self.name, parts)
        self._loop = WorkerLoop(
            self._services.queue.jobs.records(
                connection, self.name, [queue.name for queue in queues]
            ),
            self._worker.take,
            ends=lambda: not self._services.health.takes_jobs,
            closed=self._worker.closed,
        )
        self._wishes = self._services.process_wishes(WorkerKind.RQ, StartedBy.NOBODY)
        self._thread_id = threading.get_ident()
        self._roster_at = -ROSTER_EVERY_S
        self._asked_to_stop = False
        self._asked_at = 0.0
        self._from_database = 0
        # A frozen server counts as gone, as with RQ's own worker, and at once.
        pool = connection.connection_pool
        pool.connection_kwargs |= {"socket_timeout": POLL_S + 1, "retry": Retry(NoBackoff(), 0)}
        pool.reset()

    def work(
        self,
        burst: bool = False,  # noqa: FBT001, FBT002 - RQ's signature
        *_: Any,
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        **_options: Any,
    ) -> bool:
        """Work until asked to stop, or as long as the options say; return whether there was work.

        Without Redis it goes on with the database, in which the tasks are.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)
        limits = _Limits(burst, max_jobs, max_idle_time)
        signs = BackgroundLoop("signs", self._loop.give_sign, every_s=SIGN_EVERY_S)
        registry = BackgroundLoop(
            "registry", self._in_registry, every_s=LOOK_EVERY_S, at_end=self._leave_registry
        )
        self._services.start()
        signs.start()
        registry.start()
        try:
            while not self._asked_to_stop and not self._is_over(limits):
                try:
                    self._loop.work(
                        burst=burst, max_jobs=self._left(limits), max_idle_s=max_idle_time
                    )
                except redis.RedisError as error:
                    _log.warning("worker %s leaves redis: %s", self.name, error)
                    self._services.health.note(answered=False)
                    self._from_database += self._worker.take_next()
                else:
                    if not self._loop.has_left:
                        break  # for one of the limits
                if self._work_from_database(limits):
                    break
        finally:
            signs.stop()
            registry.stop()
            self._services.close()
        return bool(self._done)

    @property
    def _done(self) -> int:
        return self._loop.done + self._from_database

    def _left(self, limits: _Limits) -> int | None:
        return None if limits.jobs is None else limits.jobs - self._done

    def _is_over(self, limits: _Limits) -> bool:
        return limits.jobs is not None and self._done >= limits.jobs

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Let the running task end; after RQ_SHUTDOWN_TIMEOUT it goes back to the queue."""
        at = time.monotonic()
        if self._asked_to_stop:
            if at - self._asked_at >= TWICE_S:
                raise SystemExit
            return
        self._asked_to_stop, self._asked_at = True, at
        self._roster_at = -ROSTER_EVERY_S
        self._loop.ask_to_stop()
        timeout_s = self._services.settings.rq_shutdown_timeout
        timer = threading.Timer(timeout_s, self._worker.interrupted.set)
        timer.daemon = True
        timer.start()

    def _in_registry(self) -> None:
        """Say that this worker lives, and take up what administrators want of it."""
        self._wishes.look({self.name: self._thread_id})
        if self._wishes.leave.is_set() and not self._asked_to_stop:
            os.kill(os.getpid(), signal.SIGTERM)  # its handler runs in the main thread
        at = time.monotonic()
        if at - self._roster_at >= ROSTER_EVERY_S:
            self._roster_at = at
            tally = Tally(self._worker.worked, self._worker.failed, self._asked_to_stop)
            self._services.engine.roster.seen(
                [self.name],
                kind=WorkerKind.RQ,
                host=host_name(),
                pid=os.getpid(),
                memory_bytes=resident_bytes(),
                tallies={self.name: tally},
            )

    def _leave_registry(self) -> None:
        self._services.engine.roster.gone([self.name])

    def _work_from_database(self, limits: _Limits) -> bool:
        """Work while Redis takes no jobs; return whether it is over, by one of the limits."""
        waits = self._services.queue.work_waits
        idle_since = time.monotonic()
        while not self._services.health.takes_jobs and not self._asked_to_stop:
            since = waits.count
            if self._worker.take_next():
                self._from_database += 1
                idle_since = time.monotonic()
                if self._is_over(limits):
                    return True
                continue
            idle_s = time.monotonic() - idle_since
            if limits.burst or (limits.idle_s is not None and idle_s >= limits.idle_s):
                return True
            waits.wait(since, DATABASE_POLL_MOST_S)
        return False
