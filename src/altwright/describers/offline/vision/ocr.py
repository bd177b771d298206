"""The text on a picture: recognised lines with their places, in reading order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.vision import columns, gaps
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.scripts import is_right_to_left
from altwright.describers.offline.vision.tesseract import OtherScripts

T = TypeVar("T")

#: Longest side in pixels at which lines are searched. Measured: the same accuracy at 736 with a
#: fifth less memory, but single digits of charts are lost.
_SEARCH_PX: Final = 960
#: Small drawn pictures are scaled up to this side, at most twice: ticks of charts are 8 px high.
_DRAWN_PX: Final = 1400
#: A column's gap must be so many line heights wide to be read as one.
_GUTTER_LINES: Final = 1.2
#: … and so many between columns of running text, whose lines have so many characters on average.
_NARROW_GUTTER_LINES: Final = 0.3
_RUNNING: Final = 20
#: Share of a column's lines that are numbers beside others, which are read with their rows.
_NUMBERS_BESIDE: Final = 0.7
#: Cells of sentences beside each other go on so close below, in line heights.
_CLOSE: Final = 1.8
_CELLS: Final = 2
#: Rows above and below columns, as headlines and footnotes are, at most.
_PEELED: Final = 4
#: A box so much taller than wide holds text that runs upwards or downwards.
_UPRIGHT_RATIO: Final = 1.5
#: Characters after which no more lines are read: an alt text holds fewer, and a dense screen has
#: hundreds of lines (380 took 22 s).
_READ_MOST: Final = 1500
#: Lines this many times as long as high are strips of a texture, and cost half a gigabyte.
_LONGEST: Final = 100
#: What is higher, as a share of the picture, and can't be read is something drawn.
_TALLEST: Final = 0.25
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
_USUAL_SCORE: Final = 0.9
_FULL: Final = 0.75
#: What it makes of Greek, which it knows half of, and of Arabic and Hebrew.
_SALAD: Final = re.compile(r"[\u03ac-\u03ce]{3}|^(?=.{6})0[-017]+( [-017]+)*$")
#: What it makes of discs in a row, as games have them.
_DISCS: Final = "\N{BLACK CIRCLE}\N{WHITE CIRCLE}"
_DOTS: Final = re.compile(rf"(?=.*[{_DISCS}])[{_DISCS}O0\s·.]+$")
#: Of Vietnamese it leaves out the letters with two marks ("th Hai" for "thứ Hai").
_VIETNAMESE: Final = re.compile(r"[\u01a0\u01a1\u01af\u01b0]|[\u0110\u0111](?=[^\W\d_]*\s)")

#: It knows some Greek letters, and takes others for Latin ones ("EKIITOΣEIΣ"). Single ones stand in
#: formulas.
_GREEK: Final = re.compile(r"(?=\w{3})\w*[\u0370-\u03ff]")
#: What ends a lone number like an ordinal ("4º") is a degree sign on a forecast.
_DEGREES: Final = re.compile(r"^([-+\u2212]?\d{1,3})\N{MASCULINE ORDINAL INDICATOR}(?=[CF]?$)")
#: A number as prices, shares and days of a calendar are written.
_VALUE: Final = re.compile(
    r"^[-+\u2212\u2013]?[$€£]?\d[\d.,:/\s]*\s?(%|[$€£]|\N{DEGREE SIGN}C?)?\s?[>\u203a\u276f]?$"
)
#: Characters of words among values ("free"), at most.
_SHORT: Final = 8
#: Chinese and Japanese letters and punctuation.
_UNSPACED: Final = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff0f]")
#: Full-width forms (U+FF01 to U+FF5E) that the recogniser writes between Latin letters.
_NARROW: Final = {0xFF00 + code: 0x20 + code for code in range(0x01, 0x5F)}


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
        is_sure = self._is_telling and self.score >= _USUAL_SCORE and not self.may_be_salad
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
        return self.is_upright and _UNSPACED.match(self.text) is not None

    @property
    def is_upright(self) -> bool:
        """Return whether the text runs along the vertical."""
        return self.height > _UPRIGHT_RATIO * self.width and len(self.text) > 2  # noqa: PLR2004


class Reader:
    """Text recognition: Latin script, Chinese and Japanese by PP-OCRv6, others by Tesseract."""

    def __init__(self) -> None:
        self._others = OtherScripts()
        # Loads with its first use: a photo without a Reader costs a third of the memory.
        from rapidocr import RapidOCR  # noqa: PLC0415
        from rapidocr.utils.process_img import get_rotate_crop_image  # noqa: PLC0415

        self._crop = get_rotate_crop_image

        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "error",
                # The classifier of upside-down lines turned small upright ones: 0 % of wrong
                # characters became 68 % on one page (measured).
                "Global.use_cls": False,
                # Lines are enlarged by the recogniser; twice made YAMANA of YAMAHA.
                "Global.min_side_len": 1,
                "Det.limit_type": "max",
                "Det.limit_side_len": _SEARCH_PX,
                "Rec.rec_batch_num": 1,
                "EngineConfig.onnxruntime.intra_op_num_threads": 2,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, pixels: Pixels, *, enlarge: bool) -> list[Line]:
        """Return the lines in reading order; ``enlarge`` scales small pictures up first.

        Those that can't be read are among them, too (``is_read``). Of a picture full of text the
        first 1,500 characters are read.
        """
        scale = 1.0
        if enlarge:
            scale = max(1.0, min(2.0, _DRAWN_PX / max(pixels.shape[:2])))
        bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        if scale > 1:
            bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        found = self._engine(bgr, use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return []
        corners: dict[Line, NDArray[np.float32]] = {}
        for box in columns.divided(bgr, list(found.boxes)):
            (x0, y0), (x1, y1) = (box / scale).min(axis=0), (box / scale).max(axis=0)
            corners[Line("", 0.0, float(x0), float(y0), float(x1), float(y1))] = box
        lines: list[Line] = []
        crops: list[Pixels] = []
        room = 0.0
        for place in ordered([one for one in corners if one.width < _LONGEST * one.height]):
            crop = self._crop(bgr, corners[place].astype(np.float32))
            text, score = self._recognise(crop)
            line = replace(place, text=text, score=score)
            if line.is_upright:
                line = self._read_upright(bgr, line, scale)
            if line.is_foreign and line.height > _TALLEST * len(pixels):
                continue
            lines.append(line)
            crops.append(crop)
            room += line.room if line.is_foreign else len(line.text)
            if room > _READ_MOST:
                break
        return self._in_other_scripts(lines, crops, is_drawn=enlarge)

    def _in_other_scripts(
        self, lines: list[Line], crops: Sequence[Pixels], *, is_drawn: bool
    ) -> list[Line]:
        """Return the lines, those read that are surely in another script, in reading order."""
        is_asked = any(line.is_foreign or (is_drawn and line.may_be_salad) for line in lines)
        if not is_asked or not self._others.is_there:
            return ordered(lines) if any(line.is_rtl for line in lines) else lines
        looked_at = [i for i, line in enumerate(lines) if line.is_foreign or line.is_doubtful]
        readings = self._others.read(
            [(crops[i], lines[i].text) for i in looked_at], most=_READ_MOST
        )
        if not readings:
            return lines
        found = list(lines)
        for number, i in enumerate(looked_at):
            if number in readings:
                read = readings[number]
                found[i] = replace(lines[i], text=read.text, score=read.score, script=read.script)
            elif lines[i].score < _USUAL_SCORE or lines[i].may_be_salad:
                found[i] = replace(lines[i], text="", score=0.0)
        return ordered(found) if any(line.is_rtl for line in found) else found

    def read_line(self, pixels: Pixels) -> str:
        """Return the text of a picture that is one line."""
        return self._recognise(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[0]

    def _read_upright(self, bgr: Any, line: Line, scale: float) -> Line:
        """Read text that runs upwards, as axis labels do; keep what is surer."""
        pad = 2
        top, left = int(line.y0 * scale) - pad, int(line.x0 * scale) - pad
        bottom, right = int(line.y1 * scale) + pad, int(line.x1 * scale) + pad
        crop = bgr[max(0, top) : bottom, max(0, left) : right]
        if crop.size == 0:
            return line
        text, score = self._recognise(cv2.rotate(crop, cv2.ROTATE_90_CLOCKWISE))
        return replace(line, text=text, score=score) if score > line.score else line

    def _recognise(self, bgr: Any) -> tuple[str, float]:
        found = self._engine(bgr, use_det=False, use_cls=False, use_rec=True, return_word_box=True)
        if not found.txts:
            return "", 0.0
        words = found.word_results[0]
        places = [
            (character, step)
            for characters, steps in zip(words.words, words.word_cols, strict=True)
            for character, step in zip(characters, steps, strict=True)
        ]
        return tidy(gaps.spaced(str(found.txts[0]), places)), float(found.scores[0])


def tidy(text: str) -> str:
    """Return recognised text without the artefacts of full-width recognition."""
    text = " ".join(text.translate(_NARROW).split())
    text = re.sub("^\N{MULTIPLICATION SIGN}(?= ?[(])", "x", text)
    return _DEGREES.sub("\\1\N{DEGREE SIGN}", text)


def offsets(parts: Sequence[Pixels], *, is_tall: bool) -> list[tuple[int, int]]:
    """Return the left and upper ends of a long picture's parts, in pixels of the whole.

    ``is_tall``: they follow each other downwards, else to the right.
    """
    lengths = (part.shape[0 if is_tall else 1] for part in parts[:-1])
    return [(0, at) if is_tall else (at, 0) for at in accumulate(lengths, initial=0)]


def placed(lines: Sequence[Line], offset: tuple[float, float], scale: float) -> list[Line]:
    """Return a part's lines at their places in the whole picture."""
    dx, dy = offset
    return [
        replace(
            line,
            x0=(line.x0 + dx) * scale,
            x1=(line.x1 + dx) * scale,
            y0=(line.y0 + dy) * scale,
            y1=(line.y1 + dy) * scale,
        )
        for line in lines
    ]


