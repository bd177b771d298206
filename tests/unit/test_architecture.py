"""docs/explanation/architecture.md shows the house as it is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "altwright"
PAGE = (ROOT / "docs/explanation/architecture.md").read_text()


def rooms(heading: str) -> list[set[str]]:
    """Return the names in the list below a heading, floor by floor."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^ {4}(\S.*?)(?: {2,}.*)$", section, re.MULTILINE)
    return [set(line.split(", ")) for line in lines]


@pytest.mark.parametrize(
    ("heading", "folder", "contract"),
    [("Rooms of the service", SOURCE, 0), ("Rooms of the engine", SOURCE / "tasks", 1)],
)
def test_the_rooms_are_those_of_the_contract(heading: str, folder: Path, contract: int) -> None:
    """Every module and package has its place, in the order that `lint-imports` holds."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = settings["tool"]["importlinter"]["contracts"][contract]["layers"]
    floors = [set(layer.split(" | ")) for layer in layers]
    assert rooms(heading) == [floor for floor in floors if floor != {"__main__"}]
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    hidden = {"__init__", "__main__", "__pycache__"}
    assert set().union(*rooms(heading)) == there - hidden


def test_each_rule_s_home_has_it() -> None:
    """The table of rules names what its modules define."""
    table = PAGE.split("## Where a rule stands\n")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 15
    module = ""
    for row in rows:
        names = re.findall(r"`([\w./]+)`", row)
        assert names[0].endswith(".py"), row
        for name in names:
            if name.endswith(".py"):
                module = (SOURCE / name).read_text()
            else:
                defined = rf"^ *(?:def|class) {name}\b|^[A-Z_, ]*\b{name}\b.* = "
                assert re.search(defined, module, re.MULTILINE), row


def test_the_way_of_a_task_is_the_code_s() -> None:
    """Each step names a function that its module has."""
    steps = PAGE.split("## One task's way\n")[1].split("\n## ")[0]
    module, functions = "", []
    for name in re.findall(r"`([\w./]+)`", steps):
        if name.endswith(".py"):
            module = (SOURCE / name).read_text()
        else:
            functions.append(name)
            assert re.search(rf"def {name}\(", module), name
    assert functions
