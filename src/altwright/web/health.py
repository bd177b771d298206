"""/healthz: this process answers. /readyz: the service can work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask import Blueprint

from altwright.db.session import NotWritable
from altwright.domain.task import Delivery
from altwright.errors import DatabaseUnavailable
from altwright.web.services import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process is up, whatever it needs is or isn't."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, Any], int]:
    """Return whether requests can be served: not without a database that takes changes."""
    health = services().health
    delivery = Delivery.RQ if health.takes_jobs else Delivery.DATABASE
    state: dict[str, Any] = {"redis": health.state.value, "delivery": delivery.value}
    processes = supervised(services().settings.run_dir / "supervisor.json")
    if processes:
        state["processes"] = processes
    # A balancer reads this answer, so it has its shape in trouble as well.
    try:
        services().database.check_writable()
        lacks = services().lacks()
    except DatabaseUnavailable as error:
        database = "not writable" if isinstance(error, NotWritable) else "down"
        state |= {"database": database, "reason": str(error)}
        return {"status": "unavailable", **state}, 503
    is_whole = delivery is Delivery.RQ
    if lacks:
        state["describer"], is_whole = "not on this host", False
    status = "ok" if is_whole else "degraded"
    return {"status": status, "database": "up", **state}, 200


def supervised(status_file: Path) -> dict[str, dict[str, Any]]:
    """Return the supervisor's children and how they are; nothing where no supervisor is."""
    try:
        children = json.loads(status_file.read_text("utf-8"))
        # A file that another supervisor left when it was killed says nothing of this process.
        if os.getppid() not in {child["pid"] for child in children.values()}:
            return {}
        return {
            name: {"state": child["state"], "restarts": child["restarts"]}
            for name, child in children.items()
        }
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
