"""Found lines that run across two columns, where the gap between these is few letters wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float32]

#: Lines that begin flush with one another right of others, at least.
_FLUSH_LINES: Final = 2
#: How flush they are, how near what stands left of them ends, how far a line reaches beyond the
#: gap, and how far above or below them it is, in line heights.
_FLUSH: Final = 0.4
_NEAR: Final = 3.0
_ACROSS: Final = 3.0
_BEYOND: Final = 2.5
#: The gap's part that must be blank, in line heights; spaces between words are narrower.
_BLANK: Final = (0.45, 0.1)
#: Difference of the pixels of one paper.
_PAPER: Final = 24
#: A headline is higher than the columns' lines by more than this.
_AS_HIGH: Final = 1.3


@dataclass(frozen=True, slots=True)
class _Place:
    x0: float
    y0: float
    x1: float
    y1: float
    box: Box

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def y(self) -> float:
        return (self.y0 + self.y1) / 2


def divided(bgr: NDArray[Any], boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes of lines, those that run across two columns cut in two."""
    found: list[Box] = []
    places = [_place(box) for box in boxes]
    right = [line for line in places if _is_right_of_another(line, places)]
    starts = [
        (line, flush)
        for line in places
        if (flush := _flush_with(line, right)) and _is_blank(bgr, _span(flush), line)
    ]
    for place in places:
        cuts = [line for line, flush in starts if _runs_across(place, line, flush)]
        cut = next((line for line in cuts if _is_blank(bgr, place, line)), None)
        if cut is None:
            found.append(place.box)
            continue
        end, start = cut.x0 - _BLANK[0] * cut.height, cut.x0 - _BLANK[1] * cut.height
        for x0, x1 in ((place.x0, end), (start, place.x1)):
            found.append(_corners(x0, place.y0, x1, place.y1))
    return found


def _place(box: Box) -> _Place:
    (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
    return _Place(float(x0), float(y0), float(x1), float(y1), box)


def _is_right_of_another(line: _Place, places: Sequence[_Place]) -> bool:
    """Return whether a line begins near the end of another one beside it."""
    return any(
        abs(one.y - line.y) < 0.5 * line.height
        and -_FLUSH < (line.x0 - one.x1) / line.height < _NEAR
        and one is not line
        and one.x0 < line.x0
        for one in places
    )


def _flush_with(line: _Place, right: Sequence[_Place]) -> list[_Place]:
    """Return the lines right of others that begin where this one does; [] if too few."""
    near = _FLUSH * line.height
    flush = [one for one in right if abs(one.x0 - line.x0) < near]
    return flush if len(flush) >= _FLUSH_LINES else []


def _span(places: Sequence[_Place]) -> _Place:
    """Return where lines stand, from the first to the last."""
    x0, y0 = min(one.x0 for one in places), min(one.y0 for one in places)
    x1, y1 = max(one.x1 for one in places), max(one.y1 for one in places)
    return _Place(x0, y0, x1, y1, _corners(x0, y0, x1, y1))


def _runs_across(place: _Place, line: _Place, flush: Sequence[_Place]) -> bool:
    reach = _ACROSS * line.height
    beyond = _BEYOND * line.height
    return (
        place.x0 < line.x0 - reach
        and place.x1 > line.x0 + reach
        and min(o.y for o in flush) - beyond < place.y < max(o.y for o in flush) + beyond
        and place.height < _AS_HIGH * line.height
    )


def _is_blank(bgr: NDArray[Any], place: _Place, line: _Place) -> bool:
    """Return whether nothing is written in a line where the other columns' gap is."""
    left, right = (int(line.x0 - share * line.height) for share in _BLANK)
    part = bgr[max(0, int(place.y0)) : int(place.y1) + 1, max(0, left) : max(left + 2, right)]
    if part.size == 0:
        return False
    return int((part.max(axis=(0, 1)).astype(int) - part.min(axis=(0, 1))).max()) < _PAPER


def _corners(x0: float, y0: float, x1: float, y1: float) -> Box:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
