"""The web application as Gunicorn loads it, with the workers that live in its process."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from altwright import bootstrap, config, telemetry
from altwright.config import WorkerMode
from altwright.web import sockets
from altwright.web.app import create_app
from altwright.workers.manager import RQWorkerManager

_log = logging.getLogger(__name__)

settings = config.load()
telemetry.configure(settings.log_level, settings.log_format)
services = bootstrap.build(settings)
app = create_app(services)

#: Seconds between two looks at whether Gunicorn wants this process to end.
LOOK_EVERY_S = 0.2


class ProcessLife:
    """Starts the threads of one Gunicorn worker process after its fork, and ends them in order."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._manager: RQWorkerManager | None = None
        self._ended = threading.Event()
        self._once = threading.Lock()

    def begin(self, worker: Any) -> None:
        """Begin; called in Gunicorn's post_worker_init, when signals and the app are in place."""
        services.start()
        if settings.worker_mode in {WorkerMode.INTEGRATED, WorkerMode.HYBRID}:
            count = -(-settings.rq_worker_count // settings.web_concurrency)
            self._manager = services.worker_manager("integrated", count, app.app_context)
            self._manager.start()
        threading.Thread(target=self._watch, args=[worker], name="stop-watch", daemon=True).start()

    def end(self) -> None:
        """Stop taking tasks, close pages' sockets, let running tasks end; once."""
        with self._once:
            if self._ended.is_set():
                return
            sockets.close_all()
            if self._manager is not None:
                self._manager.stop(settings.rq_shutdown_timeout)
            services.close()
            self._ended.set()

    def _watch(self, worker: Any) -> None:
        # Gunicorn's SIGTERM only clears worker.alive; worker_exit comes after its grace is over.
        while worker.alive and worker.ppid == os.getppid():
            if self._ended.wait(LOOK_EVERY_S):
                return
        self.end()


life = ProcessLife()
