"""The replaced system's routes for users, for programs that know those (COMPATIBLE_ROUTES).

Each is a translation: what may be done, and by whom, is decided where /api/v1 has it decided.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.errors import Conflict, InvalidInput, TaskNotFound
from altwright.tasks.queue_manager import scope
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.tasks.task import Task
from altwright.web.auth import caller, refuse_viewer
from altwright.web.compatible.answers import (
    Answer,
    refused,
    results_of,
    success,
    whole_status,
    words,
)
from altwright.web.compatible.requests import RunForm, given
from altwright.web.security import SAFE_METHODS
from altwright.web.services import services

#: Where the replaced system sent people after a start; pages here have another address.
REVIEW_THERE, REVIEW_HERE = "/review/batches", "/review"
_security = CaptionSecurityManager()

bp = Blueprint("compatible", __name__)
bp.register_error_handler(Exception, refused)


@bp.before_request
def _may_change() -> None:
    if request.method not in SAFE_METHODS:
        refuse_viewer(caller())


@bp.get("/api/csrf-token")
def csrf_token() -> Answer:
    """Give whoever asks the token of their session; one who isn't signed in needs it to do so."""
    return {"csrf_token": generate_csrf()}


@bp.get(REVIEW_THERE)
def review() -> Response:
    """Lead to the page of drafts."""
    return redirect(REVIEW_HERE)


@bp.post("/caption/start")
def start() -> Answer:
    """Start a run."""
    task = _started(given(RunForm))
    return success("The run has started.", data={"task_id": task.id})


@bp.post("/start_caption_generation")
def start_older() -> Answer:
    """Start a run, and say where its drafts will be."""
    task = _started(given(RunForm))
    return success("The run has started.", task_id=task.id, redirect_url=REVIEW_THERE)


@bp.get("/caption/api/status/<task_id>")
def status(task_id: str) -> Answer:
    """Show how a task stands, in short."""
    task = _visible(_known(task_id))
    return success(
        words(task),
        status=task.status.value,
        progress=task.percent,
        current_step=task.step,
        synchronized=False,
    )


@bp.post("/caption/api/cancel/<task_id>")
def cancel(task_id: str) -> Answer:
    """Cancel a task."""
    return _cancelled(_known(task_id))


@bp.get("/api/caption_generation/status/<task_id>")
def status_older(task_id: str) -> Answer:
    """Show how a task stands."""
    return success(status=whole_status(services(), _visible(_checked(task_id))))


@bp.post("/api/caption_generation/cancel/<task_id>")
def cancel_older(task_id: str) -> Answer:
    """Cancel a task."""
    return _cancelled(_checked(task_id))


@bp.post("/api/caption_generation/retry/<task_id>")
def retry(task_id: str) -> Answer:
    """Queue a failed task again: the same one, whose finished pictures stay finished."""
    task = services().queue.requeue_failed(_checked(task_id), by=caller())
    return success("The task is queued again.", task_id=task.id)


@bp.get("/api/caption_generation/results/<task_id>")
def results(task_id: str) -> Answer:
    """Show what a task that has ended has done."""
    task = _visible(_checked(task_id))
    if not task.ended:
        raise Conflict(f"The task is {task.status}: it has no results yet.")
    return success(results=results_of(services(), task))


def _started(form: RunForm) -> Task:
    """Start a run over the account that the form names, else over the user's first."""
    user = caller()
    account_id = form.account_id
    if account_id is None:
        accounts = services().accounts.of_user(user.id)
        if not accounts:
            fault = "there is none yet; connect one on the page Accounts"
            raise InvalidInput("There is no account to look at.", {"account_id": fault})
        account_id = accounts[0].id
    return services().queue.submit(
        CaptionGenerationService.name,
        user=user,
        account_id=account_id,
        settings=form.settings(),
    )


def _cancelled(task_id: str) -> Answer:
    return success(words(services().queue.cancel(task_id, by=caller())))


def _visible(task_id: str) -> Task:
    return services().store.get(task_id, scope(caller()))


def _checked(task_id: str) -> str:
    """Return an id that can be one. Raises InvalidInput."""
    return _security.checked_task_id(task_id)


def _known(task_id: str) -> str:
    """Return an id that can be one. Raises TaskNotFound."""
    try:
        return _checked(task_id)
    except InvalidInput as error:
        raise TaskNotFound(task_id) from error
