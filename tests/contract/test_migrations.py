"""Migrations make the tables that the code expects, on each database, once."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from altwright.db import migrate
from altwright.db.session import make_engine
from altwright.db.tables import Base
from altwright.domain.task import Status


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return a database without any table, of each kind."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path}/new.db")
        yield engine
        engine.dispose()
        return
    server: Engine = request.getfixturevalue(f"_{request.param}_engine")
    name = f"new_{secrets.token_hex(4)}"
    options = server.execution_options(isolation_level="AUTOCOMMIT")
    with options.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.url.set(database=name).render_as_string(hide_password=False)
    engine = make_engine(url)
    yield engine
    engine.dispose()
    with options.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))


def test_migrating_makes_what_the_code_expects(empty: Engine) -> None:
    """After the migrations nothing differs from the tables in the code."""
    assert migrate.missing(empty)
    migrate.upgrade(empty)
    assert not migrate.missing(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
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
    assert not migrate.missing(empty)


def test_the_first_migration_knows_the_states_by_their_words() -> None:
    """The generated column's SQL names the active states; the words may not drift apart."""
    written = (Path(migrate.__file__).parent / "migrations/versions").glob("0001*.py")
    sql = next(written).read_text()
    assert f"status IN ('{Status.QUEUED}','{Status.RUNNING}')" in sql
