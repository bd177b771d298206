"""Gaps within a recognised line: what stands apart there isn't one number.

Icons are nothing to the recogniser: of the counts below a post, "12", "148" between two of them,
it makes 12148.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

#: Steps of the recogniser (an eighth of a line's height each) from one character to the next from
#: which on something is between them, and how many times as many as usual these are.
_APART: Final = (5.0, 1.6)
#: What is written between numbers that stand apart.
APART: Final = " \N{MIDDLE DOT} "


def spaced(text: str, places: Sequence[tuple[str, int]]) -> str:
    """Return a line with a dot between digits that are far apart, a space between them and letters.

    ``places`` are its characters without its spaces, each with its step from the left.
    """
    if [character for character, _ in places] != [c for c in text if not c.isspace()]:
        return text
    steps = [after - before for (_, before), (_, after) in pairwise(places)]
    usual = median(steps or [0])
    told, at = "", -1
    for place, character in enumerate(text):
        if not character.isspace():
            at += 1
            pair = text[place - 1 : place + 1] if place else ""
            if pair.isalnum() and pair.isascii() and any(map(str.isdecimal, pair)) and at:
                least, times = _APART
                if steps[at - 1] >= max(least, times * usual):
                    told += APART if pair.isdecimal() else " "
        told += character
    return told
