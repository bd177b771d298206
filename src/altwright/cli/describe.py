"""The command that describes files."""

from __future__ import annotations

import json
import stat
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from altwright import folders
from altwright.builders.describers import describers_of
from altwright.captions.pictures.decoding import prepare
from altwright.cli.common import json_option, printable
from altwright.describers.port import HINT_MOST, Description, Request, why_blank
from altwright.errors import AltwrightError, ConfigError, ImageUnusable
from altwright.processes.preparation import configured


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--language", default="en", show_default=True, help="BCP 47 tag.")
@click.option("--hint", default="", help="What you know of the picture.")
@json_option
def describe(pictures: tuple[Path, ...], language: str, hint: str, *, as_json: bool) -> None:
    """Describe picture files with the configured describer, to see how well it does.

    One that can't be described is named with the reason, and the others are described; then the
    exit code is 1.
    """
    if len(hint) > HINT_MOST:
        raise click.BadParameter(f"should be at most {HINT_MOST} characters", param_hint="--hint")
    settings = configured("WARNING")
    folders.verify(settings.data_dir, "DATA_DIR")
    wish = Request(language=language, hint=hint, max_length=settings.caption_max_length)
    failed = 0
    with closing(describers_of(settings)) as describer:
        able = describer.abilities
        if (hint and not able.takes_hint) or not able.writes(language):
            click.echo(able.limits(describer.name), err=True)
        for path in pictures:
            try:
                data = _content(path, settings.image_max_bytes)
                prepared = prepare(data, max_pixels=settings.image_max_pixels)
                said = describer.describe(prepared.picture, wish)
            except ConfigError:
                raise  # it would be the same for each
            except (AltwrightError, OSError) as error:
                failed += 1
                reason = error.strerror if isinstance(error, OSError) else error
                _print_failed(path, str(reason), as_json=as_json)
            else:
                _print_described(path, said, as_json=as_json)
                if prepared.picture.note:
                    click.echo(f"{printable(path)}: {prepared.picture.note}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _content(path: Path, max_bytes: int) -> bytes:
    """Return what is in a picture's file.

    Raises:
        ImageUnusable: it is larger than ``max_bytes``, or no regular file: a FIFO would be waited
            for, and a device may never end.
        OSError: it can't be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ImageUnusable("This isn't a regular file.")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ImageUnusable(f"The file is larger than {max_bytes:,} bytes (IMAGE_MAX_BYTES).")
    return data


def _json(line: dict[str, Any]) -> str:
    """Return a line of JSON: as people read it, escaped where the output can't hold that.

    Names of files need not be UTF-8.
    """
    readable = json.dumps(line, ensure_ascii=False)
    try:
        readable.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(line)
    return readable


def _print_failed(path: Path, reason: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(_json({"file": str(path), "error": reason}))
    click.echo(f"{printable(path)}: {printable(reason)}", err=True)


def _print_described(path: Path, said: Description, *, as_json: bool) -> None:
    if as_json:
        line = {"file": str(path), "text": said.text, "level": said.level}
        click.echo(_json({**line, "evidence": said.evidence}))
    else:
        level = f" [{said.level}]" if said.level else ""
        text = said.text or f"no text. {why_blank(said.evidence)}"
        click.echo(printable(f"{path}: {text}{level}"))
