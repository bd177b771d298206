"""From bytes to pixels, and what pixels alone say: drawn or photographed, which colours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]

#: Pixels a side that are worked on; larger pictures are scaled down first.
_SIDE_PX: Final = 2000
#: Most pixels that are decoded: a prepared picture has 4 million.
_MOST_PIXELS: Final = 50_000_000
#: Rows that are measured; their neighbours within a row stay untouched, so edges stay exact.
_SAMPLED_ROWS: Final = 400
#: Difference of two neighbours in any channel that JPEG makes of one colour.
_JPEG_NOISE: Final = 4
#: Side of the miniature whose colours are counted.
_MINIATURE_PX: Final = 64
#: What Pillow raises, or warns of here; a SyntaxError is its word for a broken PNG.
_DAMAGE: Final = (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError)


class Unreadable(Exception):
    """The bytes are no picture that can be decoded; the text is for people."""


@dataclass(frozen=True, slots=True)
class Look:
    """Shares, 0 to 1, that tell drawn pictures from photographed ones."""

    flat: float  # neighbours of exactly one colour
    nearly_flat: float  # the same, give or take what JPEG does
    top_colours: float  # pixels in the four most frequent exact colours
    top_shade: float  # pixels in the most frequent of 4,096 shades
    unique: float  # distinct colours per pixel

    @property
    def is_drawn(self) -> bool:
        """Return whether it is surely a screenshot, chart or drawing (measured on 171 pictures)."""
        return self.flat >= 0.9 or (  # noqa: PLR2004 - thresholds of the measurement
            self.flat >= 0.6 and self.top_colours >= 0.45 and self.unique < 0.03  # noqa: PLR2004
        )

    @property
    def may_be_drawn(self) -> bool:
        """Return whether it is drawn if there is text on it: a screenshot saved as JPEG."""
        return self.nearly_flat >= 0.75 and self.top_shade >= 0.35  # noqa: PLR2004 - measured

    @property
    def is_surely_photo(self) -> bool:
        """Return whether it has a camera's noise, which paintings and renderings lack."""
        return self.flat < 0.5 and self.unique > 0.005  # noqa: PLR2004 - measured


def decode(data: bytes) -> Pixels:
    """Return RGB pixels, upright, transparency over white, at most 2,000 a side.

    Raises:
        Unreadable: damaged, cut short, too large, or no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise Unreadable("The picture has too many pixels to be decoded.")
                image.load()
                upright = ImageOps.exif_transpose(image)
                if upright.has_transparency_data:
                    upright = upright.convert("RGBA")
                    white = Image.new("RGBA", upright.size, "white")
                    upright = Image.alpha_composite(white, upright)
                rgb = upright.convert("RGB")
    except _DAMAGE as error:
        raise Unreadable("The picture can't be decoded: it is damaged or cut short.") from error
    rgb.thumbnail((_SIDE_PX, _SIDE_PX), Image.Resampling.LANCZOS)
    return np.asarray(rgb, dtype=np.uint8)


def look(pixels: Pixels) -> Look:
    """Measure the picture's flatness and colours."""
    rows = pixels[:: max(1, len(pixels) // _SAMPLED_ROWS)]
    steps = np.abs(np.diff(rows.astype(np.int16), axis=1)).max(axis=2)
    exact = packed(rows)
    _, counts = np.unique(exact, return_counts=True)
    _, shades = np.unique(packed(rows & 0xF0), return_counts=True)
    steps = steps if steps.size else np.zeros((1, 1), np.int16)
    return Look(
        flat=float((steps == 0).mean()),
        nearly_flat=float((steps <= _JPEG_NOISE).mean()),
        top_colours=float(np.sort(counts)[-4:].sum() / exact.size),
        top_shade=float(shades.max() / exact.size),
        unique=float(len(counts) / exact.size),
    )


def packed(pixels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return each pixel's three values in one number, which sorts faster."""
    wide = pixels.reshape(-1, 3).astype(np.int64)
    return np.asarray((wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2], np.int64)


def frequent(pixels: NDArray[np.integer]) -> tuple[Pixels, NDArray[np.float64]]:
    """Return the most frequent colours (200 at most) and their shares of the pixels."""
    values, counts = np.unique(packed(pixels), return_counts=True)
    order = counts.argsort()[::-1][:200]
    top = values[order]
    rgb = np.stack([top >> 16, (top >> 8) & 0xFF, top & 0xFF], axis=1)
    return rgb.astype(np.uint8), counts[order] / max(1, counts.sum())


def is_colourless(pixels: Pixels) -> bool:
    """Return whether the picture is in shades of grey (a tint of scanning is let through).

    Golden words on a blackboard are thin, and fade when it is made small.
    """
    small = _miniature(pixels)
    is_grey = (np.ptp(small, axis=2) < 14).mean() > 0.98  # noqa: PLR2004
    return bool(is_grey and (np.ptp(pixels, axis=2) > 50).mean() < 0.001)  # noqa: PLR2004


def colours(pixels: Pixels) -> dict[str, float]:
    """Return each colour's name and share of the picture, the largest first."""
    names = _names(_miniature(pixels))
    values, counts = np.unique(names, return_counts=True)
    shares = {_COLOURS[v]: float(c) / names.size for v, c in zip(values, counts, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def colour_name(rgb: Any) -> str:
    """Return the everyday name of one colour."""
    return _COLOURS[int(_names(np.asarray(rgb, np.uint8).reshape(1, 1, 3))[0, 0])]


def _miniature(pixels: Pixels) -> Pixels:
    size = (_MINIATURE_PX, _MINIATURE_PX)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


_COLOURS: Final = (
    "black", "grey", "white", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink",
    "brown", "beige",
)  # fmt: skip
#: Upper ends of the hues of red to pink in OpenCV's half degrees; above the last it is red again.
_HUES: Final = (
    (8, "red"), (21, "orange"), (34, "yellow"), (82, "green"), (98, "teal"), (128, "blue"),
    (150, "purple"), (172, "pink"), (181, "red"),
)  # fmt: skip


def _names(pixels: Pixels) -> NDArray[np.uint8]:
    """Return an index into the colours' names for each pixel."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).astype(np.int16)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    index = {name: position for position, name in enumerate(_COLOURS)}
    names = np.full(hue.shape, index["red"], np.uint8)
    for end, name in reversed(_HUES):
        names[hue < end] = index[name]
    warm = (hue >= 5) & (hue < 28)  # noqa: PLR2004 - orange to yellow
    names[warm & (value < 170)] = index["brown"]  # noqa: PLR2004
    names[(hue < 5) & (value < 110) & (saturation < 150)] = index["brown"]  # noqa: PLR2004
    names[warm & (saturation < 110) & (value >= 150)] = index["beige"]  # noqa: PLR2004
    grey = saturation < np.where(value < 90, 70, 32)  # noqa: PLR2004 - dark colours look grey
    names[grey] = index["grey"]
    names[grey & (value >= 215)] = index["white"]  # noqa: PLR2004
    names[value < 45] = index["black"]  # noqa: PLR2004
    return names
