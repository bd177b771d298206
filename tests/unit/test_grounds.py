"""What can be seen through lies on a ground that shows it."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw
from tests.support_images import (
    MAX_PIXELS,
    RED,
    WHITE,
    is_near,
    opened,
    saved,
    spread,
    words,
)

from altwright.captions.pictures.decoding import prepare


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ((255, 255, 255, 255), (32, 32, 32)),
        ((250, 240, 180, 255), (32, 32, 32)),
        ((255, 255, 255, 90), (32, 32, 32)),
        ((0, 0, 0, 255), WHITE),
        ((*RED, 255), WHITE),
        ((140, 140, 140, 255), WHITE),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_logo_lies_on_a_ground_that_shows_it(
    kind: str, ink: tuple[int, ...], ground: tuple[int, int, int]
) -> None:
    """White letters on nothing lie on a dark ground, dark ones on white."""
    image = opened(prepare(saved(words("OPEN", ink), kind), max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((3, 3)), ground)
    assert spread(image) > 60


def test_a_logo_of_black_and_white_loses_neither() -> None:
    """Where no page's ground shows all, one between does."""
    logo = words("OPEN", (0, 0, 0, 255))
    logo.alpha_composite(words("DAY", (255, 255, 255, 255), (160, 60)), (20, 70))
    image = opened(prepare(saved(logo), max_pixels=MAX_PIXELS))
    low, high = image.convert("L").getextrema()
    ground = image.convert("L").getpixel((3, 3))
    assert (low, high) == (0, 255)
    assert isinstance(ground, int)
    assert 60 < ground < 200


def test_round_corners_lie_on_white() -> None:
    """A window of a light screen is no white logo."""
    window = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    ImageDraw.Draw(window).rounded_rectangle((0, 0, 399, 299), 16, fill=(250, 250, 250, 255))
    window.alpha_composite(words("Save?", (0, 0, 0, 255)))
    image = opened(prepare(saved(window), max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((0, 0)), WHITE)
