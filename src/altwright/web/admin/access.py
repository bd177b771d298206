"""Who may do what under /admin and /api/v1/admin, and what every page there shows around itself.

Administrators may everything. Moderators see everything, and do what MODERATORS_MAY names; an
action that stands in no list is for administrators only.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, request

from altwright.domain.caption import DraftStatus
from altwright.errors import InvalidInput, NotAllowed, NotFound
from altwright.text import UNSTORABLE
from altwright.web.auth import caller
from altwright.web.security import SAFE_METHODS
from altwright.web.services import services

#: Endpoints of actions on single tasks.
MODERATORS_MAY: Final = frozenset(
    {
        *("admin.cancel", "admin.requeue", "admin.reprioritise"),
        "api_admin/tasks.cancel_anybodys_task",
        "api_admin/tasks.requeue_anybodys_task",
        "api_admin/tasks.reprioritise_anybodys_task",
        *(f"compatible_jobs.{action}" for action in ("cancel", "restart", "set_priority")),
    }
)
#: The pages in the order of their navigation.
SECTIONS: Final = (
    ("/admin", "Dashboard"),
    ("/admin/tasks", "Tasks"),
    ("/admin/failed", "Dead letters"),
    ("/admin/queues", "Queues"),
    ("/admin/workers", "Workers"),
    ("/admin/alerts", "Alerts"),
    ("/admin/errors", "Errors"),
    ("/admin/models", "Models"),
    ("/admin/settings", "Settings"),
    ("/admin/users", "Users"),
    ("/admin/audit", "Audit log"),
)


def require_role() -> None:
    """Let administrators and moderators pass to a view.

    Raises NotSignedIn, NotAllowed; NotFound, InvalidInput: no database can look for what is asked.
    """
    if not caller().looks_after_tasks:
        raise NotAllowed("Only administrators and moderators may see this.")
    if not may(request.endpoint, request.method):
        raise NotAllowed("Only an administrator may do this.")
    # PostgreSQL refuses it in a question, too; the others find nothing.
    if "\0" in request.path:
        raise NotFound("There is no such page.")
    for given in (request.args, request.form):
        faults = {name: UNSTORABLE for name, text in given.items(multi=True) if "\0" in text}
        if faults:
            raise InvalidInput("This can't be looked for.", faults)


def may(endpoint: str | None, method: str = "POST") -> bool:
    """Return whether the caller, an administrator or moderator, may do this."""
    return caller().is_admin or method in SAFE_METHODS or endpoint in MODERATORS_MAY


def frame() -> dict[str, Any]:
    """Return what each page's navigation and buttons need."""
    return {
        "sections": SECTIONS,
        "may": may,
        "open_alerts": len(services().alerts.open()),
        "to_review": services().drafts.counts(caller().id)[DraftStatus.DRAFT],
    }


def section(name: str, path: str) -> Blueprint:
    """Return a blueprint of such pages: their roles are asked for, and their frame is there."""
    made = Blueprint(name, __name__, url_prefix=path)
    made.before_request(require_role)
    made.context_processor(frame)
    return made
