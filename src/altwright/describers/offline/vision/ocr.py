"""The text on a picture: recognised lines with their places, in reading order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.vision.image_stats import Pixels

#: Longest side in pixels at which lines are searched. Measured: the same accuracy at 736 with a
#: fifth less memory, but single digits of charts are lost.
_SEARCH_PX: Final = 960
#: Small drawn pictures are scaled up to this side, at most twice: ticks of charts are 8 px high.
_DRAWN_PX: Final = 1400
#: A column's gap must be so many line heights wide to be read as one.
_GUTTER_LINES: Final = 1.2
#: A box so much taller than wide holds text that runs upwards or downwards.
_UPRIGHT_RATIO: Final = 1.5
#: Characters after which no more lines are read: an alt text holds fewer, and a dense screen has
#: hundreds of lines (380 took 22 s).
_READ_MOST: Final = 1500
#: Lines this many times as long as high are strips of a texture, and cost half a gigabyte.
_LONGEST: Final = 100
#: A recognised line's least score.
_LEAST_SCORE: Final = 0.5
#: Lines so much longer than high have letters enough to tell whether they were read.
_TELLING_RATIO: Final = 3
#: Least letters of a line as a share of what has room in it (a letter is half as wide as high). Of
#: Cyrillic the recogniser returns the spaces and punctuation, very sure of them.
_LEGIBLE: Final = 0.35
#: What it makes of Greek, which it knows half of, and of Arabic and Hebrew.
_SALAD: Final = re.compile(r"[\u03ac-\u03ce]{3}|^(?=.{6})0[017]+( [017]+)*$")
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
        if self.is_upright or self.width < _TELLING_RATIO * self.height:
            return False
        room = 2 * self.width / self.height
        written = sum(character.isalnum() for character in self.text)
        return written < _LEGIBLE * room or _SALAD.search(self.text) is not None

    @property
    def is_upright(self) -> bool:
        """Return whether the text runs along the vertical."""
        return self.height > _UPRIGHT_RATIO * self.width and len(self.text) > 2  # noqa: PLR2004


class Reader:
    """Text recognition (PP-OCRv6 by RapidOCR): Latin script, Chinese and Japanese."""

    def __init__(self) -> None:
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
        for box in found.boxes:
            (x0, y0), (x1, y1) = (box / scale).min(axis=0), (box / scale).max(axis=0)
            corners[Line("", 0.0, float(x0), float(y0), float(x1), float(y1))] = box
        lines: list[Line] = []
        for place in ordered([one for one in corners if one.width < _LONGEST * one.height]):
            crop = self._crop(bgr, corners[place].astype(np.float32))
            text, score = self._recognise(crop)
            line = replace(place, text=text, score=score)
            if line.is_upright:
                line = self._read_upright(bgr, line, scale)
            lines.append(line)
            if sum(len(line.text) for line in lines) > _READ_MOST:
                break
        return lines

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
        found = self._engine(bgr, use_det=False, use_cls=False, use_rec=True)
        if not found.txts:
            return "", 0.0
        return tidy(str(found.txts[0])), float(found.scores[0])


def tidy(text: str) -> str:
    """Return recognised text without the artefacts of full-width recognition."""
    return re.sub(
        "^\N{MULTIPLICATION SIGN}(?= ?[(])", "x", " ".join(text.translate(_NARROW).split())
    )


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


def ordered(lines: Sequence[Line]) -> list[Line]:
    """Return the lines as a person reads them: columns first, then blocks, then rows (XY-cut)."""
    if len(lines) < 2:  # noqa: PLR2004 - nothing to order
        return list(lines)
    typical = median(line.height for line in lines)
    gutter = _widest_gap([(line.x0, line.x1) for line in lines])
    if gutter is not None and gutter[0] >= _GUTTER_LINES * typical:
        left = [line for line in lines if line.x < gutter[1]]
        right = [line for line in lines if line.x >= gutter[1]]
        if min(len(rows(left)), len(rows(right))) >= 3:  # noqa: PLR2004 - a column, not a label
            return ordered(left) + ordered(right)
    gap = _widest_gap([(line.y0, line.y1) for line in lines])
    if gap is not None and gap[0] > 0.2 * typical:
        above = [line for line in lines if line.y < gap[1]]
        below = [line for line in lines if line.y >= gap[1]]
        return ordered(above) + ordered(below)
    return [line for row in rows(lines) for line in row]


def rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines grouped into rows from the top, each from the left."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.y):
        row = found[-1] if found else None
        if row and abs(line.y - _middle(row)) < 0.5 * min(line.height, row[0].height):
            row.append(line)
        else:
            found.append([line])
    return [sorted(row, key=lambda line: line.x0) for row in found]


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
    """Return the lines as running text; words that a line's end divides are joined."""
    text = ""
    for line in lines:
        if re.search(r"[a-zà-ÿ]-$", text) and re.match(r"[a-zà-ÿ]", line.text):
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text
