"""The dashboard: how the service stands and stood, each chart with its numbers as a table."""

from __future__ import annotations

from contextlib import suppress

from flask import render_template, request

from altwright.domain.period import Period
from altwright.domain.task import Delivery
from altwright.web.admin import charts
from altwright.web.admin.access import section
from altwright.web.services import services

PERIODS = {Period.HOUR: "Last hour", Period.DAY: "Last day", Period.MONTH: "Last month"}


bp = section("dashboard", "/admin")
bp.add_app_template_filter(charts.worded, "worded")


@bp.get("")
def dashboard() -> str:
    """Show everything at a glance."""
    overview = services().overview
    period = Period.HOUR
    with suppress(ValueError):  # what is no period shows the hour
        period = Period(request.args.get("period", period))
    now = overview.current()
    return render_template(
        "admin/dashboard.html",
        now=now,
        by_database=now["delivery"] == Delivery.DATABASE,
        timeline=overview.timeline(period),
        outages=overview.redis_outages(),
        workers=overview.workers(),
        periods=PERIODS,
        period=period,
        charts=charts.CHARTS,
    )
