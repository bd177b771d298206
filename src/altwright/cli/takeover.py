"""Take over a running Vedfolnir, and go back to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from altwright.bootstrap import Services
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.crypto import Box
from altwright.errors import ConfigError
from altwright.takeover.files import OldFiles
from altwright.takeover.old_database import OldDatabase
from altwright.takeover.report import OUTCOMES, Report
from altwright.takeover.run import Takeover

_REMARKS = {"table": "table", "what": "what", "rows": "rows", "ids": "ids"}
#: Ids of a remark that a table shows.
_SHOWN = 5


def _named(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str:
    if not url:
        raise click.UsageError(
            "Which database? Write its address, as in mysql://name:password@host/vedfolnir, or set "
            "VEDFOLNIR_DATABASE_URL."
        )
    return url


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Only say what would be done."),
        click.option(
            "--key",
            envvar="VEDFOLNIR_ENCRYPTION_KEY",
            help="Its PLATFORM_ENCRYPTION_KEY; default: this service's. Better in the environment "
            "(VEDFOLNIR_ENCRYPTION_KEY), since `ps` shows arguments to everybody.",
        ),
        click.argument("url", envvar="VEDFOLNIR_DATABASE_URL", required=False, callback=_named),
    ):
        command = decorate(command)
    return command


@click.group("import")
def import_() -> None:
    """Take over what another program has."""


@import_.command("vedfolnir")
@_options
@click.option("--same", multiple=True, metavar="NAME", help="Who is here already, and the same.")
@click.option("--stopped", is_flag=True, help="Vedfolnir is stopped: take its waiting tasks, too.")
@click.option(
    "--files",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Its folder of pictures, whose copies come along.",
)
def take_in(
    url: str,
    key: str | None,
    folder: Path | None,
    same: tuple[str, ...],
    *,
    stopped: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take users, accounts, tasks, pictures and texts from the Vedfolnir database at URL.

    Nothing is changed there. Run it while Vedfolnir works, as often as you like, and once more with
    --stopped. What was changed there since comes along; what was changed on both sides is named and
    stays. docs/how-to/take-over.md
    """
    report = _run(url, key, gives=False, same=same, stopped=stopped, dry_run=dry_run, folder=folder)
    _show(report, dry_run=dry_run, as_json=as_json)


@click.group()
def export() -> None:
    """Give back to another program what has been done here."""


@export.command("vedfolnir")
@_options
@click.option(
    "--stopped", is_flag=True, help="Altwright is stopped: hand over its waiting tasks, too."
)
def give_back(url: str, key: str | None, *, stopped: bool, dry_run: bool, as_json: bool) -> None:
    """Write what has changed here to the Vedfolnir database at URL, so that it can go on.

    What isn't carried: docs/how-to/take-over.md
    """
    report = _run(url, key, gives=True, stopped=stopped, dry_run=dry_run)
    _show(report, dry_run=dry_run, as_json=as_json)


def _run(
    url: str,
    key: str | None,
    *,
    gives: bool,
    dry_run: bool,
    folder: Path | None = None,
    **options: Any,
) -> Report:
    with opened() as services:
        old_box = box_of(services, key)
        with closing(OldDatabase.open(url, writes=gives and not dry_run)) as old:
            takeover = Takeover(
                services.database,
                old,
                box=services.box,
                old_box=old_box,
                files=_files(services, folder) if folder else None,
                dry_run=dry_run,
                **options,
            )
            report = takeover.give_back() if gives else takeover.take_in()
        if not dry_run and report.writes:
            what = "exported to vedfolnir" if gives else "imported from vedfolnir"
            services.audit.add(OPERATOR, what, detail=f"{report.writes} rows")
            services.queue.wake()
    return report


def _files(services: Services, folder: Path) -> OldFiles:
    settings = services.settings
    limits = PictureLimits(
        settings.image_max_bytes, settings.image_max_pixels, settings.image_timeout
    )
    return OldFiles(folder, services.pictures, limits)


def box_of(services: Services, key: str | None) -> Box:
    """Return what opens Vedfolnir's tokens. Raises ConfigError: the key is none."""
    try:
        return Box(key) if key else services.box
    except ValueError:
        raise ConfigError(["VEDFOLNIR_ENCRYPTION_KEY: should be a Fernet key"]) from None


def _show(report: Report, *, dry_run: bool, as_json: bool) -> None:
    data = report.to_json() | {"dry_run": dry_run}
    if as_json:
        show(data, as_json=True, columns={})
        return
    if dry_run:
        click.echo("Nothing was written; this is what would be done.")
    columns = {"table": "table", **{name: name for name in OUTCOMES}}
    show(data["tables"], as_json=False, columns=columns, empty="There is nothing.")
    click.echo()
    for one in data["remarks"]:
        one["ids"] = ", ".join(one["ids"][:_SHOWN]) + (" …" if one["rows"] > _SHOWN else "")
    show(data["remarks"], as_json=False, columns=_REMARKS, empty="Nothing to remark.")
