"""Chats: bubbles below one another, to the left and to the right, and who says what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean, median
from typing import Final

import numpy as np

from altwright.describers.offline.english import quoted
from altwright.describers.offline.screenshots import SURE_TEXT, readable, status_bar
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision import areas
from altwright.describers.offline.vision.areas import Area, in_rows
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import joined

#: Bubbles of a chat, at least.
_BUBBLES: Final = 3
#: Share of the picture's width that a bubble has at most, and of its box that has its colour.
_WIDEST: Final = 0.87
_FILLED: Final = 0.5
#: A rounded area has another colour at so many of its box's corners; a tail takes up two.
_ROUNDED: Final = 2
#: Shares of all bubbles' width: how far the ends of a side's may differ, and how far a bubble ends
#: off the other side.
_FLUSH: Final = 0.03
_RAGGED: Final = 0.06
#: Share of the characters between the first and the last bubble that stand on them.
_ON_THEM: Final = 0.6
#: Shares by which widths of bubbles differ that follow what is said.
_HUGGING: Final = 0.1
#: Distance of two inks that a person sees; a hint in a field has so much of the messages' contrast.
_OTHER_INK: Final = 60
_FAINT: Final = 0.75
#: A name has no more characters, and stands no more of its heights above its bubble.
_NAME: Final = 30
_NEAR: Final = 1.5
#: Share of the messages with a time from which on it is surely a chat.
_TIMED: Final = 0.5
#: Height of a chat's name, as a share of the highest line above: what is below it is a little less.
_TITLE: Final = 0.75
#: Characters of a line that is a quotation if it was there before.
_QUOTED: Final = 8
_WORDLESS: Final = "a message without words"
_TIME: Final = re.compile(r"(?i)^\W*\d{1,2}[:.]\d{2}( ?[ap]\.?m\.?)?\W*\w?\W*$")
#: How a poll's answer begins, and so many of them are no messages.
_SHARE: Final = re.compile(r"^\d{1,3}([.,]\d)? ?%")
_SHARES: Final = 2
_ENDING_TIME: Final = re.compile(r"(?i)\s?\d{1,2}[:.]\d{2}( ?[ap]\.?m\.?)?\W*$")

_Sided = tuple[str, Area]


def describe(pixels: Pixels, lines: Sequence[Line]) -> Statement | None:
    """Return what is said in a chat, in its order, with the side of each; None: it is no chat."""
    lines = readable(lines)
    found = areas.find(pixels, lines)
    bubbles = [area for area in found if _is_bubble(area, found, pixels.shape[1])]
    sided = _without_field(pixels, _sides(bubbles))
    if not _is_chat(sided, lines):
        return None
    first = sided[0][1].y0
    above = [line for line in lines if line.y < first]
    bar = status_bar(lines, len(pixels))
    beside = [line for line in lines if not any(line in bubble.lines for _, bubble in sided)]
    timed = mean(_is_timed(bubble, beside) for _, bubble in sided)
    is_sure = bool(bar) or timed >= _TIMED
    kind = "a chat" if is_sure else "what may be a chat"
    is_read = mean(line.score for line in lines) >= SURE_TEXT
    heads = [line for line in above if line not in bar]
    largest = max((line.height for line in heads), default=0.0)
    title = next((line for line in heads if line.height > _TITLE * largest), None)
    if title:  # and what stands below it, as "online"
        beside = [line for line in beside if line.y0 > title.y1 + 0.5 * title.height]
    earlier: list[Line] = []
    told = []
    for side, bubble in sided:
        told.append(_message(pixels, side, _without_times(bubble, timed), beside, earlier))
        earlier += bubble.lines
    messages = "; ".join(told)
    # Where one is emoji, others may have been read as letters.
    is_sure &= is_read and not any(one.endswith(_WORDLESS) for one in told)
    text = f"screenshot of {kind}{f' headed {quoted(title.text)}' if title else ''}"
    messages = messages[0].upper() + messages[1:]
    return Statement(f"{text}. {messages}", "high" if is_sure else "medium", "chat")


def _is_bubble(area: Area, others: Sequence[Area], width: int) -> bool:
    """Return whether an area is rounded, narrower than the picture, and no frame of others."""
    is_initial = len(area.text) <= 2 and 0.8 < area.width / area.height < 1.2  # noqa: PLR2004 - on a face
    return (
        area.width <= _WIDEST * width
        and area.filled >= _FILLED
        and area.cut_corners >= _ROUNDED
        and not is_initial
        and not any(area.holds(other) for other in others)
    )


def _sides(bubbles: Sequence[Area]) -> list[_Sided]:
    """Return the bubbles at the left and at the right, from the top; others are no messages."""
    if len(bubbles) < _BUBBLES:
        return []
    start, end = min(bubble.x0 for bubble in bubbles), max(bubble.x1 for bubble in bubbles)
    flush, ragged = _FLUSH * (end - start), _RAGGED * (end - start)
    sided = []
    for bubble in sorted(bubbles, key=lambda bubble: bubble.y0):
        before, behind = bubble.x0 - start, end - bubble.x1
        if before <= flush and behind > ragged:
            sided.append(("left", bubble))
        elif behind <= flush and before > ragged:
            sided.append(("right", bubble))
    return sided


def _without_field(pixels: Pixels, sided: list[_Sided]) -> list[_Sided]:
    """Return the messages without the field for a new one, whose hint is fainter than they are."""
    if not sided:
        return []
    side, last = sided[-1]
    same = [_contrast(pixels, bubble) for one, bubble in sided[:-1] if one == side]
    return sided[:-1] if same and _contrast(pixels, last) < _FAINT * median(same) else sided


def _contrast(pixels: Pixels, bubble: Area) -> float:
    line = max(bubble.lines, key=lambda line: line.height)
    return float(np.abs(areas.ink(pixels, line, bubble) - bubble.colour).sum())


def _is_chat(sided: Sequence[_Sided], lines: Sequence[Line]) -> bool:
    """Return whether bubbles of two sides stand below one another, and nearly all text on them.

    A poll's bars, each with its share, are no bubbles.
    """
    left = [bubble for side, bubble in sided if side == "left"]
    right = [bubble for side, bubble in sided if side == "right"]
    shares = sum(bool(_SHARE.match(bubble.text)) for _, bubble in sided)
    if len(sided) < _BUBBLES or not left or not right or shares >= _SHARES:
        return False
    if any(after.y0 < before.y1 - 2 for (_, before), (_, after) in pairwise(sided)):
        return False
    widths = [[bubble.width for bubble in of_side] for of_side in (left, right)]
    is_hugging = any(max(wide) - min(wide) > _HUGGING * max(wide) for wide in widths)
    is_apart = max(bubble.x1 for bubble in left) <= min(bubble.x0 for bubble in right)
    if is_apart and not is_hugging:
        return False  # cards along a line of time, or two columns of them
    start, end = min(bubble.x0 for bubble in left), max(bubble.x1 for bubble in right)
    top, bottom = sided[0][1].y0, sided[-1][1].y1
    there = [line for line in lines if start < line.x < end and top < line.y < bottom]
    said = [line for line in there if not _TIME.match(line.text)]
    on_them = sum(len(line.text) for line in said if any(line in b.lines for _, b in sided))
    return on_them >= _ON_THEM * sum(len(line.text) for line in said)


def _is_timed(bubble: Area, beside: Sequence[Line]) -> bool:
    """Return whether a time stands on a bubble, behind its text, beside it or just below."""
    near = [line for line in beside if bubble.y0 < line.y < bubble.y1 + _NEAR * line.height]
    return any(_TIME.match(line.text) for line in (*bubble.lines, *near)) or bool(
        _ENDING_TIME.search(bubble.lines[-1].text)
    )


def _without_times(bubble: Area, timed: float) -> Area:
    """Return a bubble of a chat with times without the one that its last line was read with."""
    *lines, last = bubble.lines
    text = _ENDING_TIME.sub("", last.text) if timed >= _TIMED else last.text
    return replace(bubble, lines=[*lines, replace(last, text=text)]) if text else bubble


def _without_quotation(said: list[Line], earlier: Sequence[Line]) -> list[Line]:
    """Return what is said behind a quotation of an earlier message, which stands below a name."""
    for at, line in enumerate(said[1:], 1):
        if len(line.text) >= _QUOTED and any(line.text in one.text for one in earlier):
            return said[at + 1 :]
    return said


def _message(
    pixels: Pixels, side: str, bubble: Area, beside: Sequence[Line], earlier: Sequence[Line]
) -> str:
    """Return one message with its side, and the name that stands on it or above it."""
    lines = in_rows(bubble.lines)
    said = [line for line in lines if not _TIME.match(line.text)]
    name = [line for line in beside if side == "left" and _is_name_above(line, bubble)]
    if not name and len(said) > 1 and len(said[0].text) <= _NAME:
        head, *rest = (areas.ink(pixels, line, bubble) for line in said)
        if min(np.abs(head - one).sum() for one in rest) > _OTHER_INK:
            name, said = said[:1], said[1:]
    said = _without_quotation(said, earlier)
    who = f", {quoted(joined(name))}" if name else ""
    if not said:  # emoji, or a picture
        return f"{side}{who}: {_WORDLESS}"
    return f"{side}{who}: {quoted(joined(said))}"


def _is_name_above(line: Line, bubble: Area) -> bool:
    gap = bubble.y0 - line.y1
    return (
        -0.5 * line.height < gap < _NEAR * line.height
        and abs(line.x0 - bubble.x0) < 2 * line.height
        and line.x1 < bubble.x1 + 2 * line.height
        and len(line.text) <= _NAME
        and "," not in line.text  # who is in the group
        and not line.text[0].isdecimal()  # how many are
        and not _TIME.match(line.text)
    )
