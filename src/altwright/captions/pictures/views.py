"""How large a picture is given to describers: whole, in parts where it is long, never as a dot."""

from __future__ import annotations

import itertools
from typing import Final

from PIL import Image, ImageFilter

from altwright.captions.pictures.backgrounds import grey_for
from altwright.config import IMAGE_SIDE_PX

#: Times that a picture is longer than it is wide (or the reverse) from which on it is given in
#: parts, where it would be scaled down by more than a fifth: 800 by 16,000 pixels of text would
#: become 100 by 2,000.
_LONG: Final = 4
_SCALED_TOO_FAR: Final = 0.8
#: Narrower ones are lines, in which nothing can be read.
_READABLE_PX: Final = 12
#: Pixels across a long picture that are kept: a phone's screen with its smallest print.
ACROSS_PX: Final = 1200
#: Longest side in pixels that is decoded; beyond it a picture scaled down shows nothing any more.
MAX_SIDE_PX: Final = 16_384
#: Most pixels of a copy that is kept.
KEPT_PIXELS: Final = ACROSS_PX * MAX_SIDE_PX
#: A part is so many times as long as it is wide, within limits in pixels.
_PART_SHAPE: Final = 1.5
_PART_PX: Final = (1000, IMAGE_SIDE_PX)
#: Share of a part's length in which a good place to cut is looked for.
_LEEWAY: Final = 0.2
#: Pixels a side below which a picture is padded: two patches. Source: Qwen2-VL's image processor
#: refuses sides below its patches of 28 pixels, and shapes beyond 200 to 1.
PADDED_PX: Final = 56
#: A picture whose longer side is below this shows nothing: counting pixels, spacers.
SEEN_PX: Final = 4


def is_long(size: tuple[int, int]) -> bool:
    """Return whether a picture is given in parts."""
    short, long = sorted(size)
    too_far = long * _SCALED_TOO_FAR > IMAGE_SIDE_PX
    return long > _LONG * short and too_far and short >= _READABLE_PX


def kept_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size to which a picture of this one is scaled down."""
    ratio = ACROSS_PX / min(size) if is_long(size) else IMAGE_SIDE_PX / max(size)
    return _times(size, min(1.0, ratio))


def whole(image: Image.Image) -> Image.Image:
    """Return a picture in one: no side longer than a describer wants, none too short for it."""
    return _padded(within(image, IMAGE_SIDE_PX))


def parts(image: Image.Image) -> list[Image.Image]:
    """Return a long picture's parts from the top, or from the left; none: it isn't long."""
    if not is_long(image.size):
        return []
    is_tall = image.height > image.width
    upright = image if is_tall else image.transpose(Image.Transpose.TRANSPOSE)
    ends = _ends(upright)
    found = [
        upright.crop((0, start, upright.width, end))
        for start, end in zip([0, *ends], ends, strict=False)
    ]
    if not is_tall:
        found = [one.transpose(Image.Transpose.TRANSPOSE) for one in found]
    return [_padded(one) for one in found]


def within(image: Image.Image, side_px: int) -> Image.Image:
    """Return the picture with no side longer than this; a smaller one as it is."""
    return resized(image, _times(image.size, min(1.0, side_px / max(image.size))))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in this size."""
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _times(size: tuple[int, int], ratio: float) -> tuple[int, int]:
    return max(round(size[0] * ratio), 1), max(round(size[1] * ratio), 1)


def _ends(image: Image.Image) -> list[int]:
    """Return where a tall picture's parts end: between lines of text where there are any."""
    shortest, longest = _PART_PX
    ideal = min(max(round(image.width * _PART_SHAPE), shortest), longest)
    count = -(-image.height // ideal)
    length = image.height // count
    leeway = round(length * _LEEWAY / 2)
    busy = _busy(image)
    around = [(number * length - leeway, number * length + leeway) for number in range(1, count)]
    return [*(start + _quiet(busy[start:end]) for start, end in around), image.height]


def _quiet(busy: list[int]) -> int:
    """Return the middle of the longest run of the quietest rows."""
    runs: list[tuple[int, int]] = []
    for level, rows in itertools.groupby(enumerate(busy), key=lambda row: row[1]):
        if level == min(busy):
            found = [number for number, _ in rows]
            runs.append((len(found), found[len(found) // 2]))
    return max(runs)[1]


def _busy(image: Image.Image) -> list[int]:
    """Return how much each row differs along itself: nothing between two lines of text."""
    edges = image.convert("L").filter(_ALONG)
    column = edges.resize((1, image.height), Image.Resampling.BOX)
    return list(column.tobytes())


def _padded(image: Image.Image) -> Image.Image:
    """Return a small picture enlarged and put on a ground that shows it, if it is too small."""
    if min(image.size) >= PADDED_PX:
        return image
    times = max(1, PADDED_PX // max(image.size))
    larger = image.resize(_times(image.size, times), Image.Resampling.NEAREST)
    size = (max(larger.width, PADDED_PX), max(larger.height, PADDED_PX))
    grey = grey_for(image)
    ground = Image.new("RGB", size, (grey, grey, grey))
    ground.paste(larger, ((size[0] - larger.width) // 2, (size[1] - larger.height) // 2))
    return ground


#: The difference to the pixel on the left, doubled so that faint ones count.
_ALONG: Final = ImageFilter.Kernel((3, 3), (0, 0, 0, -4, 4, 0, 0, 0, 0), scale=1)
