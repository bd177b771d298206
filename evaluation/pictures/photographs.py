"""Photographs of our set, out of packages, and what people make of photographs."""

from __future__ import annotations

import io
import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from altwright.evaluation.references import Reference
from evaluation import packaged
from evaluation.drawing.sheet import font
from evaluation.made import Made

_ENTRIES: Final[list[dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text("utf-8")
)["pictures"]
#: What none of them is.
_FALSE: Final = ("chart", "terminal", "screenshot", "boats", "sheep")


def made() -> Iterator[Made]:
    """Yield all photographs and what is made of them."""
    for told in _ENTRIES:
        entry = dict(told)
        name = entry["file"]
        origin = entry.pop("from", name)
        entry["misleading"] = [*entry.pop("false", []), *_FALSE]
        change, beside, lines = (entry.pop(key, None) for key in ("change", "beside", "lines"))
        if lines:
            entry["words"] = " ".join(line for line in lines if line)
        data = packaged.path(origin).read_bytes()
        if change or beside or lines:
            data = _changed(name, data, change, beside, lines)
        file = packaged.FILES[origin]
        source = f"{file['member'].rsplit('/', 1)[1]} of the package {file['wheel']}"
        yield Made(data, Reference(**entry, source=source, licence=file["licence"]))


def meme(image: Image.Image, top: str, bottom: str) -> Image.Image:
    """Return a photograph with white, outlined capitals at its top and bottom."""
    shown = image.convert("RGB").resize((640, 480))
    draw = ImageDraw.Draw(shown)
    for y, text in ((14, top), (412, bottom)):
        size = 50
        while font(size).getlength(text) > 610:
            size -= 2
        draw.text(
            (320, y), text, font=font(size), fill="white", anchor="mt", stroke_width=4,
            stroke_fill="black",
        )  # fmt: skip
    return shown


def _changed(
    name: str, data: bytes, change: str | None, beside: str | None, lines: Sequence[str] | None
) -> bytes:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    if lines:
        image = meme(image, *lines)
    if beside:
        other = Image.open(packaged.path(beside)).convert("RGB")
        image = _side_by_side(image, other)
    if change:
        image = _CHANGES[change](image)
    stream = io.BytesIO()
    kind = "PNG" if name.endswith(".png") else "JPEG"
    quality = 22 if change == "compressed" else 90
    image.save(stream, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return stream.getvalue()


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    both = [ImageOps.contain(image, (640, 480)) for image in (left, right)]
    both = [image.resize((round(480 * image.width / image.height), 480)) for image in both]
    whole = Image.new("RGB", (both[0].width + both[1].width, 480))
    whole.paste(both[0], (0, 0))
    whole.paste(both[1], (both[0].width, 0))
    return whole


def _painted(image: Image.Image) -> Image.Image:
    return Image.fromarray(cv2.stylization(np.asarray(image), sigma_s=60, sigma_r=0.45))


def _painted_on_canvas(image: Image.Image) -> Image.Image:
    painted = _painted(image)
    grain = random.Random(3).randbytes(painted.width * painted.height)  # noqa: S311 - no secret
    canvas = Image.frombytes("L", painted.size, grain).convert("RGB")
    return Image.blend(painted, canvas, 0.1)


def _pencil(image: Image.Image) -> Image.Image:
    grey, _ = cv2.pencilSketch(np.asarray(image), sigma_s=60, sigma_r=0.07, shade_factor=0.05)
    return Image.fromarray(grey).convert("RGB")


_CHANGES: Final[dict[str, Callable[[Image.Image], Image.Image]]] = {
    "small": lambda image: ImageOps.contain(image, (240, 240)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "compressed": lambda image: image,
    "right_half": lambda image: image.crop((image.width // 2, 0, image.width, image.height)),
    "mirrored": ImageOps.mirror,
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.35),
    "painted": _painted,
    "painted_on_canvas": _painted_on_canvas,
    "pencil": _pencil,
}
