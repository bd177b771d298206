"""Pictures that tests make, and how they compare what comes of them."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from altwright.captions.pictures.decoding import Prepared
from altwright.config import IMAGE_SIDE_PX

MAX_PIXELS = 100_000_000
RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 40), (30, 40, 200), (255, 255, 255)


def photo(size: tuple[int, int] = (120, 80)) -> Image.Image:
    """Return a picture with more colours than a drawing has."""
    noise = random.Random(7).randbytes(size[0] * size[1] * 3)  # noqa: S311 - no secret
    return Image.frombytes("RGB", size, noise)


def corners(size: tuple[int, int] = (90, 60)) -> Image.Image:
    """Return a picture whose corners are red, green, blue and white, clockwise from top left."""
    image = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    image.paste(RED, (0, 0, width, height))
    image.paste(GREEN, (width, 0, *size))
    image.paste(BLUE, (width, height, *size))
    image.paste(WHITE, (0, height, width, size[1]))
    return image


def scene(size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Return a picture with edges and shades, as a photograph has them."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    for number in range(40):
        x, y = number * 97 % size[0], number * 61 % size[1]
        draw.ellipse((x, y, x + 60, y + 40), fill=(number * 6, 255 - number * 5, number * 31 % 255))
    return Image.blend(image, photo(size), 0.2)


def words(
    text: str,
    ink: tuple[int, ...],
    size: tuple[int, int] = (320, 120),
    ground: tuple[int, ...] = (0, 0, 0, 0),
) -> Image.Image:
    """Return large words on a ground, on nothing by default."""
    image = Image.new("RGBA", size, ground)
    ImageDraw.Draw(image).text((20, 20), text, fill=ink, font=ImageFont.load_default(size[1] // 2))
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(prepared: Prepared) -> Image.Image:
    """Return what a describer sees, and check what it may rely on."""
    picture = prepared.picture
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert image.mode == "RGB"
    assert image.size == (picture.width, picture.height)
    assert Image.MIME[str(image.format)] == picture.media_type
    assert max(image.size) <= IMAGE_SIDE_PX
    return image


def is_near(found: Any, wanted: tuple[int, int, int], by: int = 12) -> bool:
    """Compare colours as eyes do."""
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def spread(image: Image.Image) -> int:
    """Return how far a picture's shades lie apart, 0 to 255."""
    low, high = image.convert("L").getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return high - low
