"""What the API answers, for its OpenAPI document; tests hold the answers against these."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from altwright.captions.drafts.mending import Remedy
from altwright.describers.style import Length, Tone
from altwright.domain.caption import DraftStatus, TextKind
from altwright.domain.task import Delivery, ItemStatus, Status
from altwright.tasks.waiting_reasons import ReasonCode
from altwright.web.api.requests import PriorityName


class Shape(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

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


class Task(Shape):
    """A task."""

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


class Publishing(Task):
    """The first of the tasks that publish, and all of them: one for each account.

    ``busy_accounts`` are those to which an earlier task is publishing still.
    """

    tasks: list[Task]
    busy_accounts: list[int]


class TaskList(Shape):
    """Tasks, newest first."""

    tasks: list[Task]


class Item(Shape):
    """One picture (or draft) of a task."""

    key: str
    label: str
    status: ItemStatus
    reason: str
    category: str | None
    took_s: float | None


class ItemList(Shape):
    """A task's items in their order."""

    items: list[Item]


class Event(Shape):
    """Something that has happened to a task."""

    at: datetime
    event: str
    attempt: int
    actor: str
    detail: str


class WaitingReason(Shape):
    """One thing that a task waits for, the first one first."""

    code: ReasonCode
    words: str
    until: datetime | None


class StartsIn(Shape):
    """Seconds: by the median of what ran lately, and by what nine in ten took no longer than."""

    from_: float = Field(alias="from")
    to: float


class Waiting(Shape):
    """Why a task waits; no reasons: it doesn't."""

    reasons: list[WaitingReason]
    ahead: int | None = Field(description="tasks whose turn comes before; null: it takes no turn")
    starts_in_s: StartsIn | None = Field(description="null: there is too little to say")


class EventList(Shape):
    """A task's history, oldest first."""

    events: list[Event]


class Account(Shape):
    """A connection to a platform."""

    id: int
    platform: str
    url: str
    acct: str
    display_name: str
    avatar_url: str
    max_alt_length: int
    software: str = Field(description="what the server runs, by its own account; may be empty")
    drafts_only: str = Field(
        description="why texts can't be published there, only drafted; empty: they can, or it "
        "isn't known"
    )
    problem: str = Field(description="why the server refused us last; empty: it didn't")
    created_at: datetime


class AccountContext(Shape):
    """What the owner of an account has said of its pictures, and of how to write of them."""

    names: str
    length: Length
    tone: Tone
    never_name_people: bool
    own_words: str
    reuse_texts: bool
    version: int


class AccountList(Shape):
    """The caller's accounts."""

    accounts: list[Account]


class DraftWarning(Shape):
    """Something to look at twice."""

    code: str
    message: str
    remedy: Remedy = Field(
        description="who mends it: a text that takes this one's place, a person, or a describer"
    )
    mended: str | None = Field(
        description="the text without it, put in place by POST …/mend; null where nobody can tell"
    )


class Picture(Shape):
    """A draft's picture."""

    id: int
    url: str
    thumbnail_url: str
    width: int | None
    height: int | None
    position: int
    of: int
    published_text: str


class Post(Shape):
    """A picture's post."""

    id: int
    url: str
    text: str
    spoiler_text: str
    sensitive: bool
    language: str | None
    visibility: str
    posted_at: datetime


class Draft(Shape):
    """An alt text with its picture and post."""

    id: int
    status: DraftStatus
    version: int
    text: str
    text_id: int | None = Field(description="that text among the draft's texts")
    described_text: str = Field(description="that no person has written: the describer's, mended")
    describer: str = Field(
        description="`reused`: none; the text of a picture that is the same, or nearly so (level "
        "low), as `evidence.reused` says"
    )
    model: str
    level: str | None
    language: str = Field(description="BCP 47: of the text, not of the post")
    evidence: dict[str, Any]
    problem: str
    max_length: int
    warnings: list[DraftWarning]
    account_id: int
    task_id: str | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    picture: Picture
    post: Post


class DraftCounts(Shape):
    """How many drafts are in each state."""

    counts: dict[DraftStatus, int]
    published_pictures: int = Field(
        description="pictures that have got a text from here, those described again included"
    )


class Publishable(Shape):
    """Approved drafts, and which of them would replace other words."""

    ids: list[int]
    post_ids: list[int] = Field(description="beside each the post that it stands in")
    replacing: list[int] = Field(
        description="those of them whose picture has other words on its server"
    )


class DraftList(DraftCounts):
    """A page of drafts; ``counts`` are of all of the caller's drafts, by state."""

    drafts: list[Draft]
    next_cursor: str | None


class DraftText(Shape):
    """A text that a draft has or had."""

    id: int
    kind: TextKind = Field(description="server: found there, put by somebody else")
    text: str
    language: str = Field(description="BCP 47; empty: not known")
    describer: str
    model: str
    level: str | None
    by: str | None = Field(
        description="the person who wrote it, or had a describer's text mended by one key"
    )
    at: datetime
    task_id: str | None
    is_current: bool


class DraftTextList(Shape):
    """A draft's texts, newest first: the last 50, and beyond them the newest of each kind."""

    texts: list[DraftText]


class Describer(Shape):
    """What describes pictures, and what it can."""

    name: str
    model: str
    languages: list[str] = Field(description="that it writes, BCP 47; empty: what its model knows")
    takes_hint: bool
    takes_post_text: bool
    takes_style: bool = Field(description="an account's names and style")
    reads_text: bool = Field(description="it also reads the words in pictures that others describe")
    pictures: str = Field(description="that it is good at, in words")
    parallel: int | None = Field(description="pictures at a time; null: its server knows")


class DescriberList(Shape):
    """Describers, in the order in which they are asked for a picture."""

    describers: list[Describer]


class Changed(Shape):
    """How many drafts were changed, and which; the others weren't in a state to be."""

    changed: int
    ids: list[int]


class Approvable(Shape):
    """How many drafts can be approved unread, and as of when: a filter's ``until``."""

    count: int
    at: datetime
