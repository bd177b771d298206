"""One picture's way from bytes to a description: decode, tell its kind, look, read, word it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from altwright.describers.answers.sentences import cut
from altwright.describers.offline import (
    boards,
    cards,
    chats,
    comics,
    graphics,
    memes,
    other_scripts,
    photo,
    qr_codes,
    screenshots,
)
from altwright.describers.offline.charts import describe, tables
from altwright.describers.offline.english import quoted, sentence
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision import image_stats
from altwright.describers.offline.vision.image_stats import Pixels, Unreadable
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.networks import Classifier, Detector, Faces
from altwright.describers.offline.vision.ocr import Reader, offsets, placed
from altwright.describers.offline.vision.reading_order import joined, ordered

T = TypeVar("T")

#: Lines and things that evidence holds at most.
_EVIDENCE_LINES: Final = 60
_EVIDENCE_THINGS: Final = 20
#: Characters that make a JPEG a screenshot when its pixels leave it open.
_SCREEN_CHARACTERS: Final = 20
#: The classifier's probability of a web page, whose pictures aren't told one by one.
_SCREEN: Final = 0.5
#: Characters, lines and mean score that make a photo without a subject a picture of text.
_PAGE: Final = (60, 4, 0.9)
#: Shares of the written lines, by their length, from which on unread ones are mentioned, and from
#: which on nothing else is said.
_UNREAD_SHARE: Final = (0.1, 0.5)
#: Mean characters of such a page's lines; the print on a circuit board has four.
_PAGE_LINE: Final = 12


class Composer:
    """Describes pictures; each network is loaded when a picture first needs it."""

    def __init__(self, models_dir: Path, unenforced: Sequence[str] = ()) -> None:
        self._unenforced = list(unenforced)
        self._reader = cache(Reader)
        self._detector = cache(lambda: Detector(models_dir))
        self._faces = cache(lambda: Faces(models_dir))
        self._classifier = cache(lambda: Classifier(models_dir))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to one request on the wire."""
        try:
            data = image_stats.decode(request["data"])
            parts = [image_stats.decode(part) for part in request.get("parts", ())]
        except Unreadable as error:
            return {"error": "picture", "detail": str(error)}
        work = _Work(data, parts, int(request["max_length"]))
        found = self._describe(work)
        text = sentence(found.text)
        frames, seconds = int(request["frames"]), float(request["duration_s"])
        if frames > 1:
            length = f", {seconds:.1f} seconds" if seconds > 0 else ""
            text = f"Animated image ({frames} frames{length}): {text[0].lower()}{text[1:]}"
        work.evidence |= {"kind": found.kind, "language": "en"}
        work.evidence["ms"] = work.ms
        if self._unenforced:
            work.evidence["not_enforced"] = self._unenforced
        text = cut(text, int(request["max_length"]))
        if found.level == "low":  # nothing but colours, say: a person can't build on that
            work.evidence["seen"], text = text, ""
        return {"text": text, "level": found.level, "evidence": work.evidence}

    def _describe(self, work: _Work) -> Statement:
        look = work.timed("look", lambda: image_stats.look(work.detail))
        work.evidence["colours"] = {
            name: round(share, 2)
            for name, share in list(image_stats.colours(work.pixels).items())[:5]
        }
        enlarge = look.is_drawn or look.may_be_drawn
        found = work.timed("text", lambda: self._read(work, enlarge=enlarge))
        lines = [line for line in found if line.is_read]
        work.evidence["text"] = _text(ordered(lines)[:_EVIDENCE_LINES])
        characters = _characters(lines)
        if look.is_drawn or (look.may_be_drawn and characters >= _SCREEN_CHARACTERS):
            drawn = other_scripts.told(self._describe_drawn(work, lines), lines)
            code = work.timed("code", lambda: qr_codes.find(work.pixels))
            return with_unread(qr_codes.told(drawn, code) if code else drawn, found)
        return self._describe_photo(work, lines, has_camera_noise=look.is_surely_photo)

    def _read(self, work: _Work, *, enlarge: bool) -> list[Line]:
        """Return the picture's lines; of one in parts no more than an alt text can hold."""
        if not work.parts:
            return self._reader().read(work.pixels, enlarge=enlarge)
        lines: list[Line] = []
        height, width = work.pixels.shape[:2]
        places = offsets(work.parts, is_tall=height > width)
        for part, offset in zip(work.parts, places, strict=True):
            lines += placed(self._reader().read(part, enlarge=enlarge), offset, work.scale)
            if _characters(lines) > work.max_length:
                break
        return lines

    def _describe_drawn(self, work: _Work, lines: list[Line]) -> Statement:
        height, width = work.pixels.shape[:2]
        return (
            work.timed("comic", lambda: comics.describe(work.pixels, lines))
            or work.timed("chat", lambda: chats.describe(work.pixels, lines))
            or screenshots.surely(lines, width, height)
            or work.timed("board", lambda: boards.describe(work.pixels, lines, self._reader()))
            or work.timed("parts", lambda: self._describe_parts(work, lines))
            or tables.describe(lines)
            or work.timed("chart", lambda: describe.describe(work.pixels, lines, self._reader()))
            or self._describe_written(work, lines)
            or graphics.describe(work.pixels)
        )

    def _describe_parts(self, work: _Work, lines: list[Line]) -> Statement | None:
        height, width = work.pixels.shape[:2]
        found = screenshots.describe(lines, width, height)
        if found is None or found.kind not in screenshots.PLAIN:
            return None
        return comics.framed(work.pixels, lines) or cards.describe(work.pixels, lines)

    def _describe_written(self, work: _Work, lines: list[Line]) -> Statement | None:
        height, width = work.pixels.shape[:2]
        found = screenshots.describe(lines, width, height)
        if found is None or found.kind not in screenshots.PLAIN:
            return found
        # Of a picture in parts not all lines were read.
        written = screenshots.readable(lines)
        if not work.parts and graphics.is_drawn_beside(work.pixels, written):
            found = replace(found, text=found.text.replace(*screenshots.MORE_THAN_TEXT, 1))
        # What is drawn beside it isn't told.
        is_all = found.text.startswith(screenshots.MORE_THAN_TEXT[0])
        return found if is_all else found.unsure()

    def _describe_photo(
        self, work: _Work, lines: list[Line], *, has_camera_noise: bool
    ) -> Statement:
        things = work.timed("objects", lambda: self._detector().find(work.pixels))
        faces = work.timed("faces", lambda: self._faces().find(work.pixels))
        classes = work.timed("classes", lambda: self._classifier().classify(work.pixels))
        work.evidence["objects"] = [t.to_json() for t in things[:_EVIDENCE_THINGS]]
        work.evidence["faces"] = [t.to_json() for t in faces[:_EVIDENCE_THINGS]]
        work.evidence["classes"] = [[name, round(p, 2)] for name, p in classes.best]
        seen = photo.Seen(work.pixels, things, faces, classes, has_camera_noise)
        found = photo.describe(seen)
        caption = memes.caption(work.pixels, lines)
        if caption:
            return other_scripts.told(memes.describe(found, caption), lines)
        is_screen = classes.share("website") >= _SCREEN and _characters(lines) >= _SCREEN_CHARACTERS
        if is_screen or (found.level == "low" and _is_page(lines)):
            height, width = work.pixels.shape[:2]
            page = screenshots.describe(lines, width, height)
            if page and is_screen:
                page = replace(page, text=page.text.replace(*screenshots.MORE_THAN_TEXT, 1))
            return page.unsure() if page else found
        believed = memes.believed(lines)
        if not believed:
            return found
        text = f"Text in the picture{other_scripts.named(believed)}: {quoted(joined(believed))}"
        # Lettering on things is worn, lit and hidden: a person looks at it.
        return Statement(f"{found.text}. {text}", "medium", found.kind)


