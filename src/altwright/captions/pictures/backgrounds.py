"""What a picture that can be seen through is shown on: a ground on which nothing of it is lost."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageStat

#: Side of the miniature whose colours are compared with grounds.
_MINIATURE_PX: Final = 96
#: Greys that a picture is tried on, the likeliest first: pages are white, or dark.
_GREYS: Final = (255, 32, 128, 192, 80)
#: Share of the best ground's visible colours that an earlier one in the list may lack.
_LACKS: Final = 0.04
#: Share of a picture that is seen through, up to which it is a window's round corners.
_CORNERS: Final = 0.02
#: Distance of two colours (0 to 255, weighted by what eyes see) from which on one can be told from
#: the other. Source of the weights: ITU-R BT.601, luma.
_TOLD_APART: Final = 48
_WEIGHTS: Final = (0.299, 0.587, 0.114)
_OPAQUE: Final = 255


def plain(image: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be scaled: L, RGB, CMYK, LA or RGBA."""
    see_through = "transparency" in image.info
    match image.mode:
        case "1":
            return image.convert("RGBA" if see_through else "L")
        case "I" | "I;16" | "I;16B" | "I;16L" | "I;16N":
            return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
        case "P" | "PA" | "L" | "RGB" if see_through or image.mode == "PA":
            return image.convert("RGBA")
        case "P":
            return image.convert("RGB")
        case "L" | "RGB" | "CMYK" | "LA" | "RGBA":
            return image
        case _:
            return image.convert("RGBA" if image.has_transparency_data else "RGB")


def miniature(image: Image.Image) -> Image.Image:
    """Return a plain picture of at most 96 pixels a side, to measure colours on."""
    ratio = min(1.0, _MINIATURE_PX / max(image.size))
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    # Pillow weights colours with their opacity, so thin lines keep theirs.
    return plain(image.resize(size, Image.Resampling.BOX))


def on_ground(image: Image.Image) -> Image.Image:
    """Return a plain picture without transparency; its colour profile stays with it."""
    if image.mode not in {"LA", "RGBA"}:
        return image
    colours = image.convert("RGBA")
    opaque = ImageStat.Stat(colours.getchannel("A")).mean[0] / _OPAQUE
    grey = _OPAQUE if opaque >= 1 - _CORNERS else grey_for(colours)
    ground = Image.new("RGBA", image.size, (grey,) * 3)
    ground.info["icc_profile"] = image.info.get("icc_profile")
    ground.alpha_composite(colours)
    return ground.convert("RGB")


def grey_for(image: Image.Image) -> int:
    """Return the grey on which the most of a picture's colours can be told from the ground.

    White (255) where all do equally well.
    """
    counted = miniature(image).convert("RGBA").getcolors(_MINIATURE_PX**2) or []
    # Pixels of RGBA are tuples of four, which the type of getcolors leaves open.
    colours = [(count * rgba[3], rgba[:3]) for count, rgba in counted if isinstance(rgba, tuple)]
    seen = {
        grey: sum(weight for weight, rgb in colours if _distance(rgb, grey) >= _TOLD_APART)
        for grey in _GREYS
    }
    enough = max(seen.values()) - _LACKS * sum(weight for weight, _ in colours)
    return next(grey for grey, weight in seen.items() if weight >= enough)


def _distance(rgb: tuple[float, ...], grey: int) -> float:
    squares = (part * (one - grey) ** 2 for part, one in zip(_WEIGHTS, rgb, strict=True))
    return float(sum(squares) ** 0.5)
