"""What the kinds of tasks that describe pictures share: their parts, and a described item's end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from altwright.accounts.connections import Account, AccountStore
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import written_in
from altwright.captions.drafts.draft_store import DraftStore, clean
from altwright.captions.drafts.draft_writes import Stored, Target
from altwright.captions.drafts.quality import check
from altwright.captions.pictures.picture_fetch import PictureSource
from altwright.captions.tasks.account_access import probe
from altwright.captions.tasks.settings import CaptionSettings
from altwright.describers.port import Describer, Description, Request
from altwright.domain.task import ItemStatus, Priority
from altwright.errors import CaptionUnusable, Superseded
from altwright.platforms.port import Platform
from altwright.tasks.error_meaning import Source
from altwright.tasks.store.items import Worked


@dataclass(frozen=True, eq=False)
class DescribingKind:
    """A kind of task whose items are pictures to describe."""

    default_priority = Priority.NORMAL

    accounts: AccountStore
    drafts: DraftStore
    source: PictureSource
    describer: Describer
    #: The most characters that a describer may write.
    longest: int

    def longest_text(self, settings: CaptionSettings, account: Account) -> int:
        """Return how many characters a text may have: as run, server and service allow."""
        return min(settings.max_caption_length, account.max_alt_length, self.longest)

    def probe(self, source: Source, account_id: int, platform: Platform) -> None:
        """Ask an account's server, or the describer, how it is. Raises as Work.probe."""
        probe(source, self.accounts, account_id, platform, self.describer)


def described(
    description: Description,
    seen: Target,
    stored: Stored | None,
    *,
    request: Request,
    post_text: str,
    user_id: int,
    task_id: str,
) -> Worked:
    """Return the end of an item whose effect stores the description as a draft.

    Its reason is the gravest thing to look at in the text, if there is one. The effect raises
    Superseded when a person was faster.

    Raises:
        CaptionUnusable: the describer answered with nothing.
    """
    text = clean(description.text)
    if not text:
        raise CaptionUnusable("The describer answered with no text.")
    language = written_in(description.evidence, request.language)
    warnings = check(
        text,
        max_length=request.max_length,
        post_text=post_text,
        language=language,
        evidence=description.evidence,
    )

    def effect(session: Session) -> None:
        is_stored = draft_writes.store_draft(
            session,
            seen,
            description,
            stored,
            asked_language=request.language,
            user_id=user_id,
            task_id=task_id,
        )
        if not is_stored:
            raise Superseded("Its text was changed or decided about meanwhile, so it stays.")

    return Worked(ItemStatus.DONE, warnings[0].message if warnings else "", effect=effect)
