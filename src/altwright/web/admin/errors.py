"""What each kind of failure means, as the engine has it, with what failed of it lately."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from altwright.db.session import utcnow
from altwright.domain.counting import duration
from altwright.domain.retry_policy import PAUSE_PATIENCE_S, retries_words
from altwright.web.admin.access import section
from altwright.web.services import services

bp = section("admin_errors", "/admin/errors")


@bp.get("")
def errors() -> str:
    """Show the table."""
    policies = services().error_policies
    return render_template(
        "admin/errors.html",
        rows=[(row, retries_words(row.retries_s)) for row in policies.table()],
        # Of the count in a day, the tasks behind it: no older ones.
        day_ago=f"{utcnow() - timedelta(days=1):%Y-%m-%dT%H:%M}",
        patience=duration(policies.patience_s),
        pause_days=round(PAUSE_PATIENCE_S / 86_400),
    )
