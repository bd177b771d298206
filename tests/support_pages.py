"""The commands that pages and files for operators name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from altwright.cli.main import altwright

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^ *```(?:sh)?\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
#: What a line of a block begins with that is no command: a setting of a file, or of a shell.
_NO_COMMAND = re.compile(r"#|export |\w+=|$")


def commands_in(page: str) -> list[str]:
    """Return the lines of a page's blocks that are commands, as typed, in their order."""
    lines: list[str] = []
    for block in _BLOCK.findall((ROOT / page).read_text()):
        whole = re.sub(r" *\\\n *", " ", block)
        typed = (re.sub(r" {2,}#.*", "", line).strip() for line in whole.splitlines())
        lines += [line for line in typed if not _NO_COMMAND.match(line)]
    return lines


def is_ours(line: str) -> bool:
    """Return whether a line runs `altwright`."""
    return line.startswith(("altwright ", ".venv/bin/altwright "))


def parsed(line: str) -> tuple[list[str], list[str]]:
    """Return a line's commands, and what they are given; fails at what is unknown."""
    words, named = shlex.split(line)[1:], list[str]()
    command: click.Command = altwright
    context = click.Context(command, info_name="altwright")
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, line
        context = click.Context(found, context, words[0])
        named.append(words.pop(0))
        command = found
    try:
        command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        raise AssertionError(f"{line}: {error.format_message()}") from error
    return named, words


def command_of(line: str) -> str:
    """Return the words of a line that are commands and options, without what these are given."""
    named, words = parsed(line)
    return " ".join([*named, *sorted(word for word in words if word.startswith("--"))])
