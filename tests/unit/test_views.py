"""Long pictures come in parts that can be read, tiny ones on a ground that can be taken."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw
from tests.support_images import (
    BLUE,
    MAX_PIXELS,
    RED,
    is_near,
    opened,
    saved,
    scene,
    spread,
)

from altwright.captions.pictures.decoding import prepare
from altwright.captions.pictures.views import KEPT_PIXELS
from altwright.config import IMAGE_SIDE_PX
from altwright.errors import ImageUnusable


def lines_of_text(size: tuple[int, int], line_px: int = 80) -> Image.Image:
    """Return a tall picture of lines: black bars with gaps, each line's width its number's."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for top in range(0, size[1], line_px):
        for left in range(10, size[0] - 40, 24):
            draw.rectangle((left, top + 20, left + 12, top + 52), fill=0)
    return image


@pytest.mark.parametrize("is_tall", [True, False])
@pytest.mark.parametrize("size", [(800, 16_000), (400, 2640), (1080, 6000), (20, 9000)])
def test_a_long_picture_comes_in_parts(size: tuple[int, int], *, is_tall: bool) -> None:
    """Text of which a picture of 2,000 pixels would show nothing can be read in its parts."""
    image = lines_of_text(size)
    if not is_tall:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    prepared = prepare(saved(image), max_pixels=MAX_PIXELS)
    picture = prepared.picture
    assert max(picture.width, picture.height) == IMAGE_SIDE_PX
    assert 2 <= len(picture.parts) <= 17
    along = 0
    for part in picture.parts:
        shown = Image.open(io.BytesIO(part.data)).convert("L")
        assert shown.size == (part.width, part.height)
        assert max(shown.size) <= IMAGE_SIDE_PX
        upright = shown if is_tall else shown.transpose(Image.Transpose.TRANSPOSE)
        assert upright.width == max(size[0], 56)
        along += upright.height
        if size[0] > 100:
            ends = (
                upright.crop((0, 0, upright.width, 2)),
                upright.crop((0, upright.height - 2, *upright.size)),
            )
            assert [spread(end) for end in ends] == [0, 0], "a line of text was cut in two"
    assert along == size[1]


def test_a_long_picture_is_kept_so_that_it_can_be_read_again() -> None:
    """Describing it again, from the kept copy, shows the same parts."""
    first = prepare(saved(lines_of_text((800, 16_000))), max_pixels=MAX_PIXELS)
    again = prepare(first.kept.data, max_pixels=KEPT_PIXELS)
    assert [part.height for part in again.picture.parts] == [
        part.height for part in first.picture.parts
    ]
    assert again.picture.data == first.picture.data
    panorama = prepare(saved(scene((8000, 1500)), "JPEG"), max_pixels=MAX_PIXELS)
    assert (panorama.kept.width, panorama.kept.height) == (6400, 1200)
    assert len(prepare(panorama.kept.data, max_pixels=KEPT_PIXELS).picture.parts) == len(
        panorama.picture.parts
    )


@pytest.mark.parametrize("size", [(1080, 2400), (2400, 600), (4000, 1000), (500, 2000)])
def test_a_phone_screen_is_one_picture(size: tuple[int, int]) -> None:
    """What can be read in one picture isn't cut up."""
    assert prepare(saved(Image.new("RGB", size, RED)), max_pixels=MAX_PIXELS).picture.parts == ()


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((257, 20), (257, 56)),
        ((3000, 2), (2000, 56)),
        ((2, 3000), (56, 2000)),
        ((16, 16), (56, 56)),
        ((4, 1), (56, 56)),
        ((90, 60), (90, 60)),
    ],
)
@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), BLUE])
def test_a_tiny_picture_is_padded(
    size: tuple[int, int], shown: tuple[int, int], ink: tuple[int, int, int]
) -> None:
    """No model server gets a side that its patches don't fit; what is there can still be seen."""
    image = opened(prepare(saved(Image.new("RGB", size, ink)), max_pixels=MAX_PIXELS))
    assert image.size == shown
    middle = ((shown[0] - 1) // 2, (shown[1] - 1) // 2)
    assert is_near(image.getpixel(middle), ink)
    if size not in {shown, (16, 16)}:
        assert not is_near(image.getpixel((0, 0)), ink, by=100)


@pytest.mark.parametrize("size", [(1, 1), (3, 2)])
def test_a_pixel_is_no_picture(size: tuple[int, int]) -> None:
    """Counting pixels and spacers show nothing, and nothing is invented for them."""
    with pytest.raises(ImageUnusable, match="nothing can be seen"):
        prepare(saved(Image.new("RGB", size)), max_pixels=MAX_PIXELS)
