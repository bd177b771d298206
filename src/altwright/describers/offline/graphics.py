"""What is drawn beside text; of drawn pictures without text, only the colours can be said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from altwright.describers.offline.english import article
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import (
    Pixels,
    colour_name,
    colours,
    frequent,
)
from altwright.describers.offline.vision.line import Line
from altwright.domain.counting import listed

#: Share of the border that one colour must have to be called the background.
_BACKGROUND: Final = 0.7
#: Share of the picture from which on a colour is named.
_NAMED: Final = 0.01
#: Difference to the paper's colour that a person sees, and the share of a picture from which on
#: something beside its text is drawn.
_VISIBLE: Final = 40
_DRAWN: Final = 0.01


def is_drawn_beside(pixels: Pixels, lines: Sequence[Line]) -> bool:
    """Return whether there is anything but text on paper of one colour."""
    paper = frequent(pixels)[0][0].astype(np.int16)
    differs = np.abs(pixels.astype(np.int16) - paper).max(axis=2) > _VISIBLE
    for line in lines:
        pad = int(line.height / 4)
        top, left = max(0, int(line.y0) - pad), max(0, int(line.x0) - pad)
        differs[top : int(line.y1) + pad, left : int(line.x1) + pad] = False
    return bool(differs.mean() > _DRAWN)


def describe(pixels: Pixels) -> Statement:
    """Return the graphic's colours, on its background if it has one."""
    shares = {name: share for name, share in colours(pixels).items() if share >= _NAMED}
    background = _background(pixels)
    drawn = [name for name in shares if name != background][:3]
    if background and not drawn:
        return Statement(f"picture in plain {background}", "low", "graphic")
    if background:
        text = f"simple graphic in {listed(drawn)} on {article(f'{background} background')}"
        return Statement(text, "low", "graphic")
    return Statement(f"simple graphic in {listed(list(shares)[:4])}", "low", "graphic")


def _background(pixels: Pixels) -> str:
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    border = np.concatenate(edges).reshape(-1, 3)
    values, counts = np.unique(border, axis=0, return_counts=True)
    if counts.max() < _BACKGROUND * len(border):
        return ""
    return colour_name(values[counts.argmax()])
