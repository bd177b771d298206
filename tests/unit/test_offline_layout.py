"""Text lines on a page: their order, tables, tick labels, kinds of screens."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from altwright.captions.pictures import views
from altwright.describers.offline import screenshots
from altwright.describers.offline.charts import tables
from altwright.describers.offline.charts.axes import parse_number
from altwright.describers.offline.memes import believed
from altwright.describers.offline.pipeline import with_unread
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import offsets, tidy
from altwright.describers.offline.vision.reading_order import joined, ordered, rows


def line(text: str, x: float, y: float, *, score: float = 0.99, height: float = 20) -> Line:
    """Return a line whose letters are ten pixels wide."""
    return Line(text, score, x, y, x + 10 * len(text), y + height)


def grid(*cells: str, columns: int, width: int = 160) -> list[Line]:
    """Return cells laid out in columns, empty ones left out."""
    return [
        line(text, width * (i % columns), 50 * (i // columns))
        for i, text in enumerate(cells)
        if text
    ]


@pytest.mark.parametrize("size", [(8400, 1200), (9000, 1200), (1200, 8400), (1200, 9000)])
def test_parts_of_a_long_picture_stand_where_they_were_cut(size: tuple[int, int]) -> None:
    """Also where all are of one size: beside each other in a wide picture, else below."""
    image = Image.new("RGB", size, "white")
    parts = [np.asarray(part) for part in views.parts(image)]
    *_, (x, y) = offsets(parts, is_tall=size[1] > size[0])
    height, width = parts[-1].shape[:2]
    assert len(parts) > 1
    assert (x + width, y + height) == size


def test_columns_come_one_after_the_other() -> None:
    """Two columns of three lines are read down, in whatever order they were found."""
    lines = [line(f"left {i}", 0, 30 * i) for i in range(3)]
    lines += [line(f"right {i}", 300, 30 * i + 4) for i in range(3)]
    random.Random(7).shuffle(lines)  # noqa: S311 - an order, not a secret
    assert [one.text for one in ordered(lines)] == [
        "left 0", "left 1", "left 2", "right 0", "right 1", "right 2",
    ]  # fmt: skip


def test_a_headline_comes_before_both_columns() -> None:
    """What spans the columns is read where it stands."""
    lines = [line("A headline that spans everything", 0, 0)]
    lines += [line(f"left {i}", 0, 60 + 30 * i) for i in range(3)]
    lines += [line(f"right {i}", 250, 60 + 30 * i) for i in range(3)]
    texts = [one.text for one in ordered(lines)]
    assert texts[0].startswith("A headline")
    assert texts[3:5] == ["left 2", "right 0"]


def test_rows_tolerate_a_slope() -> None:
    """Lines a few pixels apart are one row."""
    assert [len(row) for row in rows([line("a", 0, 0), line("b", 100, 6), line("c", 0, 30)])] == [
        2,
        1,
    ]


def test_divided_words_are_joined() -> None:
    """A hyphen at a line's end goes away between small letters only; Chinese has no spaces."""
    assert joined([line("some-", 0, 0), line("thing", 0, 30)]) == "something"
    assert joined([line("Baden-", 0, 0), line("Baden", 0, 30)]) == "Baden- Baden"
    assert joined([line("明日は", 0, 0), line("会いますか", 0, 30)]) == "明日は会いますか"


def test_full_width_marks_become_plain() -> None:
    """The recogniser's Chinese punctuation doesn't reach an English text."""
    assert tidy("Why\uff1f  No\uff01") == "Why? No!"


