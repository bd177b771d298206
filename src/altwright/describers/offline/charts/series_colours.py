"""The colours a chart is drawn with, and which name the legend gives each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.vision.image_stats import Pixels, frequent
from altwright.describers.offline.vision.line import Line

Mask = NDArray[np.uint8]
#: A connected part: x, y, width, height, area.
Part = tuple[int, int, int, int, int]

#: Share of the plot that a colour must cover to be an ink: a thin line covers half a percent.
_LEAST_SHARE: Final = 0.001
#: Difference per channel within which pixels are one ink.
_NEAR: Final = 14
#: The same where JPEG has blurred them, and the bits of a channel that it leaves to count by.
_NEAR_IN_JPEG: Final = 40
_JPEG_BITS: Final = 4
#: Share of equal neighbours above which a plot's colours are exact.
_EXACT: Final = 0.93
#: Share of the plot's height that is its upper edge.
_UPPER_EDGE: Final = 0.04
#: Inks that are looked for at most.
_MOST_INKS: Final = 10
#: Difference of the strongest and weakest channel from which on an ink is coloured, not grey.
_COLOURED: Final = 40
_YEAR: Final = re.compile(r"(19|20)\d\d$")
#: Swatches of a legend stand within so many line heights left of their name.
_SWATCH_REACH: Final = 3.5
#: Share of the columns left of a name that its swatch takes up.
_SWATCH_SHARE: Final = 0.12

#: Share of an ink's pixels within four of another ink's that makes it the other's edge: smoothed,
#: or rippled by JPEG.
_FRINGE: Final = 0.85
_AROUND: Final = np.ones((9, 9), np.uint8)


@dataclass(frozen=True, slots=True)
class Ink:
    """One colour of the plot, and where it is (255) in the plot's box."""

    rgb: tuple[int, int, int]
    mask: Mask

    @property
    def is_coloured(self) -> bool:
        """Return whether it is no black, grey or white."""
        return max(self.rgb) - min(self.rgb) >= _COLOURED


def find_inks(plot: Pixels) -> list[Ink]:
    """Return the plot's colours without its background's, the most frequent first.

    The background is what is seen most at the upper edge: bars may cover more than is left of it.
    """
    is_exact = bool((np.diff(plot.astype(np.int16), axis=1) == 0).all(axis=2).mean() > _EXACT)
    near, bits = (_NEAR, 0) if is_exact else (_NEAR_IN_JPEG, _JPEG_BITS)
    values, shares = frequent(plot >> bits)  # fewer bits tell colours apart
    values = np.asarray((values << bits) + ((1 << bits) >> 1), np.uint8)
    top = frequent(plot[: 1 + round(_UPPER_EDGE * len(plot))] >> bits)[0][0]
    found: list[Ink] = []
    seen = [((top << bits) + ((1 << bits) >> 1)).astype(np.int16)]
    for value, share in zip(values, shares, strict=True):
        if share < _LEAST_SHARE or len(found) == _MOST_INKS:
            break
        colour = value.astype(np.int16)
        if any(np.abs(colour - other).max() <= near * 1.5 for other in seen):
            continue
        seen.append(colour)
        mask = np.abs(plot.astype(np.int16) - colour).max(axis=2) <= near
        rgb = (int(colour[0]), int(colour[1]), int(colour[2]))
        found.append(Ink(rgb, mask.astype(np.uint8) * 255))
    return found


def without_fringes(inks: Sequence[Ink]) -> list[Ink]:
    """Return the inks without those that only border another: smoothed edges of a line."""
    kept: list[Ink] = []
    for ink in inks:
        total = max(1, int((ink.mask > 0).sum()))
        around = (np.asarray(cv2.dilate(other.mask, _AROUND), np.uint8) for other in kept)
        borders = (int((mask & ink.mask > 0).sum()) for mask in around)
        if all(shared < _FRINGE * total for shared in borders):
            kept.append(ink)
    return kept


def parts(mask: Mask) -> list[Part]:
    """Return the connected parts."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return [tuple(int(v) for v in stats[i]) for i in range(1, count)]  # type: ignore[misc]


def without_legend(mask: Mask, lines: Sequence[Line], origin: tuple[int, int]) -> Mask:
    """Return a mask, whose left upper pixel stands at ``origin``, without texts and swatches."""
    kept = mask.copy()
    x0, y0 = origin
    for line in lines:
        top, bottom = int(line.y0 - y0) - 2, int(line.y1 - y0) + 2
        left, right = int(line.x0 - x0 - _SWATCH_REACH * line.height), int(line.x1 - x0)
        kept[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0
    return kept


def has_swatch(line: Line, pixels: Pixels) -> bool:
    """Return whether something coloured stands left of a text, as in a legend."""
    left = int(max(0, line.x0 - _SWATCH_REACH * line.height))
    box = pixels[int(line.y0) : int(line.y1) + 1, left : max(left, int(line.x0) - 1)]
    if box.size == 0:
        return False
    colour = box.max(axis=2).astype(np.int16) - box.min(axis=2)
    return bool((colour >= _COLOURED).any(axis=0).mean() > _SWATCH_SHARE)


def name_of(rgb: tuple[int, int, int], pixels: Pixels, lines: Sequence[Line]) -> str:
    """Return the text that has this colour as a swatch at its left; empty: none has."""
    best, most = "", 0.0
    for line in lines:
        if line.is_upright or not (any(c.isalpha() for c in line.text) or _YEAR.match(line.text)):
            continue  # a number may be a bar's value, which stands beside its colour too
        left = int(max(0, line.x0 - _SWATCH_REACH * line.height))
        box = pixels[int(line.y0) : int(line.y1) + 1, left : int(line.x0)]
        if box.size == 0:
            continue
        near = np.abs(box.astype(np.int16) - np.array(rgb)).max(axis=2) <= 2 * _NEAR
        columns = near.any(axis=0).mean()
        if columns > _SWATCH_SHARE and near.mean() > most:
            best, most = line.text, float(near.mean())
    return best
