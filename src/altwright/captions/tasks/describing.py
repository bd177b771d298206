"""What the kinds of tasks that describe pictures share: their parts, and an item's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from altwright.accounts.connections import Account, AccountStore
from altwright.accounts.context import AccountContext
from altwright.captions.drafts import draft_writes, same_pictures
from altwright.captions.drafts.draft import written_in
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.drafts.draft_writes import Stored, Target
from altwright.captions.drafts.quality import check
from altwright.captions.drafts.storable import clean
from altwright.captions.pictures.notes import noted
from altwright.captions.pictures.picture_fetch import PictureSource
from altwright.captions.tasks.account_access import probe_platform
from altwright.captions.tasks.settings import CaptionSettings
from altwright.describers.port import Describer, Description, Picture, Request, why_blank
from altwright.domain.task import ItemStatus, Priority
from altwright.errors import CaptionUnusable, Superseded
from altwright.platforms.port import Platform
from altwright.tasks.error_classification import Source
from altwright.tasks.store.items import Worked
from altwright.tasks.task_kind import Run, TaskKind, Work


@dataclass(eq=False)
class DescribingKind(TaskKind):
    """A kind of task whose items are pictures to describe."""

    default_priority = Priority.NORMAL

    accounts: AccountStore
    drafts: DraftStore
    source: PictureSource
    describer: Describer
    #: The most characters that a describer may write.
    longest: int
    #: Pictures of one task that the describer is given at a time.
    parallel: int
    #: Returns the words in a picture, in the shape of ``evidence["text"]`` (None: nobody reads).
    read: Callable[[Picture], Any]


class DescribingWork(Work):
    """One attempt at a task whose items are pictures to describe."""

    def __init__(
        self, kind: DescribingKind, run: Run, account: Account, platform: Platform
    ) -> None:
        self._kind = kind
        self._run = run
        self._account = account
        self._platform = platform
        #: What owners have said of each of the user's accounts, as it was when this began.
        self.contexts = kind.accounts.contexts.of_user(account.user_id)
        self._context = self.contexts.get(account.id, AccountContext())

    def probe(self, source: Source) -> None:
        """Ask the account's server, or the describer, how it is; pictures have no server to ask."""
        match source:
            case Source.PLATFORM:
                probe_platform(self._kind.accounts, self._account.id, self._platform)
            case Source.DESCRIBER:
                self._kind.describer.probe()

    def request(
        self, settings: CaptionSettings, *, language: str, post_text: str, hint: str = ""
    ) -> Request:
        """Return what the describer is asked for, as run, server and service allow."""
        longest = min(settings.max_caption_length, self._account.max_alt_length, self._kind.longest)
        return Request(
            language,
            longest,
            post_text if settings.use_post_text else "",
            hint,
            names=self._context.names,
            style=self._context.style,
        )

    def described(
        self,
        picture: Picture,
        description: Description,
        stored: Stored | None,
        seen: Target,
        request: Request,
        *,
        post_text: str,
        replaces: str,
        took_s: float | None = None,
    ) -> Worked:
        """Return the end of a described picture's item, whose effect stores the text as a draft.

        One with no text is stored as a blank for a person to fill, but never over a text.
        Its reason is the gravest thing to look at in the text, if there is one. The effect raises
        Superseded when a person was faster.

        Raises:
            CaptionUnusable: the describer answered with nothing.
        """
        language = request.language
        description = self._with_words(noted(description, picture), picture)
        text = clean(description.text)
        blank = "" if text else why_blank(description.evidence)
        if not text and not blank:
            raise CaptionUnusable("The describer answered with no text.")
        if blank and seen.has_text:
            return Worked(ItemStatus.SKIPPED, f"{blank} The text stays as it is.")
        warnings = check(
            text,
            max_length=request.max_length,
            post_text=post_text,
            language=written_in(description.evidence, language),
            evidence=description.evidence,
            replaces=replaces,
        )

        def effect(session: Session) -> None:
            is_stored = draft_writes.store_draft(
                session,
                seen,
                description,
                stored,
                asked_language=language,
                user_id=self._account.user_id,
                task_id=self._run.task.id,
            )
            if not is_stored:
                raise Superseded("Its text was changed or decided about meanwhile, so it stays.")

        reason = warnings[0].message if warnings else ""
        return Worked(ItemStatus.DONE, reason, effect=effect, took_s=took_s)

    def _with_words(self, description: Description, picture: Picture) -> Description:
        """Return it with the words in its picture, for the checks, where another one reads them."""
        evidence = description.evidence
        if not description.text or "text" in evidence or same_pictures.REUSED in evidence:
            return description
        words = self._kind.read(picture)
        if words is None:
            return description
        return replace(description, evidence={**evidence, "text": words})
