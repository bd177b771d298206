"""What bars, lines and bubbles of drawn charts say: all of them, or that some are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageDraw

from altwright.describers.offline.charts import describe, tables
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import Reader

BLUE, RED, GREEN = "#3388aa", "#c44444", "#228833"
#: Where zero is, and pixels of one unit, along both axes.
ZERO_X, ZERO_Y, UNIT = 260, 300, 40


class Blind:
    """Reads no tick that the search for lines has missed, but those that it was given, in turn."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take what it reads."""
        self.texts = list(texts)

    def read_line(self, _pixels: object) -> str:
        """Read the next one."""
        return self.texts.pop(0) if self.texts else ""


def line(text: str, x: float, y: float) -> Line:
    """Return a line around its middle."""
    return Line(text, 0.99, x - 5 * len(text), y - 10, x + 5 * len(text), y + 10)


def left_of(text: str, x: float, y: float) -> Line:
    """Return a line that ends at x."""
    return Line(text, 0.99, x - 10 * len(text), y - 10, x, y + 10)


def told(
    boxes: Iterable[tuple[tuple[int, ...], str]],
    lines: list[Line],
    height: int = 420,
    reads: Sequence[str] = (),
) -> Statement | None:
    """Return what is said of a chart of such boxes, round ones where they are marked so."""
    image = Image.new("RGB", (640, height), "white")
    draw = ImageDraw.Draw(image)
    for box, colour in boxes:
        shape = draw.rectangle if colour in {BLUE, RED, "black"} else draw.ellipse
        shape(box, fill=colour)
    return describe.describe(np.asarray(image), lines, cast("Reader", Blind(reads)))


def upright_ticks() -> list[Line]:
    """Return the numbers from 0 to 6 left of the plot."""
    return [left_of(str(value), 70, ZERO_Y - UNIT * value) for value in range(0, 7, 2)]


def test_bars_on_the_other_side_of_a_thick_line_of_zero_are_said() -> None:
    """The line hides where they begin; to leave them out would turn losses into nothing."""
    values = {"Poland": 4, "Italy": -2, "Spain": 3, "France": -1}
    lines = [line(str(value), ZERO_X + UNIT * value, 400) for value in range(-2, 5)]
    boxes = []
    for place, (name, value) in enumerate(values.items()):
        y = 60 + 80 * place
        lines.append(left_of(name, 130, y))
        ends = sorted((ZERO_X, ZERO_X + UNIT * value))
        boxes.append(((ends[0], y - 25, ends[1], y + 25), BLUE if value > 0 else RED))
    boxes.append(((ZERO_X - 4, 20, ZERO_X - 1, 380), "black"))
    found = told(boxes, lines)
    assert found is not None
    for name, value in values.items():
        assert f"{name} about {value}".replace("-", "\N{MINUS SIGN}") in found.text


def test_a_waterfall_is_no_chart_of_the_bars_that_stand() -> None:
    """What floats is counted, and the values of the others alone aren't read out."""
    spans = [(0, 4), (4, 6), (3, 6), (0, 3)]
    boxes, lines = [], upright_ticks()
    for place, (low, high) in enumerate(spans):
        x = 150 + 120 * place
        lines.append(line(("Start", "Sales", "Wages", "End")[place], x, 330))
        boxes.append(((x - 40, ZERO_Y - UNIT * high, x + 40, ZERO_Y - UNIT * low), BLUE))
    found = told(boxes, lines)
    assert found is not None
    assert "four bars, of which only 2 begin at zero" in found.text.lower()
    assert found.level == "medium"


