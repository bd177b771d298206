"""A post's HTML as the plain text that a person reads."""

from __future__ import annotations

import re
from html.parser import HTMLParser

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
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r" *\n *", "\n", "".join(reader.parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
