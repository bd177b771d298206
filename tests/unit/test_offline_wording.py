"""The offline describer's English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.describers.answers.sentences import cut
from altwright.describers.offline.english import (
    amount,
    article,
    counted,
    plural,
    quoted,
    sentence,
)
from altwright.describers.offline.vision import imagenet_groups
from altwright.domain.counting import listed


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("cat", "a cat"),
        ("umbrella", "an umbrella"),
        ("unicycle", "a unicycle"),
        ("hourglass", "an hourglass"),
        ("orange background", "an orange background"),
        ("a mountain landscape", "a mountain landscape"),
        ("two cats", "two cats"),
    ],
)
def test_nouns_get_the_article_that_is_spoken(noun: str, expected: str) -> None:
    """Sound decides, not spelling; what has an article keeps it."""
    assert article(noun) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("person", "people"),
        ("bus", "buses"),
        ("couch", "couches"),
        ("butterfly", "butterflies"),
        ("monkey", "monkeys"),
        ("wolf", "wolves"),
        ("giraffe", "giraffes"),
        ("sheep", "sheep"),
        ("cup of coffee", "cups of coffee"),
        ("computer mouse", "computer mice"),
    ],
)
def test_nouns_get_their_plural(noun: str, expected: str) -> None:
    """Irregular nouns and those with "of" come out right."""
    assert plural(noun) == expected


def test_every_group_can_be_said() -> None:
    """No name in the vocabulary breaks the article or the plural."""
    for name in imagenet_groups.GROUPS:
        assert article(name).split()[0] in {"a", "an"}
        assert not plural(name).endswith(("ss", "ys ", "chs"))


def test_counts_and_lists_are_words() -> None:
    """Small numbers are written out, lists end with "and"."""
    assert counted(1, "cat") == "a cat"
    assert counted(2, "cat") == "two cats"
    assert counted(12, "cat") == "12 cats"
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (12.0, "12"),
        (12.345, "12.3"),
        (1234567.0, "1,230,000"),
        (-2.0, "\N{MINUS SIGN}2"),
        (0.00123, "0.00123"),
    ],
)
def test_amounts_have_three_digits(value: float, expected: str) -> None:
    """Measured values don't pretend to more precision, nor use exponents."""
    assert amount(value) == expected


def test_sentences_end_once() -> None:
    """A quotation that ends with a full stop needs no second one."""
    assert sentence("photo of a cat") == "Photo of a cat."
    assert sentence("image of text: “Closed.”") == "Image of text: “Closed.”"
    assert sentence("image of text: “Closed”") == "Image of text: “Closed”."


def test_quotations_hold_no_double_marks() -> None:
    """Marks inside become single ones, line ends become spaces."""
    assert quoted('say "no"\nto it') == "“say 'no' to it”"


def test_a_cut_prefers_a_sentence() -> None:
    """The end of a sentence is taken if it isn't too early, else a word's."""
    text = "Photo of two people. Text in the picture: “NO ENTRY FOR CARS”."
    assert cut(text, 200) == text
    assert cut(text, 30) == "Photo of two people."
    assert cut(text, 58) == "Photo of two people. Text in the picture: “NO ENTRY FOR…”"


def test_a_cut_quotation_is_closed_as_it_was_opened() -> None:
    """A sentence's end within a quotation is none, and German closes with other marks."""
    text = "Ein Schild: „Halt. Hier wird gebaut, und zwar noch lange“, darunter ein Bagger."
    assert cut(text, 40) == "Ein Schild: „Halt. Hier wird gebaut…“"
    quoted_first = "A sign: „Stój. Tu”. Below it stands a digger with a yellow arm and two lamps."
    assert cut(quoted_first, 30) == "A sign: „Stój. Tu”."


@pytest.mark.parametrize("quoted_word", ['„Ausgang"', "“Exit“", '“Exit"', "„Wyjście”"])
def test_a_quotation_ends_with_the_mark_that_models_write(quoted_word: str) -> None:
    """Often a straight one, or the one that it began with: what follows is outside."""
    text = f"A sign says {quoted_word}. Below it an old man sits there and reads. A dog sleeps."
    assert cut(text, 70).endswith(" reads.")


@given(text=st.text(min_size=1, max_size=300), length=st.integers(min_value=10, max_value=200))
def test_a_cut_is_never_longer(text: str, length: int) -> None:
    """The limit holds for any text."""
    assert len(cut(text, length)) <= length
