"""Pages that operators read when something is wrong: their commands work as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.support_pages import ROOT, commands_in
from tests.support_service import Service

PAGE = "docs/how-to/troubleshooting.md"
#: Commands that say by exit code 2 that something is wrong: here no model and no channel is there.
MAY_FIND = {"altwright check", "altwright alert test"}


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    """On a new service, without anything running, and without a word from Python."""
    service = Service(tmp_path)
    assert service.command("user", "create", "anna", typed="correct horse\n").returncode == 0
    found = sorted(set(commands_in(PAGE)))
    assert len(found) > 10
    for line in found:
        program, *arguments = shlex.split(line)
        assert program == "altwright", line
        done = service.command(*arguments)
        assert done.returncode in ({0, 2} if line in MAY_FIND else {0}), f"{line}: {done.stderr}"
        assert "Traceback" not in done.stderr, line


def test_each_symptom_says_how_to_see_it_and_what_to_do() -> None:
    """A section without one of both helps nobody."""
    _, *sections = re.split(r"^## ", (ROOT / PAGE).read_text(), flags=re.MULTILINE)
    for section in sections:
        title = section.partition("\n")[0]
        assert "**See**" in section, title
        assert "```\naltwright" in section, title
        assert "**Do**" in section or title.startswith("Something was done"), title
