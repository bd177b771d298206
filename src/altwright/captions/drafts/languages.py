"""Whether a text is in the language that it was asked for in, by its script and commonest words.

Only what is plain is told: a text of some words, none of them usual in that language and several in
another. Neighbours that share their words (Danish and Norwegian, Galician and Portuguese) aren't
told apart. A statistical model does better on single sentences, but costs each process 56 MB
(py3langid 0.4.0, measured) for one warning.
"""

# ruff: noqa: E501, RUF001 - a line for each language, in its own letters

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from types import MappingProxyType

from altwright.describers.model_servers.prompts import primary_language

#: Words that hardly a sentence goes without, by language. Languages that do with endings what others
#: do with small words have some that are common in alt texts besides.
COMMON_WORDS = MappingProxyType(
    {
        "ca": "el la els les un una i de del amb en al per que és són sobre sota sense hi té davant seu",
        "cs": "a v ve na se s je jsou z ze do u pod nad před za po který která které jeho její ho mu ale kočka pes žena muž lidé stojí sedí leží pozadí okna okně černý bílý červený spí",
        "da": "og en et på i med der er af til den det de som under over foran ved hans hendes ikke to",
        "de": "der die das und ein eine einen einem einer mit auf in im am zu von vor ist sind den dem",
        "en": "the a an and of with in on at to from by is are his her its their that which behind over",
        "eo": "la kaj de en sur kun al estas kiu kiuj antaŭ sub super sia ĝi li ŝi ili unu du apud el",
        "es": "el la los las un una unos y de del con en al por que es son sobre bajo junto su sus se",
        "eu": "eta bat da du dira dago bere ondoan gainean azpian aurrean batean gorri beltz lo ez bi den",
        "fi": "ja on ovat joka jotka sekä hänen sen se kanssa päällä alla edessä vieressä takana ei kaksi yksi kissa koira nainen mies ihmiset istuu seisoo makaa taustalla musta valkoinen punainen nukkuu",
        "fr": "le la les un une des et de du avec dans sur à en est sont qui au aux par près sous son",
        "gl": "o a os as un unha e de do da dos das con en no na nunha nun que é son sobre xunto baixo",
        "hu": "a az egy és van vannak ül áll előtt mellett alatt felett között mögött aki amely nem két piros macska kutya nő férfi emberek fekete fehér háttérben alszik piros",
        "id": "yang dan di dengan pada dari ke seorang sebuah sedang ini itu atas bawah depan dekat adalah dua",
        "it": "il lo la i gli le un una uno e di del della con in nel su sul è sono che al accanto sotto",
        "nb": "og en et på i med som er av til den det de under over foran ved hans hennes ikke to",
        "nl": "de het een en van met in op te is zijn die dat naar voor bij onder achter haar aan uit er",
        "pl": "i w we na z ze się jest są do od pod nad przed za przy który która które jego jej ich nie kot pies kobieta mężczyzna ludzie stoi siedzi leży tle okna oknie czarny biały czerwony śpi",
        "pt": "o a os as um uma e de do da dos das com em no na numa num que é são ao sobre perto sob seu",
        "ro": "și un o de la cu în pe din este sunt care lângă sub peste lui ei într-un într-o al ale în",
        "sv": "och en ett på i med som är av till den det de under över framför vid hans hennes inte två",
        "tr": "ve bir bu ile için olan üzerinde altında önünde yanında yanındaki arkasında içinde var iki da de kedi köpek kadın adam insanlar duran oturan uyuyor arka planda siyah beyaz kırmızı",
        "vi": "một và của trên trong với là có các những người đang bên cạnh dưới trước sau màu con chiếc ở",
    }
)
_WORDS = {language: frozenset(words.split()) for language, words in COMMON_WORDS.items()}
_WORDS["no"] = _WORDS["nb"]
#: Scripts by the first word of their letters' Unicode names; the rest is written in Latin.
_SCRIPTS = MappingProxyType(
    {
        **dict.fromkeys(_WORDS, frozenset({"LATIN"})),
        **dict.fromkeys(("ar", "fa"), frozenset({"ARABIC"})),
        **dict.fromkeys(("ru", "uk"), frozenset({"CYRILLIC"})),
        "el": frozenset({"GREEK"}),
        "he": frozenset({"HEBREW"}),
        "hi": frozenset({"DEVANAGARI"}),
        "ja": frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"}),
        "ko": frozenset({"HANGUL"}),
        "th": frozenset({"THAI"}),
        "zh": frozenset({"CJK"}),
    }
)
#: Letters that the other language of the same script doesn't have.
_FOREIGN_LETTERS = MappingProxyType(
    {"uk": ("ыэъё", "іїєґ"), "ru": ("іїєґ", "ыэъё"), "ar": ("پچژگ", "ةىؤ"), "fa": ("ةى", "پچژگ")}
)
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
#: Letters from which a script is told (ideographs count as three), and its share.
_LEAST_LETTERS, _SHARE = 12, 0.75
#: Usual words of another language from which a text counts as one of it, and how many times as
#: many they are as those of the language asked for.
_LEAST_WORDS, _TIMES = 3, 3
_LOOKED_AT = 2_000


def is_other_than(language: str, text: str) -> bool:
    """Return whether a text is plainly not in a language (BCP 47); unknown languages never are."""
    primary = primary_language(language)
    expected = _SCRIPTS.get(primary)
    if expected is None:
        return False
    text = unicodedata.normalize("NFC", text[:_LOOKED_AT])
    scripts = _scripts(text)
    total = scripts.total()
    if total < _LEAST_LETTERS:
        return False
    if total - sum(scripts[script] for script in expected) >= _SHARE * total:
        # Kana make even a text of mostly Chinese characters Japanese.
        return not (primary == "ja" and _has_kana(scripts))
    if primary in {"ja", "zh"}:
        return _has_kana(scripts) is (primary == "zh")
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
        script = unicodedata.name(sign, "").partition(" ")[0]
        found[script] += times * (3 if script in {"CJK", "HIRAGANA", "KATAKANA"} else 1)
    return found


def _has_kana(scripts: Counter[str]) -> bool:
    return bool(scripts["HIRAGANA"] + scripts["KATAKANA"])
