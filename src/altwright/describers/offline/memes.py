"""Text on photos: captions of memes, and signs and labels that were photographed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from altwright.describers.offline.english import quoted
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import ordered, rows
from altwright.describers.offline.vision.written_numbers import is_number

#: A caption's least height, and how far its middle may be off the picture's, as shares.
_CAPTION_HEIGHT: Final = 0.045
_OFF_CENTRE: Final = 0.12
#: Captions stand in the upper and lower bands of this height.
_BAND: Final = 0.36
_CAPTION_LETTERS: Final = 6
#: Shares of a caption's box that are white letters and their dark outline.
_WHITE_SHARE: Final = 0.12
_DARK_SHARE: Final = 0.06
#: Recognised text on photos is believed from this score on.
_BELIEVED: Final = 0.85
#: Inside a word, capitals between small letters are texture, not text ("eléctricamEMTe").
_JUMBLED: Final = re.compile(
    r"[a-zà-ÿ][A-ZÀ-Þ]{2,}[a-zà-ÿ]|[a-z][A-Z][a-z]*[A-Z]|^[^\w“\"'(@#$€£%&+/\u2013-]"
)
#: A number, as prices and times are, that is believed beside such text from this score on.
_SURE: Final = 0.9


def caption(pixels: Pixels, lines: Sequence[Line]) -> str:
    """Return the meme's caption, its parts divided by " / "; empty: it's no meme."""
    height, width = pixels.shape[:2]
    written = [line for line in lines if _is_caption(line, pixels)]
    top = [line for line in written if line.y < _BAND * height]
    bottom = [line for line in written if line.y > (1 - _BAND) * height]
    parts = [" ".join(line.text for row in rows(part) for line in row) for part in (top, bottom)]
    text = " / ".join(part for part in parts if part)
    others = sum(len(line.text) for line in lines if line not in written and _is_believed(line))
    if others > len(text):  # a sign's headline
        return ""
    letters = sum(character.isalpha() for character in text)
    centre = [abs(_middle(row) / width - 0.5) for part in (top, bottom) for row in rows(part)]
    is_centred = bool(centre) and max(centre) < _OFF_CENTRE
    return text if letters >= _CAPTION_LETTERS and is_centred else ""


def describe(found: Statement, text: str) -> Statement:
    """Return the meme's description around what the photo shows."""
    if found.level == "low":
        return Statement(f"meme with the caption {quoted(text)}", "medium", "meme")
    return Statement(f"meme: {found.text}, with the caption {quoted(text)}", found.level, "meme")


def believed(lines: Sequence[Line]) -> list[Line]:
    """Return, in reading order, what is surely written on something in the photo."""
    good = [line for line in lines if _is_believed(line)]
    good += [line for line in lines if line not in good and _is_number_of(line, good)]
    signs = sum(character.isalnum() for line in good for character in line.text)
    return ordered(good) if signs >= 3 else []  # noqa: PLR2004


def _middle(row: Sequence[Line]) -> float:
    return (min(line.x0 for line in row) + max(line.x1 for line in row)) / 2


def _is_caption(line: Line, pixels: Pixels) -> bool:
    height = pixels.shape[0]
    letters = [character for character in line.text if character.isalpha()]
    capitals = sum(character.isupper() for character in letters)
    if not letters or capitals < 0.8 * len(letters) or line.height < _CAPTION_HEIGHT * height:
        return False
    box = pixels[int(line.y0) : int(line.y1) + 1, int(max(0, line.x0)) : int(line.x1) + 1]
    if box.size == 0:
        return False
    white = (box.min(axis=2) > 225).mean()  # noqa: PLR2004 - nearly white
    dark = (box.max(axis=2) < 60).mean()  # noqa: PLR2004 - nearly black
    return bool(white > _WHITE_SHARE and dark > _DARK_SHARE)


def _is_number_of(line: Line, good: Sequence[Line]) -> bool:
    """Return whether a line is a number in a row with text, or flush with it, as on a receipt."""
    if line.score < _SURE or len(line.text) < 2 or not is_number(line.text):  # noqa: PLR2004
        return False
    return any(
        0.5 < line.height / one.height < 2  # noqa: PLR2004 - of one size
        and (
            abs(line.y - one.y) < 0.5 * one.height
            or min(abs(line.x0 - one.x0), abs(line.x1 - one.x1)) < one.height
        )
        for one in good
    )


def _is_believed(line: Line) -> bool:
    letters = sum(character.isalpha() for character in line.text)
    solid = sum(character.isalnum() or character == " " for character in line.text)
    return (
        line.score >= _BELIEVED
        and letters >= 2  # noqa: PLR2004 - one letter is a shape
        and solid >= 0.7 * len(line.text)
        and not any(_JUMBLED.search(word) for word in line.text.split())
    )
