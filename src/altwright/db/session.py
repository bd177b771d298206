"""Engine and sessions; driver errors become DatabaseUnavailable."""

from __future__ import annotations

import errno
import functools
import os
import random
import select
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from altwright import folders
from altwright.db.driver_errors import is_deadlock, is_passing
from altwright.db.pool import FollowingPool
from altwright.db.types import now
from altwright.errors import DatabaseUnavailable

#: What executes statements; the engine's own know columns only, and need no Session.
Executor = Session | Connection

#: In the pool's record of a connection: whether a pooler stands between us and the server, and when
#: the connection was given back.
_POOLED, _GIVEN_BACK = "altwright_pooled", "altwright_given_back"
#: Execution options of fixed statements, which take as long to plan as to execute: PostgreSQL keeps
#: their plans for some seconds, so that one that was made for a small table meets no more than what
#: has come within them. Not for those whose text differs with their rows: each would be kept.
KEEPS_PLAN = {"altwright_keeps_plan": True}
#: Seconds that plans are kept.
PLANS_KEPT_S = 5.0
#: SQLSTATEs of a prepared statement that the server can't use any more: a migration has changed the
#: type of a column, or somebody has thrown it away. A new connection prepares it anew.
_UNPREPARED = {"0A000", "26000"}
#: In the pool's record of a connection: when its plans were made, at the earliest.
_PLANNED = "altwright_planned"

Clock = Callable[[], datetime]
P = ParamSpec("P")
T = TypeVar("T")

#: Seconds that a writer waits for SQLite's single write lock. Shorter than a lease less its
#: heartbeats, so that a stopped writer costs nobody else's lease.
SQLITE_BUSY_S = 8
#: Seconds between two tries to switch a new SQLite file to its write-ahead log.
WAL_PAUSE_S = 0.05
#: Milliseconds that a statement waits for another transaction's row (a submit of the same user).
LOCK_WAIT_MS = 5_000
#: Connections that a pool may open beyond its size, for a moment.
POOL_OVERFLOW = 5
#: Seconds that a pooled connection may lie before it is asked whether it is still there.
POOL_PING_AFTER_S = 1.0
#: Seconds that a request waits for a free connection of the pool.
POOL_WAIT_S = 10
#: Tries of a transaction that a deadlock ended, and the longest pause before the next, seconds.
DEADLOCK_TRIES, DEADLOCK_PAUSE_S = 6, 0.05

#: Bytes of room that SQLite needs for a few small changes (16 pages of its log).
DATABASE_TRIAL_BYTES = 64 * 1024
#: How servers are asked whether they take changes: no replica, not locked by their operator.
_READ_ONLY = {
    "sqlite": "SELECT 0",
    "postgresql": "SHOW transaction_read_only",
    "mysql": "SELECT @@global.read_only",
    "mariadb": "SELECT @@global.read_only",
}


def utcnow() -> datetime:
    """Return the host's clock."""
    return datetime.now(UTC)


def make_engine(url: str, *, pool_size: int = 10, clock: Clock = utcnow) -> Engine:
    """Make an engine with this project's settings for the database behind ``url``.

    ``clock`` serves ``db.types.now`` on SQLite only; the others have clocks of their own.
    Create it after a fork, or call ``engine.dispose(close=False)`` in the child.
    """
    backend = make_url(url).get_backend_name()
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": POOL_WAIT_S,
        # The one used last: its statements are prepared, and those not needed lie still.
        "pool_use_lifo": True,
        "poolclass": FollowingPool,
    }
    if backend == "sqlite":
        return _sqlite(url, clock, options)
    if backend == "postgresql":
        options["connect_args"] = {
            "connect_timeout": 5,
            # A prepared statement keeps the plan that suited the tables when they were small;
            # but see KEEPS_PLAN.
            "prepare_threshold": None,
        }
        return _postgresql(url, options)
    options["connect_args"] = {
        "connect_timeout": 5,
        "charset": "utf8mb4",
        "init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_WAIT_MS // 1000}",
    }
    # Claims re-read what others committed, as the other two databases do.
    options["isolation_level"] = "READ COMMITTED"
    return _mariadb(url, options)


