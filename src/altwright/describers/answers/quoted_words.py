"""Words that a text quotes, beside those that were read in its picture."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from typing import Final

from altwright.describers.answers.quotations import inside

#: Quoted words that aren't in the picture: how many, and which share of all, are more than a slip.
INVENTED: Final = 2
INVENTED_SHARE: Final = 0.25
#: Likeness from which on two words count as one that was misread.
_ALIKE: Final = 0.6
#: Letters of a word that is looked for among the picture's.
_LETTERS: Final = 3
_WORD: Final = re.compile(r"\w+(?:['\u2019.-]\w+)*")


def folded(text: str) -> str:
    """Return a text without what a reader doesn't hear: case, punctuation, forms of a sign."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2212", "-")
    return " ".join(_WORD.findall(plain))


def invented(words: str, text: str) -> list[str]:
    """Return the quoted words that aren't among the picture's, if they are more than a slip.

    What is a misreading of a word that is there isn't among them.
    """
    there = folded(words).split()
    run_together = "".join(there)
    quoted = folded(" ".join(inside(text))).split()
    found = [
        word
        for word in quoted
        if sum(map(str.isalpha, word)) >= _LETTERS
        and word not in run_together
        and not any(_alike(word, one) for one in there)
    ]
    is_more = len(found) >= INVENTED and len(found) >= INVENTED_SHARE * len(quoted)
    return found if is_more else []


def _alike(one: str, other: str) -> bool:
    # A ratio is at most twice the shorter length by the sum of both.
    if 2 * min(len(one), len(other)) < _ALIKE * (len(one) + len(other)):
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
