"""The replaced system's database: read as it is, whatever columns a dump has."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    TableClause,
    column,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    table,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from altwright import database_url
from altwright.db import reasons
from altwright.errors import ConfigError
from altwright.takeover.fields import Unusable

#: Rows in one transaction and in one query.
BATCH = 200
#: Without these there is nothing to take over; the others may be missing.
NEEDED = ("users", "platform_connections", "caption_generation_tasks")
TABLES = (*NEEDED, "posts", "images", "caption_generation_user_settings")
#: The step of a task there that is worked on here.
CLAIMED = "taken over by Altwright"
#: What the replaced system wants to know of each row, and columns of ours don't say.
_FILLED = {"created_at", "updated_at"}


class OldDatabase:
    """Tables without types: drivers' values come and go as they are, and fields.py reads them."""

    def __init__(self, engine: Engine) -> None:
        """Look at the tables. Raises ConfigError: it can't be read, or isn't what it should be."""
        self._engine = engine
        try:
            there = inspect(engine)
            names = set(there.get_table_names())
            self._columns = {name: there.get_columns(name) for name in TABLES if name in names}
        except SQLAlchemyError as error:
            raise ConfigError(
                [f"the old database can't be used: {reasons.reason_of(error)}"]
            ) from error
        if missing := [name for name in NEEDED if name not in self._columns]:
            raise ConfigError(
                [f"the old database has no table {', '.join(missing)}; is it Vedfolnir's?"]
            )

    @classmethod
    def open(cls, url: str, *, writes: bool = False) -> Self:
        """Open one by its address, read-only unless it ``writes``. Raises ConfigError."""
        try:
            url = database_url.checked(url)
        except ValueError as error:
            raise ConfigError([f"the old database's address: {error}"]) from None
        if url.startswith("postgresql"):
            raise ConfigError(["the old database is one of MySQL, MariaDB or SQLite"])
        file = database_url.file_of(url)
        if file is not None:
            mode = "rw" if writes else "ro"  # neither makes a file that isn't there

            def connect() -> sqlite3.Connection:
                address = f"file:{quote(str(file.absolute()))}?mode={mode}"
                return sqlite3.connect(address, uri=True, isolation_level=None)

            engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

            @event.listens_for(engine, "begin")
            def _begin(connection: Connection) -> None:
                # The driver's own would come too late for savepoints.
                connection.exec_driver_sql("BEGIN")

            return cls(engine)
        options: dict[str, Any] = {"charset": "utf8mb4", "connect_timeout": 5}
        if not writes:
            options["init_command"] = "SET SESSION TRANSACTION READ ONLY"
        return cls(create_engine(url, connect_args=options, poolclass=NullPool))

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one transaction. Raises ConfigError: it takes no changes."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise ConfigError(
                [f"the old database can't be used: {reasons.reason_of(error)}"]
            ) from error

    @contextmanager
    def one_row(self, connection: Connection) -> Iterator[None]:
        """Write one row; what the transaction has written before stays. Raises Unusable."""
        try:
            with connection.begin_nested():
                yield
        except (IntegrityError, DataError) as error:
            raise Unusable(f"the database there refuses it: {reasons.reason_of(error)}") from error

    @property
    def hidden(self) -> list[str]:
        """Return which tables aren't there, or not for this login: MariaDB says no more."""
        return [name for name in TABLES if not self.has(name)]

    def has(self, name: str) -> bool:
        """Return whether there is such a table."""
        return name in self._columns

    def pages(self, name: str, *conditions: ColumnElement[bool]) -> Iterator[list[dict[str, Any]]]:
        """Yield all rows by their ids, in batches."""
        if not self.has(name):
            return
        last: Any = None
        while True:
            query = select(self.table(name)).where(*conditions).order_by(column("id")).limit(BATCH)
            if last is not None:
                query = query.where(column("id") > last)
            with self.begin() as connection:
                rows = [dict(row) for row in connection.execute(query).mappings()]
            if not rows:
                return
            last = rows[-1]["id"]
            yield rows

    def rows(
        self, name: str, by: str, values: Collection[Any], connection: Connection | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows whose column ``by`` has one of a batch of values."""
        if not self.has(name) or not values:
            return []
        query: Any = select(self.table(name)).where(column(by).in_(list(values)))
        if connection is not None:
            return [dict(row) for row in connection.execute(query).mappings()]
        with self.begin() as own:
            return [dict(row) for row in own.execute(query).mappings()]

    def active(self) -> list[str]:
        """Return the ids of tasks that are queued or run there, oldest first."""
        name = "caption_generation_tasks"
        status = func.lower(column("status"))
        query: Any = select(column("id"), column("created_at")).select_from(self.table(name))
        with self.begin() as connection:
            rows = connection.execute(query.where(status.in_(["queued", "running"]))).all()
        return [row.id for row in sorted(rows, key=lambda row: (str(row.created_at), row.id))]

    def users_at_work(self) -> set[Any]:
        """Return the ids of users of whom a worker there works on a task."""
        name = "caption_generation_tasks"
        runs = func.lower(column("status")) == "running"
        step = func.coalesce(column("current_step"), "") != CLAIMED
        query: Any = select(column("user_id")).select_from(self.table(name)).where(runs, step)
        with self.begin() as connection:
            return set(connection.execute(query).scalars())

    def claimed(self, connection: Connection) -> list[dict[str, Any]]:
        """Return the tasks that were taken out of the hands of workers there."""
        name = "caption_generation_tasks"
        runs = func.lower(column("status")) == "running"
        query = select(self.table(name)).where(runs, column("current_step") == CLAIMED)
        return [dict(row) for row in connection.execute(query).mappings()]

    def table(self, name: str) -> TableClause:
        """Return a table with the columns that it has here."""
        return table(name, *(column(one["name"]) for one in self._columns[name]))

    def claim(self, task_id: str) -> bool:
        """Let no worker there begin a task that waits; return whether it still waited.

        To them it runs. A row that says so and was not taken is one whose import was ended.
        """
        name = "caption_generation_tasks"
        statement = update(self.table(name)).where(
            column("id") == task_id, func.lower(column("status")) == "queued"
        )
        values = self._known(name, {"status": "RUNNING", "current_step": CLAIMED})
        with self.begin() as connection:
            return connection.execute(statement.values(values)).rowcount == 1

    def write(
        self, connection: Connection, name: str, row_id: Any, values: Mapping[str, Any]
    ) -> None:
        """Change a row's columns, as far as it has them."""
        known = self._known(name, values)
        if known:
            statement = update(self.table(name)).where(column("id") == row_id)
            connection.execute(statement.values(known))

    def add(self, connection: Connection, name: str, values: Mapping[str, Any], now: str) -> Any:
        """Add a row and return its id. Raises Unusable: it needs a column that nobody knows."""
        known = self._known(name, values)
        for one in self._columns[name]:
            needed = not one.get("nullable") and one.get("default") is None
            if one["name"] in _FILLED and one["name"] not in known:
                known[one["name"]] = now
            elif needed and known.get(one["name"]) is None and one["name"] != "id":
                raise Unusable(
                    f"there, {name}.{one['name']} has to be filled, and isn't known here"
                )
        made = connection.execute(insert(self.table(name)).values(known))
        return known.get("id") or made.lastrowid

    def close(self) -> None:
        """Release what it holds."""
        self._engine.dispose()

    def _known(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        there: Sequence[str] = [one["name"] for one in self._columns[name]]
        return {column: value for column, value in values.items() if column in there}