def _ping_what_lay(engine: Engine, socket_of: Callable[[Any], Any]) -> None:
    """Let connections that lay in the pool be asked first whether they are still there.

    So are those to which something came meanwhile: a server that ends a connection says so. (The
    ``pool_pre_ping`` of SQLAlchemy asks each time: a fourth of the messages of a busy worker.)
    """

    @event.listens_for(engine, "checkin")
    def _given_back(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_GIVEN_BACK] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: ConnectionPoolEntry, _fairy: Any) -> None:
        at = record.info.get(_GIVEN_BACK)
        if at is None:
            return  # it is new
        try:
            came = select.poll()
            came.register(socket_of(connection), select.POLLIN)
            if came.poll(0) or time.monotonic() - at > POOL_PING_AFTER_S:
                engine.dialect.do_ping(connection)
        except (engine.dialect.loaded_dbapi.Error, TypeError) as error:  # TypeError: no socket
            raise InvalidatePoolError from error  # the others are as old as this one


def _postgresql(url: str, options: dict[str, Any]) -> Engine:
    """Make an engine that sets what it needs by statements: PgBouncer refuses start-up options."""
    engine = create_engine(url, **options)
    _ping_what_lay(engine, lambda connection: connection)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, record: ConnectionPoolEntry) -> None:
        before, connection.autocommit = connection.autocommit, True
        served_by = connection.execute("SELECT pg_backend_pid()").fetchone()
        # A pooler gives its clients numbers of its own, and each transaction may meet another
        # server process: what is set for the session there would reach other clients instead.
        pooled = served_by is not None and served_by[0] != connection.info.backend_pid
        record.info[_POOLED] = pooled
        if not pooled:
            connection.execute(f"SET lock_timeout = {LOCK_WAIT_MS}; SET timezone = 'UTC'")
        connection.autocommit = before

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Reads of one statement each are in no transaction, and wait for no lock.
        autocommits = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        if connection.info.get(_POOLED) and not autocommits:
            driver: Any = connection.connection.driver_connection
            driver.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}; SET LOCAL timezone = 'UTC'")

    @event.listens_for(engine, "before_cursor_execute")
    def _prepare(connection: Connection, cursor: Any, _statement: str, *rest: Any) -> None:
        _parameters, context, _many = rest
        keeps = context.execution_options.keys() & KEEPS_PLAN and not connection.info.get(_POOLED)
        cursor.connection.prepare_threshold = 1 if keeps else None
        at = time.monotonic()
        if keeps and at - connection.info.setdefault(_PLANNED, at) > PLANS_KEPT_S:
            connection.info[_PLANNED] = at
            with suppress(engine.dialect.loaded_dbapi.Error):  # the statement itself will meet it
                cursor.connection.execute("DISCARD PLANS", prepare=False)

    @event.listens_for(engine, "handle_error")
    def _drop_unprepared(context: Any) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _UNPREPARED:
            context.is_disconnect = True

    return engine


def _mariadb(url: str, options: dict[str, Any]) -> Engine:
    """Make an engine whose reads are in no transaction, which would need a message to end it."""
    # Here, since drivers of databases that aren't used would hold 9 MB.
    from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS  # noqa: PLC0415

    engine = create_engine(url, **options)
    _ping_what_lay(engine, lambda connection: connection._sock)  # noqa: SLF001 - it shows no other

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.autocommit(True)  # noqa: FBT003 - the driver's; the begin event opens transactions

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reads_only"):
            connection.exec_driver_sql("BEGIN")

    def roll_back(dbapi_connection: Any) -> None:
        # Asked for whenever a connection is given back, be there something to undo or not.
        if dbapi_connection.server_status & SERVER_STATUS_IN_TRANS:
            dbapi_connection.rollback()

    engine.dialect.do_rollback = roll_back  # type: ignore[method-assign]
    return engine


def _sqlite(url: str, clock: Clock, options: dict[str, Any]) -> Engine:
    connect_args = {"timeout": SQLITE_BUSY_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=connect_args, **options)

    def altwright_now(offset_s: float) -> str:
        at = clock() + timedelta(seconds=offset_s)
        return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")

    @event.listens_for(engine, "do_connect")
    def _make_folder(*_: object) -> None:
        folders.make(Path(make_url(url).database or "").parent, "DATABASE_URL")

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the begin event below opens transactions
        set_busy_timeout(connection)
        _switch_to_wal(connection)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("altwright_now", 1, altwright_now)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred BEGIN that turns into a write fails at once when another writer is
        # there: no time-out helps it (facts: 10,524 failures against none).
        reads = connection.get_execution_options().get("reads_only")
        begin = "BEGIN" if reads else "BEGIN IMMEDIATE"
        # Past SQLAlchemy: it comes before every question.
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute(begin)
        except sqlite3.Error as error:  # the lock wasn't to be had
            raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error

    return engine


