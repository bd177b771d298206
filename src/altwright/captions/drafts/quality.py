"""What a reviewer should look at twice in an alt text, and how to mend it.

Sources: W3C WAI, Images Tutorial (https://www.w3.org/WAI/tutorials/images/); WebAIM, Alternative
Text (https://webaim.org/techniques/alttext/); Mastodon documentation, Instance entity.
What a text quotes are the picture's words: what is said of style and form leaves them out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import regex

from altwright.captions.drafts.languages import is_other_than
from altwright.describers.answers import sentences
from altwright.describers.answers.languages import (
    LANGUAGES,
    empty_opening,
    guess,
    language_name,
    primary_language,
)
from altwright.describers.answers.quotations import masked
from altwright.describers.answers.quoted_words import invented
from altwright.describers.answers.refusals import is_refusal
from altwright.describers.answers.wrappings import (
    MARKDOWN,
    OFFER,
    PLACEHOLDER,
    REMARK,
    TEMPLATE,
)
from altwright.domain.caption import has_words

#: Characters below which a text hardly says what is there; fewer in scripts of whole words.
LEAST_LENGTH, LEAST_LENGTH_IDEOGRAPHS = 10, 4
#: Share of equal characters at which an alt text counts as a copy of the post.
COPY_RATIO = 0.9
#: Characters from which a text that stands whole in the post counts as a copy of that part.
COPIED_LENGTH = 20
#: Recognised words from which a picture counts as one of text, and the share of them that an alt
#: text has to take up.
TEXT_WORDS, TEXT_SHARE = 4, 0.3
#: Words from which a text on the server says something, and the share of them below which one that
#: is to replace it says less.
KEPT_WORDS, KEPT_SHARE = 8, 0.5
#: Characters that are compared with a post; comparing costs their square.
COMPARED_LENGTH = 1_000
#: Hashtags from which a text is a list of them; times that words in a row count as repeated.
MANY_HASHTAGS, MANY_TIMES = 3, 3
#: Emoji from which a text is full of them: a screen reader says the name of each.
MANY_EMOJI = 4

#: How cameras, telephones and messengers name files, with and without the ending; computers put the
#: time into their screenshots' names. Source: the defaults of Android, iOS, macOS, GNOME, WhatsApp.
_FILE_NAME = re.compile(
    r"\s*(?:[\w .()-]+\.(?:jpe?g|png|gif|webp|heic|avif|bmp|tiff?|svg)"
    r"|(?:img|dsc[fn]?|pxl|mvimg|image|photo|screenshot|signal|whatsapp)[ _-]?[\d_ -]{3,}"
    r"\w*(?:\.mp)?"
    r"|[\w'\u2019 ]{0,24}[ _-]?(?:19|20)\d\d-?\d\d-?\d\d(?:[ _-]\w{1,5})?[ _-]"
    r"\d{1,2}[.:-]?\d\d[.:-]?\d{2,5}(?:\s?[ap]m)?"
    r"|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\s*",
    re.IGNORECASE,
)
FILE_NAME_WITHIN = re.compile(
    r"(?:^|[\s(\[])[\w-]{3,80}\.(?:jpe?g|png|gif|webp|heic|avif|bmp|tiff?)\b", re.IGNORECASE
)
MARKUP = re.compile(
    r"</?[a-z][\w-]{0,30}(?:\s[^<>]{0,300})?/?>|&(?:#\d{2,6}|[a-z]{2,8});"
    r"|^\|.{1,300}\|\s*$",
    re.IGNORECASE | re.MULTILINE,
)
#: The beginning of JSON.
_DATA = re.compile(r"^\s*[\[{]\s*[{\"]")
#: UTF-8 that was read as Latin-1 or Windows-1252, and characters that were lost ("Don?t").
_MOJIBAKE = re.compile(r"\ufffd|[ÃÂ][\u0080-\u00bf]|â€|ðŸ|(?<=[a-z])\?(?=[a-z])")
#: Letters of formulas that stand for bold or italic ones. Source: Unicode TR25, 2.2 (not for text).
STYLED = re.compile(r"[\U0001d400-\U0001d7ff]{3,}")
EMOJI = regex.compile(r"\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f")
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
HASHTAG = re.compile(r"(?<!\w)#\w*[^\W\d]\w*")
WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_ENDS_OPEN = re.compile(r"(?:\.\.\.|…|[,;:&(\[–—、，；：（「『-])$")  # noqa: RUF001 - these are meant
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class QualityWarning:
    """One thing to look at; ``message`` says how to mend it."""

    code: str
    message: str


def check(
    text: str,
    *,
    max_length: int,
    post_text: str = "",
    language: str | None = "en",
    evidence: Mapping[str, Any] | None = None,
    replaces: str = "",
) -> list[QualityWarning]:
    """Return what to look at in an alt text, the gravest first; empty: nothing stands out.

    ``language`` is the one asked for (None: nobody knows). ``evidence`` is what the describer saw:
    its ``text`` is what it read in the picture, ``file`` what is wrong with the picture's file.
    ``replaces`` is the picture's text on its server.
    """
    text = text.strip()
    if not text:
        return [QualityWarning("empty", "There is no text yet: write a sentence, or skip.")]
    primary = primary_language(language or "en")
    own = masked(text)
    found = (
        _too_long(text, max_length),
        _incomplete(evidence or {}),
        _file_name(text, own),
        _encoding(text),
        _too_short(text),
        _language(own, language),
        _remark(text, own, primary),
        _invented(text, evidence or {}),
        _guess(own, primary),
        _markup(text, own),
        _like_post(text, post_text),
        _cut_off(text, primary),
        _repetition(own),
        _missing_text(text, evidence or {}),
        _poorer(text, replaces),
        _opening(text, primary),
        _links(own),
        _emoji(own),
    )
    return [QualityWarning(*warning) for warning in found if warning is not None]


_Found = tuple[str, str] | None


def _too_long(text: str, max_length: int) -> _Found:
    """Find texts that the server wouldn't take.

    Source: Mastodon documentation, Instance entity, media_attachments.description_limit.
    """
    over = len(text) - max_length
    if over <= 0:
        return None
    message = f"The text has {len(text):,} characters and the server takes {max_length:,}"
    return "too_long", f"{message}; shorten it by {over:,}."


def _incomplete(evidence: Mapping[str, Any]) -> _Found:
    """Find pictures of which a part may be missing, as captions.pictures noted it."""
    note = evidence.get("file")
    if not isinstance(note, str) or not note:
        return None
    return "incomplete", f"{note} Look whether the text fits what people see."


def _file_name(text: str, own: str) -> _Found:
    """Find file names. Source: WebAIM, Alternative Text ("Alt text should: be accurate")."""
    if _FILE_NAME.fullmatch(text):
        return "file_name", "This looks like a file name; write what the picture shows instead."
    if found := FILE_NAME_WITHIN.search(own):
        name = found[0].strip(" \n([")
        return "file_name", f"“{name}” looks like a file name; leave it out."
    return None


def _encoding(text: str) -> _Found:
    """Find texts whose characters were lost or mistaken on their way."""
    if found := STYLED.search(text):
        letters = f"“{found[0][:20]}”"
        return "encoding", f"Screen readers misread letters like {letters}; write plain ones."
    found = _MOJIBAKE.search(text)
    if found is None:
        return None
    around = text[max(0, found.start() - 12) : found.end() + 8].strip()
    return "encoding", f"Some characters are garbled (“{around}”); write them anew."


def _language(own: str, language: str | None) -> _Found:
    """Find texts in another language than asked for: a screen reader misreads them."""
    if language is None or not is_other_than(language, own):
        return None
    name = language_name(language)
    remedy = f"write it in {name}, or leave it if another language is meant."
    return "language", f"This doesn't read like {name}; {remedy}"


def _remark(text: str, own: str, language: str) -> _Found:
    """Find what a model said about its task instead of the picture, and what says nothing of it."""
    if PLACEHOLDER.fullmatch(text):
        return "remark", f"“{text[:60]}” says nothing of the picture; write what it shows."
    for start, end in sentences.split(own):
        sentence = own[start:end].strip()
        found = REMARK.search(sentence) or OFFER.match(sentence)
        if found is not None or is_refusal(sentence, language):
            said = found[0] if found else sentence[:60]
            return "remark", f"“{said}” doesn't seem to be about the picture; leave it out."
    return None


def _invented(text: str, evidence: Mapping[str, Any]) -> _Found:
    """Find quoted words that nobody has read in the picture.

    Models write what a sign may say; WebAIM, Alternative Text ("Alt text should: be accurate").
    """
    if "text" not in evidence:
        return None
    found = invented(" ".join(recognised(evidence["text"])), text)
    if not found:
        return None
    words = " ".join(found[:6])
    return "invented", f"“{words}” wasn't found in the picture; look whether it is there."


def _guess(own: str, language: str) -> _Found:
    """Find guesses about the people in a picture.

    Source: Cooper Hewitt, Guidelines for Image Description
    (https://www.cooperhewitt.org/cooper-hewitt-guidelines-for-image-description/).
    """
    found = guess(own, language)
    if not found:
        return None
    return "guess", f"“{found}” can't be seen; say what can be seen, or what you know."


def _markup(text: str, own: str) -> _Found:
    """Find HTML, Markdown and the like, which are read out as they stand.

    Source: Mastodon documentation, MediaAttachment: the description is plain text.
    """
    marks = (MARKUP, TEMPLATE, *(pattern for pattern, _ in MARKDOWN))
    # Data quote their names, so that they aren't among a text's own words.
    found = _DATA.match(text) or next(
        (found for mark in marks if (found := mark.search(own))), None
    )
    if found is None:
        return None
    return "markup", f"“{found[0][:40]}” is read out as it stands; leave such marks out."


def _too_short(text: str) -> _Found:
    """Find texts that can't say what matters. Source: W3C WAI, Informative Images."""
    if not has_words(text):
        return "too_short", "There is no word in the text; write a sentence, or skip."
    least = LEAST_LENGTH_IDEOGRAPHS if _IDEOGRAPHS.search(text) else LEAST_LENGTH
    if len(text) >= least:
        return None
    return "too_short", "The text is very short; add what matters most in the picture."


def _like_post(text: str, post_text: str) -> _Found:
    """Find copies of the post, which screen readers then read twice.

    Source: WebAIM, Alternative Text ("not be redundant": the same as text beside the image).
    """
    ours, theirs = _words(text)[:COMPARED_LENGTH], _words(post_text)[:COMPARED_LENGTH]
    if not theirs:
        return None
    if len(ours) >= COPIED_LENGTH and f" {ours} " in f" {theirs} ":
        theirs = ours  # a part of the post
    if ours != theirs:
        # What can't be alike, by length or by signs, is told without the matcher's preparations.
        length = len(ours) + len(theirs)
        shared = min(len(ours), len(theirs))
        if 2 * shared < COPY_RATIO * length:
            return None
        if 2 * (Counter(ours) & Counter(theirs)).total() < COPY_RATIO * length:
            return None
        if SequenceMatcher(None, ours, theirs, autojunk=False).ratio() < COPY_RATIO:
            return None
    return "like_post", "The text repeats the post; describe what can be seen in the picture."


def _cut_off(text: str, language: str) -> _Found:
    """Find texts that stop in the middle, as models do at their limit of tokens."""
    last = WORD.findall(text)[-1:]
    ends_open = bool(_ENDS_OPEN.search(text)) or sentences.ends_in_quotation(text)
    if not ends_open and text[-1].isalnum() and last and (known := LANGUAGES.get(language)):
        ends_open = last[0] in known.unfinished  # "line A" and "IN" are names
    if not ends_open:
        return None
    return "cut_off", f"The text seems cut off after “{text[-30:].lstrip()}”; finish the sentence."


def _repetition(text: str) -> _Found:
    """Find words, phrases and sentences said again and again, as small models do."""
    words = [word.casefold() for word in WORD.findall(text)]
    for at in range(len(words) - MANY_TIMES + 1):
        if is_one_word(words[at : at + MANY_TIMES]):
            return _repeated(words[at])
    parts = (text[start:end] for start, end in sentences.split(text))
    for sentence, times in Counter(map(sentence_said, parts)).items():
        if times > 1 and sentence:
            return _repeated(sentence)
    phrases = Counter(zip(*(words[at:] for at in range(4)), strict=False))
    for phrase, times in phrases.items():
        if times >= MANY_TIMES:
            return _repeated(" ".join(phrase))
    return None


def is_one_word(row: list[str]) -> bool:
    """Return whether words in a row are one and the same; equal numbers may be a table's."""
    return len(set(row)) == 1 and not row[0].isnumeric()


def sentence_said(sentence: str) -> str:
    """Return what a sentence says, however it is written; "" if it is a word only, or none."""
    said = " ".join(WORD.findall(sentence.casefold()))
    return said if " " in said or len(_IDEOGRAPHS.findall(said)) >= LEAST_LENGTH_IDEOGRAPHS else ""


def _repeated(what: str) -> _Found:
    return "repetition", f"“{what[:60]}” is said more than once; keep one of them."


def _missing_text(text: str, evidence: Mapping[str, Any]) -> _Found:
    """Find alt texts of pictures of text that leave the text out.

    Source: W3C WAI, Images of Text (the alternative holds the same words).
    """
    read = " ".join(recognised(evidence.get("text")))
    seen = _terms(read)
    if len(seen) < TEXT_WORDS:
        return None
    said = set(_terms(text))
    if sum(word in said for word in seen) >= TEXT_SHARE * len(seen):
        return None
    shown = read if len(read) <= 60 else f"{read[:60].rsplit(' ', 1)[0]} …"  # noqa: PLR2004 - a line
    return "missing_text", f"The picture seems to show words: “{shown}”. Quote them if they matter."


def _poorer(text: str, replaces: str) -> _Found:
    """Find texts that say much less than the one that they are to replace.

    Source: W3C WAI, Informative Images: what matters most is a person's to say, and one has.
    """
    there = len(_terms(replaces))
    if there < KEPT_WORDS or len(_terms(text)) >= KEPT_SHARE * there:
        return None
    return "poorer", "The text on the server says more; look what would be lost."


def recognised(found: Any) -> Iterator[str]:
    """Yield the texts that a describer read in the picture; their shape is each one's own."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping):
        yield from recognised(found.get("text"))
    elif isinstance(found, list | tuple):
        for one in found:
            yield from recognised(one)


def _opening(text: str, language: str) -> _Found:
    """Find openings that say nothing: a screen reader announces that it is an image.

    Source: W3C WAI, Images Tutorial, Tips and Tricks; WebAIM, Alternative Text.
    """
    found = empty_opening(text, language)
    if not found:
        return None
    return "opening", f"Leave out “{found}”: screen readers say that it is a picture."


def _links(text: str) -> _Found:
    """Find links and lists of hashtags, which can't be followed in an alt text.

    Source: Mastodon documentation, MediaAttachment: the description is plain text.
    """
    if URL.search(text):
        return "links", "Links can't be followed in an alt text; put them into the post."
    if len(HASHTAG.findall(text)) >= MANY_HASHTAGS:
        return "links", "Hashtags do nothing in an alt text; describe the picture in sentences."
    return None


def _emoji(own: str) -> _Found:
    """Find texts full of emoji. Source: W3C WAI, emoji are announced by their whole names."""
    signs = regex.findall(r"\X", own) if EMOJI.search(own) else []
    if sum(EMOJI.search(sign) is not None for sign in signs) < MANY_EMOJI:
        return None
    return "emoji", "Screen readers say the name of every emoji; leave out those that add nothing."


def _terms(text: str) -> list[str]:
    """Return a text's words; of scripts without spaces between them, each two neighbours."""
    terms: list[str] = []
    for word in WORD.findall(text.casefold()):
        if len(word) > 1 and _IDEOGRAPHS.match(word):
            terms += [word[at : at + 2] for at in range(len(word) - 1)]
        else:
            terms.append(word)
    return terms


def _words(text: str) -> str:
    return " ".join(word.casefold() for word in WORD.findall(text))
