"""The text on a picture: recognised lines with their places, in reading order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.vision import columns, gaps
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import USUAL_SCORE, Line
from altwright.describers.offline.vision.reading_order import ordered
from altwright.describers.offline.vision.tesseract import OtherScripts

#: Longest side in pixels at which lines are searched. Measured: the same accuracy at 736 with a
#: fifth less memory, but single digits of charts are lost.
_SEARCH_PX: Final = 960
#: Small drawn pictures are scaled up to this side, at most twice: ticks of charts are 8 px high.
_DRAWN_PX: Final = 1400
#: Characters after which no more lines are read: an alt text holds fewer, and a dense screen has
#: hundreds of lines (380 took 22 s).
_READ_MOST: Final = 1500
#: Lines this many times as long as high are strips of a texture, and cost half a gigabyte.
_LONGEST: Final = 100
#: Boxes so many times as long as high tell the tilt of a photographed page, and the radians from
#: which on and up to which it is one.
_LONG: Final = 3.0
_TILTED: Final = (0.015, 0.35)
#: Shares of the picture's height and width from which on what can't be read is something drawn.
_FILLS: Final = (0.25, 0.97)
#: What ends a lone number like an ordinal ("4º") is a degree sign on a forecast.
_DEGREES: Final = re.compile(r"^([-+\u2212]?\d{1,3})\N{MASCULINE ORDINAL INDICATOR}(?=[CF]?$)")
#: A price whose figures have descenders: what looks like letters there.
_OLD_STYLE: Final = re.compile(r"(?<!\w)(?=\S*\d)[\dIlSO]{1,3}[.,][\dIlSO]{2}(?!\w)")
_FIGURES: Final = str.maketrans("IlSO", "1150")
#: Full-width forms (U+FF01 to U+FF5E) that the recogniser writes between Latin letters.
_NARROW: Final = {0xFF00 + code: 0x20 + code for code in range(0x01, 0x5F)}


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
        boxes = columns.divided(bgr, list(found.boxes))
        for box, level in zip(boxes, _levelled(boxes), strict=True):
            (x0, y0), (x1, y1) = (level / scale).min(axis=0), (level / scale).max(axis=0)
            corners[Line("", 0.0, float(x0), float(y0), float(x1), float(y1))] = box
        lines: list[Line] = []
        crops: list[Pixels] = []
        room = 0.0
        for place in ordered([one for one in corners if one.width < _LONGEST * one.height]):
            crop = self._crop(bgr, corners[place].astype(np.float32))
            text, score = self._recognise(crop)
            line = replace(place, text=text, score=score)
            if line.is_upright or (line.is_tall and score < USUAL_SCORE):
                line = self._read_upright(bgr, line, scale)
            if line.is_foreign and _fills(line, pixels):
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
            elif lines[i].score < USUAL_SCORE or lines[i].may_be_salad:
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
        is_surer = score > line.score and (line.is_upright or len(text) > 2)  # noqa: PLR2004
        return replace(line, text=text, score=score) if is_surer else line

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


def _levelled(boxes: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return the boxes turned back by their usual tilt, in which a price is above its name."""
    long = [box for box in boxes if np.ptp(box[:, 0]) > _LONG * np.ptp(box[:, 1])]
    if not long:
        return list(boxes)
    tilt = float(np.median([np.arctan2(*(box[1] - box[0])[::-1]) for box in long]))
    if not _TILTED[0] < abs(tilt) < _TILTED[1]:
        return list(boxes)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]], np.float32)
    return [box @ turn.T for box in boxes]


def _fills(line: Line, pixels: Pixels) -> bool:
    height, width = pixels.shape[:2]
    return bool(line.height > _FILLS[0] * height and line.width > _FILLS[1] * width)


def tidy(text: str) -> str:
    """Return recognised text without the artefacts of full-width recognition."""
    text = " ".join(text.translate(_NARROW).split())
    text = re.sub("^\N{MULTIPLICATION SIGN}(?= ?[(])", "x", text)
    text = _OLD_STYLE.sub(lambda price: price[0].translate(_FIGURES), text)
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
