"""How models refuse, in each language that the prompts offer: languages.toml has the patterns.

Sentences are looked at without their quotations.
"""

from __future__ import annotations

from functools import cache

import regex

from altwright.describers.answers import sentences
from altwright.describers.answers.languages import APOLOGIES, LANGUAGES
from altwright.describers.answers.quotations import own_words
from altwright.errors import CaptionUnusable

#: Vowel points of Arabic and Hebrew and joiners, which people write or not.
_POINTS = regex.compile(r"[\u064b-\u0652\u0591-\u05c7\u200b-\u200f]")
#: Letters from which what stands before a refusal counts as a description; ideographs as three.
_LEAST_BEFORE = 9
#: Characters that are looked at: no draft is longer.
_LOOKED_AT = 4_000


# Compiled when a first answer comes: it takes a tenth of a second, and most processes meet none.
@cache
def _refusal(*languages: str) -> regex.Pattern[str]:
    """Return how models refuse in these languages; none: in all."""
    known = [LANGUAGES[code] for code in languages or LANGUAGES if LANGUAGES[code].refusals]
    refusals = (pattern for one in known for pattern in one.refusals)
    # Both in one sentence, in any order.
    models = (f"^(?=.*(?:{one.first_person})).*?(?:{one.as_a_model})" for one in known)
    return regex.compile("|".join((*refusals, *models)), regex.IGNORECASE)


@cache
def _apology() -> regex.Pattern[str]:
    return regex.compile(rf"^\W*(?:{'|'.join(APOLOGIES)})", regex.IGNORECASE)


def without_refusal(text: str) -> str:
    """Return what stands before a refusal, or the text if there is none.

    Raises:
        CaptionUnusable: the whole text is one; an apology before it is no description.
    """
    words = own_words(text[:_LOOKED_AT])
    kept_until = 0
    for start, end in sentences.split(words):
        sentence = words[start:end]
        if _refusal().search(_plain(sentence)):
            if _weight(words[:kept_until]) < _LEAST_BEFORE:
                raise CaptionUnusable("The model refused to describe the picture.")
            return text[:kept_until].strip()
        if kept_until or not _apology().search(_plain(sentence)):
            kept_until = end
    return text


def is_refusal(sentence: str, language: str) -> bool:
    """Return whether a sentence without quotations says that a model won't or can't.

    It is looked at in a language (ISO 639) and in English, which models fall back to.
    """
    languages = sorted({"en", language if language in LANGUAGES else "en"})
    return _refusal(*languages).search(_plain(sentence)) is not None


def _plain(sentence: str) -> str:
    return _POINTS.sub("", sentence.replace("\u2019", "'")).strip()


def _weight(text: str) -> int:
    return sum(3 if sign >= "\u2e80" else 1 for sign in text if sign.isalpha())
