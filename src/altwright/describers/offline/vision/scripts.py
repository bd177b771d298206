"""The scripts that Tesseract reads for us, and what is known of a language by its letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import regex


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its name in English, its letters, and the weights that read it."""

    name: str
    letter: regex.Pattern[str]
    #: Names of files in weights/tessdata; the one that is surest of a line has read it.
    models: tuple[str, ...]
    #: Weights of one language, and letters that no other's know: one of them in a sure word, and
    #: the picture is in that language. Else ``models`` read it.
    marked: Mapping[str, regex.Pattern[str]] = field(default_factory=dict)
    is_rtl: bool = False


def _letter(name: str) -> regex.Pattern[str]:
    return regex.compile(rf"[\p{{{name}}}&&\p{{L}}]", regex.V1)


#: In the order in which they are tried: the commonest on the Fediverse first. Russian and Bulgarian
#: are read by the weights of Kyrgyz, whose letters include theirs: no error in 8 sentences in 9
#: typefaces (the package of the Russian ones couldn't be had). Those of Arabic are 88 % sure of
#: Persian, whose letters they lack.
SCRIPTS: Final = (
    Script("Cyrillic", _letter("Cyrillic"), ("kir", "ukr", "srp")),
    Script(
        "Arabic",
        _letter("Arabic"),
        ("ara",),
        {"urd": regex.compile("[ٹڈڑےں]"), "fas": regex.compile("[پچژگ]")},
        is_rtl=True,
    ),
    Script("Korean", _letter("Hangul"), ("kor",)),
    Script("Greek", _letter("Greek"), ("ell",)),
    Script("Hebrew", _letter("Hebrew"), ("heb",), is_rtl=True),
    Script("Devanagari", _letter("Devanagari"), ("hin",)),
    Script("Thai", _letter("Thai"), ("tha",)),
)
_BY_NAME: Final = MappingProxyType({script.name: script for script in SCRIPTS})

#: Scripts of one language each. Yiddish and Ladino are rare, and told by no letter.
_ONE_LANGUAGE: Final = MappingProxyType(
    {"Korean": "ko", "Greek": "el", "Hebrew": "he", "Thai": "th"}
)
#: By script: a language, what only it has of the languages here, and what it never has. The first
#: that holds counts; of a text of which none does, the script alone is told.
_SIGNS: Final = MappingProxyType(
    {
        "Cyrillic": (
            ("uk", "[іїєґ]", "[ыэъёўј]"),
            ("ru", "[ыэ]|тся$", "[іїєґўјқғңөүұһәҗӊ]"),
            ("sr", "[ђћљњ]", "[ыэъщйѓќ]"),
            ("bg", "ъ", "[ыэёіїєўјқғңөүұһә]"),
        ),
        "Arabic": (
            ("ur", "[ٹڈڑےں]", "[ڵێۆڕ]"),
            ("fa", "[پچژگ]", "[ٹڈڑےںڵێۆڕةې]"),
            ("ar", r"ة|\b\u0627ل|ى\b", "[پچژگٹڈڑےںڵێۆڕې]"),
        ),
        "Devanagari": (
            ("hi", r"^(है|हैं|में|के|की|को)\b", r"\b(आहे|आहेत|छ|छन्)\b|ळ"),
            ("mr", r"^(आहे|आहेत|आणि)\b|ळ", r"\b(है|हैं)\b"),
        ),
    }
)
#: Share of a text's words that have a sign: one of a page may be misread.
_LEAST_SIGNS: Final = 0.06
#: Letters below which nothing is said of the language: few words have no sign of theirs.
_LEAST_LETTERS: Final = 12


def language_of(script: str, text: str) -> str:
    """Return the language (ISO 639) that a text is surely in; "" where it may be another."""
    if len(_BY_NAME[script].letter.findall(text)) < _LEAST_LETTERS:
        return ""
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script]
    words = text.lower().split()
    for language, has, lacks in _SIGNS[script]:
        signs = sum(regex.search(has, word) is not None for word in words)
        if signs >= _LEAST_SIGNS * len(words) and not regex.search(lacks, text.lower()):
            return language
    return ""


def is_right_to_left(script: str) -> bool:
    """Return whether lines in a script begin at the right; "" is any script that doesn't."""
    return script in _BY_NAME and _BY_NAME[script].is_rtl


def with_names_first(words: Sequence[str]) -> list[str]:
    """Return a right-to-left line's words with a Latin name before its number.

    Between Hebrew words, “Firefox 128” and “128 Firefox” look the same; the recogniser hands back
    the latter.
    """
    found: list[str] = []
    for word in words:
        if found and regex.fullmatch(r"[\d.,:]+", found[-1]) and regex.search(r"\p{Latin}", word):
            found.insert(-1, word)
        else:
            found.append(word)
    return found