def set_busy_timeout(connection: sqlite3.Connection, seconds: float = SQLITE_BUSY_S) -> None:
    """Let an SQLite connection wait so long for the write lock."""
    connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers wait for no writer; of a file that is so already nothing is changed.

    Of several that open a new file at once, SQLite refuses those that find a writer there, without
    a wait: one that holds the lock for reading and wants to write might be waited for by the other
    (sqlite.org/c3ref/busy_handler.html).
    """
    until = time.monotonic() + SQLITE_BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(WAL_PAUSE_S)
        else:
            return


class Database:
    """One engine, and sessions and connections on it: to read, and to write."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = sessionmaker(engine, expire_on_commit=False)
        reads: dict[str, Any] = {"reads_only": True}
        if engine.dialect.name == "postgresql":
            # Each statement sees what is committed then, with or without a transaction around
            # several; without one, two of three messages to the server are spared.
            reads["isolation_level"] = "AUTOCOMMIT"
        self._reader = engine.execution_options(**reads)
        self._reading = sessionmaker(self._reader, expire_on_commit=False)

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

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one transaction as ``write`` does, for statements alone.

        The engine works with columns, never with mapped objects; without a Session a transaction
        costs half as much. Raises DatabaseUnavailable.
        """
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def begin_one(self) -> Iterator[Connection]:
        """Open a transaction for what is one statement on PostgreSQL, and commits by itself there.

        Raises DatabaseUnavailable.
        """
        if self.engine.dialect.name == "postgresql":
            with self.connect() as connection:
                # Behind a pooler a transaction of its own says how long to wait for a lock.
                if not connection.info.get(_POOLED):
                    yield connection
                    return
        with self.begin() as connection:
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection that only reads, for statements alone. Raises DatabaseUnavailable."""
        with translated(), self._reader.connect() as connection:
            yield connection

    def now(self) -> datetime:
        """Return the database's clock, by which everything in it is dated."""
        with self.connect() as connection:
            at: datetime = connection.execute(now()).scalar_one()
            return at

    def check_writable(self) -> None:
        """Make sure that the database answers and takes changes, with no change and no lock.

        A server's full disk isn't seen: only a change that needs more room would meet it.

        Raises:
            NotWritable: it is read-only, or SQLite's disk is full; the message says which.
            DatabaseUnavailable: it doesn't answer.
        """
        if self.engine.dialect.name == "sqlite":
            file = Path(self.engine.url.database or "")
            try:
                folders.try_out(file.parent, DATABASE_TRIAL_BYTES)
                # Never opened here: closing it again would drop the locks of this process's own
                # connections, and the file would be damaged (sqlite.org/howtocorrupt.html, 2.2).
                if not os.access(file, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
            except OSError as error:
                reason = folders.reason_of(error)
                raise NotWritable(f"The database can't be written: {reason}.") from error
        with self.connect() as connection:
            if connection.scalar(text(_READ_ONLY[self.engine.dialect.name])) in {"on", 1}:
                raise NotWritable("The database can't be written: it is read-only.")

    def keep_connections(self, count: int) -> None:
        """Let the pool keep so many connections from now on, and POOL_OVERFLOW for a moment."""
        pool = self.engine.pool
        assert isinstance(pool, FollowingPool)  # noqa: S101 - make_engine's
        pool.keep(count)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class NotWritable(DatabaseUnavailable):
    """The database takes no changes: its disk is full, or it is read-only."""


class Deadlocked(DatabaseUnavailable):
    """Two transactions stood in each other's way, and this one was rolled back."""


def again_after_deadlock(function: Callable[P, T]) -> Callable[P, T]:
    """Run a whole transaction again that was rolled back because of another one.

    For functions that do nothing but one transaction; the last deadlock is raised.
    """

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(DEADLOCK_TRIES - 1):
            try:
                return function(*args, **kwargs)
            except Deadlocked:
                time.sleep(random.uniform(0, DEADLOCK_PAUSE_S))  # noqa: S311 - jitter, no secret
        return function(*args, **kwargs)

    return tried


def again_if_another_was_first(function: Callable[P, T]) -> Callable[P, T]:
    """Run a whole transaction again whose new row another one has written: now it is there."""

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except IntegrityError:
            return function(*args, **kwargs)

    return tried


def changed(session: Executor, statement: Any, parameters: dict[str, Any] | None = None) -> int:
    """Execute a guarded write; return how many rows it touched."""
    options = {"synchronize_session": False}
    result: Any = session.execute(statement, parameters, execution_options=options)
    return int(result.rowcount)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's passing faults into DatabaseUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("The database has no free connection.") from error
    except DBAPIError as error:
        if is_deadlock(error):
            raise Deadlocked("The database was busy with something else.") from error
        if is_passing(error):
            raise DatabaseUnavailable("The database does not answer.") from error
        raise
