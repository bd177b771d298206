"""/api/v1/admin/tasks and dead letters: everybody's tasks, one by one or many at once."""

from __future__ import annotations

from typing import Any

from altwright.domain.task import Priority
from altwright.errors import InvalidInput
from altwright.tasks.store.bulk_changes import BulkAction, Selection
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_search import TaskFilter, TaskSearch
from altwright.web.admin.access import require_role
from altwright.web.api import admin_responses, responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import (
    EverybodysTasksQuery,
    ManyChange,
    ManyOrder,
    ManyQuery,
    NewPriority,
    Reason,
    TaskConditions,
    TaskPath,
)
from altwright.web.api.tasks import accepted
from altwright.web.auth import caller
from altwright.web.services import services

Answer = dict[str, Any]

bp = blueprint("admin/tasks", "Everybody's tasks; for administrators and moderators")
dead_letters = blueprint("admin/dead-letters", "Tasks that failed for good; for administrators")
for one in (bp, dead_letters):
    one.before_request(require_role)


@bp.get("", responses=answers({200: admin_responses.AnybodysTaskList}, 403))
def list_everybodys_tasks(query: EverybodysTasksQuery) -> Answer:
    """List everybody's tasks, those that were made (or ended) last before the others."""
    search = TaskSearch(services().database, services().box)
    found = search.page(_wanted(query), query.limit, query.after)
    return {
        "tasks": [task.to_json() | {"user_id": task.user_id} for task in found.tasks],
        "older": found.older,
    }


@bp.post("/<task_id>/cancel", responses=answers({200: responses.Task}, 400, 403, 404, 409))
def cancel_anybodys_task(path: TaskPath) -> Answer:
    """Cancel a task: at once while it waits, at its next picture while it runs."""
    return services().administration.cancel(path.task_id, by=caller()).to_json()


@bp.post("/<task_id>/requeue", responses=answers({200: responses.Task}, 400, 403, 404, 409))
def requeue_anybodys_task(path: TaskPath) -> Answer:
    """Queue a failed task again; what it has finished stays finished."""
    return services().administration.requeue_failed(path.task_id, by=caller()).to_json()


@bp.post("/<task_id>/priority", responses=answers({200: responses.Task}, 403, 404, 409, body=True))
def reprioritise_anybodys_task(path: TaskPath, body: NewPriority) -> Answer:
    """Give a waiting task another priority, in which it takes its turn."""
    priority = Priority.parse(body.priority)
    done = services().administration.reprioritise(path.task_id, priority, by=caller())
    return done.to_json()


@bp.post("/<task_id>/undo", responses=answers({202: responses.Task}, 403, 404, 409, body=True))
def undo_many(path: TaskPath, body: Reason) -> tuple[Answer, int, dict[str, str]]:
    """Take a change of many priorities back, for those tasks that wait still."""
    return accepted(services().administration.undo(path.task_id, why=body.why, by=caller()))


@bp.get("/many", responses=answers({200: admin_responses.ManyPreview}, 403))
def preview_many(query: ManyQuery) -> Answer:
    """Count the tasks that match, and to how many of them this can be done."""
    selection = _selection(query)
    preview = services().administration.preview(selection)
    return {
        "words": selection.wanted.words(query.user),
        "until": preview.until.isoformat(),
        "matching": preview.matching,
        "applicable": preview.applicable,
        "others": preview.others,
        "is_exact": preview.is_exact,
    }


@bp.post("/many", responses=answers({202: responses.Task}, 403, 409, body=True))
def change_many_tasks(body: ManyOrder) -> tuple[Answer, int, dict[str, str]]:
    """Do something to all tasks that match, in the background; the answer is the task that does."""
    selection = _selection(body)
    if body.until is not None:
        selection = selection.up_to(body.until)
    task = services().administration.change_many(
        selection, why=body.why, by=caller(), username=body.user
    )
    return accepted(task)


@dead_letters.get("", responses=answers({200: admin_responses.DeadLetterList}, 403))
def list_dead_letters() -> Answer:
    """Group the tasks that failed for good by cause and kind, the largest group first."""
    groups = Figures(services().database).dead_letters()
    return {"groups": [one.to_json() for one in groups]}


def _selection(asked: ManyChange) -> Selection:
    """Return what is to be done to which tasks. Raises InvalidInput."""
    if (asked.to is None) == (asked.action == "priority"):
        raise InvalidInput("Say which priority.", {"to": "goes with the action priority only"})
    priority = None if asked.to is None else Priority.parse(asked.to)
    return services().administration.selection(BulkAction(asked.action), _wanted(asked), priority)


def _wanted(asked: TaskConditions) -> TaskFilter:
    """Return which tasks are asked for. Raises InvalidInput: there is no such user."""
    user = services().users.by_name(asked.user) if asked.user is not None else None
    if asked.user is not None and user is None:
        raise InvalidInput("There is no such user.", {"user": "there is none of this name"})
    return TaskFilter(
        asked.status,
        Priority.parse(asked.priority) if asked.priority else None,
        asked.kind,
        user.id if user else None,
        asked.category,
        asked.delivery,
        asked.account_id,
        asked.since,
        asked.before,
        asked.text,
    )
