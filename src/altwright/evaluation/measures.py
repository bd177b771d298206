"""What can be measured on a text beside its reference: names, words read, values, false words.

Each is a rule; docs/explanation/describing-quality.md says what it sees and what it doesn't.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from altwright.describers.answers.quotations import inside, masked
from altwright.describers.answers.quoted_words import folded

#: Of the largest value: how far off a value is still right, and from where on it misleads. Values
#: are read off an axis, to about a step of it.
RIGHT, WRONG = 0.05, 0.15
#: Share of the allowed length from which on a text may have been cut.
_FULL: Final = 0.9
#: Characters that are compared: their square is computed.
_COMPARED: Final = 2_000

_NUMBER: Final = re.compile(r"[-\u2212]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-\u2212]?\d+(?:\.\d+)?")
#: Numbers that are written out.
_IN_WORDS: Final = {
    word: number
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 2
    )
}
#: Ends of the parts in which a label and its value stand together; no decimal point or comma.
_PART: Final = re.compile(r"[;,](?!\d)|\.(?!\d)|\n|\band\b")


def says(name: str, text: str) -> bool:
    """Return whether a text says a name, as whole words; "cat|kitten": either."""
    heard = f" {folded(text)} "
    return any(f" {folded(one)} " in heard for one in name.split("|"))


def said_falsely(phrases: Iterable[str], text: str) -> list[str]:
    """Return the phrases that a text says outside of its quotations, which are the picture's."""
    own = masked(text)
    return [phrase for phrase in phrases if says(phrase, own)]


def text_error(words: str, text: str, max_length: int) -> float:
    """Return the share of the picture's characters that a text gets wrong, 0 to 1.

    It is the edit distance by the length of the picture's words, at most 1; compared is what the
    text quotes, or all of it if it quotes nothing. A text that is about as long as it may be is
    compared with as much of the words as it holds.
    """
    read = folded(" ".join(inside(text)) or text)[:_COMPARED]
    wanted = folded(words)[:_COMPARED]
    if len(text) >= _FULL * max_length:
        wanted = wanted[: len(read)]
    return min(1.0, _distance(wanted, read) / max(1, len(wanted)))


@dataclass(frozen=True, slots=True)
class Values:
    """How many of a chart's values a text gives, and which of them are wrong ("Mar 410")."""

    right: int
    wanted: int
    wrong: list[str]

    @property
    def share(self) -> float:
        """Return the share that is right."""
        return self.right / self.wanted


def values_said(values: Mapping[str, float], text: str) -> Values:
    """Compare the numbers beside a chart's labels with its values."""
    scale = max(map(abs, values.values())) or 1.0
    right, wrong = 0, []
    for label, value in values.items():
        nearest = _nearest(label, value, values, text)
        off = None if nearest is None else abs(nearest - value) / scale
        if off is not None and off <= RIGHT:
            right += 1
        elif off is not None and off > WRONG:
            wrong.append(f"{label} {nearest:g}")
    return Values(right, len(values), wrong)


def counted_wrongly(counts: Mapping[str, float], text: str) -> list[str]:
    """Return the counts that a text says and that are wrong ("people 3")."""
    wrong = []
    for label, count in counts.items():
        nearest = _nearest(label, count, counts, masked(text))
        if nearest is not None and abs(nearest - count) > WRONG * abs(count):
            wrong.append(f"{label} {nearest:g}")
    return wrong


def _nearest(label: str, value: float, labels: Iterable[str], text: str) -> float | None:
    """Return the number that stands with a label; of several the one nearest to its value."""
    plain = unicodedata.normalize("NFKC", text)
    found = [
        number
        for part in _PART.split(plain)
        if says(label, part)
        for number in _numbers(part, labels)
    ]
    return min(found, key=lambda number: abs(number - value), default=None)


def _numbers(part: str, labels: Iterable[str]) -> list[float]:
    """Return the numbers of a part, without those that belong to labels ("2021", "Q1")."""
    for label in sorted(labels, key=len, reverse=True):
        part = re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", " ", part, flags=re.IGNORECASE)
    words = [float(_IN_WORDS[word]) for word in folded(part).split() if word in _IN_WORDS]
    return words + [
        float(found.replace(",", "").replace("\u2212", "-")) for found in _NUMBER.findall(part)
    ]


def _distance(wanted: str, read: str) -> int:
    """Return the least number of characters to insert, delete or replace (Levenshtein)."""
    signs = np.array([ord(sign) for sign in read], np.int64)
    places = np.arange(len(read) + 1)
    row = places.copy()
    for number, sign in enumerate(wanted, 1):
        best = np.empty_like(row)
        best[0] = number
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (signs != ord(sign)))
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])
