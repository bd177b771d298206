"""Whole numbers that a form or an address gives: any text may come, of any length."""

from __future__ import annotations


def whole_number(text: str, most: int) -> int | None:
    """Return a number from 0 to ``most``; None: the text is none such."""
    text = text.strip()
    # Python reads no number of thousands of digits, and no database stores one.
    if not text.isdecimal() or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None
