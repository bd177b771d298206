"""DescribeAgain: describes one draft's picture again, with what its owner says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from altwright import tracing
from altwright.accounts.connections import Account
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_writes import Stored, Target
from altwright.captions.drafts.storable import clean
from altwright.captions.pictures.notes import recalled
from altwright.captions.pictures.picture_fetch import shown
from altwright.captions.tasks.account_access import open_account, post_gone
from altwright.captions.tasks.describing import DescribingKind, DescribingWork
from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.captions.tasks.labels import picture_label
from altwright.captions.tasks.settings import CaptionSettings
from altwright.db.tables import ID_MOST
from altwright.describers.abilities import NAMES, title
from altwright.describers.port import HINT_MOST, Description, Picture, why_blank
from altwright.domain.caption import DECIDED
from altwright.domain.task import ItemStatus
from altwright.domain.user import UserRef
from altwright.errors import (
    ImageUnusable,
    InvalidInput,
    NotFound,
    PermanentError,
    Superseded,
    TaskNotFound,
)
from altwright.platforms.port import Platform
from altwright.platforms.refusals import PlatformGone
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run


@dataclass(eq=False)
class DescribeAgain(DescribingKind):
    """The kind of task that describes one picture again; any number at a time."""

    name = "description"

    #: Has the runs of before.
    tasks: TaskStore

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return {"draft_id", "hint", "describer"}. Raises InvalidInput."""
        faults = {
            str(name): "is no setting of this task"
            for name in settings
            if name not in {"draft_id", "hint", "describer"}
        }
        draft_id, hint = settings.get("draft_id"), settings.get("hint") or ""
        describer = settings.get("describer") or ""
        if describer not in {"", *NAMES}:
            faults["describer"] = "should be a describer's name"
        if type(draft_id) is not int or not 0 < draft_id <= ID_MOST:
            faults["draft_id"] = "should be a draft's id"
        if not isinstance(hint, str) or len(hint) > HINT_MOST:
            faults["hint"] = f"should be a text of at most {HINT_MOST} characters"
        elif hint.strip() and not describer and not self.describer.abilities.takes_hint:
            name = title(self.describer.name)
            faults["hint"] = f"should be empty: {name} can't use one"
        if faults:
            raise InvalidInput("This picture can't be described again.", faults)
        return {"draft_id": draft_id, "hint": clean(hint), "describer": describer}

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return None: a person may ask for several pictures while others are described."""
        return None

    def open(self, run: Run) -> AgainWork:
        """Find the draft. Raises PermanentError."""
        try:
            draft = self.drafts.get(run.task.settings["draft_id"], run.task.user_id or 0)
        except NotFound as error:
            raise PermanentError("The draft of this task was removed.") from error
        # The picture's copy may be all that is needed of its server.
        account, platform = open_account(
            self.accounts, draft.account_id, run.task.user_id, asks_software=False
        )
        return AgainWork(self, run, draft, account, platform)


class AgainWork(DescribingWork):
    """One attempt at describing a picture again."""

    def __init__(
        self, kind: DescribeAgain, run: Run, draft: Draft, account: Account, platform: Platform
    ) -> None:
        super().__init__(kind, run, account, platform)
        self._tasks = kind.tasks
        self._draft = draft

    def plan(self) -> Iterator[Planned]:
        """Yield the one picture."""
        post, picture = self._draft.post, self._draft.picture
        label = picture_label(post.text, post.posted_at, picture.position, picture.of)
        yield Planned(str(self._draft.id), label)

    def item(self, item: Item) -> Worked:
        """Describe it, unless its text was approved meanwhile.

        One describer that was named writes a text to choose, beside the one that the draft has.
        """
        draft = self._draft
        if draft.status in DECIDED:
            return Worked(
                ItemStatus.SKIPPED, f"The draft is {draft.status.value}; its text stays as it is."
            )
        self._run.step("Describing the picture again")
        try:
            picture, stored = self._picture()
        except PlatformGone:
            return post_gone(draft.account_id, draft.post.remote_id)
        self._run.checkpoint()
        post_text = draft.post.text
        request = self.request(
            self._settings(),
            language=draft.asked_language,
            post_text=post_text,
            hint=self._run.task.settings["hint"],
        )
        # Of an older version's task there is no name.
        request = replace(request, describer=self._run.task.settings.get("describer", ""))
        describer = self._kind.describer
        with tracing.span("describe", describer=describer.name):
            description = describer.describe(picture, request)
        if request.describer:
            return self._beside(description, request.language)
        seen = Target(
            draft.picture.id,
            draft.account_id,
            draft.status,
            draft.version,
            has_text=bool(draft.text),
        )
        return self.described(
            picture,
            description,
            stored,
            seen,
            request,
            post_text=post_text,
            replaces=draft.picture.published_text,
        )

    def _beside(self, description: Description, language: str) -> Worked:
        if not clean(description.text):
            return Worked(ItemStatus.SKIPPED, why_blank(description.evidence))

        def effect(session: Session) -> None:
            is_kept = draft_writes.add_text(
                session, self._draft.id, description, self._run.task.id, asked_language=language
            )
            if not is_kept:
                raise Superseded("The draft was removed meanwhile.")

        return Worked(ItemStatus.DONE, effect=effect)

    def _settings(self) -> CaptionSettings:
        """Return what the run was set to that has described the picture before."""
        with self._kind.drafts.database.read() as session:
            task_id = draft_writes.described_by(
                session, self._draft.id, CaptionGenerationService.name
            )
        try:
            run = self._tasks.get(task_id, self._draft.user_id) if task_id else None
            return CaptionSettings.parse(run.settings if run else {})
        except (TaskNotFound, InvalidInput):
            return CaptionSettings()  # it was pruned just now, or is another version's

    def _picture(self) -> tuple[Picture, Stored | None]:
        """Return the kept copy, or fetch the picture again if there is none any more."""
        draft = self._draft
        if draft.picture.file:
            try:
                kept = self._kind.source.kept(draft.picture.file)
                return recalled(kept, draft.evidence), None
            except NotFound:
                pass  # purged by age
        post = self._platform.post(draft.post.remote_id)
        for media in post.media:
            if media.remote_id == draft.picture.remote_id:
                prepared = self._kind.source.fetch(media.picture_url)
                return shown(prepared, media), self._kind.source.keep(prepared)
        raise ImageUnusable("The picture isn't in its post any more.")

    def summary(self, task: Task) -> str:
        """Return what has come of it."""
        if task.items_done and task.settings.get("describer"):
            return "Another text is there to choose."
        if task.items_done:
            return "Described the picture again."
        return "The picture keeps its text."
