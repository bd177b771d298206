"""Import, use, export, and import by a service that has nothing: column by column the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests import support_takeover
from tests.support_databases import new_database
from tests.support_takeover import BOX, anna_id, drafts_of, fill, give, take
from tests.support_vedfolnir import Vedfolnir

from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.db import migrate
from altwright.db.session import Database
from altwright.db.tables import AccountRow, Base, DraftRow, PictureRow, PostRow, UserRow
from altwright.db.task_tables import TaskRow
from altwright.domain.caption import DraftStatus, Role
from altwright.domain.task import Status
from altwright.takeover.fields import is_werkzeug

there = support_takeover.there
PAGE = (Path(__file__).parents[2] / "docs/how-to/take-over.md").read_text()
AT = datetime(2026, 11, 5, 6, 7, 8, tzinfo=UTC)
#: What both systems have, of each table; other rows are named by what they are called there.
CARRIED = {
    "users": {"username", "email", "role", "is_active", "password_hash", "created_at"},
    "accounts": {"user_id", "platform", "url", "token", "acct", "created_at"},
    "posts": {"account_id", "remote_id", "url", "text", "posted_at"},
    "pictures": {"post_id", "remote_id", "position", "url", "published_text", "media_type"},
    "drafts": {
        *("picture_id", "user_id", "account_id"),
        *("status", "text", "described_text", "published_at"),
    },
    "tasks": {
        *("id", "kind", "user_id", "account_id", "exclusive_key", "status", "priority"),
        *("failures", "max_retries", "settings", "created_at", "started_at", "finished_at"),
        "error",
    },
}
#: Parts of the encrypted settings that both systems have.
SETTINGS = {"max_posts_per_run", "max_caption_length", "reprocess_existing", "processing_delay"}


def not_carried() -> set[str]:
    """Return the columns that the page names."""
    heading = "\nOf the tables that go back, these columns don't:\n"
    table = PAGE.split(heading)[1].lstrip().split("\n\n")[0].splitlines()[2:]
    return {name for row in table for name in re.findall(r"`(\w+\.\w+)`", row.split("|")[1])}


def carried(database: Database) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what both systems have, by table and by what a row is called."""
    with database.read() as session:
        users = {row.id: row.username for row in session.scalars(select(UserRow))}
        accounts = {row.id: row.acct for row in session.scalars(select(AccountRow))}
        posts = {row.id: row.remote_id for row in session.scalars(select(PostRow))}
        pictures = {row.id: row.remote_id for row in session.scalars(select(PictureRow))}
        names: dict[str, dict[Any, str]] = {
            "user_id": users,
            "account_id": accounts,
            "post_id": posts,
            "picture_id": pictures,
        }

        def said(column: str, value: Any) -> Any:
            if column in names:
                return names[column].get(value)
            if column == "exclusive_key":
                return value and users[int(value.removeprefix("user:"))]
            if column == "password_hash":  # who never had one that both check needs one there
                return value if is_werkzeug(value) else "none"
            if column == "token":
                return BOX.decrypt(value)
            if column == "settings":
                kept = json.loads(BOX.decrypt(value)).items()
                return {name: one for name, one in kept if name in SETTINGS}
            return value.replace(microsecond=0) if isinstance(value, datetime) else value

        return {
            table: {
                str(said(key, getattr(row, key))): {
                    name: said(name, getattr(row, name)) for name in sorted(CARRIED[table])
                }
                for row in session.scalars(select(kind))
            }
            for table, kind, key in (
                ("users", UserRow, "username"),
                ("accounts", AccountRow, "acct"),
                ("posts", PostRow, "remote_id"),
                ("pictures", PictureRow, "remote_id"),
                ("drafts", DraftRow, "picture_id"),
                ("tasks", TaskRow, "id"),
            )
        }


def _use(database: Database, made: dict[str, Any]) -> None:
    """Do what people do: review, publish, run, administer, connect."""
    store, drafts, anna = DraftStore(database), drafts_of(database), anna_id(database)
    store.edit(drafts["5001"].id, anna, text="A grey cat.")
    store.approve(drafts["5001"].id, anna)
    store.skip(drafts["5002"].id, anna)
    store.reopen(drafts["5004"].id, anna)
    users = UserStore(database)
    carla = users.create_without_password("carla", role=Role.MODERATOR, email="c@example.org")
    bert = users.by_name("bert")
    assert bert is not None
    users.set_active(bert.id, active=False)
    ended = {"status": Status.FAILED, "error": "No.", "started_at": AT, "finished_at": AT}
    published = {"status": DraftStatus.PUBLISHED, "published_at": AT}
    with database.write() as session:
        session.execute(update(TaskRow).where(TaskRow.id == made["waits"]).values(**ended))
        mine = AccountRow(
            user_id=carla.id,
            platform="pixelfed",
            url="https://new.example",
            token=BOX.encrypt("a token"),
            remote_id="7",
            acct="carla@new.example",
        )
        session.add(mine)
        session.flush()
        url = "https://new.example/p/carla/77"
        post = PostRow(account_id=mine.id, remote_id="77", url=url, text="At sea.", posted_at=AT)
        session.add(post)
        session.flush()
        for position, words in enumerate(("A boat.", "A wave.")):
            picture = PictureRow(
                post_id=post.id,
                remote_id=f"77{position}",
                position=position,
                url=f"https://new.example/{position}.png",
                media_type="image/png",
                published_text=words if position else "",
            )
            session.add(picture)
            session.flush()
            draft = DraftRow(
                picture_id=picture.id,
                user_id=carla.id,
                account_id=mine.id,
                text=words,
                described_text=words,
                describer="offline",
                model="",
            )
            session.add(draft)
            session.flush()
            if position:
                session.execute(update(DraftRow).where(DraftRow.id == draft.id).values(published))


def test_each_column_is_carried_or_the_page_says_why_not() -> None:
    """Of the tables that go back; ids are each side's own, and computed ones follow from others."""
    columns = {
        f"{table}.{column.name}"
        for table, names in CARRIED.items()
        for column in Base.metadata.tables[table].columns
        if column.name not in names | {"id"} and column.computed is None
    }
    assert columns == not_carried()


@pytest.mark.every_database
def test_what_comes_again_is_what_went(
    database: Database, there: Vedfolnir, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """An empty service that imports what was given back has it as the one that gave it."""
    made = fill(there)
    take(database, there, stopped=True)
    _use(database, made)
    assert give(database, there, stopped=True).writes > 0
    before = carried(database)
    with new_database(request, database.engine.dialect.name, tmp_path) as engine:
        migrate.upgrade(engine)
        other = Database(engine)
        take(other, there, stopped=True)
        after = carried(other)
        rows = {table: len(found) for table, found in before.items()}
        assert rows == {
            "users": 3,
            "accounts": 3,
            "posts": 6,
            "pictures": 7,
            "drafts": 6,
            "tasks": 4,
        }
        assert after == before
        assert take(other, there, stopped=True).writes == 0
