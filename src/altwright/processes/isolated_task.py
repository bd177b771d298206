"""The process that works on one task where tasks are isolated (workers/isolation.py)."""

from __future__ import annotations

import signal
import threading
from multiprocessing.connection import Connection

from altwright import bootstrap, config, telemetry
from altwright.domain.task import Status
from altwright.web.app import create_app
from altwright.workers.isolation import end_with
from altwright.workers.memory import MIB, MemoryLimit
from altwright.workers.sessions import WorkerSessionManager


def main(connection: Connection, task_id: str, attempt: int) -> None:
    """Work on a task that the worker at the other end of the pipe has claimed."""
    # Ctrl-C goes to the whole group; the worker says when it is time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = config.load(WORKER_ISOLATE=False)
    telemetry.configure(settings.log_level, settings.log_format)
    services = bootstrap.build(settings)
    app = create_app(services, serves_pages=False)
    services.health.check()
    memory = MemoryLimit(settings.rq_worker_memory_limit * MIB)
    interrupted = threading.Event()

    def too_large() -> bool:
        memory.look()
        return memory.reached.is_set()

    watch = threading.Thread(
        target=end_with, args=[connection, interrupted, too_large], name="watch", daemon=True
    )
    watch.start()
    services.runner.leases.loop.start()
    try:
        task = services.store.get(task_id, None)
        if task.status is Status.RUNNING and task.attempt == attempt:
            session = WorkerSessionManager(services.database.engine, app.app_context)
            with session.task():
                services.runner.run(task, interrupted)
    finally:
        interrupted.set()
        watch.join()
        services.runner.leases.loop.stop()
        services.describer.close()
        services.database.close()
