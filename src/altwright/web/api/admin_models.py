"""/api/v1/admin/models: vision models that this host runs itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from altwright.describers.local_models.administration import Offer
from altwright.describers.local_models.catalogue import NAME
from altwright.web.admin.access import require_role
from altwright.web.api.admin_responses import AnybodysTask
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("admin/models", "Vision models that this host runs itself; for administrators")
bp.before_request(require_role)


class ModelPath(BaseModel):
    """The model that a path names."""

    name: str = Field(pattern=NAME.pattern, max_length=64)


class ModelShown(BaseModel):
    """A model as it stands here."""

    name: str
    title: str
    repository: str
    licence: str
    languages: str
    words: str
    size_bytes: int
    memory_mb: int = Field(description="measured where it was tried, else estimated")
    seconds: float | None = Field(description="measured, for a picture; null: not tried here")
    is_here: bool
    is_used: bool
    begun_bytes: int


class ModelsShown(BaseModel):
    """The catalogue's models and those that are here besides, from small to large."""

    models: list[ModelShown]


class ModelWish(BaseModel):
    """Which model to get."""

    name: str = Field(description="a name of the catalogue, or OWNER/REPOSITORY", max_length=200)
    revision: str | None = Field(
        None, description="what the hub has to state; else whatever it states", max_length=40
    )
    use: bool = Field(default=False, description="describe with it once it is here and works")


@bp.get("", responses=answers({200: ModelsShown}, 403))
def list_models() -> dict[str, Any]:
    """List the models, with what each takes."""
    return _all()


@bp.post("", responses=answers({202: AnybodysTask}, 403, 404, 409, 429, body=True))
def get_model(body: ModelWish) -> tuple[dict[str, Any], int]:
    """Get a model in the background; the answer is the task that does so."""
    models = services().local_models
    task = models.order(body.name, by=caller(), to_use=body.use, revision=body.revision)
    return task.to_json() | {"user_id": task.user_id}, 202


@bp.post("/<name>/use", responses=answers({200: ModelsShown}, 400, 403, 404))
def use_model(path: ModelPath) -> dict[str, Any]:
    """Let a model that is here describe, in every process within 2 seconds."""
    services().local_models.use(path.name, by=caller())
    return _all()


@bp.delete("/<name>", responses=answers({204: None}, 400, 403, 404, 409))
def remove_model(path: ModelPath) -> tuple[str, int]:
    """Remove a model from this host, complete or not."""
    services().local_models.remove(path.name, by=caller())
    return "", 204


def _all() -> dict[str, Any]:
    return {"models": [_shown(one) for one in services().local_models.offers()]}


def _shown(offer: Offer) -> dict[str, Any]:
    model, trial = offer.model, offer.trial
    names = ("name", "title", "repository", "licence", "languages", "words", "size_bytes")
    return {name: getattr(model, name) for name in names} | {
        "memory_mb": trial.memory_mb if trial else model.memory_mb,
        "seconds": trial.seconds if trial else None,
        "is_here": offer.is_here,
        "is_used": offer.is_used,
        "begun_bytes": offer.begun_bytes,
    }
