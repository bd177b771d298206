"""Encryption of what is sensitive at rest, with keys that can be rotated."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from altwright import folders

#: Hexadecimal digits of a key's SHA-256 that name it: few enough to be read, no help to a thief.
NAME_DIGITS = 8


class Box:
    """Encrypts and authenticates with the first key, opens what any of its keys has closed.

    Fernet (AES-128-CBC and HMAC-SHA256), because the replaced system's tokens are Fernet tokens.
    """

    def __init__(self, keys: str) -> None:
        """Take Fernet keys, comma-separated; the first one encrypts, and should be the newest."""
        given = [key.strip() for key in keys.split(",")]
        fernets = [Fernet(key) for key in given]
        self._fernet, self._newest = MultiFernet(fernets), fernets[0]
        #: What each key is called where people read it, the one that encrypts first.
        self.names = [hashlib.sha256(key.encode()).hexdigest()[:NAME_DIGITS] for key in given]

    def close(self, data: bytes) -> bytes:
        """Encrypt."""
        return self._fernet.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt. Raises ValueError: it was closed with another key, or was changed."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise ValueError("closed with another key, or changed") from None

    def renew(self, sealed: str) -> str:
        """Return what was encrypted, as it is if the first key has closed it, else closed anew.

        Raises ValueError as ``open`` does.
        """
        try:
            self._newest.decrypt(sealed.encode("ascii", "replace"))
        except InvalidToken:
            return self.encrypt(self.decrypt(sealed))
        return sealed

    def encrypt(self, text: str) -> str:
        """Encrypt a text for a text column."""
        return self.close(text.encode()).decode("ascii")

    def decrypt(self, sealed: str) -> str:
        """Decrypt a text column. Raises ValueError as ``open`` does."""
        return self.open(sealed.encode("ascii", "replace")).decode()


def kept_secret(directory: Path, name: str, configured: str) -> str:
    """Return ``configured``, or the secret kept in ``directory``; make one there the first time.

    Both uses (Fernet key, session secret) fit a Fernet key, so one form serves.

    Raises:
        ConfigError: the folder can't be written.
    """
    if configured:
        return configured
    path = directory / name
    try:
        folders.make(directory, "DATA_DIR")
        if not path.exists():
            # Linked into place whole, so that of two processes that start at once one wins
            # and both read the same secret.
            draft = directory / f".{name}-{secrets.token_hex(4)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text("ascii").strip()
    except OSError as error:
        raise folders.unusable(path, "DATA_DIR", error) from error
