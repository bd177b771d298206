"""What goes wrong in the world costs one item; the page that says so is what a run does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fault_table import CASES, DOC, HEAD, Case, kept, run

from altwright.db.session import Database
from altwright.domain.task import Status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_does_what_the_page_says(case: Case, database: Database, tmp_path: Path) -> None:
    """Nothing is lost, and the row in docs/reference/faults.md is what came of it."""
    outcome, world = run(case, database, tmp_path)
    assert kept(case, outcome, world) == []
    assert outcome.task.status is not Status.QUEUED, "it has no end"
    section = DOC.read_text().partition(f"## {case.where}\n")[2].partition("\n## ")[0]
    assert outcome.row(case) in section.splitlines()


def test_the_page_has_no_other_rows() -> None:
    """One for each case, in their order; `python -m tests.fault_table` writes it."""
    rows: dict[str, list[str]] = {}
    for case in CASES:
        rows.setdefault(case.where, []).append(case.what)
    assert len(CASES) >= 60
    text = DOC.read_text()
    assert text.startswith(HEAD)
    assert [line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith("| ")] == [
        what for whats in rows.values() for what in ("fault", *whats)
    ]