def ordered(lines: Sequence[Line]) -> list[Line]:  # noqa: PLR0911 - ways to read, tried in turn
    """Return the lines as a person reads them: columns first, then blocks, then rows (XY-cut)."""
    if len(lines) < 2:  # noqa: PLR2004 - nothing to order
        return list(lines)
    if all(line.is_column for line in lines):
        return sorted(lines, key=lambda line: (-line.x, line.y))
    if sides := _sides(lines):
        return [line for side in from_its_side(sides, lines) for line in ordered(side)]
    if parts := _around_columns(lines):
        return [line for part in parts for line in ordered(part)]
    blocks = _cells_whole(rows(lines))
    if len(blocks) < len(lines):
        whole = {_whole(block): block for block in blocks}
        return [line for place in ordered(list(whole)) for line in whole[place]]
    typical = median(line.height for line in lines)
    gap = _widest_gap([(line.y0, line.y1) for line in lines])
    if gap is not None and gap[0] > 0.2 * typical:
        above = [line for line in lines if line.y < gap[1]]
        below = [line for line in lines if line.y >= gap[1]]
        return ordered(above) + ordered(below)
    return [line for row in rows(lines) for line in row]


def _sides(lines: Sequence[Line]) -> tuple[list[Line], list[Line]] | None:
    """Return the lines left and right of the widest gap, if they are columns."""
    typical = median(line.height for line in lines)
    gutter = _widest_gap([(line.x0, line.x1) for line in lines])
    if gutter is None or gutter[0] < _NARROW_GUTTER_LINES * typical:
        return None
    left = [line for line in lines if line.x < gutter[1]]
    right = [line for line in lines if line.x >= gutter[1]]
    is_wide = gutter[0] >= _GUTTER_LINES * typical
    if (is_wide or (_is_running(left) and _is_running(right))) and _are_columns(left, right):
        return left, right
    return None


