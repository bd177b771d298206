"""What tasks read and write on posts, pictures and drafts, in sessions that they hand in.

Nothing here waits for a network; effects run in the transaction that ends a task's item.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from altwright.captions.drafts import checks, same_pictures
from altwright.captions.drafts import draft_texts as history
from altwright.captions.drafts.draft import Draft, draft_of, written_in
from altwright.captions.drafts.draft_store import WHOLE, chunks
from altwright.captions.drafts.storable import clean
from altwright.db.session import changed
from altwright.db.tables import DraftRow, DraftTextRow, PictureRow, PostRow
from altwright.db.types import now
from altwright.describers.port import Description
from altwright.domain.caption import DECIDED, DraftStatus, sources
from altwright.platforms.port import Media, Post
from altwright.platforms.publishing.text_comparison import same
from altwright.tasks.store.one_task import of_kind

#: What is said of a post that was deleted.
GONE = "The post isn't on its server any more."
#: Since when pictures couldn't be described, by the remote ids of their post and themselves.
Failures = dict[tuple[str, str], datetime]


@dataclass(frozen=True, slots=True)
class Target:
    """A picture that a task is to describe; ``draft_version`` None: it has no draft.

    ``is_written``: a person has changed the draft's text, and it wasn't published since.
    ``has_text``: its draft, or its post on the server, has words that a blank is no match for.
    """

    picture_id: int
    account_id: int
    status: DraftStatus | None
    draft_version: int | None
    is_written: bool = False
    has_text: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture's copies in the picture store, its size in pixels, and its hash ("": none)."""

    file: str
    thumbnail: str
    media_type: str
    width: int
    height: int
    shape: str = ""


def pictures_of(post: Post) -> list[Media]:
    """Return a post's pictures and animations in their order, without its videos and sounds."""
    return sorted((one for one in post.media if one.is_picture), key=lambda one: one.position)


def save_posts(
    session: Session, account_id: int, posts: Sequence[Post]
) -> dict[tuple[str, str], DraftStatus | None]:
    """Write a few posts, as fit one statement, and their pictures as they are now.

    Returns each picture's draft status (None: no draft) by remote ids of post and picture.
    """
    remote_ids = [post.remote_id for post in posts]
    query = select(PostRow).where(
        PostRow.account_id == account_id, PostRow.remote_id.in_(remote_ids)
    )
    rows = {row.remote_id: row for row in session.scalars(query)}
    edited = []
    for post in posts:
        row = rows.get(post.remote_id)
        if row is None:
            row = PostRow(account_id=account_id, remote_id=post.remote_id)
            session.add(row)
            rows[post.remote_id] = row
        elif row.text != post.text:
            edited.append(row.id)
        _fill_post(row, post)
    session.flush()
    if edited:
        _outdate(session, select(PictureRow.id).where(PictureRow.post_id.in_(edited)))
    return _save_pictures(session, {rows[post.remote_id].id: post for post in posts})


def _outdate(session: Session, pictures: Select[int] | Collection[int]) -> None:
    """Have drafts looked at anew: their texts are compared with the post's and the server's."""
    statement = update(DraftRow).where(DraftRow.picture_id.in_(pictures))
    changed(session, statement.values(checks.OUTDATED))


def _fill_post(row: PostRow, post: Post) -> None:
    row.url = post.url
    row.text = post.text
    row.spoiler_text = post.spoiler_text
    row.sensitive = post.sensitive
    row.language = post.language[:16] if post.language else None
    row.visibility = post.visibility
    row.posted_at = post.created_at
    row.picture_count = max(1, len(pictures_of(post)))


def _save_pictures(
    session: Session, posts: dict[int, Post]
) -> dict[tuple[str, str], DraftStatus | None]:
    query = (
        select(PictureRow, DraftRow.status)
        .outerjoin(DraftRow, DraftRow.picture_id == PictureRow.id)
        .where(PictureRow.post_id.in_(posts))
    )
    rows = {(row.post_id, row.remote_id): (row, status) for row, status in session.execute(query)}
    found, other = {}, []
    for post_id, post in posts.items():
        for position, media in enumerate(pictures_of(post)):
            row, status = rows.get((post_id, media.remote_id), (None, None))
            if row is None:
                row = PictureRow(post_id=post_id, remote_id=media.remote_id)
                session.add(row)
            row.position = position
            row.url = media.picture_url
            if row.id is None:
                row.published_text = media.description
            # What its person saw when they approved; only that may be replaced by publishing.
            elif status not in DECIDED and not same(
                row.published_text, media.description, escapes=False
            ):
                history.found_on_server(session, row.id, media.description)
                row.published_text = media.description
                other.append(row.id)
            row.width = media.width or row.width
            row.height = media.height or row.height
            found[post.remote_id, media.remote_id] = DraftStatus(status) if status else None
    session.flush()
    if other:
        _outdate(session, other)
    return found


