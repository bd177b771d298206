"""Migrations make the tables that the code expects, on each database, once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError
from tests.support_databases import new_database

from altwright.db import migrate
from altwright.db.session import make_engine
from altwright.db.tables import Base
from altwright.domain.task import Status


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return a database without any table, of each kind."""
    with new_database(request, request.param, tmp_path) as engine:
        yield engine


def _belongs_on(dialect: str) -> Any:
    """Return what says whether something of the code's tables belongs on a kind of database."""
    left_out = {"ix_tasks_dead_letters"} if dialect in {"mysql", "mariadb"} else set()
    return lambda _thing, name, *_: name not in left_out


def test_migrating_makes_what_the_code_expects(empty: Engine) -> None:
    """After the migrations nothing differs from the tables in the code."""
    assert migrate.tables(empty) is migrate.Tables.NONE
    migrate.upgrade(empty)
    assert migrate.tables(empty) is migrate.Tables.CURRENT
    with empty.connect() as connection:
        options = {"compare_type": False, "include_object": _belongs_on(empty.dialect.name)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(empty: Engine) -> None:
    """A second start keeps the data."""
    migrate.upgrade(empty)
    insert = text("INSERT INTO leases (name, owner, expires_at) VALUES ('a', 'b', '2026-01-01')")
    with empty.begin() as connection:
        connection.execute(insert)
    migrate.upgrade(empty)
    with empty.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar() == 1


def test_every_migration_can_be_taken_back(empty: Engine) -> None:
    """The newest first, down to a database without tables, which can be migrated again."""
    migrate.upgrade(empty)
    config = Config()
    config.set_main_option("script_location", "altwright:db/migrations")
    config.set_main_option("path_separator", "os")
    with empty.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
    assert sa.inspect(empty).get_table_names() == ["alembic_version"]
    migrate.upgrade(empty)
    assert migrate.tables(empty) is migrate.Tables.CURRENT


def test_of_several_that_start_at_once_one_migrates(empty: Engine) -> None:
    """Three processes that start together on a new database all succeed."""
    url = empty.url.render_as_string(hide_password=False)
    upgrade = (
        "import sys; from altwright.db import migrate; from altwright.db.session import "
        "make_engine; migrate.upgrade(make_engine(sys.argv[1]))"
    )
    argv = [sys.executable, "-W", "error", "-c", upgrade, url]
    processes = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    faults = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], faults
    assert migrate.tables(empty) is migrate.Tables.CURRENT


