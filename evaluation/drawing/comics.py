"""Comics in many layouts: tiers of panels with figures, balloons of two shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from evaluation.drawing.sheet import Box, Face, Sheet, font, wrapped

#: A balloon's left and upper end as shares of its panel, and what it says.
Balloon = tuple[float, float, str]
#: A panel's ends as shares of the page, and its balloons in the order of reading.
Panel = tuple[Box, Sequence[Balloon]]


@dataclass(frozen=True)
class Look:
    """How it is drawn: colours, sizes in pixels."""

    size: tuple[int, int] = (1200, 900)
    ground: str = "white"
    papers: tuple[str, ...] = ("#fde2c8", "#d7ecd9", "#dbe6f7", "#f6dbe8")
    ink: str = "black"
    frame: int = 4
    gutter: int = 24
    balloon: str = "white"
    is_oval: bool = False
    has_sticks: bool = False
    has_balloons: bool = True
    points: int = 22
    face: Face = "italic"
    room: int = 190


def page(panels: Sequence[Panel], look: Look) -> Image.Image:
    """Return a page of panels."""
    sheet = Sheet(look.size, look.ground)
    width, height = look.size
    half = look.gutter / 2
    for number, ((x0, y0, x1, y1), balloons) in enumerate(panels):
        box = (
            half + x0 * (width - look.gutter) + half, half + y0 * (height - look.gutter) + half,
            half + x1 * (width - look.gutter) - half, half + y1 * (height - look.gutter) - half,
        )  # fmt: skip
        sheet.draw.rectangle(box, look.papers[number % len(look.papers)], look.ink, look.frame)
        (_sticks if look.has_sticks else _figures)(sheet, box, look, number)
        for balloon in balloons:
            _balloon(sheet, box, balloon, look)
    return sheet.image


def _figures(sheet: Sheet, box: Box, look: Look, number: int) -> None:
    """Draw two who stand on the panel's lower edge."""
    x0, _, x1, y1 = box
    coats = ("#3a6ea5", "#c0392b", "#3e6b48", "#b7791f")
    for place in range(2):
        x = x0 + (0.28 + 0.4 * place) * (x1 - x0)
        sheet.draw.rectangle(
            (x - 30, y1 - 80, x + 30, y1), coats[(number + place) % 4], look.ink, 3
        )
        sheet.draw.ellipse((x - 26, y1 - 130, x + 26, y1 - 78), "#f2c18d", look.ink, 3)
        for eye in (-10, 10):
            sheet.draw.ellipse((x + eye - 3, y1 - 110, x + eye + 3, y1 - 104), look.ink)


def _sticks(sheet: Sheet, box: Box, look: Look, number: int) -> None:
    """Draw two of lines and circles; every second panel's are taller."""
    x0, _, x1, y1 = box
    tall = 110 + 20 * (number % 2)
    for place in range(2):
        x, neck, hip = x0 + (0.28 + 0.4 * place) * (x1 - x0), y1 - tall, y1 - tall + 50
        sheet.draw.ellipse((x - 16, neck - 32, x + 16, neck), None, look.ink, 3)
        limbs = ((0, neck, 0, hip), (0, neck + 12, -22, hip - 8), (0, neck + 12, 24, hip - 14),
                 (0, hip, -18, y1 - 8), (0, hip, 18, y1 - 8))  # fmt: skip
        for from_x, from_y, to_x, to_y in limbs:
            sheet.draw.line((x + from_x, from_y, x + to_x, to_y), look.ink, 3)


def _balloon(sheet: Sheet, box: Box, balloon: Balloon, look: Look) -> None:
    x, y, text = balloon
    lines = wrapped(text, look.points, look.face, look.room)
    step = 1.35 * look.points
    wide = max(font(look.points, look.face).getlength(line) for line in lines)
    pad = (0.28 * wide + 10, 0.7 * look.points) if look.is_oval else (16, 12)
    left, top = box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])
    right, bottom = left + wide + 2 * pad[0], top + step * len(lines) + 2 * pad[1]
    middle = (left + right) / 2
    if look.has_balloons:
        sheet.draw.polygon(
            ((middle - 12, bottom - 6), (middle + 14, bottom - 6), (middle + 4, bottom + 26)),
            look.balloon, look.ink,
        )  # fmt: skip
    if not look.has_balloons:
        sheet.draw.line((middle, bottom, middle + 4, bottom + 26), look.ink, 3)
    elif look.is_oval:
        sheet.draw.ellipse((left, top, right, bottom), look.balloon, look.ink, 3)
    else:
        sheet.box((left, top, right, bottom), look.balloon, look.ink, r=20)
    sheet.lines((middle, top + pad[1]), lines, look.points, look.face, look.ink, "ma", step=1.35)
