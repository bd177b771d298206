"""The reference pages follow from the code, and every link in the docs leads somewhere."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import required

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def test_settings_commands_errors_states_and_routes_are_documented() -> None:
    """`make docs` would change nothing: what is in the code is in the reference."""
    check = [sys.executable, "scripts/reference.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    """No page links to a file that isn't there."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_contributors_are_sent_to_what_there_is() -> None:
    """Every file, folder, make target and function that CONTRIBUTING.md names exists."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    names = set(re.findall(r"`([^`\n]+)`", text))
    paths = {name for name in names if "/" in name or name.endswith((".py", ".md", ".toml"))}
    assert len(paths) > 40
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
    makefile = (ROOT / "Makefile").read_text()
    typed = re.findall(r"(?:^|`)make ([a-z -]+?)(?: {2,}#|`)", text, re.MULTILINE)
    targets = {target for line in typed for target in line.split()}
    assert {one for one in targets if not re.search(rf"^{one}:", makefile, re.MULTILINE)} == set()
    bootstrap = (ROOT / "src/altwright/bootstrap.py").read_text()
    functions = {name for name in names if name.endswith("_of")}
    assert {one for one in functions if f"def {one}(" not in bootstrap} == set()


def test_each_requirement_that_holds_names_tests_that_exist() -> None:
    """A row of docs/requirements.md names module and test files that are there."""
    rows = re.findall(
        r"^\| (\d+\.\d+) \|[^|]*\|([^|]*)\|",
        (ROOT / "docs/requirements.md").read_text(),
        re.MULTILINE,
    )
    assert {number for number, _ in rows} == required()
    for number, paths in rows:
        for path in re.findall(r"`(tests/[^`]+)`", paths):
            assert (ROOT / path).exists(), f"{number}: {path}"


def test_every_picture_is_one_that_the_product_made() -> None:
    """`make pictures` takes them from a running demo; none is drawn, or edited, by hand."""
    made = json.loads((ROOT / "docs/pictures.json").read_text())
    endings = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}
    found = {
        str(path.relative_to(ROOT / "docs")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / "docs").rglob("*")
        if path.suffix.lower() in endings
    }
    assert found == {name: one["sha256"] for name, one in made.items()}


def test_decisions_are_short() -> None:
    """A decision is context, choice, cost and what would change it, on one page."""
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text()
        assert len(text.splitlines()) <= 40, page.name
        for part in ("**Context.**", "**Cost.**", "**What would change it.**"):
            assert part in text or page.name.startswith("0002"), f"{page.name}: {part}"
