"""What the API answers, for its OpenAPI document; tests hold the answers against these."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from altwright.domain.caption import DraftStatus
from altwright.domain.task import Delivery, ItemStatus, Status
from altwright.web.schemas import PriorityName


class Shape(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid")


class ProblemShape(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="urn:altwright:problem:… to branch on, or about:blank")
    title: str
    status: int
    detail: str
    fields: dict[str, str] | None = Field(None, description="422: each wrong field and its fault")
    task_id: str | None = Field(None, description="409: the task that is in the way")
    retry_in_s: float | None = Field(None, description="429 and 503: seconds to wait")


class Progress(Shape):
    """How far a task is; of two messages the one with the higher sequence is the newer."""

    percent: int = Field(ge=0, le=100)
    step: str
    sequence: int


class ItemCounts(Shape):
    """A task's items; ``total`` is null until they are known."""

    total: int | None
    done: int
    failed: int
    skipped: int


class TaskError(Shape):
    """Why a task failed, or what it was retried for last."""

    category: str | None
    message: str


class TaskShape(Shape):
    """A task."""

    model_config = ConfigDict(title="Task")

    id: str
    kind: str
    status: Status
    priority: PriorityName
    account_id: int | None
    attempt: int
    delivery: Delivery
    cancel_requested: bool
    progress: Progress
    items: ItemCounts
    created_at: datetime
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: TaskError | None


class TaskList(Shape):
    """Tasks, newest first."""

    tasks: list[TaskShape]


class ItemShape(Shape):
    """One picture (or draft) of a task."""

    model_config = ConfigDict(title="Item")

    key: str
    label: str
    status: ItemStatus
    reason: str
    category: str | None
    took_s: float | None


class ItemList(Shape):
    """A task's items in their order."""

    items: list[ItemShape]


class EventShape(Shape):
    """Something that has happened to a task."""

    model_config = ConfigDict(title="Event")

    at: datetime
    event: str
    attempt: int
    actor: str
    detail: str


class EventList(Shape):
    """A task's history, oldest first."""

    events: list[EventShape]


class AccountShape(Shape):
    """A connection to a platform."""

    model_config = ConfigDict(title="Account")

    id: int
    platform: str
    url: str
    acct: str
    display_name: str
    avatar_url: str
    max_alt_length: int
    problem: str = Field(description="why the server refused us last; empty: it didn't")
    created_at: datetime


class AccountList(Shape):
    """The caller's accounts."""

    accounts: list[AccountShape]


class WarningShape(Shape):
    """Something to look at twice."""

    model_config = ConfigDict(title="Warning")

    code: str
    message: str


class PictureShape(Shape):
    """A draft's picture."""

    model_config = ConfigDict(title="Picture")

    id: int
    url: str
    thumbnail_url: str
    width: int | None
    height: int | None
    position: int
    of: int
    published_text: str


class PostShape(Shape):
    """A picture's post."""

    model_config = ConfigDict(title="Post")

    id: int
    url: str
    text: str
    spoiler_text: str
    sensitive: bool
    language: str | None
    visibility: str
    posted_at: datetime


class DraftShape(Shape):
    """An alt text with its picture and post."""

    model_config = ConfigDict(title="Draft")

    id: int
    status: DraftStatus
    version: int
    text: str
    described_text: str
    describer: str
    model: str
    level: str | None
    evidence: dict[str, Any]
    problem: str
    max_length: int
    warnings: list[WarningShape]
    account_id: int
    task_id: str | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    picture: PictureShape
    post: PostShape


class DraftList(Shape):
    """A page of drafts; ``counts`` are of all of the caller's drafts, by state."""

    drafts: list[DraftShape]
    next_cursor: str | None
    counts: dict[DraftStatus, int]


class Changed(Shape):
    """How many drafts were changed; the others weren't in a state to be."""

    changed: int
