"""Pages and signs: documents, posters, notices, comics."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from evaluation.drawing.sheet import Face, Sheet, wrapped


def document(
    heading: str, paragraphs: Sequence[str], *, face: Face = "serif", width: int = 900,
    columns: int = 1, points: int = 24,
) -> Image.Image:  # fmt: skip
    """Return a printed page, of one column or two."""
    room = (width - 120 - 60 * (columns - 1)) / columns
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [*wrapped(paragraph, points, face, room), ""]
    each = -(-len(lines) // columns)
    sheet = Sheet((width, round(160 + 1.5 * points * each) + 40), "#fdfdfb")
    sheet.text((60, 50), heading, points + 16, face)
    for column in range(columns):
        x = 60 + column * (room + 60)
        sheet.lines((x, 140), lines[column * each : (column + 1) * each], points, face)
    return sheet.image


def poster(
    lines: Sequence[tuple[int, str]], *, paper: str, ink: str, face: Face = "bold",
    size: tuple[int, int] = (900, 1150),
) -> Image.Image:  # fmt: skip
    """Return lines of several sizes below one another, centred, within a frame."""
    sheet = Sheet(size, paper)
    sheet.draw.rectangle((30, 30, size[0] - 30, size[1] - 30), outline=ink, width=6)
    free = size[1] - 140 - sum(round(1.3 * points) for points, _ in lines)
    y = 80.0
    for points, line in lines:
        sheet.text((size[0] / 2, y), line, points, face, ink, "ma")
        y += 1.3 * points + free / max(1, len(lines))
    return sheet.image


def notice(lines: Sequence[str], *, face: Face, points: int = 44) -> Image.Image:
    """Return a white board with black lines."""
    sheet = Sheet((1000, 80 + round(1.6 * points) * len(lines)), "white")
    sheet.draw.rectangle((8, 8, 991, sheet.height - 9), outline="black", width=4)
    sheet.lines((50, 50), lines, points, face, step=1.6)
    return sheet.image


def receipt(shop: str, items: Sequence[tuple[str, str]], total: str) -> Image.Image:
    """Return a shop's receipt."""
    sheet = Sheet((520, 260 + 44 * len(items)), "#fbfbf7")
    sheet.text((260, 30), shop, 30, "mono", anchor="ma")
    for number, (what, price) in enumerate(items):
        y = 110 + 44 * number
        sheet.text((40, y), what, 24, "mono")
        sheet.text((480, y), price, 24, "mono", anchor="ra")
    y = 130 + 44 * len(items)
    sheet.draw.line((40, y, 480, y), fill="black")
    sheet.text((40, y + 20), "TOTAL", 28, "mono")
    sheet.text((480, y + 20), total, 28, "mono", anchor="ra")
    return sheet.image


def long_page(lines: Sequence[str], *, step: int = 80) -> Image.Image:
    """Return a screenshot many screens high."""
    sheet = Sheet((800, 60 + step * len(lines)), "white")
    for number, line in enumerate(lines):
        y = 30 + step * number
        sheet.text((40, y), line, 28, "sans")
        sheet.draw.line((40, y + step - 16, 760, y + step - 16), fill="#e5e5e5")
    return sheet.image


def comic(panels: Sequence[Sequence[str]]) -> Image.Image:
    """Return a strip: in each panel two figures, and balloons with what they say."""
    sheet = Sheet((60 + 420 * len(panels), 520), "white")
    paints = ("#fde2c8", "#d7ecd9", "#dbe6f7", "#f6dbe8")
    for place, balloons in enumerate(panels):
        left = 30 + 420 * place
        sheet.draw.rectangle((left, 30, left + 400, 490), paints[place % 4], "black", 4)
        for number, text in enumerate(balloons):
            lines = wrapped(text, 20, "italic", 180)
            x, y = left + 14 + 190 * (number % 2), 44 + 90 * number
            bottom = y + 24 + 28 * len(lines)
            sheet.box((x, y, x + 200, bottom), "white", "black", 20)
            sheet.lines((x + 14, y + 12), lines, 20, "italic", step=1.4)
        for number in range(2):
            x = left + 110 + 180 * number
            sheet.draw.ellipse((x - 30, 330, x + 30, 390), "#f2c18d", "black", 3)
            sheet.draw.ellipse((x - 14, 350, x - 8, 356), "black")
            sheet.draw.ellipse((x + 8, 350, x + 14, 356), "black")
            sheet.draw.rectangle(
                (x - 34, 390, x + 34, 486), ("#3a6ea5", "#c0392b")[number], "black", 3
            )
    return sheet.image
