"""Folders that settings name: made, tried out, why they can't be used; files written whole."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from altwright.errors import ConfigError

#: Bytes that are written to try a folder out; where there is room for less, no picture fits.
TRIAL_BYTES = 1024 * 1024

_FULL = "the disk is full; make room"
_NO_FOLDER = "it, or what should be a folder above it, is a file; name a folder"
_NO_RIGHT = "this user may not use it; give it the folder (chown), or name another one"
_REASONS = {
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENOENT: "the folder above it is missing; make that first, or correct the path",
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: "it is read-only; name a folder that can be written",
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}


def prepare(path: Path, setting: str) -> None:
    """Make sure that a setting's folder can be written, and make it if it is missing.

    Only the last part of the path is made: missing ones above it are most often a misspelling.

    Raises:
        ConfigError: it can't be used.
    """
    verify(path, setting)
    make(path, setting)


def verify(path: Path, setting: str) -> None:
    """Make sure that a setting's folder can be written, or made; nothing stays there.

    Raises:
        ConfigError: it can't be used.
    """
    try:
        try_out(path if path.exists() else path.absolute().parent)
    except OSError as error:
        raise unusable(path, setting, error) from error


def make(path: Path, setting: str) -> None:
    """Make a setting's folder if it is missing. Raises ConfigError."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(path, setting, error) from error


def try_out(folder: Path, size_bytes: int = TRIAL_BYTES) -> None:
    """Write a file without a name, which is gone at once. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as trial:
        trial.write(bytes(size_bytes))
        trial.flush()


def write_whole(path: Path, data: bytes, *, prefix: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all; several processes may do so at the same time.

    ``prefix``: how the unfinished file's name begins, beside ``path``.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=prefix, delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def unusable(path: Path, setting: str, error: OSError) -> ConfigError:
    """Return the error that says why a setting's folder, or a file in it, can't be used."""
    return ConfigError([f"{setting}: {path.absolute()} can't be used: {reason_of(error)}"])


def reason_of(error: OSError) -> str:
    """Return what is wrong with a folder and what to do, as the end of a sentence."""
    known = _REASONS.get(error.errno or 0)
    return known or f"{error.strerror or error}; name another folder"
