"""Openings that say only that there is a picture, as every screen reader says itself."""

from __future__ import annotations

import re
from functools import cache

from altwright.describers.answers.language_patterns import PATTERNS, SHOWS

#: What is taken off a model's answer, for it can't be meant. "A picture of the Pope" may hang on a
#: wall, and a verb that follows a name is told by no pattern.
PICTURE_SHOWS = re.compile(rf"^(?:{SHOWS})\s(?=\w)", re.IGNORECASE)


def empty_opening(text: str, language: str) -> str:
    """Return the text's opening that says nothing; "" if it has none. ``language`` is ISO 639."""
    # English is looked for in every language: models fall back to it.
    for known in (language, "en"):
        pattern = _pattern(known)
        found = pattern.match(text) if pattern else None
        if found:
            return found[0].strip()
    return ""


@cache
def _pattern(language: str) -> re.Pattern[str] | None:
    known = PATTERNS.get(language)
    if known is None or not known.empty_opening:
        return None
    # No word boundary after scripts without spaces.
    return re.compile(rf"\s*(?:{known.empty_opening})(?:\b|(?<=[^\x00-\u2fff]))", re.IGNORECASE)
