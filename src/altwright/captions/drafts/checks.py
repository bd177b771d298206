"""What there is to look at in each draft, kept where filters can ask the database for it.

Whoever writes a text has it found in the same transaction. What else makes it old (a process of an
older version, another text of the post, another limit of the account) leaves ``checked_version``
behind the draft's version, and the next look at all of a user's drafts finds it anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, Select, select, tuple_, update
from sqlalchemy.orm import Session

from altwright.captions.drafts.draft import DEFAULT_LANGUAGE, written_in
from altwright.captions.drafts.quality import check
from altwright.db.session import Database, changed
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow

#: Drafts that one transaction finds anew; characters of a kind that are kept.
BATCH, KIND_MOST = 200, 32
#: What raises a draft's version when its text stays: what was found stays true.
RAISED = MappingProxyType(
    {"version": DraftRow.version + 1, "checked_version": DraftRow.checked_version + 1}
)
#: What makes the next look find it anew; nothing of the draft itself has changed.
OUTDATED = MappingProxyType({"checked_version": 0, "updated_at": DraftRow.updated_at})
_SEEN: Select[Any] = (
    select(
        DraftRow.id,
        DraftRow.version,
        DraftRow.text,
        DraftRow.language,
        DraftRow.asked_language,
        DraftRow.evidence,
        AccountRow.max_alt_length,
        PictureRow.published_text,
        PostRow.text.label("post_text"),
        PostRow.language.label("post_language"),
    )
    .join(PictureRow, PictureRow.id == DraftRow.picture_id)
    .join(PostRow, PostRow.id == PictureRow.post_id)
    .join(AccountRow, AccountRow.id == DraftRow.account_id)
    .order_by(DraftRow.id)
)


def framed(code: str) -> str:
    """Return a warning's code as it stands among those of a draft."""
    return f",{code},"


def find_anew(session: Session, ids: Collection[int]) -> None:
    """Keep what there is to look at in a few drafts, as they stand in this transaction."""
    _keep(session, session.execute(_SEEN.where(DraftRow.id.in_(ids))).all())


def bring_up_to_date(database: Database, user_id: int) -> None:
    """Find anew what has grown old, in all drafts of a user."""
    old = _SEEN.where(
        DraftRow.user_id == user_id, DraftRow.checked_version != DraftRow.version
    ).limit(BATCH)
    last = 0
    while True:
        with database.read() as session:
            rows = session.execute(old.where(DraftRow.id > last)).all()
        if not rows:
            return
        last = rows[-1].id
        with database.write() as session:
            _keep(session, rows)


def _keep(session: Session, rows: Collection[Row[Any]]) -> None:
    alike: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        alike[_found(row)].append((row.id, row.version))
    for (warnings, kind, language), seen in sorted(alike.items()):
        # Guarded by the version: a text that came meanwhile has its own. The ids by themselves
        # too: not every database finds rows by a pair's first half.
        statement = update(DraftRow).where(
            DraftRow.id.in_([one for one, _ in seen]),
            tuple_(DraftRow.id, DraftRow.version).in_(seen),
        )
        values: dict[str, Any] = {"warnings": warnings, "kind": kind, "language": language}
        values |= {"checked_version": DraftRow.version, "updated_at": DraftRow.updated_at}
        changed(session, statement.values(values))


def _found(row: Row[Any]) -> tuple[str, str, str]:
    """Return warnings, kind and language of a draft, as their columns take them."""
    asked = row.asked_language or row.post_language or DEFAULT_LANGUAGE
    language = row.language or written_in(row.evidence, asked)
    warnings = check(
        row.text,
        max_length=row.max_alt_length,
        post_text=row.post_text,
        language=language,
        evidence=row.evidence,
        replaces=row.published_text,
    )
    kind = row.evidence.get("kind")
    codes = sorted({framed(one.code) for one in warnings})
    return "".join(codes), kind[:KIND_MOST] if isinstance(kind, str) else "", language
