"""Whether two photographs are nearly the same: scaled or compressed anew, brighter or paler.

A difference hash: for each cell of a small grey copy, whether it is brighter than its neighbour.
Of two pictures without anything in them it would be the same, and of two charts from one template
next to it; so only what looks like a photograph has one. All others are the same or not.
Source: N. Krawetz, "Kind of Like That" (2013).
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageStat

#: Cells a side; bits of each direction.
_SIDE: Final = 8
_BITS: Final = _SIDE * _SIDE
#: Bits in which two may differ, of each direction. Parts of the first direction by which others
#: are found: one more than that, so that one part is the same in both.
NEAR: Final = 3
BANDS: Final = NEAR + 1
_BAND_BITS: Final = _BITS // BANDS
#: Least spread of brightness (0 to 255) among the cells; below it noise decides.
_LEAST_SPREAD: Final = 12.0
#: Least bits of the rarer kind in both directions together, and least different rows among their
#: sixteen: gradients (a clear sky, a spotlight) have fewer.
_LEAST_RARE, _LEAST_ROWS = 12, 6
#: Pixels of the shorter side below which a copy is too coarse to be compared.
_LEAST_PX: Final = 64
#: Pixels a side of the copy whose shades are counted, and the share of one shade (with the two
#: beside it) from which on a picture is a drawing, a chart or a page.
_COUNTED_PX: Final = 128
_PAGE_SHARE: Final = 0.3


def shape_of(image: Image.Image) -> str:
    """Return a picture's hash in 32 hexadecimal digits; "": it is to be like no other."""
    grey = image.convert("L")
    if min(image.size) < _LEAST_PX or _is_drawn(grey):
        return ""
    wide = _cells(grey, _SIDE + 1, _SIDE)
    tall = _cells(grey, _SIDE, _SIDE + 1)
    if ImageStat.Stat(wide).stddev[0] < _LEAST_SPREAD:
        return ""
    first, second = _brighter(wide, 1), _brighter(tall, _SIDE)
    rare = sum(min(one.bit_count(), _BITS - one.bit_count()) for one in (first, second))
    rows = {*first.to_bytes(_SIDE), *second.to_bytes(_SIDE)}
    if rare < _LEAST_RARE or len(rows) < _LEAST_ROWS:
        return ""
    return f"{first:016x}{second:016x}"


def bands(shape: str) -> tuple[int, ...]:
    """Return the parts by which a picture with this hash is found."""
    first = int(shape[:16], 16)
    mask = (1 << _BAND_BITS) - 1
    return tuple(first >> (_BAND_BITS * number) & mask for number in range(BANDS))


def distance(one: str, other: str) -> int | None:
    """Return in how many bits two hashes differ; None: they are not nearly the same."""
    differ = [
        (int(one[half], 16) ^ int(other[half], 16)).bit_count()
        for half in (slice(16), slice(16, 32))
    ]
    return sum(differ) if max(differ) <= NEAR else None


def _cells(grey: Image.Image, width: int, height: int) -> Image.Image:
    # At once: a copy that was made smaller by whole numbers before differs in ten bits.
    return grey.resize((width, height), Image.Resampling.BILINEAR)


def _brighter(cells: Image.Image, step: int) -> int:
    """Return whether each cell is brighter than the one so many further on, as bits."""
    values = cells.tobytes()
    width = cells.width
    hashed = 0
    for row in range(_SIDE):
        for column in range(_SIDE):
            at = row * width + column
            hashed = hashed << 1 | (values[at] > values[at + step])
    return hashed


def _is_drawn(grey: Image.Image) -> bool:
    """Return whether a picture has large areas of one shade, as no photograph has."""
    side = max(grey.size)
    small = grey
    if side > _COUNTED_PX:  # the nearest pixel: shades that aren't there would come from a mean
        size = (
            max(grey.width * _COUNTED_PX // side, 1),
            max(grey.height * _COUNTED_PX // side, 1),
        )
        small = grey.resize(size, Image.Resampling.NEAREST)
    shades = small.histogram()
    most = max(sum(shades[at : at + 3]) for at in range(len(shades) - 2))
    return most >= _PAGE_SHARE * small.width * small.height
