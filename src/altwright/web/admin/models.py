"""Vision models that this host runs itself: what they take, and one click to have one."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright import installed
from altwright.describers.local_models.client import EXTRA
from altwright.describers.local_models.folder import megabytes
from altwright.describers.local_models.getting import GetModel
from altwright.describers.model_servers.pulling import PullModel
from altwright.domain.task import ACTIVE
from altwright.domain.worker import host_name
from altwright.errors import ConfigError, NotFound, PermanentError, RequestError, TemporaryError
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
        room=services().local_models.room(),
        task=task.to_json() if task else None,
        is_active=task is not None and task.status in ACTIVE,
        hub=services().local_models.hub,
        missing=installed.without_extra(EXTRA),
        lacking=services().describer.lacking(),
        host=host_name(),
    )


@bp.get("/get")
def ask() -> Response | str:
    """Ask before a model is got, with what the hub states of it."""
    try:
        model = services().local_models.look_up(request.args.get("name", "").strip())
    except (TemporaryError, PermanentError, RequestError) as error:
        return _refused(error)
    size = megabytes(model.size_bytes)
    hub = services().local_models.hub
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
        return f"{name} is being fetched."

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


@bp.get("/ollama")
def ollama() -> str:
    """Show what Ollama has that sees pictures."""
    names, problem = [], ""
    try:
        names = services().local_models.ollamas()
    except TemporaryError as error:
        problem = str(error)
    except ConfigError as error:
        problem = "; ".join(error.problems)
    used = services().local_models.used_of_ollama()
    return render_template("admin/ollama.html", names=names, used=used, problem=problem)


@bp.post("/ollama/use")
def use_ollama() -> Response:
    """Let a model of Ollama's describe."""
    name = request.form.get("name", "")

    def used() -> str:
        services().local_models.use_ollama(name, by=caller())
        return f"{name} describes from now on, in every process within 2 seconds."

    return _done(used)


@bp.post("/ollama/pull")
def pull() -> Response:
    """Let Ollama get a model, and describe with it."""
    name = request.form.get("name", "").strip()

    def pulled() -> str:
        services().local_models.pull(name, by=caller())
        return f"Ollama gets {name}, and describes with it once it is there."

    return _done(pulled)


def _latest() -> Task | None:
    """Return the newest task that gets or got a model, here or in Ollama."""
    search = TaskSearch(services().database, services().box)
    kinds = (GetModel.name, PullModel.name)
    found = [one for kind in kinds for one in search.page(TaskFilter(kind=kind), 1, None).tasks]
    return max(found, key=lambda task: task.created_at, default=None)


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
