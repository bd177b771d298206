"""Which pictures count as nearly the same."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageEnhance
from tests.support_images import MAX_PIXELS, saved, scene

from altwright.captions.pictures.decoding import prepare
from altwright.captions.pictures.likeness import NEAR, bands, distance


def shape(data: bytes) -> str:
    """Return a file's hash."""
    return prepare(data, max_pixels=MAX_PIXELS).shape


def chart(height: int) -> Image.Image:
    """Return a chart from a template."""
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    for number in range(5):
        draw.rectangle((80 + number * 100, 400 - number * 50, 140 + number * 100, 400), "navy")
    draw.rectangle((580, 400 - height, 620, 400), "red")
    return image


def test_a_photograph_that_was_made_smaller_and_compressed_anew_is_known_again() -> None:
    """Its hash differs in a few bits, and one of its parts doesn't."""
    original = scene((1200, 900))
    first = shape(saved(original, "JPEG", quality=95))
    small = original.resize((600, 450))
    for data in (
        saved(small, "JPEG", quality=60),
        saved(small, "WEBP", quality=70),
        saved(ImageEnhance.Brightness(original).enhance(1.1), "JPEG", quality=85),
    ):
        other = shape(data)
        apart = distance(first, other)
        assert apart is not None
        assert apart <= 2 * NEAR
        assert any(one == two for one, two in zip(bands(first), bands(other), strict=True))


def test_another_photograph_is_another() -> None:
    """Turned over, it is no longer nearly the same."""
    first = shape(saved(scene(), "JPEG"))
    turned = scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert distance(first, shape(saved(turned, "JPEG"))) is None


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.new("RGB", (640, 480), "gray"), "JPEG"),
        (Image.linear_gradient("L").resize((640, 480)).convert("RGB"), "JPEG"),
        (Image.radial_gradient("L").resize((640, 480)).convert("RGB"), "JPEG"),
        (chart(100), "PNG"),
        (chart(100), "JPEG"),
        (scene((50, 40)), "JPEG"),
    ],
    ids=["plain", "gradient", "round gradient", "chart", "chart as a photograph", "tiny"],
)
def test_what_would_be_like_others_by_chance_is_like_none(image: Image.Image, kind: str) -> None:
    """Plain areas, gradients, drawings and what is too small are the same as another, or not."""
    assert shape(saved(image, kind)) == ""


def test_animations_may_begin_alike() -> None:
    """Of one a still is known, so it is nearly like nothing."""
    frames = [scene((320, 240)), scene((320, 240)).transpose(Image.Transpose.ROTATE_180)]
    moving = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    assert shape(moving) == ""
