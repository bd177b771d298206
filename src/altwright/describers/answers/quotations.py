"""Quotations in a text: what is quoted are the picture's words, not the describer's."""

# ruff: noqa: RUF001 - quotation marks that look like others are meant

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

#: Opening and closing marks by the languages that use them. Source: Unicode CLDR (delimiters).
PAIRS = (
    *(('"', '"'), ("“", "”"), ("„", "“"), ("„", "”"), ("”", "”"), ("«", "»"), ("»", "«")),
    *(("‹", "›"), ("「", "」"), ("『", "』"), ("《", "》"), ("״", "״"), ("'", "'")),
    *(("\u2018", "\u2019"), ("‚", "\u2018"), ("`", "`")),
)
#: Characters that a quotation holds at most; beyond them its mark is taken for something else.
_LONGEST = 1_000
_QUOTATION = re.compile(
    "|".join(
        pattern.replace("*", f"{{1,{_LONGEST}}}")
        for pattern in (
            *("“[^“”„]*”", "„[^„“”]*[“”]", "”[^“”„]*”"),
            *(
                f"{a}[^{a}{z}]*{z}"
                for a, z in ('""', "״״", "«»", "»«", "‹›", "「」", "『』", "《》", "``")
            ),
            # Apostrophes inside of words end nothing.
            r"[\u2018‚](?:[^\u2018\u2019‚]|\u2019(?=\w))*[\u2019\u2018](?!\w)",
            r"(?<!\w)'(?=\S)(?:[^'\n]|'(?=\w))*'(?!\w)",
        )
    )
)
#: Stands for each quoted character: no letter, no digit, no white space, no end of a sentence.
_MASK = "\ufffc"


def masked(text: str) -> str:
    """Return the text with each character of its quotations replaced; its length stays."""
    return _QUOTATION.sub(lambda found: _MASK * len(found[0]), text)


def inside(text: str) -> list[str]:
    """Return what each quotation of a text holds, in their order."""
    return [found[0][1:-1] for found in _QUOTATION.finditer(text)]


def own_words(text: str) -> str:
    """Return the masked text; a text that is one quotation, quoted for no reason, as it is."""
    own = masked(text)
    return own if any(sign.isalpha() for sign in own) else text


def outside(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the matches that begin outside of quotations, from the first to the last."""
    found = list(pattern.finditer(text))
    own = own_words(text) if found else text
    yield from (one for one in found if own[one.start()] != _MASK)


def replaced(pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], text: str) -> str:
    """Return the text with a pattern replaced as ``re.sub`` does it, but not in quotations."""
    kept, at = [], 0
    for found in outside(pattern, text):
        kept += [text[at : found.start()], found.expand(by) if isinstance(by, str) else by(found)]
        at = found.end()
    return "".join([*kept, text[at:]])


def unquoted(text: str) -> str:
    """Return what is inside if the whole text is one quotation, else the text."""
    for opening, closing in PAIRS:
        inside = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and closing not in inside:
            return inside.strip()
    return text
