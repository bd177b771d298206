"""Pages that operators read when something is wrong: their commands work as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from tests.support_service import Service

from altwright.cli.main import altwright

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/troubleshooting.md"
#: Commands that say by exit code 2 that something is wrong: here no model and no channel is there.
MAY_FIND = {"altwright check", "altwright alert test"}
PAGES = sorted(path.name for path in (ROOT / "docs/how-to").glob("*.md"))


def commands(text: str) -> list[str]:
    """Return the lines of a page's blocks that are commands of ours, each once."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return sorted({line for block in blocks for line in block.splitlines()})


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    """On a new service, without anything running, and without a word from Python."""
    service = Service(tmp_path)
    assert service.command("user", "create", "anna", typed="correct horse\n").returncode == 0
    found = commands(PAGE.read_text())
    assert len(found) > 10
    for line in found:
        program, *arguments = shlex.split(line)
        assert program == "altwright", line
        done = service.command(*arguments)
        assert done.returncode in ({0, 2} if line in MAY_FIND else {0}), f"{line}: {done.stderr}"
        assert "Traceback" not in done.stderr, line


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_a_page_names_exists(name: str) -> None:
    """With the words that follow it, as far as they are commands."""
    text = (ROOT / "docs/how-to" / name).read_text().replace("\n", " ")
    for named in re.findall(r"`altwright ([a-z][^`]*)`", text):
        command: click.Command = altwright
        for word in named.split():
            if not isinstance(command, click.Group):
                break
            context = click.Context(command)
            following = command.get_command(context, word)
            assert following is not None, f"{name}: altwright {named}"
            command = following


def test_each_symptom_says_how_to_see_it_and_what_to_do() -> None:
    """A section without one of both helps nobody."""
    _, *sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    for section in sections:
        title = section.partition("\n")[0]
        assert "**See**" in section, title
        assert "```\naltwright" in section, title
        assert "**Do**" in section or title.startswith("Something was done"), title
