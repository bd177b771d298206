"""/api/v1/tasks: submit, watch, cancel and requeue tasks."""

from __future__ import annotations

from typing import Any

from altwright.domain.user import UserRef
from altwright.errors import NotAllowed
from altwright.tasks.queue_manager import SERVICE, scope
from altwright.tasks.task import Event, Task
from altwright.web.api import responses
from altwright.web.api.blueprint import PREFIX, answers, blueprint
from altwright.web.api.requests import SubmitHeaders, TaskPath, TasksQuery, TaskSubmit
from altwright.web.auth import caller
from altwright.web.services import services

Answer = dict[str, Any]
bp = blueprint("tasks", "Runs that find pictures and draft their descriptions")


@bp.post("", responses=answers({202: responses.Task}, 403, 404, 409, 429, body=True))
def submit_task(header: SubmitHeaders, body: TaskSubmit) -> tuple[Answer, int, dict[str, str]]:
    """Accept a task; its Location is where to watch it."""
    task = services().queue.submit(
        body.kind,
        user=caller(),
        account_id=body.account_id,
        settings=body.settings,
        priority=body.priority,
        request_key=header.idempotency_key,
    )
    return accepted(task)


@bp.get("", responses=answers({200: responses.TaskList}, 403))
def list_tasks(query: TasksQuery) -> Answer:
    """List tasks, newest first."""
    user = caller()
    if query.everybody and not user.looks_after_tasks:
        raise NotAllowed("Only an administrator or a moderator sees everybody's tasks.")
    owner = None if query.everybody else user.id
    tasks = services().store.recent(owner, query.status, query.limit, query.before)
    return {"tasks": [task.to_json() for task in tasks]}


@bp.get("/<task_id>", responses=answers({200: responses.Task}, 404))
def show_task(path: TaskPath) -> Answer:
    """Show how a task stands."""
    return _visible(path).to_json()


@bp.get("/<task_id>/items", responses=answers({200: responses.ItemList}, 404))
def list_items(path: TaskPath) -> Answer:
    """List a task's pictures and what became of them."""
    items = services().store.items(_visible(path).id)
    return {"items": [item.to_json() for item in items]}


@bp.get("/<task_id>/history", responses=answers({200: responses.EventList}, 404))
def list_events(path: TaskPath) -> Answer:
    """List what has happened to a task."""
    events = services().store.history(_visible(path).id)
    return {"events": [_event(event, caller()) for event in events]}


@bp.get("/<task_id>/waiting", responses=answers({200: responses.Waiting}, 404))
def show_waiting(path: TaskPath) -> Answer:
    """Say why a task waits, what is before it, and when it probably starts."""
    user = caller()
    return services().waiting.of(_visible(path), for_staff=user.looks_after_tasks).to_json()


@bp.post("/<task_id>/cancel", responses=answers({200: responses.Task}, 400, 404, 409))
def cancel_task(path: TaskPath) -> Answer:
    """Cancel a task: at once while it waits, at its next picture while it runs."""
    return services().queue.cancel(path.task_id, by=caller()).to_json()


@bp.post("/<task_id>/requeue", responses=answers({200: responses.Task}, 400, 403, 404, 409))
def requeue_task(path: TaskPath) -> Answer:
    """Queue a failed task again; what it has finished stays finished."""
    return services().queue.requeue_failed(path.task_id, by=caller()).to_json()


def accepted(task: Task) -> tuple[Answer, int, dict[str, str]]:
    """Return the answer to a submit."""
    return task.to_json(), 202, {"Location": f"{PREFIX}/tasks/{task.id}"}


def _visible(path: TaskPath) -> Task:
    return services().store.get(path.task_id, scope(caller()))


def _event(event: Event, user: UserRef) -> Answer:
    # A worker's name has its host's name in it, which is an administrator's business; so are the
    # categories of errors.
    actor = event.actor if user.looks_after_tasks or event.actor == user.username else SERVICE
    detail = event.detail if user.looks_after_tasks else event.words
    return event.to_json() | {"actor": actor, "detail": detail}
