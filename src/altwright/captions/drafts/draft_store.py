"""The draft store: what people do with drafts. What tasks read and write: draft_writes.py."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.orm import Session

from altwright.captions.drafts import checks, draft_texts
from altwright.captions.drafts.draft import Draft, Page, draft_of
from altwright.captions.drafts.draft_cursor import ORDER, after, cursor_of
from altwright.captions.drafts.draft_filter import (
    ALL,
    DraftFilter,
    Facets,
    facets,
    is_to_be_compared,
    matching,
    may_be_approved,
)
from altwright.captions.drafts.draft_texts import DraftText
from altwright.captions.drafts.publishable import Publishable, publishable
from altwright.captions.drafts.storable import check_length, clean, typed
from altwright.captions.pictures.picture_files import media_type_of
from altwright.db.session import Database, changed
from altwright.db.tables import ID_MOST, AccountRow, DraftRow, PictureRow, PostRow
from altwright.db.types import now
from altwright.domain.caption import DRAFT_MOVES, OPEN, DraftStatus, TextKind, sources
from altwright.errors import Conflict, InvalidInput, NotFound

T = TypeVar("T")
#: Drafts on a page at most; rows in one statement; ids that one request may name.
PAGE_MOST, IDS_A_QUERY, IDS_MOST = 200, 200, 10_000
#: A draft's row with all that a reviewer sees beside it, and its account's limit.
WHOLE: Select[DraftRow, PictureRow, PostRow, int] = (
    select(DraftRow, PictureRow, PostRow, AccountRow.max_alt_length)
    .join(PictureRow, PictureRow.id == DraftRow.picture_id)
    .join(PostRow, PostRow.id == PictureRow.post_id)
    .join(AccountRow, AccountRow.id == DraftRow.account_id)
)
#: The ids of drafts, as lists of them are ordered.
_SORTED: Select[int] = (
    select(DraftRow.id)
    .join(PictureRow, PictureRow.id == DraftRow.picture_id)
    .join(PostRow, PostRow.id == PictureRow.post_id)
    .order_by(*ORDER)
)


class DraftStore:
    """Drafts as their owner sees them: somebody else's aren't there (NotFound)."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def find(
        self,
        user_id: int,
        *,
        statuses: Collection[DraftStatus] = (),
        account_id: int | None = None,
        task_id: str | None = None,
        was_published: bool = False,
        updated_since: datetime | None = None,
        wanted: DraftFilter | None = None,
        ids: Collection[int] = (),
        cursor: str | None = None,
        limit: int = PAGE_MOST,
    ) -> Page:
        """Return the user's drafts: newest post first, a post's pictures in their order.

        ``wanted`` stands in for all before it, which are a filter's too; ``statuses`` empty: in
        any state; ``ids`` empty: all. ``cursor`` is a page's ``next_cursor``; drafts that are
        added or leave meanwhile move nothing else between pages.

        Raises:
            InvalidInput: a wrong cursor or limit.
        """
        if not 1 <= limit <= PAGE_MOST:
            raise InvalidInput(
                "This page can't be shown.", {"limit": f"should be 1 to {PAGE_MOST}"}
            )
        if wanted is None:
            wanted = DraftFilter(
                statuses,
                account_id,
                task_id,
                was_published=was_published,
                since=updated_since,
            )
        self._bring_up_to_date(user_id, wanted)
        conditions = [DraftRow.user_id == user_id, *wanted.conditions()]
        if ids:
            conditions.append(DraftRow.id.in_(ids))
        if cursor is not None:
            conditions.append(after(cursor))
        with self.database.read() as session:
            # Among thousands, ids alone are sorted sooner than whole drafts.
            first = session.scalars(_SORTED.where(*conditions).limit(limit + 1)).all()
            query = WHOLE.where(DraftRow.id.in_(first)).order_by(*ORDER)
            rows = session.execute(query).all()
        drafts = [draft_of(*row) for row in rows[:limit]]
        return Page(drafts, cursor_of(drafts[-1]) if drafts and len(first) > limit else None)

    def _bring_up_to_date(self, user_id: int, wanted: DraftFilter) -> None:
        if wanted.asks_for_findings:
            checks.bring_up_to_date(self.database, user_id)

    def counts(self, user_id: int, wanted: DraftFilter = ALL) -> dict[DraftStatus, int]:
        """Return how many drafts of the user are in each state; zeros included.

        ``wanted``: only those that are like it, whatever states it names.
        """
        self._bring_up_to_date(user_id, wanted)
        wanted = replace(wanted, statuses=(), was_published=False)
        query = select(DraftRow.status, func.count()).where(
            DraftRow.user_id == user_id, *wanted.conditions()
        )
        counts = dict.fromkeys(DraftStatus, 0)
        with self.database.read() as session:
            for status, count in session.execute(query.group_by(DraftRow.status)):
                counts[DraftStatus(status)] = count
        return counts

    def count_published(self, user_id: int, wanted: DraftFilter = ALL) -> int:
        """Return how many pictures of the user have got a text from here, as ``counts``."""
        self._bring_up_to_date(user_id, wanted)
        wanted = replace(wanted, statuses=(), was_published=True)
        query = select(func.count()).where(DraftRow.user_id == user_id, *wanted.conditions())
        with self.database.read() as session:
            return session.scalar(query) or 0

    def facets(self, user_id: int, wanted: DraftFilter) -> Facets:
        """Return what the user's drafts that are like ``wanted`` could be asked for."""
        checks.bring_up_to_date(self.database, user_id)
        with self.database.read() as session:
            return facets(session, user_id, wanted)

    def count_blanks(self, task_id: str, user_id: int) -> int:
        """Return how many drafts of a task of the user still have no text."""
        query = select(func.count()).where(
            DraftRow.user_id == user_id,
            DraftRow.status == DraftStatus.DRAFT,
            DraftRow.task_id == task_id,
            DraftRow.text == "",
        )
        with self.database.read() as session:
            return session.scalar(query) or 0

    def picture_ids(self, task_id: str) -> list[int]:
        """Return the pictures of the drafts that a task has written, in ascending order."""
        query = select(DraftRow.picture_id).where(DraftRow.task_id == task_id)
        with self.database.read() as session:
            return list(session.scalars(query.order_by(DraftRow.picture_id)))

    def get(self, draft_id: int, user_id: int) -> Draft:
        """Return one draft. Raises NotFound."""
        with self.database.read() as session:
            return _whole(session, draft_id, user_id)

    def of_posts(
        self, user_id: int, post_ids: Collection[int], ids: Collection[int]
    ) -> list[Draft]:
        """Return those of the user's drafts in ``ids`` that stand in these posts, as ``find``."""
        found = []
        with self.database.read() as session:
            for some in chunks(sorted(post_ids)):
                query = WHOLE.where(DraftRow.user_id == user_id, PictureRow.post_id.in_(some))
                found += [draft_of(*row) for row in session.execute(query)]
        wanted = set(ids)
        found.sort(
            key=lambda one: (
                *(-one.post.posted_at.timestamp(), -one.post.id),
                *(one.picture.position, one.id),
            )
        )
        return [draft for draft in found if draft.id in wanted]

    def texts(self, draft_id: int, user_id: int) -> list[DraftText]:
        """Return the texts that a draft has had, newest first. Raises NotFound."""
        with self.database.read() as session:
            draft = _whole(session, draft_id, user_id)
            return draft_texts.history(session, draft)

    def restore(
        self, draft_id: int, user_id: int, text_id: int, *, version: int | None = None
    ) -> Draft:
        """Bring back one of a draft's texts; what it replaces stays in the history.

        Raises as ``edit``; NotFound as well when the draft has no such text.
        """
        with self.database.write() as session:
            known = _whole(session, draft_id, user_id)
            text = draft_texts.find(session, draft_id, text_id) if text_id <= ID_MOST else None
            if text is None:
                raise NotFound("There is no such text of this draft.")
            values: dict[str, Any] = {"text": text.text, "text_id": text.id, "problem": ""}
            values["language"] = text.language or known.post.language or ""
            if text.kind == TextKind.DESCRIBED:
                values |= {
                    "described_text": text.text,
                    "describer": text.describer,
                    "model": text.model,
                    "level": text.level,
                }
            # A blank may come back as well, where nobody is about to publish it.
            is_blank = not text.text and known.status is not DraftStatus.APPROVED
            draft = _write(session, known, None, values, version, may_be_empty=is_blank)
            draft_texts.keep(session, known)
            draft_texts.close(session, [draft_id])
            return draft

    def edit(self, draft_id: int, user_id: int, *, text: str, version: int | None = None) -> Draft:
        """Replace the text; ``version`` is the one that the person saw.

        Raises:
            NotFound: there is no such draft.
            Conflict: it was changed since that version, or is being or was published.
            InvalidInput: the text is empty, or too long for the server.
        """
        return self._change(draft_id, user_id, None, text, version)

    def mend(self, draft_id: int, user_id: int, code: str, *, version: int | None = None) -> Draft:
        """Put right what a warning says, where that needs no words.

        Nobody has judged the text by that: whose it is and how sure its describer was stay.
        Raises as ``edit``; Conflict as well when there is nothing of this kind to put right.
        """
        with self.database.write() as session:
            known = _whole(session, draft_id, user_id)
            text = clean(known.mended(code) or "")
            if not text:
                raise Conflict("There is nothing of this kind to mend in the text any more.")
            values = {"text": text, "problem": ""}
            if known.is_describers:
                values["described_text"] = text
            draft = _write(session, known, None, values, version)
            draft_texts.keep(session, known)
            draft_texts.mended(session, known, draft, user_id)
            return _whole(session, draft_id, user_id)  # it names its new text

    def approve(
        self, draft_id: int, user_id: int, *, text: str | None = None, version: int | None = None
    ) -> Draft:
        """Approve a draft, with another text if one is given. Raises as ``edit``."""
        return self._change(draft_id, user_id, DraftStatus.APPROVED, text, version)

    def correct(
        self, draft_id: int, user_id: int, *, text: str, version: int | None = None
    ) -> Draft:
        """Give a published draft another text, approved: to be published in its place.

        Raises as ``edit``; Conflict as well when the draft isn't published.
        """
        of = (DraftStatus.PUBLISHED,)
        return self._change(draft_id, user_id, DraftStatus.APPROVED, text, version, of)

    def skip(self, draft_id: int, user_id: int, *, version: int | None = None) -> Draft:
        """Set a draft aside: this picture gets no alt text. Raises NotFound, Conflict."""
        return self._change(draft_id, user_id, DraftStatus.SKIPPED, None, version)

    def reopen(self, draft_id: int, user_id: int, *, version: int | None = None) -> Draft:
        """Make an approved or skipped draft one to review. Raises NotFound, Conflict."""
        return self._change(draft_id, user_id, DraftStatus.DRAFT, None, version)

    def approve_many(self, user_id: int, ids: Collection[int]) -> list[int]:
        """Approve those that can be (in state, with words, not too long); return their ids.

        Of several none whose words are of a picture that is only nearly the same.
        """
        return self._change_many(user_id, ids, DraftStatus.APPROVED)

    def skip_many(self, user_id: int, ids: Collection[int]) -> list[int]:
        """Set those aside that can be; return their ids."""
        return self._change_many(user_id, ids, DraftStatus.SKIPPED)

    def reopen_many(self, user_id: int, ids: Collection[int]) -> list[int]:
        """Make those of them that are approved or skipped ones to review; return their ids."""
        return self._change_many(user_id, ids, DraftStatus.DRAFT)

    def approve_matching(self, user_id: int, wanted: DraftFilter) -> list[int]:
        """Approve all that ``wanted`` asks for, never an unsure one; return their ids."""
        return self._change_matching(user_id, wanted, DraftStatus.APPROVED)

    def skip_matching(self, user_id: int, wanted: DraftFilter) -> list[int]:
        """Set all aside that ``wanted`` asks for; return their ids."""
        return self._change_matching(user_id, wanted, DraftStatus.SKIPPED)

    def count_matching(
        self, user_id: int, wanted: DraftFilter, *, is_approval: bool = True
    ) -> tuple[int, datetime]:
        """Return how many drafts ``approve_matching`` would take, or ``skip_matching``; as of when.

        The moment is one for a filter's ``until``.
        """
        self._bring_up_to_date(user_id, wanted)
        with self.database.read() as session:
            at = session.execute(select(now())).scalar_one()
            found = matching(session, user_id, wanted, is_approval=is_approval)
        return len(found), at

    def publishable(self, user_id: int, wanted: DraftFilter = ALL) -> Publishable:
        """Return all that publishing would take, of what is like ``wanted``."""
        self._bring_up_to_date(user_id, wanted)
        with self.database.read() as session:
            return publishable(session, user_id, wanted)

    def picture_file(
        self, picture_id: int, user_id: int, *, small: bool = False
    ) -> tuple[str, str]:
        """Return the file name and media type of a picture's copy, or of its small copy.

        Raises:
            NotFound: there is no such picture of the user, or no copy of it.
        """
        query = (
            select(PictureRow)
            .join(PostRow, PostRow.id == PictureRow.post_id)
            .join(AccountRow, AccountRow.id == PostRow.account_id)
            .where(PictureRow.id == picture_id, AccountRow.user_id == user_id)
        )
        with self.database.read() as session:
            row = session.scalar(query) if picture_id <= ID_MOST else None
        if row is None or not row.file:
            raise NotFound("There is no such picture.")
        if small and row.thumbnail:
            return row.thumbnail, media_type_of(row.thumbnail)
        return row.file, row.media_type

    def unreferenced_files(self, names: Collection[str]) -> set[str]:
        """Return those of ``names`` that belong to no picture any more.

        A file is stored a moment before its row names it, so ask about files of some age only.
        """
        unknown = set(names)
        with self.database.read() as session:
            for some in chunks(sorted(unknown)):
                for column in (PictureRow.file, PictureRow.thumbnail):
                    unknown.difference_update(
                        session.scalars(select(column).where(column.in_(some)))
                    )
        return unknown

    def _change(
        self,
        draft_id: int,
        user_id: int,
        status: DraftStatus | None,
        text: str | None,
        version: int | None,
        of: Collection[DraftStatus] = OPEN,
    ) -> Draft:
        with self.database.write() as session:
            known = _whole(session, draft_id, user_id)
            values = {} if text is None else {"text": typed(text), "problem": ""}
            draft = _write(session, known, status, values, version, of=of)
            if draft.text != known.text:
                draft_texts.keep(session, known)
                draft_texts.written(session, known, draft.text, user_id)
                draft = _whole(session, draft_id, user_id)  # it names its new text
            if status is not None:
                draft_texts.close(session, [draft_id])
            return draft

    def _change_many(self, user_id: int, ids: Collection[int], status: DraftStatus) -> list[int]:
        check_ids(ids)
        decided = []
        for some in chunks(sorted(set(ids))):
            query = (
                select(
                    *(DraftRow.id, DraftRow.version, DraftRow.text, DraftRow.described_text),
                    *(DraftRow.describer, DraftRow.level, AccountRow.max_alt_length),
                )
                .join(AccountRow, AccountRow.id == DraftRow.account_id)
                .where(
                    DraftRow.user_id == user_id,
                    DraftRow.id.in_(some),
                    DraftRow.status.in_(sources(status)),
                    # PUBLISHING comes back to APPROVED by its task's hand only.
                    DraftRow.status.in_(OPEN),
                )
            )
            with self.database.write() as session:
                rows = session.execute(query).all()
                if status is DraftStatus.APPROVED:
                    rows = [row for row in rows if may_be_approved(row.text, row.max_alt_length)]
                    rows = [row for row in rows if len(ids) == 1 or not is_to_be_compared(row)]
                decided += _decide(session, [(row.id, row.version) for row in rows], status)
        return decided

    def _change_matching(self, user_id: int, wanted: DraftFilter, status: DraftStatus) -> list[int]:
        is_approval = status is DraftStatus.APPROVED
        able = [one for one in wanted.statuses or OPEN if status in DRAFT_MOVES[one]]
        if not able:
            return []
        wanted = replace(wanted, statuses=able)
        self._bring_up_to_date(user_id, wanted)
        with self.database.read() as session:
            found = matching(session, user_id, wanted, is_approval=is_approval)
        decided = []
        for some in chunks(found):
            with self.database.write() as session:
                decided += _decide(session, some, status)
        return decided