def _around_columns(lines: Sequence[Line]) -> list[list[Line]]:
    """Return what stands above columns, these, and what is below; none if there aren't any."""
    found = rows(lines)
    for count in range(1, min(2 * _PEELED, len(found) - 2)):
        for top in range(max(0, count - _PEELED), min(count, _PEELED) + 1):
            bottom = len(found) - (count - top)
            middle = [line for row in found[top:bottom] for line in row]
            if _sides(middle):
                parts = [found[:top], found[top:bottom], found[bottom:]]
                return [[line for row in part for line in row] for part in parts if part]
    return []


def _are_columns(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Return whether what stands beside each other is read one after the other.

    A label is no column; prices belong to what they stand beside.
    """
    if min(len(rows(left)), len(rows(right))) < 3:  # noqa: PLR2004
        return False
    return not any(_are_values(one, other) for one, other in ((left, right), (right, left)))


def _are_values(lines: Sequence[Line], others: Sequence[Line]) -> bool:
    """Return whether lines are numbers, or half of them and the others short, beside others."""
    beside = [
        line
        for line in lines
        if any(abs(line.y - o.y) < 0.5 * min(line.height, o.height) for o in others)
    ]
    numbers = sum(_VALUE.match(line.text) is not None for line in beside)
    is_short = len(beside) == len(lines) and all(len(line.text) <= _SHORT for line in lines)
    return numbers >= (0.5 if is_short else _NUMBERS_BESIDE) * len(lines)


def _is_running(lines: Sequence[Line]) -> bool:
    return sum(len(line.text) for line in lines) >= _RUNNING * len(lines)


def _cells_whole(found: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return lines of rows, each with what goes on closely below it where others are beside it."""
    told: list[list[Line]] = []
    above: list[list[Line]] = []
    for row in found:
        if homes := _homes(row, above):
            for line, cell in zip(row, homes, strict=True):
                cell.append(line)
        else:
            above = [[line] for line in row]
            told += above
    return told


def _whole(lines: Sequence[Line]) -> Line:
    """Return lines below one another as one."""
    x0, y0 = min(line.x0 for line in lines), min(line.y0 for line in lines)
    x1, y1 = max(line.x1 for line in lines), max(line.y1 for line in lines)
    return replace(lines[0], text=joined(lines), x0=x0, y0=y0, x1=x1, y1=y1)


def _homes(row: Sequence[Line], above: list[list[Line]]) -> list[list[Line]]:
    """Return the cells above that each of a row's lines goes on in; none if one does not."""
    homes = []
    for line in row:
        near = [c for c in above if c[-1].x0 < line.x1 and line.x0 < c[-1].x1]
        if len(above) < _CELLS or len(near) != 1 or not line.text[:1].islower():
            return []
        if " " not in near[0][-1].text or line.y - near[0][-1].y > _CLOSE * line.height:
            return []
        homes += near
    return homes


def rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines grouped into rows from the top, each from the side where it begins."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.y):
        row = found[-1] if found else None
        if row and abs(line.y - _middle(row)) < 0.5 * min(line.height, row[0].height):
            row.append(line)
        else:
            found.append([line])
    return [from_its_side(sorted(row, key=lambda line: line.x0), row) for row in found]


def from_its_side(pieces: Sequence[T], lines: Sequence[Line]) -> list[T]:
    """Return pieces that stand from left to right as lines like these are read."""
    is_rtl = sum(line.width * (1 if line.is_rtl else -1) for line in lines) > 0
    return list(reversed(pieces)) if is_rtl else list(pieces)


def _middle(row: Sequence[Line]) -> float:
    return sum(line.y for line in row) / len(row)


def _widest_gap(spans: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return width and middle of the widest stretch that no span covers."""
    best: tuple[float, float] | None = None
    end: float | None = None
    for start, stop in sorted(spans):
        if end is not None and start > end and (best is None or start - end > best[0]):
            best = (start - end, (start + end) / 2)
        end = stop if end is None else max(end, stop)
    return best


def joined(lines: Sequence[Line]) -> str:
    """Return the lines as running text; words that a line's end divides are joined.

    Chinese and Japanese have no spaces. Numbers of one row stay apart.
    """
    text = ""
    for before, line in zip([None, *lines], lines, strict=False):
        if before and _are_two_numbers(before, line):
            text = f"{text}{gaps.APART}{line.text}"
        elif re.search(r"[a-zà-ÿ]-$", text) and re.match(r"[a-zà-ÿ]", line.text):
            text = text[:-1] + line.text
        elif _UNSPACED.match(text[-1:]) and _UNSPACED.match(line.text):
            text += line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text


def _are_two_numbers(line: Line, following: Line) -> bool:
    """Return whether numbers stand beside each other; read without a mark they are one."""
    is_beside = abs(following.y - line.y) < 0.5 * min(line.height, following.height)
    return is_beside and line.text[-1:].isdecimal() and following.text[:1].isdecimal()
