"""Alerts: what is wrong now, what was, and whether anybody would be told."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.errors import Conflict
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.alerting.runbook import advice
from altwright.tasks.audit_log import WHY_MOST
from altwright.web.admin.access import section
from altwright.web.auth import caller
from altwright.web.numbers import whole_number
from altwright.web.services import services

PATH = "/admin/alerts"
#: Alerts that are over, on a page.
ALERTS_A_PAGE = 50

bp = section("admin_alerts", PATH)


@bp.get("")
def alerts() -> str:
    """Show what is wrong now, and what was, as the address asks for it."""
    book, asked = services().alerts, request.args
    after = asked.get("after", "")
    severity = next((one for one in Severity if one == asked.get("severity")), None)
    is_mistyped = bool(asked.get("severity")) and severity is None
    found = []
    if not is_mistyped:
        found = book.recent(
            ALERTS_A_PAGE + 1,
            name=asked.get("name") or None,
            severity=severity,
            is_open=False,
            before_id=whole_number(after),
        )
    page = found[:ALERTS_A_PAGE]
    return render_template(
        "admin/alerts.html",
        alerts=book.open(),
        over=page,
        is_mistyped=is_mistyped,
        names=book.names(),
        severities=list(Severity),
        advice=advice,
        why_most=WHY_MOST,
        channels=services().alert_desk.channels,
        older=_with_after(page[-1].id) if len(found) > len(page) else None,
        newest=_with_after(None) if after else None,
    )


@bp.post("/<int:alert_id>/acknowledge")
def acknowledge(alert_id: int) -> Response:
    """Say that one looks after an alert."""
    why = request.form.get("why", "")
    try:
        alert = services().alert_desk.acknowledge(alert_id, why, by=caller())
    except Conflict as refusal:  # it may have ended meanwhile
        flash(f"Nothing was done: {refusal}")
    else:
        flash(f"You look after {alert.name}; nobody is told of it again.")
    return redirect(PATH, 303)


@bp.post("/test")
def send_trial() -> Response:
    """Send a trial over every channel."""
    problems = services().alert_desk.send_trial(by=caller())
    for name, problem in problems.items():
        flash(f"{name}: not sent: {problem}." if problem else f"{name}: sent.")
    if not problems:
        flash("No channel is configured: alerts go to the log only.")
    return redirect(PATH, 303)


def _with_after(last_id: int | None) -> str:
    """Return this address for what comes after the last one shown; None: from the first on."""
    kept = {name: value for name, value in request.args.items() if value and name != "after"}
    return f"{PATH}?{urlencode(kept | ({'after': last_id} if last_id else {}))}"
