"""The one function that RQ jobs call."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from altwright.tasks.task import Ticket
from altwright.workers.worker import TaskWorker

#: The worker whose thread (or process) performs RQ's jobs here.
here: ContextVar[TaskWorker] = ContextVar("altwright_worker")


def run_task(*, task_id: str, attempt: int, **_: Any) -> bool:
    """Claim the task and work on it; return whether it was still to be had.

    Keywords that this version doesn't know are ignored, so that it goes on beside a newer one.
    """
    return bool(here.get().take(Ticket(task_id, attempt)))
