"""From whatever a server calls a picture to pixels that a describer can look at.

The type is read from the bytes, never from a name; the size from the header, before anything is
decoded. Plugins are called by their classes because Image.open looks at Pillow's global limit,
which threads share.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from altwright.captions.sniffing import Kind, sniff, webp_size
from altwright.config import IMAGE_SIDE_PX
from altwright.describers.port import Picture
from altwright.errors import ImageUnusable

#: Longest side in pixels that is decoded; beyond it a picture scaled down shows nothing any more.
MAX_SIDE_PX = 16_384
THUMBNAIL_SIDE_PX = 480
#: Pixels of all frames together that are looked at to find a frame and the length of an animation.
FRAMES_PIXELS = 100_000_000
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
_OPENERS: MappingProxyType[Kind, Callable[[io.BytesIO], ImageFile]] = MappingProxyType(
    {
        Kind.JPEG: JpegImageFile,
        Kind.PNG: PngImageFile,
        Kind.GIF: GifImageFile,
        Kind.WEBP: WebPImageFile,
        Kind.AVIF: AvifImageFile,
    }
)
#: How an EXIF orientation is undone. Source: EXIF 2.32, tag 0x0112.
_UPRIGHT = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_ICC_SPACES = MappingProxyType({"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture ready for a describer, and a JPEG of at most 480 pixels a side for pages."""

    picture: Picture
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class _Frame:
    image: Image.Image
    frames: int
    duration_s: float


def prepare(data: bytes, *, max_pixels: int) -> Prepared:
    """Check, decode, turn upright, put on white, bring to sRGB and scale down; thread-safe.

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
            frame = _frame(file, max_pixels)
            image = _upright(_srgb(_opaque(_scaled(_plain(frame.image)))), file)
    except _DAMAGE as error:
        raise ImageUnusable("The picture's file is damaged or incomplete.") from error
    lossless = kind in {Kind.PNG, Kind.GIF} and image.getcolors(FEW_COLOURS) is not None
    return Prepared(
        Picture(
            data=_encoded(image, "PNG", optimize=True) if lossless else _jpeg(image, 92),
            media_type="image/png" if lossless else "image/jpeg",
            width=image.width,
            height=image.height,
            frames=frame.frames,
            duration_s=frame.duration_s,
        ),
        thumbnail=_thumbnail(image),
    )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE_PX:
        raise ImageUnusable(f"The picture is too large ({width:,} by {height:,} pixels).")
    if width <= 0 or height <= 0:
        raise ImageUnusable("The picture has no pixels.")


def _frame(file: ImageFile, max_pixels: int) -> _Frame:
    """Return the first frame that shows something, and how long the animation lasts."""
    count = getattr(file, "n_frames", 1)
    if count == 1:
        file.load()
        return _Frame(file, 1, 0.0)
    shown: Image.Image | None = None
    looked_at, duration_ms = 0, 0.0
    for index in range(count):
        if index and looked_at * file.width * file.height > FRAMES_PIXELS:
            break
        file.seek(index)
        _check_size(file.size, max_pixels)  # a GIF's frame may be larger than its canvas
        file.load()
        looked_at += 1
        duration_ms += file.info.get("duration") or 0
        if shown is None or (_is_blank(shown) and not _is_blank(file)):
            shown = file.copy()
    if shown is None:
        raise ImageUnusable("The picture has no frames.")
    return _Frame(shown, count, round(duration_ms / looked_at * count / 1000, 3))


def _is_blank(image: Image.Image) -> bool:
    low_high = image.convert("RGB").getextrema()
    return all(isinstance(pair, tuple) and pair[0] == pair[1] for pair in low_high)


def _plain(image: Image.Image) -> Image.Image:
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


def _scaled(image: Image.Image) -> Image.Image:
    ratio = IMAGE_SIDE_PX / max(image.size)
    if ratio >= 1:
        return image
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode not in {"LA", "RGBA"}:
        return image
    colours = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.info["icc_profile"] = image.info.get("icc_profile")
    white.alpha_composite(colours)
    return white.convert("RGB")


def _srgb(image: Image.Image) -> Image.Image:
    """Apply the picture's colour profile; one that is damaged or of another kind is ignored."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space == _ICC_SPACES.get(image.mode):
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                return converted or image.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


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
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * entry)
            if tag == 0x0112:  # noqa: PLR2004 - EXIF's number of Orientation
                return int(value)
    except struct.error:
        return 1
    return 1


def _thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.LANCZOS)
    return _jpeg(small, 82)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    # Full colour resolution: coloured letters stay sharp. Not optimized: Pillow reserves too little
    # for that with noisy pictures and fails ("broken data stream").
    return _encoded(image, "JPEG", quality=quality, subsampling=0)


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    image.info.clear()  # where and with what it was taken is nobody's business
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
