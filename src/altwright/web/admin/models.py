"""Vision models that this host runs itself: what they take, and one click to have one."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.describers.local_models.folder import megabytes
from altwright.describers.local_models.getting import GetModel
from altwright.domain.task import ACTIVE
from altwright.errors import NotFound, PermanentError, RequestError, TemporaryError
from altwright.tasks.store.task_search import TaskFilter, TaskSearch
from altwright.tasks.task import Task
from altwright.web.admin.access import section
from altwright.web.auth import caller
from altwright.web.services import services

PATH = "/admin/models"

bp = section("models", PATH)


@bp.get("")
def show() -> str:
    """Show the models with what they take, and the one that is being got or was got last."""
    task = _latest()
    return render_template(
        "admin/models.html",
        offers=services().local_models.offers(),
        task=task.to_json() if task else None,
        is_active=task is not None and task.status in ACTIVE,
        hub=services().settings.model_hub_url,
    )


@bp.get("/get")
def ask() -> Response | str:
    """Ask before a model is got, with what the hub states of it."""
    try:
        model = services().local_models.look_up(request.args.get("name", "").strip())
    except (TemporaryError, PermanentError, RequestError) as error:
        return _refused(error)
    size = megabytes(model.size_bytes)
    hub = services().settings.model_hub_url
    return render_template("admin/get_model.html", model=model, size=size, hub=hub)


@bp.post("/get")
def get() -> Response:
    """Get a model that was shown, and let it describe if that was wished."""
    name = request.form.get("name", "")

    def ordered() -> str:
        services().local_models.order(
            name,
            by=caller(),
            to_use="use" in request.form,
            revision=request.form.get("revision", ""),
        )
        return f"{name} is being got."

    return _done(ordered)


@bp.post("/use")
def use() -> Response:
    """Let a model that is here describe."""
    name = request.form.get("name", "")

    def used() -> str:
        services().local_models.use(name, by=caller())
        return f"{name} describes from now on, in every process within 2 seconds."

    return _done(used)


@bp.post("/remove")
def remove() -> Response:
    """Remove a model from this host."""
    name = request.form.get("name", "")

    def removed() -> str:
        freed = services().local_models.remove(name, by=caller())
        return f"{name} is removed: {megabytes(freed)} are free again."

    return _done(removed)


def _latest() -> Task | None:
    """Return the newest task that gets or got a model."""
    search = TaskSearch(services().database, services().box)
    found = search.page(TaskFilter(kind=GetModel.name), 1, None).tasks
    return found[0] if found else None


def _done(action: Callable[[], str]) -> Response:
    """Do what may be refused, and say how it went."""
    try:
        flash(action())
    except NotFound:
        raise
    except (TemporaryError, PermanentError, RequestError) as error:
        return _refused(error)
    return redirect(PATH, 303)


def _refused(error: Exception) -> Response:
    flash(f"Nothing was done: {error}")
    return redirect(PATH, 303)
