"""Graphics: diagrams, maps, logos, boards, QR codes, and things drawn by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import cos, pi, sin

import cv2
from PIL import Image, ImageFilter

from evaluation.drawing.sheet import Face, Sheet, wrapped


def flow(steps: Sequence[str], title: str, *, is_upright: bool) -> Image.Image:
    """Return boxes with arrows between them."""
    count = len(steps)
    size = (560, 130 + 130 * count) if is_upright else (60 + 250 * count, 300)
    sheet = Sheet(size)
    sheet.text((size[0] / 2, 16), title, 26, "sans", anchor="ma")
    for number, step in enumerate(steps):
        x, y = (160, 80 + 130 * number) if is_upright else (30 + 250 * number, 110)
        sheet.box((x, y, x + 220, y + 80), "#e3eefb", "#2a6fb0", 10)
        sheet.text((x + 110, y + 40), step, 22, "sans", anchor="mm")
        if number + 1 < count:
            ends = (
                (x + 110, y + 82, x + 110, y + 126)
                if is_upright
                else (x + 222, y + 40, x + 246, y + 40)
            )
            sheet.draw.line(ends, fill="#333333", width=3)
    return sheet.image


def tree(top: str, below: Sequence[str], title: str) -> Image.Image:
    """Return a box with lines to those below it."""
    sheet = Sheet((60 + 230 * len(below), 420))
    sheet.text((sheet.width / 2, 16), title, 26, "sans", anchor="ma")
    middle = sheet.width / 2
    for number, name in enumerate(below):
        x = 145 + 230 * number
        sheet.draw.line((middle, 160, middle, 220, x, 220, x, 280), fill="#333333", width=2)
        sheet.box((x - 100, 280, x + 100, 350), "#fff3d6", "#b7791f", 8)
        sheet.text((x, 315), name, 21, "sans", anchor="mm")
    sheet.box((middle - 110, 90, middle + 110, 160), "#ffe3e3", "#a4141c", 8)
    sheet.text((middle, 125), top, 22, "sans", anchor="mm")
    return sheet.image


def timeline(
    title: str,
    events: Sequence[tuple[str, str]],
    fills: tuple[str, str],
    radius: int,
    face: Face = "sans",
) -> Image.Image:
    """Return cards to the left and to the right of a line, one below the other."""
    sheet = Sheet((900, 160 + 130 * len(events)))
    sheet.text((450, 30), title, 30, face, anchor="ma")
    sheet.draw.line((450, 100, 450, sheet.height - 30), fill="#888888", width=4)
    for number, (year, what) in enumerate(events):
        x, y = (500 if number % 2 else 60), 110 + 130 * number
        sheet.box((x, y, x + 340, y + 110), fills[number % 2], r=radius)
        sheet.text((x + 24, y + 18), year, 28, face)
        sheet.text((x + 24, y + 62), what, 24, face)
        sheet.draw.ellipse((440, y + 45, 460, y + 65), "#888888")
    return sheet.image


def cards(tips: Sequence[tuple[str, str]], fills: tuple[str, str], radius: int) -> Image.Image:
    """Return framed cards beside each other, with a heading and a sentence in each."""
    sheet = Sheet((40 + 330 * len(tips), 320))
    for number, (heading, text) in enumerate(tips):
        x = 30 + 330 * number
        sheet.box((x, 30, x + 300, 290), fills[number % 2], "black", radius)
        sheet.text((x + 24, 56), heading, 30, "bold")
        sheet.lines((x + 24, 120), wrapped(text, 24, "sans", 250), 24, "sans")
    return sheet.image


def street_map(names: Sequence[str], seed: int) -> Image.Image:
    """Return a town's map: streets, a river, parks, names."""
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    sheet = Sheet((1000, 700), "#f3efe6")
    for _ in range(5):
        x, y = chance.randint(0, 800), chance.randint(0, 560)
        sheet.box((x, y, x + chance.randint(80, 200), y + chance.randint(60, 140)), "#cfe8c5", r=8)
    points = [(x, 300 + 120 * sin(x / 170 + seed)) for x in range(0, 1001, 20)]
    sheet.draw.line(points, fill="#a8cdea", width=46)
    for number in range(7):
        x, y = 70 + 145 * number, 50 + 100 * number
        sheet.draw.line((x, 0, x + chance.randint(-60, 60), 700), fill="white", width=16)
        sheet.draw.line((0, y, 1000, y + chance.randint(-40, 40)), fill="white", width=16)
    for number, name in enumerate(names):
        sheet.text((90 + 230 * (number % 4), 60 + 190 * (number // 2)), name, 22, "sans", "#444444")
    return sheet.image


def lines_map(stops: Sequence[Sequence[str]]) -> Image.Image:
    """Return a map of tram lines with their stops."""
    sheet = Sheet((1100, 140 + 160 * len(stops)))
    for number, line in enumerate(stops):
        y = 110 + 160 * number
        colour = ("#c0392b", "#2a6fb0", "#3a9d5d")[number]
        sheet.draw.line((90, y, 1010, y), fill=colour, width=12)
        sheet.text((40, y), f"{number + 1}", 34, "bold", colour, "mm")
        for place, stop in enumerate(line):
            x = 130 + 850 * place / (len(line) - 1)
            sheet.draw.ellipse((x - 14, y - 14, x + 14, y + 14), "white", "black", 4)
            sheet.text((x, y + 26), stop, 20, "sans", anchor="ma")
    return sheet.image


def logo(word: str, colours: tuple[str, str], shape: str) -> Image.Image:
    """Return a mark and, if it has one, a word beside it."""
    sheet = Sheet((900 if word else 420, 420), "white")
    box = (60, 60, 360, 360)
    if shape == "ring":
        sheet.draw.ellipse(box, colours[0])
        sheet.draw.ellipse((130, 130, 290, 290), "white")
    elif shape == "star":
        points = [
            (210 + r * cos(a), 210 + r * sin(a))
            for a, r in ((pi * k / 5 - pi / 2, 150 if k % 2 == 0 else 62) for k in range(10))
        ]
        sheet.draw.polygon(points, colours[0])
    else:
        sheet.draw.pieslice(box, 0, 180, colours[0])
        sheet.draw.pieslice(box, 180, 360, colours[1])
    sheet.text((410, 210), word, 84, "bold", colours[1], "lm")
    return sheet.image


def qr_code(text: str, words: str, *, face: Face = "sans") -> Image.Image:
    """Return a QR code with words below."""
    code = cv2.QRCodeEncoder.create().encode(text)
    image = Image.fromarray(code).resize((420, 420), Image.Resampling.NEAREST)
    sheet = Sheet((520, 600), "white")
    sheet.image.paste(image, (50, 40))
    sheet.text((260, 500), words, 30, face, anchor="ma")
    return sheet.image


def chess(pieces: dict[tuple[int, int], str]) -> Image.Image:
    """Return a chess board with pieces by column and row from the top left."""
    sheet = Sheet((720, 720), "#f0d9b5")
    for row in range(8):
        for column in range(8):
            if (row + column) % 2:
                place = (90 * column, 90 * row)
                sheet.draw.rectangle((*place, place[0] + 89, place[1] + 89), "#b58863")
    for (column, row), sign in pieces.items():
        sheet.text((45 + 90 * column, 45 + 90 * row), sign, 74, "sans", anchor="mm")
    return sheet.image


def house(*, at_night: bool) -> Image.Image:
    """Return a house with a tree, as children draw it."""
    sheet = Sheet((900, 640), "#182848" if at_night else "#bfe3ff")
    sheet.draw.rectangle((0, 470, 900, 640), "#2f6b3a" if at_night else "#7cc36a")
    sheet.draw.ellipse((700, 60, 810, 170), "#f3f3d1" if at_night else "#ffd23f")
    sheet.draw.rectangle((240, 300, 520, 520), "#d9825b", "black", 4)
    sheet.draw.polygon(((210, 300), (550, 300), (380, 160)), "#8c2f39")
    sheet.draw.rectangle((345, 400, 415, 520), "#5b3a29")
    for x in (270, 440):
        sheet.draw.rectangle(
            (x, 340, x + 55, 395), "#ffe28a" if at_night else "#e8f6ff", "black", 3
        )
    sheet.draw.rectangle((640, 380, 670, 520), "#6b4226")
    sheet.draw.ellipse((570, 230, 740, 400), "#2e7d32")
    return sheet.image


def face(*, is_cat: bool) -> Image.Image:
    """Return a face with few strokes: a cat's, or somebody's who smiles."""
    sheet = Sheet((640, 640), "#fffdf5")
    if is_cat:
        for x in (180, 380):
            sheet.draw.polygon(((x, 220), (x + 80, 220), (x + 40, 90)), "#f0a04b", "black", 5)
    sheet.draw.ellipse((140, 150, 500, 510), "#f0a04b" if is_cat else "#ffdd57", "black", 6)
    for x in (245, 375):
        sheet.draw.ellipse((x - 18, 270, x + 18, 320), "black")
    if is_cat:
        sheet.draw.polygon(((305, 360), (335, 360), (320, 382)), "#a0433b")
        for y in (370, 390, 410):
            sheet.draw.line((150, y, 270, 385), fill="black", width=3)
            sheet.draw.line((370, 385, 490, y), fill="black", width=3)
    else:
        sheet.draw.arc((220, 300, 420, 450), 20, 160, "black", 8)
    return sheet.image


def hills(seed: int, sky: tuple[int, int, int], *, has_sun: bool) -> Image.Image:
    """Return layers of hills in soft shades, as posters have them."""
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    sheet = Sheet((1000, 700), _colour(*sky))
    if has_sun:
        sheet.draw.ellipse((640, 120, 800, 280), "#fff1c9")
    for layer in range(5):
        low = 330 + 75 * layer
        points: list[tuple[float, float]] = [(0, 700)]
        height = chance.uniform(-40, 40)
        for x in range(0, 1001, 25):
            height = 0.9 * height + chance.uniform(-16, 16)
            points.append((x, low + height))
        shade = [max(0, round(part * (0.75 - 0.13 * layer))) for part in sky]
        sheet.draw.polygon([*points, (1000, 700)], _colour(*shade))
    return sheet.image


def strokes(seed: int) -> Image.Image:
    """Return an abstract painting: thick soft strokes on a canvas with grain."""
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    sheet = Sheet((900, 700), "#e9dcc3")
    paints = ("#8d2f23", "#d98e04", "#27496d", "#3e6b48", "#1b1b1e", "#e6c79c")
    for _ in range(160):
        x, y = chance.uniform(-50, 900), chance.uniform(-50, 700)
        turn, length = chance.uniform(0, 2 * pi), chance.uniform(60, 260)
        end = (x + length * cos(turn), y + length * sin(turn))
        sheet.draw.line((x, y, *end), chance.choice(paints), chance.randint(8, 34))
    soft = sheet.image.filter(ImageFilter.GaussianBlur(2))
    grain = Image.frombytes("L", soft.size, chance.randbytes(soft.width * soft.height))
    return Image.blend(soft, grain.convert("RGB"), 0.08)


def _colour(red: int, green: int, blue: int) -> str:
    return f"#{red:02x}{green:02x}{blue:02x}"
