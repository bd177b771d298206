"""What tests of the offline describer share: its models, sample photographs, drawn pictures."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from io import BytesIO
from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from tests.support import wait_until

from altwright.describers.port import Describer, Picture, Request

#: Where `altwright models` puts the models of this checkout.
MODELS = Path(__file__).parents[1] / "var" / "models"


def photo(name: str) -> bytes:
    """Return a photograph that ships with scikit-image, as its file's bytes."""
    found = importlib.util.find_spec("skimage")
    assert found is not None, "scikit-image, whose photographs these tests use, isn't installed"
    assert found.origin is not None
    return (Path(found.origin).parent / "data" / name).read_bytes()


def png(image: Image.Image) -> bytes:
    """Return the image's bytes as PNG."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Return the image's bytes as JPEG."""
    stream = BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def picture(data: bytes, *, frames: int = 1, duration_s: float = 0.0) -> Picture:
    """Return the bytes as a describer gets them."""
    return Picture(data, "image/png", 0, 0, frames=frames, duration_s=duration_s)


def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the typeface that Pillow carries in itself: the same on every machine."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def written(
    size: tuple[int, int],
    texts: Sequence[tuple[int, int, int, str]],
    *,
    paper: str = "white",
    ink: str = "black",
) -> Image.Image:
    """Return a picture with each text at x, y in a size."""
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for x, y, points, text in texts:
        draw.text((x, y), text, font=font(points), fill=ink)
    return image


def bar_chart(values: dict[str, int], title: str, *, top: int, step: int) -> Image.Image:
    """Return a bar chart with a labelled axis and grid lines behind the bars."""
    image = written((760, 440), [(250, 12, 26, title)])
    draw = ImageDraw.Draw(image)
    for value in range(0, top + 1, step):
        y = 390 - 320 * value / top
        draw.line((80, y, 740, y), fill="#dddddd")
        draw.text((70, y), str(value), font=font(18), fill="black", anchor="rm")
    for i, (label, value) in enumerate(values.items()):
        x = 120 + i * 620 / len(values)
        draw.rectangle((x, 390 - 320 * value / top, x + 60, 390), fill="#2a6fb0")
        draw.text((x + 30, 400), label, font=font(18), fill="black", anchor="mt")
    return image


def hanging_chart() -> Image.Image:
    """Return a chart of which every other bar hangs below zero."""
    image = written((760, 440), [(250, 12, 26, "Change in percent")])
    draw = ImageDraw.Draw(image)
    for value in range(-20, 31, 10):
        draw.text((70, 250 - 6 * value), str(value), font=font(18), fill="black", anchor="rm")
    for i, (label, value) in enumerate({"Jan": 25, "Feb": -12, "Mar": 8, "Apr": -17}.items()):
        x = 120 + i * 155
        top, bottom = sorted((250 - 6 * value, 250))
        draw.rectangle((x, top, x + 70, bottom), fill="#2a6fb0")
        draw.text((x + 35, 400), label, font=font(18), fill="black", anchor="mt")
    return image


def stacked_chart() -> Image.Image:
    """Return a chart whose bars are stacks of two colours."""
    image = bar_chart({"A": 20, "B": 30, "C": 10}, "Energy", top=50, step=10)
    draw = ImageDraw.Draw(image)
    for i, (low, high) in enumerate(((20, 35), (30, 40), (10, 45))):
        x = 120 + i * 620 / 3
        box = (x, 390 - 320 * high / 50, x + 60, 389 - 320 * low / 50)
        draw.rectangle(box, fill="#e9a23b")
    return image


