"""What is published of a run: tables in Markdown, put between marks of a page of the docs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.__main__ import processors

from altwright.evaluation.summary import COLUMNS, rows
from altwright.evaluation.verdict import Grade
from evaluation.checks import Accuracy

PAGE: Final = Path("docs") / "explanation" / "describing-quality.md"


def table(shown: Sequence[Mapping[str, str]], columns: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a table: its rows by columns with their headings."""
    widths = {
        name: max(len(heading), *(len(row[name]) for row in shown))
        for name, heading in columns.items()
    }
    for row in (columns, {name: "-" * width for name, width in widths.items()}, *shown):
        yield "| " + " | ".join(row[name].ljust(width) for name, width in widths.items()) + " |"


def checks_table(accuracy: Mapping[str, Accuracy]) -> list[str]:
    """Return the lines of a table on the checks."""
    columns = {
        "code": "check", "right": "found rightly", "false": "false alarms", "missed": "missed",
        "precision": "precision", "recall": "recall",
    }  # fmt: skip
    shown = [
        {
            "code": code,
            "right": str(one.right),
            "false": str(one.false_alarms),
            "missed": str(one.missed),
            "precision": _share(one.precision),
            "recall": _share(one.recall),
        }
        for code, one in accuracy.items()
    ]
    return list(table(shown, columns))


def misleading(pictures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each text that misleads."""
    return [
        f"- {one['file']} ({one['describer']}, {one['level'] or 'no level'}): "
        f"{'; '.join(one['reasons'])}. It said: {one['text']}"
        for one in pictures
        if one["grade"] == Grade.MISLEADING
    ] or ["- none"]


def write(root: Path, result: Mapping[str, Any], accuracy: Mapping[str, Accuracy]) -> None:
    """Put the figures of a run into the page, each between its marks."""
    path = root / PAGE
    text = path.read_text("utf-8")
    load = os.getloadavg()[0]
    made = f"`make eval` on {datetime.now(UTC):%d %B %Y}, {processors()}, load {load:.1f}"
    for name, figures in result["figures"].items():
        lines = [f"{made}:", "", *table(rows(figures), COLUMNS)]
        text = _put(text, name, lines)
        of_it = [one for one in result["pictures"] if one["describer"] == name]
        text = _put(text, f"{name} misleads", misleading(of_it))
    path.write_text(_put(text, "checks", checks_table(accuracy)), "utf-8")


def _put(text: str, mark: str, lines: Sequence[str]) -> str:
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{chr(10).join(lines)}\n{found[2]}", text)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
