"""Animations and JPEGs without their end: what people see of them is what is described."""

from __future__ import annotations

import threading

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat
from PIL.GifImagePlugin import GifImageFile
from tests.support_images import (
    MAX_PIXELS,
    RED,
    corners,
    is_near,
    opened,
    photo,
    saved,
    scene,
    words,
)

from altwright.captions.pictures import decoding
from altwright.captions.pictures.decoding import prepare
from altwright.captions.pictures.file_types import Kind
from altwright.errors import ImageUnusable


def banner(brightness: float = 1.0) -> Image.Image:
    """Return a frame with a word, more or less bright."""
    image = words("HELLO", (255, 255, 255), (320, 200), (0, 0, 130, 255)).convert("RGB")
    return image.point(lambda value: round(value * brightness))


def near_black() -> Image.Image:
    """Return a black frame with the noise of compression."""
    return photo((320, 200)).point(lambda value: value // 64)


def marked_black() -> Image.Image:
    """Return a black frame with a watermark."""
    image = Image.new("RGB", (320, 200))
    ImageDraw.Draw(image).text((250, 185), "@bob", fill=(90, 90, 90))
    return image


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_says_how_long_it_is(kind: str) -> None:
    """Frames and seconds are counted; the first frame that shows something stands for it."""
    frames = [Image.new("RGB", (80, 80), "black"), corners((80, 80)), Image.new("RGB", (80, 80))]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=500)
    prepared = prepare(data, max_pixels=MAX_PIXELS)
    assert (prepared.picture.frames, prepared.picture.duration_s) == (3, 1.5)
    assert is_near(opened(prepared).getpixel((3, 3)), RED, by=25)


@pytest.mark.parametrize(
    "before",
    [
        [near_black()],
        [marked_black()],
        [Image.new("RGB", (320, 200), "white")] * 3,
        [banner(step / 10) for step in range(7)],
        [near_black(), marked_black(), banner(0.1)],
    ],
    ids=["noise", "watermark", "white", "fade", "all"],
)
@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_frame_that_shows_something_is_taken(kind: str, before: list[Image.Image]) -> None:
    """Noise, a watermark and the beginning of a fade don't stand for an animation."""
    frames = [*before, banner(), banner()]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    image = opened(prepare(data, max_pixels=MAX_PIXELS))
    _, high = image.convert("L").getextrema()
    assert isinstance(high, int)
    assert high > 140
    assert is_near(image.getpixel((3, 3)), (0, 0, 130), by=60)


def test_the_first_of_frames_that_show_as_much_is_taken() -> None:
    """People see the first one first; a later one that shows a little more is no better."""
    first, second = corners((320, 200)), corners((320, 200)).transpose(Image.Transpose.ROTATE_180)
    data = saved(first, "WEBP", save_all=True, append_images=[second, banner()], lossless=True)
    assert is_near(opened(prepare(data, max_pixels=MAX_PIXELS)).getpixel((3, 3)), RED)


def test_the_hidden_image_of_an_apng_is_not_the_picture() -> None:
    """A PNG's image for programs that don't know APNG is shown by no browser."""
    hidden, frames = (
        words("NO APNG", (0, 0, 0), ground=(255, 255, 255, 255)),
        [banner(), banner(0.9)],
    )
    data = saved(
        hidden.resize((320, 200)),
        save_all=True,
        default_image=True,
        append_images=frames,
        duration=400,
    )
    prepared = prepare(data, max_pixels=MAX_PIXELS)
    assert is_near(opened(prepared).getpixel((3, 3)), (0, 0, 130))
    assert (prepared.picture.frames, prepared.picture.duration_s) == (2, 0.8)
    alone = saved(
        hidden.resize((320, 200)), save_all=True, default_image=True, append_images=frames[:1]
    )
    prepared = prepare(alone, max_pixels=MAX_PIXELS)
    assert is_near(opened(prepared).getpixel((3, 3)), (0, 0, 130))
    assert (prepared.picture.frames, prepared.picture.duration_s) == (1, 0.0)


