"""/api/v1/admin/settings: what administrators change while all runs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, RootModel

from altwright.tasks.cluster.live_settings import NAMES
from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("admin/settings", "Settings that change while all runs; for administrators")
bp.before_request(require_role)


class SettingShown(BaseModel):
    """A setting as it stands."""

    name: str
    value: str | int | float
    origin: str = Field(description="page (set while all runs), environment or default")
    environment: str | int | float = Field(description="what counts unless it is set here")
    default: str | int | float
    group: str
    description: str


class SettingsShown(BaseModel):
    """All that can be changed."""

    settings: list[SettingShown]
    ignored: dict[str, str] = Field(description="what was set once and can't be used, with why")


class SettingsChange(RootModel[dict[str, str | int | float | None]]):
    """Values by the variable's name; null: the environment's again."""

    root: dict[str, str | int | float | None] = Field(max_length=len(NAMES))


@bp.get("", responses=answers({200: SettingsShown}, 403))
def show_settings() -> dict[str, Any]:
    """Show the settings that change while all runs, with their origin."""
    return _shown()


@bp.patch("", responses=answers({200: SettingsShown}, 403, body=True))
def change_settings(body: SettingsChange) -> dict[str, Any]:
    """Change settings in every process, within 2 seconds; all of them or none."""
    services().live.change(body.root, by=caller())
    return _shown()


def _shown() -> dict[str, Any]:
    live = services().live
    settings = [one.to_json() for one in live.all()]
    return {"settings": settings, "ignored": dict(live.ignored)}
