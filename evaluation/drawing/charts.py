"""Charts: bars, lines, dots, slices, and those that are harder to read."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import cos, log10, radians, sin

from PIL import Image, ImageDraw

from evaluation.drawing.sheet import Face, Sheet, font, written

COLOURS = ("#2a6fb0", "#e9a23b", "#3a9d5d", "#c0392b", "#7d5ba6", "#5a6672")
SLICES = ("#264653", "#2a9d8f", "#e9c46a", "#e76f51", "#8d5a97", "#577590")


def bar_chart(
    values: Mapping[str, float],
    title: str,
    *,
    top: float,
    step: float,
    size: tuple[int, int] = (760, 440),
    face: Face = "plain",
    paper: str = "white",
    ink: str = "black",
    fill: str = COLOURS[0],
    is_printed: bool = False,
    is_printed_on: bool = False,
    has_upright_labels: bool = False,
    thousands: str = ",",
    share: float = 0.7,
    widest: float = 60,
) -> Image.Image:
    """Return a bar chart with a labelled axis and grid lines behind the bars.

    Values may be printed above the bars, or on them in white; labels may run upwards. ``thousands``
    is the mark between groups of digits; bars take up a ``share`` of their room, and are ``widest``
    pixels wide at most.
    """
    width, height = size
    sheet = Sheet(size, paper)
    sheet.text((width / 2, 12), title, 26, face, ink, "ma")
    bottom, high = height - 50, height - 120
    for number in range(round(top / step) + 1):
        y = bottom - high * number * step / top
        sheet.draw.line((80, y, width - 20, y), fill="#dddddd" if paper == "white" else "#444444")
        tick = f"{number * step:,g}".replace(",", thousands)
        sheet.text((70, y), tick, 18, face, ink, "rm")
    room = (width - 140) / len(values)
    for number, (label, value) in enumerate(values.items()):
        x = 120 + number * room
        y = bottom - high * value / top
        wide = min(widest, share * room)
        sheet.draw.rectangle((x, y, x + wide, bottom), fill=fill)
        if has_upright_labels:
            upwards = Image.new("RGB", (44, 22), paper)
            ends = ImageDraw.Draw(upwards)
            ends.text((42, 11), label, font=font(18, face), fill=ink, anchor="rm")
            at = (round(x + wide / 2) - 11, bottom + 4)
            sheet.image.paste(upwards.rotate(90, expand=True), at)
        else:
            sheet.text((x + wide / 2, bottom + 10), label, 18, face, ink, "mt")
        if is_printed_on:
            sheet.text((x + wide / 2, y + 8), f"{value:,g}", 18, face, "white", "mt")
        if is_printed:
            sheet.text((x + wide / 2, y - 6), f"{value:,g}", 18, face, ink, "ms")
    return sheet.image


def hanging_chart() -> Image.Image:
    """Return a chart of which every other bar hangs below zero."""
    sheet = Sheet((760, 440))
    sheet.text((250, 12), "Change in percent", 26)
    for value in range(-20, 31, 10):
        sheet.text((70, 250 - 6 * value), str(value), 18, anchor="rm")
    for number, (label, value) in enumerate({"Jan": 25, "Feb": -12, "Mar": 8, "Apr": -17}.items()):
        x = 120 + number * 155
        top, bottom = sorted((250 - 6 * value, 250))
        sheet.draw.rectangle((x, top, x + 70, bottom), fill=COLOURS[0])
        sheet.text((x + 35, 400), label, 18, anchor="mt")
    return sheet.image


def stacked_chart() -> Image.Image:
    """Return a chart whose bars are stacks of two colours."""
    image = bar_chart({"A": 20, "B": 30, "C": 10}, "Energy", top=50, step=10)
    sheet = Sheet(image.size)
    sheet.image.paste(image)
    for number, (low, high) in enumerate(((20, 35), (30, 40), (10, 45))):
        x = 120 + number * 620 / 3
        box = (x, 390 - 320 * high / 50, x + 60, 389 - 320 * low / 50)
        sheet.draw.rectangle(box, fill="#e9a23b")
    return sheet.image


def lying_bars(
    values: Mapping[str, float], title: str, *, top: float, step: float, face: Face = "plain",
    is_printed: bool = False, fill: str = COLOURS[2],
) -> Image.Image:  # fmt: skip
    """Return bars that lie, the first on top."""
    sheet = Sheet((860, 130 + 60 * len(values)))
    sheet.text((430, 12), title, 26, face, anchor="ma")
    left, bottom = 210, sheet.height - 50
    for number in range(round(top / step) + 1):
        x = left + 610 * number * step / top
        sheet.draw.line((x, 60, x, bottom), fill="#e2e2e2")
        sheet.text((x, bottom + 10), f"{number * step:,g}", 18, face, anchor="mt")
    for number, (label, value) in enumerate(values.items()):
        y = 70 + 60 * number
        x = left + 610 * value / top
        sheet.draw.rectangle((left, y, x, y + 38), fill=fill)
        sheet.text((left - 10, y + 19), label, 19, face, anchor="rm")
        if is_printed:
            sheet.text((x + 8, y + 19), f"{value:,g}", 18, face, anchor="lm")
    return sheet.image


def grouped_bars(
    series: Mapping[str, Sequence[float]], labels: Sequence[str], title: str, *, top: float,
    step: float, face: Face = "plain", is_stacked: bool = False,
) -> Image.Image:  # fmt: skip
    """Return bars of several series, beside or on one another, with a legend."""
    sheet = Sheet((900, 520))
    sheet.text((450, 12), title, 26, face, anchor="ma")
    for number in range(round(top / step) + 1):
        y = 460 - 370 * number * step / top
        sheet.draw.line((80, y, 700, y), fill="#dddddd")
        sheet.text((70, y), f"{number * step:,g}", 18, face, anchor="rm")
    room = 600 / len(labels)
    wide = 0.6 * room / (1 if is_stacked else len(series))
    below = [0.0] * len(labels)
    for place, (name, values) in enumerate(series.items()):
        for number, value in enumerate(values):
            x = 100 + number * room + (0 if is_stacked else place * wide)
            low = 460 - 370 * below[number] / top
            high = low - 370 * value / top
            sheet.draw.rectangle((x, high, x + wide - 2, low), fill=COLOURS[place])
            below[number] += value if is_stacked else 0
        sheet.draw.rectangle((730, 90 + 40 * place, 752, 112 + 40 * place), fill=COLOURS[place])
        sheet.text((762, 101 + 40 * place), name, 18, face, anchor="lm")
    for number, label in enumerate(labels):
        sheet.text((100 + number * room + 0.3 * room, 472), label, 18, face, anchor="mt")
    return sheet.image


def line_chart() -> Image.Image:
    """Return a chart of two lines with a legend."""
    return lines(
        {"River": (10, 14, 20, 32, 45, 30), "Lake": (5, 6, 8, 8, 9, 7)},
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat"),
        "Water level in metres",
        low=0,
        top=50,
        step=10,
        colours=("#c0392b", "#2a6fb0"),
    )


def lines(
    series: Mapping[str, Sequence[float]], labels: Sequence[str], title: str, *, low: float,
    top: float, step: float, face: Face = "plain", colours: Sequence[str] = COLOURS,
    is_filled: bool = False,
) -> Image.Image:  # fmt: skip
    """Return lines over labels, with a legend if there are several."""
    sheet = Sheet((760, 440))
    sheet.text((380, 10), title, 26, face, anchor="ma")

    def place(number: int, value: float) -> tuple[float, float]:
        return 110 + number * 600 / (len(labels) - 1), 390 - 320 * (value - low) / (top - low)

    for number in range(round((top - low) / step) + 1):
        value = low + number * step
        y = place(0, value)[1]
        sheet.draw.line((80, y, 740, y), fill="#dddddd")
        sheet.text((70, y), f"{value:,g}", 18, face, anchor="rm")
    for number, label in enumerate(labels):
        sheet.text((place(number, low)[0], 400), label, 18, face, anchor="mt")
    for at, (name, values) in enumerate(series.items()):
        points = [place(number, value) for number, value in enumerate(values)]
        if is_filled:
            ground = [(points[-1][0], 390.0), (points[0][0], 390.0)]
            sheet.draw.polygon([*points, *ground], fill="#9cc3e6")
        sheet.draw.line(points, fill=colours[at], width=3)
        if len(series) > 1:
            y = 70 + 30 * at
            sheet.draw.line((110, y, 140, y), fill=colours[at], width=3)
            sheet.text((148, y), name, 18, face, anchor="lm")
    return sheet.image


def dots(
    groups: Mapping[str, int], title: str, *, seed: int, across: str, up: str, face: Face = "plain"
) -> Image.Image:
    """Return a scatter plot; groups have colours and, if there are several, a legend."""
    sheet = Sheet((760, 520))
    sheet.text((400, 10), title, 26, face, anchor="ma")
    for number in range(6):
        column, row = 100 + 120 * number, 440 - 70 * number
        sheet.text((column, 450), str(10 * number), 18, face, anchor="mt")
        sheet.text((90, row), str(20 * number), 18, face, anchor="rm")
    sheet.draw.line((100, 70, 100, 440, 720, 440), fill="black", width=2)
    sheet.text((410, 484), across, 18, face, anchor="mt")
    sheet.text((12, 50), up, 18, face)
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    taken: list[tuple[float, float]] = []
    for at, (name, count) in enumerate(groups.items()):
        while count:
            x = chance.uniform(120, 700)
            y = 430 - 0.45 * (x - 120) - 110 * at + chance.uniform(-40, 40)
            if not 80 < y < 425 or any(abs(x - a) + abs(y - b) < 16 for a, b in taken):
                continue
            taken.append((x, y))
            count -= 1  # noqa: PLW2901 - counted down
            sheet.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=COLOURS[at])
        if len(groups) > 1:
            sheet.draw.ellipse((600, 84 + 30 * at, 612, 96 + 30 * at), fill=COLOURS[at])
            sheet.text((622, 90 + 30 * at), name, 18, face, anchor="lm")
    return sheet.image


def pie_chart(
    shares: Mapping[str, int], title: str, *, hole: int = 0, face: Face = "plain"
) -> Image.Image:
    """Return a pie with its names beside the slices and percentages in them."""
    sheet = written((640, 480), [])
    drawn = Sheet(sheet.size)
    drawn.text((320, 10), title, 26, face, anchor="ma")
    start = 0.0
    for colour, (name, share) in zip(SLICES, shares.items(), strict=False):
        end = start + 3.6 * share
        drawn.draw.pieslice((170, 110, 470, 410), start, end, fill=colour)
        middle = radians((start + end) / 2)
        reach = 95 + hole / 3
        drawn.text(
            (320 + reach * cos(middle), 260 + reach * sin(middle)), f"{share}%", 20, face, "white",
            "mm",
        )  # fmt: skip
        side = "lm" if cos(middle) > 0 else "rm"
        drawn.text((320 + 172 * cos(middle), 260 + 172 * sin(middle)), name, 20, face, anchor=side)
        start = end
    if hole:
        drawn.draw.ellipse((320 - hole, 260 - hole, 320 + hole, 260 + hole), fill="white")
    return drawn.image


def legend_pie(shares: Mapping[str, int], title: str, face: Face = "sans") -> Image.Image:
    """Return a pie whose names and percentages stand in a legend."""
    sheet = Sheet((820, 480))
    sheet.text((410, 14), title, 26, face, anchor="ma")
    start = -90.0
    for number, (name, share) in enumerate(shares.items()):
        sheet.draw.pieslice((70, 90, 430, 450), start, start + 3.6 * share, fill=SLICES[number])
        start += 3.6 * share
        y = 130 + 52 * number
        sheet.draw.rectangle((500, y, 526, y + 26), fill=SLICES[number])
        sheet.text((540, y + 13), f"{name} {share}%", 22, face, anchor="lm")
    return sheet.image


def histogram(counts: Sequence[int], title: str, *, top: int, step: int) -> Image.Image:
    """Return bars that touch, over an axis of numbers."""
    sheet = Sheet((760, 440))
    sheet.text((380, 10), title, 26, "sans", anchor="ma")
    for value in range(0, top + 1, step):
        y = 390 - 320 * value / top
        sheet.text((70, y), str(value), 18, "sans", anchor="rm")
    wide = 640 / len(counts)
    for number, count in enumerate(counts):
        x = 90 + number * wide
        sheet.draw.rectangle((x, 390 - 320 * count / top, x + wide, 390), "#2a6fb0", "white")
        sheet.text((x, 400), str(10 * number), 18, "sans", anchor="mt")
    return sheet.image


def boxes(groups: Mapping[str, Sequence[float]], title: str) -> Image.Image:
    """Return a box plot: least, lower, middle, upper and greatest value of each group."""
    sheet = Sheet((760, 480))
    sheet.text((380, 10), title, 26, "sans", anchor="ma")
    for value in range(0, 101, 20):
        y = 420 - 3.4 * value
        sheet.draw.line((80, y, 740, y), fill="#e5e5e5")
        sheet.text((70, y), str(value), 18, "sans", anchor="rm")
    for number, (name, five) in enumerate(groups.items()):
        x = 170 + number * 560 / len(groups)
        low, first, middle, third, high = (420 - 3.4 * value for value in five)
        sheet.draw.line((x, low, x, high), fill="black", width=2)
        sheet.draw.rectangle((x - 40, third, x + 40, first), "#9cc3e6", "black", 2)
        sheet.draw.line((x - 40, middle, x + 40, middle), fill="#c0392b", width=3)
        sheet.text((x, 432), name, 18, "sans", anchor="mt")
    return sheet.image


def heat_map(rows: Sequence[str], columns: Sequence[str], title: str, seed: int) -> Image.Image:
    """Return a grid of colours with a number in each field."""
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    sheet = Sheet((180 + 90 * len(columns), 120 + 60 * len(rows)))
    sheet.text((sheet.width / 2, 14), title, 26, "sans", anchor="ma")
    for y, row in enumerate(rows):
        sheet.text((130, 110 + 60 * y), row, 19, "sans", anchor="rm")
        for x, column in enumerate(columns):
            value = chance.randint(0, 99)
            shade = 255 - 2 * value
            place = (140 + 90 * x, 80 + 60 * y)
            box = (*place, place[0] + 88, place[1] + 58)
            sheet.draw.rectangle(box, (255, shade, max(0, shade - 20)))
            sheet.text((place[0] + 44, place[1] + 29), str(value), 19, "sans", anchor="mm")
            if not y:
                sheet.text((place[0] + 44, 72), column, 18, "sans", anchor="ms")
    return sheet.image


def plan(steps: Mapping[str, tuple[int, int]], title: str) -> Image.Image:
    """Return a Gantt chart: steps from month to month."""
    sheet = Sheet((900, 150 + 52 * len(steps)))
    sheet.text((450, 14), title, 26, "sans", anchor="ma")
    for number, month in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug")):
        x = 220 + 82 * number
        sheet.text((x + 41, 66), month, 18, "sans", anchor="ma")
        sheet.draw.line((x, 92, x, sheet.height - 20), fill="#dddddd")
    for number, (step, (first, last)) in enumerate(steps.items()):
        y = 104 + 52 * number
        sheet.text((206, y + 16), step, 19, "sans", anchor="rm")
        sheet.box((220 + 82 * first, y, 220 + 82 * last, y + 32), COLOURS[number % 5], r=6)
    return sheet.image


def treemap(shares: Mapping[str, int], title: str) -> Image.Image:
    """Return tiles whose areas are shares, with name and number in each."""
    sheet = Sheet((800, 560))
    sheet.text((400, 10), title, 26, "sans", anchor="ma")
    left, total = 20.0, sum(shares.values())
    upright = True
    top, right, bottom = 60.0, 780.0, 540.0
    for number, (name, share) in enumerate(shares.items()):
        part = share / total
        total -= share
        if upright:
            x1 = left + (right - left) * part
            box = (left, top, x1, bottom)
            left = x1
        else:
            y1 = top + (bottom - top) * part
            box = (left, top, right, y1)
            top = y1
        upright = not upright
        sheet.draw.rectangle(box, SLICES[number], "white", 3)
        sheet.text((box[0] + 14, box[1] + 14), name, 22, "sans", "white")
        sheet.text((box[0] + 14, box[1] + 46), f"{share}%", 22, "sans", "white")
    return sheet.image


def radar(values: Mapping[str, float], title: str) -> Image.Image:
    """Return a star of axes with a line around."""
    sheet = Sheet((640, 600))
    sheet.text((320, 12), title, 26, "sans", anchor="ma")

    def place(number: int, value: float) -> tuple[float, float]:
        angle = radians(360 * number / len(values) - 90)
        return 320 + 210 * value * cos(angle), 330 + 210 * value * sin(angle)

    for ring in (0.25, 0.5, 0.75, 1):
        points = [place(number, ring) for number in range(len(values))]
        sheet.draw.polygon(points, outline="#cccccc")
    for number, label in enumerate(values):
        sheet.draw.line((320, 330, *place(number, 1)), fill="#cccccc")
        sheet.text(place(number, 1.15), label, 18, "sans", anchor="mm")
    points = [place(number, value / 10) for number, value in enumerate(values.values())]
    for one, other in pairwise([*points, points[0]]):
        sheet.draw.line((*one, *other), fill="#c0392b", width=4)
    return sheet.image


def steep_lines(values: Sequence[float], labels: Sequence[str], title: str) -> Image.Image:
    """Return a line over an axis of powers of ten."""
    sheet = Sheet((760, 440))
    sheet.text((380, 10), title, 26, "sans", anchor="ma")
    for power in range(6):
        y = 390 - 62 * power
        sheet.draw.line((100, y, 740, y), fill="#dddddd")
        sheet.text((90, y), f"{10**power:,}", 18, "sans", anchor="rm")
    points = [
        (130 + number * 580 / (len(labels) - 1), 390 - 62 * log10(value))
        for number, value in enumerate(values)
    ]
    sheet.draw.line(points, fill="#2a6fb0", width=3)
    for (x, _), label in zip(points, labels, strict=True):
        sheet.text((x, 400), label, 18, "sans", anchor="mt")
    return sheet.image
