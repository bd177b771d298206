"""What would be published: all approved drafts at a glance, which may be thousands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from altwright.captions.drafts.draft_cursor import ORDER
from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.db.copies import as_json
from altwright.db.tables import DraftRow, PictureRow, PostRow
from altwright.domain.caption import DraftStatus


@dataclass(frozen=True, slots=True)
class Publishable:
    """Approved drafts in their order: ``ids``, beside each the post that it stands in.

    ``replacing`` are those of them whose picture has other words on its server.
    """

    ids: list[int]
    post_ids: list[int]
    replacing: list[int]

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API shows; thousands of ids are not copied for it."""
        return as_json(self)


def publishable(session: Session, user_id: int, wanted: DraftFilter) -> Publishable:
    """Return the user's approved drafts that are like ``wanted``, whatever states it names."""
    wanted = replace(wanted, statuses=(DraftStatus.APPROVED,), was_published=False)
    query = (
        select(DraftRow.id, PostRow.id, DraftRow.text, PictureRow.published_text)
        .join(PictureRow, PictureRow.id == DraftRow.picture_id)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .where(DraftRow.user_id == user_id, *wanted.conditions())
        .order_by(*ORDER)
    )
    rows = session.execute(query).all()
    return Publishable(
        [draft_id for draft_id, *_ in rows],
        [post_id for _, post_id, *_ in rows],
        [draft_id for draft_id, _, text, theirs in rows if _replaces(text, theirs)],
    )


def _replaces(text: str, theirs: str) -> bool:
    return bool(theirs.strip()) and theirs.strip() != text.strip()
