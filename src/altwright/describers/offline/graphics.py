"""Drawn pictures without text: all that can be said is their colours."""

from __future__ import annotations

from typing import Final

import numpy as np

from altwright.describers.offline.english import article
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import Pixels, colour_name, colours
from altwright.domain.counting import listed

#: Share of the border that one colour must have to be called the background.
_BACKGROUND: Final = 0.7
#: Share of the picture from which on a colour is named.
_NAMED: Final = 0.01


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
