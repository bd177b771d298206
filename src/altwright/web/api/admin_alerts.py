"""/api/v1/admin/alerts: what is wrong and was, and whether anybody would be told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from altwright.db.tables import ID_MOST
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.audit_log import WHY_MOST
from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import Body, PathId, Query
from altwright.web.api.responses import Shape
from altwright.web.api.statistics_responses import OpenAlert
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("admin/alerts", "What needs an administrator; for administrators")
bp.before_request(require_role)


class AlertsQuery(Query):
    """Which alerts to list."""

    open: bool | None = Field(None, description="only those that are open, or that are over")
    name: str | None = Field(None, max_length=64, description="the rule's name")
    severity: Severity | None = None
    limit: int = Field(50, ge=1, le=200)
    before: int | None = Field(
        None, ge=1, le=ID_MOST, description="the last alert of the page before this one"
    )


class AlertPath(BaseModel):
    """The alert that a path names."""

    alert_id: PathId


class Acknowledgement(Body):
    """What is said about it."""

    why: str = Field("", max_length=WHY_MOST)


class AlertShown(OpenAlert):
    """An alert; ``resolved_at`` is null while it is open."""


class AlertList(Shape):
    """Alerts, newest first."""

    alerts: list[AlertShown]


class Trial(Shape):
    """How a trial went: by channel what went wrong, empty if nothing did."""

    problems: dict[str, str]


@bp.get("", responses=answers({200: AlertList}, 403))
def list_alerts(query: AlertsQuery) -> dict[str, Any]:
    """List alerts: newest first."""
    found = services().alerts.recent(
        query.limit,
        name=query.name,
        severity=query.severity,
        is_open=query.open,
        before_id=query.before,
    )
    return {"alerts": [one.to_json() for one in found]}


@bp.post(
    "/<int:alert_id>/acknowledge", responses=answers({200: AlertShown}, 403, 404, 409, body=True)
)
def acknowledge_alert(path: AlertPath, body: Acknowledgement) -> dict[str, Any]:
    """Say that one looks after an alert, so that nobody is told of it again."""
    return services().alert_desk.acknowledge(path.alert_id, body.why, by=caller()).to_json()


@bp.post("/test", responses=answers({200: Trial}, 403))
def send_trial_alert() -> dict[str, Any]:
    """Send a trial over every channel that is configured."""
    return {"problems": services().alert_desk.send_trial(by=caller())}
