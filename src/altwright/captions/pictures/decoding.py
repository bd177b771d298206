"""From whatever a server calls a picture to pixels that a describer can look at.

The type is read from the bytes, never from a name; the size from the header, before anything is
decoded. Plugins are called by their classes because Image.open looks at Pillow's global limit,
which threads share.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image, ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from altwright.captions.pictures import views
from altwright.captions.pictures.backgrounds import on_ground, plain
from altwright.captions.pictures.file_types import Kind, sniff, webp_size
from altwright.captions.pictures.frames import Frame, animated, still
from altwright.captions.pictures.likeness import shape_of
from altwright.config import IMAGE_SIDE_PX
from altwright.describers.port import Picture
from altwright.errors import ImageUnusable

THUMBNAIL_SIDE_PX = 480
#: A lossless original with no more colours than this is a drawing, a chart or a screenshot: kept
#: lossless, because the edges of letters matter to whoever reads them.
FEW_COLOURS = 4096

#: What Pillow's decoders raise (or warn of) on damaged files.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,
    Warning,
)
_OPENERS: dict[Kind, Callable[[io.BytesIO], ImageFile]] = {
    Kind.JPEG: JpegImageFile,
    Kind.PNG: PngImageFile,
    Kind.GIF: GifImageFile,
    Kind.WEBP: WebPImageFile,
    Kind.AVIF: AvifImageFile,
}
#: How an EXIF orientation is undone. Source: EXIF 2.32, tag 0x0112.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ICC_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture ready for a describer, a copy to keep, and a small one for pages.

    ``kept`` can be prepared again (at most ``KEPT_PIXELS``); ``thumbnail`` is a JPEG of at most 480
    pixels a side. ``shape`` is what pictures that are nearly the same are found by ("": none is).
    """

    picture: Picture
    kept: Picture
    thumbnail: bytes
    shape: str


def prepare(data: bytes, *, max_pixels: int) -> Prepared:
    """Check, decode, turn upright, put on a ground, bring to sRGB and scale down; thread-safe.

    Raises:
        ImageUnusable: the file is no picture that we can read; the message says what it is.
    """
    kind = sniff(data)
    try:
        if kind is Kind.WEBP:  # its decoder reserves memory for the whole picture when it opens
            _check_size(webp_size(data), max_pixels)
        with _OPENERS[kind](io.BytesIO(data)) as file:
            _check_size(file.size, max_pixels)
            file.draft(None, (IMAGE_SIDE_PX, IMAGE_SIDE_PX))  # a JPEG is decoded to what is needed
            frame = _frame(file, data, max_pixels)
            image = _upright(_srgb(on_ground(_scaled(plain(frame.image)))), file)
    except _DAMAGE as error:
        raise ImageUnusable("The picture's file is damaged or incomplete.") from error
    lossless = kind in {Kind.PNG, Kind.GIF} and image.getcolors(FEW_COLOURS) is not None
    whole = views.whole(image)
    picture = replace(
        _picture(whole, lossless=lossless),
        frames=frame.frames,
        duration_s=frame.duration_s,
        note=frame.note,
        parts=tuple(_picture(part, lossless=lossless) for part in views.parts(image)),
    )
    # Two animations may begin alike, and drawings differ in a number that matters.
    is_photo = frame.frames == 1 and not lossless and not picture.parts
    return Prepared(
        picture,
        kept=_picture(image, lossless=lossless) if picture.parts else picture,
        thumbnail=_thumbnail(whole),
        shape=shape_of(whole) if is_photo else "",
    )


def _picture(image: Image.Image, *, lossless: bool) -> Picture:
    return Picture(
        data=_encoded(image, "PNG", optimize=True) if lossless else _jpeg(image, 92),
        media_type="image/png" if lossless else "image/jpeg",
        width=image.width,
        height=image.height,
    )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > views.MAX_SIDE_PX:
        raise ImageUnusable(
            f"The picture is too large: it has {width:,} by {height:,} pixels, and may have "
            f"{views.MAX_SIDE_PX:,} a side and {max_pixels:,} in all."
        )
    if width <= 0 or height <= 0:
        raise ImageUnusable("The picture has no pixels.")
    if max(size) < views.SEEN_PX:
        raise ImageUnusable(
            f"The picture has {width} by {height} pixels: nothing can be seen in it."
        )


def _frame(file: ImageFile, data: bytes, max_pixels: int) -> Frame:
    """Return what stands for the file, in a mode that can be scaled."""
    count = getattr(file, "n_frames", 1)
    if count <= 1:
        return still(file, data)
    return animated(
        file,
        count,
        check_size=lambda size: _check_size(size, max_pixels),
        # A copy: the file goes on to its next frame.
        reduced=lambda image: _scaled(plain(image.copy())),
    )


def _scaled(image: Image.Image) -> Image.Image:
    return views.resized(image, views.kept_size(image.size))


def _srgb(image: Image.Image) -> Image.Image:
    """Apply the picture's colour profile; one that is damaged or of another kind is ignored."""
    profile = image.info.get("icc_profile")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space == _ICC_SPACES.get(image.mode):
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                return converted or image.convert("RGB")
    # Converting what is RGB would copy it: 16 MB for a picture of 2000 by 2000 pixels.
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image, file: ImageFile) -> Image.Image:
    turn = _UPRIGHT.get(orientation(file.info.get("exif") or b""))
    return image if turn is None else image.transpose(turn)


def orientation(exif: bytes) -> int:
    """Return EXIF's orientation, 1 (upright) where there is none or it can't be read.

    Pillow's own reader warns of every oddity in the rest of the data, which nobody asked for.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    with suppress(struct.error):
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * entry)
            if tag == 0x0112:  # noqa: PLR2004 - EXIF's number of Orientation
                return int(value)
    return 1


def _thumbnail(image: Image.Image) -> bytes:
    return _jpeg(views.within(image, THUMBNAIL_SIDE_PX), 82)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    # Full colour resolution: coloured letters stay sharp. Not optimized: Pillow reserves too little
    # for that with noisy pictures and fails ("broken data stream").
    return _encoded(image, "JPEG", quality=quality, subsampling=0)


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    image.info.clear()  # where and with what it was taken is nobody's business
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
