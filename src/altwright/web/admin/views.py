"""Administrators' pages: forms that work without scripts, and ask before what can't be undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.db.session import utcnow
from altwright.domain.counting import Count, counted
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category, NotFound, RequestError
from altwright.tasks.bulk_task import order_of
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_search import Page, TaskFilter, TaskSearch
from altwright.web.admin.access import section
from altwright.web.admin.task_filter import asked_filter, given_filter
from altwright.web.auth import caller
from altwright.web.numbers import whole_number
from altwright.web.pages.template_filters import settings_in_words
from altwright.web.pages.words import TASK_STATES, filter_words
from altwright.web.services import services

#: Tasks on a page; entries of the audit log that are shown.
TASKS_A_PAGE, ENTRIES = 50, 50

bp = section("admin", "/admin")


@bp.get("/tasks")
def tasks() -> str:
    """Show everybody's tasks, as the address asks for them."""
    users, asked = services().users.all(), request.args
    wanted, faults = asked_filter(asked)
    search = TaskSearch(services().database, services().box)
    # A filter that can't be would make the list longer than its reader believes it is.
    found = Page([], None) if faults else search.page(wanted, TASKS_A_PAGE, asked.get("after"))
    is_whole = bool(faults) or not (asked.get("after") or found.older)
    return render_template(
        "admin/tasks.html",
        tasks=[task.to_json() | {"user_id": task.user_id} for task in found.tasks],
        names={one.id: one.username for one in users},
        users=[one.username for one in users],
        kinds=sorted(services().queue.kinds),
        older=_with_after(found.older) if found.older else None,
        matching=Count(len(found.tasks)) if is_whole else search.count(wanted),
        looked_back_to=found.looked_back_to,
        has_ended=wanted.has_ended,
        faults=faults,
        state_words=TASK_STATES,
        newest=_with_after(None) if asked.get("after") else None,
        filter=given_filter(asked),
        choices={
            "status": list(Status),
            "priority": [one.queue for one in Priority],
            "category": sorted(Category),
            "delivery": list(Delivery),
        },
    )


@bp.get("/tasks/<task_id>")
def task(task_id: str) -> str:
    """Show one task: how it stands, each move with who made it, its items."""
    found = services().store.get(task_id, None)
    order = order_of(found)
    wanted = order.selection.wanted if order else TaskFilter()
    return render_template(
        "admin/task.html",
        task=found.to_json(),
        settings=settings_in_words(found.settings),
        order=order,
        order_words=filter_words(wanted, _username(wanted.user_id)),
        fault=found.fault,
        worker=found.worker_id if found.status is Status.RUNNING else None,
        user=_username(found.user_id),
        items=services().store.items(found.id),
        events=services().store.history(found.id),
        is_active=found.status in ACTIVE,
        waiting=services().waiting.of(found, for_staff=True),
        running=services().worker_administration.running_task(found.id),
        priorities=[one.queue for one in Priority],
    )


@bp.post("/tasks/<task_id>/cancel")
def cancel(task_id: str) -> Response:
    """Cancel a task."""
    return _tried(
        lambda: services().administration.cancel(task_id, by=caller()),
        "The task is cancelled, or ends at its next picture.",
        f"/admin/tasks/{task_id}",
    )


@bp.post("/tasks/<task_id>/requeue")
def requeue(task_id: str) -> Response:
    """Queue a failed task again."""
    return _tried(
        lambda: services().administration.requeue_failed(task_id, by=caller()),
        "The task is queued again; what it has finished stays finished.",
        f"/admin/tasks/{task_id}",
    )


@bp.post("/tasks/<task_id>/priority")
def reprioritise(task_id: str) -> Response:
    """Give a waiting task another priority."""
    priority = _priority(request.form.get("priority", ""))
    return _tried(
        lambda: services().administration.reprioritise(task_id, priority, by=caller()),
        f"The task's priority is {priority.queue} now.",
        f"/admin/tasks/{task_id}",
    )


@bp.get("/failed")
def failed() -> str:
    """Show the tasks that failed for good, by cause, kind and time."""
    groups = [one.to_json() for one in Figures(services().database).dead_letters()]
    at = utcnow()
    ago = {name: f"{at - timedelta(**{name: 1}):%Y-%m-%dT%H:%M}" for name in ("hours", "days")}
    return render_template(
        "admin/failed.html", groups=groups, hour_ago=ago["hours"], day_ago=ago["days"]
    )


@bp.get("/queues")
def queues() -> str:
    """Show what waits and runs in each queue."""
    figures = [one.to_json() for one in services().administration.queues(ACTIVE)]
    return render_template("admin/queues.html", queues=figures)


@bp.get("/queues/<name>/clear")
def ask_clear(name: str) -> str:
    """Ask before a queue's tasks are cancelled, with their number."""
    priority = _priority(name)
    figures = services().administration.queues(ACTIVE)[priority]
    return render_template("admin/clear.html", queue=figures.to_json())


@bp.post("/queues/<name>/clear")
def clear(name: str) -> Response:
    """Cancel what waits in a queue."""
    cancelled = services().administration.cancel_waiting(_priority(name), by=caller())
    return _done(f"{counted(cancelled, 'task')} of the queue {name} cancelled.", "/admin/queues")


@bp.post("/queues/<name>/pause")
def pause(name: str) -> Response:
    """Pause a queue."""
    changed = services().administration.pause(_priority(name), by=caller())
    words = "is paused; running tasks go on" if changed else "was paused already"
    return _done(f"The queue {name} {words}.", "/admin/queues")


@bp.post("/queues/<name>/resume")
def resume(name: str) -> Response:
    """Let a queue go on."""
    changed = services().administration.resume(_priority(name), by=caller())
    return _done(f"The queue {name} {'goes on' if changed else 'was not paused'}.", "/admin/queues")


@bp.get("/audit")
def audit() -> str:
    """Show who did what to the service, newest first."""
    asked, log = request.args, services().audit
    after = asked.get("after", "")
    found = log.recent(
        ENTRIES + 1,
        actor=asked.get("by") or None,
        action=asked.get("action") or None,
        subject=asked.get("subject") or None,
        before_id=whole_number(after),
    )
    page = found[:ENTRIES]
    actors, actions = log.names()
    return render_template(
        "admin/audit.html",
        entries=page,
        actors=actors,
        actions=actions,
        older=_with_after(str(page[-1].id)) if len(found) > len(page) else None,
        newest=_with_after(None) if after else None,
    )


def _username(user_id: int | None) -> str | None:
    user = services().users.get(user_id) if user_id is not None else None
    return user.username if user else None


def _with_after(last_id: str | None) -> str:
    """Return this address for what comes after the last one shown; None: from the first on."""
    kept = {name: value for name, value in request.args.items() if value and name != "after"}
    asked = kept | ({"after": last_id} if last_id else {})
    return f"{request.path}?{urlencode(asked)}"


def _done(words: str, path: str) -> Response:
    """Say what was done, on the page that a person goes on with."""
    flash(words)
    return redirect(path, 303)


def _tried(action: Callable[[], object], words: str, path: str) -> Response:
    """Do what may be refused (the task has ended meanwhile), and say how it went."""
    try:
        action()
    except NotFound:
        raise
    except RequestError as refusal:
        words = f"Nothing was done: {refusal}"
    return _done(words, path)


def _priority(name: str) -> Priority:
    """Return the priority of a queue. Raises NotFound."""
    priority = Priority.named(name)
    if priority is None:
        raise NotFound(f"There is no queue {name}.")
    return priority
