"""The demo's pictures that we draw: charts, screenshots, a sign, a table."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFont

_font = ImageFont.load_default


def _sheet(size: tuple[int, int], colour: str = "white") -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def bar_chart() -> Image.Image:
    """Draw visitors of a library, by month."""
    image, draw = _sheet((1000, 640))
    draw.text((500, 30), "Visitors to our library", font=_font(36), fill="#222", anchor="mt")
    left, bottom, top = 110, 540, 110
    for value in range(0, 501, 100):
        y = bottom - value * (bottom - top) / 500
        draw.line((left, y, 960, y), fill="#ddd")
        draw.text((left - 14, y), str(value), font=_font(22), fill="#333", anchor="rm")
    months = {"Jan": 210, "Feb": 260, "Mar": 330, "Apr": 300, "May": 410, "Jun": 460}
    for position, (month, value) in enumerate(months.items()):
        x = left + 40 + position * 140
        y = bottom - value * (bottom - top) / 500
        draw.rectangle((x, y, x + 80, bottom), fill="#2a6f97")
        draw.text((x + 40, bottom + 16), month, font=_font(24), fill="#333", anchor="mt")
    draw.line((left, bottom, 960, bottom), fill="#333", width=2)
    draw.line((left, top, left, bottom), fill="#333", width=2)
    return image


def pie_chart() -> Image.Image:
    """Draw how the club travels."""
    image, draw = _sheet((900, 640))
    draw.text((450, 30), "How we came to the meeting", font=_font(36), fill="#222", anchor="mt")
    shares = {"Bicycle 45%": "#2a9d8f", "Train 30%": "#e9c46a", "On foot 15%": "#e76f51"}
    shares["Car 10%"] = "#264653"
    start = -90.0
    for position, (label, colour) in enumerate(shares.items()):
        end = start + int(label.rsplit(" ", 1)[1].rstrip("%")) * 3.6
        draw.pieslice((90, 120, 530, 560), start, end, fill=colour)
        start = end
        y = 200 + position * 80
        draw.rectangle((600, y, 636, y + 36), fill=colour)
        draw.text((652, y + 18), label, font=_font(28), fill="#222", anchor="lm")
    return image


def post_screenshot() -> Image.Image:
    """Draw a screenshot of a post about a cancelled train."""
    image, draw = _sheet((1080, 620), "#f7f9fa")
    draw.rounded_rectangle((40, 40, 1040, 580), 24, fill="white", outline="#d0d7de", width=2)
    draw.ellipse((80, 80, 170, 170), fill="#6364ff")
    draw.text((196, 92), "Regional Trains", font=_font(34), fill="#1b1f24")
    draw.text((196, 136), "@trains@transit.example", font=_font(26), fill="#57606a")
    lines = (
        "The 17:42 to Marburg is cancelled today",
        "because of a signal fault. The next train",
        "leaves at 18:12 from platform 4.",
        "Tickets are valid on all buses.",
    )
    for position, line in enumerate(lines):
        draw.text((80, 220 + position * 62), line, font=_font(42), fill="#1b1f24")
    draw.text((80, 510), "24 November 2026, 16:55", font=_font(26), fill="#57606a")
    return image


def terminal() -> Image.Image:
    """Draw a terminal after a test run."""
    image, draw = _sheet((1100, 520), "#1e1e2e")
    for position, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((28 + position * 36, 24, 50 + position * 36, 46), fill=colour)
    lines = (
        ("$ make test", "#cdd6f4"),
        ("collected 214 items", "#cdd6f4"),
        ("test_upload.py ........ passed", "#a6e3a1"),
        ("test_login.py .....F.. failed", "#f38ba8"),
        ("AssertionError: expected 200, got 403", "#f38ba8"),
        ("1 failed, 213 passed in 12.4 s", "#f9e2af"),
    )
    for position, (line, colour) in enumerate(lines):
        draw.text((36, 90 + position * 66), line, font=_font(38), fill=colour)
    return image


def price_table() -> Image.Image:
    """Draw the price list of a repair evening."""
    image, draw = _sheet((1000, 560))
    draw.text((500, 36), "Repair evening: what it costs", font=_font(36), fill="#222", anchor="mt")
    rows = (
        ("Repair", "Price", "Time"),
        ("Bicycle tube", "6 euros", "20 min"),
        ("Lamp cable", "4 euros", "30 min"),
        ("Laptop fan", "12 euros", "60 min"),
        ("Trouser zip", "8 euros", "45 min"),
    )
    for row, cells in enumerate(rows):
        y = 120 + row * 80
        for column, cell in enumerate(cells):
            x = 60 + column * 300
            fill = "#e8eef2" if row == 0 else "white"
            draw.rectangle((x, y, x + 300, y + 80), fill=fill, outline="#444", width=2)
            draw.text((x + 20, y + 40), cell, font=_font(32), fill="#222", anchor="lm")
    return image


def sign() -> Image.Image:
    """Draw a sign at a swimming lake."""
    image, draw = _sheet((900, 660), "#0b6e4f")
    draw.rounded_rectangle((30, 30, 870, 630), 28, outline="white", width=8)
    lines = ("SWIMMING LAKE", "OPEN 8 AM TO 8 PM", "NO DOGS IN THE WATER", "LIFEGUARD FROM NOON")
    for position, line in enumerate(lines):
        size = 72 if position == 0 else 50
        draw.text((450, 140 + position * 125), line, font=_font(size), fill="white", anchor="mm")
    return image


def invitation() -> Image.Image:
    """Draw an invitation to a concert."""
    image, draw = _sheet((900, 1100), "#fdf0d5")
    draw.rectangle((40, 40, 860, 1060), outline="#780000", width=6)
    lines = (
        (200, 88, "Open Air"),
        (310, 88, "Concert"),
        (500, 46, "The Lighthouse Quartet"),
        (580, 46, "plays Haydn and Ravel"),
        (760, 54, "Saturday 12 June"),
        (840, 54, "7 pm, Castle Park"),
        (980, 40, "Free entry"),
    )
    for y, size, line in lines:
        draw.text((450, y), line, font=_font(size), fill="#780000", anchor="mm")
    return image


DRAWN: dict[str, Callable[[], Image.Image]] = {
    "visitors.png": bar_chart,
    "travel.png": pie_chart,
    "cancelled.png": post_screenshot,
    "terminal.png": terminal,
    "prices.png": price_table,
    "lake.png": sign,
    "concert.png": invitation,
}


def png(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
