"""English for alt texts: articles, plurals, lists, numbers, quotations."""

from __future__ import annotations

import re
from typing import Final

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip
_IRREGULAR: Final = {
    "person": "people",
    "sheep": "sheep",
    "fish": "fish",
    "mouse": "mice",
    "bison": "bison",
    "buffalo": "buffalo",
}
#: Spelt with a vowel but spoken with a consonant, and the reverse.
_SOUNDS_CONSONANT: Final = re.compile(r"(?i)(uni(?!n)|use|euro|one|ukulele)")
_SOUNDS_VOWEL: Final = re.compile(r"(?i)(hour|honest|heir)")


def article(noun: str) -> str:
    """Return the noun with "a" or "an"; a noun that has an article or number keeps it."""
    if re.match(r"(a|an|the|some|one|two|what)\b", noun):
        return noun
    vowel = noun[:1].lower() in "aeiou"
    if (vowel and not _SOUNDS_CONSONANT.match(noun)) or _SOUNDS_VOWEL.match(noun):
        return f"an {noun}"
    return f"a {noun}"


def plural(noun: str) -> str:
    """Return the plural; "cup of coffee" becomes "cups of coffee"."""
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = f"{last[:-1]}ies"
    elif last.endswith("f"):
        last = f"{last[:-1]}ves"
    else:
        last += "s"
    return " ".join([*before, last]) + of + rest


def number(count: int) -> str:
    """Return the count in words up to ten, in digits above."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return "a cat", "two cats", "12 cats"."""
    return article(noun) if count == 1 else f"{number(count)} {plural(noun)}"


def at_least(count: int, noun: str) -> str:
    """Return "at least one cat", "at least two cats"."""
    return f"at least {number(count)} {noun if count == 1 else plural(noun)}"


def amount(value: float) -> str:
    """Return a measured value with three significant digits at most, and no exponent."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    shown = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.6f}".rstrip("0")
    return shown.replace("-", "\N{MINUS SIGN}")


def sentence(text: str) -> str:
    """Return the text with a capital at the start and a full stop at the end."""
    text = text.strip()
    closed = text.rstrip("”\N{RIGHT SINGLE QUOTATION MARK})").endswith((".", "!", "?", "…"))
    return text[:1].upper() + text[1:] + ("" if closed else ".")


def quoted(text: str) -> str:
    """Return the text in curly quotation marks, its own turned into single ones."""
    inner = re.sub(r"[“”\"„]", "'", " ".join(text.split()))
    return f"“{inner}”"
