"""/api/v1/describers: what describes pictures here, and what it can."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from altwright.web.api import responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.services import services

bp = blueprint("describers", "What describes pictures")


@bp.get("", responses=answers({200: responses.DescriberList}))
def list_describers() -> dict[str, Any]:
    """List the describers in the order in which they are asked, with what they can."""
    return {
        "describers": [
            {"name": one.name, "model": one.model, **asdict(one.abilities)}
            for one in services().describer.describers
        ]
    }
