"""Lines in scripts that the first recogniser doesn't know: read by Tesseract where it is sure.

Measured on rendered sentences (13 to 34 pixels, 9 typefaces, JPEG down to quality 40, light on
dark): of its own script a recogniser is 85 to 96 % sure, of any other one 72 % at most.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import regex
from PIL import Image

from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.scripts import SCRIPTS, Script, with_names_first

#: Put in place by scripts/front_end.py.
TESSDATA: Final = Path(__file__).parents[1] / "weights" / "tessdata"
#: What reads the Latin words of a line besides; the others' weights know no Latin letter.
_LATIN: Final = "eng"
#: Heights in pixels to which a line is scaled, until three readings were made: of some typefaces'
#: Arabic nothing is found at one height or another.
_HEIGHTS: Final = (40, 28, 52, 34, 22)
_READINGS: Final = 3
_MARGIN_PX: Final = 12
#: Scores, 0 to 1: the mean of a line that tells its script, and of another line in it; a word's,
#: which two readings have alike, or three.
_SURE: Final = 0.85
_SURE_IN_SCRIPT: Final = 0.7
_SURE_WORD: Final = 0.6
_SURE_WORD_OF_THREE: Final = 0.3
#: Lines on which the weights of a script score less are in yet another one.
_OF_ANOTHER: Final = 0.6
#: Least share of a line's letters in sure words; the others become “…”.
_SURE_SHARE: Final = 0.75
#: Least share of a line's letters that are of its script: the rest may be Latin names.
_OF_SCRIPT: Final = 0.34
#: Lines by which the script of a picture is found, and how many times it is tried.
_SAMPLE: Final = 2
_ROUNDS: Final = 2
#: Seconds of processor time after which the rest stays unread: 30 lines or so.
_MOST_S: Final = 6.0
_UNSURE: Final = "…"
#: What the weights write in another way than people: the Greek letter mu, and a Thai vowel.
_USUAL: Final = {"\N{MICRO SIGN}": "\N{GREEK SMALL LETTER MU}", "\u0e4d\u0e32": "\u0e33"}
#: … and Arabic forms of two letters, which look the same where Persian and Urdu use them.
_PERSIAN: Final = ("fas", "urd")
_PERSIAN_LETTERS: Final = str.maketrans("\u0643\u064a", "\u06a9\u06cc")
_ODD: Final = regex.compile("|".join(_USUAL))
#: Words of another script come out with capitals, digits and brackets between letters ("їРһопе").
_JUMBLED: Final = regex.compile(r"\p{Ll}\p{Lu}|\p{L}\p{M}*[\d\[\](){}|@%<>=*]+\p{L}")
#: Marks of direction that the recogniser puts beside words.
_MARKS: Final = regex.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LATIN_NAME: Final = regex.compile(r"\p{Latin}+")
#: What is a word, and not letters that look like some of a script's.
_LATIN_WORD: Final = regex.compile(r"[A-Za-z]{4}")
_ARABIC_COMMA: Final = regex.compile(r"(?<=\p{Arabic}),(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and how sure the recogniser is of it, 0 to 1."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A line that was surely read."""

    text: str
    score: float
    script: str
    #: Share of its letters that were left out, and the score of its least sure word.
    unsure: float
    least: float

    @property
    def is_sure(self) -> bool:
        """Return whether all of the line was read, each word surely."""
        return self.unsure == 0 and self.least >= _SURE

    @property
    def rank(self) -> tuple[float, float]:
        """Return what is more for a better reading."""
        return -self.unsure, self.score


