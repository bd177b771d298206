"""The order in which lines are read: columns, blocks, rows, values with their labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Final, TypeVar

from altwright.describers.offline.vision import gaps
from altwright.describers.offline.vision.line import UNSPACED, Line
from altwright.describers.offline.vision.written_numbers import is_number

T = TypeVar("T")

#: A column's gap must be so many line heights wide to be read as one.
_GUTTER_LINES: Final = 1.2
#: … and so many between columns of running text, whose lines have so many characters on average.
_NARROW_GUTTER_LINES: Final = 0.15
_RUNNING: Final = 20
#: Share of a column's lines that are numbers beside others, which are read with their rows.
_NUMBERS_BESIDE: Final = 0.7
#: Cells of sentences beside each other go on so close below, in line heights.
_CLOSE: Final = 1.8
_CELLS: Final = 2
#: Rows above and below columns, as headlines and footnotes are, at most.
_PEELED: Final = 4
_DIGIT: Final = re.compile(r"\d")
_NUMBER_AT_END: Final = re.compile(r"(^|\s)[\d.,:]*\d[kKM]?$")
#: Characters of words among values ("free"), at most.
_SHORT: Final = 8
#: Full-width forms (U+FF01 to U+FF5E) that the recogniser writes between Latin letters.
_NARROW: Final = {0xFF00 + code: 0x20 + code for code in range(0x01, 0x5F)}


def ordered(lines: Sequence[Line]) -> list[Line]:  # noqa: PLR0911 - ways to read, tried in turn
    """Return the lines as a person reads them: columns first, then blocks, then rows (XY-cut)."""
    if len(lines) < 2:  # noqa: PLR2004 - nothing to order
        return list(lines)
    if all(line.is_column for line in lines):
        return sorted(lines, key=lambda line: (-line.x, line.y))
    if sides := _sides(lines):
        return [line for side in from_its_side(sides, lines) for line in ordered(side)]
    if parts := _around_columns(lines):
        return [line for part in parts for line in ordered(part)]
    blocks = _cells_whole(rows(lines))
    if len(blocks) < len(lines):
        whole = {_whole(block): block for block in blocks}
        return [line for place in ordered(list(whole)) for line in whole[place]]
    typical = median(line.height for line in lines)
    gap = _widest_gap([(line.y0, line.y1) for line in lines])
    if gap is not None and gap[0] > 0.2 * typical:
        above = [line for line in lines if line.y < gap[1]]
        below = [line for line in lines if line.y >= gap[1]]
        return ordered(above) + ordered(below)
    return [line for row in rows(lines) for line in row]


def _sides(lines: Sequence[Line]) -> tuple[list[Line], list[Line]] | None:
    """Return the lines left and right of the widest gap, if they are columns."""
    typical = median(line.height for line in lines)
    gutter = _widest_gap([(line.x0, line.x1) for line in lines])
    if gutter is None or gutter[0] < _NARROW_GUTTER_LINES * typical:
        return None
    left = [line for line in lines if line.x < gutter[1]]
    right = [line for line in lines if line.x >= gutter[1]]
    is_wide = gutter[0] >= _GUTTER_LINES * typical
    if (is_wide or (_is_running(left) and _is_running(right))) and _are_columns(left, right):
        return left, right
    return None


def _around_columns(lines: Sequence[Line]) -> list[list[Line]]:
    """Return what stands above columns, these, and what is below; none if there aren't any."""
    found = rows(lines)
    for count in range(1, min(2 * _PEELED, len(found) - 2)):
        for top in range(max(0, count - _PEELED), min(count, _PEELED) + 1):
            bottom = len(found) - (count - top)
            middle = [line for row in found[top:bottom] for line in row]
            if _sides(middle):
                parts = [found[:top], found[top:bottom], found[bottom:]]
                return [[line for row in part for line in row] for part in parts if part]
    return []


