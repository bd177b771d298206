"""What the API takes: every input's shape and bounds. Unknown members are refused."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.captions.drafts.draft_store import IDS_MOST, PAGE_MOST
from altwright.db.tables import ID_MOST
from altwright.describers.port import HINT_MOST, NAMES_MOST, STYLE_MOST
from altwright.describers.style import Length, Tone
from altwright.domain.caption import DraftStatus
from altwright.domain.limits import WORKERS_MOST
from altwright.domain.task import Delivery, Status
from altwright.errors import Category, InvalidInput
from altwright.platforms.connect import PLATFORMS
from altwright.tasks.audit_log import WHY_MOST
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.text import UNSTORABLE

#: Characters; a text's own limit is its account's and the store checks it.
TEXT_MOST = 20_000
_security = CaptionSecurityManager()


def _storable(text: str) -> str:
    # JSON can write both, databases can't take them.
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(UNSTORABLE)
    return text


def _task_id(text: str) -> str:
    try:
        return _security.checked_task_id(text)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


def _parts(value: Any) -> Any:
    """Split "a,b" as well as a repeated parameter."""
    texts = [value] if isinstance(value, str) else value
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]


Id = Annotated[int, Field(ge=1, le=ID_MOST)]
Version = Annotated[Id | None, Field(description="the version seen; an older one is refused")]
#: In a path: one that can't be is one that there isn't, and the store says so.
PathId = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": ID_MOST})]
Text = Annotated[str, AfterValidator(_storable), Field(max_length=TEXT_MOST)]
TaskId = Annotated[str, AfterValidator(_task_id), Field(description="UUID of version 4")]
PriorityName = Literal["urgent", "high", "normal", "low"]
Limit = Annotated[int, Field(ge=1, le=PAGE_MOST)]
Word = Annotated[str, AfterValidator(_storable), Field(min_length=1, max_length=255)]
Why = Annotated[
    str,
    AfterValidator(_storable),
    Field(min_length=1, max_length=WHY_MOST, description="for the audit log"),
]
Workers = Annotated[int, Field(ge=1, le=WORKERS_MOST)]


class Body(BaseModel):
    """A JSON body; types are taken as they are (``"5"`` is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OptionalBody(Body):
    """A JSON body that may be left out, as all of its members may."""

    # Read by flask-openapi3.
    model_config = ConfigDict(openapi_extra={"required": False})  # type: ignore[typeddict-unknown-key]

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, value: Any) -> Any:
        return {} if value is None else value


class Asked(BaseModel):
    """What is asked for beside a body: a query, or headers."""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the JSON schema; the one that the framework reads at each request is made once."""
        return super().model_json_schema(*args, **options) if args or options else _schema(cls)


@cache
def _schema(model: type[Asked]) -> dict[str, Any]:
    return super(Asked, model).model_json_schema()


class Query(Asked):
    """A query string."""

    model_config = ConfigDict(extra="forbid")


class SubmitHeaders(Asked):
    """What a submit may say beside its body."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="1 to 128 printable characters; a submit that is sent again with the same "
        "key answers with the first one's task",
    )


class TaskPath(BaseModel):
    """The task that a path names."""

    task_id: TaskId


class QueuePath(BaseModel):
    """The queue that a path names."""

    name: PriorityName


class DraftPath(BaseModel):
    """The draft that a path names."""

    draft_id: PathId


class DraftTextPath(DraftPath):
    """The text of a draft that a path names."""

    text_id: PathId


class AccountPath(BaseModel):
    """The account that a path names."""

    account_id: PathId


class TaskSubmit(Body):
    """A task to accept."""

    account_id: Id
    kind: Literal["captions"] = "captions"
    settings: dict[str, Any] = Field(
        {},
        description="max_posts_per_run, reprocess_existing, processing_delay, "
        "max_caption_length, language, use_post_text; see the reference of settings",
    )
    priority: PriorityName | None = Field(
        None, description="left out: as the user's role has it; urgent and high: administrators"
    )