@pytest.mark.parametrize("empty", ["sqlite", "postgresql"], indirect=True)
def test_migrations_that_are_broken_off_change_nothing(empty: Engine) -> None:
    """All are one transaction, so that nobody else comes in between (MariaDB has a lock beside)."""

    def break_off(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE draft_texts" in statement:
            raise KeyboardInterrupt

    sa.event.listen(empty, "before_cursor_execute", break_off)
    with pytest.raises(KeyboardInterrupt):
        migrate.upgrade(empty)
    sa.event.remove(empty, "before_cursor_execute", break_off)
    assert migrate.tables(empty) is migrate.Tables.NONE
    migrate.upgrade(empty)
    assert migrate.tables(empty) is migrate.Tables.CURRENT


def test_whoever_opens_a_new_database_waits_for_who_writes_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite refuses to switch a file's journal at once, whatever time-out it was given."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        other.rollback()

    monkeypatch.setattr(time, "sleep", pause)
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    assert pauses
    engine.dispose()
    other.close()


def test_the_first_migration_knows_the_states_by_their_words() -> None:
    """The generated column's SQL names the active states; the words may not drift apart."""
    written = (Path(migrate.__file__).parent / "migrations/versions").glob("0001*.py")
    sql = next(written).read_text()
    assert f"status IN ('{Status.QUEUED}','{Status.RUNNING}')" in sql


def fill(connection: Connection, name: str, *rows: dict[str, Any]) -> None:
    """Insert rows into a table as it was at some migration."""
    table = sa.table(name, *map(sa.column, rows[0]))
    connection.execute(table.insert(), list(rows))


def fill_before_the_history(connection: Connection) -> None:
    """Write drafts as described, edited, published, and described again after publishing."""
    first, second, third = (datetime(2026, 5, day) for day in (1, 2, 3))  # noqa: DTZ001 - as stored
    user = {"id": 1, "username": "anna", "password_hash": "", "role": "user", "is_active": True}
    fill(connection, "users", user | {"created_at": first})
    account: dict[str, Any] = dict.fromkeys(
        ["platform", "url", "token", "remote_id", "acct", "display_name", "avatar_url"], ""
    )
    account |= {"id": 1, "user_id": 1, "max_alt_length": 1500, "problem": "", "created_at": first}
    fill(connection, "accounts", account)
    post = {"id": 1, "account_id": 1, "remote_id": "p", "url": "", "text": "", "sensitive": False}
    post |= {"spoiler_text": "", "visibility": "public", "posted_at": first, "picture_count": 4}
    fill(connection, "posts", post)
    picture = {"post_id": 1, "position": 0, "url": "", "file": "", "thumbnail": ""}
    published = ("", "", "Cat", "Published before")
    fill(
        connection,
        "pictures",
        *(
            picture
            | {"id": number, "remote_id": str(number), "published_text": words, "media_type": ""}
            for number, words in enumerate(published, 1)
        ),
    )
    draft = {"user_id": 1, "account_id": 1, "version": 1, "describer": "o", "model": "m"}
    draft |= {"level": "low", "evidence": "{}", "problem": "", "task_id": "t"}
    draft |= {"created_at": first, "updated_at": second}
    texts = (
        ("draft", "Cat", "Cat", None),
        ("approved", "cat", "Cat", None),
        ("published", "Cat", "A cat", third),
        ("draft", "Cat", "Cat", first),
    )
    names = ("status", "text", "described_text", "published_at")
    fill(
        connection,
        "drafts",
        *(
            draft | {"id": number, "picture_id": number} | dict(zip(names, values, strict=True))
            for number, values in enumerate(texts, 1)
        ),
    )


def test_drafts_from_before_get_their_texts(empty: Engine) -> None:
    """What drafts say when the history begins is in it, in the order in which it came about."""
    migrate.upgrade(empty, "0002")
    with empty.begin() as connection:
        fill_before_the_history(connection)
    migrate.upgrade(empty)
    with empty.connect() as connection:
        rows = connection.execute(
            text("SELECT draft_id, kind, text, user_id FROM draft_texts ORDER BY draft_id, id")
        )
        found = [tuple(row) for row in rows]
        query = "SELECT t.kind, t.text FROM drafts d JOIN draft_texts t ON t.id = d.text_id"
        now = [tuple(row) for row in connection.execute(text(f"{query} ORDER BY d.id"))]
    assert now == [
        ("described", "Cat"),
        ("written", "cat"),
        ("published", "Cat"),
        ("described", "Cat"),
    ]
    assert found == [
        (1, "described", "Cat", None),
        (2, "described", "Cat", None),
        (2, "written", "cat", 1),
        (3, "described", "A cat", None),
        (3, "written", "Cat", 1),
        (3, "published", "Cat", None),
        (4, "published", "Published before", None),
        (4, "described", "Cat", None),
    ]


def test_users_whose_names_differ_in_case_only_get_names_of_their_own(empty: Engine) -> None:
    """Who signed in last keeps it; the others keep the rest, and the audit log says what became.

    A process of the version before, which knows nothing of it, can't make another double.
    """
    migrate.upgrade(empty, "0015")
    at = datetime(2026, 5, 1)  # noqa: DTZ001 - as stored
    user = {"password_hash": "h", "role": "user", "is_active": True, "created_at": at}
    names = ("Anna", "anna", "ANNA", "Anna-2", "bert", "B" * 64, "b" * 64)
    rows = [user | {"id": number, "username": name} for number, name in enumerate(names, 1)]
    with empty.begin() as connection:
        fill(connection, "users", *rows)
        signed_in = "UPDATE users SET last_login_at = '2026-05-02 00:00:00' WHERE id = 2"
        connection.execute(text(signed_in))
    migrate.upgrade(empty)
    with empty.connect() as connection:
        names_now = connection.execute(text("SELECT id, username FROM users"))
        found = {row.id: row.username for row in names_now}
        log = text("SELECT actor, action, subject FROM audit_entries ORDER BY id")
        said = [tuple(row) for row in connection.execute(log)]
    assert found == {
        1: "Anna-3",
        2: "anna",
        3: "ANNA-4",
        4: "Anna-2",
        5: "bert",
        6: "B" * 64,
        7: "b" * 62 + "-2",
    }
    assert said == [
        ("migration 0016", "user renamed", name) for name in ("Anna-3", "ANNA-4", "b" * 62 + "-2")
    ]
    with empty.begin() as connection:
        fill(connection, "users", user | {"id": 10, "username": "carl"} | {"session_salt": ""})
    with pytest.raises(IntegrityError), empty.begin() as connection:
        fill(connection, "users", user | {"id": 11, "username": "BERT"} | {"session_salt": ""})
