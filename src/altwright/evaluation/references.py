"""What a folder of pictures is to be described as: its file references.toml, or references.json."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from altwright.domain.counting import counted
from altwright.errors import InvalidInput
from altwright.findings import worded

#: The names that the file may have; one of them.
FILES: Final = ("references.toml", "references.json")
#: Endings of files that are taken for pictures; those without an entry are left out, and named.
ENDINGS: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
#: Faults of a file that are told at once.
TOLD_MOST: Final = 20
#: What a new file is begun with.
EXAMPLE: Final = """\
[[pictures]]
file = "visitors.png"
kind = "bar chart"
reference = "Bar chart of visitors by month: 210 in January, 460 in June."
names = ["bar chart|bars", "visitors"]"""

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Reference(BaseModel):
    """One picture, and what a description of it has to say.

    Of ``names``, ``words`` and ``values`` at least one is there: without them nothing tells a good
    text from a poor one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: Its name in the folder.
    file: _Words
    #: What the table counts it under ("bar chart", "photo").
    kind: _Words
    #: The alt text that a person would write.
    reference: _Words
    #: What has to be said; "cat|kitten" is found by either.
    names: list[_Words] = Field(default_factory=list)
    #: What is written in the picture and has to be said ("": nothing is); None: it isn't stated.
    words: str | None = None
    #: More that is written in it and needn't be said.
    more_words: str | None = None
    #: What a chart's labels stand at.
    values: dict[str, float] = Field(default_factory=dict)
    #: How many of something there are: needn't be said, but not said wrongly either.
    counts: dict[str, float] = Field(default_factory=dict)
    #: What would be false to say, outside of quotations.
    misleading: list[_Words] = Field(default_factory=list)
    source: str = ""
    licence: str = ""

    @property
    def all_words(self) -> str | None:
        """Return all that is written in the picture; None: it isn't known."""
        if self.words is None and self.more_words is None:
            return None
        return f"{self.words or ''} {self.more_words or ''}"

    @property
    def has_measure(self) -> bool:
        """Return whether something tells a good text from a poor one."""
        return bool(self.names or self.words or self.values)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    pictures: list[Reference] = Field(min_length=1)


def read(folder: Path) -> list[Reference]:
    """Return the folder's references, in the order of the file.

    Raises:
        InvalidInput: there is no file, or something in it is wrong; all of that is told at once.
    """
    path = _file(folder)
    try:
        said = path.read_text("utf-8")
        content = tomllib.loads(said) if path.suffix == ".toml" else json.loads(said)
    except ValueError as error:  # of both readers, and of what isn't UTF-8
        kind = path.suffix.removeprefix(".").upper()
        raise InvalidInput(f"{path}: isn't {kind} in UTF-8: {error}") from error
    try:
        references = _File.model_validate(content).pictures
    except ValidationError as error:
        faults = {_place(one["loc"], content): worded(one) for one in error.errors()}
        raise _wrong(path, faults) from error
    if faults := _faults(folder, references):
        raise _wrong(path, faults)
    return references


def left_out(folder: Path, references: list[Reference]) -> list[str]:
    """Return the names of pictures in the folder that have no entry."""
    named = {one.file for one in references}
    found = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    return sorted(path.name for path in found if path.name not in named)


def _file(folder: Path) -> Path:
    there = [folder / name for name in FILES if (folder / name).is_file()]
    if len(there) == 1:
        return there[0]
    if there:
        raise InvalidInput(f"{folder} has {' and '.join(FILES)}; keep one of them.")
    raise InvalidInput(
        f"{folder} has no {FILES[0]}. It says what the pictures beside it show, for example:\n\n"
        f"{EXAMPLE}\n"
    )


def _faults(folder: Path, references: list[Reference]) -> dict[str, str]:
    """Return what is wrong with entries that are well formed, by their file."""
    faults = {}
    times = Counter(one.file for one in references)
    for one in references:
        if times[one.file] > 1:
            faults[one.file] = "has several entries; keep one"
        elif not (folder / one.file).resolve().is_relative_to(folder.resolve()):
            faults[one.file] = "lies outside of the folder; copy it there"
        elif not (folder / one.file).is_file():
            faults[one.file] = "isn't in the folder; correct its name, or leave the entry out"
        elif not one.has_measure:
            faults[one.file] = "has nothing to judge by; add names, words or values"
    return faults


def _place(where: tuple[int | str, ...], content: Any) -> str:
    """Return an entry's place in words: "pictures[2] (cat.png) names"."""
    words = ""
    for part in where:
        words += f"[{part + 1}]" if isinstance(part, int) else f" {part}"
        if isinstance(part, int) and words == f" pictures[{part + 1}]":
            match content["pictures"][part]:
                case {"file": str(name)}:
                    words += f" ({name})"
    return words.strip()


def _wrong(path: Path, faults: dict[str, str]) -> InvalidInput:
    told = dict(list(faults.items())[:TOLD_MOST])
    more = f", of which the first {TOLD_MOST} are told" if len(faults) > TOLD_MOST else ""
    return InvalidInput(f"{path} has {counted(len(faults), 'fault')}{more}.", told)
