"""Numbers that say nothing where they are read: an axis', a calendar's, a heat map's.

In a sentence a tick label stands beside a legend's name, as if it were its value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Final

from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import rows, values_of_labels
from altwright.describers.offline.vision.written_numbers import is_number

#: A price, and digits of which the last may be cents; so many times as high as the usual line.
_PRICE: Final = re.compile(r"\d[.,]\d\d(?!\d)")
_DIGITS: Final = re.compile(r"^\d{3,}\W*$")
_LARGE: Final = 2.0
#: Numbers of a row or of a column of even steps, at least; where a title runs upwards, too.
_LEAST: Final = 3
_LEAST_ON_AXIS: Final = 2
#: Share of a column's numbers that belong to what they stand beside, from which on all do.
_BESIDE: Final = 0.8
#: How near a number is to what it belongs to, in its heights.
_NEAR: Final = 1.5
#: How far a column's steps may be off a multiple of the least, as a share of it, and how flush it
#: is in line heights.
_EVEN: Final = 0.25
_FLUSH: Final = 0.6

#: Heads of columns, at least, and the share of their row that has numbers below; how far a number's
#: end is off its head, in its heights.
_HEADS: Final = 5
_ABOVE: Final = 0.7
_COLUMN: Final = 2.0
#: How far below another number one may be that says something of it, an icon between, in heights.
_UNDER: Final = 4.0


def find(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that are numbers with nothing beside them that they belong to."""
    labelled = values_of_labels(rows(lines))
    numbers = [o for o in lines if is_number(o.text) and o not in labelled]
    has_axis = any(line.is_upright for line in lines)
    least = _LEAST_ON_AXIS if has_axis else _LEAST
    beside = {id(line): _words_beside(line, lines, numbers) for line in numbers}
    found: list[Line] = []
    for row in rows(numbers):
        words = sum(beside[id(line)] for line in row) / len(row)
        if len(row) >= _LEAST or (len(row) == _LEAST_ON_AXIS and has_axis and not words):
            found += row
    for anchor in numbers:
        column = _column(anchor, numbers)
        told = mean(beside[id(line)] == 1 for line in column)
        if len(column) >= least and told < _BESIDE and _is_even(column):
            found += column
    shares = [line for line in numbers if "%" in line.text]
    lone = [line for line in shares if _is_lone(line, lines)]
    found += lone if len(lone) >= _LEAST_ON_AXIS else []
    if sum(line in found for line in shares) >= _LEAST_ON_AXIS:  # as the others above bars
        found += [line for line in shares if not beside[id(line)]]
    # What stands below them was to be read with them: of hours, the temperature.
    found += [n for n in numbers if n not in labelled and any(_is_under(n, o) for o in found)]
    found += _prices(lines)
    return [line for line in lines if line in found]


def heads(words: Sequence[Line], numbers: Sequence[Line]) -> list[Line]:
    """Return the words of a row that stand above columns of such numbers, a calendar's days.

    What else is in their columns would be read beside the wrong one.
    """
    for row in rows(words):
        above = [head for head in row if any(_is_below(one, head) for one in numbers)]
        if len(above) >= _HEADS and len(above) >= _ABOVE * len(row):
            return list(row)
    return []


def _is_under(number: Line, other: Line) -> bool:
    is_near = other.y1 < number.y < other.y1 + _UNDER * other.height
    return is_near and other.x0 < number.x1 and number.x0 < other.x1


def _is_below(number: Line, head: Line) -> bool:
    near = _COLUMN * head.height
    return number.y > head.y1 and head.x0 - near < number.x1 and number.x0 < head.x1 + near


def _prices(lines: Sequence[Line]) -> list[Line]:
    """Return the large numbers beside smaller prices: raised cents look like more digits."""
    usual = median([line.height for line in lines] or [0.0])
    if not any(_PRICE.search(line.text) for line in lines):
        return []
    return [o for o in lines if _DIGITS.match(o.text) and o.height > _LARGE * usual]


def _is_lone(number: Line, lines: Sequence[Line]) -> bool:
    """Return whether no other text is near a number, as beside a ring of which it tells a part."""
    near = _NEAR * number.height
    return not any(
        line is not number
        and number.x0 - near < line.x1
        and line.x0 < number.x1 + near
        and number.y0 - near < line.y1
        and line.y0 < number.y1 + near
        for line in lines
    )


def _words_beside(number: Line, lines: Sequence[Line], numbers: Sequence[Line]) -> int:
    return sum(
        abs(line.y - number.y) < 0.5 * number.height and line not in numbers for line in lines
    )


def _column(anchor: Line, numbers: Sequence[Line]) -> list[Line]:
    near = _FLUSH * anchor.height
    ends = [line for line in numbers if abs(line.x1 - anchor.x1) < near]
    starts = [line for line in numbers if abs(line.x0 - anchor.x0) < near]
    return sorted(ends if len(ends) > len(starts) else starts, key=lambda line: line.y)


def _is_even(column: Sequence[Line]) -> bool:
    """Return whether the steps are alike, or some twice as long, where a number wasn't read."""
    steps = [below.y - above.y for above, below in pairwise(column)]
    least = min(steps)
    return least > 0 and all(abs(step / least - round(step / least)) <= _EVEN for step in steps)
