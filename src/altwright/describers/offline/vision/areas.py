"""Areas of one colour that text stands on: bubbles of a chat, balloons of a comic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.vision.image_stats import Pixels, packed
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import joined, rows

#: Difference in any channel to an area's colour that is still the same; JPEG makes one of four.
_SAME: Final = 6
#: Areas at most: a mask numbers them with a byte.
_MOST: Final = 250
#: Share of the pixels of a line that are its ink, at least.
_INK_SHARE: Final = 0.03


@dataclass(slots=True)
class Area:
    """A connected area of one colour, and the lines on it; its box in pixels."""

    x0: int
    y0: int
    x1: int
    y1: int
    colour: NDArray[np.int16]
    #: Share of its box that has its colour.
    filled: float
    #: How many of its box's corners have another colour.
    cut_corners: int
    lines: list[Line] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Return its width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Return its height in pixels."""
        return self.y1 - self.y0

    @property
    def text(self) -> str:
        """Return what is written on it, row by row."""
        return joined(in_rows(self.lines))

    def holds(self, other: Area) -> bool:
        """Return whether another area lies within its box."""
        across = self.x0 <= other.x0 and other.x1 <= self.x1
        return other is not self and across and self.y0 <= other.y0 and other.y1 <= self.y1


def in_rows(lines: Sequence[Line]) -> list[Line]:
    """Return lines row by row."""
    return [line for row in rows(lines) for line in row]


def find(pixels: Pixels, lines: Sequence[Line]) -> list[Area]:
    """Return the areas that lines stand on, those of one area together."""
    height, width = pixels.shape[:2]
    image = pixels.copy()  # OpenCV wants one that may be written to
    mask = np.zeros((height + 2, width + 2), np.uint8)
    found: list[Area] = []
    for line in lines:
        x, y = _paper(pixels, _box(line, width, height))
        number = int(mask[y + 1, x + 1])
        if number == 0:
            if len(found) == _MOST:
                continue
            number = len(found) + 1
            flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (number << 8)
            same = (_SAME,) * 3
            count, _, _, (left, top, wide, high) = cv2.floodFill(
                image, mask, (x, y), (0, 0, 0), same, same, flags
            )
            inner = mask[top + 1 : top + high + 1, left + 1 : left + wide + 1] == number
            corners = inner[[0, 0, -1, -1], [0, -1, 0, -1]]
            found.append(
                Area(
                    left, top, left + wide, top + high, pixels[y, x].astype(np.int16),
                    count / (wide * high), int((~corners).sum()),
                )
            )  # fmt: skip
        found[number - 1].lines.append(line)
    return found


def ink(pixels: Pixels, line: Line, area: Area) -> NDArray[np.int16]:
    """Return the colour that a line is written in: what differs most from its area's."""
    x0, y0, x1, y1 = _box(line, pixels.shape[1], pixels.shape[0])
    inside = pixels[y0:y1, x0:x1].reshape(-1, 3).astype(np.int16)
    differs = np.abs(inside - area.colour).sum(axis=1)
    most = differs.argsort()[-max(1, int(_INK_SHARE * len(inside))) :]
    return np.asarray(np.median(inside[most], axis=0), np.int16)


def _box(line: Line, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a line's box in whole pixels, at least one, within the picture."""
    x0, y0 = min(max(0, int(line.x0)), width - 1), min(max(0, int(line.y0)), height - 1)
    return x0, y0, min(width, max(x0 + 1, int(line.x1))), min(height, max(y0 + 1, int(line.y1)))


def _paper(pixels: Pixels, box: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return a pixel within a line's box that has the colour it is written on.

    It lies in the largest part of that colour: a box may reach beyond a balloon of its picture's
    colour, and letters enclose some.
    """
    x0, y0, x1, y1 = box
    exact = packed(pixels[y0:y1, x0:x1])
    values, counts = np.unique(exact, return_counts=True)
    is_paper = (exact == values[counts.argmax()]).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(is_paper, connectivity=4)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    y, x = divmod(int((labels == largest).argmax()), x1 - x0)
    return x0 + x, y0 + y