class TasksQuery(Query):
    """Which tasks to list."""

    status: Status | None = None
    limit: Limit = 50
    before: TaskId | None = Field(None, description="the last task of the page before this one")
    everybody: bool = Field(
        default=False, description="administrators and moderators: everybody's tasks"
    )


class AccountNew(Body):
    """An account to connect."""

    platform: str = Field(max_length=16, json_schema_extra={"enum": list(PLATFORMS)})
    url: Text = Field(max_length=255, description="the server's address")
    token: Text = Field(max_length=1000, description="an access token of the account")


class AccountContext(Body):
    """What the owner of an account wants to be known of its pictures, and how to write of them."""

    names: Text = Field(
        "",
        max_length=NAMES_MOST,
        description="who and what its pictures often show, for describers that can use it",
    )
    length: Length = Field(Length.MEDIUM, strict=False)
    tone: Tone = Field(Tone.NEUTRAL, strict=False)
    never_name_people: bool = Field(
        default=False, description="neither by describers nor by texts of other accounts"
    )
    own_words: Text = Field("", max_length=STYLE_MOST, description="more on the style of texts")
    reuse_texts: bool = Field(
        default=True,
        description="a picture that is there already gets the text that it has there, and gives it",
    )
    version: Annotated[int, Field(ge=0, le=ID_MOST)] | None = Field(
        None, description="the version seen; an older one is refused"
    )


class AccountNote(Body):
    """Something to remember of an account's pictures."""

    text: Text = Field(min_length=1, max_length=HINT_MOST)


Level = Literal["high", "medium", "low"]
_LEVEL = "how sure the describer was of words that nobody has changed; left out: any"
_LANGUAGE = "of the text, BCP 47; left out: any"
_KIND = "what the describer takes the picture for; left out: any"
_WARNING = "codes of warnings, of which a draft has to have one; left out: any"
_WARNINGS = "only drafts with (true) or without (false) warnings"
_UNTIL = "only drafts that were neither written nor changed after this moment"
Few = Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=50)]


class LikeThis(Query):
    """What drafts have to be like: all of these."""

    account_id: Id | None = None
    task_id: TaskId | None = None
    level: Annotated[list[Level], BeforeValidator(_parts)] = Field(
        [], max_length=3, description=_LEVEL
    )
    language: Annotated[Few, BeforeValidator(_parts)] = Field([], description=_LANGUAGE)
    kind: Annotated[Few, BeforeValidator(_parts)] = Field([], description=_KIND)
    warning: Annotated[Few, BeforeValidator(_parts)] = Field([], description=_WARNING)
    has_warnings: bool | None = Field(None, description=_WARNINGS)

    def filter(self, **others: Any) -> DraftFilter:
        """Return it as the store takes it, with ``others`` of its members."""
        return _filter(self, **others)


class ApprovableQuery(LikeThis):
    """Which drafts to count, and what for."""

    decision: Literal["approve", "skip"] = Field(
        "approve", description="which decision: nothing that needs a reader is approved"
    )


class DraftsQuery(LikeThis):
    """Which drafts to list."""

    status: Annotated[list[DraftStatus], BeforeValidator(_parts)] = Field(
        default=[], description="repeated, or separated by commas; left out: any"
    )
    was_published: bool = Field(
        default=False,
        description="only pictures that have got a text from here, whatever their drafts are now",
    )
    ids: Annotated[list[Id], BeforeValidator(_parts)] = Field(
        [], max_length=PAGE_MOST, description="only these; repeated, or separated by commas"
    )
    updated_since: AwareDatetime | None = Field(
        None, description="only drafts that were written or changed after this moment"
    )
    cursor: str | None = Field(None, max_length=500, description="a page's next_cursor")
    limit: Limit = 50


class DraftEdit(Body):
    """A draft's new text."""

    text: Text
    version: Version = None


class DraftApprove(OptionalBody):
    """An approval, with a new text if one is given."""

    text: Text | None = None
    version: Version = None


class DraftMend(Body):
    """A warning that is to be mended."""

    code: str = Field(max_length=64, description="the warning's")
    version: Version = None


