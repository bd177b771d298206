"""Which drafts a decision about many is for: chosen by what the server knows of them, not by id."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from altwright.captions.drafts.draft import DEFAULT_LANGUAGE, written_in
from altwright.captions.drafts.quality import check
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow
from altwright.domain.caption import OPEN, DraftStatus, has_words

#: The level of a description that its describer isn't sure of.
UNSURE = "low"


@dataclass(frozen=True, slots=True)
class DraftFilter:
    """What drafts have to be like; what is left empty or None asks for nothing.

    ``levels`` are the describer's about its own words, so no text that a person has changed has
    one. ``until``: only what was written or changed no later, so that a person who has confirmed a
    number decides about those drafts and not about what a run has added since.
    """

    statuses: Collection[DraftStatus] = (DraftStatus.DRAFT,)
    account_id: int | None = None
    task_id: str | None = None
    levels: Collection[str] = ()
    languages: Collection[str] = ()
    kinds: Collection[str] = ()
    has_warnings: bool | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what the database can tell of it."""
        yield DraftRow.status.in_([one for one in self.statuses if one in OPEN])
        if self.account_id is not None:
            yield DraftRow.account_id == self.account_id
        if self.task_id is not None:
            yield DraftRow.task_id == self.task_id
        if self.levels:
            yield DraftRow.level.in_(self.levels)
        if self.until is not None:
            yield DraftRow.updated_at <= self.until

    def takes(self, row: Any) -> bool:
        """Return whether a row of ``matching`` is as asked in what the database can't tell."""
        asked = row.asked_language or row.post_language or DEFAULT_LANGUAGE
        language = row.language or written_in(row.evidence, asked)
        if self.levels and row.text != row.described_text:
            return False
        if self.languages and language not in self.languages:
            return False
        if self.kinds and row.evidence.get("kind") not in self.kinds:
            return False
        if self.has_warnings is None:
            return True
        # The last, since it costs more than all others together.
        warnings = check(
            row.text,
            max_length=row.max_alt_length,
            post_text=row.post_text,
            language=language,
            evidence=row.evidence,
        )
        return bool(warnings) is self.has_warnings


def matching(
    session: Session, user_id: int, wanted: DraftFilter, *, is_approval: bool
) -> list[tuple[int, int]]:
    """Return id and version of the user's drafts that ``wanted`` asks for, by rising id.

    ``is_approval``: leave out what nobody may approve unread, whatever is asked for: words that
    their describer is unsure of, texts without words, and those that the server wouldn't take.
    """
    query = (
        select(
            DraftRow.id,
            DraftRow.version,
            DraftRow.text,
            DraftRow.described_text,
            DraftRow.level,
            DraftRow.language,
            DraftRow.asked_language,
            DraftRow.evidence,
            AccountRow.max_alt_length,
            PostRow.text.label("post_text"),
            PostRow.language.label("post_language"),
        )
        .join(PictureRow, PictureRow.id == DraftRow.picture_id)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .join(AccountRow, AccountRow.id == DraftRow.account_id)
        .where(DraftRow.user_id == user_id, *wanted.conditions())
        .order_by(DraftRow.id)
    )
    return [
        (row.id, row.version)
        for row in session.execute(query)
        if not (is_approval and _needs_a_reader(row)) and wanted.takes(row)
    ]


def may_be_approved(text: str, max_length: int) -> bool:
    """Return whether a text may be approved among many: it has words that its server takes."""
    return has_words(text) and len(text) <= max_length


def _needs_a_reader(row: Any) -> bool:
    is_unsure = row.level == UNSURE and row.text == row.described_text
    return is_unsure or not may_be_approved(row.text, row.max_alt_length)
