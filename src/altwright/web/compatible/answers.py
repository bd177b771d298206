"""Answers in the replaced system's shapes: its envelope, its names, times in naive UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from altwright.domain.task import ItemStatus, Status
from altwright.errors import InvalidInput
from altwright.tasks.task import Item, Task
from altwright.web.problem_details import note, problem_of
from altwright.web.services import Services

Answer = dict[str, Any]
#: There, what can't be done and what can't be read had one status.
_STATUSES = {409: 400, 413: 400, 415: 400, 422: 400}


def success(message: str | None = None, **members: Any) -> Answer:
    """Return the envelope of what was done."""
    return {"success": True} | ({} if message is None else {"message": message}) | members


def refused(error: Exception) -> tuple[Response, int, dict[str, str]]:
    """Return the answer to an error, in the envelope, and log what is ours."""
    problem = problem_of(error)
    problem = replace(problem, status=_STATUSES.get(problem.status, problem.status))
    note(error, problem)
    body: Answer = {"success": False, "error": problem.detail}
    if isinstance(error, InvalidInput) and error.fields:
        body["details"] = [f"{name}: {fault}" for name, fault in error.fields.items()]
    return jsonify(body), problem.status, dict(problem.headers)


def naive(at: datetime | None) -> str | None:
    """Return an instant as ISO text in UTC that doesn't say so."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat()


def words(task: Task) -> str:
    """Return a sentence on how a task stands."""
    if task.error:
        return task.error
    if task.cancel_requested and not task.ended:
        return "It is cancelled at its next picture."
    return task.step or f"The task is {task.status}."


def status_of(task: Task) -> Answer:
    """Return how a task stands, without its results."""
    return {
        "task_id": task.id,
        "status": task.status.value,
        "created_at": naive(task.created_at),
        "started_at": naive(task.started_at),
        "completed_at": naive(task.finished_at),
        "progress_percent": task.percent,
        "current_step": task.step,
        "error_message": task.error,
    }


def results_of(services: Services, task: Task) -> Answer:
    """Return what a task that has ended has done."""
    items = services.store.items(task.id)
    began, ended = task.started_at, task.finished_at
    return {
        "task_id": task.id,
        # A picture's key begins with its post's id.
        "posts_processed": len({item.key.partition(":")[0] for item in _finished(items)}),
        "images_processed": task.items_finished,
        "captions_generated": task.items_done,
        "errors_count": task.items_failed,
        "skipped_existing": task.items_skipped,
        "processing_time_seconds": (ended - began).total_seconds() if began and ended else 0.0,
        "error_details": [
            {"image": item.label, "error": item.reason}
            for item in items
            if item.status is ItemStatus.FAILED
        ],
        "generated_image_ids": services.drafts.picture_ids(task.id),
    }


def whole_status(services: Services, task: Task) -> Answer:
    """Return how a task stands, with its results once it has completed."""
    done = task.status is Status.COMPLETED
    return status_of(task) | ({"results": results_of(services, task)} if done else {})


def job(task: Task) -> Answer:
    """Return a task as administrators were shown it."""
    return status_of(task) | {
        "user_id": task.user_id,
        "platform_connection_id": task.account_id,
        "priority": task.priority.queue,
        "retry_count": task.failures,
        "max_retries": task.max_retries,
    }


def _finished(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.status is not ItemStatus.PENDING]