class DraftVersion(OptionalBody):
    """A change of state."""

    version: Version = None


class DraftDescribe(OptionalBody):
    """A wish for another description."""

    hint: Annotated[str, AfterValidator(_storable)] = Field(
        "", max_length=HINT_MOST, description="what the describer should know of the picture"
    )
    describer: str = Field(
        "",
        max_length=32,
        description="the only one to ask, by its name; its text comes to the draft's texts, and "
        "the draft keeps the one that it has",
    )


class DraftIds(Body):
    """Some drafts."""

    ids: list[Id] = Field(min_length=1, max_length=IDS_MOST)


class DraftsWanted(Body):
    """Drafts by what they are like: all of these."""

    account_id: Id | None = None
    task_id: TaskId | None = None
    level: list[Level] = Field([], max_length=3, description=_LEVEL)
    language: Few = Field([], description=_LANGUAGE)
    kind: Few = Field([], description=_KIND)
    warning: Few = Field([], description=_WARNING)
    has_warnings: bool | None = Field(None, description=_WARNINGS)
    # Not strict: JSON has no moments but texts.
    until: AwareDatetime | None = Field(None, strict=False, description=_UNTIL)

    def filter(self) -> DraftFilter:
        """Return it as the store takes it."""
        return _filter(self, until=self.until)


class DraftChoice(Body):
    """Some drafts, by their ids or by what they are like."""

    ids: list[Id] | None = Field(None, min_length=1, max_length=IDS_MOST)
    filter: DraftsWanted | None = Field(
        None, description="in place of ids: all drafts to review that are like this"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.ids is None) is (self.filter is None):
            raise ValueError("should name either ids or a filter")
        return self


def _filter(wanted: DraftsWanted | LikeThis, **others: Any) -> DraftFilter:
    return DraftFilter(
        account_id=wanted.account_id,
        task_id=wanted.task_id,
        levels=wanted.level,
        languages=wanted.language,
        kinds=wanted.kind,
        warnings=wanted.warning,
        has_warnings=wanted.has_warnings,
        **others,
    )


class TaskConditions(BaseModel):
    """Which of everybody's tasks; what is left out: whatever it is."""

    status: Status | None = Field(None, strict=False)
    priority: PriorityName | None = None
    kind: Word | None = None
    user: Word | None = Field(None, description="the user's name")
    account_id: Id | None = None
    category: Category | None = Field(None, strict=False, description="what it failed by")
    delivery: Delivery | None = Field(None, strict=False)
    since: AwareDatetime | None = Field(
        None, strict=False, description="ended, where only such are wanted, else made from then on"
    )
    before: AwareDatetime | None = Field(None, strict=False, description="the same, before then")
    text: Word | None = Field(None, description="a part of the error")


class EverybodysTasksQuery(Query, TaskConditions):
    """Which of everybody's tasks to list."""

    limit: Limit = 50
    after: TaskId | None = Field(None, description="`older` of the page before this one")


class ManyChange(TaskConditions):
    """What to do to all tasks that match."""

    action: Literal["cancel", "requeue", "priority"]
    to: PriorityName | None = Field(None, description="the new priority, if that is the action")


class ManyQuery(Query, ManyChange):
    """What would be done to all tasks that match."""


class ManyOrder(Body, ManyChange):
    """What is to be done to all tasks that match, and why."""

    why: Why
    until: AwareDatetime | None = Field(
        None, strict=False, description="the preview's: later tasks are left alone"
    )


class Reason(Body):
    """Why something is done."""

    why: Why


class NewPriority(Body):
    """Another priority."""

    priority: PriorityName


class NewLimits(Body):
    """How many tasks of a priority run at a time, and workers kept free for it."""

    most: dict[PriorityName, Workers] = {}
    kept: dict[PriorityName, Workers] = {}


class AuditQuery(Query):
    """Which entries of the audit log."""

    by: Word | None = None
    action: Word | None = None
    subject: Word | None = None
    limit: Limit = 50
    before: Id | None = Field(None, description="the last entry of the page before this one")
