"""The reference pages follow from the code, and every link in the docs leads somewhere."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from scripts.requirements import clauses, proofs, requirements

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
#: SHA-256 of the lines "number words" of all requirements, as the project was given them.
AGREED = "c4ea7865e099744424511ad9d2ead036543b47aebe6e5ad908e1fb5da6c05987"


def test_settings_commands_errors_states_and_routes_are_documented() -> None:
    """`make docs` would change nothing: what is in the code is in the reference."""
    check = [sys.executable, "scripts/reference.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    """No page links to a file that isn't there."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_requirements_are_whole_and_word_for_word() -> None:
    """All of 1.1 to 11.6 are there, with every word and figure that they were agreed on with."""
    listed = requirements()
    per_chapter = Counter(int(one.number.partition(".")[0]) for one in listed)
    assert dict(per_chapter) == dict(enumerate((5, 6, 6, 6, 5, 8, 5, 5, 5, 5, 6), 1))
    assert [one.number for one in listed] == [
        f"{chapter}.{n}" for chapter, count in per_chapter.items() for n in range(1, count + 1)
    ]
    words = "\n".join(f"{one.number} {one.text}" for one in listed)
    assert hashlib.sha256(words.encode()).hexdigest() == AGREED, "a requirement's words differ"


def test_each_clause_has_its_proof_and_each_mark_its_clause() -> None:
    """No clause loses its last test, no mark names what isn't there; times are left to commands."""
    known = {clause.name: clause for clause in clauses()}
    assert len(known) == len(clauses()), "two clauses of a number have one name"
    marked = proofs()
    assert {name: marked[name] for name in marked if name not in known} == {}
    assert [one.name for one in clauses() if one.is_for_tests and one.name not in marked] == []
    measured = [one for one in clauses() if one.command or one.promises or one.see]
    assert [one.name for one in measured if one.name in marked] == []


def test_what_the_requirements_point_to_is_there() -> None:
    """Modules, numbers, commands, and the page on which a measured figure is recorded."""
    numbers = {one.number for one in requirements()}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for one in requirements():
        for module in one.modules:
            assert (ROOT / "src" / "altwright" / module).is_file(), f"{one.number}: {module}"
    speed = (ROOT / "docs/explanation/benchmarks.md").read_text()
    for clause in clauses():
        assert [one for one in clause.promises if f"| {one} |" not in speed] == [], clause.name
        assert not clause.see or clause.see in numbers, clause.name
        assert not clause.command or clause.command.removeprefix("make ") in targets, clause.name
        assert bool(clause.command) == bool(clause.measured) == bool(clause.recorded), clause.name
        if clause.recorded:
            page = FIGURE.findall((ROOT / clause.recorded).read_text())
            lost = set(FIGURE.findall(clause.measured)) - set(page)
            assert not lost, f"{clause.name}: {clause.recorded} doesn't have {lost}"


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
    modules = ("bootstrap.py", "builders/options.py")
    code = "".join((ROOT / "src/altwright" / name).read_text() for name in modules)
    functions = {name for name in names if name.endswith("_of")}
    assert {one for one in functions if f"def {one}(" not in code} == set()


def test_every_picture_is_one_that_the_product_made() -> None:
    """`make pictures` takes them from a running demo, `make docs` draws charts; none is by hand."""
    made = json.loads((ROOT / "docs/pictures.json").read_text())
    page = (ROOT / "docs/explanation/benchmarks.md").read_text()
    charts = {f"explanation/{name}" for name in re.findall(r"\]\((benchmarks/[^)]+\.svg)\)", page)}
    endings = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}
    found = {
        str(path.relative_to(ROOT / "docs")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / "docs").rglob("*")
        if path.suffix.lower() in endings
    }
    assert charts <= found.keys()
    pictures = {name: digest for name, digest in found.items() if name not in charts}
    assert pictures == {name: one["sha256"] for name, one in made.items()}


def test_decisions_are_short() -> None:
    """A decision is context, choice, cost and what would change it, on one page."""
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text()
        assert len(text.splitlines()) <= 40, page.name
        for part in ("**Context.**", "**Cost.**", "**What would change it.**"):
            assert part in text or page.name.startswith("0002"), f"{page.name}: {part}"
