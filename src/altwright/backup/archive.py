"""What is in a backup: a tar of pictures, then rows of tables, then what both have to add up to."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Self

from altwright.backup.rows import Sum, Values
from altwright.backup.sealed_file import DAMAGED, SealedReader, SealedWriter
from altwright.crypto import Box
from altwright.errors import InvalidInput

_MANIFEST, _END, _PICTURES, _TABLES = "manifest.json", "end.json", "pictures/", "tables/"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``rows`` and ``pictures`` are about how many will come."""

    version: str
    #: The newest migration of the tables.
    migration: str
    #: ISO 8601, by the database's clock.
    made_at: str
    rows: int
    pictures: int


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture's copy."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table."""

    table: str
    columns: tuple[str, ...]
    rows: list[Values]


@dataclass
class Totals:
    """What has gone into a backup, or come out of it."""

    tables: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    pictures: int = 0
    #: Pictures that rows name and whose files weren't there.
    missing_pictures: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows of all tables."""
        return sum(one.rows for one in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        """Return the shape that stands in a backup."""
        tables = {name: one.to_json() for name, one in sorted(self.tables.items()) if one.rows}
        return {
            "tables": tables,
            "pictures": self.pictures,
            "missing_pictures": self.missing_pictures,
        }


class ArchiveWriter:
    """Writes a backup: pictures first, since the clean-up of old ones goes on meanwhile."""

    def __init__(self, file: IO[bytes], box: Box, manifest: Manifest) -> None:
        self.totals = Totals()
        self._sealed = SealedWriter(file, box)
        self._tar = tarfile.open(fileobj=self._sealed, mode="w|")  # noqa: SIM115 - see __exit__
        self._parts = 0
        self._add(_MANIFEST, json.dumps(asdict(manifest)).encode())

    def add_picture(self, picture: PictureFile) -> None:
        """Add a picture."""
        self._add(f"{_PICTURES}{picture.name}", picture.data)
        self.totals.pictures += 1

    def add_rows(self, table: str, columns: Sequence[str], rows: list[Values]) -> None:
        """Add rows of a table, all parts of which have the same columns."""
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in [list(columns), *rows])
        self._parts += 1
        packed = gzip.compress(lines.encode(), compresslevel=6, mtime=0)
        self._add(f"{_TABLES}{table}/{self._parts}.jsonl.gz", packed)
        self.totals.tables[table].add(rows)

    def __enter__(self) -> Self:
        """Write into it."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Write the totals, without which it is no whole backup; nothing more after an error."""
        if kind is not None:
            self._sealed.is_abandoned = True  # a tar writes what it still has when it is closed
            self._tar.close()
            return
        self._add(_END, json.dumps(self.totals.to_json()).encode())
        self._tar.close()
        self._sealed.finish()

    def _add(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o600
        self._tar.addfile(entry, io.BytesIO(data))


class ArchiveReader:
    """Reads a backup from its beginning to its end."""

    def __init__(self, file: IO[bytes], box: Box) -> None:
        """Begin to read.

        Raises:
            ConfigError: it was encrypted with another key.
            InvalidInput: it is no backup, or damaged.
        """
        self._sealed = SealedReader(file, box)
        # One that an attacker has made can't be opened; yet nothing is extracted by its name.
        self._tar = tarfile.open(fileobj=self._sealed, mode="r|")  # noqa: SIM115 - it holds nothing
        name, data = self._next()
        if name != _MANIFEST:
            raise InvalidInput(DAMAGED)
        self.manifest = Manifest(**json.loads(data))
        self.totals = Totals()

    def contents(self) -> Iterator[PictureFile | Rows]:
        """Yield all that is in it, pictures first.

        Raises:
            InvalidInput: at the end at last, if anything is missing, damaged or too much.
        """
        name, data = self._next()
        while name != _END:
            if name.startswith(_PICTURES):
                yield self._picture(name.removeprefix(_PICTURES), data)
            else:
                yield self._rows(name.removeprefix(_TABLES).partition("/")[0], data)
            name, data = self._next()
        said = json.loads(data)
        self.totals.missing_pictures = said["missing_pictures"]
        self._sealed.read()  # the last chunk says that it is the last one
        if said != self.totals.to_json():
            raise InvalidInput(DAMAGED)

    def _picture(self, name: str, data: bytes) -> PictureFile:
        if hashlib.sha256(data).hexdigest() != name.partition(".")[0]:
            raise InvalidInput(DAMAGED)
        self.totals.pictures += 1
        return PictureFile(name, data)

    def _rows(self, table: str, data: bytes) -> Rows:
        columns, *rows = map(json.loads, gzip.decompress(data).decode().split("\n"))
        self.totals.tables[table].add(rows)
        return Rows(table, tuple(columns), rows)

    def _next(self) -> tuple[str, bytes]:
        entry = self._tar.next()
        file = self._tar.extractfile(entry) if entry else None
        if entry is None or file is None:
            raise InvalidInput(DAMAGED)
        # A stream keeps each entry that it has passed, else.
        self._tar.members.clear()  # type: ignore[attr-defined] # since Python 2.3
        return entry.name, file.read()
