"""Line charts and scatter plots: lines and dots by their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import cv2
import numpy as np

from altwright.describers.offline.charts.axes import Axes, Scale
from altwright.describers.offline.charts.series_colours import (
    Ink,
    Mask,
    Part,
    find_inks,
    has_swatch,
    name_of,
    parts,
    without_fringes,
    without_legend,
)
from altwright.describers.offline.english import number
from altwright.describers.offline.vision.image_stats import Pixels

#: Share of the plot's width that a line must span, and of its columns that it must touch.
_SPANS: Final = 0.5
_TOUCHES: Final = 0.55
#: A line is no thicker than this share of the plot's height, or these pixels.
_THICK_SHARE: Final = 0.03
_THICK_PX: Final = 7
#: Pixels, and share of a line's pixels, below which a part is a speck.
_SPECK_PX: Final = 6
_SPECK_SHARE: Final = 0.015
#: Share of the plot that a colour has from which on it is an area, whose edges are no lines.
_AREA: Final = 0.05
#: Share of its columns in which a line is one stroke; letters and dots are several.
_WHOLE: Final = 0.6
#: Rows and columns covered by more than this share are axes or grid.
_GRID: Final = 0.4
#: A black line's pieces between grid lines are at least so wide; ticks and letters aren't.
_LONG_PX: Final = 14
_LONG_SHARE: Final = 0.04
#: Smallest number of dots of a scatter plot, and their sides in pixels.
_DOTS: Final = 8
_DOT_PX: Final = (3, 18)
#: Pixels within which the pieces of a dashed line stand, and their share; a legend has some, too.
_ON_LINE_PX: Final = 3
_ON_LINE: Final = 0.8
#: A dot may be so many times as large as the typical one: two that overlap.
_OVERLAPPING: Final = 3.5
#: Bubbles of a chart at least; how round one is: its sides' ratio and its share of its box.
_BUBBLES: Final = 6
_ROUND: Final = (0.65, 0.9)
#: Up to so many dots the number is exact enough to be said.
_COUNTED_DOTS: Final = 20
#: Lines that are named one by one.
_READ_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line: its name in the legend, and its values as the axis writes them."""

    name: str
    first: str
    last: str
    low: str
    high: str


def find_dots(pixels: Pixels, axes: Axes) -> str | None:
    """Return how many dots there are; None: it's no scatter plot."""
    plot = pixels[axes.y0 : axes.y1, axes.x0 : axes.x1]
    total = 0
    for ink in find_inks(plot):
        found = [part for part in parts(_without_grid(ink.mask)) if part[4] > 4]  # noqa: PLR2004
        small, large = _DOT_PX
        round_ones = [
            (w, h, area)
            for _, _, w, h, area in _in_no_line(found)
            if small <= w <= large and small <= h <= large and area > 0.5 * w * h
        ]
        if len(round_ones) < _DOTS or len(round_ones) < 0.6 * len(found):
            continue
        typical = median(area for _, _, area in round_ones)
        alike = [d for d in round_ones if d[2] < _OVERLAPPING * typical and d[2] > typical / 3]
        square = [d for d in alike if 0.6 < d[0] / d[1] < 1.7]  # noqa: PLR2004 - two may touch
        if len(square) >= max(_DOTS, 0.6 * len(round_ones)):
            total += len(alike)
    if not total:
        return None
    if total <= _COUNTED_DOTS:
        return f"about {number(total)} dots"
    return f"at least {total} dots"  # some cover others


def _in_no_line(found: Sequence[Part]) -> Sequence[Part]:
    """Return nothing of a dashed line, that marks a mean or a limit."""
    middles = [(x + w / 2, y + h / 2) for x, y, w, h, _ in found]
    for places in zip(*middles, strict=True):
        typical = median(places)
        if sum(abs(at - typical) <= _ON_LINE_PX for at in places) > _ON_LINE * len(places):
            return []
    return found


def has_bubbles(pixels: Pixels, axes: Axes) -> bool:
    """Return whether round spots of many sizes are drawn: a line among them is their trend."""
    plot = pixels[axes.y0 : axes.y1, axes.x0 : axes.x1]
    least, most = _ROUND
    for ink in find_inks(plot):
        areas = sorted(
            area
            for _, _, width, height, area in parts(ink.mask)
            if width > _DOT_PX[0] and height > _DOT_PX[0]
            if least < width / height < 1 / least and least < area / (width * height) < most
        )
        if len(areas) >= _BUBBLES and areas[-1] > _OVERLAPPING * areas[0]:
            return True
    return False


