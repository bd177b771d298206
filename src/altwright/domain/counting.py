"""Counted nouns in texts that users and operators read."""

from __future__ import annotations

import re

_HISSES = re.compile(r"(s|x|z|ch|sh)$")


def counted(count: float, noun: str) -> str:
    """Return "1 picture", "1,200 pictures" or "2 processes"."""
    shown = f"{count:,}" if isinstance(count, int) else f"{count:,g}"
    if count == 1:
        return f"{shown} {noun}"
    return f"{shown} {noun}{'es' if _HISSES.search(noun) else 's'}"
