"""Tables: text that stands in an aligned grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean, median, pstdev
from typing import Final

from altwright.describers.offline.english import counted
from altwright.describers.offline.screenshots import readable
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import from_its_side, rows
from altwright.describers.offline.vision.written_numbers import is_number
from altwright.domain.counting import listed

#: The smallest table: a header and two rows, two columns.
_ROWS: Final = 3
_COLUMNS: Final = 2
#: Share of cells that must hold text.
_FILLED: Final = 0.75
#: Mean characters of a cell; above it, columns of an article look like a table.
_CELL_CHARACTERS: Final = 24
#: … and cells of single letters are a word game.
_LETTERS: Final = 1.5
#: Spread of the distances between rows, as a share of their mean.
_UNEVEN: Final = 0.4
#: How many times as high as another row's a table's letters are at most.
_LARGER: Final = 1.35
#: Line heights from one line of a sentence to the next, at most.
_CLOSE: Final = 1.8
#: Rows that are read out; a table of more is cut with its length said before.
_READ_ROWS: Final = 12
#: … and words, whose columns needn't have numbers, have so many characters on average.
_WORD: Final = 9
_DIGIT: Final = re.compile(r"\d")
#: A thing with its price; lists of these beside each other, as on a menu, aren't one table.
_PRICED: Final = re.compile(r"[^\W\d]{2}.*[\s.…]\d+(?:[.,]\d+)?$")
_PRICE: Final = re.compile(r"[$€£]\s?\d")
_LISTS: Final = 0.6
#: Numbers that an axis below has at least.
_TICKS: Final = 4


def describe(lines: Sequence[Line]) -> Statement | None:
    """Return columns and rows of a table; None: the text is no aligned grid."""
    lines = [line for line in readable(lines, least_score=0.5) if not line.is_upright]
    title, grid = _without_headline(*_split(rows(_divided(lines))))
    if len(grid) < _ROWS or _is_axis(grid[-1]):
        return None
    columns = from_its_side(_columns([line for row in grid for line in row]), lines)
    if len(columns) < _COLUMNS:
        return None
    cells = [[_cell(row, column) for column in columns] for row in grid]
    texts = [text for row in cells for text in row if text]
    if len(texts) < _FILLED * len(cells) * len(columns):
        return None
    if not _LETTERS < mean(len(text) for text in texts) <= _CELL_CHARACTERS:
        return None
    middles = [mean(line.y for line in row) for row in grid]
    steps = [b - a for a, b in pairwise(middles)]
    heights = [median(line.height for line in row) for row in grid]
    # Figures of a dashboard stand in larger letters below what they are of.
    is_text = max(heights) > _LARGER * min(heights)
    is_text |= any(_is_continued(above, row) for above, row in pairwise(grid))
    if is_text or pstdev(steps) > _UNEVEN * mean(steps) or not _looks_tabular(cells):
        return None
    return _worded(title, cells)


def _divided(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with those cut in two that reach over a wide gap ("Free   $0")."""
    found: list[Line] = []
    for line in lines:
        parts = re.split(r"\s{3,}|\s*\|\s*", line.text)
        if len(parts) < _COLUMNS or not all(parts):
            found.append(line)
            continue
        per_character = line.width / max(1, len(line.text))
        at = 0
        for part in parts:
            start = line.text.index(part, at)
            at = start + len(part)
            x0 = line.x0 + start * per_character
            found.append(replace(line, text=part, x0=x0, x1=line.x0 + at * per_character))
    return found


def _split(found: list[list[Line]]) -> tuple[str, list[list[Line]]]:
    """Return the title above, and the longest run of rows with several cells."""
    best: tuple[int, int] = (0, 0)
    start = 0
    for end in range(len(found) + 1):
        if end == len(found) or len(found[end]) < _COLUMNS:
            if end - start > best[1] - best[0]:
                best = (start, end)
            start = end + 1
    others = len(found) - (best[1] - best[0])
    if others > 2:  # noqa: PLR2004 - a title and a note; more text means a page with a table in it
        return "", []
    return " ".join(line.text for row in found[: best[0]] for line in row), found[slice(*best)]


def _without_headline(title: str, grid: list[list[Line]]) -> tuple[str, list[list[Line]]]:
    """Return title and rows; a first row of few pieces, as a station and the time, is a title."""
    if len(grid) <= _ROWS or len(grid[0]) > median(len(row) for row in grid) / 2:
        return title, grid
    return " ".join([*filter(None, [title]), *(line.text for line in grid[0])]), grid[1:]


