"""What an address asks for, by one rule on every page: what can't be is said, and nothing shown.

A filter that were passed over would make a list longer than its reader believes it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T", bound=str)


def given(asked: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return what an address says of ``names``; what is left empty asks for nothing."""
    return {name: asked[name] for name in names if asked.get(name)}


def faults(given: Mapping[str, str], known: Mapping[str, object]) -> dict[str, str]:
    """Return which names have a value that nothing is known by (None), and what is wrong there."""
    return {name: "there is none like that" for name in given if known[name] is None}


def one_of(known: Iterable[T], value: str | None) -> T | None:
    """Return which of the words a value is."""
    return next((one for one in known if one == value), None)


def instant(text: str | None) -> datetime | None:
    """Return a moment in ISO 8601, in UTC where it names no zone; None: it is none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
