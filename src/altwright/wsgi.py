"""The web application as Gunicorn loads it, with the workers that live in its process."""

from __future__ import annotations

import itertools
import logging
import os
import random
import threading
from typing import Any

from altwright import bootstrap
from altwright.domain.worker import StartedBy, WorkerKind
from altwright.processes.preparation import configured
from altwright.web.app import create_app
from altwright.web.realtime import threaded
from altwright.workers.manager import RQWorkerManager

_log = logging.getLogger(__name__)

settings = configured()
services = bootstrap.build(settings)
app = create_app(services)

#: Seconds between two looks at whether Gunicorn wants this process to end.
STOP_EVERY_S = 0.2
#: Share by which WEB_MAX_REQUESTS differs between processes.
REQUESTS_JITTER = 0.1


class ProcessLife:
    """Starts the threads of one Gunicorn worker process after its fork, and ends them in order."""

    def __init__(self) -> None:
        self._manager: RQWorkerManager | None = None
        self._ended = threading.Event()
        self._once = threading.Lock()
        self._requests = itertools.count(1)
        self._requests_most = settings.web_max_requests
        if self._requests_most:
            share = random.uniform(1 - REQUESTS_JITTER, 1 + REQUESTS_JITTER)  # noqa: S311 - no secret
            self._requests_most = max(1, int(self._requests_most * share))
        self._enough_requests = threading.Event()

    def begin(self, worker: Any) -> None:
        """Begin; called in Gunicorn's post_worker_init, when signals and the app are in place."""
        if settings.worker_mode.has_threads:
            self._manager = services.worker_manager(
                WorkerKind.INTEGRATED, None, app.app_context, StartedBy.GUNICORN
            )
        services.start()
        if self._manager is not None:
            self._manager.loop.start()
        threading.Thread(target=self._watch, args=[worker], name="stop-watch", daemon=True).start()

    def count_request(self) -> None:
        """Count one; after WEB_MAX_REQUESTS of them the process is replaced."""
        if self._requests_most and next(self._requests) >= self._requests_most:
            self._enough_requests.set()

    def end(self) -> None:
        """Do the last thing before the process exits; no request is being answered any more."""
        self._stop_work()
        self._ended.set()
        services.close()

    def _stop_work(self) -> None:
        """Close pages' sockets, take no more tasks, let running ones end; once."""
        with self._once:
            threaded.close(app)
            if self._manager is not None:
                self._manager.stop(settings.rq_shutdown_timeout)
                self._manager = None

    def _watch(self, worker: Any) -> None:
        # Gunicorn's SIGTERM only clears worker.alive; worker_exit comes after its grace is over.
        while worker.alive and worker.ppid == os.getppid():
            if self._ended.wait(STOP_EVERY_S):
                return
            if self._should_be_replaced():
                self._hand_over()
                # What a SIGTERM does: Gunicorn ends this process and forks another one.
                worker.handle_exit(None, None)
        if worker.alive:
            # The master was killed. Only a worker that was told to stop lets its kept-alive
            # connections go; as long as it has some, it keeps the port from the next master.
            worker.handle_exit(None, None)
        self._stop_work()

    def _should_be_replaced(self) -> bool:
        manager = self._manager
        is_asked = manager is not None and manager.should_leave
        return is_asked or self._enough_requests.is_set()

    def _hand_over(self) -> None:
        """End the workers first, while requests are still answered here."""
        with self._once:
            if self._manager is not None:
                # Running tasks go back after their item: another process goes on with them.
                self._manager.stop(0, item_grace_s=settings.rq_shutdown_timeout)
                self._manager = None


life = ProcessLife()
