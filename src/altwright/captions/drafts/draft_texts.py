"""The texts that a draft has had: the describer's, a person's, what was published.

A draft's row holds the text as it is now. Whoever replaces it notes the new one here, in the same
transaction and after the guarded write of the row, so that its lock keeps two writers in order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from altwright.captions.drafts.draft import Draft
from altwright.db.copies import as_json, copied
from altwright.db.session import changed
from altwright.db.tables import DraftRow, DraftTextRow, UserRow
from altwright.db.types import now
from altwright.domain.caption import TextKind
from altwright.platforms.publishing.text_comparison import same

#: Texts kept of a draft; beyond that the newest of each kind stays, and the one that it has.
KEPT = 50
#: Seconds in which a person's saves make one text: the page saves at each pause of the keys.
WRITING_S = 300


@dataclass(frozen=True, slots=True)
class DraftText:
    """A text in a draft's history; ``is_current`` of the one that the draft has now."""

    id: int
    kind: TextKind
    text: str
    language: str
    describer: str
    model: str
    level: str | None
    by: str | None
    at: datetime
    task_id: str | None
    is_current: bool

    def to_json(self) -> dict[str, Any]:
        """Return the shape in which the REST API shows it."""
        return as_json(self)


def history(session: Session, draft: Draft) -> list[DraftText]:
    """Return a draft's texts, newest first.

    The same words may come twice, so the draft names the text that it has. A process of an older
    version names none: then the newest with its words is taken for it.
    """
    query = (
        select(DraftTextRow, UserRow.username)
        .outerjoin(UserRow, UserRow.id == DraftTextRow.user_id)
        .where(DraftTextRow.draft_id == draft.id)
        .order_by(DraftTextRow.id.desc())
    )
    rows = session.execute(query).all()
    same = [row.id for row, _ in rows if row.text == draft.text]
    current = draft.text_id if draft.text_id in same else next(iter(same), None)
    return [
        copied(DraftText, row, kind=TextKind(row.kind), by=username, is_current=row.id == current)
        for row, username in rows
    ]


def find(session: Session, draft_id: int, text_id: int) -> DraftTextRow | None:
    """Return one of a draft's texts."""
    query = select(DraftTextRow).where(
        DraftTextRow.id == text_id, DraftTextRow.draft_id == draft_id
    )
    return session.scalar(query)


def keep(session: Session, draft: DraftRow | Draft) -> None:
    """Make sure that the text which a draft has now is in its history, before another comes.

    It isn't when a process of an older version has written it during an update.
    """
    if not draft.text or _has(session, draft.id, draft.text):
        return
    if draft.text == draft.described_text:
        _add_described(session, draft, draft.task_id)
    else:
        values = {"language": draft.language, "user_id": draft.user_id}
        _add(session, draft.id, TextKind.WRITTEN, draft.text, **values)


def described(session: Session, draft: DraftRow | Draft, task_id: str | None) -> None:
    """Note what a describer has written; the draft has it now."""
    _has_now(session, draft.id, _add_described(session, draft, task_id))


def beside(session: Session, draft_id: int, text: str, **origin: Any) -> None:
    """Note what a describer has written to choose; the draft keeps the text that it has."""
    _add(session, draft_id, TextKind.DESCRIBED, text, **origin)


def written(session: Session, before: Draft, text: str, user_id: int) -> None:
    """Note what a person has written in place of the text of ``before``; the draft has it now.

    Several saves within ``WRITING_S`` are one text, until it is decided about or left for another.
    """
    newest = _newest(session, before.id)
    if newest is not None and newest.is_open and newest.user_id == user_id:
        since = session.scalar(select(now(-WRITING_S)))
        if newest.text == before.text and since is not None and newest.at > since:
            newest.text = text
            return
    text_id = _add(
        session,
        before.id,
        TextKind.WRITTEN,
        text,
        language=before.language,
        user_id=user_id,
        is_open=True,
    )
    _has_now(session, before.id, text_id)


