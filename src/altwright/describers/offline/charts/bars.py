"""Bar charts: bars as rectangles on a common line, their values by the axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import cv2
import numpy as np

from altwright.describers.offline.charts.axes import (
    TICK_MARKS,
    Axes,
    Scale,
    parse_number,
    usual_step,
)
from altwright.describers.offline.charts.series_colours import (
    Ink,
    find_inks,
    name_of,
    parts,
    without_fringes,
    without_legend,
)
from altwright.describers.offline.english import counted
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line

#: Share of its rectangle that a bar fills.
_FILLED: Final = 0.85
_LEAST_WIDTH_PX: Final = 5
#: Grid lines drawn over bars are thinner.
_GRID_LINE_PX: Final = 5
#: Pixels within which ends stand on one line.
_ALIGNED_PX: Final = 3
#: Pixels between the plot's edge and a base that isn't zero: the axis' line and its ticks.
_EDGE_PX: Final = 12
#: What is shorter is the axis' line, or the edge that JPEG gives it.
_EDGE_LINE_PX: Final = 3
#: The line of zero may be drawn over the ends of the bars on its other side.
_ZERO_LINE_PX: Final = 6
#: Half of the bars at least are so long: the median lines of box plots are not.
_LONG_PX: Final = 8
#: Fewer rectangles than these on one line aren't a chart.
_LEAST_BARS: Final = 2
#: Share of the plot that another colour reaches over, as a line does.
_ACROSS: Final = 0.5
#: Share of a bar whose colour is seen beside all bars: one was cut in pieces.
_LEFT_OVER: Final = 0.3
#: How far from its name a bar's edge may be, in steps from name to name.
_OFF_NAME: Final = 0.6
#: Bars that are read out one by one.
_READ_BARS: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: middle and width across, the end that tells the value, its value."""

    middle: float
    width: float
    end: float
    ink: Ink
    label: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars by series, in the order of the axis; the first of each pair is the series' name."""

    series: list[tuple[str, list[Bar]]]
    high: str
    is_stacked: bool = False
    #: Bars that begin somewhere else than at zero, as those of a waterfall do.
    floating: int = 0
    #: They can't be measured: something else is drawn over them, or they reach beyond plot or axis.
    is_unclear: bool = False
    #: None is behind the last name below.
    ends_named: bool = True

    @property
    def is_complete(self) -> bool:
        """Return whether every bar is there and has a label."""
        told = [bar.label for _, bars in self.series for bar in bars]
        return all(told) and not (self.floating or self.is_unclear)


@dataclass(frozen=True, slots=True)
class _Box:
    """A filled rectangle: across the bars, and along their value axis, in pixels."""

    middle: float
    width: float
    start: float
    stop: float
    ink: Ink


def find(pixels: Pixels, axes: Axes) -> Bars | None:
    """Return the bars; None: there are no two on the line of zero."""
    scale = axes.vertical or axes.horizontal
    upright = axes.vertical is not None
    # Values that grow downwards or to the left belong to pictures, not to bars.
    if scale is None or (scale.slope > 0) == upright:
        return None
    inks = find_inks(pixels[axes.y0 : axes.y1, axes.x0 : axes.x1])
    boxes = _boxes(inks, axes, upright=upright)
    bars = _standing(boxes, scale, axes.y1 if upright else axes.x0, upright=upright)
    if len(bars) < _LEAST_BARS:
        return None
    ends_named = not upright or _ends_named(bars, inks, axes)
    found = Bars([("", bars)], "", ends_named=ends_named)
    if any(_stands_on(box, bar) for box in boxes for bar in bars):
        return replace(found, is_stacked=True)
    if floating := [box for box in boxes if _floats(box, bars)]:
        return replace(found, floating=len(floating))
    sides = (axes.y0, axes.y1) if upright else (axes.x0, axes.x1)
    is_cut = any(abs(bar.end - side) <= 1 for bar in bars for side in sides)
    is_unclear = is_cut or _are_beyond(bars, scale) or _is_mixed(bars, inks, axes, upright=upright)
    valued = _valued(bars, scale, pixels, axes, upright=upright)
    return replace(valued, is_unclear=is_unclear, ends_named=ends_named)