def target(session: Session, account_id: int, post_id: str, media_id: str) -> Target | None:
    """Return the picture with these remote ids, or None: it is forgotten."""
    query = (
        select(
            PictureRow.id,
            DraftRow.status,
            DraftRow.version,
            (DraftRow.text != DraftRow.described_text).label("differs"),
            DraftRow.text,
        )
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .outerjoin(DraftRow, DraftRow.picture_id == PictureRow.id)
        .where(
            PostRow.account_id == account_id,
            PostRow.remote_id == post_id,
            PictureRow.remote_id == media_id,
        )
    )
    row = session.execute(query).first()
    if row is None:
        return None
    status = DraftStatus(row.status) if row.status else None
    is_written = bool(row.differs) and status is not DraftStatus.PUBLISHED
    return Target(row.id, account_id, status, row.version, is_written, bool(row.text))


@dataclass(frozen=True, slots=True)
class Known:
    """A picture's address, and its post's text and language, as they were last read."""

    url: str
    text: str
    language: str | None


def known(session: Session, picture_id: int) -> Known | None:
    """Return what is known of a picture, or None: it is forgotten."""
    query = (
        select(PictureRow.url, PostRow.text, PostRow.language)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .where(PictureRow.id == picture_id)
    )
    row = session.execute(query).first()
    return None if row is None else Known(row.url, row.text, row.language)


def note_published(session: Session, picture_id: int, text: str) -> None:
    """Keep the alt text that a picture has on its server; one that is new here stays for good."""
    _stand_on_server(session, {picture_id: text})
    history.found_on_server(session, picture_id, text)


def _stand_on_server(session: Session, texts: Mapping[int, str]) -> None:
    # Pictures before their drafts, as everybody locks them.
    for picture_id, text in texts.items():
        statement = update(PictureRow).where(PictureRow.id == picture_id)
        session.execute(statement.values(published_text=text))
    _outdate(session, texts)


def note_failure(session: Session, picture_id: int) -> None:
    """Keep that a run could not describe a picture, and since when none could."""
    statement = update(PictureRow).where(PictureRow.id == picture_id)
    failed_at = func.coalesce(PictureRow.failed_at, now())
    session.execute(statement.values(failed_at=failed_at))


def failed_before(session: Session, account_id: int, post_ids: Collection[str]) -> Failures:
    """Return since when pictures of these few posts couldn't be described, by remote ids."""
    query = (
        select(PostRow.remote_id, PictureRow.remote_id, PictureRow.failed_at)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .where(PostRow.account_id == account_id, PostRow.remote_id.in_(post_ids))
    )
    return {
        (post_id, media_id): failed_at
        for post_id, media_id, failed_at in session.execute(query)
        if failed_at is not None
    }


def store_draft(
    session: Session,
    seen: Target,
    description: Description,
    stored: Stored | None,
    *,
    user_id: int,
    task_id: str,
    asked_language: str = "",
) -> bool:
    """Write a description as the picture's draft, one to review; return whether it was.

    ``asked_language`` is the one that the describer was asked for (BCP 47; "": its post's).
    It isn't when the draft is no longer as ``seen``: a person has changed or approved it while
    the picture was described, and their work wins.
    """
    query = select(PictureRow).where(PictureRow.id == seen.picture_id).with_for_update()
    picture = session.scalar(query)
    if picture is None:
        return False  # the account was removed meanwhile
    if stored is not None:
        picture.file = stored.file
        picture.thumbnail = stored.thumbnail
        picture.media_type = stored.media_type
        picture.width = picture.width or stored.width
        picture.height = picture.height or stored.height
        same_pictures.remember(session, picture.id, user_id, stored.file, stored.shape)
    picture.failed_at = None
    text = clean(description.text)
    values: dict[str, Any] = {
        "status": DraftStatus.DRAFT,
        "text": text,
        "language": written_in(description.evidence, asked_language),
        "asked_language": asked_language,
        "described_text": text,
        "describer": description.describer[:32],
        "model": description.model[:128],
        "level": description.level,
        "evidence": description.evidence,
        "problem": "",
        "task_id": task_id,
    }
    if seen.draft_version is not None:
        return _replace(session, picture.id, seen.draft_version, values)
    if session.scalar(select(DraftRow.id).where(DraftRow.picture_id == picture.id)) is not None:
        return False
    draft = DraftRow(picture_id=picture.id, account_id=seen.account_id, user_id=user_id, **values)
    session.add(draft)
    session.flush()
    history.described(session, draft, task_id)
    checks.find_anew(session, [draft.id])
    return True


