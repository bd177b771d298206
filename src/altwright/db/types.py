"""Column types and SQL functions that mean the same on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Float, Text, literal
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as naive UTC with microseconds, as the replaced system does."""

    #: MariaDB's DATETIME drops microseconds otherwise.
    impl = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants: nobody knows what they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant")
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:  # a day before the calendar begins, or after it ends
            return value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant as UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


class Json(TypeDecorator[Any]):
    """A JSON value in a text column; the engine never queries inside it."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Ask MariaDB for more than the 64 kB of its TEXT."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(LONGTEXT())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read JSON."""
        return None if value is None else json.loads(value)


class now(FunctionElement[datetime]):  # noqa: N801 - an SQL function, named like one
    """The database's clock plus ``offset_s`` seconds, as an Instant.

    Leases and due times use it, so that hosts whose clocks differ agree (DESIGN.md, Growing). On
    SQLite, which serves one host, it is the host's clock, through a function that
    ``db.session`` registers; tests put a clock of their own there.
    """

    type = Instant()
    inherit_cache = True

    def __init__(self, offset_s: float | ColumnElement[float] = 0.0) -> None:
        """Take the offset in seconds; negative means the past."""
        if isinstance(offset_s, ColumnElement):
            super().__init__(offset_s)
            return
        # A bound parameter, so that a statement is compiled once, not once for each offset.
        super().__init__(*([literal(float(offset_s), Float())] if offset_s else []))


@compiles(now, "sqlite")
def _sqlite_now(element: now, compiler: SQLCompiler, **options: Any) -> str:
    # As a query of its own, which SQLite asks once for each statement; a bare function of Python's
    # would be called for each row, twice for some (500 ms a page with 100,000 dead letters).
    return f"(SELECT altwright_now({_offset(element, compiler, options) or '0.0'}))"


@compiles(now, "postgresql")
def _postgresql_now(element: now, compiler: SQLCompiler, **options: Any) -> str:
    # Neither now(), which stands still for the length of a transaction, nor clock_timestamp(),
    # which may differ from row to row, so that no index can serve a comparison with it.
    at = "(statement_timestamp() AT TIME ZONE 'UTC')"
    offset = _offset(element, compiler, options)
    return f"({at} + make_interval(secs => {offset}::double precision))" if offset else at


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _mariadb_now(element: now, compiler: SQLCompiler, **options: Any) -> str:
    offset = _offset(element, compiler, options)
    if not offset:
        return "UTC_TIMESTAMP(6)"
    return f"(UTC_TIMESTAMP(6) + INTERVAL (1000000 * {offset}) MICROSECOND)"


def _offset(element: now, compiler: SQLCompiler, options: dict[str, Any]) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(CreateTable, "mysql")
@compiles(CreateTable, "mariadb")
def _mariadb_table(element: CreateTable, compiler: DDLCompiler, **options: Any) -> str:
    # Compared byte by byte, as on the other two; by default "a", "A" and "a " would be one key.
    table: str = compiler.visit_create_table(element, **options).rstrip()  # type: ignore[no-untyped-call]
    is_mariadb: Any = getattr(compiler.dialect, "is_mariadb", False)
    collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
    return f"{table} CHARACTER SET utf8mb4 COLLATE {collation}"
