"""Counted nouns in texts that users and operators read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

#: What stands before a number that isn't exact.
AT_LEAST, MORE_THAN = "at least", "more than"
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


def listed(parts: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    if len(parts) < 2:  # noqa: PLR2004 - a list of one needs no "and"
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def duration(seconds: float) -> str:
    """Return about how long that is: "15 seconds", "16 minutes", "2.5 hours"."""
    if seconds < _FEW * _MINUTE_S and round(seconds) != _MINUTE_S:
        return counted(round(seconds), "second")
    if seconds < _FEW * _HOUR_S and round(seconds / _MINUTE_S) != _HOUR_S // _MINUTE_S:
        return counted(round(seconds / _MINUTE_S), "minute")
    return counted(float(f"{seconds / _HOUR_S:.2g}"), "hour")


class Count(int):
    """A number of tasks; one that isn't exact is the least that they are.

    ``bound``: "", AT_LEAST or MORE_THAN.
    """

    bound: str

    def __new__(cls, number: int, bound: str = "") -> Self:
        """Take the number, and what stands before it."""
        made = super().__new__(cls, number)
        made.bound = bound
        return made

    @classmethod
    def up_to(cls, most: int, number: int, *, is_exact: bool) -> Self:
        """Return what was found by counting no further than one more than ``most``."""
        if number > most:
            return cls(most, MORE_THAN)
        return cls(number, "" if is_exact else AT_LEAST)

    @property
    def is_exact(self) -> bool:
        """Return whether there are no more."""
        return not self.bound

    @property
    def words(self) -> str:
        """Return what people read: "231", "more than 50,000", "at least 7"."""
        return f"{self.bound} {self:,}".lstrip()

    @property
    def of_tasks(self) -> str:
        """Return the words with their noun."""
        return f"{self.words} {'task' if self == 1 else 'tasks'}"
