"""Counted nouns in texts that users and operators read."""

from __future__ import annotations

import re

#: Seconds of a minute and an hour.
_MINUTE_S, _HOUR_S = 60, 3600
#: How many of a unit are said before the next larger one is.
_FEW = 1.5
_HISSES = re.compile(r"(s|x|z|ch|sh)$")


def counted(count: float, noun: str) -> str:
    """Return "1 picture", "1,200 pictures" or "2 processes"."""
    shown = f"{count:,}" if isinstance(count, int) else f"{count:,g}"
    if count == 1:
        return f"{shown} {noun}"
    return f"{shown} {noun}{'es' if _HISSES.search(noun) else 's'}"


def duration(seconds: float) -> str:
    """Return about how long that is: "15 seconds", "16 minutes", "2.5 hours"."""
    if seconds < _FEW * _MINUTE_S and round(seconds) != _MINUTE_S:
        return counted(round(seconds), "second")
    if seconds < _FEW * _HOUR_S and round(seconds / _MINUTE_S) != _HOUR_S // _MINUTE_S:
        return counted(round(seconds / _MINUTE_S), "minute")
    return counted(float(f"{seconds / _HOUR_S:.2g}"), "hour")
