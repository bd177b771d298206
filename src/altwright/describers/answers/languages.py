"""The languages that we know, and what models say in each: languages.toml, which explains them.

Openings that say only that there is a picture are looked for here; refusals: refusals.py.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from altwright.describers.answers.wrappings import LABEL


@dataclass(frozen=True, slots=True)
class Language:
    """One language's words and regular expressions; empty where nothing is known."""

    name: str
    scripts: frozenset[str] = frozenset({"LATIN"})
    common_words: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    refusals: tuple[str, ...] = ()
    as_a_model: str = ""
    first_person: str = ""
    empty_opening: str = ""
    guesses: str = ""


_FILE: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("languages.toml").read_text("utf-8")
)


def _whole(pattern: str) -> str:
    """Put a pattern together from its lines and the parts that it names."""
    joined = "".join(line.strip() for line in pattern.split("\n")) if "\n" in pattern else pattern
    return re.sub("<([A-Z]+)>", lambda part: _whole(_FILE["parts"][part[1]]), joined)


def _language(found: dict[str, Any]) -> Language:
    refusals = tuple(map(_whole, found.pop("refusals", ())))
    lists = {"scripts", "common_words", "unfinished"} & found.keys()
    words: dict[str, Any] = {name: frozenset(found.pop(name).split()) for name in lists}
    patterns: dict[str, Any] = {name: _whole(pattern) for name, pattern in found.items()}
    return Language(refusals=refusals, **words, **patterns)


#: By code (ISO 639).
LANGUAGES: Final = MappingProxyType(
    {code: _language(found) for code, found in _FILE["languages"].items()}
)
#: What a refusal often begins with, in all languages.
APOLOGIES: Final = tuple(map(_whole, _FILE["apologies"]))
_SHOWS: Final = _whole(_FILE["parts"]["SHOWS"])
#: What says in English only that there is a picture, as every screen reader says itself. It is
#: taken off a model's answer, for it can't be meant. "A picture of the Pope" may hang on a wall,
#: and a verb that follows a name is told by no pattern.
PICTURE_SHOWS: Final = re.compile(rf"^(?:{_SHOWS})\s(?=\w)", re.IGNORECASE)


def empty_opening(text: str, language: str) -> str:
    """Return the text's opening that says nothing; "" if it has none. ``language`` is ISO 639.

    A label ("Alt text:") is one as well.
    """
    if label := LABEL.match(text):
        return label[0].strip()
    # English is looked for in every language: models fall back to it.
    for known in (language, "en"):
        pattern = _pattern(known)
        found = pattern.match(text) if pattern else None
        if found:
            return found[0].strip()
    return ""


@cache
def _pattern(language: str) -> re.Pattern[str] | None:
    known = LANGUAGES.get(language)
    if known is None or not known.empty_opening:
        return None
    # No word boundary after a comma, nor after scripts without spaces.
    end = r"(?:\b|(?<=,)|(?<=[^\x00-\u2fff]))"
    return re.compile(rf"\s*(?:{known.empty_opening}){end}", re.IGNORECASE)


def guess(text: str, language: str) -> str:
    """Return the first guess about people in a text; "" if it has none. ``language`` is ISO 639."""
    pattern = _guesses(language)
    found = pattern.search(text) if pattern else None
    return found[0].strip() if found else ""


@cache
def _guesses(language: str) -> re.Pattern[str] | None:
    known = LANGUAGES.get(language)
    return re.compile(known.guesses, re.IGNORECASE) if known and known.guesses else None


def primary_language(code: str) -> str:
    """Return the language of a BCP 47 code in lower case, without script, region or variant."""
    return code.partition("-")[0].lower()


def language_name(code: str) -> str:
    """Return a language's English name for its BCP 47 code, or the code where we know none."""
    primary = primary_language(code)
    known = LANGUAGES.get(primary)
    if known is None:
        return f"the language with the BCP 47 code {primary}" if primary.isalnum() else "English"
    is_tag = primary != code.lower() and code.replace("-", "").isalnum()
    return f"{known.name} ({code})" if is_tag else known.name