def add_text(
    session: Session,
    draft_id: int,
    description: Description,
    task_id: str,
    *,
    asked_language: str,
) -> bool:
    """Put a description beside the text that a draft has, to choose; return whether it was."""
    draft = session.scalar(select(DraftRow).where(DraftRow.id == draft_id).with_for_update())
    if draft is None:
        return False  # the account was removed meanwhile
    history.keep(session, draft)
    history.beside(
        session,
        draft_id,
        clean(description.text),
        language=written_in(description.evidence, asked_language),
        describer=description.describer[:32],
        model=description.model[:128],
        level=description.level,
        task_id=task_id,
    )
    return True


def _replace(session: Session, picture_id: int, version: int, values: dict[str, Any]) -> bool:
    """Put a description into a draft that is still as it was; its former text stays findable."""
    query = select(DraftRow).where(
        DraftRow.picture_id == picture_id,
        DraftRow.version == version,
        DraftRow.status.not_in(DECIDED),
    )
    draft = session.scalar(query.with_for_update())
    if draft is None:
        return False
    history.keep(session, draft)
    for name, value in values.items():
        setattr(draft, name, value)
    draft.version = version + 1
    session.flush()
    history.described(session, draft, draft.task_id)
    checks.find_anew(session, [draft.id])
    return True


