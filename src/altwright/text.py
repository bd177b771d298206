"""Text from outside: what servers, models and people send, made safe to store and to show.

The one place that cleans; whoever reads a foreign value passes it through here.
"""

from __future__ import annotations

from typing import Any

import regex

#: What no field of ours may hold: control characters but tab and newline (PostgreSQL refuses NUL,
#: terminals act on the others), halves of surrogate pairs (UTF-8 can't hold them), non-characters,
#: overrides of the writing direction (they show a text other than it is), and the invisible
#: characters by which texts are marked. Joiners and the marks of direction stay: emoji, Persian
#: and Hebrew need them. Source: Unicode TR36, 2.10 and 3.
_UNWANTED = regex.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2065\ufeff"
    r"\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
    # Tag characters stay in the flags that they make (Scotland) and go elsewhere. The flag is
    # matched whole: looking back for it takes quadratic time over a long row of them.
    r"|(?P<flag>\U0001f3f4[\U000e0020-\U000e007f]{1,16})"
)
#: Said of a text that no keyboard writes and no database takes.
UNSTORABLE = "holds a NUL character or half of a surrogate pair, which can't be stored"
_LINE_ENDS = regex.compile(r"\r\n?|\x85|\u2028|\u2029")


def clean_text(value: Any, most: int) -> str:
    r"""Return a foreign value as text of at most ``most`` characters; None becomes "".

    Line ends are "\n". Nothing is trimmed, and nothing that people see as one character is cut
    in two. What isn't text is written out as Python does.
    """
    if value is None:
        return ""
    # Cut first, so that a text of a gigabyte costs no more than one of the length that is kept.
    text = str(value)[: 4 * most + 64]
    text = _UNWANTED.sub(lambda found: found["flag"] or "", _LINE_ENDS.sub("\n", text))
    return shortened(text, most)


def clean_line(value: Any, most: int) -> str:
    """Return a foreign value as one line: white space, line ends too, becomes single spaces."""
    return shortened(" ".join(clean_text(value, 4 * most).split()), most)


def shortened(text: str, most: int) -> str:
    """Return the text's beginning, ``most`` characters at most, without half an emoji at its end.

    Source: Unicode TR29 (grapheme clusters).
    """
    if len(text) <= most:
        return text
    end = 0
    # From a little before the end on: a cluster has no limit, and people's have some ten.
    for cluster in regex.finditer(r"\X", text[: most + 1]):
        if cluster.end() > most:
            break
        end = cluster.end()
    return text[:end]
