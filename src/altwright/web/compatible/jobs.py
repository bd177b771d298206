"""The replaced system's routes for those who look after everybody's tasks."""

from __future__ import annotations

from flask import Blueprint

from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.domain.task import Priority
from altwright.tasks.store.task_search import TaskFilter, TaskSearch
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.web.admin.access import require_role
from altwright.web.auth import caller
from altwright.web.compatible.answers import Answer, job, refused, success, words
from altwright.web.compatible.requests import CancelBody, JobsQuery, PriorityBody, given
from altwright.web.services import services

_security = CaptionSecurityManager()

bp = Blueprint("compatible_jobs", __name__, url_prefix="/admin/api/jobs")
bp.before_request(require_role)
bp.register_error_handler(Exception, refused)


@bp.get("")
def list_jobs() -> Answer:
    """List runs of everybody, those that were made (or ended) last before the others."""
    asked = given(JobsQuery, "query")
    wanted = TaskFilter(asked.status, kind=CaptionGenerationService.name, user_id=asked.user_id)
    search = TaskSearch(services().database, services().box)
    found = search.page(wanted, asked.limit, offset=asked.offset)
    return success(
        jobs=[job(task) for task in found.tasks],
        total=search.count(wanted),
        limit=asked.limit,
        offset=asked.offset,
    )


@bp.put("/<task_id>/priority")
def set_priority(task_id: str) -> Answer:
    """Give a waiting task another priority, in which it takes its turn."""
    priority = Priority.parse(given(PriorityBody).priority)
    task_id = _security.checked_task_id(task_id)
    services().administration.reprioritise(task_id, priority, by=caller())
    return success(f"The task has the priority {priority.queue}.")


@bp.post("/<task_id>/cancel")
def cancel(task_id: str) -> Answer:
    """Cancel a task; the reason stands in its history and in the audit log."""
    why = given(CancelBody).reason
    task_id = _security.checked_task_id(task_id)
    return success(words(services().administration.cancel(task_id, by=caller(), why=why)))


@bp.post("/<task_id>/restart")
def restart(task_id: str) -> Answer:
    """Queue a failed task again: the same one, whose finished pictures stay finished."""
    task_id = _security.checked_task_id(task_id)
    task = services().administration.requeue_failed(task_id, by=caller())
    return success("The task is queued again.", new_task_id=task.id)