def test_thousands_of_frames_are_not_all_decoded() -> None:
    """An animation of 50,000 tiny frames takes no longer than one of a hundred."""
    data = saved(Image.new("P", (8, 8)), "GIF")
    start = data.index(b",")
    head, frame = data[:start], data[start:-1]
    decoded: list[int] = []

    class Counting(GifImageFile):
        def load_end(self) -> None:
            decoded.append(1)
            super().load_end()

    with pytest.MonkeyPatch.context() as patch:
        openers = {**decoding._OPENERS, Kind.GIF: Counting}  # noqa: SLF001 - counts what is decoded
        patch.setattr(decoding, "_OPENERS", openers)
        prepared = prepare(head + frame * 50_000 + b";", max_pixels=MAX_PIXELS)
    assert prepared.picture.frames == 50_000
    assert len(decoded) <= 200


def test_a_long_animation_is_not_looked_at_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length of the rest is estimated, so that no animation takes for ever."""
    monkeypatch.setattr("altwright.captions.pictures.frames.FRAMES_PIXELS", 4 * 1600)
    frames = [Image.new("RGB", (40, 40), (number, 0, 0)) for number in range(20)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    prepared = prepare(data, max_pixels=MAX_PIXELS)
    assert (prepared.picture.frames, prepared.picture.duration_s) == (20, 2.0)


def test_a_still_has_one_frame() -> None:
    """A still lasts no time."""
    picture = prepare(saved(photo()), max_pixels=MAX_PIXELS).picture
    assert (picture.frames, picture.duration_s) == (1, 0.0)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [2, 0.1])
def test_a_jpeg_without_its_end_is_shown_as_viewers_show_it(
    *, progressive: bool, missing: float
) -> None:
    """What people see in their browsers is described, and the reviewer is told."""
    data = saved(scene(), "JPEG", quality=90, progressive=progressive)
    cut = data[: -int(missing if missing > 1 else len(data) * missing)]
    prepared = prepare(cut, max_pixels=MAX_PIXELS)
    assert "incomplete" in prepared.picture.note
    found, whole = opened(prepared), scene()
    top = (0, 0, 640, 400)
    apart = ImageStat.Stat(ImageChops.difference(found.crop(top), whole.crop(top))).mean
    assert max(apart) < 20  # the noise that JPEG leaves out; 50 and more where rows lack
    assert not prepare(data, max_pixels=MAX_PIXELS).picture.note


@pytest.mark.parametrize(
    ("progressive", "kept"), [(False, 0.02), (False, 0.1), (False, 0.6), (True, 0.02), (True, 0.1)]
)
def test_too_little_of_a_jpeg_is_refused(*, progressive: bool, kept: float) -> None:
    """A strip at the top, or blotches, aren't the picture."""
    data = saved(scene(), "JPEG", quality=90, progressive=progressive)
    with pytest.raises(ImageUnusable, match="damaged or incomplete"):
        prepare(data[: int(len(data) * kept)], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("colour", ["black", "white"])
def test_a_jpeg_with_a_plain_bottom_is_measured_by_what_was_decoded(colour: str) -> None:
    """A night sky turned round isn't missing because it is black."""
    image = photo((400, 400))
    image.paste(colour, (0, 250, 400, 400))
    data = saved(image, "JPEG", quality=90)
    note = prepare(data[: int(len(data) * 0.995)], max_pixels=MAX_PIXELS).picture.note
    assert "incomplete" in note
    with pytest.raises(ImageUnusable, match="damaged or incomplete"):
        prepare(data[: int(len(data) * 0.6)], max_pixels=MAX_PIXELS)


def test_a_jpeg_without_its_end_leaves_others_strict() -> None:
    """No switch of Pillow's is touched: a PNG that another thread reads stays refused."""
    jpeg, png = saved(scene(), "JPEG")[:-2], saved(scene())
    noted: list[bool] = []

    def work() -> None:
        noted.extend(bool(prepare(jpeg, max_pixels=MAX_PIXELS).picture.note) for _ in range(5))

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(5):
        with pytest.raises(ImageUnusable):
            prepare(png[: len(png) * 9 // 10], max_pixels=MAX_PIXELS)
    thread.join()
    assert noted == [True] * 5
