"""Where prepared pictures lie: files named after what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from altwright.errors import NotFound

_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


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
        suffix = suffix.removeprefix(".").lower()
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"no extension of a file: {suffix!r}")
        name = f"{hashlib.sha256(data).hexdigest()}.{suffix}"
        path = self._path(name)
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
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

    def delete(self, name: str) -> None:
        """Delete a file; one that isn't there is none to delete.

        Raises:
            NotFound: the name is none of ours.
        """
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound("There is no picture with this name.")
        return self._directory / name[:2] / name
