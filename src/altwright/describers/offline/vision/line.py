"""One line of text on a picture: what it says, how surely, where it stands, in which script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from altwright.describers.offline.vision.scripts import is_right_to_left

#: A box so much taller than wide holds text that runs upwards or downwards.
_UPRIGHT_RATIO: Final = 1.4
#: A recognised line's least score.
_LEAST_SCORE: Final = 0.5
#: Lines so much longer than high have letters enough to tell whether they were read.
_TELLING_RATIO: Final = 3
#: Least letters of a line as a share of what has room in it (a letter is half as wide as high). Of
#: Cyrillic the recogniser returns the spaces and punctuation, very sure of them.
_LEGIBLE: Final = 0.35
#: Of a drawn picture's line it is so unsure where it may be in another script: of Thai it makes a
#: salad. Where lines are, those of which it is less sure than usual are looked at again, and short
#: ones, and those with fewer letters: of “Firefox” in a Hebrew sentence it returns that word alone.
_SALAD_SCORE: Final = 0.75
USUAL_SCORE: Final = 0.9
_FULL: Final = 0.75
#: What it makes of Greek, which it knows half of, and of Arabic and Hebrew.
_SALAD: Final = re.compile(r"[\u03ac-\u03ce]{3}|^(?=.{6})0[-017]+( [-017]+)*$")
#: What it makes of discs in a row, as games have them.
_DISCS: Final = "\N{BLACK CIRCLE}\N{WHITE CIRCLE}"
_DOTS: Final = re.compile(rf"(?=.*[{_DISCS}])[{_DISCS}O0\s·.]+$")
#: Letters of Vietnamese that nearly no other language has.
_VIETNAMESE_LETTERS: Final = frozenset("đĐơƠưƯ")
#: Of Vietnamese it leaves out the letters with two marks ("th Hai" for "thứ Hai").
_VIETNAMESE: Final = re.compile(r"[\u01a0\u01a1\u01af\u01b0]|[\u0110\u0111](?=[^\W\d_]*\s)")
#: It knows some Greek letters, and takes others for Latin ones ("EKIITOΣEIΣ"). Single ones stand in
#: formulas.
_GREEK: Final = re.compile(r"(?=\w{3})\w*[\u0370-\u03ff]")
#: Chinese and Japanese letters and punctuation.
UNSPACED: Final = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff0f]")


@dataclass(frozen=True, slots=True)
class Line:
    """One recognised line; its box in pixels of the picture."""

    text: str
    score: float
    x0: float
    y0: float
    x1: float
    y1: float
    #: One that the first recogniser doesn't know, in which the line was read; "" any that it does.
    script: str = ""

    @property
    def height(self) -> float:
        """Return its height in pixels."""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """Return its width in pixels."""
        return self.x1 - self.x0

    @property
    def x(self) -> float:
        """Return its middle from the left."""
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        """Return its middle from the top."""
        return (self.y0 + self.y1) / 2

    @property
    def is_read(self) -> bool:
        """Return whether this is text, and in a script that the recogniser knows."""
        return bool(self.text) and self.score >= _LEAST_SCORE and not self.is_foreign

    @property
    def is_foreign(self) -> bool:
        """Return whether this is a line of letters that the recogniser doesn't know."""
        if self.script or not self._is_telling or _DOTS.match(self.text):
            return False
        is_salad = _SALAD.search(self.text) or _VIETNAMESE.search(self.text)
        return self._written < _LEGIBLE * self.room or is_salad is not None

    @property
    def may_be_vietnamese(self) -> bool:
        """Return whether a letter of it is one of Vietnamese, of which others are left out."""
        return not _VIETNAMESE_LETTERS.isdisjoint(self.text)

    @property
    def may_be_salad(self) -> bool:
        """Return whether the recogniser is unsure of a whole line, or took Greek for Latin."""
        if self.script or not self._is_telling:
            return False
        return self.score < _SALAD_SCORE or _GREEK.search(self.text) is not None

    @property
    def is_doubtful(self) -> bool:
        """Return whether the recogniser may not know some of the line's letters."""
        if self.script or self.is_upright:
            return False
        is_sure = self._is_telling and self.score >= USUAL_SCORE and not self.may_be_salad
        return not is_sure or self._written < _FULL * self.room

    @property
    def room(self) -> float:
        """Return how many letters the line has room for."""
        return 2 * self.width / self.height

    @property
    def _is_telling(self) -> bool:
        return not self.is_upright and self.width >= _TELLING_RATIO * self.height

    @property
    def _written(self) -> int:
        return sum(character.isalnum() for character in self.text)

    @property
    def is_rtl(self) -> bool:
        """Return whether it is read from the right, as columns of Chinese and Japanese are, too."""
        return is_right_to_left(self.script) or self.is_column

    @property
    def is_column(self) -> bool:
        """Return whether it is written downwards, as Chinese and Japanese may be."""
        return self.is_upright and UNSPACED.match(self.text) is not None

    @property
    def is_tall(self) -> bool:
        """Return whether its box may hold text that runs along the vertical."""
        return self.height > _UPRIGHT_RATIO * self.width

    @property
    def is_upright(self) -> bool:
        """Return whether the text runs along the vertical."""
        return self.is_tall and len(self.text) > 2  # noqa: PLR2004
