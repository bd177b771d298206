"""Boards of games: squares in rows and columns, with letters, numbers or pieces on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.english import counted, number, quoted
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import Pixels, colour_name, frequent
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import Reader

#: Colours of squares that are looked for, each with a least share of the picture.
_COLOURS: Final = (24, 0.004)
#: Difference in any channel to a square's colour that is still the same, and that is drawn on it.
_SAME: Final = 6
_DRAWN: Final = 60
#: Sides of a square: how unequal, the least in pixels, and how far off those of the others.
_UNEQUAL: Final = 0.15
_LEAST_PX: Final = 12
_OFF: Final = 0.1
#: Shares: of a square that has its colour, and of the lines that stand beside a board at most.
_FILLED: Final = 0.3
_BESIDE: Final = 0.2
#: The smallest board: columns and rows.
_COLUMNS: Final = 3
_ROWS: Final = 2
#: Share of a square that a sign covers at least, and its margin, which isn't looked at.
_SIGN: Final = 0.02
_MARGIN: Final = 0.12
#: Share of the squares of a chequered board whose colours alternate.
_ALTERNATING: Final = 0.9
_CHEQUERED: Final = 8
_SUDOKU: Final = 9
#: Tiles have so many colours; a table's cells have fewer.
_TILE_COLOURS: Final = 3
#: Height in pixels at which signs are read.
_READ_PX: Final = 48


@dataclass(frozen=True, slots=True)
class _Square:
    x0: int
    y0: int
    side: int
    colour: tuple[int, int, int]

    @property
    def middle(self) -> tuple[float, float]:
        return self.x0 + self.side / 2, self.y0 + self.side / 2

    def inner(self, pixels: Pixels) -> NDArray[np.int16]:
        """Return the difference to the square's colour, without its margin."""
        m = round(_MARGIN * self.side)
        part = pixels[self.y0 + m : self.y0 + self.side - m, self.x0 + m : self.x0 + self.side - m]
        differs: NDArray[np.int16] = np.abs(part.astype(np.int16) - np.array(self.colour, np.int16))
        return np.asarray(differs.max(axis=2), np.int16)


_Rows = list[list[_Square]]


def describe(pixels: Pixels, lines: Sequence[Line], reader: Reader) -> Statement | None:
    """Return what a board surely shows; None: there is none, or nothing to say of it."""
    board = _board(_squares(pixels))
    if not board:
        return None
    signs = [[bool((one.inner(pixels) > _DRAWN).mean() > _SIGN) for one in row] for row in board]
    text = _chequered(board, signs) if _is_chequered(board) else ""
    if not text and _beside(board, lines) <= _BESIDE:
        rows = [_read(pixels, *row, lines, reader) for row in zip(board, signs, strict=True)]
        text = _written(board, rows) if all(rows) else ""
    return Statement(text, "medium", "board") if text else None


def _chequered(board: _Rows, signs: Sequence[Sequence[bool]]) -> str:
    count = sum(map(sum, signs))
    on = f"; something stands on {number(count)} of its squares" if count else ""
    return f"chequered board, as for chess or draughts, with {_size(board)}{on}"


def _written(board: _Rows, texts: Sequence[Sequence[str]]) -> str:
    """Return what is written on a board's squares; "": nothing, or the board is a table."""
    said = [text for row in texts for text in row if text]
    is_single = bool(said) and all(len(text) == 1 for text in said)
    if is_single and all(text.isalpha() for text in said):
        if any(_has_gap(row) for row in texts):  # a thin letter was taken for none
            return ""
        rows = [_lettered(*row) for row in zip(board, texts, strict=True) if any(row[1])]
        return f"grid of letters, as in a word game: {'; '.join(rows)}"
    if not said or not all(text.isdecimal() for text in said):
        return ""
    if is_single and len(board) == len(board[0]) == _SUDOKU:
        return f"grid of {_size(board)}, as for a sudoku, with {counted(len(said), 'digit')}"
    if len({one.colour for row in board for one in row}) < _TILE_COLOURS:
        return ""
    rows = [f"row {place}, {_numbered(row)}" for place, row in enumerate(texts, 1)]
    return f"grid of {_size(board)} with numbers: {'; '.join(rows)}"


def _has_gap(row: Sequence[str]) -> bool:
    """Return whether something stands behind an empty square."""
    return any(after and not before for before, after in pairwise(row))


def _size(board: _Rows) -> str:
    return f"{number(len(board[0]))} by {number(len(board))} squares"


def _squares(pixels: Pixels) -> list[_Square]:
    """Return the connected areas of one frequent colour that are as wide as high."""
    most, least = _COLOURS
    values, shares = frequent(pixels)
    found: dict[tuple[int, int], _Square] = {}
    for value, share in zip(values[:most], shares[:most], strict=True):
        if share < least:
            break
        low = np.clip(value.astype(np.int16) - _SAME, 0, 255).astype(np.uint8)
        high = np.clip(value.astype(np.int16) + _SAME, 0, 255).astype(np.uint8)
        mask = cv2.inRange(pixels, low, high)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for x, y, wide, high_px, area in stats[1:].tolist():
            is_square = abs(wide - high_px) <= _UNEQUAL * max(wide, high_px)
            if min(wide, high_px) >= _LEAST_PX and is_square and area >= _FILLED * wide * high_px:
                square = _Square(x, y, min(wide, high_px), tuple(value.tolist()))
                found.setdefault((round(x / _LEAST_PX), round(y / _LEAST_PX)), square)
    return list(found.values())


