"""From what a model says to an alt text, or to the insight that it said none.

Models wrap their answer in quotes, Markdown and politeness, refuse in whole sentences, break off,
and run in circles. What is left after cleaning is the model's own words; nothing is ever added but
a mark of omission, and what is no description is refused: no text is better than a false one.
"""

from __future__ import annotations

import json
import re

from altwright.errors import CaptionUnusable

_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r".*</(think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
_THOUGHT_BEGIN = re.compile(r"<(think|thinking|thought|reasoning)>", re.IGNORECASE)
#: Marks of chat templates that leak into answers.
_TEMPLATE = re.compile(
    r"<\|[^|<>]{1,40}\|>|</?s>|<end_of_(utterance|turn)>|<(eos|bos|pad|unk)>|\[/?INST\]|<image>"
)
_FENCE = re.compile(r"^```[a-z]*\s*\n(.*?)\n?```$", re.DOTALL | re.IGNORECASE)
_MARKDOWN = (
    (re.compile(r"^#{1,6}\s+", re.MULTILINE), ""),
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL), r"\1"),
    (re.compile(r"(?<!\w)__(?=\S)([^_]+ [^_]+)(?<=\S)__(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\s]+\)"), r"\1"),
    (re.compile(r"^\s*[-*•]\s+", re.MULTILINE), ""),
)
_LABEL = (
    r"(alt(ernative|ernativ)?[\s-]*text|alttext|image description|picture description|description"
    r"|caption|answer|output|bildbeschreibung|beschreibung|texte alternatif|texto alternativo"
    r"|testo alternativo|descripción|description de l'image|alt)"
)
_PREFIXES = (
    re.compile(rf"^{_LABEL}(\s*\([^)]*\))?\s*[:\uff1a]\s*", re.IGNORECASE),
    re.compile(
        r"^((sure|certainly|of course|okay|ok|absolutely|gerne|natürlich|bien sûr|claro)[!,.]?\s+)?"
        r"(here(['\u2019]s| is)|hier ist|voici|aquí (está|tienes)|ecco)\b[^:\n]{0,60}"
        rf"{_LABEL}\b[^:\n]{{0,60}}:\s*",
        re.IGNORECASE,
    ),
    re.compile(r"^(sure|certainly|of course|absolutely)[!.]\s+", re.IGNORECASE),
)
#: "The image shows a cat" says "a cat" to somebody whose reader has just said "image".
_PICTURE_OF = re.compile(
    r"^(the|this|an?)\s+(image|picture|photo|photograph)\s+"
    r"(of|shows|showing|depicts|depicting|features|displays|captures|contains|presents|is of)\s+"
    r"(?!that\b|how\b|what\b)(?=\w)",
    re.IGNORECASE,
)
#: Remarks at the end that aren't about the picture.
_CHATTER = re.compile(
    r"\s*(\(\d+ characters?\)|(?<=[.!?])\s+(let me know if|i hope (this|that) helps).*"
    r"|\n\s*\(?((word|character) count|let me know|i hope|would you like|feel free|please note"
    r"|note:|is there anything|this (alt text|description|text)|\d+ characters).*)$",
    re.DOTALL | re.IGNORECASE,
)
_QUOTES = (
    *(('"', '"'), ("'", "'"), ("“", "”"), ("„", "“"), ("„", "”"), ("\u2018", "\u2019")),
    *(("«", "»"), ("»", "«"), ("「", "」"), ("『", "』")),
)
_REFUSAL = re.compile(
    r"^(i['\u2019]m (really )?sorry|i am sorry|sorry,? (but )?i\b|i apologi[sz]e"
    r"|unfortunately,? i\b|i (can['\u2019]?t|cannot|can not|could not|couldn['\u2019]t"
    r"|won['\u2019]t|don['\u2019]t|do not|am not|am unable|am an ai|am a language)\b"
    r"|i['\u2019]m (unable|not able|not|an ai|just)\b|as an? (ai|artificial|language|text)\b"
    r"|please (provide|upload|share|attach|send)"
    r"|es tut mir leid|entschuldigung|ich kann (das|dieses|kein|leider|nicht|den|die)|leider kann"
    r"|(je suis )?désolée?\b|je ne peux pas|lo siento|no puedo|mi dispiace|non posso"
    r"|het spijt me|ik kan (de|het|geen|niet))",
    re.IGNORECASE,
)
_NO_PICTURE = re.compile(
    r"\bno (image|picture|photo)s? (was|were|is|has been|have been|seems? to be)? ?"
    r"(provided|attached|uploaded|included)"
    r"|(image|picture|photo) (wasn['\u2019]t|isn['\u2019]t|was not|is not|has not been) "
    r"(provided|attached|uploaded|included)"
    r"|(can['\u2019]?t|cannot|unable to|not able to) (see|view|access|process|open|display)"
    r" (the|this|any|an|your)? ?(image|picture|photo|attachment)",
    re.IGNORECASE,
)
#: Our own words, given back.
_ECHO = re.compile(
    r"^(you write alt texts|write the alt text for this|the json below was written)", re.IGNORECASE
)
_NOTHING = re.compile(
    r"^\W*((an?|the)?\s*(image|picture|photo|photograph|graphic|bild|foto|imagen|alt|alt text|none"
    r"|null|n/?a|undefined|unknown|untitled|no description|todo)|[\w-]+\.(jpe?g|png|gif|webp))\W*$",
    re.IGNORECASE,
)
#: The same run of signs again and again, at least five times.
_CIRCLE = re.compile(r"(.{2,200}?)\1{4,}", re.DOTALL)
_CIRCLE_CHARACTERS = 40
_FEWEST_LETTERS = 3
#: A text of more words than this in which fewer than an eighth differ runs in circles.
_WORDS, _DIFFERENT = 30, 0.12
_RUBBISH_SHARE = 0.05
_SENTENCE_END = re.compile(r"[.!?…。！？؟।](?:[\"'”\u2019»)\]」』]+)?(?=\s|$)|[。！？]")  # noqa: RUF001 - sentence ends of several scripts
#: Characters of an answer that are looked at; a model that writes more runs in circles.
_MOST_CHARACTERS = 20_000
#: A shortened text keeps whole sentences if they are at least this part of what fits.
_KEPT_SHARE = 0.4