def line_chart() -> Image.Image:
    """Return a chart of two lines with a legend."""
    image = written((760, 440), [(230, 10, 26, "Water level in metres")])
    draw = ImageDraw.Draw(image)
    for value in range(0, 51, 10):
        y = 390 - 6.4 * value
        draw.line((80, y, 740, y), fill="#dddddd")
        draw.text((70, y), str(value), font=font(18), fill="black", anchor="rm")
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
    for i, day in enumerate(days):
        draw.text((110 + i * 120, 400), day, font=font(18), fill="black", anchor="mt")
    for colour, levels in (("#c0392b", (10, 14, 20, 32, 45, 30)), ("#2a6fb0", (5, 6, 8, 8, 9, 7))):
        points = [(110 + i * 120, 390 - 6.4 * level) for i, level in enumerate(levels)]
        draw.line(points, fill=colour, width=3)
    for y, colour, name in ((70, "#c0392b", "River"), (100, "#2a6fb0", "Lake")):
        draw.line((110, y, 140, y), fill=colour, width=3)
        draw.text((148, y), name, font=font(18), fill="black", anchor="lm")
    return image


def pie_chart(shares: dict[str, int], title: str) -> Image.Image:
    """Return a pie with its names beside the slices and percentages in them."""
    image = written((640, 480), [(170, 10, 26, title)])
    draw = ImageDraw.Draw(image)
    start = 0.0
    colours = ("#264653", "#2a9d8f", "#e9c46a", "#e76f51")
    for colour, (name, share) in zip(colours, shares.items(), strict=False):
        end = start + 3.6 * share
        draw.pieslice((170, 110, 470, 410), start, end, fill=colour)
        middle = radians((start + end) / 2)
        inner = (320 + 95 * cos(middle), 260 + 95 * sin(middle))
        outer = (320 + 172 * cos(middle), 260 + 172 * sin(middle))
        draw.text(inner, f"{share}%", font=font(20), fill="white", anchor="mm")
        side = "lm" if cos(middle) > 0 else "rm"
        draw.text(outer, name, font=font(20), fill="black", anchor=side)
        start = end
    return image


def table() -> Image.Image:
    """Return a table of five rows with rules between them."""
    rows = (
        ("Plan", "Price", "Storage", "Users"),
        ("Free", "$0", "50 GB", "1"),
        ("Team", "$8", "100 GB", "10"),
        ("School", "$4", "200 GB", "500"),
    )
    texts = [
        (24 + 185 * column, 20 + 56 * row, 24, text)
        for row, cells in enumerate(rows)
        for column, text in enumerate(cells)
    ]
    image = written((760, 250), texts)
    draw = ImageDraw.Draw(image)
    for row in range(1, len(rows)):
        draw.line((10, 8 + 56 * row, 750, 8 + 56 * row), fill="#888888")
    return image


def meme(data: bytes, top: str, bottom: str) -> Image.Image:
    """Return the photograph with white, outlined capitals at its top and bottom."""
    image = Image.open(BytesIO(data)).convert("RGB").resize((640, 480))
    draw = ImageDraw.Draw(image)
    for y, text in ((14, top), (412, bottom)):
        draw.text(
            (320, y), text, font=font(50), fill="white", anchor="mt", stroke_width=4,
            stroke_fill="black",
        )  # fmt: skip
    return image


#: A picture that is described quickly, and what is said of it.
SMALL = png(written((320, 90), [(20, 24, 30, "Good morning")]))
SAID = "Image of text: “Good morning”."


def say(describer: Describer, data: bytes = SMALL) -> str:
    """Return what is said of a picture; of one that says too little for a draft, what was seen."""
    found = describer.describe(picture(data), Request())
    return found.text or str(found.evidence["seen"])


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and isn't waited for doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def noise() -> bytes:
    """Return a picture that takes seconds to describe."""
    stream = BytesIO()
    Image.frombytes("RGB", (2000, 2000), os.urandom(12_000_000)).save(stream, "PNG")
    return stream.getvalue()


def wait_until_busy(pid: int) -> None:
    """Wait until a process has computed for another fifth of a second."""
    start = computed_s(pid)
    wait_until(lambda: computed_s(pid) > start + 0.2)


def computed_s(pid: int) -> float:
    """Return the seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
