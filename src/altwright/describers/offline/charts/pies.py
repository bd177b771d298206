"""Pie charts: a disc of several colours with percentages, and the names beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from altwright.describers.offline.charts.series_colours import name_of
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line

_PERCENT: Final = re.compile(r"(?P<share>\d{1,3}(?:[.,]\d+)?) ?%")
#: Share of its square that a disc fills (pi / 4 = .785), and how unlike its sides may be.
_DISC: Final = (0.7, 0.83)
_SIDES: Final = 0.12
#: Share of the picture's width that the disc must have.
_LEAST_WIDTH: Final = 0.2
#: Percentages that don't sum up to so much miss a slice, more is no pie.
_SUM: Final = (90.0, 104.0)


def find(pixels: Pixels, lines: Sequence[Line]) -> tuple[str, str] | None:
    """Return a pie's title and slices ("Firefox 46%, Chrome 31%"), in the order of their size.

    None: there is no disc with percentages that make a whole.
    """
    shares = [(line, match) for line in lines if (match := _PERCENT.search(line.text))]
    if len(shares) < 2:  # noqa: PLR2004 - the smallest pie
        return None
    total = sum(_value(match) for _, match in shares)
    disc = _disc(pixels)
    if disc is None or not _SUM[0] <= total <= _SUM[1]:
        return None
    labels = {id(line) for line, _ in shares}
    others = [o for o in lines if id(o) not in labels and any(c.isalpha() for c in o.text)]
    title = _title([o for o in others if o not in _at_rim(shares, others, disc, pixels)], disc)
    names = [o for o in others if o.text not in title]
    told = []
    for line, match in sorted(shares, key=lambda item: -_value(item[1])):
        rest = (line.text[: match.start()] + line.text[match.end() :]).strip(" :()-\u2013,")
        rest = re.sub(r"^[Il|] (?=\w{3})", "", rest)  # a swatch that was read as a letter
        beside = _beside(line, names, disc)
        name = rest or (beside.text if beside else _in_legend(line, pixels, names, disc))
        told.append(f"{name} {match['share']}%" if name else f"{match['share']}%")
    return title, ", ".join(told)


def _value(match: re.Match[str]) -> float:
    return float(match["share"].replace(",", "."))


def _disc(pixels: Pixels) -> tuple[float, float, float] | None:
    """Return middle and radius of the largest thing, if that is a disc."""
    height, width = pixels.shape[:2]
    corners = np.concatenate([pixels[0], pixels[-1]]).astype(np.int16)
    background = np.median(corners, axis=0)
    differs = (np.abs(pixels.astype(np.int16) - background).max(axis=2) > 40).astype(np.uint8)  # noqa: PLR2004
    closed = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    outline = max(contours, key=cv2.contourArea)
    x, y, w, h = cv2.boundingRect(outline)
    filled = cv2.contourArea(outline) / (w * h)
    if w < _LEAST_WIDTH * min(width, height) or abs(w - h) > _SIDES * max(w, h):
        return None
    if not _DISC[0] <= filled <= _DISC[1]:
        return None
    return x + w / 2, y + h / 2, (w + h) / 4


def _title(lines: Sequence[Line], disc: tuple[float, float, float]) -> str:
    _, y, radius = disc
    above = [line for line in lines if line.y1 < y - radius]
    if not above:
        return ""
    tallest = max(line.height for line in above)
    largest = min((o for o in above if o.height > 0.8 * tallest), key=lambda line: line.y)
    row = [line for line in above if abs(line.y - largest.y) < 0.5 * largest.height]
    return " ".join(line.text for line in sorted(row, key=lambda line: line.x0))


def _angle(line: Line, disc: tuple[float, float, float], *, edge: bool) -> float:
    """Return the direction from the middle to the label, at its inner end for one outside."""
    x = line.x
    if edge:
        x = line.x0 if line.x0 > disc[0] else line.x1 if line.x1 < disc[0] else line.x
    return math.atan2(line.y - disc[1], x - disc[0])


def _at_rim(
    shares: Sequence[tuple[Line, re.Match[str]]],
    others: Sequence[Line],
    disc: tuple[float, float, float],
    pixels: Pixels,
) -> list[Line]:
    """Return what names a slice at its rim: it is no title, also above the disc."""
    nameless = [line for line, match in shares if match[0].strip() == line.text.strip()]
    asked = [line for line in nameless if not _in_legend(line, pixels, others, disc)]
    return [name for line in asked if (name := _beside(line, others, disc))]


def _beside(label: Line, names: Sequence[Line], disc: tuple[float, float, float]) -> Line | None:
    """Return the name that stands outside the disc in the percentage's direction."""
    best, off_least = None, math.radians(25)
    for name in names:
        nearest_x = min(max(disc[0], name.x0), name.x1)
        distance = math.hypot(nearest_x - disc[0], name.y - disc[1]) / disc[2]
        if not 0.9 <= distance <= 1.35:  # noqa: PLR2004 - at the rim
            continue
        off = abs(_angle(name, disc, edge=True) - _angle(label, disc, edge=False))
        off = min(off, 2 * math.pi - off)
        if off < off_least:
            best, off_least = name, off
    return best


def _in_legend(
    label: Line, pixels: Pixels, names: Sequence[Line], disc: tuple[float, float, float]
) -> str:
    """Return the legend's name for the slice's colour, taken near the rim."""
    angle = _angle(label, disc, edge=False)
    x = int(disc[0] + 0.9 * disc[2] * math.cos(angle))
    y = int(disc[1] + 0.9 * disc[2] * math.sin(angle))
    if not (0 <= y < pixels.shape[0] and 0 <= x < pixels.shape[1]):
        return ""
    red, green, blue = (int(v) for v in pixels[y, x])
    return name_of((red, green, blue), pixels, names)
