"""What models say in each language: the patterns of languages.toml, which explains them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Patterns:
    """One language's regular expressions; empty where nothing is known."""

    refusals: tuple[str, ...] = ()
    as_a_model: str = ""
    first_person: str = ""
    empty_opening: str = ""


_FILE: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("languages.toml").read_text("utf-8")
)


def _whole(pattern: str) -> str:
    """Put a pattern together from its lines and the parts that it names."""
    joined = "".join(line.strip() for line in pattern.split("\n")) if "\n" in pattern else pattern
    return re.sub("<([A-Z]+)>", lambda part: _whole(_FILE["parts"][part[1]]), joined)


def _patterns(found: dict[str, Any]) -> Patterns:
    refusals = tuple(map(_whole, found.pop("refusals", ())))
    return Patterns(refusals, **{name: _whole(pattern) for name, pattern in found.items()})


#: By language (ISO 639).
PATTERNS: Final = MappingProxyType(
    {language: _patterns(found) for language, found in _FILE["languages"].items()}
)
#: What a refusal often begins with, in all languages.
APOLOGIES: Final = tuple(map(_whole, _FILE["apologies"]))
#: What says in English only that there is a picture.
SHOWS: Final = _whole(_FILE["parts"]["SHOWS"])
