"""Posts, their pictures, and the texts of these."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Select, exists, select, update
from sqlalchemy.orm import Session

from altwright.captions.drafts import same_pictures
from altwright.captions.drafts.storable import clean
from altwright.db.session import Database, changed
from altwright.db.tables import AccountRow, DraftRow, DraftTextRow, PictureRow, PostRow
from altwright.db.takeover_table import TakenRow
from altwright.db.types import now
from altwright.domain.caption import DraftStatus, TextKind
from altwright.takeover import fields as mapping
from altwright.takeover import links
from altwright.takeover.fields import NO_DRAFT, Row, Unusable
from altwright.takeover.files import OldFiles
from altwright.takeover.noun import Known
from altwright.takeover.old_database import OldDatabase
from altwright.takeover.people import batches, old_id_of, read_each

#: Who described what was described there.
DESCRIBER = "vedfolnir"


class Pictures:
    """Pictures with their texts; posts come along with the first of their pictures.

    ``files`` None: their files stay where they are.
    """

    kind, table, whole = links.PICTURE, "images", True

    def __init__(
        self,
        database: Database,
        old: OldDatabase,
        known: Known,
        files: OldFiles | None = None,
        *,
        dry_run: bool = False,
    ) -> None:
        self._database = database
        self._old = old
        self._known = known
        self._files = files
        self._dry_run = dry_run
        #: Ids of posts there, by account and remote id: an export asks for each new picture.
        self._posts_there: dict[Any, dict[str, Any]] = {}

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the old rows, in batches."""
        return self._old.pages(self.table)

    def there(self, rows: Sequence[Mapping[str, Any]]) -> list[Row | Unusable]:
        """Read a batch of old rows."""
        ids = {row.get("post_id") for row in rows} - {None}
        posts = {post["id"]: post for post in self._old.rows("posts", "id", ids)}
        with self._database.read() as session:
            taken = links.of(session, self.kind, [row["id"] for row in rows])

        def read(row: Mapping[str, Any]) -> Row:
            post = posts.get(row.get("post_id"))
            if post is None:
                raise Unusable("its post isn't there")
            made = mapping.picture_there(row, post)
            made.beside["account_id"] = self._known.account(post.get("platform_connection_id"))
            if self._files is not None and str(row["id"]) not in taken:
                self._take_file(self._files, made)
            return made

        return read_each(rows, read)

    def _take_file(self, files: OldFiles, row: Row) -> None:
        """Keep a picture's copies before its row is written: no transaction waits for that."""
        try:
            if self._dry_run:
                files.check(row.beside["local_path"])
            else:
                row.beside["stored"] = files.take(row.beside["local_path"])
        except Unusable as error:
            row.remarks.append(str(error))

    def here(self, session: Session, ids: Collection[Any]) -> dict[Any, dict[str, Any]]:
        """Return the fields of rows here."""
        query = select(PictureRow.id, DraftRow).where(PictureRow.id.in_(list(ids)))
        query = query.outerjoin(DraftRow, DraftRow.picture_id == PictureRow.id)
        return {picture_id: _fields(draft) for picture_id, draft in session.execute(query)}

    def find(self, session: Session, row: Row) -> Any:
        """Return the id of the same one here. Raises Unusable."""
        has_text = exists().where(DraftRow.picture_id == PictureRow.id)
        return session.scalar(_same_picture(row).where(has_text))

    def add(self, session: Session, row: Row) -> Any:
        """Add it and return its id."""
        # A run may have found the picture here already, and it has no text yet.
        picture_id = session.scalar(_same_picture(row))
        if picture_id is None:
            picture = PictureRow(
                post_id=self._post(session, row),
                remote_id=row.beside["remote_id"],
                position=row.beside["position"],
                url=row.beside["url"],
                media_type=row.beside["media_type"],
                published_text=_on_server(row),
            )
            session.add(picture)
            session.flush()
            picture_id = picture.id
        if stored := row.beside.get("stored"):
            copies = asdict(stored)
            shape = copies.pop("shape")
            statement = update(PictureRow).where(PictureRow.id == picture_id, PictureRow.file == "")
            if changed(session, statement.values(copies)):
                user_id = session.get_one(AccountRow, row.beside["account_id"]).user_id
                same_pictures.remember(session, picture_id, user_id, stored.file, shape)
        self._write(session, picture_id, row.fields, row)
        return picture_id

    def _post(self, session: Session, row: Row) -> int:
        account_id, post = row.beside["account_id"], row.beside["post"]
        query = select(PostRow).where(
            PostRow.account_id == account_id, PostRow.remote_id == post["remote_id"]
        )
        known = session.scalar(query)
        if known is None:
            known = PostRow(account_id=account_id, **post)
            known.posted_at = post["posted_at"] or session.execute(select(now())).scalar_one()
            session.add(known)
        known.picture_count = max(known.picture_count or 1, row.beside["position"] + 1)
        session.flush()
        return known.id

    def change(self, session: Session, row_id: Any, fields: Mapping[str, Any], row: Row) -> None:
        """Change its fields. Raises Unusable."""
        publishing = select(DraftRow.id).where(
            DraftRow.picture_id == row_id, DraftRow.status == DraftStatus.PUBLISHING
        )
        if session.scalar(publishing) is not None:
            raise Unusable("its text is being published here")
        self._write(session, row_id, fields, row)
        if fields["status"] == DraftStatus.PUBLISHED:
            statement = update(PictureRow).where(PictureRow.id == row_id)
            session.execute(statement.values(published_text=fields["text"]))

    def _write(
        self, session: Session, picture_id: int, fields: Mapping[str, Any], row: Row
    ) -> None:
        """Write a picture's text, with those that it has had."""
        if fields["status"] == NO_DRAFT:
            return
        account = session.get_one(AccountRow, row.beside["account_id"])
        values: dict[str, Any] = {
            **fields,
            "problem": row.beside["problem"],
            "describer": DESCRIBER,
            "model": "",
        }
        if (
            fields["status"] == DraftStatus.APPROVED
            and len(fields["text"]) > account.max_alt_length
        ):
            values["status"] = DraftStatus.DRAFT
            values["problem"] = f"The server takes at most {account.max_alt_length:,} characters."
        query = select(DraftRow).where(DraftRow.picture_id == picture_id)
        draft = session.scalar(query.with_for_update())
        if draft is None:
            draft = DraftRow(
                picture_id=picture_id, user_id=account.user_id, account_id=account.id, **values
            )
            if row.beside["updated_at"]:
                draft.updated_at = draft.created_at = row.beside["updated_at"]
            session.add(draft)
            session.flush()
        else:
            statement = update(DraftRow).where(
                DraftRow.id == draft.id, DraftRow.version == draft.version
            )
            if not changed(session, statement.values(**values, version=draft.version + 1)):
                raise Unusable("it was changed here at this moment")
        current = None
        for kind, text in _texts(fields, row):
            text_id = self._text(session, draft.id, account.user_id, kind, text)
            current = text_id if text == fields["text"] else current
        same = {"updated_at": DraftRow.updated_at, "text_id": current}
        session.execute(update(DraftRow).where(DraftRow.id == draft.id).values(same))

    def _text(
        self, session: Session, draft_id: int, user_id: int, kind: TextKind, text: str
    ) -> int:
        query = select(DraftTextRow.id).where(
            DraftTextRow.draft_id == draft_id, DraftTextRow.kind == kind, DraftTextRow.text == text
        )
        known = session.scalar(query.limit(1))
        if known is not None:
            return known
        made = DraftTextRow(draft_id=draft_id, kind=kind, text=text)
        if kind is TextKind.WRITTEN:
            made.user_id = user_id
        if kind is TextKind.DESCRIBED:
            made.describer = DESCRIBER
        session.add(made)
        session.flush()
        return made.id

    def new_here(self) -> Iterator[list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
        """Yield what the old side doesn't have."""
        query = select(PictureRow.id, PictureRow, PostRow, DraftRow)
        query = query.join(PostRow, PostRow.id == PictureRow.post_id)
        query = query.join(DraftRow, DraftRow.picture_id == PictureRow.id)
        query = query.where(~exists().where(TakenRow.picture_id == PictureRow.id))
        for rows in batches(self._database, query, PictureRow.id):
            yield [
                (picture.id, _fields(draft), {"picture": picture, "post": post, "draft": draft})
                for _, picture, post, draft in rows
            ]

    def columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old columns of fields."""
        return mapping.picture_columns(fields) if fields["status"] != NO_DRAFT else {}

    def find_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> Any:
        """Return the id of the same one there. Raises Unusable."""
        picture, post = beside["picture"], beside["post"]
        account_id = old_id_of(self._known.accounts, post.account_id, "account")
        post_id = self._post_there(connection, post, account_id)
        for row in self._old.rows(self.table, "post_id", [post_id], connection):
            if row.get("image_post_id") == picture.remote_id:
                return row["id"]
        return None

    def add_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[Any, str]:
        """Add it there. Raises Unusable."""
        picture, post, draft = beside["picture"], beside["post"], beside["draft"]
        account_id = old_id_of(self._known.accounts, post.account_id, "account")
        user_id = old_id_of(self._known.users, draft.user_id, "user")
        posted = str(mapping.stored(post.posted_at))
        post_id = self._post_there(connection, post, account_id)
        if post_id is None:
            columns = {
                "post_id": post.url,
                "post_url": post.url,
                "post_content": post.text,
                "user_id": user_id,
                "platform_connection_id": account_id,
            }
            post_id = self._old.add(connection, "posts", columns, posted)
        columns = self.columns(fields) | {
            "post_id": post_id,
            "image_url": picture.url,
            "local_path": "",
            "media_type": picture.media_type,
            "image_post_id": picture.remote_id,
            "attachment_index": picture.position,
            "original_caption": picture.published_text or None,
            "original_post_date": posted,
            "platform_connection_id": account_id,
        }
        created = str(mapping.stored(draft.created_at))
        made = self._old.add(connection, self.table, columns, created)
        # Known from now on, as it isn't where its picture was refused.
        self._posts_there[account_id][post.remote_id] = post_id
        return made, ""

    def _post_there(self, connection: Connection, post: PostRow, account_id: Any) -> Any:
        known = self._posts_there.get(account_id)
        if known is None:
            known = self._posts_there[account_id] = {}
            for row in self._old.rows("posts", "platform_connection_id", [account_id], connection):
                remote_id = (row.get("post_id") or "").rstrip("/").rpartition("/")[2]
                known.setdefault(remote_id, row["id"])
        return known.get(post.remote_id)


def _same_picture(row: Row) -> Select[int]:
    query = select(PictureRow.id).join(PostRow, PostRow.id == PictureRow.post_id)
    return query.where(
        PostRow.account_id == row.beside["account_id"],
        PostRow.remote_id == row.beside["post"]["remote_id"],
        PictureRow.remote_id == row.beside["remote_id"],
    )


def _fields(draft: DraftRow | None) -> dict[str, Any]:
    if draft is None:
        return {"status": NO_DRAFT, "text": "", "described_text": "", "published_at": None}
    # What is being published was approved, and nobody there could say more.
    is_sending = draft.status == DraftStatus.PUBLISHING
    status = DraftStatus.APPROVED if is_sending else DraftStatus(draft.status)
    at = draft.published_at if status is DraftStatus.PUBLISHED else None
    described = clean(draft.described_text)
    return {
        "status": status,
        # Where nothing is written, a description counts there.
        "text": clean(draft.text) or described,
        "described_text": described,
        "published_at": at and at.replace(microsecond=0),
    }


def _on_server(row: Row) -> str:
    is_published = row.fields["status"] == DraftStatus.PUBLISHED
    text: str = row.fields["text"] if is_published else row.beside["original"]
    return text


def _texts(fields: Mapping[str, Any], row: Row) -> Iterator[tuple[TextKind, str]]:
    """Yield what a picture's texts were there, in their order."""
    described, text = fields["described_text"], fields["text"]
    if row.beside["original"]:
        yield TextKind.SERVER, row.beside["original"]
    if described:
        yield TextKind.DESCRIBED, described
    for written in (row.beside["reviewed"], text):
        if written and written != described:
            yield TextKind.WRITTEN, written
    if text and fields["status"] == DraftStatus.PUBLISHED:
        yield TextKind.PUBLISHED, text
