"""Preparing pictures: every kind becomes upright sRGB that shows something."""

from __future__ import annotations

import io
import random
import struct
import threading
import zlib

import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin
from tests.support_images import (
    BLUE,
    GREEN,
    MAX_PIXELS,
    RED,
    WHITE,
    corners,
    is_near,
    opened,
    photo,
    saved,
)

from altwright.captions.pictures.decoding import orientation, prepare
from altwright.errors import ImageUnusable

KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")


def seen_corners(image: Image.Image) -> list[tuple[int, int, int]]:
    """Return the corners' colours, clockwise from top left."""
    right, bottom = image.width - 4, image.height - 4
    places = ((3, 3), (right, 3), (right, bottom), (3, bottom))
    return [image.getpixel(place) for place in places]  # type: ignore[misc] # RGB


# --- kinds ---


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(kind: str) -> None:
    """JPEG, PNG, GIF, WebP and AVIF show the same picture."""
    image = opened(prepare(saved(corners(), kind), max_pixels=MAX_PIXELS))
    assert image.size == (90, 60)
    for found, wanted in zip(seen_corners(image), (RED, GREEN, BLUE, WHITE), strict=True):
        assert is_near(found, wanted, by=20)


@pytest.mark.parametrize("orientation_", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_upright(kind: str, orientation_: int) -> None:
    """All eight orientations of cameras are undone."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = corners()
    if orientation_ in undo:
        stored = stored.transpose(undo[orientation_])
    exif = Image.Exif()
    exif[0x0112] = orientation_
    prepared = prepare(saved(stored, kind, exif=exif.tobytes()), max_pixels=MAX_PIXELS)
    image = opened(prepared)
    assert image.size == (90, 60)
    for found, wanted in zip(seen_corners(image), (RED, GREEN, BLUE, WHITE), strict=True):
        assert is_near(found, wanted, by=20)
    assert "exif" not in image.info


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff", b"x"]
)
def test_damaged_exif_means_upright(exif: bytes) -> None:
    """Nonsense in a camera's data is no reason to turn a picture, or to refuse it."""
    assert orientation(exif) == 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_keeps_its_colours(mode: str) -> None:
    """Palette, grey, bilevel and 16-bit pictures come out as they look."""
    black_white = Image.new("L", (80, 80), 0)
    black_white.paste(255, (0, 0, 40, 80))
    if mode == "I;16":
        deep = black_white.convert("I").point(lambda value: value * 257)
        data = saved(deep.convert("I;16"))
    elif mode == "PA":
        palette = black_white.convert("P")
        palette.info["transparency"] = bytes([255] * 256)
        data = saved(palette)
    else:
        data = saved(black_white.convert(mode))
    image = opened(prepare(data, max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((5, 20)), WHITE)
    assert is_near(image.getpixel((75, 20)), (0, 0, 0))


def test_sixteen_bits_are_scaled_not_cut() -> None:
    """A middle grey of 16 bits is a middle grey of 8."""
    grey = Image.new("I;16", (60, 60), 0x8000)
    image = opened(prepare(saved(grey), max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((5, 5)), (128, 128, 128), by=2)


def test_cmyk_is_read() -> None:
    """A picture for print shows its colours."""
    red = Image.new("CMYK", (60, 60), (0, 255, 255, 0))
    image = opened(prepare(saved(red, "JPEG"), max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((5, 5)), (255, 0, 0), by=20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_what_is_transparent_lies_on_white(kind: str) -> None:
    """A black drawing on nothing doesn't become black on black."""
    drawing = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    ImageDraw.Draw(drawing).rectangle((20, 20, 40, 40), fill=(0, 0, 0, 255))
    image = opened(prepare(saved(drawing, kind), max_pixels=MAX_PIXELS))
    assert is_near(image.getpixel((3, 3)), WHITE)
    assert is_near(image.getpixel((30, 30)), (0, 0, 0))


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    """Colours are sRGB afterwards; a profile of nonsense or of another space does no harm."""
    image = Image.new("RGB", (60, 60), (180, 90, 40))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (srgb, lab, b"nonsense" * 30):
        data = saved(image, "JPEG", icc_profile=profile, quality=95)
        found = opened(prepare(data, max_pixels=MAX_PIXELS))
        assert is_near(found.getpixel((5, 5)), (180, 90, 40), by=4)
        assert "icc_profile" not in found.info


# --- sizes and files ---


@pytest.mark.parametrize(("size", "scaled"), [((4000, 1000), (2000, 500)), ((3, 9000), (56, 2000))])
def test_a_large_picture_is_scaled_down(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    """No side is longer than a describer wants; no side vanishes."""
    assert opened(prepare(saved(Image.new("RGB", size)), max_pixels=MAX_PIXELS)).size == scaled


def test_drawings_stay_lossless_and_photographs_become_jpeg() -> None:
    """Letters keep their edges; photographs don't take megabytes."""
    drawing = prepare(saved(corners()), max_pixels=MAX_PIXELS).picture
    noise = prepare(saved(photo()), max_pixels=MAX_PIXELS).picture
    again = prepare(saved(corners(), "JPEG"), max_pixels=MAX_PIXELS).picture
    assert [one.media_type for one in (drawing, noise, again)] == [
        "image/png",
        "image/jpeg",
        "image/jpeg",
    ]


def test_the_thumbnail_is_a_small_jpeg() -> None:
    """Pages show 480 pixels at most."""
    small = Image.open(io.BytesIO(prepare(saved(photo((960, 300))), max_pixels=10**6).thumbnail))
    assert (small.format, small.size) == ("JPEG", (480, 150))


# --- what is refused ---


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that says it is that large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + crc

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def webp_of_size(width: int, height: int) -> bytes:
    """Return the head of a WebP that says it is that large."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (png_of_size(50_000, 50_000), "50,000 by 50,000 pixels, and may have 16,384 a side and"),
        (png_of_size(20_000, 10), "20,000 by 10 pixels, and may have 16,384 a side"),
        (webp_of_size(16_000, 16_000), "too large"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg/>', "SVG"),
        (b"<!doctype html><svg></svg>", "web page"),
        (b"\n\n<HTML><body>404", "web page"),
        (b'<?xml version="1.0"?><html/>', "web page"),
        (b'{"error": "x"}', "is text"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "video"),
        (b"\x1aE\xdf\xa3" + bytes(40), "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"ID3\x04" + bytes(40), "sound"),
        (b"RIFF\0\0\0\0WAVEfmt ", "sound"),
        (b"\0\0\0\x18ftypM4A " + bytes(40), "sound"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (saved(photo(), "TIFF"), "JPEG, PNG, GIF, WebP, AVIF"),
        (saved(photo(), "BMP"), "JPEG, PNG, GIF, WebP, AVIF"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"GIF89a", "damaged"),
        (b"RIFF\0\0\0\0WEBPVP8X", "damaged"),
        (b"RIFF\0\0\0\0WEBPxxxx", "damaged"),
        (b"\0\0\0\x20ftypavif" + bytes(40), "damaged"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, sentence: str) -> None:
    """A person reads what the file is instead, whatever its name says."""
    with pytest.raises(ImageUnusable, match=sentence):
        prepare(data, max_pixels=MAX_PIXELS)


def test_the_limit_of_pixels_is_the_settings() -> None:
    """One pixel too many is too many; exactly as many is fine."""
    data = saved(photo((120, 80)))
    assert prepare(data, max_pixels=9600).picture.width == 120
    with pytest.raises(ImageUnusable, match="too large"):
        prepare(data, max_pixels=9599)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_half_a_file_is_no_picture(kind: str, kept: float) -> None:
    """A file that broke off is refused, never described by what happens to be there."""
    if kind == "JPEG" and kept == 0.9:
        return  # shown, by the next test
    data = saved(photo(), kind)
    with pytest.raises(ImageUnusable, match="damaged or incomplete"):
        prepare(data[: int(len(data) * kept)], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_never_ends_in_a_fault_of_ours(kind: str) -> None:
    """Whatever bytes are changed, the answer is a picture or a sentence."""
    chance = random.Random(kind)  # noqa: S311 - no secret
    frames = [photo((30, 20)), corners((30, 20))]
    several = {} if kind in {"JPEG", "AVIF"} else {"save_all": True, "append_images": frames[1:]}
    whole = saved(frames[0], kind, **several)
    refused = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            opened(prepare(bytes(data), max_pixels=1_000_000))
        except ImageUnusable as error:
            assert str(error).endswith(".")  # noqa: PT017 - both endings are fine, only these two
            refused += 1
    assert refused < 150


def test_a_bomb_of_text_in_a_png_is_refused() -> None:
    """Compressed text beside the pixels can't fill the memory either."""
    info = PngImagePlugin.PngInfo()
    for number in range(80):
        info.add_text(f"k{number}", "0" * 1_000_000, zip=True)
    with pytest.raises(ImageUnusable, match="damaged"):
        prepare(saved(photo(), "PNG", pnginfo=info), max_pixels=MAX_PIXELS)


def test_threads_prepare_side_by_side() -> None:
    """Pictures of different limits in different threads don't get in each other's way."""
    small, large = saved(photo((20, 20))), saved(photo((200, 200)))
    outcomes: list[str] = []

    def work(data: bytes, limit: int) -> None:
        for _ in range(10):
            try:
                prepare(data, max_pixels=limit)
                outcomes.append("read")
            except ImageUnusable:
                outcomes.append("refused")

    threads = [
        threading.Thread(target=work, args=args) for args in ((small, 400), (large, 400)) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("read"), outcomes.count("refused")) == (20, 20)
