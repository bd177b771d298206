"""How each warning is mended by one key: by a text without it where that can be told, or by whom.

What is left out or put right is mechanical, so that nothing is said of the picture that nobody has
seen: where a warning needs words, a person writes them or a describer looks again.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import regex
from ftfy import fix_encoding

from altwright.captions.drafts import quality
from altwright.describers.answers import sentences
from altwright.describers.answers.languages import empty_opening, guess, primary_language
from altwright.describers.answers.quotations import masked, replaced
from altwright.describers.answers.wrappings import LINK, MARKDOWN, REMARK

#: Words from which a phrase that comes twice in a row was repeated and not meant, and the longest
#: that is looked for.
_PHRASE, _LONGEST_PHRASE = 4, 15
#: Repetitions that are left out; a text of more is a person's to write.
_REPEATS_MOST = 20
#: Words of a sentence that says little but a guess ("She appears to be happy about it.").
_GUESS_MOST = 8
_GRAPHEME = regex.compile(r"\X")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_ROW = re.compile(r"^\|(.+)\|\s*$", re.MULTILINE)
#: What opens and ends a sentence around what is seen: only a person can take it apart.
_FRAME = re.compile(
    r"\b(?:(?:can be|is|are) (?:seen|shown|visible|depicted)"
    r"|zu (?:sehen|erkennen)|te zien|abgebildet|dargestellt|wird|werden)\b",
    re.IGNORECASE,
)
#: Where a link or a name was, with a word that means nothing without it.
_GAP = "\ue000"
_LED_GAP = re.compile(
    rf"(?:,?\s*\b(?:from|see|at|via|file|source|link|siehe|von|aus|unter|voir|ver|vedi):?\s)?"
    rf"\s*[(\[]?\s*{_GAP}\s*[)\]]?",
    re.IGNORECASE,
)
#: One that words of its sentence follow, outside of brackets.
_GAP_WITHIN = re.compile(rf"(?<![(\[]){_GAP}(?!\s*[)\]])\s*(?![.!?:]?\s|[.!?:]?$)")
_LAST_HASHTAGS = re.compile(r"(?:\s*#\w+)+\s*$")


class Remedy(StrEnum):
    """Who mends a warning."""

    #: The text that ``Mend`` has takes the place of the one that is there.
    REPLACE = "replace"
    #: A person, in the text's field.
    WRITE = "write"
    #: A describer, who looks at the picture again.
    DESCRIBE = "describe"


@dataclass(frozen=True, slots=True)
class Mend:
    """How a warning is mended; ``mended`` is the text without it, for REPLACE only."""

    remedy: Remedy
    mended: str | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A text and what was known when it was looked at, as ``quality.check`` takes it."""

    text: str
    max_length: int
    post_text: str
    language: str
    evidence: Mapping[str, Any]
    #: The picture's text on its server.
    replaces: str = ""

    def codes(self, text: str) -> set[str]:
        """Return what there is to look at in a text in its place."""
        found = quality.check(
            text,
            max_length=self.max_length,
            post_text=self.post_text,
            language=self.language,
            evidence=self.evidence,
            replaces=self.replaces,
        )
        return {one.code for one in found}


def mend(code: str, looked: Looked) -> Mend:
    """Return how a warning of this text is mended.

    A text is offered only if the warning is gone from it and no other has come; one that was cut
    to its server's limit may end in the middle.
    """
    by_itself, otherwise = _MENDS[code]
    if by_itself is None:
        return Mend(otherwise)
    text = _begun(by_itself(looked))
    after = looked.codes(text)
    new = after - looked.codes(looked.text) - ({"cut_off"} if code == "too_long" else set())
    return Mend(otherwise) if code in after or new else Mend(Remedy.REPLACE, text)


def _shortened(looked: Looked) -> str:
    return sentences.cut(looked.text.strip(), looked.max_length)


def _without_file_name(looked: Looked) -> str:
    """Leave out names in brackets and at the end of a sentence; one within it is its word."""
    text = quality.FILE_NAME_WITHIN.sub(_marked, looked.text)
    return looked.text if _GAP_WITHIN.search(text) else _closed(text).lstrip(" .,:;")


def _decoded(looked: Looked) -> str:
    text = fix_encoding(looked.text)
    return unicodedata.normalize("NFKC", text) if quality.STYLED.search(text) else text


def _without_remark(looked: Looked) -> str:
    own = masked(looked.text)
    kept = (span for span in sentences.split(own) if not REMARK.search(own[slice(*span)]))
    return _tidy("".join(looked.text[slice(*span)] for span in kept))


def _without_guess(looked: Looked) -> str:
    """Leave out short sentences that are little else than a guess; not the first one."""
    own, language = masked(looked.text), primary_language(looked.language)
    kept = (
        span
        for number, span in enumerate(sentences.split(own))
        if number == 0
        or len(quality.WORD.findall(own[slice(*span)])) > _GUESS_MOST
        or not guess(own[slice(*span)], language)
    )
    return _tidy("".join(looked.text[slice(*span)] for span in kept))