def _is_axis(row: Sequence[Line]) -> bool:
    """Return whether the last row has an axis' numbers, of equal steps, under a chart's bars."""
    texts = [text for line in row for text in line.text.split()]
    if len(texts) < _TICKS or not all(text.isdecimal() for text in texts):
        return False
    numbers = [int(text) for text in texts]
    return len({b - a for a, b in pairwise(numbers)}) == 1 and numbers[0] != numbers[1]


def _columns(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Return the columns' left and right ends: stretches that texts cover, with gaps between."""
    gap = 0.6 * median(line.height for line in lines)
    found: list[tuple[float, float]] = []
    for line in sorted(lines, key=lambda line: line.x0):
        if found and line.x0 < found[-1][1] + gap:
            found[-1] = (found[-1][0], max(found[-1][1], line.x1))
        else:
            found.append((line.x0, line.x1))
    return found


def _cell(row: Sequence[Line], column: tuple[float, float]) -> str:
    return " ".join(line.text for line in row if column[0] <= line.x <= column[1])


def _is_continued(above: Sequence[Line], row: Sequence[Line]) -> bool:
    """Return whether a row continues sentences that the one above began, as on cards."""
    step = mean(line.y for line in row) - mean(line.y for line in above)
    is_close = step < _CLOSE * mean(line.height for line in row)
    is_begun = all(" " in line.text for line in above)
    return is_close and is_begun and all(line.text[0].islower() for line in row)


def _looks_tabular(cells: list[list[str]]) -> bool:
    """Return whether it has three columns, one of numbers, or a header unlike its column.

    What is sold stands beside its price; prices that begin rows are those of things side by side,
    and on a ticket rows of names and rows of what is named take turns.
    """
    has_figures = [any(map(_DIGIT.search, row)) for row in cells]
    is_ticket = len(cells) > _ROWS and has_figures == [bool(at % 2) for at in range(len(cells))]
    if is_ticket or any(_PRICE.match(row[0]) for row in cells[1:]):
        return False
    if len(cells[0]) > _COLUMNS:
        lengths = [len(text) for row in cells for text in row if text]
        columns = [[row[0] for row in cells[1:]], *_body(cells)]
        return mean(lengths) <= _WORD or any(_are_values(column) for column in columns)
    is_numeric = _are_values([row[1] for row in cells[1:]]) and not _DIGIT.search(cells[0][1])
    priced = [bool(_PRICED.search(text)) for row in cells[1:] for text in row if text]
    return is_numeric and mean(priced) <= _LISTS


def _body(cells: list[list[str]]) -> list[tuple[str, ...]]:
    """Return the columns behind the first one, without what stands at their heads."""
    return list(zip(*(row[1:] for row in cells[1:]), strict=True))


def _are_values(texts: Sequence[str]) -> bool:
    """Return whether most of these are numbers, sums, times."""
    told = [text for text in texts if text]
    return sum(is_number(text) for text in told) > 0.6 * len(told)


def _worded(title: str, cells: list[list[str]]) -> Statement:
    header, body = _headed(cells)
    is_begun = header is cells[0] and any(
        _are_values(column) and is_number(head)
        for head, column in zip(cells[0], zip(*cells[1:], strict=True), strict=True)
    )
    if is_begun or (not all(header[1:]) and not all(all(row) for row in body)):
        header, body = [], cells  # names of columns have no gaps
    named = f" titled “{title}”" if title else ""
    size = f"table{named} with {counted(len(body), 'row')}"
    named_columns = listed([text or "unnamed" for text in header])
    head = f"{size} and the columns {named_columns}" if header else size
    read = "; ".join(_row(row) for row in body[:_READ_ROWS])
    more = f"; and {len(body) - _READ_ROWS} more" if len(body) > _READ_ROWS else ""
    # Never sure: names of columns are guessed, and a gap may be a cell that reaches over several.
    return Statement(f"{head}. {read}{more}", "medium", "table")


def _headed(cells: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Return the columns' names and the rows; the names stand below where a matrix is drawn."""
    first, last = ([bool(_DIGIT.search(text)) for text in row[1:]] for row in (cells[0], cells[-1]))
    is_below = all(first) and not any(last) and not cells[-1][0]
    return (cells[-1], cells[:-1]) if is_below else (cells[0], cells[1:])


def _row(row: Sequence[str]) -> str:
    told = [text for text in row[1:] if text]
    lone = told if len(told) == 1 < len(row) - _COLUMNS else [text or "empty" for text in row[1:]]
    values = ", ".join(lone)
    return f"{row[0]}: {values}" if row[0] else values
