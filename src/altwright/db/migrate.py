"""Migrations: brings a database's tables up to date, and says whether they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection

from altwright.db.session import translated

#: Seconds that a second host waits for the first one's migration.
LOCK_WAIT_S = 120
#: Any number that nobody else uses for an advisory lock on the same PostgreSQL database.
_LOCK = 7_160_241_001


def upgrade(engine: Engine, to: str = "head") -> None:
    """Apply what is missing up to ``to``; of several processes that start at once, one does it.

    Raises:
        DatabaseUnavailable: the database doesn't answer, or another migration takes too long.
    """
    with translated(), engine.connect() as connection, _alone(connection):
        command.upgrade(_config(connection), to)
        connection.commit()  # before the lock goes


def missing(engine: Engine) -> bool:
    """Say whether ``upgrade`` has something to do. Raises DatabaseUnavailable."""
    with translated(), engine.execution_options(reads_only=True).connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current != head()


def head() -> str | None:
    """Return the newest migration's name."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "altwright:db/migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold a lock that other hosts' migrations wait for; SQLite's transaction is one itself."""
    match connection.dialect.name:
        case "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield
        case "mysql" | "mariadb":
            connection.execute(text(f"SELECT GET_LOCK('altwright_migration', {LOCK_WAIT_S})"))
            try:
                yield
            finally:
                connection.execute(text("SELECT RELEASE_LOCK('altwright_migration')"))
        case _:
            yield
