"""Vision models that can be fetched: what one is, and those that Altwright knows by name."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from altwright.errors import InvalidInput

#: What a model may be called here: it names a folder.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: MB that a model takes beside its files, where nobody has estimated it: context and buffers.
BESIDE_MB: Final = 1500
#: What llama.cpp's files begin with.
MAGIC: Final = b"GGUF"
MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file as its publisher states it; ``sha256`` in hexadecimal, lower case."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """A language model with the projector that lets it see.

    ``repository`` and ``revision`` say where on the hub ("": it came from files); ``memory_mb`` is
    what it is expected to take while it describes.
    """

    name: str
    title: str
    repository: str
    revision: str
    licence: str
    languages: str
    memory_mb: int
    words: str
    weights: ModelFile
    projector: ModelFile

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """Return both, the one that is known sooner to fit first."""
        return self.projector, self.weights

    @property
    def size_bytes(self) -> int:
        """Return the bytes of both files."""
        return sum(file.size_bytes for file in self.files)

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Model:
        """Return what ``dataclasses.asdict`` made, or a table of the catalogue.

        Raises:
            KeyError, TypeError, ValueError: it is neither.
        """
        files = {part: ModelFile(**kept[part]) for part in ("weights", "projector")}
        if not NAME.fullmatch(kept["name"]):
            raise ValueError(kept["name"])
        return cls(**{**kept, **files})


def _read() -> dict[str, Model]:
    tables = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text())["model"]
    return {table["name"]: Model.of_json(table) for table in tables}


#: By name, from small to large.
CATALOGUE: Final = MappingProxyType(_read())


def name_for(title: str) -> str:
    """Return what a model with this title, or from a file called so, may be called here."""
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("._-")[:64]
    return name or "model"


def named(name: str) -> Model:
    """Return the catalogue's model of this name. Raises InvalidInput."""
    if name not in CATALOGUE:
        raise InvalidInput(
            f"There is no model {name!r} in the catalogue; there is: {', '.join(CATALOGUE)}. "
            "Another one of the hub is named as OWNER/REPOSITORY."
        )
    return CATALOGUE[name]
