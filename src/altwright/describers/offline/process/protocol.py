"""What the describer and its process say to each other: msgpack maps with a length before them."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgpack

from altwright import interrupts

_LENGTH: Final = struct.Struct("!I")
#: Bytes of the largest message: a picture of 2,000 pixels a side as PNG needs 12 MB.
LARGEST: Final = 64 * 1024 * 1024
#: Seconds that a worker waits for its turn at the host's describer and for its reply: as many
#: threads as there may be, each with a picture that takes a few seconds, go before it.
PATIENCE_S: Final = 600.0
#: A question that the host answers by itself, whatever its describers are at; and how many seconds
#: it may take.
PING: Final = {"ping": True}
PING_S: Final = 5.0


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


def ask(
    address: Path, message: dict[str, Any], patience_s: float = PATIENCE_S
) -> dict[str, Any] | None:
    """Ask the describer of this host (host.py) and return its reply; None: none runs here.

    An interrupt of this thread's work ends the wait, as if the other side had closed.

    Raises:
        OSError: it ended before it replied, or took longer than ``patience_s``.
        Broken: the same.
    """
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(address))
        except OSError:
            return None
        sock.settimeout(patience_s)

        def break_off() -> None:
            with contextlib.suppress(OSError):  # it has closed already
                sock.shutdown(socket.SHUT_RDWR)

        with interrupts.current().breaking_off(break_off):
            sock.sendall(pack(message))
            return unpack(lambda count: sock.recv(min(count, 1 << 20)))
