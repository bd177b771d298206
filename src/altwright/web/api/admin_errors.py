"""/api/v1/admin/errors: what each kind of failure means, with what failed of it lately."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.responses import Shape
from altwright.web.services import services

bp = blueprint("admin/errors", "What each kind of failure means; for administrators")
bp.before_request(require_role)


class ErrorPolicy(Shape):
    """One category of failures; ``last_hour`` and ``last_day`` count tasks that failed for good."""

    category: str
    means: str
    retries_s: list[float] = Field(description="seconds before each retry, jitter aside")
    who: Literal["user", "administrator"] = Field(description="who can mend it")
    last_hour: int
    last_day: int


class ErrorPolicies(Shape):
    """Every category, what failed most often in the last day first."""

    errors: list[ErrorPolicy]


@bp.get("", responses=answers({200: ErrorPolicies}, 403))
def list_errors() -> dict[str, Any]:
    """List what each kind of failure means, with counts."""
    return {"errors": [row.to_json() for row in services().error_policies.table()]}
