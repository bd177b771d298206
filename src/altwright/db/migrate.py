"""Migrations: brings a database's tables up to date, and says whether they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.resources import files
from typing import Any, Literal

from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import Connection

from altwright.db.session import set_busy_timeout, translated
from altwright.errors import ConfigError, InvalidInput

#: Said where an older program meets a newer one's database.
NEWER = "DATABASE_URL: its tables were made by a newer Altwright; install that version again"
#: Said where an administrator of the replaced system has left its address as it was.
REPLACED = (
    "DATABASE_URL: this is Vedfolnir's database; give Altwright one of its own, and take this one "
    "over: VEDFOLNIR_DATABASE_URL and `altwright import vedfolnir`"
)
#: A table of the replaced system; here it has another name.
_REPLACED_TABLE = "caption_generation_tasks"
#: Seconds that a second process waits for the first one's migration.
LOCK_WAIT_S = 120
#: Any number that nobody else uses for an advisory lock on the same PostgreSQL database.
_LOCK = 7_160_241_001


def upgrade(engine: Engine, to: str = "head") -> None:
    """Apply what is missing up to ``to``; of several processes that start at once, one does it.

    Raises:
        ConfigError: the tables were made by a newer program, or the replaced one.
        DatabaseUnavailable: the database doesn't answer, or another migration takes too long.
    """
    refuse_others(tables(engine))
    _run(engine, "upgrade", to)


def downgrade(engine: Engine, to: str) -> None:
    """Take migrations back that came after ``to``; what only they had room for is lost.

    Raises:
        InvalidInput: there is no such migration, or the tables are no newer than it.
        ConfigError: the tables were made by a newer program, which has to do it itself.
        DatabaseUnavailable: the database doesn't answer, or another migration takes too long.
    """
    at = current(engine)
    if at is not None and not is_known(at):
        raise ConfigError([NEWER])
    if not is_known(to):
        raise InvalidInput(f"There is no migration {to}; UPGRADING.md names them, as 0015.")
    if at is None or at <= to:
        raise InvalidInput(f"The tables are at {at or 'none yet'}; name an older one than that.")
    _run(engine, "downgrade", to)


def _run(engine: Engine, direction: Literal["upgrade", "downgrade"], to: str) -> None:
    # Here, since a process that only asks how the tables stand would hold 10 MB more.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "altwright:db/migrations")
    config.set_main_option("path_separator", "os")
    with translated(), engine.connect() as connection, _alone(connection):
        config.attributes["connection"] = connection
        getattr(command, direction)(config, to)
        connection.commit()  # before the lock goes


class Tables(StrEnum):
    """How a database's tables stand to this program's migrations."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    REPLACED = "replaced"

    @property
    def are_ours(self) -> bool:
        """Return whether there are tables of this service."""
        return self not in {Tables.NONE, Tables.REPLACED}


def tables(engine: Engine) -> Tables:
    """Return how the tables stand. Raises DatabaseUnavailable."""
    at = current(engine)
    if at is not None and is_known(at):
        return Tables.CURRENT if at == head() else Tables.OLDER
    with translated(), engine.execution_options(reads_only=True).connect() as connection:
        if inspect(connection).has_table(_REPLACED_TABLE):
            return Tables.REPLACED
    return Tables.NONE if at is None else Tables.NEWER


def current(engine: Engine) -> str | None:
    """Return the tables' newest migration, None: there are none. Raises DatabaseUnavailable."""
    with translated(), engine.execution_options(reads_only=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        at: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return at


def is_known(migration: str) -> bool:
    """Return whether this program has a migration of that name."""
    return migration in _revisions()


def refuse_others(stand: Tables) -> None:
    """Raise ConfigError where the tables are no older or present ones of this program."""
    if stand is Tables.NEWER:
        raise ConfigError([NEWER])
    if stand is Tables.REPLACED:
        raise ConfigError([REPLACED])


def ready(engine: Engine) -> None:
    """Make the tables of a new database; leave others as they are.

    A new one belongs to nobody yet. Of an older one other processes are at work, whose operator
    says when it is changed (docs/decisions/0010).

    Raises:
        ConfigError: the tables are older or newer than this program, or another one's.
        DatabaseUnavailable: the database doesn't answer.
    """
    stand = tables(engine)
    refuse_others(stand)
    match stand:
        case Tables.NONE:
            upgrade(engine)
        case Tables.OLDER:
            raise ConfigError(
                ["DATABASE_URL: its tables are older than this program; run `altwright db upgrade`"]
            )
        case _:
            pass


def head() -> str:
    """Return the newest migration's name."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    """Return the migrations' names, oldest first: their files begin with them."""
    versions = files("altwright").joinpath("db/migrations/versions")
    names = (one.name for one in versions.iterdir())
    return sorted(name.partition("_")[0] for name in names if name.endswith(".py"))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold a lock that other migrations wait for, until all of this one is committed."""
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
            driver: Any = connection.connection.driver_connection
            set_busy_timeout(driver, LOCK_WAIT_S)
            try:
                # Begins a transaction, which is SQLite's lock. Alembic would begin one for each
                # migration, and let others in between.
                connection.execute(text("SELECT 1"))
                yield
            finally:
                if not connection.invalidated:
                    set_busy_timeout(driver)