def find_lines(pixels: Pixels, axes: Axes) -> tuple[list[Drawn], bool]:
    """Return the lines in the order of the legend's colours, and whether these are all.

    They are the coloured ones, else the dark one. Others are there where a colour that is none of
    them reaches over the plot, or the legend has more names.
    """
    scale = axes.vertical
    if scale is None:
        return [], True
    plot = pixels[axes.y0 : axes.y1, axes.x0 : axes.x1]
    inks = without_fringes(find_inks(plot))
    found = [(ink, _line(ink, scale, pixels, axes)) for ink in inks]
    dark = [drawn for ink, drawn in found if drawn and not ink.is_coloured]
    coloured = [drawn for ink, drawn in found if drawn and ink.is_coloured]
    others = [ink for ink, drawn in found if ink.is_coloured and not drawn]
    if any((ink.mask > 0).mean() > _AREA for ink in others):
        return [], True
    lines = coloured or dark[:1]
    are_all = not any(_reaches_over(ink, axes) for ink in others) and not (coloured and dark)
    return lines, are_all and sum(has_swatch(o, pixels) for o in axes.others) <= len(lines)


def _are_named(lines: list[Drawn]) -> bool:
    """Return whether each has a name of its own, and there are few; one needs none."""
    names = {line.name for line in lines}
    return len(lines) == 1 or ("" not in names and len(names) == len(lines) <= _READ_LINES)


def worded(lines: list[Drawn], *, are_all: bool) -> str:
    """Return what the lines say, each with its first, extreme and last value, if these are all."""
    least = "" if are_all else "at least "
    count = f"{least}{'one line' if len(lines) == 1 else f'{number(len(lines))} lines'}"
    if not are_all or not _are_named(lines):
        return count
    if len(lines) == 1:
        return f"{count}: {_values(lines[0])}"
    told = "; ".join(f"{line.name}: {_values(line)}" for line in lines)
    return f"{count}. {told}"


def _values(line: Drawn) -> str:
    said = [f"first about {line.first}"]
    if line.high not in {line.first, line.last}:
        said.append(f"highest about {line.high}")
    if line.low not in {line.first, line.last}:
        said.append(f"lowest about {line.low}")
    return ", ".join([*said, f"last about {line.last}"])


def _without_grid(mask: Mask) -> Mask:
    cleaned = mask.copy()
    cleaned[(mask > 0).mean(axis=1) > _GRID] = 0
    cleaned[:, (mask > 0).mean(axis=0) > _GRID] = 0
    return cleaned


def _long_parts(mask: Mask) -> Mask:
    """Return the mask without ticks and letters, which are black as the line is."""
    least = max(_LONG_PX, _LONG_SHARE * mask.shape[1])
    kept = np.zeros_like(mask)
    for x, y, width, height, _ in parts(mask):
        if width >= least:
            kept[y : y + height, x : x + width] = mask[y : y + height, x : x + width]
    return kept


def _without_specks(mask: Mask) -> Mask:
    """Return the mask without pixels where two other lines cross and mix to this colour."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    least = max(_SPECK_PX, _SPECK_SHARE * stats[1:, cv2.CC_STAT_AREA].sum())
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < least]
    cleaned = mask.copy()
    cleaned[np.isin(labels, small)] = 0
    return cleaned


def _reaches_over(ink: Ink, axes: Axes) -> bool:
    mask = _without_specks(without_legend(ink.mask, axes.others, (axes.x0, axes.y0)))
    columns = np.flatnonzero(mask.any(axis=0))
    return len(columns) > 1 and bool(columns[-1] - columns[0] >= _SPANS * mask.shape[1])


def _line(ink: Ink, scale: Scale, pixels: Pixels, axes: Axes) -> Drawn | None:
    mask = ink.mask if ink.is_coloured else _long_parts(_without_grid(ink.mask))
    mask = _without_specks(without_legend(mask, axes.others, (axes.x0, axes.y0)))
    height, width = mask.shape
    columns = np.flatnonzero(mask.any(axis=0))
    if len(columns) < 2 or columns[-1] - columns[0] < _SPANS * width:  # noqa: PLR2004
        return None
    if len(columns) < _TOUCHES * (columns[-1] - columns[0]):
        return None
    rows = [np.flatnonzero(mask[:, column]) for column in columns]
    whole = sum(row[-1] - row[0] < 1.5 * len(row) + 2 for row in rows)
    if whole < _WHOLE * len(rows):
        return None
    typical = median(len(row) for row in rows)
    if typical > max(_THICK_PX, _THICK_SHARE * height):
        return None
    middles = np.array([row.mean() for row in rows]) + axes.y0
    if middles.std() < 2:  # noqa: PLR2004 - a ruled line
        return None
    edge = max(1, len(columns) // 100)
    ends = [float(np.median(middles[:edge])), float(np.median(middles[-edge:]))]
    peak = axes.y0 + float(min(row.min() for row in rows)) + typical / 2
    dip = axes.y0 + float(max(row.max() for row in rows)) - typical / 2
    values = [scale.at(pixel) for pixel in (*ends, peak, dip)]
    first, last, *_ = values
    return Drawn(
        name_of(ink.rgb, pixels, axes.others),
        scale.shown(first),
        scale.shown(last),
        scale.shown(min(values)),
        scale.shown(max(values)),
    )
