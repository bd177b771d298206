"""Rows as lines of JSON that mean the same to SQLite, PostgreSQL and MariaDB.

Values go as the database has them: instants as naive UTC, encrypted ones encrypted. Columns that a
database computes are left to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from altwright.db.tables import Base
from altwright.errors import ConfigError

#: Who is at work now. It is true of no other time.
LEFT_OUT = frozenset({"leases", "workers"})
#: Rows of a part.
PART_ROWS = 500
_DIGEST_BYTES = 32
Values = list[Any]


@dataclass
class Sum:
    """How many rows there are, and a sum of their digests, which is the same in any order.

    Numbers with fractions don't count: a server may keep fewer digits of them (MariaDB's FLOAT).
    """

    rows: int = 0
    digest: int = 0

    def add(self, rows: Iterable[Values]) -> None:
        """Count rows in."""
        for row in rows:
            exact = [None if isinstance(value, float) else value for value in row]
            hashed = hashlib.sha256(json.dumps(exact).encode()).digest()
            self.rows += 1
            self.digest = (self.digest + int.from_bytes(hashed)) % 2 ** (8 * _DIGEST_BYTES)

    def to_json(self) -> dict[str, Any]:
        """Return the shape that stands in a backup."""
        return {"rows": self.rows, "digest": f"{self.digest:064x}"}


def reflected(connection: Connection) -> dict[str, sa.Table]:
    """Return the tables as the database has them, each before those that refer to it."""
    there = set(sa.inspect(connection).get_table_names())
    metadata = sa.MetaData()
    metadata.reflect(connection, only=sorted(there & (Base.metadata.tables.keys() - LEFT_OUT)))
    return {table.name: table for table in metadata.sorted_tables}


def refuse_parts(tables: Mapping[str, sa.Table]) -> None:
    """Make sure that a login sees all of a database that is up to date.

    Raises:
        ConfigError: it doesn't; MariaDB hides the rest without a word.
    """
    hidden = sorted(
        name
        for name, table in Base.metadata.tables.items()
        if name not in LEFT_OUT
        and (name not in tables or set(table.columns.keys()) - set(tables[name].columns.keys()))
    )
    if hidden:
        what = f"this login may not read all of {', '.join(hidden)}, so the backup would lack it"
        remedy = "use the web's, after the SQL of `altwright db roles`, or the tables' owner's"
        raise ConfigError([f"DATABASE_URL: {what}; {remedy}"])


def columns_of(table: sa.Table) -> list[str]:
    """Return the names of the columns that hold values of their own."""
    return [column.name for column in table.columns if column.computed is None]


def parts(
    connection: Connection, table: sa.Table, columns: Sequence[str]
) -> Iterator[list[Values]]:
    """Yield a table's rows, some at a time, in no order."""
    query = sa.select(*(table.c[name] for name in columns))
    streaming = {"stream_results": True, "max_row_buffer": PART_ROWS}
    result = connection.execute(query, execution_options=streaming)
    for rows in result.partitions(PART_ROWS):
        yield [[_plain(value) for value in row] for row in rows]


def insert(
    connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Values]
) -> None:
    """Add rows to a table."""
    dated = {
        name for name in columns if isinstance(table.c[name].type, (sa.DateTime, sa.TIMESTAMP))
    }
    values = [
        {name: _read(value, name in dated) for name, value in zip(columns, row, strict=True)}
        for row in rows
    ]
    connection.execute(sa.insert(table), values)


def number_on(connection: Connection, tables: Mapping[str, sa.Table]) -> None:
    """Let new rows get numbers behind those that were added; PostgreSQL has to be told."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.values():
        column = table.autoincrement_column
        if column is not None:
            highest = sa.select(sa.func.max(column)).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            moved = sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))
            connection.execute(sa.select(moved))


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case bool():
            return int(value)  # as MariaDB has it
        case _:
            return value


def _read(value: Any, is_dated: bool) -> Any:  # noqa: FBT001 - read with its name beside it
    return datetime.fromisoformat(value) if is_dated and value is not None else value
