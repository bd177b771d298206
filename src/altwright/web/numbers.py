"""Numbers that addresses and forms name."""

from __future__ import annotations

from altwright.db.tables import ID_MOST


def whole_number(text: str, most: int = ID_MOST) -> int | None:
    """Return a number in digits from 0 to ``most``; None: the text is no such number.

    Python reads none of thousands of digits, and databases take none beyond ID_MOST.
    """
    if not text.isdecimal() or len(text) > len(str(ID_MOST)):
        return None
    number = int(text)
    return number if number <= most else None
