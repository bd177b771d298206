"""A text as a draft takes it: cleaned, and checked where a person wants it published."""

from __future__ import annotations

from altwright.errors import InvalidInput
from altwright.text import UNSTORABLE, clean_text

#: Characters of a text that are kept; servers take 1,500 to 10,000, and what is longer is refused
#: by its account's limit.
LONGEST_TEXT = 20_000


def clean(text: str) -> str:
    """Return a text as it is stored: made safe, no blanks around it."""
    return clean_text(text, LONGEST_TEXT).strip()


def typed(text: str) -> str:
    """Clean what a person sent; refuse what no keyboard sends rather than change it unseen."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _wrong_text(UNSTORABLE) from None
    return clean(text)


def check_length(text: str, max_length: int) -> None:
    """Check a text that a person wants published. Raises InvalidInput."""
    if not text.strip():
        raise _wrong_text("is empty")
    if len(text) > max_length:
        raise _wrong_text(f"has {len(text):,} characters; the server takes at most {max_length:,}")


def _wrong_text(fault: str) -> InvalidInput:
    return InvalidInput(f"The text {fault}.", {"text": fault})
