"""Puts a backup back: into the database that the settings name, of whatever kind, and DATA_DIR.

It is read twice: once to see that it is whole, then to restore it. Rows are replaced in one
transaction, which compares what came of them with the backup before it commits: whoever is killed
meanwhile leaves all that was there. An older version's rows are brought up to date beside first.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine

from altwright.backup import making, rows
from altwright.backup.archive import ArchiveReader, Manifest, PictureFile, Rows, Totals
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database, make_engine, translated
from altwright.db.tables import UserRow
from altwright.errors import AltwrightError, Conflict, InvalidInput
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.service_state import put
from altwright.tasks.execution.dispatcher import EPOCH
from altwright.tasks.store.expired_leases import give_back_all

#: The folder in which rows of an older version are brought up to date.
BESIDE = "restoring"

IN_USE = (
    "Processes of Altwright are at work on this database ({}). Stop them first; one that was "
    "killed is forgotten within a minute."
)
NOT_EMPTY = (
    "The database isn't empty: it has users. `--overwrite` puts the backup in the place of all "
    "that is in it."
)


def restore(
    database: Database,
    pictures: PictureStore,
    box: Box,
    path: Path,
    *,
    folder: Path,
    overwrite: bool,
    progress: making.Progress,
) -> tuple[Manifest, Totals]:
    """Put everything back; running tasks are begun again by whichever workers come first.

    ``folder``: where there is room for the rows of an older version, DATA_DIR.

    Raises:
        ConfigError: another key has encrypted it, or the tables are a newer program's.
        InvalidInput: it is damaged, or a newer program has made it.
        Conflict: somebody works on the database, or it holds something that isn't to go.
        DatabaseUnavailable: the database doesn't answer.
        OSError: the file can't be read, or pictures can't be written.
    """
    manifest, _ = making.check(path, box, progress)
    if not migrate.is_known(manifest.migration):
        raise InvalidInput(
            f"The backup was made by a newer Altwright ({manifest.version}, tables "
            f"{manifest.migration}). Install that version, or a later one."
        )
    _refuse_what_is_used(database, overwrite=overwrite)
    # What is there stays until the rows are replaced, so it is brought up to date as ever.
    migrate.upgrade(database.engine)
    with path.open("rb") as file:
        reader = ArchiveReader(file, box)
        if manifest.migration == migrate.head():
            with translated(), database.engine.begin() as connection:
                _fill(connection, reader, pictures, progress)
                _begin_anew(connection)
            return manifest, reader.totals
        with _beside(folder) as older:
            migrate.upgrade(older, manifest.migration)
            with translated(), older.begin() as connection:
                _fill(connection, reader, pictures, progress)
            migrate.upgrade(older)
            with translated(), older.connect() as source, database.engine.begin() as connection:
                _copy(source, connection)
                _begin_anew(connection)
    return manifest, reader.totals


@contextmanager
def _beside(folder: Path) -> Iterator[Engine]:
    """Open an empty database that goes again; what a killed one has left goes first."""
    path = folder / BESIDE
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    engine = make_engine(f"sqlite:///{path}/rows.db")
    try:
        yield engine
    finally:
        engine.dispose()
        shutil.rmtree(path, ignore_errors=True)


def _refuse_what_is_used(database: Database, *, overwrite: bool) -> None:
    stand = migrate.tables(database.engine)
    migrate.refuse_others(stand)
    if stand is migrate.Tables.NONE:
        return
    if owners := Leases(database).owners():
        raise Conflict(IN_USE.format(", ".join(owners)))
    with database.connect() as connection:
        has_users = connection.scalar(select(UserRow.id).limit(1)) is not None
    if has_users and not overwrite:
        raise Conflict(NOT_EMPTY)


def _fill(
    connection: Connection,
    reader: ArchiveReader,
    pictures: PictureStore,
    progress: making.Progress,
) -> None:
    """Replace all rows, and compare them with the backup. Raises AltwrightError: they differ."""
    _empty(connection)
    tables = rows.reflected(connection)
    columns: dict[str, tuple[str, ...]] = {}
    total = reader.manifest.rows + reader.manifest.pictures
    for one in reader.contents():
        match one:
            case PictureFile():
                pictures.put(one.data, one.name.rpartition(".")[2])
            case Rows():
                columns[one.table] = one.columns
                rows.insert(connection, tables[one.table], one.columns, one.rows)
        progress(reader.totals.rows + reader.totals.pictures, total)
    _compare(connection, tables, columns, reader.totals)
    rows.number_on(connection, tables)


def _copy(source: Connection, target: Connection) -> None:
    """Replace all rows by those of another database. Raises AltwrightError: they differ then."""
    _empty(target)
    tables, totals = rows.reflected(target), Totals()
    columns: dict[str, tuple[str, ...]] = {}
    for name, table in rows.reflected(source).items():
        columns[name] = tuple(rows.columns_of(table))
        for part in rows.parts(source, table, columns[name]):
            rows.insert(target, tables[name], columns[name], part)
            totals.tables[name].add(part)
    _compare(target, tables, columns, totals)
    rows.number_on(target, tables)


def _begin_anew(connection: Connection) -> None:
    """Let nobody go on where they were when the backup was made."""
    give_back_all(connection, "the database was restored from a backup")
    # What lies in Redis is of another time: another epoch lets tasks be dispatched again.
    put(connection, EPOCH, secrets.token_hex(8))


def _compare(
    connection: Connection,
    tables: Mapping[str, sa.Table],
    columns: Mapping[str, tuple[str, ...]],
    wanted: Totals,
) -> None:
    for name, names in columns.items():
        found = rows.Sum()
        for part in rows.parts(connection, tables[name], names):
            found.add(part)
        if found != wanted.tables[name]:
            raise AltwrightError(
                f"The rows of {name} aren't what the backup holds; nothing was changed."
            )


def _empty(connection: Connection) -> None:
    for table in reversed(list(rows.reflected(connection).values())):
        connection.execute(sa.delete(table))