def test_a_grid_is_a_table() -> None:
    """Header, rows and an empty cell are told apart."""
    found = tables.describe(
        grid("Day", "Low", "High", "Mon", "3", "9", "Tue", "", "11", "Wed", "5", "12", columns=3)
    )
    assert found is not None
    assert found.text == (
        "table with three rows and the columns Day, Low and High. "
        "Mon: 3, 9; Tue: empty, 11; Wed: 5, 12"
    )


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line("one line", 0, 0)], id="one line"),
        pytest.param([line(f"line {i}", 0, 30 * i) for i in range(6)], id="one column"),
        pytest.param(
            [
                line(f"a sentence of some length, number {i}", x, 30 * i)
                for i in range(6)
                for x in (0, 500)
            ],
            id="an article of two columns",
        ),
        pytest.param(
            [
                line(text, 200 * x, 60 * y, height=30 if y == 1 else 20)
                for y, row in enumerate((("Distance", "Pace", "Time"), "853", ("km", "/km", "17s")))
                for x, text in enumerate(row)
            ],
            id="figures of a run, larger than what they are of",
        ),
        pytest.param(
            [line("left", 0, 60 * i) for i in range(3)]
            + [line("right", 300, 30 + 60 * i) for i in range(3)],
            id="a chat",
        ),
    ],
)
def test_other_layouts_are_no_tables(lines: list[Line]) -> None:
    """Nothing is called a table for standing in two columns."""
    assert tables.describe(lines) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("1,000", 1000.0),
        ("0.25", 0.25),
        ("1.500.000", 1_500_000.0),
        ("\N{MINUS SIGN}3", -3.0),
        ("40%", 40.0),
        ("$15", 15.0),
        ("20k", 20_000.0),
        ("O", 0.0),
        ("\N{GREEK SMALL LETTER THETA}", 0.0),  # with a stroke
        ("Mon", None),
        ("12:30", None),
        ("", None),
        ("1.2.3", None),
    ],
)
def test_tick_labels_are_numbers(text: str, value: float | None) -> None:
    """Signs, units and thousands are understood; times and words aren't numbers."""
    assert parse_number(text) == value


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["Ana @ana@example.social", "Good morning"], "social media post"),
        (["Ana", "@ana", "3 likes", "2 replies"], "social media post"),
        (["Why small instances win", "They know you", "FediForum, @ana@example.social"], "text"),
        (["write to ana@example.org", "or call us"], "text"),
        (["user@host:~$ ls", "notes.txt"], "terminal"),
        (["def add(a, b):", "    return a + b"], "text"),
        (["import os", "def add(a, b):", "return a + b"], "code"),
        (["Really quit?", "Cancel", "OK"], "dialog box"),
        (["You can cancel at any time.", "Read more about it"], "text"),
    ],
)
def test_screens_are_told_by_their_words(texts: list[str], kind: str) -> None:
    """Each kind needs signs of its own; without them it is text."""
    found = screenshots.describe([line(text, 0, 40 * i) for i, text in enumerate(texts)], 800, 600)
    assert found is not None
    assert found.kind == kind


def test_icons_are_no_text() -> None:
    """Lone shapes that were read as letters say nothing."""
    assert screenshots.describe([line("\u53e3", 0, 0), line("=", 50, 0)], 800, 600) is None
    icons = [line("3", 0, 40, score=0.92), line("X", 300, 40), line("O", 340, 40)]
    found = screenshots.describe([line("Achievement unlocked!", 40, 40), *icons], 800, 600)
    assert found is not None
    assert found.text == "image of text: “Achievement unlocked!”"
    head = line("OK", 0, 100, score=0.87, height=180)
    text = [line("J'arr\u00eate le caf\u00e9.", 0, 0), line("Il est 9 h 05.", 300, 0)]
    assert screenshots.readable([*text, head]) == text


def test_textures_on_photos_are_no_text() -> None:
    """Unsure and jumbled words are dropped, signs are kept."""
    lines = [
        line("el\u00e9ctricamEMTe", 0, 0),
        line("NO PARKING", 0, 40),
        line("ested Comp", 0, 80, score=0.6),
        line("VAT 5,5 %", 0, 100),
        line("8", 0, 120),
    ]
    assert joined(believed(lines)) == "NO PARKING VAT 5,5 %"


#: What the recogniser made of lines 560 pixels long and 36 high, and how sure it was.
SEEN = {
    "Cyrillic": ("! .", 0.96),
    "Greek": ("Kαλημρα σε λου του φλου μα.", 0.87),  # noqa: RUF001 - it is Greek
    "Arabic": ("0000000 00 000 00000", 0.94),
    "Hebrew": ("07107 017", 0.78),
}


@pytest.mark.parametrize("script", sorted(SEEN))
def test_an_unknown_script_is_said_to_be_there(script: str) -> None:
    """The recogniser makes letter salad of it, or nothing, and is sure of both."""
    text, score = SEEN[script]
    found = Line(text, score, 0, 0, 560, 36)
    assert found.is_foreign
    assert not found.is_read
    told = with_unread(Statement("image of text: “salad”", "high", "text"), [found])
    assert (told.text, told.level) == (
        "what may be text in another script, which was not read",
        "low",
    )


@pytest.mark.parametrize(
    "text",
    ["1,000,000", "The library is closed", "+49 170 1107", "2001 to 2010", "図書館は休館です"],
)
def test_what_can_be_read_is_in_no_other_script(text: str) -> None:
    """Numbers and any script that the recogniser knows."""
    assert Line(text, 0.95, 0, 0, 18 * len(text), 36).is_read


def test_text_beside_an_unknown_script_is_read() -> None:
    """What can be read is, and that there is more is said."""
    lines = [Line("The library is closed on Monday", 0.99, 0, 0, 560, 36)]
    lines.append(Line(",", 0.9, 0, 60, 160, 96))
    told = with_unread(Statement("image of text: “The library”", "high", "text"), lines)
    assert told.text == "image of text: “The library”. There may be more text, in another script"
    assert told.level == "medium"
