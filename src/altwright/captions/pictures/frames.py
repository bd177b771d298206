"""Which pixels of a file stand for it: a frame that shows something, or a JPEG without its end."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageStat
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from altwright.captions.pictures.backgrounds import miniature, on_ground

#: Pixels of all frames together that are looked at to find a frame and the length of an animation.
FRAMES_PIXELS = 100_000_000
#: Frames that are looked at: three seconds of a film. What fades in slower than that is rare.
MAX_FRAMES = 100
#: Share of the best frame's score from which on a frame shows something: a fade at 70 % does, a
#: watermark on black doesn't.
_SHOWS: Final = 0.6
#: Values that count as one shade: the noise of compression in one colour.
_SHADE: Final = 8
#: Growth of the score that makes a frame worth keeping beside the ones before it.
_BETTER: Final = 1.15
#: Share of a JPEG's rows that must be there: less of a picture is another picture.
JPEG_SHARE: Final = 0.75
#: Scans of a progressive JPEG, begun, from which on it shows more than blotches: all coarse ones,
#: and the first of the fine ones. Source: libjpeg, jpeg_simple_progression (10 scans, grey: 6).
_SCANS: Final = {1: 4, 3: 6, 4: 6}
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_IMAGE: Final = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels that stand for a file; ``note`` says what is wrong with them ("": nothing)."""

    image: Image.Image
    frames: int = 1
    duration_s: float = 0.0
    note: str = ""


class JpegWithoutEnd(JpegImageFile):
    """A JPEG whose missing end is filled up in grey, as browsers and viewers do.

    Pillow has a switch for this, LOAD_TRUNCATED_IMAGES, which all threads share.
    """

    has_ended = False

    def load_read(self, read_bytes: int) -> bytes:
        """Return the file's bytes, and the mark of its end where that is missing."""
        data = super().load_read(read_bytes)
        if data or self.has_ended:
            return data
        self.has_ended = True
        return _END_OF_IMAGE


def still(file: ImageFile, data: bytes) -> Frame:
    """Return a still picture's pixels; those of a JPEG also if its end is missing.

    Raises:
        OSError: the file is damaged, or too much of it is missing.
    """
    try:
        file.load()
    except OSError:
        if not isinstance(file, JpegImageFile) or not _is_mostly_there(file, data):
            raise
        whole = JpegWithoutEnd(io.BytesIO(data))
        whole.draft(None, file.size)  # the same scale
        whole.load()
        return Frame(
            whole, note="The picture's file is incomplete: a part at its bottom may be missing."
        )
    return Frame(file)


def _is_mostly_there(file: JpegImageFile, data: bytes) -> bool:
    """Return whether most of a JPEG was decoded before its data ended."""
    if file.info.get("progressive"):
        return data.count(_START_OF_SCAN) >= _SCANS[file.layers]
    return _decoded_rows(file, data) >= JPEG_SHARE * file.height


def _decoded_rows(file: JpegImageFile, data: bytes) -> int:
    """Return how many rows were decoded before a JPEG's data ended.

    The others keep what was there before: zero, and white where it is decoded over white. Rows of
    a black picture are zero too, but both times.
    """
    again = JpegImageFile(io.BytesIO(data))
    again.draft(None, file.size)  # the same scale
    again.im = Image.new(again.mode, again.size, "white").im
    with contextlib.suppress(OSError):
        again.load()
    missing = ImageChops.difference(_pixels_of(file), _pixels_of(again)).getbbox()
    return file.height if missing is None else missing[1]


def _pixels_of(file: JpegImageFile) -> Image.Image:
    """Return what was decoded of a file that ends too early, which won't load any more."""
    image = Image.new(file.mode, file.size)
    image.im = file.im
    return image


def animated(
    file: ImageFile,
    count: int,
    *,
    check_size: Callable[[tuple[int, int]], None],
    reduced: Callable[[Image.Image], Image.Image],
) -> Frame:
    """Return the first frame that shows something, and how long the animation lasts.

    A frame's score is how much its miniature shows. The first frame with most of the best score
    is one whose score is higher than all before it, so only such ones are kept, reduced.
    """
    # The image for programs that don't know APNG isn't part of the animation.
    first = 1 if getattr(file, "default_image", False) else 0
    kept: list[tuple[float, Image.Image]] = []
    looked_at, duration_ms = 0, 0.0
    for index in range(first, min(count, first + MAX_FRAMES)):
        if looked_at and looked_at * file.width * file.height > FRAMES_PIXELS:
            break
        file.seek(index)
        check_size(file.size)  # a GIF's frame may be larger than its canvas
        file.load()
        looked_at += 1
        duration_ms += file.info.get("duration") or 0
        score = _shown(file)
        if not kept or score > kept[-1][0] * _BETTER:
            least = score * _SHOWS
            kept = [one for one in kept if one[0] >= least] + [(score, reduced(file))]
    frames = count - first
    if frames == 1:
        return Frame(kept[0][1])
    return Frame(kept[0][1], frames, round(duration_ms / looked_at * frames / 1000, 3))


def _shown(image: Image.Image) -> float:
    """Return how much a picture shows: variety of its shades, times how far they lie apart.

    Noise of a few values has no variety, a mark in a corner has little, a fade is weak.
    """
    grey = on_ground(miniature(image)).convert("L")
    variety = grey.point(lambda value: value // _SHADE).entropy()
    return float(variety * ImageStat.Stat(grey).stddev[0])