def _are_columns(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Return whether what stands beside each other is read one after the other.

    A label is no column; prices belong to what they stand beside.
    """
    if min(len(rows(left)), len(rows(right))) < 3:  # noqa: PLR2004
        return False
    return not any(_are_values(one, other) for one, other in ((left, right), (right, left)))


def _are_values(lines: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether lines are numbers, or half of them and the others short, beside others."""
    beside = [
        line
        for line in lines
        if any(abs(line.y - o.y) < 0.5 * min(line.height, o.height) for o in others)
    ]
    end = median(line.x1 for line in lines)
    if 2 * len(beside) >= len(lines):  # what stands beside some in the one column wasn't read
        beside = [line for line in lines if line in beside or abs(line.x1 - end) < line.height]
    numbers = sum(is_number(line.text) for line in beside)
    is_short = len(beside) == len(lines) and all(len(line.text) <= _SHORT for line in lines)
    return numbers >= (0.5 if is_short else _NUMBERS_BESIDE) * len(lines)


def _is_running(lines: Sequence[Line]) -> bool:
    return sum(len(line.text) for line in lines) >= _RUNNING * len(lines)


def _cells_whole(found: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return lines of rows, each with what goes on closely below it where others are beside it."""
    told: list[list[Line]] = []
    above: list[list[Line]] = []
    values = values_of_labels(found)
    for row in found:
        if homes := above if row and row[0] in values else _homes(row, above):
            for line, cell in zip(row, homes, strict=True):
                cell.append(line)
        else:
            above = [[line] for line in row]
            told += above
    return told


def values_of_labels(found: Sequence[Sequence[Line]]) -> list[Line]:
    """Return the numbers of rows of which each stands below a label of its own, as on a dashboard.

    Rows of numbers below one another are a table's.
    """
    values: list[Line] = []
    for labels, row, following in zip(found, found[1:], [*found[2:], ()], strict=False):
        if _are_below(row, labels) and not (_are_below(following, row) and _have_digits(following)):
            is_labelled = not any(map(_DIGIT.search, (line.text for line in labels)))
            values += row if is_labelled and _have_digits(row) else ()
    return values


def _have_digits(lines: Sequence[Line]) -> bool:
    return all(_DIGIT.search(line.text) for line in lines)


def _are_below(row: Sequence[Line], labels: Sequence[Line]) -> bool:
    """Return whether each line of a row stands close below its own one of another row."""
    return len(row) == len(labels) >= _CELLS and all(
        min(abs(line.x0 - label.x0), abs(line.x - label.x)) < label.height
        and line.y0 - label.y1 < _CLOSE * label.height
        for line, label in zip(row, labels, strict=True)
    )


def _whole(lines: Sequence[Line]) -> Line:
    """Return lines below one another as one."""
    x0, y0 = min(line.x0 for line in lines), min(line.y0 for line in lines)
    x1, y1 = max(line.x1 for line in lines), max(line.y1 for line in lines)
    return replace(lines[0], text=joined(lines), x0=x0, y0=y0, x1=x1, y1=y1)


def _homes(row: Sequence[Line], above: list[list[Line]]) -> list[list[Line]]:
    """Return the cells above that each of a row's lines goes on in; none if one does not."""
    homes = []
    for line in row:
        near = [c for c in above if c[-1].x0 < line.x1 and line.x0 < c[-1].x1]
        if len(above) < _CELLS or len(near) != 1 or not line.text[:1].islower():
            return []
        if " " not in near[0][-1].text or line.y - near[0][-1].y > _CLOSE * line.height:
            return []
        homes += near
    return homes


def rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines grouped into rows from the top, each from the side where it begins."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.y):
        row = found[-1] if found else None
        if row and abs(line.y - _middle(row)) < 0.5 * min(line.height, row[0].height):
            row.append(line)
        else:
            found.append([line])
    return [from_its_side(sorted(row, key=lambda line: line.x0), row) for row in found]


def from_its_side(pieces: Sequence[T], lines: Sequence[Line]) -> list[T]:
    """Return pieces that stand from left to right as lines like these are read."""
    is_rtl = sum(line.width * (1 if line.is_rtl else -1) for line in lines) > 0
    return list(reversed(pieces)) if is_rtl else list(pieces)


def _middle(row: Sequence[Line]) -> float:
    return sum(line.y for line in row) / len(row)


def _widest_gap(spans: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return width and middle of the widest stretch that no span covers."""
    best: tuple[float, float] | None = None
    end: float | None = None
    for start, stop in sorted(spans):
        if end is not None and start > end and (best is None or start - end > best[0]):
            best = (start - end, (start + end) / 2)
        end = stop if end is None else max(end, stop)
    return best


def joined(lines: Sequence[Line]) -> str:
    """Return the lines as running text; words that a line's end divides are joined.

    Chinese and Japanese have no spaces. Numbers of one row stay apart.
    """
    text = ""
    for before, line in zip([None, *lines], lines, strict=False):
        if before and _are_two_numbers(before, line):
            text = f"{text}{gaps.APART}{line.text}"
        elif re.search(r"[a-zà-ÿ]-$", text) and re.match(r"[a-zà-ÿ]", line.text):
            text = text[:-1] + line.text
        elif UNSPACED.match(text[-1:]) and UNSPACED.match(line.text):
            text += line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text


def _are_two_numbers(line: Line, following: Line) -> bool:
    """Return whether numbers stand beside each other; read without a mark they are one."""
    is_beside = abs(following.y - line.y) < 0.5 * min(line.height, following.height)
    ends_so = _NUMBER_AT_END.search(line.text) is not None
    return is_beside and ends_so and following.text[:1].isdecimal()
