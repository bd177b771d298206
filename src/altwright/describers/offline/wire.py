"""What the describer and its process say to each other: msgpack maps with a length before them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

import msgpack

_LENGTH: Final = struct.Struct("!I")
#: Bytes of the largest message: a picture of 2,000 pixels a side as PNG needs 12 MB.
LARGEST: Final = 64 * 1024 * 1024


class Broken(Exception):
    """The other side has closed, or speaks something else."""


def pack(message: dict[str, Any]) -> bytes:
    """Return the message's bytes on the wire."""
    body: bytes = msgpack.packb(message)
    return _LENGTH.pack(len(body)) + body


def unpack(receive: Callable[[int], bytes]) -> dict[str, Any]:
    """Read one message; ``receive(n)`` returns 1 to n bytes, or none when the other side closed.

    Raises:
        Broken: the other side closed, or sent something else.
    """
    (length,) = _LENGTH.unpack(_exactly(receive, _LENGTH.size))
    if length > LARGEST:
        raise Broken(f"a message of {length} bytes")
    try:
        message = msgpack.unpackb(_exactly(receive, length))
    except (ValueError, msgpack.UnpackException) as error:
        raise Broken("no msgpack") from error
    if not isinstance(message, dict):
        raise Broken("no map")
    return message


def _exactly(receive: Callable[[int], bytes], count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = receive(count - len(parts))
        if not part:
            raise Broken("closed")
        parts += part
    return bytes(parts)