def _ends_named(bars: Sequence[Bar], inks: Sequence[Ink], axes: Axes) -> bool:
    """Return whether no bar's colour is far behind the last name; the plot may end in a bar."""
    last = axes.bottom[-1].x + _OFF_NAME * usual_step([line.x for line in axes.bottom])
    behind = max(0, int(last) - axes.x0)
    of_bars = {bar.ink.rgb for bar in bars}
    masks = (
        without_legend(ink.mask, axes.others, (axes.x0, axes.y0))
        for ink in inks
        if ink.rgb in of_bars
    )
    return not any((mask[:, behind:] > 0).any() for mask in masks)


def _are_beyond(bars: Sequence[Bar], scale: Scale) -> bool:
    """Return whether bars end beyond the axis, as where its numbers grow to both sides."""
    step = (max(scale.values) - min(scale.values)) / max(1, len(scale.values) - 1)
    ends = [scale.at(bar.end) for bar in bars]
    return min(ends) < min(scale.values) - 1.5 * step or max(ends) > max(scale.values) + 1.5 * step


def _is_mixed(bars: Sequence[Bar], inks: Sequence[Ink], axes: Axes, *, upright: bool) -> bool:
    """Return whether a line runs over the bars, or their colour is where none was found."""
    edge = axes.x0 if upright else axes.y0
    of_bars = {bar.ink.rgb for bar in bars}
    for ink in without_fringes(inks):
        if not ink.is_coloured:
            continue
        mask = without_legend(ink.mask, axes.others, (axes.x0, axes.y0)) > 0
        across = mask.sum(axis=0 if upright else 1)
        if ink.rgb not in of_bars:
            if (across > 0).mean() > _ACROSS:
                return True
            continue
        alike = [bar for bar in bars if bar.ink.rgb == ink.rgb]
        free = np.ones(len(across), bool)
        for bar in alike:
            start = bar.middle - bar.width / 2 - edge
            free[max(0, int(start) - 2) : int(start + bar.width) + 3] = False
        if across[free].sum() > _LEFT_OVER * across[~free].sum() / len(alike):
            return True
    return False


def _boxes(inks: Sequence[Ink], axes: Axes, *, upright: bool) -> list[_Box]:
    found = []
    for ink in inks:
        # Without the gaps that grid lines cut into bars.
        closed = cv2.morphologyEx(ink.mask, cv2.MORPH_CLOSE, np.ones((_GRID_LINE_PX, 1), np.uint8))
        for x, y, width, height, area in parts(np.asarray(closed, np.uint8)):
            if area < _FILLED * width * height or min(width, height) < 2:  # noqa: PLR2004 - a line
                continue
            left, top = x + axes.x0, y + axes.y0
            if upright:
                found.append(_Box(left + width / 2, width, top, top + height, ink))
            else:
                found.append(_Box(top + height / 2, height, left, left + width, ink))
    return [box for box in found if box.width >= _LEAST_WIDTH_PX]


def _standing(boxes: Sequence[_Box], scale: Scale, edge: float, *, upright: bool) -> list[Bar]:
    """Return the boxes of one width that stand on zero, or hang from it; else on the edge."""
    zero = -scale.offset / scale.slope
    is_seen = zero <= edge + _EDGE_PX if upright else zero >= edge - _EDGE_PX
    base = zero if is_seen else edge
    near = [end for box in boxes for end in (box.start, box.stop) if abs(end - base) <= _EDGE_PX]
    if not near:
        return []
    # Tick labels stand a few pixels beside their ticks: the bars themselves say where zero is.
    base = max(near, key=lambda end: sum(abs(end - other) <= 1 for other in near))
    ends = [(box.stop, box.start) if upright else (box.start, box.stop) for box in boxes]
    standing = sum(abs(low - base) <= 1 for low, _ in ends)
    hanging = sum(abs(high - base) <= 1 for _, high in ends)
    up, down = _ALIGNED_PX, _ZERO_LINE_PX
    if hanging > standing:
        up, down = down, up
    found = []
    for box, (low, high) in zip(boxes, ends, strict=True):
        if abs(low - base) <= up:
            found.append(Bar(box.middle, box.width, high, box.ink))
        elif is_seen and abs(high - base) <= down:
            found.append(Bar(box.middle, box.width, low, box.ink))
    found = [bar for bar in found if abs(bar.end - base) > _EDGE_LINE_PX]
    if sum(abs(bar.end - base) >= _LONG_PX for bar in found) < max(1, len(found) / 2):
        return []
    typical = median(bar.width for bar in found)
    alike = [bar for bar in found if abs(bar.width - typical) <= max(2, 0.3 * typical)]
    return sorted(alike, key=lambda bar: bar.middle)


