"""A picture of our set with what a description of it has to say."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from altwright.evaluation.references import Reference

#: Said of what we draw.
SOURCE, LICENCE = "drawn by Altwright", "AGPL-3.0-or-later"
#: What a picture isn't, unless its kind is that.
_KINDS = (
    *("photo", "photograph", "portrait", "bar chart", "line chart", "pie chart", "scatter plot"),
    *("table", "terminal", "program code", "social media post", "dialog box", "meme", "person"),
    *("people", "phone screen", "web page", "chat", "comic", "game", "chess", "sudoku"),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A picture's file and its reference."""

    data: bytes
    reference: Reference


def drawn(
    image: Image.Image,
    name: str,
    kind: str,
    reference: str,
    *,
    may_be: tuple[str, ...] = (),
    jpeg: int = 0,
    **wanted: Any,
) -> Made:
    """Return a drawn picture: a PNG, or a JPEG of that quality.

    What other pictures are would be false of it, but for its own kind and ``may_be``.
    """
    stream = io.BytesIO()
    image.save(stream, "JPEG" if jpeg else "PNG", **({"quality": jpeg} if jpeg else {}))
    false = [*wanted.pop("misleading", []), *(k for k in _KINDS if k not in {kind, *may_be})]
    return Made(
        stream.getvalue(),
        Reference(
            file=f"{name}.{'jpg' if jpeg else 'png'}",
            kind=kind,
            reference=reference,
            misleading=false,
            source=SOURCE,
            licence=LICENCE,
            **wanted,
        ),
    )
