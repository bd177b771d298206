"""Chats as many apps draw them: bubbles that hug their text, to the left and to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from evaluation.drawing.sheet import Face, Sheet, font, wrapped


@dataclass(frozen=True)
class Look:
    """How an app draws: colours, sizes in pixels, where times stand."""

    ground: str = "white"
    #: Fill and ink of theirs and of ours.
    theirs: tuple[str, str] = ("#e9e9eb", "#111111")
    ours: tuple[str, str] = ("#0b7cff", "white")
    faint: str = "#8a8f98"
    #: Fill of the bars at the top and below; "": as the ground.
    bar: str = ""
    width: int = 750
    points: int = 26
    face: Face = "sans"
    radius: int = 24
    times: Literal["", "inside", "beside", "below"] = ""
    #: What the field for a new message says, and that field's fill ("": only an outline).
    field: str = ""
    field_fill: str = ""
    clock: str = ""
    #: A line in the middle before the first message ("Today").
    day: str = ""
    has_avatars: bool = False
    #: Whether the chat's name stands right above the first message at the left.
    has_title_at_left: bool = False
    #: Where a group's names stand.
    names: Literal["inside", "above"] = "inside"
    name_ink: str = "#c2410c"


#: Side ("left" or "right"), text or lines, time, name of who speaks.
Message = tuple[str, "str | Sequence[str]", str, str]


def chat(title: str, messages: Sequence[Message], look: Look) -> Image.Image:
    """Return a screenshot of a chat."""
    sheet = Sheet((look.width, 4000), look.ground)
    top = 100 + 2 * look.points
    bar = look.bar or look.ground
    sheet.draw.rectangle((0, 0, look.width, top), bar)
    if look.clock:
        sheet.text((40, 20), look.clock, 22, look.face, look.theirs[1])
    place, anchor = (
        ((30, top - 10), "lm") if look.has_title_at_left else ((look.width / 2, top - 44), "mm")
    )
    sheet.text(place, title, look.points + 4, look.face, look.theirs[1], anchor)
    y = top + 24.0
    if look.day:
        sheet.text((look.width / 2, y + 10), look.day, 18, look.face, look.faint, "mm")
        y += 46
    for message in messages:
        y = _bubble(sheet, message, look, y) + 0.7 * look.points
    if look.field:
        box = (70, y + 30, look.width - 120, y + 90)
        sheet.draw.rectangle((0, y + 14, look.width, y + 110), bar)
        sheet.box(box, look.field_fill or bar, None if look.field_fill else look.faint, r=28)
        sheet.text((100, y + 60), look.field, look.points - 2, look.face, look.faint, "lm")
        y += 100
    return sheet.image.crop((0, 0, look.width, round(y + 20)))


def _bubble(sheet: Sheet, message: Message, look: Look, y: float) -> float:
    """Draw one message; return where it ends."""
    side, text, at, name = message
    room = 0.62 * look.width
    lines = wrapped(text, look.points, look.face, room) if isinstance(text, str) else list(text)
    is_ours = side == "right"
    fill, ink = look.ours if is_ours else look.theirs
    pad, step = 0.75 * look.points, 1.35 * look.points
    small = round(0.62 * look.points)
    is_named_inside = bool(name) and look.names == "inside"
    widest = max(font(look.points, look.face).getlength(line) for line in lines)
    if is_named_inside:
        widest = max(widest, font(look.points - 4, look.face).getlength(name))
    tail = font(small, look.face).getlength(at) + pad if look.times == "inside" else 0
    width = max(widest, tail) + 2 * pad + (tail if look.times == "inside" else 0)
    left = 84 if look.has_avatars else 24
    x = look.width - 24 - width if is_ours else left
    if name and not is_named_inside:
        sheet.text((x + pad, y), name, small, look.face, look.faint)
        y += 1.5 * small
    height = step * (len(lines) + is_named_inside) + 1.1 * pad
    if look.has_avatars and not is_ours:
        sheet.draw.ellipse((20, y + height - 48, 68, y + height), look.name_ink)
    sheet.box((x, y, x + width, y + height), fill, fill, r=look.radius)
    inner = y + 0.55 * pad
    if is_named_inside:
        sheet.text((x + pad, inner), name, look.points - 4, look.face, look.name_ink)
        inner += step
    sheet.lines((x + pad, inner), lines, look.points, look.face, ink, step=1.35)
    if look.times == "inside":
        inked = look.faint if not is_ours else ink
        sheet.text((x + width - pad, y + height - 0.4 * pad), at, small, look.face, inked, "rs")
    elif look.times == "beside":
        place = (x - 10, y + height) if is_ours else (x + width + 10, y + height)
        sheet.text(place, at, small, look.face, look.faint, "rs" if is_ours else "ls")
    elif look.times == "below":
        place = (x + width, y + height + 6) if is_ours else (x, y + height + 6)
        sheet.text(place, at, small, look.face, look.faint, "ra" if is_ours else "la")
        height += 1.8 * small
    return y + height
