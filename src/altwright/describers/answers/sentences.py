"""Where sentences end, in the scripts that people post in, and where a long text is cut."""

# ruff: noqa: RUF001 - patterns in many scripts stay whole, and their characters are meant

from __future__ import annotations

import re

from altwright.text import shortened

#: Marks that end a sentence only before white space or the end, and marks that do so anywhere.
#: Source: Unicode, UAX 29 (Sentence_Break STerm) and the scripts' own chapters: CJK, Arabic, Urdu,
#: Devanagari, Ethiopic, Burmese, Khmer, Armenian, Tibetan.
_END = re.compile(
    r"(?:[.!?…]+|[؟۔।॥።፧፨။៕។։།])(?:[\"'”“\u2019»«›)\]」』》]+)?(?=\s|$)"
    r"|[。！？｡]+[」』”》）)]*"
)
#: A full stop after one of these ends no sentence: titles, streets, "for example" and the like.
ABBREVIATIONS = """\
st mr mrs ms dr prof no nr vs e.g i.e approx fig jr sr str hr fr bzw vgl z.b d.h u.a ca mme mlle sra
srta dott sig av ave rd ft mt inc ltd co vol op art abb tel min max evtl ing gen col lt sgt rev hon
pl ul al im św č tř ул г т.е т.к им"""
_ABBREVIATIONS = frozenset(ABBREVIATIONS.split())
_LAST_WORD = re.compile(r"[\w.]*\w(?=\.$)")
#: Scripts that write no mark between sentences, but a space: Thai, Lao.
_SPACED = re.compile(r"[\u0e00-\u0eff]")
#: Characters that the part before such a space has to have at least.
_LEAST_SPACED = 20
#: A text that is cut keeps whole sentences if they are at least this share of what fits.
_KEPT_SHARE = 0.4
#: What opens a quotation, and what may close it, the usual mark first: English, German or Polish.
#: Models often close with a straight mark, or with the one that opened.
_CLOSED_BY = {"“": '”"“', "„": '“”"'}


def ends(text: str) -> list[int]:
    """Return where the text's sentences end, each just behind its marks; may be empty."""
    return [found.end() for found in _END.finditer(text) if not _is_abbreviation(text, found)]


def split(text: str) -> list[tuple[int, int]]:
    """Return the spans of the text's sentences; lines end sentences too."""
    spans, start = [], 0
    for end in sorted({*ends(text), *(at for at, sign in enumerate(text) if sign == "\n")}):
        if text[start:end].strip():
            spans.append((start, end))
        start = end
    if text[start:].strip():
        spans.append((start, len(text)))
    return spans


def whole(text: str) -> str:
    """Return a cut text up to its last whole sentence; "" if there is none."""
    found = ends(text)
    if found:
        return text[: found[-1]].rstrip()
    if _SPACED.search(text):
        kept = text.rpartition(" ")[0].rstrip()
        return kept if len(kept) >= _LEAST_SPACED else ""
    return ""


def cut(text: str, max_length: int) -> str:
    """Return the text within ``max_length`` characters, cut at a sentence's end, else a word's."""
    if len(text) <= max_length:
        return text
    whole = [end for end in ends(text) if end <= max_length and not _open_quotation(text[:end])]
    if whole and whole[-1] >= max_length * _KEPT_SHARE:
        return text[: whole[-1]]
    kept = shortened(text, max_length - 2)  # an ellipsis and a closing quotation mark follow
    whole_words = re.match(r".*\S(?=\s)", text[: len(kept) + 1], re.DOTALL)
    words = (whole_words[0] if whole_words else kept).rstrip(" ,;:–—-.“„/(")
    return f"{words}…{_open_quotation(words)}"


def ends_in_quotation(text: str) -> bool:
    """Return whether a text ends before its last quotation does."""
    return bool(_open_quotation(text))


def _open_quotation(text: str) -> str:
    """Return the mark that closes the quotation in which the text ends, or ""."""
    closed_by = ""
    for sign in text:
        if not closed_by:
            closed_by = _CLOSED_BY.get(sign, "")
        elif sign in closed_by:
            closed_by = ""
    return closed_by[:1]


def _is_abbreviation(text: str, found: re.Match[str]) -> bool:
    if found[0] != ".":
        return False
    before = _LAST_WORD.search(text[max(0, found.start() - 12) : found.end()])
    if before is None:
        return False
    word = before[0].casefold()
    return word in _ABBREVIATIONS or (len(word) == 1 and before[0].isupper())