def _decide(session: Session, seen: Sequence[tuple[int, int]], status: DraftStatus) -> list[int]:
    """Move drafts that are still as ``seen``, by id and version; return the ids of those."""
    if not seen:
        return []
    ids = [one for one, _ in seen]
    # The ids by themselves too: not every database finds rows by a pair's first half.
    are_as_seen = DraftRow.id.in_(ids), tuple_(DraftRow.id, DraftRow.version).in_(seen)
    statement = update(DraftRow).where(*are_as_seen)
    count = changed(session, statement.values(status=status, **checks.RAISED))
    if count != len(ids):
        after = [(one, version + 1) for one, version in seen]
        query = select(DraftRow.id).where(
            DraftRow.id.in_(ids),
            tuple_(DraftRow.id, DraftRow.version).in_(after),
            DraftRow.status == status,
        )
        ids = sorted(session.scalars(query))
    draft_texts.close(session, ids)
    return ids


def check_ids(ids: Collection[int]) -> None:
    """Check the drafts that a request names. Raises InvalidInput."""
    if len(ids) > IDS_MOST or any(one > ID_MOST for one in ids):
        raise InvalidInput(
            "These drafts can't be changed.", {"ids": f"should be at most {IDS_MOST:,} ids"}
        )


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield ``items`` in pieces that fit one statement."""
    for at in range(0, len(items), IDS_A_QUERY):
        yield items[at : at + IDS_A_QUERY]


def _whole(session: Session, draft_id: int, user_id: int) -> Draft:
    query = WHOLE.where(DraftRow.id == draft_id, DraftRow.user_id == user_id)
    row = None
    if draft_id <= ID_MOST:
        row = session.execute(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("There is no such draft.")
    return draft_of(*row)


def _write(
    session: Session,
    known: Draft,
    status: DraftStatus | None,
    values: dict[str, Any],
    version: int | None,
    *,
    of: Collection[DraftStatus] = OPEN,
    may_be_empty: bool = False,
) -> Draft:
    """Change a draft that is still as ``known``, ``of`` these. Raises Conflict, InvalidInput."""
    if version is not None and version != known.version:
        raise Conflict("This draft was changed meanwhile; look at it again.")
    if known.status not in of:
        raise Conflict(f"This draft is {known.status.value}; it can't be changed now.")
    values |= checks.RAISED
    if "text" in values:
        del values["checked_version"]  # another one has to be looked at
    if status is not None:
        values["status"] = status
    if status is DraftStatus.APPROVED:
        values["problem"] = ""  # what stood in the way has been seen
    if ("text" in values and not may_be_empty) or status is DraftStatus.APPROVED:
        check_length(values.get("text", known.text), known.max_length)
    # Guarded by the version, since two may have read the same one.
    statement = update(DraftRow).where(DraftRow.id == known.id, DraftRow.version == known.version)
    if not changed(session, statement.values(**values)):
        raise Conflict("This draft was changed meanwhile; look at it again.")
    if "text" in values:
        checks.find_anew(session, [known.id])
    return _whole(session, known.id, known.user_id)