class _Work:
    """One picture in hand: its pixels, what was found, how long each step took."""

    def __init__(self, data: Pixels, parts: Sequence[Pixels], max_length: int) -> None:
        self.pixels = data
        self.parts = parts
        self.max_length = max_length
        self.evidence: dict[str, Any] = {}
        self.ms: dict[str, int] = {}

    @property
    def detail(self) -> Pixels:
        """Return pixels that weren't scaled far down, as judged by their edges."""
        return self.parts[0] if self.parts else self.pixels

    @property
    def scale(self) -> float:
        """Return how many pixels of the whole are one of its parts."""
        return float(min(self.pixels.shape[:2]) / min(self.detail.shape[:2]))

    def timed(self, step: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.ms[step] = round((time.perf_counter() - start) * 1000)


def with_unread(found: Statement, lines: Sequence[Line]) -> Statement:
    """Return a drawn picture's description with what is written on it and wasn't read.

    It isn't guessed: letters of an unknown script come out as others.
    """
    if found.kind == "board":  # pieces aren't letters
        return found
    unread = sum(line.width for line in lines if line.is_foreign)
    if unread and any(line.may_be_vietnamese for line in lines):
        # The recogniser leaves letters with two marks out of those that it reads, too.
        return Statement("what may be text in Vietnamese, which was not read", "low", "text")
    share = unread / max(1.0, sum(line.width for line in lines))
    if share < _UNREAD_SHARE[0]:
        return found
    if share < _UNREAD_SHARE[1] and found.level != "low":
        text = f"{found.text}. There may be more text, in another script"
        return replace(found, text=text).unsure()
    return Statement("what may be text in another script, which was not read", "low", "text")


def _characters(lines: Sequence[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _is_page(lines: Sequence[Line]) -> bool:
    characters, count, score = _PAGE
    good = [len(line.text) for line in lines if line.score >= score]
    return len(good) >= count and sum(good) >= max(characters, _PAGE_LINE * len(good))


def _text(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return lines as evidence, those in another script with their language where it's sure."""
    known = other_scripts.languages(lines)
    return [
        {"text": line.text, "score": round(line.score, 2), "box": _box(line)}
        | ({"script": line.script} if line.script else {})
        | ({"lang": known[line.script]} if known.get(line.script) else {})
        for line in lines
    ]


def _box(line: Line) -> list[int]:
    return [round(v) for v in (line.x0, line.y0, line.x1, line.y1)]
