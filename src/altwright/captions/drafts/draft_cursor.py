"""Places in a list of drafts: the newest post first, a post's pictures in their order."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_

from altwright.captions.drafts.draft import Draft
from altwright.db.tables import ID_MOST, DraftRow, PictureRow, PostRow
from altwright.errors import InvalidInput

#: The newest post first, a post's pictures in their order.
ORDER = (PostRow.posted_at.desc(), PostRow.id.desc(), PictureRow.position, DraftRow.id)


def cursor_of(draft: Draft) -> str:
    """Return what asks for the drafts that follow this one."""
    key = [draft.post.posted_at.isoformat(), draft.post.id, draft.picture.position - 1, draft.id]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode("ascii").rstrip("=")


def after(cursor: str) -> ColumnElement[bool]:
    """Return the condition of what follows the draft that a cursor stands for.

    Raises InvalidInput: it is none.
    """
    try:
        # As much padding as any needs; what is too much is passed over.
        at, post_id, position, draft_id = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        posted_at = datetime.fromisoformat(at)
        numbers = int(post_id), int(position), int(draft_id)
        if posted_at.tzinfo is None or max(map(abs, numbers)) > ID_MOST:
            raise ValueError(cursor)  # noqa: TRY301 - one remedy for every fault
    except (ValueError, TypeError):
        raise InvalidInput(
            "This page can't be shown.", {"cursor": "should be a page's next_cursor"}
        ) from None
    post_id, position, draft_id = numbers
    return or_(
        PostRow.posted_at < posted_at,
        and_(PostRow.posted_at == posted_at, PostRow.id < post_id),
        and_(PostRow.id == post_id, PictureRow.position > position),
        and_(PostRow.id == post_id, PictureRow.position == position, DraftRow.id > draft_id),
    )
