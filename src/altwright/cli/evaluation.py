"""The command that measures how well describers describe pictures whose content is known."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console
from rich.progress import Progress

from altwright import config, folders
from altwright.builders.describers import describers_of
from altwright.cli.common import json_option, printable, show
from altwright.config import Settings
from altwright.describers.abilities import title
from altwright.describers.port import Describer
from altwright.errors import InvalidInput
from altwright.evaluation import references
from altwright.evaluation.page import page
from altwright.evaluation.references import Reference
from altwright.evaluation.summary import COLUMNS, by_kind, rows
from altwright.evaluation.trial import Judged, judged
from altwright.evaluation.verdict import Grade
from altwright.processes.preparation import configured
from altwright.setting_values import NONE, DescriberName


@click.command("eval")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--describer",
    "names",
    multiple=True,
    type=click.Choice(get_args(DescriberName)),
    help="Which one, set up as in the settings; may be given several times.  [default: DESCRIBER]",
)
@click.option(
    "--page",
    "page_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page with pictures, references and texts side by side.",
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What --json printed before: the table says what has changed since.",
)
@json_option
def eval_(
    folder: Path,
    names: tuple[str, ...],
    page_file: Path | None,
    compare: Path | None,
    *,
    as_json: bool,
) -> None:
    """Measure how well describers describe the pictures in FOLDER.

    FOLDER/references.toml says what each shows (docs/how-to/evaluate.md). Every text is judged by
    rules: names found, text read, chart values right, nothing false said. The table has a row for
    each kind of picture. Nothing is stored. If a describer fails on a picture, the exit code is 1.
    """
    settings = configured("ERROR")
    folders.verify(settings.data_dir, "DATA_DIR")
    wanted = references.read(folder)
    before = _before(compare)
    if left := references.left_out(folder, wanted):
        words = f"{len(left)} pictures without an entry are left out: {', '.join(left[:10])}"
        click.echo(printable(words), err=True)
    if page_file is not None:
        page_file.parent.mkdir(parents=True, exist_ok=True)
    outcomes: list[Judged] = []
    figures: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names or (settings.describer,)):
        alone = config.load(DESCRIBER=name, DESCRIBER_FALLBACKS=NONE)
        with closing(describers_of(alone)) as describer:
            of_it = _run(describer, folder, wanted, settings)
        outcomes += of_it
        figures[name] = by_kind(of_it)
    if as_json:
        result = {"figures": figures, "pictures": [one.to_json() for one in outcomes]}
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        _print_tables(figures, before, outcomes)
    if page_file is not None:
        page_file.write_text(page(outcomes, figures), "utf-8")
        click.echo(f"Side by side: {page_file}", err=True)
    if any(one.verdict.grade is Grade.FAILED for one in outcomes):
        raise click.exceptions.Exit(1)


def _run(
    describer: Describer, folder: Path, wanted: Sequence[Reference], settings: Settings
) -> list[Judged]:
    """Describe all; a bar at a terminal, a line for each tenth elsewhere, on stderr."""
    found: list[Judged] = []
    work = judged(
        describer,
        folder,
        wanted,
        max_length=settings.caption_max_length,
        max_pixels=settings.image_max_pixels,
    )
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title(describer.name), total=len(wanted))
        for one in work:
            found.append(one)
            progress.advance(bar)
            if not sys.stderr.isatty() and 10 * len(found) // len(wanted) > (
                10 * (len(found) - 1) // len(wanted)
            ):
                click.echo(f"{describer.name}: {len(found)} of {len(wanted)} pictures", err=True)
            if one.verdict.grade is Grade.FAILED:
                click.echo(printable(f"{one.reference.file}: {one.beside}"), err=True)
    return found


def _before(path: Path | None) -> Mapping[str, Any]:
    """Return the figures by describer that were printed before."""
    if path is None:
        return {}
    try:
        match json.loads(path.read_text("utf-8")):
            case {"figures": dict(figures)}:
                return figures
    except ValueError:
        pass
    raise InvalidInput(f"{path} isn't what `altwright eval FOLDER --json` prints.")


def _print_tables(
    figures: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Any],
    outcomes: Sequence[Judged],
) -> None:
    for name, of in figures.items():
        click.echo(f"{title(name)[0].upper()}{title(name)[1:]}")
        show(rows(of, before.get(name)), as_json=False, columns=dict(COLUMNS))
        for one in outcomes:
            if one.describer == name and one.verdict.grade is Grade.MISLEADING:
                sure = "misleads, and was sure" if one.is_sure else "misleads"
                words = f"{one.reference.file} {sure}: {'; '.join(one.verdict.reasons)}"
                click.echo(printable(words))
