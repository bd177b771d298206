"""Whether a text is in the language that it was asked for in, by its script and commonest words.

Only what is plain is told: a text of some words, none of them usual in that language and several in
another. Neighbours that share their words (Danish and Norwegian, Galician and Portuguese) aren't
told apart. A statistical model does better on single sentences, but costs each process 56 MB
(py3langid 0.4.0, measured) for one warning.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from altwright.describers.answers.languages import LANGUAGES, primary_language

_WORDS = {code: one.common_words for code, one in LANGUAGES.items() if one.common_words}
_WORDS["no"] = _WORDS["nb"]
#: Letters that the other language of the same script doesn't have.
_FOREIGN_LETTERS = {
    "uk": ("ыэъё", "іїєґ"),
    "ru": ("іїєґ", "ыэъё"),
    "ar": ("پچژگ", "ةىؤ"),
    "fa": ("ةى", "پچژگ"),
}
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
#: Letters from which a script is told (ideographs count as three), and its share.
_LEAST_LETTERS, _SHARE = 12, 0.75
#: Usual words of another language from which a text counts as one of it, and how many times as
#: many they are as those of the language asked for.
_LEAST_WORDS, _TIMES = 3, 3
#: Ideographs from which a text without kana is no Japanese one: names and signs have fewer.
_LEAST_WITHOUT_KANA = 10
_LOOKED_AT = 2_000


def is_other_than(language: str, text: str) -> bool:
    """Return whether a text is plainly not in a language (BCP 47); unknown languages never are."""
    primary = primary_language(language)
    known = LANGUAGES.get(primary)
    if known is None:
        return False
    text = unicodedata.normalize("NFC", text[:_LOOKED_AT])
    scripts = _scripts(text)
    total = scripts.total()
    if total < _LEAST_LETTERS:
        return False
    if total - sum(scripts[script] for script in known.scripts) >= _SHARE * total:
        # Kana make even a text of mostly Chinese characters Japanese.
        return not (primary == "ja" and _has_kana(scripts))
    if primary in {"ja", "zh"}:
        has_kana = _has_kana(scripts)
        is_long = scripts["CJK"] >= 3 * _LEAST_WITHOUT_KANA
        return has_kana if primary == "zh" else not has_kana and is_long
    if primary in _FOREIGN_LETTERS:
        foreign, own = (sum(map(text.lower().count, some)) for some in _FOREIGN_LETTERS[primary])
        return foreign > 1 and not own
    return primary in _WORDS and _has_words_of_another(primary, text)


def _has_words_of_another(language: str, text: str) -> bool:
    words = Counter(_WORD.findall(text.casefold()))
    usual = {
        name: sum(times for word, times in words.items() if word in common)
        for name, common in _WORDS.items()
    }
    most = max(usual.values())
    return most >= _LEAST_WORDS and most > _TIMES * usual[language]


def _scripts(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for sign, times in Counter(sign for sign in text if sign.isalpha()).items():
        script = _script(sign)
        found[script] += times * (3 if script in {"CJK", "HIRAGANA", "KATAKANA"} else 1)
    return found


@lru_cache(4_096)
def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]


def _has_kana(scripts: Counter[str]) -> bool:
    return bool(scripts["HIRAGANA"] + scripts["KATAKANA"])