class OtherScripts:
    """Reads lines with the weights of many scripts; each is loaded when a line first needs it."""

    def __init__(self, directory: Path = TESSDATA) -> None:
        self._directory = directory
        self._engines: dict[str, Any] = {}
        #: Of the picture before: the next one is likely to be in the same.
        self._last: Script | None = None

    @property
    def is_there(self) -> bool:
        """Return whether this system has Tesseract and its weights."""
        try:
            import tesserocr  # noqa: F401, PLC0415 - its libraries load with the first line
        except ImportError:
            return False
        return (self._directory / f"{_LATIN}.traineddata").is_file()

    def read(self, crops: Sequence[tuple[Pixels, str]], *, most: int) -> dict[int, Reading]:
        """Return what is surely read, by the lines' indices, in one script or two.

        ``crops`` are pixels in BGR with what the first recogniser made of them, in the order of
        reading; after ``most`` characters no more are read.
        """
        found: dict[int, Reading] = {}
        until = time.process_time() + _MOST_S
        lines = [_Line(self, crop, latin) for crop, latin in crops]
        left = list(range(len(lines)))
        for _ in range(_ROUNDS):
            # Long lines tell most.
            sample = [lines[i] for i in sorted(left, key=lambda i: -lines[i].length)[:_SAMPLE]]
            script = self._script_of(sample)
            if script is None or time.process_time() > until:
                break
            self._last = script
            models = _models(script, sample)
            for i in left:
                reading = lines[i].read(script, models)
                if reading:
                    found[i] = reading
                length = sum(len(reading.text) for reading in found.values())
                if length > most or time.process_time() > until:
                    break
            left = [
                i
                for i in left
                if i not in found and lines[i].score(models, _HEIGHTS[0]) < _OF_ANOTHER
            ]
        self._forget(self._last)
        if len({reading.script for reading in found.values()}) > 1:
            # Of the lines of one script that can't be read, another makes a salad.
            return {i: one for i, one in found.items() if one.is_sure}
        return found

    def words(self, models: str, grey: Pixels) -> list[Word]:
        """Return what the named weights make of a line; several are joined by "+"."""
        engine = self._engines.get(models)
        if engine is None:
            import tesserocr  # noqa: PLC0415 - its libraries load with the first line

            engine = self._engines[models] = tesserocr.PyTessBaseAPI(
                path=f"{self._directory}/",
                lang=models,
                psm=tesserocr.PSM.SINGLE_LINE,
                oem=tesserocr.OEM.LSTM_ONLY,
                variables={"debug_file": "/dev/null"},
            )
        engine.SetImage(Image.fromarray(grey))
        text = _MARKS.sub("", engine.GetUTF8Text())
        if models.startswith(_PERSIAN):
            text = text.translate(_PERSIAN_LETTERS)
        return _scored(text.split(), engine.MapWordConfidences()) if text.strip() else []

    def _script_of(self, sample: Sequence[_Line]) -> Script | None:
        """Return the script that one of the lines is surely in."""
        scripts = sorted(SCRIPTS, key=lambda script: script is not self._last)
        looks = [(line, _HEIGHTS[0]) for line in sample] + [
            (line, _HEIGHTS[1]) for line in sample[:1]
        ]
        for line, height in looks:
            for script in scripts:
                is_sure = line.score(script.models, height) >= _SURE
                if is_sure and line.read(script, script.models):
                    return script
        return None

    def _forget(self, but: Script | None) -> None:
        """Free what was loaded for other scripts (5 to 10 MB each)."""
        kept = but.models if but else ()
        for name in [name for name in self._engines if name.partition("+")[0] not in kept]:
            self._engines.pop(name).End()


class _Line:
    """One line's readings: by weights and by the height it is scaled to."""

    def __init__(self, scripts: OtherScripts, crop: Pixels, latin: str) -> None:
        self.length = crop.shape[1] / crop.shape[0]
        self._latin = latin.replace(" ", "")
        self._scripts = scripts
        self._crop = crop
        self._read: dict[tuple[str, int], list[Word]] = {}

    def words(self, models: str, height: int) -> list[Word]:
        if (models, height) not in self._read:
            grey = _grey(self._crop, height)
            self._read[models, height] = self._scripts.words(models, grey)
        return self._read[models, height]

    def score(self, models: Sequence[str], height: int) -> float:
        """Return how sure the surest of the recognisers is of the line."""
        return max(_score(self.words(model, height)) for model in models)

    def read(self, script: Script, models: Sequence[str]) -> Reading | None:
        """Return the line as the surest of the recognisers reads it, if it is sure."""
        surest = models[0]
        if len(models) > 1:
            surest = max(
                models, key=lambda model: sum(self.score((model,), h) for h in _HEIGHTS[:2])
            )
        best: Reading | None = None
        for name in (surest, f"{surest}+{_LATIN}"):
            found = self._agreed(name, script)
            if found and (best is None or found.rank > best.rank):
                best = found
            if best and not best.unsure and best.least >= _SURE:
                break
        return best

    def _agreed(self, name: str, script: Script) -> Reading | None:
        """Return what two or three readings by the same weights agree on."""
        found: Reading | None = None
        readings: list[list[Word]] = []
        for height in _HEIGHTS:
            words = self.words(name, height)
            if not words:
                continue
            readings.append(words)
            if len(readings) > 1:
                found = _agreed(readings, script, self._latin)
            if len(readings) == _READINGS or (found and not found.unsure):
                break
        return found