def test_bubbles_with_their_trend_are_no_line_chart() -> None:
    """Nothing is said of one line where most of what is drawn are spots."""
    lines = upright_ticks() + [line(str(value), 100 + 80 * value, 330) for value in range(7)]
    boxes = [
        (
            (100 + 70 * i, 60 + 25 * (i % 3), 100 + 70 * i + 12 + 5 * i, 72 + 25 * (i % 3) + 5 * i),
            GREEN,
        )
        for i in range(7)
    ]
    trend = [((100 + i, 290 - i // 3, 101 + i, 292 - i // 3), RED) for i in range(480)]
    alone, among = told(trend, lines), told([*boxes, *trend], lines)
    assert alone is not None
    assert alone.kind == "line chart"
    assert among is not None
    assert among.kind == "chart"


def test_a_clock_is_no_chart() -> None:
    """Hours stand at its left and below it, and run to the left there."""
    lines = [left_of(str(hour), 80, 300 - 100 * (hour - 8)) for hour in (8, 9, 10)]
    lines += [line(str(hour), 300 + 100 * (6 - hour), 380) for hour in (5, 6, 7)]
    assert told([((100, 20, 500, 360), "#eeeeee"), ((296, 80, 304, 200), "black")], lines) is None


def test_a_legend_is_no_title() -> None:
    """Its swatch tells."""
    lines = upright_ticks() + [line(name, 150 + 120 * at, 330) for at, name in enumerate("ABC")]
    bars = [((110 + 120 * at, ZERO_Y - UNIT * 3, 190 + 120 * at, ZERO_Y), BLUE) for at in range(3)]
    legend = line("Sold", 500, 70)
    swatch = ((445, 65, 475, 75), BLUE)
    found = told([*bars, swatch], [*lines, legend])
    assert found is not None
    assert "titled" not in found.text


@pytest.mark.parametrize("where", ["above", "below"])
def test_the_names_of_columns_stand_above_or_below(where: str) -> None:
    """A matrix has them below: its first row is no heading."""
    kinds = ("cat", "dog", "fox")
    names = [line(name, 200 + 120 * at, 0) for at, name in enumerate(kinds)]
    rows = []
    for place, name in enumerate(kinds):
        numbers = [line(str(10 + 7 * at + place), 200 + 120 * at, 0) for at in range(3)]
        rows.append([left_of(name, 80, 0), *numbers])
    ordered = [names, *rows] if where == "above" else [*rows, names]
    lines = [
        Line(one.text, one.score, one.x0, 50 * at, one.x1, 50 * at + 20)
        for at, row in enumerate(ordered, 1)
        for one in row
    ]
    found = tables.describe(lines)
    assert found is not None
    assert "cat, dog and fox. cat: 10, 17, 24" in found.text
    assert "with three rows" in found.text


@pytest.mark.parametrize("mark", ["-", "\N{EN DASH}", "\N{MINUS SIGN}"])
def test_the_marks_of_ticks_are_no_signs(mark: str) -> None:
    """An axis has no zero below zero: what stands before it there stands before each number."""
    values = {"Ash": 4, "Beech": 2, "Elm": 5}
    lines = [left_of(mark + tick.text, 70, tick.y) for tick in upright_ticks()]
    boxes = []
    for place, (name, value) in enumerate(values.items()):
        x = 160 + 120 * place
        lines.append(line(name, x, ZERO_Y + 20))
        boxes.append(((x - 30, ZERO_Y - UNIT * value, x + 30, ZERO_Y), BLUE))
    found = told(boxes, lines)
    assert found is not None
    for name, value in values.items():
        assert f"{name} about {value}" in found.text
    assert mark not in found.text


def three_bars() -> tuple[list[tuple[tuple[int, int, int, int], str]], list[Line]]:
    """Return bars of 3 over A to E, of which the last two have none, and what is written."""
    lines = upright_ticks() + [line(name, 150 + 90 * at, 330) for at, name in enumerate("ABCDE")]
    boxes = [((120 + 90 * at, ZERO_Y - UNIT * 3, 180 + 90 * at, ZERO_Y), BLUE) for at in range(3)]
    return boxes, lines


def test_bars_with_a_line_over_them_are_not_read_out() -> None:
    """It may hide some of them, or cut them in pieces."""
    boxes, lines = three_bars()
    clear = told(boxes, lines)
    assert clear is not None
    assert clear.level == "medium"  # what is measured is looked at
    over = told([*boxes, ((100, 200, 560, 203), RED)], lines)
    assert over is not None
    assert over.level == "medium"
    assert "Bars whose values could not be read" in over.text
    cut = [((390, 160, 410, 260), BLUE), ((390, 240, 450, 260), BLUE)]
    in_pieces = told([*boxes, *cut], lines)
    assert in_pieces is not None
    assert "Bars whose values could not be read" in in_pieces.text


def test_numbers_at_the_right_make_a_chart_unsure() -> None:
    """What is drawn may be measured by them."""
    boxes, lines = three_bars()
    right = [line(str(10 * value), 600, ZERO_Y - UNIT * value) for value in range(0, 7, 2)]
    found = told(boxes, [*lines, *right])
    assert found is not None
    assert found.level == "medium"
    assert "vertical axes on both sides" in found.text


def test_a_line_that_cant_be_followed_is_counted_as_one_more() -> None:
    """One of two lines alone would be a false account of what is compared."""
    lines = upright_ticks() + [line(str(value), 100 + 80 * value, 330) for value in range(7)]
    rising = [((100 + i, 290 - i // 3, 101 + i, 292 - i // 3), RED) for i in range(480)]
    alone = told(rising, lines)
    assert alone is not None
    assert "One line" in alone.text
    dashes = [((100 + 24 * i, 100, 110 + 24 * i, 140), BLUE) for i in range(20)]
    among = told([*rising, *dashes], lines)
    assert among is not None
    assert "At least one line" in among.text
    assert among.level == "medium"


def test_what_a_legend_and_a_note_say_are_no_titles() -> None:
    """A row with a swatch below the plot, and the size of the sample on it."""
    boxes, lines = three_bars()
    legend = [line("Sold", 200, 380), line("Lent", 320, 380)]
    swatches = [((140, 375, 170, 385), BLUE), ((262, 375, 292, 385), "#555555")]
    for note in (line("p < 0.01 (t test)", 330, 40), line("server migration", 500, 60)):
        found = told([*boxes, *swatches], [*lines, *legend, note])
        assert found is not None
        assert "“" not in found.text


def test_a_page_with_more_than_a_chart_is_no_chart() -> None:
    """The numbers above it would be left out."""
    boxes, lower = lowered(*three_bars(), by=400)
    above = [line(text, 160 + 200 * (at % 3), 40 + 60 * (at // 3)) for at, text in enumerate(
        ("Users", "Posts", "Disk", "12,482", "3,107", "81%", "Requests")
    )]  # fmt: skip
    assert told(boxes, lower, height=820) is not None
    assert told(boxes, [*above, *lower], height=820) is None


def test_an_area_s_edge_is_no_line() -> None:
    """Of areas on one another the edges tell sums, which no legend names."""
    lines = upright_ticks() + [line(str(value), 100 + 80 * value, 330) for value in range(7)]
    edge = [((100 + i, 180 - i // 5, 101 + i, 182 - i // 5), RED) for i in range(480)]
    area = [((100 + i, 204 - i // 5, 101 + i, ZERO_Y), BLUE) for i in range(480)]
    found = told([*edge, *area], lines)
    assert found is not None
    assert found.kind == "chart"


def test_bars_beyond_an_axis_that_grows_to_both_sides_are_not_measured() -> None:
    """Of a pyramid of ages no bar is negative; one of its scale's halves was read."""
    lines = [line(str(value), ZERO_X + UNIT * value, 400) for value in (0, 2, 4)]
    boxes = []
    for place, name in enumerate(("young", "grown", "old")):
        y = 60 + 80 * place
        lines.append(left_of(name, 60, y))
        ends = (ZERO_X - 4 * UNIT, ZERO_X) if place != 1 else (ZERO_X, ZERO_X + 3 * UNIT)
        boxes.append(((ends[0], y - 25, ends[1], y + 25), RED if place == 1 else BLUE))
    found = told(boxes, lines)
    assert found is not None
    assert found.level == "medium"
    assert "\N{MINUS SIGN}" not in found.text


def lowered(
    boxes: Iterable[tuple[tuple[int, int, int, int], str]], lines: list[Line], by: int
) -> tuple[list[tuple[tuple[int, int, int, int], str]], list[Line]]:
    """Return a chart with room above it."""
    moved = [((x0, y0 + by, x1, y1 + by), colour) for (x0, y0, x1, y1), colour in boxes]
    return moved, [replace(one, y0=one.y0 + by, y1=one.y1 + by) for one in lines]


def test_three_pieces_above_a_plot_are_no_title() -> None:
    """They are the heads of a dashboard's figures; a title has two at most."""
    boxes, lines = lowered(*three_bars(), by=100)
    pieces = [line("Visits", 150, 60), line("Sales", 300, 60), line("Stock", 450, 60)]
    for count in (2, 3):
        found = told(boxes, [*lines, *pieces[:count]], height=520)
        assert found is not None
        assert ("titled “Visits Sales" in found.text) == (count == 2)


@pytest.mark.parametrize(
    ("ticks", "read"),
    [
        (("0", "1.000", "2.000", "3.000"), "from 0 to 3,000."),
        (("0", "500", "1.000", "1.500"), "from 0 to 1,500"),
        (("0 €", "1.000.000 €", "2.000.000 €", "3.000.000 €"), "from €0 to €3,000,000"),
        (("0.995", "1.000", "1.005", "1.010"), "from 0.995 to 1.01"),
        (("0.000", "0.010", "0.020", "0.030"), "from 0 to 0.03"),
        (("1.005", "1.010", "1.015", "1.020"), "from 1 to 1.02"),
    ],
)
def test_dots_of_an_axis_part_thousands_or_decimals(ticks: tuple[str, ...], read: str) -> None:
    """Three thousand isn't three: no axis writes the same zeros behind the point of each number."""
    boxes, lines = three_bars()
    words = [one for one in lines if one.text.isalpha()]
    at_left = [left_of(text, 90, ZERO_Y - UNIT * 2 * at) for at, text in enumerate(ticks)]
    found = told(boxes, [*words, *at_left])
    assert found is not None
    assert f"vertical axis {read}" in found.text


def test_a_row_of_ticks_that_was_read_as_one_is_as_long_as_the_plot() -> None:
    """Else a line is only followed to that row's middle; its last value is another's."""
    falling = [((100 + i, 100 + i // 3, 101 + i, 102 + i // 3), RED) for i in range(480)]
    ticks = Line("Q1 Q2 Q3 Q4", 0.99, 95, 320, 590, 340)
    found = told(falling, [*upright_ticks(), ticks])
    assert found is not None
    assert found.text.endswith("One line: first about 5, last about 1")


def test_labels_that_run_upwards_are_ticks() -> None:
    """Below a plot, as Vega draws them; what stands below these is the axis' title."""
    boxes, lines = three_bars()
    ticks = [one for one in lines if not one.text.isalpha()]
    names = ("January-", "February", "March")
    ticks += [
        Line(name, 0.99, 140 + 90 * at, 310, 160 + 90 * at, 370) for at, name in enumerate(names)
    ]
    found = told(boxes, [*ticks, line("month", 250, 395)])
    assert found is not None
    assert found.text == (
        "Bar chart. Horizontal axis “month” from January to March; vertical axis from 0 to 6. "
        "Bars: January about 3, February about 3, March about 3"
    )


@pytest.mark.parametrize("first", ["2015-", "2075"])
def test_an_axis_reaches_to_the_ticks_that_weren_t_read(first: str) -> None:
    """The first of five years, whose mark was read as a dash, or a digit as another."""
    boxes, lines = three_bars()
    ticks = [one for one in lines if not one.text.isalpha()]
    years = (first, "2016", "2017", "2018", "2019")
    ticks += [line(year, 150 + 90 * at, 330) for at, year in enumerate(years)]
    found = told(boxes, ticks)
    assert found is not None
    assert "Horizontal axis from 2015 to 2019" in found.text


@pytest.mark.parametrize(("written", "read"), [("5", "B 5,"), ("3", "B about 5,")])
def test_values_may_be_written_on_the_bars(written: str, read: str) -> None:
    """White on them, as Plotly does, and these wider than the gaps between; an axis may deny it."""
    _, lines = three_bars()
    boxes = [((106 + 90 * at, ZERO_Y - UNIT * 5, 194 + 90 * at, ZERO_Y), BLUE) for at in range(5)]
    label = line(written, 240, ZERO_Y - UNIT * 5 + 16)
    letter = ((237, int(label.y0) + 4, 243, int(label.y1) - 4), "#ffffff")
    found = told([*boxes, letter], [*lines, label])
    assert found is not None
    assert read in found.text


def test_an_axis_whose_first_label_may_be_missing_is_told_by_its_last() -> None:
    """There is room for one more before it."""
    boxes, lines = three_bars()
    rest = [one for one in lines if one.text not in {"A", "B"}]
    found = told(boxes, rest)
    assert found is not None
    assert "Horizontal axis up to E;" in found.text


def test_names_are_left_out_if_the_last_bar_has_none() -> None:
    """Friday's stood at the plot's edge, and its name wasn't read: it isn't "to Thursday"."""
    boxes, lines = three_bars()
    boxes += [((390, ZERO_Y - UNIT * 5, 450, ZERO_Y), BLUE)]
    rest = [one for one in lines if one.text not in {"D", "E"}]
    found = told(boxes, rest)
    assert found is not None
    assert found.text.startswith("Bar chart. Vertical axis from 0 to 6. ")


def test_a_tick_at_the_picture_s_edge_is_looked_for() -> None:
    """The mark behind it is read with it."""
    boxes, lines = three_bars()
    ticks = [replace(o, x0=1) for o in lines if not o.text.isalpha() and o.text != "0"]
    found = told(boxes, [*ticks, *(o for o in lines if o.text.isalpha())], reads=["0-"])
    assert found is not None
    assert "vertical axis from 0 to 6" in found.text


def test_a_dashed_line_is_no_row_of_dots() -> None:
    """It marks the median of a histogram."""
    boxes, lines = three_bars()
    dashes = [((300, ZERO_Y - 20 * at, 304, ZERO_Y - 20 * at + 5), RED) for at in range(1, 12)]
    found = told([*boxes, *dashes], lines)
    assert found is not None
    assert found.kind == "bar chart"


@pytest.mark.parametrize("entries", [("Zig", "Zig"), ("Zig", "Zig 9")])
def test_two_series_of_one_name_have_none(entries: tuple[str, str]) -> None:
    """A bar covers the first one's sample in the legend: both would be the last one's.

    Of "Team B" the letter was read apart, beside "Team A".
    """
    names = [line(name, 180 + 120 * at, 330) for at, name in enumerate("ABC")]
    boxes = [
        (
            (150 + 120 * at + 30 * of, ZERO_Y - UNIT * (2 + of), 180 + 120 * at + 30 * of, ZERO_Y),
            ink,
        )
        for at in range(3)
        for of, ink in enumerate((BLUE, RED))
    ]
    legend = [((500, 20, 512, 32), RED), ((500, 50, 512, 62), BLUE)]
    written = [Line(entries[at], 0.99, 520, 16 + 30 * at, 560, 36 + 30 * at) for at in range(2)]
    found = told([*boxes, *legend], [*upright_ticks(), *names, *written])
    assert found is not None
    assert "Zig" not in found.text


def test_faint_ticks_are_looked_for_as_far_as_zero() -> None:
    """On dark ground only the upper ones were found."""
    boxes, lines = three_bars()
    upper = [left_of(str(value), 70, ZERO_Y - 20 * value) for value in (8, 10, 12)]
    names = [one for one in lines if one.text.isalpha()]
    found = told(boxes, [*upper, *names], reads=["6", "4", "2", "\N{GREEK SMALL LETTER THETA}"])
    assert found is not None
    assert "vertical axis from 0 to 12" in found.text


def test_ticks_that_were_read_as_one_still_end_the_axis() -> None:
    """150 and 160 where these stand closest."""
    boxes, lines = three_bars()
    ticks = [one for one in lines if not one.text.isalpha()]
    ticks += [line(str(10 * at), 110 + 60 * at, 330) for at in range(5)]
    both = Line("50 60", 0.99, 400, 320, 480, 340)
    found = told(boxes, [*ticks, both])
    assert found is not None
    assert "Horizontal axis from 0 to 60;" in found.text


def test_whose_chart_it_is_is_no_axis() -> None:
    """A library writes its address in the corner; titles of axes stand below their middle."""
    boxes, lines = three_bars()
    for at, is_title in ((330, True), (560, False)):
        found = told(boxes, [*lines, line("Charts.com", at, 370)])
        assert found is not None
        assert ("“Charts.com”" in found.text) == is_title


def test_the_lowest_value_is_no_higher_than_the_first() -> None:
    """A line's edge is measured by its usual thickness, which is that of its steep part."""
    flat = [((100 + i, 264, 101 + i, 265), RED) for i in range(100)]
    steep = [((200 + i, 262 - i * 5 // 8, 200 + i, 266 - i * 5 // 8), RED) for i in range(380)]
    ticks = [line(str(value), 100 + 80 * value, 330) for value in range(7)]
    found = told([*flat, *steep], [*upright_ticks(), *ticks])
    assert found is not None
    assert "One line: first about 0.8, last about" in found.text
