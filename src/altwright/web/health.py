"""/healthz: this process answers. /readyz: the service can work."""

from __future__ import annotations

from flask import Blueprint

from altwright.domain.task import Delivery
from altwright.errors import DatabaseUnavailable
from altwright.web.services import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process is up, whatever it needs is or isn't."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Say whether requests can be served: with the database yes, without Redis yes too."""
    health = services().health
    delivery = Delivery.RQ if health.usable and not health.full else Delivery.DATABASE
    state = {"redis": health.state.value, "delivery": delivery.value}
    # A balancer reads this answer, so it has its shape in trouble as well.
    try:
        services().database.ping()
    except DatabaseUnavailable:
        return {"status": "unavailable", "database": "down", **state}, 503
    status = "ok" if delivery is Delivery.RQ else "degraded"
    return {"status": status, "database": "up", **state}, 200