def _models(script: Script, sample: Sequence[_Line]) -> Sequence[str]:
    """Return the weights that may read the lines: one language's, if they have a letter of it."""
    for model, letters in script.marked.items():
        for line in sample:
            had = Counter(
                word.text
                for height in _HEIGHTS
                for word in line.words(model, height)
                if word.score >= _SURE_WORD and letters.search(word.text)
            )
            if had and max(had.values()) > 1:
                return (model,)
    return script.models


def _grey(crop: Pixels, height: int) -> Pixels:
    """Return a line in dark letters on light ground, scaled, with a margin around it."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    if np.median(grey) < 128:  # noqa: PLR2004 - more ground than letters, so the ground is dark
        grey = 255 - grey
    scale = height / grey.shape[0]
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how)
    ground = int(np.median(grey))
    edges = (_MARGIN_PX,) * 4
    return np.asarray(cv2.copyMakeBorder(grey, *edges, cv2.BORDER_CONSTANT, value=ground), np.uint8)


def _score(words: Sequence[Word]) -> float:
    """Return the mean score, each word weighing as much as it is long."""
    length = sum(len(word.text) for word in words)
    return sum(word.score * len(word.text) for word in words) / length if length else 0.0


def _is_of(script: Script, words: Sequence[Word], least: float) -> bool:
    text = " ".join(word.text for word in words)
    letters = sum(character.isalpha() for character in text)
    own = len(script.letter.findall(text))
    return own >= 2 and own >= least * letters  # noqa: PLR2004 - one letter is a shape


def _scored(texts: Sequence[str], pieces: Sequence[tuple[str, int]]) -> list[Word]:
    """Return words with their scores, which come for pieces of them, in the order of reading.

    The pieces' own letters aren't used: they run from the left in any script.
    """
    found = []
    left = [(len(_MARKS.sub("", piece)), score / 100) for piece, score in reversed(pieces)]
    for text in texts:
        length, score = 0, 1.0
        while left and length < len(text):
            taken, least = left.pop()
            length, score = length + taken, min(score, least)
        if length != len(text):
            return []
        found.append(Word(_ODD.sub(lambda odd: _USUAL[odd[0]], text), score))
    return found


def _is_sure(word: Word, times: int, latin: str) -> bool:
    """Return whether a word is right that so many readings have."""
    if times == 1 or _JUMBLED.search(word.text):
        return False
    names = _LATIN_NAME.findall(word.text)
    if any(name not in latin for name in names) or (not names and _LATIN_WORD.search(latin)):
        return word.score >= _SURE
    return word.score >= (_SURE_WORD if times < _READINGS else _SURE_WORD_OF_THREE)


def _agreed(readings: Sequence[Sequence[Word]], script: Script, latin: str) -> Reading | None:
    """Return the surest reading's words that another one has too.

    Latin words that the first recogniser didn't see (``latin``) have to be surer, and so have those
    beside one that it saw, for each may be that one. None: too few words, or not of the script.
    """
    best = max(readings, key=_score)
    had = Counter(text for words in readings for text in {word.text for word in words})
    sure = [_is_sure(word, had[word.text], latin) for word in best]
    words = [word for word, is_sure in zip(best, sure, strict=True) if is_sure]
    length = sum(len(word.text) for word in best)
    share = sum(len(word.text) for word in words) / max(1, length)
    if (
        share < _SURE_SHARE
        or _score(best) < _SURE_IN_SCRIPT
        or not _is_of(script, words, _OF_SCRIPT)
    ):
        return None
    texts = [word.text if is_sure else _UNSURE for word, is_sure in zip(best, sure, strict=True)]
    if script.is_rtl:
        texts = with_names_first(texts)
    text = regex.sub(rf"{_UNSURE}( {_UNSURE})+", _UNSURE, " ".join(texts))
    text = _ARABIC_COMMA.sub("\N{ARABIC COMMA}", text)
    least = min(word.score for word in words)
    return Reading(text, round(_score(words), 2), script.name, 1 - share, least)
