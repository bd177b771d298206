"""What the replaced system's routes take: its fields, ranges and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from altwright.db.tables import ID_MOST
from altwright.domain.task import Status
from altwright.errors import InvalidInput
from altwright.tasks.audit_log import WHY_MOST
from altwright.text import UNSTORABLE
from altwright.web.api.blueprint import refuse
from altwright.web.api.requests import PriorityName

#: Jobs on a page, and the last one that a page may begin after.
JOBS_MOST, OFFSET_MOST = 200, 50_000

Id = Annotated[int, Field(ge=1, le=ID_MOST)]
M = TypeVar("M", bound="Given")


class Given(BaseModel):
    """Fields of a form, a query or a JSON body; others are let be, as they were there."""

    model_config = ConfigDict(extra="ignore")


class RunForm(Given):
    """A run to start; ``account_id`` is no field of the replaced system, whose session knew it."""

    max_posts_per_run: int = Field(10, ge=1, le=500)
    processing_delay: float = Field(1.0, ge=0, le=10, allow_inf_nan=False)
    max_caption_length: int = Field(500, ge=50, le=2000)
    optimal_min_length: int = Field(100, ge=20, le=500)
    optimal_max_length: int = Field(300, ge=50, le=1000, validate_default=True)
    reprocess_existing: bool = False
    account_id: Id | None = None

    @field_validator("optimal_max_length")
    @classmethod
    def _fits(cls, value: int, info: ValidationInfo) -> int:
        least, most = (info.data.get(f"{name}_length") for name in ("optimal_min", "max_caption"))
        if least is not None and value <= least:
            raise ValueError(f"should be more than optimal_min_length ({least})")
        if most is not None and value > most:
            raise ValueError(f"should be max_caption_length ({most}) or less")
        return value

    def settings(self) -> dict[str, Any]:
        """Return the settings of the task; describers here have one limit of length."""
        here = {"max_posts_per_run", "processing_delay", "max_caption_length", "reprocess_existing"}
        return self.model_dump(include=here)


class JobsQuery(Given):
    """Which jobs to list."""

    status: Status | None = None
    user_id: Id | None = None
    limit: int = Field(50, ge=1, le=JOBS_MOST)
    offset: int = Field(0, ge=0, le=OFFSET_MOST)


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("should be printable characters, in one line")
    return text


class CancelBody(Given):
    """Why a job is cancelled."""

    reason: Annotated[str, Field(max_length=WHY_MOST), AfterValidator(_one_line)] = ""


class PriorityBody(Given):
    """A job's new priority."""

    priority: PriorityName


def given(model: type[M], source: Literal["form", "query"] = "form") -> M:
    """Return what a request says; a field that is left empty has its default.

    A body is a form, or JSON of the same fields.

    Raises:
        InvalidInput: its fields say what is wrong.
    """
    values: Any = request.args.to_dict() if source == "query" else request.form.to_dict()
    if source == "form" and request.is_json:
        values = request.get_json()
    if not isinstance(values, dict):
        raise InvalidInput("The body should be a JSON object.")
    if faults := {name: UNSTORABLE for name, text in values.items() if "\0" in str(text)}:
        raise InvalidInput("This can't be used.", faults)
    try:
        return model.model_validate({name: one for name, one in values.items() if one != ""})
    except ValidationError as error:
        refuse(error)
