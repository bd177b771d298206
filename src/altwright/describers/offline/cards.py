"""Cards: text on areas of one colour beside each other, as on an infographic or a board of tasks.

Each is read by itself; across them, what belongs to one stands beside what belongs to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Final

from altwright.describers.offline.english import number, quoted
from altwright.describers.offline.screenshots import SURE_TEXT, readable
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision import areas
from altwright.describers.offline.vision.areas import Area
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import joined, ordered, rows
from altwright.describers.port import Level

#: Cards beside each other, and rows of text on one, at least.
_CARDS: Final = 2
_ROWS: Final = 2
#: Lines beside the cards, a headline and a note; with more there is something else.
_LOOSE: Final = 2
#: From so many on, cells of one line are cards, too, as on a bingo card.
_GRID: Final = 6
#: More than so many are a program's buttons and fields.
_MOST: Final = 26
#: Share of the picture's width that one takes up at most; what is wider is paper.
_WIDEST: Final = 0.7
#: Share of the characters that stands on cards, at least; a dashboard's chart has names of its own.
_ON_THEM: Final = 0.4


def describe(pixels: Pixels, lines: Sequence[Line]) -> Statement | None:
    """Return what is written card by card; None: there are no two with rows of text, no grid."""
    lines = readable(lines)
    if any(line.is_rtl for line in lines):
        return None
    cards = _cards(areas.find(pixels, lines), lines, pixels.shape[1])
    several = [card for card in cards if len(rows(card)) >= _ROWS]
    written = sum(len(line.text) for line in lines)
    is_grid = bool(several) and len(cards) >= _GRID
    told = sum(len(line.text) for card in (cards if is_grid else several) for line in card)
    if told < _ON_THEM * written or not _are_beside(cards if is_grid else several):
        return None
    loose = [line for line in lines if not any(line in card for card in cards)]
    places = {_whole(part): part for part in (*cards, *([line] for line in loose))}
    texts = [quoted(joined(ordered(places[place]))) for row in rows(list(places)) for place in row]
    if len(texts) > _MOST:
        return None
    is_sure = (
        not is_grid and len(loose) <= _LOOSE and mean(line.score for line in lines) >= SURE_TEXT
    )
    level: Level = "high" if is_sure else "medium"
    text = f"image with text in {number(len(texts))} parts: {', '.join(texts)}"
    return Statement(text, level, "cards")


def _cards(found: Sequence[Area], lines: Sequence[Line], width: int) -> list[list[Line]]:
    """Return the lines on each outermost written area that is no paper, on areas within it, too."""
    narrow = [area for area in found if area.width <= _WIDEST * width]
    outer = [area for area in narrow if not any(other.holds(area) for other in narrow)]
    cards = []
    for area in outer:
        on_it = [o for o in lines if area.x0 <= o.x <= area.x1 and area.y0 <= o.y <= area.y1]
        if on_it:
            cards.append(on_it)
    return cards


def _are_beside(cards: Sequence[Sequence[Line]]) -> bool:
    """Return whether two stand at one height, with nothing of one above the other."""
    boxes = [_whole(card) for card in cards]
    return len(cards) >= _CARDS and any(
        one.x1 < other.x0 and one.y0 < other.y1 and other.y0 < one.y1
        for one in boxes
        for other in boxes
    )


def _whole(lines: Sequence[Line]) -> Line:
    """Return a card's place."""
    return Line(
        "",
        1.0,
        min(line.x0 for line in lines),
        min(line.y0 for line in lines),
        max(line.x1 for line in lines),
        min(line.y1 for line in lines),  # cards beside each other begin at one height
    )
