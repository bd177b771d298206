"""Posts' HTML as plain text: what people read, in linear time."""

from __future__ import annotations

import pytest

from altwright.platforms.reading.html_text import HTML_LENGTH, plain_text


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<", "<!--", "<![CDATA[", "</", '<a b="', "<script>", "&#9", "&#x110000;", "<p>", "&"],
)
def test_html_is_read_in_linear_time(piece: str) -> None:
    """2 MB are over at once, where Python's parser alone takes hours, and what is kept is bounded.

    The parser of Python 3.11.7 looks at the rest of the text again for each tag without an end.
    """
    text = plain_text(piece * (2_000_000 // len(piece)))
    assert len(text) <= HTML_LENGTH


def test_html_becomes_what_people_read() -> None:
    """Comments are left out, a lonely < is one, and links stay whole."""
    html = (
        "<!-- wp:paragraph --><p>a &lt; b, 1 < 2</p><!-- /wp --><p>Tea<br>cake "
        '<a href="https://t.example/1"><span class="invisible">https://</span>t.example/1</a></p>'
        "<!-- never ended"
    )
    assert plain_text(html) == "a < b, 1 < 2\n\nTea\ncake https://t.example/1"
