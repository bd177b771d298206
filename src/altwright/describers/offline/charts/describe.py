"""Charts: title, axes, and what bars, lines, dots and slices say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from altwright.describers.offline.charts import bars, lines_and_scatter, pies
from altwright.describers.offline.charts.axes import Axes, find_axes
from altwright.describers.offline.english import quoted
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import Pixels, frequent
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import Reader

#: More characters than these on a plot without bars, lines or dots: numbered lines of a text.
_LETTERED: Final = 60
#: Difference to the background that a person sees, and the share of a plot that is drawn on.
_VISIBLE: Final = 40
_DRAWN: Final = 0.003


def describe(  # noqa: PLR0911 - kinds of charts, tried in turn
    pixels: Pixels, lines: Sequence[Line], reader: Reader
) -> Statement | None:
    """Return what a chart shows; None: it isn't one that we can read."""
    pie = pies.find(pixels, lines)
    if pie is not None:
        title, slices = pie
        return Statement(f"pie chart{_titled(title)}: {slices}", "high", "pie chart")
    axes = find_axes(pixels, lines, reader)
    if axes is None:
        return None
    dots = lines_and_scatter.find_dots(pixels, axes)
    if dots is not None:
        return _worded("scatter plot", axes, dots)
    found_bars = bars.find(pixels, axes)
    if found_bars is not None:
        told = bars.worded(found_bars)
        return _worded("bar chart", axes, told, is_named=found_bars.ends_named)
    drawn, are_all = lines_and_scatter.find_lines(pixels, axes)
    if drawn and not lines_and_scatter.has_bubbles(pixels, axes):
        told = lines_and_scatter.worded(drawn, are_all=are_all)
        return _worded("line chart", axes, told)
    inside = sum(len(line.text) for line in axes.others if line.text not in axes.title)
    # The hours of a clock run to the left below.
    runs_back = axes.horizontal is not None and axes.horizontal.slope < 0
    if inside > _LETTERED or runs_back or not _is_drawn(pixels, axes):
        return None
    return _worded("chart", axes, "")


def _is_drawn(pixels: Pixels, axes: Axes) -> bool:
    """Return whether there is anything but text on the plot."""
    plot = pixels[axes.y0 : axes.y1, axes.x0 : axes.x1]
    background = frequent(plot)[0][0].astype(np.int16)
    differs = np.abs(plot.astype(np.int16) - background).max(axis=2) > _VISIBLE
    for line in axes.others:
        top, bottom = int(line.y0 - axes.y0) - 4, int(line.y1 - axes.y0) + 4
        left, right = int(line.x0 - axes.x0) - 4, int(line.x1 - axes.x0) + 4
        differs[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = False
    return bool(differs.mean() > _DRAWN)


def _worded(kind: str, axes: Axes, shown: str, *, is_named: bool = True) -> Statement:
    """Return what is said, which is never sure: ticks and series are told by their places."""
    sentences = [f"{kind}{_titled(axes.title)}"]
    if spans := axes.spans(is_named=is_named):
        sentences.append("; ".join(spans))
    if shown:
        sentences.append(shown)
    text = ". ".join(part[0].upper() + part[1:] for part in sentences)
    return Statement(text, "medium", kind)


def _titled(title: str) -> str:
    return f" titled {quoted(title)}" if title else ""
