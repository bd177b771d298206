"""Boards of games: squares in rows, with letters, numbers or pieces on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

from evaluation.drawing.sheet import Face, Sheet


def tiles(
    rows: Sequence[str], colours: Sequence[str], fills: Mapping[str, str], *, side: int = 82,
    gap: int = 8, paper: str = "white", ink: str = "white", face: Face = "bold", r: int = 0,
    empty: int = 0, keys: Sequence[str] = (), title: str = "",
) -> Image.Image:  # fmt: skip
    """Return a word game: a letter on each square, rows that are still empty, a keyboard below."""
    step, top = side + gap, 90 if title else 30
    count = len(rows) + empty
    sheet = Sheet((60 + step * len(rows[0]), top + step * count + 30 + 70 * len(keys)), paper)
    if title:
        sheet.text((sheet.width / 2, 42), title, 36, "serif", "#777777", "mm")
    for y in range(count):
        for x in range(len(rows[0])):
            left, upper = 30 + step * x, top + step * y
            box = (left, upper, left + side, upper + side)
            if y >= len(rows):
                sheet.box(box, None, "#8a8a8c", r)
                continue
            sheet.box(box, fills[colours[y][x]], r=r)
            middle = (left + side / 2, upper + side / 2)
            sheet.text(middle, rows[y][x], round(0.55 * side), face, ink, "mm")
    for number, row in enumerate(keys):
        width = (sheet.width - 40) / 10
        for place, key in enumerate(row):
            start, upper = 20 + width * place, top + step * count + 20 + 70 * number
            sheet.box((start, upper, start + width - 5, upper + 60), "#d3d6da", r=5)
            sheet.text((start + width / 2 - 2, upper + 30), key, 20, "bold", "black", "mm")
    return sheet.image


def chequered(
    pieces: Mapping[tuple[int, int], str], light: str, dark: str, *, side: int = 90,
    frame: str = "", counters: Mapping[str, str] | None = None,
) -> Image.Image:  # fmt: skip
    """Return a board of eight by eight with signs, or with round counters of a colour."""
    edge = side // 2 if frame else 0
    sheet = Sheet((8 * side + 2 * edge, 8 * side + 2 * edge), frame or light)
    for row in range(8):
        for column in range(8):
            x, y = edge + side * column, edge + side * row
            fill = dark if (row + column) % 2 else light
            sheet.draw.rectangle((x, y, x + side - 1, y + side - 1), fill)
        if frame:
            at = edge + side * row + side / 2
            sheet.text((edge / 2, at), str(8 - row), 20, "sans", light, "mm")
            sheet.text((at, sheet.height - edge / 2), "abcdefgh"[row], 20, "sans", light, "mm")
    for (column, row), sign in pieces.items():
        middle = (edge + side * (column + 0.5), edge + side * (row + 0.5))
        if counters:
            r = 0.38 * side
            box = (middle[0] - r, middle[1] - r, middle[0] + r, middle[1] + r)
            sheet.draw.ellipse(box, counters[sign], "black", 3)
        else:
            sheet.text(middle, sign, round(0.8 * side), "sans", anchor="mm")
    return sheet.image


def sudoku(
    rows: Sequence[str], *, side: int = 70, face: Face = "sans", thick: int = 5
) -> Image.Image:
    """Return a sudoku: nine by nine, "." for an empty square."""
    sheet = Sheet((9 * side + 40, 9 * side + 40), "white")
    for number in range(10):
        at = 20 + side * number
        line = thick if number % 3 == 0 else 2
        sheet.draw.line((20, at, 20 + 9 * side, at), "black", line)
        sheet.draw.line((at, 20, at, 20 + 9 * side), "black", line)
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            if sign != ".":
                place = (20 + side * (x + 0.5), 20 + side * (y + 0.5))
                sheet.text(place, sign, round(0.55 * side), face, anchor="mm")
    return sheet.image


def numbers(
    rows: Sequence[Sequence[str]], fills: Mapping[str, str], *, side: int = 130
) -> Image.Image:
    """Return tiles with numbers on a tray, a colour for each number; "" for an empty square."""
    step = side + 14
    sheet = Sheet((step * len(rows[0]) + 14, step * len(rows) + 14), "#bbada0")
    for y, row in enumerate(rows):
        for x, number in enumerate(row):
            left, top = 14 + step * x, 14 + step * y
            sheet.box((left, top, left + side, top + side), fills[number], r=8)
            ink = "#776e65" if len(number) < 2 else "white"
            sheet.text((left + side / 2, top + side / 2), number, 44, "bold", ink, "mm")
    return sheet.image
