"""Whether two alt texts are the same to those who read them: the one place that compares them."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AltText:
    """A text for a picture; ``seen`` is what its owner saw as the picture's text on the server.

    Only that may be replaced; another text there now was written by somebody since.
    """

    text: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a post has of the texts that are for it, by ids of media."""

    there: frozenset[str]
    wanted: dict[str, str]
    #: Texts that stand there and that nobody here has seen.
    theirs: dict[str, str]
    #: Pictures that aren't in the post any more.
    missing: frozenset[str]


def shown(description: str, *, escapes: bool) -> str:
    """Return what readers see of a description as the server keeps it.

    ``escapes``: the server keeps HTML, & as &amp; and so on (Pixelfed). Servers trim descriptions,
    and some keep line ends as CRLF (pixelfed#3731) or compose letters and accents.
    """
    text = html.unescape(description) if escapes else description
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", "\n".join(map(str.rstrip, text.split("\n")))).strip()


def same(one: str, other: str, *, escapes: bool) -> bool:
    """Return whether readers see the same."""
    return shown(one, escapes=escapes) == shown(other, escapes=escapes)


def look(present: Mapping[str, str], texts: Mapping[str, AltText], *, escapes: bool) -> Look:
    """Compare the descriptions that a post's media have (by id) with those that are for them."""
    there, wanted, theirs = set(), {}, {}
    for media_id, alt in texts.items():
        if media_id not in present:
            continue
        stands = present[media_id]
        if same(stands, alt.text, escapes=escapes):
            there.add(media_id)
        elif any(same(stands, known, escapes=escapes) for known in ("", alt.seen)):
            wanted[media_id] = alt.text
        else:
            theirs[media_id] = shown(stands, escapes=escapes)
    return Look(frozenset(there), wanted, theirs, frozenset(texts.keys() - present.keys()))
