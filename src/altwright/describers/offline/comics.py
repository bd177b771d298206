"""Comics, and other framed parts: what is written in each, in the order of reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.english import number, quoted
from altwright.describers.offline.screenshots import readable
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision import areas
from altwright.describers.offline.vision.areas import Area, in_rows
from altwright.describers.offline.vision.image_stats import Pixels, frequent
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import joined

#: Panels at least, and at most.
_PANELS: Final = (2, 24)
#: Difference of two colours that a person sees, in any channel.
_VISIBLE: Final = 24
#: A gutter's least width in pixels, and the share of it that has the ground's colour: thin frames
#: at both ends of a white panel's rows are less than a hundredth.
_GUTTER: Final = (4, 0.9995)
#: Shares of the picture's sides that a panel has at least, and of its area that all of them have.
_LEAST: Final = 0.1
_COVERED: Final = 0.6
#: Share of a panel's side that is one line, so many pixels from its end at most.
_FRAMED: Final = 0.85
_FRAME_PX: Final = 6
#: Share of a panel, without its text, that figures take up at least; and of its height and width
#: that one has which is drawn with lines.
_FIGURES: Final = 0.03
_STICK_FIGURE: Final = (0.2, 0.05)
#: Distance of two lines of one block at most, as a share of a line's height.
_CLOSE: Final = 0.6
#: What strokes are read as.
_TAILS: Final = frozenset("1l/\\")
#: Words from which on an area's text is said by somebody; a button's is shorter.
_SPOKEN: Final = 3


class _Box(NamedTuple):
    x0: int
    y0: int
    x1: int
    y1: int

    def has(self, line: Line) -> bool:
        return self.x0 < line.x < self.x1 and self.y0 < line.y < self.y1

    @property
    def area(self) -> int:
        return (self.x1 - self.x0) * (self.y1 - self.y0)


def describe(pixels: Pixels, lines: Sequence[Line]) -> Statement | None:
    """Return what is said in each panel; None: it is no comic, or has no balloons."""
    lines = readable(lines)
    panels = _panels(pixels, lines)
    if not panels:
        return None
    found = areas.find(pixels, lines)
    balloons = [area for area in found if any(_is_balloon(area, panel) for panel in panels)]
    drawn = sum(_has_figures(pixels, panel, balloons, lines) for panel in panels)
    spoken = sum(_is_spoken(area) for area in balloons)
    if not balloons or 2 * spoken < len(balloons) or 2 * drawn < len(panels):
        return None
    said = _told("panel", panels, balloons, lines)
    return Statement(f"comic in {number(len(panels))} panels. {said}", "medium", "comic")


def framed(pixels: Pixels, lines: Sequence[Line]) -> Statement | None:
    """Return what is written in each framed part; None: there aren't several with text."""
    lines = readable(lines)
    panels = _panels(pixels, lines)
    if sum(any(panel.has(line) for line in lines) for panel in panels) < _PANELS[0]:
        return None
    if not all(any(panel.has(line) for panel in panels) for line in lines):
        return None
    said = _told("part", panels, areas.find(pixels, lines), lines)
    return Statement(f"image in {number(len(panels))} framed parts. {said}", "medium", "framed")


def _told(what: str, panels: Sequence[_Box], written: Sequence[Area], lines: Sequence[Line]) -> str:
    parts = (f"{what} {place}{_said(one, written, lines)}" for place, one in enumerate(panels, 1))
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}"


def _panels(pixels: Pixels, lines: Sequence[Line]) -> list[_Box]:
    """Return the framed parts of a picture that gutters of its border's colour divide, in order.

    None, where they are too few or many, leave too much beside them, or text stands upright.
    """
    if any(line.is_upright for line in lines):
        return []
    height, width = pixels.shape[:2]
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    ground = frequent(border)[0][0].astype(np.int16)
    is_drawn = np.abs(pixels.astype(np.int16) - ground).max(axis=2) > _VISIBLE
    parts = _parts(is_drawn, _Box(0, 0, width, height))
    large = [p for p in parts if p.x1 - p.x0 > _LEAST * width and p.y1 - p.y0 > _LEAST * height]
    if sum(part.area for part in large) < _COVERED * width * height:
        return []
    is_right = _PANELS[0] <= len(large) <= _PANELS[1]
    return large if is_right and all(_is_framed(pixels, part) for part in large) else []


def _parts(is_drawn: NDArray[np.bool_], box: _Box) -> list[_Box]:
    """Return the parts between gutters: tiers first, then what stands in them from the left."""
    inside = is_drawn[box.y0 : box.y1, box.x0 : box.x1]
    rows = _stretches(inside.mean(axis=1))
    columns = _stretches(inside.mean(axis=0))
    if not rows or not columns:
        return []
    if len(rows) > 1:
        parts = [_Box(box.x0, box.y0 + a, box.x1, box.y0 + b) for a, b in rows]
    elif len(columns) > 1:
        parts = [_Box(box.x0 + a, box.y0, box.x0 + b, box.y1) for a, b in columns]
    else:
        (a, b), (c, d) = columns[0], rows[0]
        return [_Box(box.x0 + a, box.y0 + c, box.x0 + b, box.y0 + d)]
    return [inner for part in parts for inner in _parts(is_drawn, part)]


