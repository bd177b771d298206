"""What one sign, one gap or one icon would change: numbers, values, programs, captions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from altwright.describers.offline import memes, screenshots
from altwright.describers.offline.charts import tables
from altwright.describers.offline.pipeline import with_unread
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.gaps import spaced
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import tidy
from altwright.describers.offline.vision.reading_order import joined, ordered


def line(text: str, x: float, y: float, *, score: float = 0.99, height: float = 20) -> Line:
    """Return a line whose letters are ten pixels wide."""
    return Line(text, score, x, y, x + 10 * len(text), y + height)


def rows(*texts: str) -> list[Line]:
    """Return lines below one another."""
    return [line(text, 0, 40 * at) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "steps", "told"),
    [
        ("12148", (0, 2, 13, 16, 19), "12 · 148"),  # an icon is between them
        ("649 replies", (0, 3, 8, 12, 14, 17, 20, 23, 26, 28), "64 · 9 replies"),
        ("4:17PM", (0, 2, 3, 6, 11, 14), "4:17 PM"),
        ("2024", (0, 3, 6, 9), "2024"),
        ("2 0 2", (0, 9, 18), "2 0 2"),  # it was seen already
        ("1905", (0, 6, 12, 18), "1905"),  # wide letters
        ("ab", (0, 9), "ab"),
    ],
)
def test_numbers_on_both_sides_of_an_icon_stay_two(
    text: str, steps: tuple[int, ...], told: str
) -> None:
    """Steps are those that the recogniser gave for such counts."""
    characters = [character for character in text if character != " "]
    assert spaced(text, list(zip(characters, steps, strict=True))) == told


def test_numbers_of_one_row_aren_t_joined() -> None:
    """Counts below a post, each read by itself, and what stands below them."""
    assert joined([line("57", 0, 0), line("612", 90, 0), line("3 replies", 0, 40)]) == (
        "57 · 612 3 replies"
    )
    assert joined([line("Oat milk x2", 0, 0), line("4.20", 300, 0)]) == "Oat milk x2 4.20"


def test_a_phone_s_rows_stay_together_without_its_status_bar() -> None:
    """A line is cancelled, not the one whose columns stand before it; others might read it so."""
    departures = (
        ("S3", "Airport", "2 min"),
        ("S7", "Riverside", "Cancelled"),
        ("N8", "University", "9 min 7"),
        ("S3", "Airport", "22 min"),
    )
    lines = [line("9:41", 9, 2), line("5G 82%", 320, 2)]
    for at, (number, to, when) in enumerate(departures):
        y = 114 + 45 * at
        lines.append(Line(number, 0.99, 13, y, 53, y + 31))  # with its badge
        lines += [line(to, 43, y, height=31), line(when, 402 - 10 * len(when), y, height=29)]
    notice = ("Line S7: no service between Riverside and", "Mill Lane until 18:00, for signals are")
    lines += [line(text, 0, 356 + 20 * at) for at, text in enumerate((*notice, "repaired there."))]
    found = screenshots.describe(lines, 412, 820)
    assert found is not None
    assert "“S3 Airport 2 min S7 Riverside Cancelled N8 University" in found.text
    assert found.level == "medium"


def test_an_icon_is_no_arrow_or_letter() -> None:
    """A vote's arrows and a picture behind a name say something else where they are read."""
    found = screenshots.describe(rows("↑ 3.4k ↓", "Ines Okonkwo 火", "wrote this to all"), 800, 600)
    assert found is not None
    assert found.text.endswith("“3.4k Ines Okonkwo wrote this to all”")


def test_words_among_values_keep_their_rows() -> None:
    """A price list has things that are free, and settings an arrow behind the value."""
    things = rows("Batch brew", "Oat milk", "Advice")
    values = [line(text, 400, 40 * at) for at, text in enumerate(("2.90", "+0.40", "free"))]
    assert joined(ordered(things + values)) == "Batch brew 2.90 Oat milk +0.40 Advice free"
    health = [line(text, 400, 40 * at) for at, text in enumerate(("71%>", "58% >", "17%"))]
    assert joined(ordered(things + health)) == "Batch brew 71%> Oat milk 58% > Advice 17%"


def test_programs_are_never_sure_and_have_signs_that_can_be_typed() -> None:
    """A stroke is read as a letter, and a font draws two signs as one."""
    lines = rows("me@host ~ % cat log I grep bot", "48211", "me@host ~ %")
    found = screenshots.describe(lines, 800, 600)
    assert found is not None
    assert (found.kind, found.level) == ("terminal", "medium")
    assert "cat log | grep bot" in found.text
    typed = ("fn is(a: u32) → bool {", "if (a ≠ 3) {", "return false; }")
    program = screenshots.describe(rows(*typed), 800, 600)
    assert program is not None
    assert program.level == "medium"
    assert "fn is(a: u32) -> bool { if (a != 3) {" in program.text


def test_formulas_are_no_program() -> None:
    """Their indices are read as letters beside the others: a person looks at them."""
    formulas = ("lt = \u03b1(yt \u2212 st)", "bt = \u03b3(lt \u2212 lt\u22121)")
    found = screenshots.describe(rows(*formulas), 800, 600)
    assert found is not None
    assert (found.kind, found.level) == ("formulas", "medium")


def test_a_flow_chart_is_no_dialog_box() -> None:
    """Its answers stand before what follows; buttons are the last row."""
    chart = [*rows("Alarm rings", "Awake?"), line("No", 0, 80), line("Yes", 200, 80)]
    chart += [line("Snooze", 0, 120), line("Get up", 200, 120)]
    found = screenshots.describe(chart, 800, 600)
    assert found is not None
    assert found.kind != "dialog box"
    timer = [*rows("Pasta", "12:45"), line("Cancel", 0, 80), line("Retry", 200, 80)]
    found = screenshots.describe(timer, 800, 600)
    assert found is not None
    assert found.kind != "dialog box"


