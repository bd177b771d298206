"""A post's HTML as the plain text that a person reads."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from altwright.text import clean_text

#: Characters of HTML that are read of a post. Mastodon's posts have 500 to some 10,000
#: characters; WordPress's are whole articles, whose beginning says what a picture is about.
HTML_LENGTH = 100_000
#: Characters of a tag at most: a link's address and its classes.
_TAG_LENGTH = 2_000
#: What begins no whole tag: Python's parser takes quadratic time over tags that never end
#: (CVE-2025-6069; `'<a ' * 20000` took 155 seconds), so only whole ones reach it.
_NO_TAG = re.compile(rf"<(?!/?[A-Za-z][^<>]{{0,{_TAG_LENGTH}}}>)")
#: A comment; of one that was cut, or never ended, browsers show nothing either.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
#: Numbers of characters that no character has: int() refuses some of them.
_NO_CHARACTER = re.compile(r"&#(?=[0-9]{8}|[xX][0-9A-Fa-f]{7})")
_PARAGRAPHS = frozenset({"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"li", "div"})
_HIDDEN = frozenset({"script", "style", "template"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag == "img":  # a custom emoji
            self.parts.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            # A line break in HTML's source is a space; <br> and <p> make the real ones.
            self.parts.append(re.sub(r"[ \t\r\n\f]+", " ", data))


def plain_text(html: str) -> str:
    """Return the text of a post's HTML: paragraphs as empty lines, links and mentions as shown.

    Mastodon hides a link's beginning and end in spans; they are kept, so that links stay whole.
    Of very long HTML only the beginning is read.
    """
    reader = _Reader()
    reader.feed(_parsable(html[:HTML_LENGTH]))
    reader.close()
    lines = clean_text("".join(reader.parts), HTML_LENGTH).split("\n")
    text = "\n".join(line.strip(" ") for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _parsable(html: str) -> str:
    """Return HTML that takes the parser linear time: whole tags, no comments."""
    return _NO_CHARACTER.sub("&amp;#", _NO_TAG.sub("&lt;", _COMMENT.sub("", html)))
