"""Screens: posts, chats, terminals, program code, windows, phones."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from evaluation.drawing.sheet import Face, Sheet, wrapped

#: Ground, paper, ink, faint ink.
LIGHT, DARK = (
    ("#eef1f4", "white", "#1b1f24", "#57606a"),
    ("#15181d", "#20252c", "#eceff3", "#9aa4b0"),
)


def post(
    name: str, handle: str, text: str, footer: str, *, face: Face = "plain", is_dark: bool = False,
    width: int = 1000,
) -> Image.Image:  # fmt: skip
    """Return a screenshot of one post."""
    ground, paper, ink, faint = DARK if is_dark else LIGHT
    lines = wrapped(text, 32, face, width - 140)
    sheet = Sheet((width, 300 + 48 * len(lines)), ground)
    sheet.box((20, 20, width - 20, sheet.height - 20), paper, r=20)
    sheet.draw.ellipse((54, 54, 134, 134), fill="#c06c84")
    sheet.text((156, 58), name, 28, face, ink)
    sheet.text((156, 96), handle, 22, face, faint)
    y = sheet.lines((54, 170), lines, 32, face, ink)
    sheet.text((54, y + 26), footer, 22, face, faint)
    return sheet.image


def chat(
    title: str, messages: Sequence[tuple[bool, str, str]], *, face: Face = "sans",
    is_dark: bool = False, clock: str = "9:41",
) -> Image.Image:  # fmt: skip
    """Return a chat on a phone: each message is ours or not, what it says, and when."""
    ground, paper, ink, faint = DARK if is_dark else LIGHT
    told = [(ours, wrapped(text, 24, face, 420), at) for ours, text, at in messages]
    height = 190 + sum(70 + 34 * len(lines) for _, lines, _ in told)
    sheet = Sheet((720, max(1180, height)), ground)
    sheet.text((36, 18), clock, 22, face, ink)
    sheet.draw.rectangle((0, 56, 720, 130), fill=paper)
    sheet.text((360, 93), title, 28, face, ink, "mm")
    y = 160.0
    for ours, lines, at in told:
        left, right = (230, 690) if ours else (30, 490)
        fill = ("#235b8c" if is_dark else "#cfe8ff") if ours else paper
        bottom = y + 46 + 34 * len(lines)
        sheet.box((left, y, right, bottom), fill, r=18)
        sheet.lines((left + 18, y + 12), lines, 24, face, ink, step=1.4)
        sheet.text((right - 16, bottom - 8), at, 15, face, faint, "rs")
        y = bottom + 24
    return sheet.image


def terminal(
    lines: Sequence[str], *, points: int = 24, width: int = 1000, paper: str = "#1e1e2e",
    ink: str = "#cdd6f4",
) -> Image.Image:  # fmt: skip
    """Return a terminal's window."""
    sheet = Sheet((width, 80 + round(1.5 * points * len(lines)) + 24), paper)
    for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        sheet.draw.ellipse((24 + 34 * place, 20, 44 + 34 * place, 40), fill=colour)
    sheet.lines((30, 66), lines, points, "mono", ink)
    return sheet.image


def code(lines: Sequence[str], *, is_numbered: bool, is_dark: bool = True) -> Image.Image:
    """Return an editor's window; key words and remarks have colours."""
    paper, ink = ("#282c34", "#d7dae0") if is_dark else ("white", "#24292f")
    sheet = Sheet((980, 60 + 38 * len(lines)), paper)
    for number, line in enumerate(lines):
        y = 30 + 38 * number
        if is_numbered:
            sheet.text((56, y), str(number + 1), 22, "mono", "#7d8590", "ra")
        is_remark = line.strip().startswith(("#", "//"))
        colour = "#7f9f7f" if is_remark else ink
        sheet.text((80 if is_numbered else 30, y), line, 22, "mono", colour)
    return sheet.image


def dialog(title: str, lines: Sequence[str], buttons: Sequence[str], *, face: Face) -> Image.Image:
    """Return a dialog box with buttons at its lower right."""
    sheet = Sheet((760, 190 + 40 * len(lines)), "#f2f2f2")
    sheet.draw.rectangle((0, 0, 760, 48), fill="#d9dee5")
    sheet.text((20, 24), title, 21, face, anchor="lm")
    sheet.lines((34, 78), lines, 24, face)
    for place, label in enumerate(reversed(buttons)):
        right = 730 - 180 * place
        top = sheet.height - 70
        sheet.box((right - 160, top, right, top + 48), "white", "#8c959f", 8)
        sheet.text((right - 80, top + 24), label, 21, face, anchor="mm")
    return sheet.image


