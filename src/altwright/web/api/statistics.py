"""/api/v1/admin/statistics: how the service stands and stood."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from altwright.domain.period import Period
from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.statistics_responses import Statistics
from altwright.web.services import services

bp = blueprint("admin/statistics", "How the service stands and stood; for administrators")
bp.before_request(require_role)


class StatisticsQuery(BaseModel):
    """How far back the timeline goes."""

    period: Period = Field(Period.HOUR, description="by the minute, the hour or the day")


@bp.get("", responses=answers({200: Statistics}, 403))
def show_statistics(query: StatisticsQuery) -> dict[str, Any]:
    """Show how the service stands now, and its figures over a period."""
    overview = services().overview
    return {
        "now": overview.current(),
        "timeline": overview.timeline(query.period),
        "redis_outages": overview.redis_outages(),
        "workers": overview.workers(),
    }
