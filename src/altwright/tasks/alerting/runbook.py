"""What to do about each alert: sections of runbook.md, of which docs/how-to/alerts.md is a copy."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@cache
def _sections() -> dict[str, str]:
    text = resources.files(__package__).joinpath("runbook.md").read_text(encoding="utf-8")
    return {name: _LINK.sub(r"\1", words) for name, words in _SECTION.findall(text)}


def advice(name: str) -> str:
    """Return what to do about a rule's alert, as a paragraph with `code`; "": nothing is known."""
    return " ".join(_sections().get(name, "").split())
