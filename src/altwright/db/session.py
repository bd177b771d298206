"""The database engine, and sessions whose failures are errors of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from altwright.errors import DatabaseUnavailable

Clock = Callable[[], datetime]

#: Seconds that a writer waits for SQLite's single write lock. Shorter than a lease less its
#: heartbeats, so that a stopped writer costs nobody else's lease.
SQLITE_BUSY_S = 8
#: Milliseconds that a statement waits for another transaction's row (a submit of the same user).
LOCK_WAIT_MS = 5_000
#: Connection faults by SQLSTATE class on PostgreSQL, and SQLite's words for a lock or full disk.
_SQLITE_PASSING = ("locked", "busy", "disk i/o", "full", "unable to open")


def utcnow() -> datetime:
    """Return the host's clock."""
    return datetime.now(UTC)


def make_engine(url: str, *, pool_size: int = 10, clock: Clock = utcnow) -> Engine:
    """Make an engine with this project's settings for the database behind ``url``.

    ``clock`` serves ``db.types.now`` on SQLite only; the others have clocks of their own.
    Create it after a fork, or call ``engine.dispose(close=False)`` in the child.
    """
    backend = make_url(url).get_backend_name()
    if backend == "sqlite":
        return _sqlite(url, clock)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5, "pool_pre_ping": True}
    if backend == "postgresql":
        options["connect_args"] = {
            "connect_timeout": 5,
            "options": f"-c lock_timeout={LOCK_WAIT_MS} -c timezone=UTC",
        }
    else:
        options["connect_args"] = {
            "connect_timeout": 5,
            "charset": "utf8mb4",
            "init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_WAIT_MS // 1000}",
        }
        # Claims re-read what others committed, as the other two databases do.
        options["isolation_level"] = "READ COMMITTED"
    return create_engine(url, **options)


def _sqlite(url: str, clock: Clock) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_S, "check_same_thread": False})

    def altwright_now(offset_s: float) -> str:
        at = clock() + timedelta(seconds=offset_s)
        return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the begin event below opens transactions
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"busy_timeout={SQLITE_BUSY_S * 1000}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("altwright_now", 1, altwright_now)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred BEGIN that turns into a write fails at once when another writer is
        # there: no time-out helps it (facts: 10,524 failures against none).
        reads = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


class Database:
    """One engine and the two kinds of sessions on it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine of ``make_engine``."""
        self.engine = engine
        self._writing = sessionmaker(engine, expire_on_commit=False)
        self._reading = sessionmaker(
            engine.execution_options(reads_only=True), expire_on_commit=False
        )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open one transaction that commits at the end, or rolls back on any error.

        Raises:
            DatabaseUnavailable: the database doesn't answer, or a lock wasn't had in time.
        """
        with translated(), self._writing.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads (on SQLite it never waits for a writer).

        Raises:
            DatabaseUnavailable: the database doesn't answer.
        """
        with translated(), self._reading() as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's passing faults into DatabaseUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("The database has no free connection.") from error
    except DBAPIError as error:
        if is_passing(error):
            raise DatabaseUnavailable("The database does not answer.") from error
        raise


def is_passing(error: DBAPIError) -> bool:
    """Say whether the same statement may succeed later."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return any(word in str(error.orig).lower() for word in _SQLITE_PASSING)
    return True
