"""What a file is, by its first bytes."""

from __future__ import annotations

import re
import struct
from enum import StrEnum

from altwright.errors import ImageUnusable


class Kind(StrEnum):
    """A format of pictures that we read."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    WEBP = "WebP"
    AVIF = "AVIF"


#: Bytes at the beginning that are looked at.
_HEAD_BYTES = 1024
_PICTURES = (
    (rb"\xff\xd8\xff", Kind.JPEG),
    (rb"\x89PNG\r\n\x1a\n", Kind.PNG),
    (rb"GIF8[79]a", Kind.GIF),
    (rb"RIFF....WEBP", Kind.WEBP),
    (rb"....ftyp(avif|avis)", Kind.AVIF),
    (rb"....ftyp(mif1|msf1).{4}(.{4})*?(avif|avis)", Kind.AVIF),
)
#: What is no picture for us, as it is called in a sentence. Order matters: web pages may hold SVG,
#: and both look like other text.
_OTHERS = (
    (rb"....ftyp(hei|hev|mif1|msf1)", "The picture is in HEIC format, which we can't read."),
    (rb"....ftyp(M4A|M4B)", "The file is a sound, not a picture."),
    (rb"....ftyp|....moov|....mdat|\x1aE\xdf\xa3|FLV\x01", "The file is a video, not a picture."),
    (rb"RIFF....AVI |\x00\x00\x01[\xb3\xba]|OggS", "The file is a video or a sound."),
    (rb"ID3|fLaC|RIFF....WAVE|FORM....AIFF|\xff[\xe2-\xfb]", "The file is a sound, not a picture."),
    (rb"%PDF-", "The file is a PDF document, not a picture."),
    (
        rb"(\xef\xbb\xbf)?\s*(<\?xml.*?\?>\s*)?(<!--.*?-->\s*)?<(!doctype html|html|head|body)",
        "The file is a web page, not a picture.",
    ),
    (rb"(\xef\xbb\xbf)?\s*(<[?!].*?)?<svg", "The file is a drawing (SVG), which we can't read."),
    (rb"(\xef\xbb\xbf)?\s*[{\[<]", "The file is text, not a picture."),
)


def sniff(data: bytes) -> Kind:
    """Return the picture's format.

    Raises:
        ImageUnusable: it is none that we read; the message says what it is instead.
    """
    if not data:
        raise ImageUnusable("The picture's file is empty.")
    head = data[:_HEAD_BYTES]
    for pattern, kind in _PICTURES:
        if re.match(pattern, head, re.DOTALL):
            return kind
    for pattern, sentence in _OTHERS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            raise ImageUnusable(sentence)
    raise ImageUnusable(
        "The file isn't a picture in a format that we can read (JPEG, PNG, GIF, WebP, AVIF)."
    )


def webp_size(data: bytes) -> tuple[int, int]:
    """Return a WebP's width and height from its header.

    Source: RFC 9649, 2.3 to 2.7.

    Raises:
        struct.error: the header is incomplete.
        ValueError: it is none.
    """
    match data[12:16]:
        case b"VP8X":
            low = struct.unpack_from("<HBHB", data, 24)
            return low[0] + (low[1] << 16) + 1, low[2] + (low[3] << 16) + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            raise ValueError("no WebP header")
