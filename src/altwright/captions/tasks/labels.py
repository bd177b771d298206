"""How tasks name pictures and count them, for people."""

from __future__ import annotations

import re
from datetime import datetime

from altwright.domain.counting import counted

#: Characters of a post that its label quotes.
LABEL_CHARACTERS = 60
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}
_TEENS = range(11, 14)


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "11th"."""
    in_teens = number % 100 in _TEENS
    return f"{number}{'th' if in_teens else _ORDINALS.get(number % 10, 'th')}"


def day_words(at: datetime) -> str:
    """Return "3 May 2026"."""
    return f"{at.day} {at:%B %Y}"


def post_label(text: str, posted_at: datetime) -> str:
    """Return 'post of 3 May 2026: “first words …”'."""
    words = re.sub(r"\s+", " ", text).strip()
    if len(words) > LABEL_CHARACTERS:
        words = words[:LABEL_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:.") + " …"
    day = f"post of {day_words(posted_at)}"
    return f"{day}: “{words}”" if words else day


def picture_label(text: str, posted_at: datetime, position: int, of: int) -> str:
    """Return '1st picture of the post of …'; ``position`` counts from 1."""
    which = f"{ordinal(position)} picture" if of > 1 else "Picture"
    return f"{which} of the {post_label(text, posted_at)}"


def tally(done: str, of: int, noun: str, *, skipped: int, failed: int) -> str:
    """Return "Described 12 of 14 pictures; 1 skipped, 1 failed."; ``done`` is its beginning."""
    rest = [
        f"{count:,} {what}" for count, what in ((skipped, "skipped"), (failed, "failed")) if count
    ]
    return f"{done} of {counted(of, noun)}{'; ' if rest else ''}{', '.join(rest)}."
