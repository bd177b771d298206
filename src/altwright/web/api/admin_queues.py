"""/api/v1/admin/queues, limits and the audit log."""

from __future__ import annotations

from typing import Any

from altwright.domain.limits import Limits
from altwright.domain.task import Priority
from altwright.web.admin.access import require_role
from altwright.web.api import admin_responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import AuditQuery, NewLimits, QueuePath
from altwright.web.auth import caller
from altwright.web.services import services

Answer = dict[str, Any]

bp = blueprint("admin/queues", "The four queues; for administrators and moderators")
limits = blueprint("admin/limits", "How many tasks run at a time; for administrators")
audit = blueprint("admin/audit", "Who did what to the service; for administrators and moderators")
for one in (bp, limits, audit):
    one.before_request(require_role)


@bp.get("", responses=answers({200: admin_responses.QueueList}, 403))
def list_queues() -> Answer:
    """Show what waits and runs in each queue."""
    return {"queues": [figures.to_json() for figures in services().administration.queues()]}


@bp.post("/<name>/pause", responses=answers({200: admin_responses.QueueChanged}, 400, 403))
def pause_queue(path: QueuePath) -> Answer:
    """Let no worker take tasks of a queue; running ones go on, submits are accepted."""
    changed = services().administration.pause(Priority.parse(path.name), by=caller())
    return {"queue": path.name, "changed": changed}


@bp.post("/<name>/resume", responses=answers({200: admin_responses.QueueChanged}, 400, 403))
def resume_queue(path: QueuePath) -> Answer:
    """Let workers take tasks of a queue again."""
    changed = services().administration.resume(Priority.parse(path.name), by=caller())
    return {"queue": path.name, "changed": changed}


@bp.post("/<name>/clear", responses=answers({200: admin_responses.QueueCleared}, 400, 403))
def clear_queue(path: QueuePath) -> Answer:
    """Cancel every task that waits in a queue; running ones go on."""
    count = services().administration.cancel_waiting(Priority.parse(path.name), by=caller())
    return {"queue": path.name, "cancelled": count}


@limits.get("", responses=answers({200: admin_responses.LimitsShown}, 403))
def show_limits() -> Answer:
    """Show which limits hold now."""
    return services().administration.limits().to_json()


@limits.put("", responses=answers({200: admin_responses.LimitsShown}, 403, body=True))
def change_limits(body: NewLimits) -> Answer:
    """Let these limits hold in every process, within 2 seconds; what is left out has none."""
    services().administration.limit(Limits.from_json(body.model_dump()), by=caller())
    return services().administration.limits().to_json()


@limits.delete("", responses=answers({200: admin_responses.LimitsShown}, 400, 403))
def reset_limits() -> Answer:
    """Let the limits of the settings hold again."""
    services().administration.limit(None, by=caller())
    return services().administration.limits().to_json()


@audit.get("", responses=answers({200: admin_responses.AuditLog}, 403))
def list_audit_log(query: AuditQuery) -> Answer:
    """Show who did what to the service, newest first."""
    entries = services().audit.recent(
        query.limit,
        actor=query.by,
        action=query.action,
        subject=query.subject,
        before_id=query.before,
    )
    return {"entries": [entry.to_json() for entry in entries]}