def described_by(session: Session, draft_id: int, kind: str) -> str | None:
    """Return the task of this kind that described a draft last, or None: it isn't kept."""
    query = (
        select(DraftTextRow.task_id)
        .where(DraftTextRow.draft_id == draft_id, of_kind(DraftTextRow.task_id, kind))
        .order_by(DraftTextRow.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def drafts_with(session: Session, user_id: int, ids: Collection[int]) -> list[Draft]:
    """Return those of the user's drafts that ``ids`` names, newest post first."""
    found = []
    for some in chunks(sorted(set(ids))):
        query = WHOLE.where(DraftRow.user_id == user_id, DraftRow.id.in_(some))
        rows = session.execute(query.execution_options(populate_existing=True))
        found += [draft_of(*row) for row in rows]
    return sorted(
        found, key=lambda one: (-one.post.posted_at.timestamp(), one.post.id, one.picture.position)
    )


class Standing(NamedTuple):
    """Whose draft one is, and its state."""

    id: int
    account_id: int
    status: DraftStatus


def standings(session: Session, user_id: int, ids: Collection[int]) -> list[Standing]:
    """Return those of the user's drafts that ``ids`` names, maybe thousands, by rising id."""
    found = []
    for some in chunks(list(set(ids))):
        query = select(DraftRow.id, DraftRow.account_id, DraftRow.status).where(
            DraftRow.user_id == user_id, DraftRow.id.in_(some)
        )
        rows = session.execute(query)
        found += [Standing(one, account, DraftStatus(status)) for one, account, status in rows]
    return sorted(found)


def begin_publishing(
    session: Session, user_id: int, post_id: int, ids: Collection[int]
) -> list[Draft]:
    """Take a post's approved drafts, of those in ``ids``, out of the reviewer's hands.

    Returns them as they are from now on, with those that were taken before.
    """
    wanted = _of_post(session, user_id, post_id, ids)
    _move(session, wanted, DraftStatus.PUBLISHING)
    # Read after the move: from then on nobody changes the texts.
    drafts = drafts_with(session, user_id, wanted)
    return [draft for draft in drafts if draft.status is DraftStatus.PUBLISHING]


def _of_post(session: Session, user_id: int, post_id: int, ids: Collection[int]) -> list[int]:
    """Return which of the user's drafts in ``ids`` are of this post, in their order."""
    query = (
        select(DraftRow.id)
        .join(PictureRow, PictureRow.id == DraftRow.picture_id)
        .where(PictureRow.post_id == post_id, DraftRow.user_id == user_id)
    )
    return sorted(set(session.scalars(query)).intersection(ids))


def published(session: Session, drafts: Sequence[Draft], problem: str = "") -> None:
    """Note that pictures have these texts on the server now; ``problem``: what else it did."""
    _stand_on_server(session, {draft.picture.id: draft.text for draft in drafts})
    texts = {draft.id: draft.text for draft in drafts}
    replaced = {draft.id: draft.picture for draft in drafts}
    query = select(DraftRow).where(DraftRow.id.in_(texts)).with_for_update()
    for row in session.scalars(query).all():
        # Whatever stood there can be brought back.
        history.found_on_server(session, row.picture_id, replaced[row.id].published_text)
        history.keep(session, row)
        history.published(session, row.id, texts[row.id], row.language)
        row.published_at = session.scalar(select(now()))
        # A draft that another attempt gave back, since it thought us dead, is published too.
        if row.status in DECIDED and row.text == texts[row.id]:
            row.status = DraftStatus.PUBLISHED
            row.version += 1
            row.problem = problem


def give_back(session: Session, ids: Sequence[int], problem: str | None) -> None:
    """Make drafts that were not published approved ones again; ``problem`` None: as it was."""
    values = {} if problem is None else {"problem": problem}
    _move(session, ids, DraftStatus.APPROVED, (DraftStatus.PUBLISHING,), **values)


def review_again(session: Session, draft: Draft, text: str | None, problem: str) -> None:
    """Make a draft one to review; ``text`` is what its server shows now (None: as known)."""
    _move(session, [draft.id], DraftStatus.DRAFT, (DraftStatus.PUBLISHING,), problem=problem)
    if text is not None:
        note_published(session, draft.picture.id, text)


def set_aside(session: Session, ids: Sequence[int], problem: str) -> None:
    """Skip drafts that can't be published any more, and say why."""
    _move(session, ids, DraftStatus.SKIPPED, (DraftStatus.PUBLISHING,), problem=problem)


def post_gone(session: Session, account_id: int, remote_id: str) -> None:
    """Tell all drafts of a post that it was deleted; nobody has to review or publish them."""
    query = (
        select(DraftRow.id, DraftRow.status)
        .join(PictureRow, PictureRow.id == DraftRow.picture_id)
        .join(PostRow, PostRow.id == PictureRow.post_id)
        .where(PostRow.account_id == account_id, PostRow.remote_id == remote_id)
    )
    rows = session.execute(query).all()
    for status in DraftStatus:
        told = DraftStatus.PUBLISHED if status is DraftStatus.PUBLISHED else DraftStatus.SKIPPED
        ids = [row.id for row in rows if row.status == status]
        _move(session, ids, told, (status,), problem=GONE)


def note_problem(
    session: Session, user_id: int, post_id: int, ids: Collection[int], problem: str
) -> None:
    """Say on a post's approved drafts, of those in ``ids``, why they weren't published."""
    wanted = _of_post(session, user_id, post_id, ids)
    _move(session, wanted, DraftStatus.APPROVED, (DraftStatus.APPROVED,), problem=problem)


def give_back_all(session: Session, user_id: int, account_id: int | None) -> None:
    """Make approved what a worker that died has left in publishing, of one account or (None) all.

    Only for one who knows that nothing is being published for this account at the moment.
    """
    query = select(DraftRow.id).where(
        DraftRow.user_id == user_id, DraftRow.status == DraftStatus.PUBLISHING
    )
    if account_id is not None:
        query = query.where(DraftRow.account_id == account_id)
    give_back(session, list(session.scalars(query)), None)


def _move(
    session: Session,
    ids: Sequence[int],
    status: DraftStatus,
    old: Collection[DraftStatus] | None = None,
    **values: str,
) -> None:
    for some in chunks(ids):
        statement = update(DraftRow).where(
            DraftRow.id.in_(some), DraftRow.status.in_(old or sources(status))
        )
        changed(session, statement.values(status=status, **checks.RAISED, **values))