def _without_markup(looked: Looked) -> str:
    text = replaced(_ROW, lambda row: ", ".join(_cells(row[1])), looked.text)
    for pattern, without in MARKDOWN:
        text = replaced(pattern, without, text)
    text = replaced(_TAG, " ", text)
    text = replaced(quality.MARKUP, lambda found: html.unescape(found[0]), text)
    return re.sub(r"\n\s*\n", "\n", _tidy(text))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|") if cell.strip(" -:")]


def _finished(looked: Looked) -> str:
    return sentences.whole(looked.text.strip())


def _said_once(looked: Looked) -> str:
    text, said, kept = looked.text, set(), []
    for span in sentences.split(masked(text)):
        words = quality.sentence_said(text[slice(*span)])
        if not words or words not in said:
            kept.append(text[slice(*span)])
        said.add(words)
    text = "".join(kept)
    for _ in range(_REPEATS_MOST):
        again = _said_again(masked(text))
        if again is None:
            break
        text = text[: again[0]] + text[again[1] :]
    return _tidy(text)


def _said_again(own: str) -> tuple[int, int] | None:
    """Return where a word or phrase is said again right after itself, or None."""
    found = list(quality.WORD.finditer(own))
    words = [one[0].casefold() for one in found]
    many = quality.MANY_TIMES
    for at in range(len(words) - many + 1):
        if quality.is_one_word(words[at : at + many]):
            return found[at].end(), found[at + many - 1].end()
    for many in range(_PHRASE, _LONGEST_PHRASE + 1):
        for at in range(len(words) - 2 * many + 1):
            for gap in (0, 1):
                again = at + many + gap
                if words[at : at + many] == words[again : again + many]:
                    return found[at + many - 1].end(), found[again + many - 1].end()
    return None


def _with_words(looked: Looked) -> str:
    text = looked.text.strip()
    read = " ".join(quality.recognised(looked.evidence.get("text")))
    end = "" if sentences.ends(text)[-1:] == [len(text)] else "."
    return f"{text}{end} “{read}”"


def _without_opening(looked: Looked) -> str:
    text = looked.text.strip()
    opening = empty_opening(text, primary_language(looked.language))
    if _FRAME.search(text[: next(iter(sentences.ends(text)), len(text))]):
        return text  # its end belongs to its beginning
    return text[len(opening) :].lstrip(" :,;、，：–—-")  # noqa: RUF001 - these are meant


def _without_links(looked: Looked) -> str:
    text = replaced(LINK, r"\1", looked.text)
    text = _closed(quality.URL.sub(_marked, text))
    if len(quality.HASHTAG.findall(text)) >= quality.MANY_HASHTAGS:
        text = quality.HASHTAG.sub(lambda tag: tag[0][1:], _LAST_HASHTAGS.sub("", text))
    return _tidy(text)


def _marked(found: re.Match[str]) -> str:
    """Return the mark of a gap, between what stands around a link or name and not in it."""
    before = found[0][: len(found[0]) - len(found[0].lstrip(" \n(["))]
    return f"{before}{_GAP}{found[0][len(found[0].rstrip('.,;:!?)]')) :]}"


def _closed(text: str) -> str:
    """Take out gaps with the word that led to each, and the brackets around it."""
    return _tidy(_LED_GAP.sub(" ", text))


def _without_emoji(looked: Looked) -> str:
    own, text = masked(looked.text), looked.text
    signs = _GRAPHEME.finditer(own)
    spans = (one.span() for one in signs if not quality.EMOJI.search(one[0]))
    return _tidy("".join(text[slice(*span)] for span in spans))


def _tidy(text: str) -> str:
    """Close the gaps that something has left."""
    text = re.sub(r"[(\[]\s*[)\]]", "", text)
    text = re.sub(r"[^\S\n]+(?=[,.;:!?…]|$)", "", text, flags=re.MULTILINE)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


#: By a warning's code: what takes it away by itself, and who does where that fails or can't be.
_MENDS: Mapping[str, tuple[Callable[[Looked], str] | None, Remedy]] = MappingProxyType(
    {
        "empty": (None, Remedy.WRITE),
        "too_long": (_shortened, Remedy.WRITE),
        "incomplete": (None, Remedy.DESCRIBE),
        "file_name": (_without_file_name, Remedy.DESCRIBE),
        "encoding": (_decoded, Remedy.WRITE),
        "too_short": (None, Remedy.WRITE),
        "language": (None, Remedy.DESCRIBE),
        "remark": (_without_remark, Remedy.DESCRIBE),
        "invented": (None, Remedy.WRITE),
        "guess": (_without_guess, Remedy.WRITE),
        "markup": (_without_markup, Remedy.WRITE),
        "like_post": (None, Remedy.DESCRIBE),
        "cut_off": (_finished, Remedy.WRITE),
        "repetition": (_said_once, Remedy.WRITE),
        "missing_text": (_with_words, Remedy.WRITE),
        "poorer": (None, Remedy.WRITE),
        "opening": (_without_opening, Remedy.WRITE),
        "links": (_without_links, Remedy.WRITE),
        "emoji": (_without_emoji, Remedy.WRITE),
    }
)
