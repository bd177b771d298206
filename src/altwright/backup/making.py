"""Makes a backup of database and pictures while everything runs, and checks one."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Table, func, select
from sqlalchemy.engine import Connection

from altwright.backup import rows
from altwright.backup.archive import ArchiveReader, ArchiveWriter, Manifest, PictureFile, Totals
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database, translated
from altwright.db.tables import PictureRow
from altwright.db.types import now
from altwright.errors import InvalidInput, NotFound

#: Names of pictures that are read at a time.
_NAMES = 1000

#: Is told how many rows or pictures have gone by, and about how many there are.
Progress = Callable[[int, int], None]


def make(
    database: Database, pictures: PictureStore, box: Box, path: Path, progress: Progress
) -> Totals:
    """Write a backup as of one moment to ``path``, whole or not at all.

    Raises:
        InvalidInput: there is such a file already.
        ConfigError: this login may not read everything.
        DatabaseUnavailable: the database doesn't answer.
        OSError: the file can't be written.
    """
    if path.exists():
        raise InvalidInput(f"{path} is there already. Name another file, or a folder.")
    if not path.parent.is_dir():
        raise InvalidInput(f"There is no folder {path.parent}. Make it first.")
    with whole_file(path) as file, _snapshot(database) as connection:
        migration = migrate.current(database.engine)
        tables = rows.reflected(connection)
        if migration == migrate.head():
            rows.refuse_parts(tables)
        manifest = _manifest(connection, tables.values(), migration)
        total = manifest.rows + manifest.pictures
        with ArchiveWriter(file, box, manifest) as writer:
            for done in itertools.chain(
                _add_pictures(writer, connection, pictures), _add_rows(writer, connection, tables)
            ):
                progress(done, total)
    return writer.totals


def _add_pictures(
    writer: ArchiveWriter, connection: Connection, pictures: PictureStore
) -> Iterator[int]:
    """Add them; yield how much is in it after each."""
    for name in _picture_names(connection):
        try:
            writer.add_picture(PictureFile(name, pictures.read(name)))
        except NotFound:  # the clean-up was faster, or somebody has deleted it
            writer.totals.missing_pictures += 1
        yield writer.totals.pictures + writer.totals.missing_pictures


def _add_rows(
    writer: ArchiveWriter, connection: Connection, tables: Mapping[str, Table]
) -> Iterator[int]:
    """Add them; yield how much is in it after each part."""
    before = writer.totals.pictures + writer.totals.missing_pictures
    for table in tables.values():
        columns = rows.columns_of(table)
        for part in rows.parts(connection, table, columns):
            writer.add_rows(table.name, columns, part)
            yield before + writer.totals.rows


def check(path: Path, box: Box, progress: Progress) -> tuple[Manifest, Totals]:
    """Read a whole backup; return what it says of itself, and what is in it.

    Raises:
        ConfigError: it was encrypted with another key.
        InvalidInput: it is no backup, or damaged.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        reader = ArchiveReader(file, box)
        total = reader.manifest.rows + reader.manifest.pictures
        for _ in reader.contents():
            progress(reader.totals.rows + reader.totals.pictures, total)
    return reader.manifest, reader.totals


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside ``path`` that takes its name at the end; nothing stays if it fails."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """Open a transaction that sees the database as it is at its first question."""
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"}
    if database.engine.dialect.name == "sqlite":
        options = {"reads_only": True}  # its readers see one moment anyway, and hold nobody up
    with translated(), database.engine.connect() as connection:
        yield connection.execution_options(**options)


def _manifest(connection: Connection, tables: Iterable[Table], migration: str | None) -> Manifest:
    counts = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
    named = [
        connection.scalar(select(func.count(column.distinct())).where(column != ""))
        for column in _PICTURE_COLUMNS
    ]
    made_at: Any = connection.scalar(select(now()))
    return Manifest(
        version=metadata.version("altwright"),
        migration=migration or "",
        made_at=made_at.isoformat(),
        rows=sum(count or 0 for count in counts),
        pictures=sum(count or 0 for count in named),
    )


_PICTURE_COLUMNS = (PictureRow.file, PictureRow.thumbnail)


def _picture_names(connection: Connection) -> Iterator[str]:
    # Not as a stream: a server ends one that isn't read for a minute, as files may take.
    for column in _PICTURE_COLUMNS:
        last = ""
        while True:
            query = select(column).distinct().where(column > last).order_by(column).limit(_NAMES)
            names = connection.scalars(query).all()
            yield from names
            if len(names) < _NAMES:
                break
            last = names[-1]