def _stretches(shares: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return where something is drawn, with gutters between."""
    least, empty = _GUTTER
    places = np.flatnonzero(shares > 1 - empty)
    if not len(places):
        return []
    ends = np.flatnonzero(np.diff(places) > least)
    starts = [places[0], *places[ends + 1]]
    return [(int(a), int(b) + 1) for a, b in zip(starts, [*places[ends], places[-1]], strict=True)]


def _is_framed(pixels: Pixels, box: _Box) -> bool:
    """Return whether a line of one colour, unlike what is within, runs along all four sides."""
    part = pixels[box.y0 : box.y1, box.x0 : box.x1].astype(np.int16)
    paper = frequent(part.astype(np.uint8))[0][0].astype(np.int16)
    sides = (part, part[::-1], part.transpose(1, 0, 2), part.transpose(1, 0, 2)[::-1])
    return all(any(_is_line(row, paper) for row in side[:_FRAME_PX]) for side in sides)


def _is_line(row: NDArray[np.int16], paper: NDArray[np.int16]) -> bool:
    colour = np.median(row, axis=0)
    same = (np.abs(row - colour).max(axis=1) <= _VISIBLE).mean()
    return bool(same >= _FRAMED and np.abs(colour - paper).max() > 2 * _VISIBLE)


def _is_balloon(area: Area, panel: _Box) -> bool:
    """Return whether an area lies within a panel and is no more than a part of it."""
    x, y = (area.x0 + area.x1) / 2, (area.y0 + area.y1) / 2
    inside = panel.x0 < x < panel.x1 and panel.y0 < y < panel.y1
    return inside and area.width * area.height < panel.area / 2 and area.cut_corners > 0


def _is_spoken(area: Area) -> bool:
    """Return whether an area's text is a sentence, as far as its length and end tell."""
    text = area.text
    return len(text.split()) >= _SPOKEN or text.endswith((".", "!", "?", "…"))


def _has_figures(
    pixels: Pixels, panel: _Box, balloons: Sequence[Area], lines: Sequence[Line]
) -> bool:
    """Return whether a panel shows anything but text, its balloons and its frame."""
    part = pixels[panel.y0 : panel.y1, panel.x0 : panel.x1]
    paper = frequent(part)[0][0].astype(np.int16)
    is_drawn = np.abs(part.astype(np.int16) - paper).max(axis=2) > _VISIBLE
    written = [line for line in lines if panel.has(line)]
    boxes: list[Area | Line] = [*balloons, *written]
    for one in boxes:
        top, bottom = int(one.y0) - panel.y0 - _FRAME_PX, int(one.y1) - panel.y0 + _FRAME_PX
        left, right = int(one.x0) - panel.x0 - _FRAME_PX, int(one.x1) - panel.x0 + _FRAME_PX
        is_drawn[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = False
    edge = 2 * _FRAME_PX
    inner = is_drawn[edge:-edge, edge:-edge]
    if not inner.size or inner.mean() > _FIGURES:
        return bool(inner.size)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inner.astype(np.uint8), connectivity=8)
    high, wide = (share * side for share, side in zip(_STICK_FIGURE, is_drawn.shape, strict=True))
    sizes = stats[1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    return bool(((sizes[:, 0] >= high) & (sizes[:, 1] >= wide)).any())


def _said(panel: _Box, balloons: Sequence[Area], lines: Sequence[Line]) -> str:
    """Return what is said in a panel: balloon by balloon, those that begin higher first."""
    inside = [one for one in balloons if _is_balloon(one, panel)]
    spoken = [line for one in inside for line in one.lines]
    there = [(float(one.y0), float(one.y1), one.x0, one.lines) for one in inside]
    loose = [line for line in lines if panel.has(line) and line not in spoken]
    there += [(one[0].y0, one[-1].y1, int(one[0].x0), one) for one in _blocks(loose)]
    there.sort(key=lambda one: one[:3])
    ordered: list[list[Line]] = []
    while there:
        row = [one for one in there if one[0] < (there[0][0] + there[0][1]) / 2]
        there = there[len(row) :]
        ordered += [one[3] for one in sorted(row, key=lambda one: one[2])]
    texts = ", ".join(quoted(joined(in_rows(one))) for one in ordered)
    return f": {texts}" if texts else " without words"


def _blocks(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines that stand close below one another together, each block from its top.

    A stroke below a block, which leads to who says it, isn't text.
    """
    blocks: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.y0, line.x0)):
        for block in blocks:
            last = block[-1]
            is_below = line.y > last.y1 and line.y0 - last.y1 < _CLOSE * (last.y1 - last.y0)
            if is_below and line.x0 < last.x1 and last.x0 < line.x1:
                block.append(line)
                break
        else:
            blocks.append([line])
    return [one[:-1] if len(one) > 1 and one[-1].text in _TAILS else one for one in blocks]