def _board(squares: Sequence[_Square]) -> _Rows:
    """Return the squares of one size that stand at equal distances, row by row; []: they don't."""
    if len(squares) < _COLUMNS * _ROWS:
        return []
    side = median(one.side for one in squares)
    alike = [one for one in squares if abs(one.side - side) <= _OFF * side]
    columns = _places([one.middle[0] for one in alike], side)
    rows = _places([one.middle[1] for one in alike], side)
    if len(columns) < _COLUMNS or len(rows) < _ROWS:
        return []
    board: dict[tuple[int, int], _Square] = {}
    for one in alike:
        x, y = one.middle
        board[_nearest(rows, y), _nearest(columns, x)] = one
    if len(board) < len(columns) * len(rows):
        return []
    return [[board[y, x] for x in range(len(columns))] for y in range(len(rows))]


def _places(middles: Sequence[float], side: float) -> list[float]:
    """Return the places of rows or columns, if their distances are equal; else []."""
    groups: list[list[float]] = []
    for middle in sorted(middles):
        if groups and middle - groups[-1][-1] < side / 4:
            groups[-1].append(middle)
        else:
            groups.append([middle])
    places = [median(group) for group in groups]
    steps = [b - a for a, b in pairwise(places)]
    if not steps or max(steps) - min(steps) > 2 * _OFF * side or min(steps) < (1 - _OFF) * side:
        return []
    return places


def _nearest(places: Sequence[float], to: float) -> int:
    return int(np.abs(np.array(places) - to).argmin())


def _is_chequered(board: _Rows) -> bool:
    if not len(board) == len(board[0]) == _CHEQUERED:
        return False
    colours = [[one.colour for y, row in enumerate(board) for x, one in enumerate(row)
                if (x + y) % 2 == parity] for parity in (0, 1)]  # fmt: skip
    usual = [max(set(of_one), key=of_one.count) for of_one in colours]
    matching = sum(of_one.count(one) for of_one, one in zip(colours, usual, strict=True))
    return usual[0] != usual[1] and matching >= _ALTERNATING * _CHEQUERED**2


def _beside(board: _Rows, lines: Sequence[Line]) -> float:
    """Return the share of all lines that stand within the board's height, but beside it."""
    left, right = board[0][0].x0, board[0][-1].x0 + board[0][-1].side
    top, bottom = board[0][0].y0, board[-1][0].y0 + board[-1][0].side
    level = [line for line in lines if top < line.y < bottom]
    outside = [line for line in level if not left < line.x < right]
    return len(outside) / max(1, len(lines))


def _read(
    pixels: Pixels,
    row: Sequence[_Square],
    signs: Sequence[bool],
    lines: Sequence[Line],
    reader: Reader,
) -> list[str]:
    """Return what stands on each square of a row, "" on an empty one; []: it can't be read."""
    if not any(signs):
        return [""] * len(row)
    own = [_on(square, lines) for square in row]
    is_whole = all(bool(text) == sign for text, sign in zip(own, signs, strict=True))
    if is_whole and all(text.isdecimal() for text in own if text):
        return own
    # Single letters are surer beside each other: a lone I was "_".
    crops = [_sign(pixels, square) for square, sign in zip(row, signs, strict=True) if sign]
    text = reader.read_line(np.concatenate(crops, axis=1)).replace(" ", "")
    if len(text) != len(crops):
        return []
    rest = iter(text)
    return [next(rest) if sign else "" for sign in signs]


def _on(square: _Square, lines: Sequence[Line]) -> str:
    """Return what a line says that stands on a square alone."""
    x, y, side = square.x0, square.y0, square.side
    return " ".join(
        line.text
        for line in lines
        if x < line.x < x + side and y < line.y < y + side and line.width < 1.1 * side
    )


def _sign(pixels: Pixels, square: _Square) -> Pixels:
    """Return a square's sign in black on white, as high as a line that is read."""
    drawn = square.inner(pixels)
    ink = drawn > _DRAWN
    columns = np.flatnonzero(ink.any(axis=0))
    shade = 255 - np.clip(drawn * (255 / max(1, drawn.max())), 0, 255).astype(np.uint8)
    gap = max(2, square.side // 16)
    part = np.pad(shade[:, columns[0] : columns[-1] + 1], ((0, 0), (gap, gap)), constant_values=255)
    width = max(1, round(part.shape[1] * _READ_PX / part.shape[0]))
    grey = cv2.resize(part, (width, _READ_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _lettered(row: Sequence[_Square], letters: Sequence[str]) -> str:
    """Return a row's letters as a word, with the colours of their squares."""
    colours = [colour_name(square.colour) for square in row]
    return f"{quoted(''.join(letters))} in {', '.join(colours)}"


def _numbered(row: Sequence[str]) -> str:
    return ", ".join(quoted(text) if text else "empty" for text in row)