def alt_text(answer: str, *, max_length: int, cut_off: bool = False) -> str:
    """Return the description in a model's answer, at most ``max_length`` characters.

    ``cut_off``: the server says that the model hadn't finished.

    Raises:
        CaptionUnusable: there is none in it; the message says what there was.
    """
    text = _unwrapped(_without_thoughts(answer[:_MOST_CHARACTERS]))
    if cut_off:
        text = _whole_sentences(text)
        if any(text[0] == opening and closing not in text[1:] for opening, closing in _QUOTES):
            text = text[1:]  # the closing mark was cut off
    text = _PICTURE_OF.sub("", text)
    text = text[:1].upper() + text[1:]
    _refuse_nonsense(text)
    return _shortened(text, max_length)


def _without_thoughts(answer: str) -> str:
    text = _THOUGHT_END.sub("", _THOUGHT.sub("", answer))
    if _THOUGHT_BEGIN.search(text):
        raise CaptionUnusable("The model was still thinking when its answer ended.")
    text = _TEMPLATE.sub("", text).strip()
    if not text:
        raise CaptionUnusable("The model answered nothing.")
    return text


def _unwrapped(text: str) -> str:
    """Take off wrappings, one after the other, until there are none."""
    before = None
    while text != before:
        before = text
        if fence := _FENCE.match(text):
            text = fence[1].strip()
        text = _from_json(text)
        for pattern, kept in _MARKDOWN:
            text = pattern.sub(kept, text)
        for pattern in _PREFIXES:
            text = pattern.sub("", text).strip()
        text = _unquoted(_CHATTER.sub("", text).strip())
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[\n ]*", "\n", text).strip()


def _from_json(text: str) -> str:
    if not text.startswith("{"):
        return text
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    for name in ("alt_text", "alt", "altText", "description", "caption", "text"):
        if isinstance(answer.get(name), str):
            return str(answer[name]).strip()
    raise CaptionUnusable("The model answered with data, not with a description.")


def _unquoted(text: str) -> str:
    for opening, closing in _QUOTES:
        inside = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and closing not in inside:
            return inside.strip()
    return text


def _whole_sentences(text: str) -> str:
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    if not ends:
        raise CaptionUnusable("The model's answer broke off in its first sentence.")
    return text[: ends[-1]].rstrip()


def _refuse_nonsense(text: str) -> None:
    letters = sum(sign.isalpha() for sign in text)
    if letters == 0 or _NOTHING.match(text) or (letters < _FEWEST_LETTERS and text.isascii()):
        raise CaptionUnusable("The model's answer says nothing about the picture.")
    if _REFUSAL.match(text) or _NO_PICTURE.search(text[:200]):
        raise CaptionUnusable("The model refused to describe the picture.")
    if _ECHO.match(text):
        raise CaptionUnusable("The model repeated its instructions.")
    rubbish = sum(sign == "\ufffd" or not (sign.isprintable() or sign == "\n") for sign in text)
    marks = sum(sign in "\u200b\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069" for sign in text)
    if (rubbish - marks) > _RUBBISH_SHARE * len(text):
        raise CaptionUnusable("The model's answer isn't readable text.")
    if _runs_in_circles(text):
        raise CaptionUnusable("The model's answer runs in circles.")


def _runs_in_circles(text: str) -> bool:
    if any(len(found[0]) >= _CIRCLE_CHARACTERS for found in _CIRCLE.finditer(text)):
        return True
    sentences = [one.strip().casefold() for one in re.split(r"[.!?\n]+", text) if one.strip()]
    if any(sentences.count(one) > 2 and len(one) > 10 for one in set(sentences)):  # noqa: PLR2004 - said three times
        return True
    words = text.casefold().split()
    return len(words) > _WORDS and len(set(words)) < _DIFFERENT * len(words)


def _shortened(text: str, max_length: int) -> str:
    if len(text) <= max_length:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= max_length]
    if ends and ends[-1] >= _KEPT_SHARE * max_length:
        return text[: ends[-1]]
    words = text[: max_length - 1]
    if not text[max_length - 1].isspace() and " " in words:
        words = words.rsplit(None, 1)[0]
    return words.rstrip(" ,;:–-") + "…"  # noqa: RUF001 - a dash