def mended(session: Session, before: Draft, draft: Draft, user_id: int) -> None:
    """Note what one key has made of the text of ``before``, which the draft has now.

    A describer's stays the describer's, beside who had it mended: nobody has written it.
    """
    if not draft.is_describers:
        return written(session, before, draft.text, user_id)
    return _has_now(session, draft.id, _add_described(session, draft, None, user_id=user_id))


def published(session: Session, draft_id: int, text: str, language: str) -> None:
    """Note what stands on the server now, by our hand."""
    _add(session, draft_id, TextKind.PUBLISHED, text, language=language)


def found_on_server(session: Session, picture_id: int, text: str) -> None:
    """Note an alt text that somebody has put on the server, if its picture has a draft."""
    query = select(DraftRow.id).where(DraftRow.picture_id == picture_id)
    draft_id = session.scalar(query) if text.strip() else None
    if draft_id is None:
        return
    known = select(DraftTextRow.text).where(DraftTextRow.draft_id == draft_id)
    if not any(same(one, text, escapes=False) for one in session.scalars(known)):
        _add(session, draft_id, TextKind.SERVER, text)


def close(session: Session, draft_ids: Collection[int]) -> None:
    """Let these drafts' texts stand: a decision was made about them."""
    statement = update(DraftTextRow).where(
        DraftTextRow.draft_id.in_(draft_ids), DraftTextRow.is_open.is_(True)
    )
    session.execute(statement.values(is_open=False).execution_options(synchronize_session="fetch"))


def _has(session: Session, draft_id: int, text: str) -> bool:
    query = select(DraftTextRow.id).where(
        DraftTextRow.draft_id == draft_id, DraftTextRow.text == text
    )
    return session.scalar(query.limit(1)) is not None


def _newest(session: Session, draft_id: int) -> DraftTextRow | None:
    query = select(DraftTextRow).where(DraftTextRow.draft_id == draft_id)
    return session.scalar(query.order_by(DraftTextRow.id.desc()).limit(1))


def _add_described(
    session: Session,
    draft: DraftRow | Draft,
    task_id: str | None,
    *,
    user_id: int | None = None,
) -> int:
    return _add(
        session,
        draft.id,
        TextKind.DESCRIBED,
        draft.described_text,
        language=draft.language,
        describer=draft.describer,
        model=draft.model,
        level=draft.level,
        task_id=task_id,
        user_id=user_id,
    )


def _has_now(session: Session, draft_id: int, text_id: int) -> None:
    # Whoever has written the draft's row has said when.
    values = {"text_id": text_id, "updated_at": DraftRow.updated_at}
    changed(session, update(DraftRow).where(DraftRow.id == draft_id).values(values))


def _add(session: Session, draft_id: int, kind: TextKind, text: str, **values: Any) -> int:
    """Add a text and return its id; the newest one's, if that is the same."""
    newest = _newest(session, draft_id)
    if newest is not None:
        newest.is_open = False
        same = (newest.kind, newest.text, newest.describer, newest.model)
        if same == (kind, text, values.get("describer", ""), values.get("model", "")):
            return newest.id
    row = DraftTextRow(draft_id=draft_id, kind=kind, text=text, **values)
    session.add(row)
    session.flush()
    _prune(session, draft_id)
    return row.id


def _prune(session: Session, draft_id: int) -> None:
    query = (
        select(DraftTextRow.id, DraftTextRow.kind)
        .where(DraftTextRow.draft_id == draft_id)
        .order_by(DraftTextRow.id.desc())
    )
    rows = session.execute(query).all()
    if len(rows) <= KEPT:
        return
    newest_of_kind: dict[str, int] = {}
    for row in rows:
        newest_of_kind.setdefault(row.kind, row.id)
    current = session.scalar(select(DraftRow.text_id).where(DraftRow.id == draft_id))
    kept = {row.id for row in rows[:KEPT]} | set(newest_of_kind.values()) | {current}
    gone = [row.id for row in rows if row.id not in kept]
    session.execute(delete(DraftTextRow).where(DraftTextRow.id.in_(gone)))
