"""Lists: rows of a label and what stands beside it, as settings, forecasts and timetables are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Final

from altwright.describers.offline.vision.line import Line

#: Rows of a label and a value, at least, and their share of the characters.
_ROWS: Final = 3
_SHARE: Final = 0.5
#: What two lines of a row have of their heights in common, in shares of the lower one's.
_BESIDE: Final = 0.15
#: A value is so many line heights away from its label; labels and values are flush within so many.
_GAP: Final = 0.5
_FLUSH: Final = 0.75
#: Characters of a value, at most on average; columns of running text have more.
_VALUE: Final = 16
_DIGIT: Final = re.compile(r"\d")
#: A sign that more follows.
_MORE: Final = re.compile(r"\s*[>\u203a\u276f]+$")


def told(lines: Sequence[Line]) -> str:
    """Return a list's title and rows ("Sound. Ringtone: Bells; Alarm: 60%"); "": it is none."""
    if not lines or any(line.is_rtl for line in lines):
        return ""
    typical = median(line.height for line in lines)
    groups = _beside_each_other(lines)
    wide = [group for group in groups if _gap(group) > _GAP * typical]
    if not wide or any(map(_are_several, wide)):
        return ""
    edge, end = median(group[0].x0 for group in wide), median(group[-1].x1 for group in wide)
    start = median(group[-1].x0 for group in wide)
    flush = _FLUSH * typical
    items = [
        group
        for group in wide
        if abs(group[0].x0 - edge) < flush
        and min(abs(group[-1].x0 - start), abs(group[-1].x1 - end)) < flush
    ]
    if groups[-1] in wide and groups[-1] not in items:
        groups = groups[:-1]  # places to go to, at the foot of a screen
    written = sum(len(line.text) for line in lines)
    listed = sum(len(line.text) for group in items for line in group)
    if len(items) < _ROWS or listed < _SHARE * written:
        return ""
    values = [line.text for group in items for line in group if line not in _label(group)]
    if mean(len(value) for value in values) > _VALUE:
        return ""
    return _worded(groups, items)


def _worded(groups: Sequence[list[Line]], items: Sequence[list[Line]]) -> str:
    """Return the list's text; of words above figures that are theirs each with its figure."""
    text, was_item = "", False
    for before, group, after in zip([[], *groups], groups, [*groups[1:], []], strict=False):
        is_item = group in items
        if is_item and after in items and _are_tiles(group, after):
            continue
        if is_item and before in items and _are_tiles(before, group):
            pairs = zip(before, group, strict=True)
            said = "; ".join(f"{label.text}: {value.text}" for label, value in pairs)
        else:
            said = _item(group) if is_item else " ".join(line.text for line in group)
        text += ("; " if is_item and was_item else ". " if text else "") + said
        was_item = is_item
    return text


def _beside_each_other(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines in groups of which each line is beside another, from the top and left."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.y0):
        last = found[-1] if found else []
        if any(min(o.y1, line.y1) - line.y0 > _BESIDE * min(o.height, line.height) for o in last):
            last.append(line)
        else:
            found.append([line])
    return [sorted(group, key=lambda line: line.x0) for group in found]


def _label(group: Sequence[Line]) -> list[Line]:
    """Return the lines at a row's beginning, from the top."""
    return sorted((line for line in group if line.x0 < group[0].x1), key=lambda line: line.y)


def _are_several(group: Sequence[Line]) -> bool:
    """Return whether labels stand so close that several rows with values of their own are one."""
    label = _label(group)
    values = sorted((line for line in group if line not in label), key=lambda line: line.y)
    is_stacked = any(below.y0 > above.y for above, below in pairwise(values))
    return len(label) > 1 and is_stacked


def _are_tiles(above: Sequence[Line], below: Sequence[Line]) -> bool:
    """Return whether words stand above figures that are theirs, as on the tiles of an app."""
    has_words = not any(_DIGIT.search(line.text) for line in above)
    return has_words and len(above) == len(below) and all(_DIGIT.match(o.text) for o in below)


def _gap(group: Sequence[Line]) -> float:
    """Return how far what stands beside a row's label is away from it; 0: nothing does."""
    label = _label(group)
    beside = [line.x0 for line in group if line not in label]
    return min(beside) - max(line.x1 for line in label) if beside else 0.0


def _item(group: Sequence[Line]) -> str:
    label = _label(group)
    values = [_MORE.sub("", line.text) for line in group if line not in label]
    named = " ".join(line.text for line in label)
    return f"{named}: {', '.join(value for value in values if value)}"
