"""The replaced system's picture files, as far as they are still there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from altwright.captions.drafts.draft_writes import Stored
from altwright.captions.pictures.decoding import prepare
from altwright.captions.pictures.picture_fetch import PictureLimits, kept_copies
from altwright.captions.pictures.picture_files import PictureStore
from altwright.errors import ImageUnusable
from altwright.takeover.fields import Unusable


class OldFiles:
    """Reads files in one folder; what its database says of others isn't believed."""

    def __init__(self, folder: Path, pictures: PictureStore, limits: PictureLimits) -> None:
        self._folder = folder.resolve()
        self._pictures = pictures
        self._limits = limits

    def check(self, local_path: str) -> None:
        """Look whether a file is there. Raises Unusable."""
        self._found(local_path)

    def take(self, local_path: str) -> Stored:
        """Keep copies of a picture here. Raises Unusable: it isn't there, or is no picture."""
        path = self._found(local_path)
        try:
            if path.stat().st_size > self._limits.max_bytes:
                raise Unusable("its file is too large")
            prepared = prepare(path.read_bytes(), max_pixels=self._limits.max_pixels)
        except ImageUnusable as error:
            raise Unusable(f"its file can't be used: {error}") from error
        except OSError as error:
            raise Unusable("its file can't be read") from error
        return kept_copies(self._pictures, prepared)

    def _found(self, local_path: str) -> Path:
        for path in self._candidates(local_path):
            if path.is_relative_to(self._folder) and path.is_file():
                return path
        raise Unusable("its file isn't in the folder; it can be described again")

    def _candidates(self, local_path: str) -> Iterator[Path]:
        """Yield where a file may be: the folder may have moved since its path was written."""
        if local_path:
            yield (self._folder / local_path).resolve()
            yield (self._folder / Path(local_path).name).resolve()
