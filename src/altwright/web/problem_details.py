"""Errors to answers, in one table: problem+json (RFC 9457) for the API, a page for people."""

from __future__ import annotations

import html
import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, g, redirect, render_template, request
from flask_login import AnonymousUserMixin, login_url
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from altwright.domain.counting import counted
from altwright.errors import (
    ActiveTaskExists,
    AltwrightError,
    ConfigError,
    DatabaseUnavailable,
    InvalidInput,
    NotSignedIn,
    PermanentError,
    RequestError,
    TaskNotFound,
    TaskStateConflict,
    TemporaryError,
)

_log = logging.getLogger(__name__)

#: Seconds in Retry-After where the cause is unknown: about what a failover takes here.
UNKNOWN_RETRY_IN_S = 5.0
INTERNAL = "Something went wrong on our side. It has been logged."
#: What is left of the page when its own data can't be had.
BARE_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    "<h1>{title}</h1><p>{detail}</p>"
)
#: Paths whose callers are programs.
MACHINE_PATHS = ("/api/", "/healthz", "/readyz", "/metrics", "/socket.io/")
LOGIN_PAGE = "auth.login"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as its caller sees it; ``extra`` are members beside RFC 9457's own."""

    status: int
    title: str
    detail: str
    type: str = "about:blank"
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the members of a problem document."""
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }


def problem_of(error: Exception) -> Problem:
    """Return what an error is to the caller; what nobody foresaw tells nothing of itself."""
    match error:
        case InvalidInput():
            return _of(error, fields=error.fields)
        case TaskNotFound() | TaskStateConflict() | ActiveTaskExists():
            return _of(error, task_id=error.task_id)
        case RequestError() | PermanentError():
            return _of(error)
        case TemporaryError():
            retry_in_s = error.retry_in_s if error.retry_in_s is not None else UNKNOWN_RETRY_IN_S
            # Retry-After counts whole seconds (RFC 9110 10.2.3).
            headers = {"Retry-After": str(math.ceil(retry_in_s))}
            return _of(error, headers, retry_in_s=retry_in_s)
        case HTTPException(code=int(status)):
            known = error.get_headers()
            headers = {name: value for name, value in known if name in {"Allow", "Retry-After"}}
            return Problem(status, error.name, _words(error), headers=headers)
        case _:
            return Problem(500, AltwrightError.title, INTERNAL, _type(AltwrightError))


def _of(error: AltwrightError, headers: Mapping[str, str] | None = None, **extra: Any) -> Problem:
    return Problem(error.status, error.title, str(error), _type(type(error)), extra, headers or {})


def _words(error: HTTPException) -> str:
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    if isinstance(error, RequestEntityTooLarge) and limit:
        return f"A request's body may have {counted(limit, 'byte')} at most."
    return error.description or ""


def _type(error: type[AltwrightError]) -> str:
    """Return a name that clients can branch on: ActiveTaskExists is …:active-task-exists."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
    return f"urn:altwright:problem:{words}"


def answer(error: Exception) -> AnyResponse:
    """Return the response to an error, and log what is ours."""
    if isinstance(error, HTTPException) and (error.code is None or error.response is not None):
        return Response.force_type(error.get_response(), request.environ)
    problem = problem_of(error)
    note(error, problem)
    if request.path.startswith(MACHINE_PATHS):
        return _document(problem)
    if isinstance(error, NotSignedIn) and request.method in {"GET", "HEAD"}:
        return redirect(login_url(LOGIN_PAGE, request.full_path.rstrip("?")))
    return _page(error, problem)


def note(error: Exception, problem: Problem) -> None:
    """Log what is ours."""
    match error:
        case PermanentError(operator_detail=detail) if detail:
            _log.warning("%s %s: %s %s", request.method, request.path, error, detail)
        case HTTPException() | RequestError() | PermanentError():
            _log.info("%s %s: %s %s", request.method, request.path, problem.status, problem.title)
        case TemporaryError():
            _log.warning("%s %s: %s", request.method, request.path, error)
        case ConfigError() | _:
            _log.error("%s %s failed", request.method, request.path, exc_info=error)


def _document(problem: Problem) -> Response:
    headers = {**problem.headers, "Content-Type": "application/problem+json"}
    return Response(json.dumps(problem.to_json()), problem.status, headers)


def _page(error: Exception, problem: Problem) -> Response:
    if isinstance(error, DatabaseUnavailable):
        # The page shows who is signed in, and asking for them would fail again.
        g._login_user = AnonymousUserMixin()  # noqa: SLF001 - where Flask-Login keeps the user
    shown = {"title": problem.title, "status": problem.status, "detail": problem.detail}
    try:
        page = render_template("error.html", **shown)
    except Exception:  # noqa: BLE001 - the last resort: an error while telling of an error
        _log.warning("the page of an error can't be shown whole", exc_info=True)
        page = BARE_PAGE.format(
            title=html.escape(problem.title), detail=html.escape(problem.detail)
        )
    return Response(page, problem.status, dict(problem.headers))
