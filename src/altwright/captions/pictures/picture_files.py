"""Where prepared pictures lie: files named after what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from altwright import folders
from altwright.errors import NotFound

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
#: Stand before the name of a file that is about to be deleted, and of one that is being written.
ASIDE, UNFINISHED = ".old-", "tmp"
#: Media types of kept files by their extensions.
_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class PictureStore:
    """Keeps files in a folder; thread-safe and safe between processes.

    The same bytes have the same name, so putting them twice is harmless and a name never changes
    what it stands for. Files lie in 256 folders by the first two digits.
    """

    def __init__(self, directory: Path) -> None:
        """Use ``directory``, which is made when the first file comes."""
        self._directory = directory

    def put(self, data: bytes, suffix: str) -> str:
        """Keep ``data`` and return its name; ``suffix`` is an extension such as "jpg".

        The file is there whole or not at all, whatever happens meanwhile.
        """
        name = name_of(data, suffix)
        path = self._path(name)
        try:
            os.utime(path)  # it is wanted again, so it isn't old
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.write_whole(path, data, prefix=UNFINISHED)
        return name

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            NotFound: there is no such file, or the name is none of ours.
        """
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("The picture's file isn't kept any more.") from error

    def older_than(self, age_s: float) -> Iterator[str]:
        """Yield the names of files that were put last so many seconds ago, in no order."""
        before = time.time() - age_s
        for entry in self._directory.glob("*/*"):
            if _NAME.fullmatch(entry.name) and _put_at(entry) < before:
                yield entry.name

    def delete_older(self, name: str, age_s: float) -> bool:
        """Delete a file unless it was put again meanwhile; return whether it went.

        It is moved aside before its age is looked at: a ``put`` before that made it young, and
        one after it finds no file and writes a new one.
        """
        path = self._path(name)
        aside = path.with_name(f"{ASIDE}{name}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if _put_at(aside) > time.time() - age_s:
            aside.replace(path)
            return False
        aside.unlink(missing_ok=True)
        return True

    def tidy(self, age_s: float) -> int:
        """Undo what processes that died left so many seconds ago; return how many files went.

        A file set aside gets its name back, since nobody has looked yet whether it is wanted.
        """
        before = time.time() - age_s
        removed = 0
        for entry in self._directory.glob("*/*"):
            name = entry.name.removeprefix(ASIDE)
            is_aside = name != entry.name and _NAME.fullmatch(name)
            if not (is_aside or entry.name.startswith(UNFINISHED)):
                continue
            if _put_at(entry, or_renamed=True) >= before:
                continue  # somebody may be at it
            if is_aside and not entry.with_name(name).exists():
                entry.rename(entry.with_name(name))
            else:
                entry.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound("There is no picture with this name.")
        return self._directory / name[:2] / name


def _put_at(path: Path, *, or_renamed: bool = False) -> float:
    """Return when a file was put last, or renamed if that came later; infinity: it has gone."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return float("inf")
    return stat.st_ctime if or_renamed else stat.st_mtime


def name_of(data: bytes, suffix: str) -> str:
    """Return what a file with these bytes is called."""
    return f"{hashlib.sha256(data).hexdigest()}.{suffix}"


def digest_of(name: str) -> str:
    """Return the digest of a file's bytes, which its name begins with."""
    return name.partition(".")[0]


def media_type_of(name: str) -> str:
    """Return the media type that a kept file's extension stands for."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2], "image/jpeg")


def suffix_of(media_type: str) -> str:
    """Return the extension of a kept file; KeyError: none is kept in this media type."""
    return {kind: suffix for suffix, kind in _MEDIA_TYPES.items()}[media_type]
