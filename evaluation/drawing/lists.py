"""Lists on phones as many apps draw them: in cards, on plain ground, with lines between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from evaluation.drawing.sheet import Face, Sheet


@dataclass(frozen=True)
class Look:
    """How an app draws: colours, sizes in pixels, what stands around the rows."""

    ground: str = "#f2f2f7"
    paper: str = "white"
    ink: str = "#111111"
    faint: str = "#7c7c84"
    size: tuple[int, int] = (750, 1500)
    points: int = 28
    face: Face = "sans"
    clock: str = "10:24"
    #: At the other end of the status bar.
    power: str = "87%"
    #: "cards": one for each row; "group": one for all; "lines": none, with lines between; "plain".
    frame: str = "group"
    #: Left ends of the cells as shares of the width; the last is a right end if it is negative.
    columns: tuple[float, ...] = (0.08, -0.92)
    row: int = 100
    #: Bar at the bottom with places to go to.
    tabs: tuple[str, ...] = ()


#: A row's cells; the first may have a second line, divided by "\n".
Row = Sequence[str]


def screen(title: str, rows: Sequence[Row], look: Look) -> Image.Image:
    """Return a phone's screen with a title and rows of cells."""
    width, height = look.size
    sheet = Sheet(look.size, look.ground)
    side = 0.04 * width
    sheet.text((0.06 * width, 20), look.clock, look.points - 5, look.face, look.ink)
    sheet.text((0.94 * width, 20), look.power, look.points - 5, look.face, look.ink, "ra")
    top = 96.0
    if title:
        sheet.text((0.06 * width, top), title, look.points + 14, look.face, look.ink)
        top += 2.6 * look.points
    if look.frame == "group":
        sheet.box((side, top, width - side, top + look.row * len(rows)), look.paper, r=20)
    for number, row in enumerate(rows):
        y = top + look.row * number
        if look.frame == "cards":
            sheet.box((side, y, width - side, y + look.row - 14), look.paper, r=18)
        if look.frame in ("group", "lines") and number:
            sheet.draw.line((2 * side, y, width - side, y), fill="#c9c9d0")
        _cells(sheet, row, look, y + (look.row - (14 if look.frame == "cards" else 0)) / 2)
    for number, tab in enumerate(look.tabs):
        x = (number + 0.5) * width / len(look.tabs)
        sheet.text((x, height - 40), tab, look.points - 8, look.face, look.faint, "mm")
    return sheet.image


def _cells(sheet: Sheet, row: Row, look: Look, middle: float) -> None:
    for number, (cell, column) in enumerate(zip(row, look.columns, strict=True)):
        anchor, x = ("lm", column) if column > 0 else ("rm", -column)
        ink = look.faint if number and number == len(row) - 1 else look.ink
        first, _, second = cell.partition("\n")
        up = 0.55 * look.points if second else 0
        place = (x * sheet.width, middle - up)
        sheet.text(place, first, look.points, look.face, ink, anchor)
        if second:
            place = (x * sheet.width, middle + 0.75 * look.points)
            sheet.text(place, second, look.points - 7, look.face, look.faint, anchor)
