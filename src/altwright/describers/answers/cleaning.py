"""From what a model says to an alt text, or to the insight that it said none.

Models think aloud, wrap their answer in quotes, Markdown, data and politeness, refuse in whole
sentences, break off, and run in circles. What is left after cleaning is the model's own words;
nothing is ever added but a mark of omission, and what is no description is refused: no text is
better than a false one. What can't be told for certain is kept;
captions.drafts.quality warns of it.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from typing import Any

from ftfy import fix_encoding

from altwright.describers.answers import sentences
from altwright.describers.answers import wrappings as wrapping
from altwright.describers.answers.languages import PICTURE_SHOWS
from altwright.describers.answers.quotations import PAIRS, masked, outside, replaced, unquoted
from altwright.describers.answers.refusals import without_refusal
from altwright.describers.answers.thoughts import without_thoughts
from altwright.describers.model_servers.prompts import INSTRUCTIONS
from altwright.errors import CaptionUnusable
from altwright.text import clean_text

#: Characters of an answer that are looked at; a model that writes more runs in circles.
_MOST_CHARACTERS = 20_000
#: Rounds in which wrappings inside of wrappings come off; models use three at most.
_ROUNDS = 6
#: Names under which data hold a description, the best first; compared without marks.
_KEYS = (
    *("alttext", "alt", "alttextdescription", "imagedescription", "description", "caption", "text"),
    *("answer", "response", "output", "result", "content", "summary"),
)
_DEEPEST = 4
_BROKEN_JSON = re.compile(
    r'^[\[{][\s\[{]{0,20}"(?:alt_?text|alt|description|caption|text)"\s?:\s?"((?:[^"\\]|\\.)*)',
    re.IGNORECASE,
)
_JSON = json.JSONDecoder(strict=False)  # models write line breaks into strings
#: How JSON begins that is no text of a picture's.
_OBJECTS = ('{"', '{ "', "{\n", "[[", "[{")
_NOTHING = re.compile(
    r"^\W*((an?|the)?\s*(image|picture|photo|photograph|graphic|bild|foto|imagen|alt|alt text|none"
    r"|null|n/?a|undefined|unknown|untitled|(no )?(description|caption)( available)?|user|assistant"
    r"|system|todo)|[\w-]+\.(jpe?g|png|gif|webp|heic|avif))\W*$",
    re.IGNORECASE,
)
#: The same run of signs again and again, at least five times.
_CIRCLE = re.compile(r"(.{2,200}?)\1{4,}", re.DOTALL)
_CIRCLE_CHARACTERS = 40
_FEWEST_LETTERS = 3
#: A text of more words than this in which fewer than an eighth differ runs in circles.
_WORDS, _DIFFERENT = 30, 0.12
#: Characters that are searched for circles and echoes; a draft has fewer.
_SEARCHED = 5_000
_RUBBISH_SHARE = 0.05
#: Words in a row that a text and our instructions share by no chance.
_ECHO_WORDS = 6


def alt_text(answer: str, *, max_length: int, cut_off: bool = False) -> str:
    """Return the description in a model's answer, at most ``max_length`` characters.

    ``cut_off``: the server says that the model hadn't finished, or doesn't say that it had.

    Raises:
        CaptionUnusable: there is none in it; the message says what there was.
    """
    text = fix_encoding(clean_text(answer, _MOST_CHARACTERS))
    text = _one_turn(without_thoughts(text))
    if not text:
        raise CaptionUnusable("The model answered nothing.")
    text, broke_off = _peeled(text)
    text = _without_echo(text)
    if cut_off or broke_off:
        text = _whole_sentences(text)
    # Single blanks, and no empty lines.
    text = re.sub(r" ?\n[\n ]*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()
    text = PICTURE_SHOWS.sub("", text)
    text = text[:1].upper() + text[1:]
    _refuse_nonsense(text)
    return sentences.cut(text, max_length)


def _peeled(text: str) -> tuple[str, bool]:
    """Take off all that is around a description; return whether it broke off in data.

    Raises:
        CaptionUnusable: nothing is left, or a refusal.
    """
    has_broken_off = is_quotation = False
    for _ in range(_ROUNDS):
        before = text
        # Once the marks are off, "Okay, so …" may be what a picture says.
        text, broke_off = _unwrapped(text if is_quotation else without_thoughts(text))
        # With its quotation marks still on: what is quoted from the picture is no refusal.
        text = _without_remarks(without_refusal(text))
        inside = unquoted(text)
        is_quotation = is_quotation or inside != text
        has_broken_off = has_broken_off or broke_off
        text = inside
        if text == before:
            break
    return text, has_broken_off


def _one_turn(text: str) -> str:
    """Return what the assistant said in its first turn, without marks of a chat template."""
    text = replaced(wrapping.TURN_BEGIN, "", text).strip()
    start = 0
    for end in outside(wrapping.TURN_END, text):
        if text[start : end.start()].strip():
            text = text[: end.start()]
            break
        start = end.end()
    text = text[start:]
    for pattern in (wrapping.COORDINATES, wrapping.TEMPLATE):
        text = replaced(pattern, "", text)
    text = text.strip()
    if asked := wrapping.CONVERSATION.match(text):
        turns = list(outside(wrapping.ASSISTANT, text))
        if turns:
            text = text[turns[-1].end() :]
        elif asked["user"]:
            raise CaptionUnusable("The model repeated its instructions.")
    # One blank is as good as many, and many cost the patterns that follow.
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def _unwrapped(text: str) -> tuple[str, bool]:
    """Take off one layer of data, markup and labels; return whether the data broke off."""
    text, broke_off = _from_data(_without_fence(text))
    text = _without_markup(text)
    for pattern, kept in wrapping.MARKDOWN:
        text = replaced(pattern, kept, text)
    text = _best_of(text)
    for pattern in wrapping.PREFIXES:
        text = pattern.sub("", text).strip()
    return text.strip(), broke_off


def _without_fence(text: str) -> str:
    before, _, rest = text.partition("```")
    inside, _, after = rest.partition("```")
    first, newline, lines = inside.partition("\n")
    inside = lines if newline and first.strip().isalnum() else inside
    inside = inside.removeprefix("json").strip()
    if inside.startswith(("{", "[")) or not (before.strip() or after.strip()):
        return inside
    return text


def _from_data(text: str) -> tuple[str, bool]:
    """Return the description in JSON, or the text; return whether the JSON broke off.

    What stands behind JSON is a remark, what stands before it an announcement.
    """
    text = wrapping.JSON_IS.sub("", text)
    if not text.startswith(("{", "[")):
        return text, False
    try:
        data, end = _JSON.raw_decode(text)
        found = _described(data)
        if found is None and text[end:].strip() and not text.startswith(_OBJECTS):
            return text, False  # "[1] A cat. [2] A dog."
    except RecursionError:
        found = None
    except ValueError:
        if broken := _BROKEN_JSON.match(text):
            is_closed = text[broken.end() :].startswith('"')
            return broken[1].replace('\\"', '"').strip(), not is_closed
        if text.startswith("[") and text.endswith("]") and "[" not in text[1:]:
            return text[1:-1].strip(), False
        if not text.startswith(_OBJECTS):
            return text, False
        found = None
    if found is None:
        raise CaptionUnusable("The model answered with data, not with a description.")
    return found, False


def _described(data: Any, depth: int = 0) -> str | None:
    """Return the description in data; a bare text counts only inside of a list."""
    if depth > _DEEPEST:
        return None
    if isinstance(data, list):
        found = (one if isinstance(one, str) else _described(one, depth + 1) for one in data[:3])
        return next((text.strip() for text in found if text and text.strip()), None)
    if not isinstance(data, dict):
        return None
    named = {re.sub(r"[\W_]", "", str(name).lower()): value for name, value in data.items()}
    for key in _KEYS:
        value = named.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    inner = (_described(value, depth + 1) for value in data.values() if isinstance(value, dict))
    return next((text for text in inner if text), None)


def _without_markup(text: str) -> str:
    """Decode what is encoded and take off tags, but what a quotation holds."""
    if text.startswith("<") and (image := next(outside(wrapping.IMG, text), None)):
        text = image["alt"] or image["alt2"]
    if text.startswith("<") or text.endswith(">") or "</" in masked(text):
        text = replaced(wrapping.TAGS, " ", text).strip()
    text = replaced(wrapping.ENTITY, lambda found: html.unescape(found[0]), text)
    text = replaced(wrapping.ESCAPED_CHARACTER, lambda found: chr(int(found[1], 16)), text)
    text = replaced(wrapping.ESCAPED_LINE, "\n", text)
    return clean_text(text, _MOST_CHARACTERS)


def _best_of(text: str) -> str:
    """Return the first of several descriptions to choose from, and the best field of a form."""
    own = masked(text)
    if announced := wrapping.CHOICE.match(own):
        choices = list(wrapping.CHOICES.finditer(own))
        if len(choices) > 1:
            return text[choices[0].end() : choices[1].start()].strip()
        if choices and not own[announced.end() : choices[0].start()].strip():
            return text[choices[0].end() :].strip()
    fields = list(wrapping.FIELD.finditer(own))
    if len(fields) > 1 and fields[0].start() == 0:
        ends = [*(one.start() for one in fields[1:]), len(text)]
        values = {
            one["name"].lower().replace("-", " "): text[one.end() : end].strip()
            for one, end in zip(fields, ends, strict=True)
        }
        return next((values[name] for name in wrapping.FIELDS if values.get(name)), text)
    return text


def _without_remarks(text: str) -> str:
    """Cut off what is said to the person who asked: offers, notes, counts."""
    text = wrapping.COUNT.sub("", text).strip()
    own = masked(text)
    for start, end in sentences.split(own)[1:]:
        sentence = own[start:end].strip().replace("\u2019", "'")
        is_line = "\n" in own[max(0, start - 1) : start + 2]
        if wrapping.OFFER.match(sentence) or (is_line and wrapping.NOTE.match(sentence)):
            return text[:start].strip()
    return text


def _without_echo(text: str) -> str:
    """Drop sentences that are our own instructions, given back."""
    said = [text[start:end] for start, end in sentences.split(text[:_SEARCHED])]
    if not any(_shingles(sentence) & _OUR_SHINGLES for sentence in said):
        return text
    kept = "".join(
        sentence
        for sentence in said
        if not _shingles(sentence) & _OUR_SHINGLES and _plain(sentence) not in _OUR_WORDS
    )
    if sum(sign.isalpha() for sign in kept) < 3 * _FEWEST_LETTERS:
        raise CaptionUnusable("The model repeated its instructions.")
    return kept.strip()


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _plain(text).split()
    return set(zip(*(words[at:] for at in range(_ECHO_WORDS)), strict=False))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


_OUR_WORDS = _plain(INSTRUCTIONS)
_OUR_SHINGLES = _shingles(INSTRUCTIONS)


def _whole_sentences(text: str) -> str:
    whole = sentences.whole(text)
    if not whole:
        raise CaptionUnusable("The model's answer broke off in its first sentence.")
    if any(whole[0] == opening and closing not in whole[1:] for opening, closing in PAIRS):
        whole = whole[1:]  # the closing mark was cut off
    return whole.strip()


def _refuse_nonsense(text: str) -> None:
    letters = sum(sign.isalpha() for sign in text)
    if letters == 0 or _NOTHING.match(text) or (letters < _FEWEST_LETTERS and text.isascii()):
        raise CaptionUnusable("The model's answer says nothing about the picture.")
    rubbish = sum(sign == "\ufffd" or not (sign.isprintable() or sign == "\n") for sign in text)
    marks = sum(sign in "\u200c\u200d\u200e\u200f" for sign in text)
    if (rubbish - marks) > _RUBBISH_SHARE * len(text):
        raise CaptionUnusable("The model's answer isn't readable text.")
    if _runs_in_circles(text[:_SEARCHED]):
        raise CaptionUnusable("The model's answer runs in circles.")


def _runs_in_circles(text: str) -> bool:
    text = re.sub("\ufffc+", "\ufffc", masked(text))  # a quoted scream is the picture's
    if any(len(found[0]) >= _CIRCLE_CHARACTERS for found in _CIRCLE.finditer(text)):
        return True
    said = Counter(one.strip().casefold() for one in re.split(r"[.!?\n]+", text))
    if any(times > 2 and len(one) > 10 for one, times in said.items()):  # noqa: PLR2004 - said three times
        return True
    words = text.casefold().split()
    return len(words) > _WORDS and len(set(words)) < _DIFFERENT * len(words)
