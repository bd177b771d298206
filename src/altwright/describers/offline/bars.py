"""Bar charts: bars as rectangles on a common line, their values by the axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import cv2
import numpy as np

from altwright.describers.offline.axes import Axes, Scale, parse_number
from altwright.describers.offline.inks import Ink, Mask, find_inks, name_of, parts
from altwright.describers.offline.pixels import Pixels
from altwright.describers.offline.text import Line
from altwright.describers.offline.wording import counted

#: Share of its rectangle that a bar fills.
_FILLED: Final = 0.85
_LEAST_WIDTH_PX: Final = 5
#: Grid lines drawn over bars are thinner.
_GRID_LINE_PX: Final = 5
#: Pixels within which ends stand on one line.
_ALIGNED_PX: Final = 3
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
    low: str
    high: str

    @property
    def is_complete(self) -> bool:
        """Say whether every bar has a label."""
        return all(bar.label for _, bars in self.series for bar in bars)


def find(pixels: Pixels, axes: Axes) -> Bars | None:
    """Return the bars; None: there are no two on a common line."""
    plot = pixels[axes.y0 : axes.y1, axes.x0 : axes.x1]
    boxes = []
    for ink in find_inks(plot):
        for x, y, width, height, area in parts(_without_gaps(ink.mask)):
            if area >= _FILLED * width * height and min(width, height) > 1:
                box = (x + axes.x0, y + axes.y0, x + axes.x0 + width, y + axes.y0 + height)
                boxes.append((box, ink))
    if axes.vertical is not None:
        standing = _aligned(
            [Bar((b[0] + b[2]) / 2, b[2] - b[0], b[1], ink) for b, ink in boxes],
            [b[3] for b, _ in boxes],
        )
        if len(standing) > 1:
            return _valued(standing, axes.vertical, pixels, axes, upright=True)
    if axes.horizontal is not None and axes.vertical is None:
        lying = _aligned(
            [Bar((b[1] + b[3]) / 2, b[3] - b[1], b[2], ink) for b, ink in boxes],
            [b[0] for b, _ in boxes],
        )
        if len(lying) > 1:
            return _valued(lying, axes.horizontal, pixels, axes, upright=False)
    return None


def _without_gaps(mask: Mask) -> Mask:
    """Return the mask with the gaps closed that grid lines cut into bars."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((_GRID_LINE_PX, 1), np.uint8))
    return np.asarray(closed, np.uint8)


def worded(bars: Bars) -> str:
    """Return what the bars say."""
    count = sum(len(of) for _, of in bars.series)
    if not bars.is_complete or count > _READ_BARS:
        return f"{counted(count, 'bar')}, from {bars.low} to {bars.high}"
    told = []
    for name, of in bars.series:
        values = ", ".join(f"{bar.label} {bar.value}" for bar in of)
        told.append(f"{name}: {values}" if len(bars.series) > 1 else values)
    if len(bars.series) > 1:
        return "Bars for " + ". ".join(told)
    return f"bars: {told[0]}"


def _aligned(bars: Sequence[Bar], bases: Sequence[float]) -> list[Bar]:
    """Return the bars of one width whose bases stand on the line that most share."""
    wide = [(b, base) for b, base in zip(bars, bases, strict=True) if b.width >= _LEAST_WIDTH_PX]
    best: list[Bar] = []
    for _, line in wide:
        on_line = [bar for bar, base in wide if abs(base - line) <= _ALIGNED_PX]
        if not on_line:
            continue
        typical = median(bar.width for bar in on_line)
        alike = [bar for bar in on_line if abs(bar.width - typical) <= max(2, 0.3 * typical)]
        best = max(best, alike, key=len)
    return sorted(best, key=lambda bar: bar.middle)


def _valued(
    bars: list[Bar], scale: Scale, pixels: Pixels, axes: Axes, *, upright: bool
) -> Bars | None:
    labels = axes.bottom if upright else axes.left
    by_ink: dict[tuple[int, int, int], list[Bar]] = {}
    for bar in bars:
        by_ink.setdefault(bar.ink.rgb, []).append(bar)
    inks = list(by_ink.values())
    # Bars of many colours with one label each are one series that was painted gaily.
    if len(inks) > 1 and len(bars) <= len(labels):
        inks = [bars]
    series = []
    for of_ink in inks:
        name = name_of(of_ink[0].ink, pixels, axes.others) if len(inks) > 1 else ""
        reach = _reach(bars, len(inks))
        told = [_told(bar, scale, labels, axes.others, reach, upright=upright) for bar in of_ink]
        series.append((name, told))
    if len(inks) > 1 and not all(name for name, _ in series):
        series = [("", [bar for _, of in series for bar in of])]
        series[0][1].sort(key=lambda bar: bar.middle)
        series = [("", [Bar(b.middle, b.width, b.end, b.ink) for b in series[0][1]])]
    values = sorted(scale.at(bar.end) for bar in bars)
    low, high = (f"about {scale.shown(v)}" for v in (values[0], values[-1]))
    return Bars(series, low, high)


def _reach(bars: Sequence[Bar], series: int) -> float:
    """Return how far a bar may stand from its label."""
    steps = [b.middle - a.middle for a, b in pairwise(bars)]
    return 0.55 * (median(steps) if steps else 0) * series


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
    label = near.text if near is not None and off(near) <= reach else ""
    value = f"about {scale.shown(scale.at(bar.end))}"
    for line in others:
        distance = bar.end - line.y if upright else line.x0 - bar.end
        room = 2.2 * line.height if upright else 1.2 * line.height
        written = parse_number(line.text)
        if written is None or off(line) > bar.width / 2 or not 0 < distance < room:
            continue
        if abs(written - scale.at(bar.end)) <= 0.05 * abs(written) + 1e-9:
            value = line.text
    return Bar(bar.middle, bar.width, bar.end, bar.ink, label, value)