def phone(title: str, rows: Sequence[tuple[str, str]], *, is_dark: bool = False) -> Image.Image:
    """Return a phone's list: what, and a value at the right."""
    ground, paper, ink, faint = DARK if is_dark else LIGHT
    sheet = Sheet((720, 1320), ground)
    sheet.text((40, 22), "10:24", 24, "sans", ink)
    sheet.text((680, 22), "87%", 24, "sans", ink, "ra")
    sheet.text((40, 92), title, 40, "bold", ink)
    for number, (what, value) in enumerate(rows):
        y = 180 + 116 * number
        sheet.box((24, y, 696, y + 100), paper, r=16)
        sheet.text((50, y + 50), what, 27, "sans", ink, "lm")
        sheet.text((670, y + 50), value, 27, "sans", faint, "rm")
    return sheet.image


def web_page(address: str, heading: str, text: str, *, face: Face = "sans") -> Image.Image:
    """Return a browser's window."""
    sheet = Sheet((1180, 760))
    sheet.draw.rectangle((0, 0, 1180, 66), fill="#dee3ea")
    sheet.box((120, 12, 1060, 54), "white", r=20)
    sheet.text((146, 33), address, 20, "sans", "#333333", "lm")
    sheet.text((90, 120), heading, 44, face)
    sheet.lines((90, 210), wrapped(text, 25, face, 1000), 25, face, "#222222", step=1.7)
    return sheet.image


def table(
    rows: Sequence[Sequence[str]], *, widths: Sequence[int], title: str = "", face: Face = "plain",
    has_rules: bool = True, is_dark: bool = False,
) -> Image.Image:  # fmt: skip
    """Return a table; its first row names the columns."""
    _, paper, ink, faint = DARK if is_dark else LIGHT
    top = 80 if title else 16
    sheet = Sheet((40 + sum(widths), top + 60 * len(rows) + 20), paper)
    if title:
        sheet.text((sheet.width / 2, 22), title, 28, face, ink, "ma")
    for number, cells in enumerate(rows):
        y = top + 60 * number
        x = 20.0
        if number and has_rules:
            sheet.draw.line((20, y, sheet.width - 20, y), fill=faint)
        for cell, width in zip(cells, widths, strict=True):
            sheet.text((x + 10, y + 30), cell, 24, face, ink, "lm")
            x += width
    return sheet.image


def letters(rows: Sequence[str], colours: Sequence[str]) -> Image.Image:
    """Return a word game: a letter in each field; a colour's letter for each of them."""
    fills = {"g": "#538d4e", "y": "#b59f3b", "n": "#3a3a3c"}
    sheet = Sheet((90 * len(rows[0]) + 60, 90 * len(rows) + 60), "#121213")
    for y, (row, of_row) in enumerate(zip(rows, colours, strict=True)):
        for x, (letter, colour) in enumerate(zip(row, of_row, strict=True)):
            box = (30 + 90 * x, 30 + 90 * y, 112 + 90 * x, 112 + 90 * y)
            sheet.draw.rectangle(box, fill=fills[colour])
            sheet.text((71 + 90 * x, 71 + 90 * y), letter, 44, "bold", "white", "mm")
    return sheet.image


def calendar(month: str, first: int, days: int, notes: dict[int, str]) -> Image.Image:
    """Return a month's sheet that begins on a weekday (0: Monday)."""
    sheet = Sheet((980, 800))
    sheet.text((490, 20), month, 36, "bold", anchor="ma")
    for place, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        sheet.text((80 + 137 * place, 90), name, 22, "bold", anchor="ma")
    for day in range(1, days + 1):
        at = first + day - 1
        x, y = 12 + 137 * (at % 7), 130 + 108 * (at // 7)
        sheet.draw.rectangle((x, y, x + 135, y + 106), outline="#bbbbbb")
        sheet.text((x + 8, y + 6), str(day), 20, "sans")
        sheet.text((x + 8, y + 50), notes.get(day, ""), 17, "sans", "#a4141c")
    return sheet.image
