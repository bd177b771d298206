"""A copy of everything, and the way back from it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from altwright import folders
from altwright.accounts import key_check
from altwright.backup import making, restoring
from altwright.backup.archive import Manifest, Totals
from altwright.captions.pictures.picture_files import PictureStore
from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db.session import Database, make_engine
from altwright.errors import ConfigError
from altwright.processes.preparation import configured
from altwright.processes.serve import alone
from altwright.tasks.audit_log import Audit

_COLUMNS = {
    "file": "file",
    "bytes": "bytes",
    "made_at": "made at",
    "rows": "rows",
    "pictures": "pictures",
    "missing_pictures": "without file",
}
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("target", metavar="FILE|FOLDER", type=_PATH)
@click.option("--check", "only_check", is_flag=True, help="Read FILE and say whether it is whole.")
@json_option
def backup(target: Path, *, only_check: bool, as_json: bool) -> None:
    """Copy database and pictures into one encrypted file, as of one moment, while all runs.

    In a FOLDER, which is made if need be, it gets a name with date and time; a FILE's name has an
    ending, as .backup. It is encrypted with PLATFORM_ENCRYPTION_KEY, which isn't in it: keep the
    key elsewhere. Models aren't in it either.
    """
    if only_check:
        settings = configured("ERROR")
        with _progress("reading") as progress:
            manifest, totals = making.check(target, _box(settings), progress)
        _show(target, manifest, totals, as_json=as_json)
        return
    with opened() as services:
        path = _named(target)
        with _progress("writing") as progress:
            making.make(services.database, services.pictures, services.box, path, progress)
        with _progress("reading") as progress:
            manifest, totals = making.check(path, services.box, progress)
        services.audit.add(OPERATOR, "backup made", path.name, f"{totals.rows} rows")
    _show(path, manifest, totals, as_json=as_json)


@click.command()
@click.argument("file", metavar="FILE", type=_PATH)
@click.option("--overwrite", is_flag=True, help="Replace what the database holds.")
@json_option
def restore(file: Path, *, overwrite: bool, as_json: bool) -> None:
    """Put a backup back into the database of DATABASE_URL, of whatever kind, and DATA_DIR.

    Stop everything first. What ran when it was made is begun again when the service starts.
    """
    settings = configured("ERROR")
    box = _box(settings)
    folders.prepare(settings.data_dir, "DATA_DIR")
    engine = make_engine(settings.resolved_database_url)
    with alone(settings.run_dir), closing(Database(engine)) as database:
        with _progress("reading, then writing") as progress:
            manifest, totals = restoring.restore(
                database,
                PictureStore(settings.media_dir),
                box,
                file,
                folder=settings.data_dir,
                overwrite=overwrite,
                progress=progress,
            )
        Audit(database).add(OPERATOR, "backup restored", file.name, f"made at {manifest.made_at}")
    _show(file, manifest, totals, as_json=as_json)


def _box(settings: Settings) -> Box:
    """Return what opens a backup; no key is made for it. Raises ConfigError: there is none."""
    kept = settings.data_dir / key_check.KEY_FILE
    try:
        return Box(settings.platform_encryption_key or kept.read_text("ascii").strip())
    except FileNotFoundError:
        where = f"here or in {kept.absolute()}"
        raise ConfigError(
            [f"PLATFORM_ENCRYPTION_KEY: missing; give the key that encrypted the backup, {where}"]
        ) from None
    except OSError as error:
        raise folders.unusable(kept, "DATA_DIR", error) from error
    except ValueError:
        raise ConfigError([f"DATA_DIR: {kept.absolute()} holds no key"]) from None


def _named(target: Path) -> Path:
    """Return the file to write. A name without an ending is a folder's, or each night would refuse.

    Raises ConfigError: the folder can't be made.
    """
    if not target.is_dir():
        if target.suffix or target.exists():
            return target
        folders.prepare(target, "FOLDER")
    return target / f"altwright-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"


@contextmanager
def _progress(what: str) -> Iterator[making.Progress]:
    """Show how far it is, at a terminal."""
    with click.progressbar(
        length=1, label=what, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield progress


def _show(path: Path, manifest: Manifest, totals: Totals, *, as_json: bool) -> None:
    row: dict[str, Any] = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "migration": manifest.migration,
        "rows": totals.rows,
        "pictures": totals.pictures,
        "missing_pictures": totals.missing_pictures,
    }
    show(row, as_json=as_json, columns=_COLUMNS)
