"""Texts of a user's pictures that are the same as another one, or nearly so.

A picture is the same as another whose prepared copy has the same bytes; what is nearly the same
captions/pictures/likeness.py says. Only words count that a person stands for: approved or published
here, or found on the server. Costs don't grow with the number of pictures: each part of a hash is
looked up in an index, and of those that share one the newest are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from altwright.captions.drafts.draft import DEFAULT_LANGUAGE
from altwright.captions.drafts.languages import is_other_than
from altwright.captions.drafts.quality import check
from altwright.captions.pictures import likeness
from altwright.captions.pictures.picture_files import digest_of
from altwright.db.tables import AccountRow, DraftRow, PictureHashRow, PictureRow, PostRow
from altwright.describers.answers.languages import primary_language
from altwright.describers.port import Description, Level
from altwright.domain.caption import DECIDED, DraftStatus

#: Stands as the describer of a text that was there already.
REUSED: Final = "reused"
#: Pictures that are compared for each part of a hash, and those whose texts are looked at.
COMPARED_MOST, LOOKED_AT_MOST = 500, 20
#: Who may see a post: whose words may stand under any other.
_OPEN = ("public", "unlisted")
#: What was seen in one picture and isn't true of another, or is about its describing.
_OF_ITS_OWN = frozenset({"file", "instead_of", "refused", "seen", REUSED})
_BANDS = (
    PictureHashRow.band_1,
    PictureHashRow.band_2,
    PictureHashRow.band_3,
    PictureHashRow.band_4,
)


@dataclass(frozen=True, slots=True)
class Sought:
    """A picture without a text, and what its text has to be like.

    ``account_ids`` are the user's accounts whose texts may be taken. ``file`` is its copy's name,
    ``shape`` its hash; ``is_moving`` of an animation, of which one still is known.
    """

    picture_id: int
    user_id: int
    account_ids: Collection[int]
    file: str
    shape: str
    language: str
    max_length: int
    is_moving: bool = False


def remember(session: Session, picture_id: int, user_id: int, file: str, shape: str) -> None:
    """Keep what a picture is found by; whoever calls holds its row."""
    row = session.get(PictureHashRow, picture_id)
    if row is None:
        row = PictureHashRow(picture_id=picture_id, user_id=user_id)
        session.add(row)
    row.digest, row.shape = digest_of(file), shape
    parts: Sequence[int | None] = likeness.bands(shape) if shape else (None,) * len(_BANDS)
    for column, part in zip(_BANDS, parts, strict=True):
        setattr(row, column.key, part)


def find(session: Session, sought: Sought) -> Description | None:
    """Return the text of the same picture, else of one that is nearly the same, or None.

    Of several the one of the newest post; its ``level`` is "low" where a person has to compare.
    """
    same = _same(session, sought)
    if same and (found := _best(session, sought, dict.fromkeys(same, 0))):
        return _described(found, is_same=not sought.is_moving and "frames" not in _seen(found))
    near = _near(session, sought) if sought.shape else {}
    found = _best(session, sought, near) if near else None
    return _described(found, is_same=False) if found else None


def _same(session: Session, sought: Sought) -> list[int]:
    hashed = (
        select(PictureHashRow.picture_id)
        .where(
            PictureHashRow.user_id == sought.user_id,
            PictureHashRow.digest == digest_of(sought.file),
            PictureHashRow.picture_id != sought.picture_id,
        )
        .order_by(PictureHashRow.picture_id.desc())
        .limit(LOOKED_AT_MOST)
    )
    # Those from before there were hashes, and what an older process writes during an update.
    kept = (
        select(PictureRow.id)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .join(AccountRow, AccountRow.id == PostRow.account_id)
        .where(
            PictureRow.file == sought.file,
            PictureRow.id != sought.picture_id,
            AccountRow.user_id == sought.user_id,
        )
        .limit(LOOKED_AT_MOST)
    )
    return sorted({*session.scalars(hashed), *session.scalars(kept)})


def _near(session: Session, sought: Sought) -> dict[int, int]:
    """Return those that are nearly the same, by their distance."""
    parts = [
        select(PictureHashRow.picture_id, PictureHashRow.shape)
        .where(
            PictureHashRow.user_id == sought.user_id,
            column == part,
            PictureHashRow.picture_id != sought.picture_id,
        )
        .order_by(PictureHashRow.picture_id.desc())
        .limit(COMPARED_MOST)
        .subquery()
        for column, part in zip(_BANDS, likeness.bands(sought.shape), strict=True)
    ]
    found = {}
    for row in session.execute(union_all(*(select(part) for part in parts))):
        apart = likeness.distance(sought.shape, row.shape)
        if apart is not None:
            found[row.picture_id] = apart
    nearest = sorted(found, key=lambda one: (found[one], -one))[:LOOKED_AT_MOST]
    return {one: found[one] for one in nearest}


def _best(session: Session, sought: Sought, apart: Mapping[int, int]) -> Row[Any] | None:
    """Return the post with the text of the nearest picture, the newest of several."""
    own, of_own = aliased(PostRow), aliased(PictureRow)
    visibility = (
        select(own.visibility)
        .join(of_own, of_own.post_id == own.id)
        .where(of_own.id == sought.picture_id)
        .scalar_subquery()
    )
    query = (
        select(
            PictureRow.id,
            PictureRow.published_text,
            PostRow.url,
            PostRow.posted_at,
            PostRow.language.label("post_language"),
            DraftRow.status,
            DraftRow.text,
            DraftRow.language,
            DraftRow.evidence,
        )
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .outerjoin(DraftRow, DraftRow.picture_id == PictureRow.id)
        .where(
            PictureRow.id.in_(list(apart)),
            PostRow.account_id.in_(sought.account_ids),
            # What few may read isn't brought before more people.
            or_(PostRow.visibility.in_(_OPEN), PostRow.visibility == visibility),
        )
    )
    rows = [row for row in session.execute(query) if _fits(row, sought)]
    return min(rows, key=lambda row: (apart[row.id], -row.posted_at.timestamp()), default=None)


def _fits(row: Row[Any], sought: Sought) -> bool:
    text, language = _text(row), _language(row)
    if not text or len(text) > sought.max_length or is_other_than(sought.language, text):
        return False
    if not _is_same_language(language, sought.language):
        return False
    if row.status in {*DECIDED, DraftStatus.PUBLISHED}:
        return True
    # Programs put file names there, too.
    return not check(text, max_length=sought.max_length, language=language)


def _text(row: Row[Any]) -> str:
    """Return the words that a person stands for; "": there are none."""
    text: str = row.text if row.status in DECIDED else row.published_text
    return text.strip()


def _language(row: Row[Any]) -> str:
    is_drafted = row.text is not None and row.text.strip() == _text(row)
    return (is_drafted and row.language) or row.post_language or DEFAULT_LANGUAGE


def _is_same_language(one: str, other: str) -> bool:
    """Return whether both are the same by BCP 47; one that says no more than the other's is."""
    one, other = one.casefold(), other.casefold()
    primary = primary_language(one)
    return one == other or (primary == primary_language(other) and primary in {one, other})


def _seen(row: Row[Any]) -> dict[str, Any]:
    return row.evidence or {}


def _described(row: Row[Any], *, is_same: bool) -> Description:
    seen = {name: what for name, what in _seen(row).items() if name not in _OF_ITS_OWN}
    level: Level = "high" if is_same else "low"
    evidence = {
        **(seen if is_same else {}),
        "language": _language(row),
        REUSED: {
            "url": row.url,
            "posted_at": row.posted_at.isoformat(),
            "is_same": is_same,
        },
    }
    return Description(_text(row), REUSED, "", level, evidence)
