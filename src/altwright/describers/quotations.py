"""Quotations in a text: what is quoted are the picture's words, not the describer's."""

# ruff: noqa: RUF001 - quotation marks that look like others are meant

from __future__ import annotations

import re

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
            "“[^“”„]*”",
            "„[^„“”]*[“”]",
            "”[^“”„]*”",
            '"[^"]*"',
            "״[^״]*״",
            "«[^«»]*»",
            "»[^«»]*«",
            "‹[^‹›]*›",
            "「[^「」]*」",
            "『[^『』]*』",
            "《[^《》]*》",
            "`[^`]*`",
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


def unquoted(text: str) -> str:
    """Return what is inside if the whole text is one quotation, else the text."""
    for opening, closing in PAIRS:
        inside = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and closing not in inside:
            return inside.strip()
    return text