def _stands_on(box: _Box, bar: Bar) -> bool:
    """Return whether a box of another ink continues the bar: a stack."""
    touches = min(abs(box.start - bar.end), abs(box.stop - bar.end)) <= _ALIGNED_PX
    is_above = abs(box.middle - bar.middle) <= _ALIGNED_PX and box.ink.rgb != bar.ink.rgb
    is_edge = abs(box.stop - box.start) <= _EDGE_LINE_PX
    is_as_wide = abs(box.width - bar.width) <= max(2, 0.1 * bar.width)
    return touches and is_above and is_as_wide and not is_edge


def _floats(box: _Box, bars: Sequence[Bar]) -> bool:
    """Return whether a box as wide as the bars stands beside them and on nothing."""
    typical = median(bar.width for bar in bars)
    is_alike = abs(box.width - typical) <= _ALIGNED_PX
    is_long = abs(box.stop - box.start) >= _LONG_PX
    is_beside = all(abs(box.middle - bar.middle) >= 0.8 * typical for bar in bars)
    return is_alike and is_long and is_beside


def worded(bars: Bars) -> str:
    """Return what the bars say."""
    count = sum(len(of) for _, of in bars.series)
    if bars.is_stacked:
        return counted(count, "stacked bar")
    if bars.floating:
        return f"{counted(count + bars.floating, 'bar')}, of which only {count} begin at zero"
    if bars.is_unclear:
        return "bars whose values could not be read"
    if not bars.is_complete or count > _READ_BARS:
        return f"at least {counted(count, 'bar')}, up to {bars.high}"
    told = []
    for name, of in bars.series:
        values = ", ".join(f"{bar.label} {bar.value}" for bar in of)
        told.append(f"{name}: {values}" if len(bars.series) > 1 else values)
    if len(bars.series) > 1:
        return "Bars for " + ". ".join(told)
    return f"bars: {told[0]}"


def _valued(bars: list[Bar], scale: Scale, pixels: Pixels, axes: Axes, *, upright: bool) -> Bars:
    labels = axes.bottom if upright else axes.left
    by_ink: dict[tuple[int, int, int], list[Bar]] = {}
    for bar in bars:
        by_ink.setdefault(bar.ink.rgb, []).append(bar)
    inks = list(by_ink.values())
    # Bars of many colours with one label each are one series that was painted gaily.
    if len(inks) > 1 and len(bars) <= len(labels):
        inks = [bars]
    # How far a bar may stand from its label.
    reach = 0.55 * usual_step([bar.middle for bar in bars]) * len(inks)
    series = []
    for of_ink in inks:
        name = name_of(of_ink[0].ink.rgb, pixels, axes.others) if len(inks) > 1 else ""
        told = [_told(bar, scale, labels, axes.others, reach, upright=upright) for bar in of_ink]
        series.append((name, told))
    if len(inks) > 1 and not _are_names([name for name, _ in series]):
        series = [("", bars)]
    return Bars(series, f"about {scale.shown(max(scale.at(bar.end) for bar in bars))}")


def _are_names(names: Sequence[str]) -> bool:
    """Return whether all are there, each another one, and none is the half of another one."""
    halves = (one.startswith(f"{other} ") for one in names for other in names)
    return all(names) and len(set(names)) == len(names) and not any(halves)


def _told(
    bar: Bar,
    scale: Scale,
    labels: Sequence[Line],
    others: Sequence[Line],
    reach: float,
    *,
    upright: bool,
) -> Bar:
    def off(line: Line) -> float:
        return abs((line.x if upright else line.y) - bar.middle)

    near = min(labels, key=off, default=None)
    label = near.text.rstrip(TICK_MARKS) if near is not None and off(near) <= reach else ""
    value = f"about {scale.shown(scale.at(bar.end))}"
    for line in others:
        distance = bar.end - line.y if upright else line.x0 - bar.end
        inside = line.y - bar.end if upright else bar.end - line.x1
        room = (2.2 if upright else 1.2) * line.height
        written = parse_number(line.text)
        is_at_end = 0 < distance < room or 0 < inside < room
        if written is None or off(line) > bar.width / 2 or not is_at_end:
            continue
        if abs(written - scale.at(bar.end)) <= 0.05 * abs(written) + 1e-9:
            return replace(bar, label=label, value=line.text)
    return replace(bar, label=label, value=value)
