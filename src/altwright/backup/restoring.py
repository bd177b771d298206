"""Puts a backup back: into the database that the settings name, of whatever kind, and DATA_DIR.

It is read twice: once to see that it is whole, then to restore it. Rows are replaced in one
transaction, which compares what came of them with the backup before it commits.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.engine import Connection

from altwright.backup import making, rows
from altwright.backup.archive import ArchiveReader, Manifest, PictureFile, Rows, Totals
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database, translated
from altwright.db.tables import UserRow
from altwright.errors import AltwrightError, Conflict, InvalidInput
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.execution.dispatcher import EPOCH
from altwright.tasks.store.expired_leases import Rescuer

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
    overwrite: bool,
    progress: making.Progress,
) -> tuple[Manifest, Totals]:
    """Put everything back; running tasks are begun again by whichever workers come first.

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
    if migrate.current(database.engine) not in {None, manifest.migration}:
        # Rows that would be converted for nothing, or could not be.
        with translated(), database.engine.begin() as connection:
            _empty(connection)
    migrate.bring_to(database.engine, manifest.migration)
    with path.open("rb") as file:
        reader = ArchiveReader(file, box)
        with translated(), database.engine.begin() as connection:
            _fill(connection, reader, pictures, progress)
    migrate.upgrade(database.engine)
    Rescuer(database).give_back_all("the database was restored from a backup")
    # What lies in Redis is of another time: another epoch lets tasks be dispatched again.
    ServiceState(database).set(EPOCH, secrets.token_hex(8))
    return manifest, reader.totals


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
