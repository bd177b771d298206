"""Text from outside is clean, bounded and whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.text import clean_line, clean_text, shortened

SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
ASTRONAUT = "👩🏽‍🚀"


@pytest.mark.parametrize(
    ("foreign", "clean"),
    [
        ("a\x00b", "ab"),
        ("half \ud83d pair", "half  pair"),
        ("\x9b31mred\x1b[0m", "31mred[0m"),
        ("abc\u202edef\u2066ghi", "abcdefghi"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        (None, ""),
        (17, "17"),
    ],
)
def test_a_foreign_value_loses_what_no_field_holds(foreign: object, clean: str) -> None:
    """Control characters, half pairs, direction overrides and invisible marks go."""
    assert clean_text(foreign, 100) == clean


@pytest.mark.parametrize(
    "kept",
    [
        "tab\tand\nline",
        ASTRONAUT,
        SCOTLAND,
        "\u0646\u0645\u06cc\u200c\u062f",
        "שלום\u200f!",
        "  trimmed by no one ",
    ],
)
def test_what_people_write_stays(kept: str) -> None:
    """Emoji of several characters, flags, joiners and marks of direction are text."""
    assert clean_text(kept, 100) == kept


def test_a_line_has_single_spaces() -> None:
    """Names and titles are shown in one line."""
    assert clean_line(" a\n\tb  c ", 100) == "a b c"


@pytest.mark.parametrize(("most", "left"), [(2, "ab"), (3, "ab"), (5, "ab"), (6, f"ab{ASTRONAUT}")])
def test_no_emoji_is_cut_in_two(most: int, left: str) -> None:
    """An astronaut is four characters, and never three of them."""
    assert shortened(f"ab{ASTRONAUT}", most) == left


@given(st.text(alphabet=st.characters(codec=None), max_size=200), st.integers(0, 50))
def test_any_text_can_be_stored_and_is_bounded(text: str, most: int) -> None:
    """Whatever comes, UTF-8 can hold it, it fits, and cleaning it again changes nothing."""
    clean = clean_text(text, most)
    assert len(clean) <= most
    assert "\x00" not in clean
    assert clean.encode() is not None
    assert clean_text(clean, most) == clean