def test_a_cell_over_several_columns_is_said_without_one() -> None:
    """Lunch is for all rooms."""
    cells = [
        ("Time", "Hall", "Room B", "Garden"),
        ("10:00", "Opening", "Talk 1", "Coffee"),
        ("12:00", "", "Lunch", ""),
        ("13:30", "Panel 2", "Talk 2", "Bikes"),
        ("15:00", "Panel 3", "Talk 3", "Tea"),
    ]

    def table(rows: Sequence[tuple[str, ...]]) -> Statement:
        lines = [line(t, 180 * x, 50 * y) for y, row in enumerate(rows) for x, t in enumerate(row)]
        found = tables.describe([one for one in lines if one.text])
        assert found is not None
        return found

    assert "; 12:00: Lunch; 13:30: Panel 2" in table(cells).text
    assert table(cells).level == "medium"


def test_things_side_by_side_in_a_shop_are_no_table() -> None:
    """Rows that begin with a price are those of several things."""
    cells = [("Lamp", "Pilot", "Worm"), ("Paper", "Brass", "Flexible"), ("£39", "£120", "£24")]
    lines = [line(t, 180 * x, 50 * y) for y, row in enumerate(cells) for x, t in enumerate(row)]
    assert tables.describe(lines) is None


def grid(cells: Sequence[tuple[str, ...]]) -> list[Line]:
    """Return lines in columns."""
    return [line(t, 320 * x, 50 * y) for y, row in enumerate(cells) for x, t in enumerate(row)]


def test_lists_of_sentences_side_by_side_are_no_table() -> None:
    """What stands at one height belongs to different lists."""
    recipe = [
        ("Ingredients", "What to do"),
        ("250 g of flour", "1. Mix flour and eggs."),
        ("4 eggs", "2. Add the milk slowly."),
        ("500 ml of milk", "3. Let it rest an hour."),
    ]
    assert tables.describe(grid(recipe)) is None
    keys = [("Super+D Start", "Super+F Split left", "Super+G Quit")] * 4
    assert tables.describe(grid(keys)) is None


def test_a_first_row_like_the_others_names_no_columns() -> None:
    """A programme without headings, whose first film would be the names."""
    films = [
        ("Do 3.12.", "Paris", "20:00"),
        ("Sa 5.12.", "Amélie", "18:30"),
        ("Mi 9.12.", "Jaws", "20:15"),
    ]
    found = tables.describe(grid(films))
    assert found is not None
    assert found.text.startswith("table with three rows. Do 3.12.: Paris, 20:00; Sa 5.12.")


def test_a_one_with_a_descender_is_a_one() -> None:
    """As old typefaces have it on a price list; Roman numbers and words stay."""
    assert tidy("I,30 €") == "1,30 €"
    assert tidy("Gnocchi II,00") == "Gnocchi 11,00"
    assert tidy("S,5O") == "5,50"
    assert tidy("IS.SO") == "IS.SO"
    assert tidy("Part I, 30 pages") == "Part I, 30 pages"


def test_a_sign_s_headline_is_no_meme() -> None:
    """White capitals above other words that are no caption."""
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[20:60, 200:400:2] = 255
    headline = line("DANGERZONE", 250, 20, height=40)
    below = [line("Deep water. No swimming.", 180, 100), line("Geese will not help.", 200, 140)]
    assert memes.caption(pixels, [headline]) == "DANGERZONE"
    assert not memes.caption(pixels, [headline, *below])


def test_prices_on_a_photographed_receipt_are_read() -> None:
    """Those in a row with its words, and in line with them; what else looks like a number isn't."""
    things = rows("Quiche du jour", "Salade verte", "TOTAL EUR")
    prices = [line(text, 300, 40 * at) for at, text in enumerate(("19.00", "6.50", "25.50"))]
    texture = line("88", 600, 300)
    assert joined(memes.believed([*things, *prices, texture])) == (
        "Quiche du jour 19.00 Salade verte 6.50 TOTAL EUR 25.50"
    )


def test_a_sign_s_days_and_hours_are_read() -> None:
    """Strokes and an ampersand between words are no texture."""
    assert joined(memes.believed(rows("NO PARKING", "8AM - 6PM", "TUE & THU"))) == (
        "NO PARKING 8AM - 6PM TUE & THU"
    )


def test_vietnamese_is_not_half_read() -> None:
    """The recogniser leaves out letters with two marks, also in lines that look whole."""
    lines = [Line("h à", 0.96, 40, 50, 245, 94), line("Phở bò tái: 55.000đ", 40, 155)]
    found = with_unread(Statement("image of text: “Phở”", "high", "text"), lines)
    assert found.level == "low"
    assert "Vietnamese" in found.text


def test_discs_of_a_game_are_no_text() -> None:
    """They aren't said to be in another script either."""
    assert not Line("●●●O●●", 0.4, 0, 0, 560, 80).is_foreign


def test_a_post_s_rows_of_counts_are_left_out() -> None:
    """Of what they are only icons tell; words, times and lists of numbers in the post stay."""
    apples = f"{', '.join(map(str, range(40)))} apples"
    texts = ("Mara @mara@norden.social 3h", apples, "14:05")
    post = rows(*texts)
    post += [line("14", 0, 200), line("2", 60, 200), line("87 \u2605312", 120, 200)]
    post += [line("3.4k", 300, 200), line("\u706b", 400, 200), line("4\u56db2 9", 460, 200)]
    found = screenshots.describe(post, 800, 600)
    assert found is not None
    assert found.kind == "social media post"
    assert found.text.endswith(f"“{' '.join(texts)}”")
