"""A file that is encrypted and authenticated while it is written, and read back the same way.

A first line says what it is, a second one holds the file's own random key, encrypted with the
service's; what follows are chunks, each with AES-256-GCM. A chunk's nonce is its number and whether
it is the last one, so that none can be changed, left out, moved or cut off unnoticed. (The STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015, as the age format has it.)
"""

from __future__ import annotations

import io
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altwright.crypto import Box
from altwright.errors import ConfigError, InvalidInput

#: What a backup begins with; the number is raised when an older program can't read it.
FIRST_LINE = b"altwright backup 1\n"
#: Bytes of a chunk before it is encrypted, and by how much it grows.
CHUNK_BYTES, TAG_BYTES = 1024 * 1024, 16
_KEY_BITS, _COUNTER_BYTES = 256, 11
#: The longest second line that is read, in bytes.
_LINE_MOST = 4096

NO_BACKUP = "This file is no backup of Altwright's."
DAMAGED = "The backup is damaged or cut off. Take another one."
WRONG_KEY = (
    "PLATFORM_ENCRYPTION_KEY: isn't the key with which this backup was encrypted; give the one "
    "that was in use then, alone or behind the present one after a comma"
)


class SealedWriter(io.RawIOBase):
    """Writes to a file; without ``finish`` what was written counts as cut off.

    Once ``is_abandoned``, it drops what it is given.
    """

    def __init__(self, file: IO[bytes], box: Box) -> None:
        key = AESGCM.generate_key(_KEY_BITS)
        file.write(FIRST_LINE + box.close(key) + b"\n")
        self._file, self._cipher = file, AESGCM(key)
        self._pending, self._number = bytearray(), 0
        self.is_abandoned = False

    def writable(self) -> bool:
        """Return whether it can be written."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override] # bytes are all it is given
        """Take bytes; whole chunks go to the file."""
        if not self.is_abandoned:
            self._pending += data
        while (
            len(self._pending) > CHUNK_BYTES
        ):  # the last chunk is never an empty one behind others
            self._put(bytes(self._pending[:CHUNK_BYTES]), is_last=False)
            del self._pending[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._put(bytes(self._pending), is_last=True)

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), chunk, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads such a file; nothing is handed out that isn't authenticated."""

    def __init__(self, file: IO[bytes], box: Box) -> None:
        """Begin to read.

        Raises:
            ConfigError: it was encrypted with another key.
            InvalidInput: it is no backup, or cut off.
        """
        if file.readline(len(FIRST_LINE)) != FIRST_LINE:
            raise InvalidInput(NO_BACKUP)
        line = file.readline(_LINE_MOST)
        if not line.endswith(b"\n"):  # no key fits what was cut off
            raise InvalidInput(DAMAGED)
        try:
            self._cipher = AESGCM(box.open(line.strip()))
        except ValueError:
            raise ConfigError([WRONG_KEY]) from None
        self._file, self._number = file, 0
        self._chunk, self._next = b"", self._read_sealed()
        self._has_ended = False

    def readable(self) -> bool:
        """Return whether it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or those that are left. Raises InvalidInput: it is damaged."""
        parts = bytearray()
        while not self._has_ended or self._chunk:
            wanted = len(self._chunk) if size < 0 else size - len(parts)
            parts += self._chunk[:wanted]
            self._chunk = self._chunk[wanted:]
            if len(parts) == size or self._has_ended:
                break
            self._advance()
        return bytes(parts)

    def _advance(self) -> None:
        sealed, self._next = self._next, self._read_sealed()
        self._has_ended = not self._next
        try:
            nonce = _nonce(self._number, is_last=self._has_ended)
            self._chunk = self._cipher.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError):
            raise InvalidInput(DAMAGED) from None
        self._number += 1

    def _read_sealed(self) -> bytes:
        return self._file.read(CHUNK_BYTES + TAG_BYTES)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([is_last])
