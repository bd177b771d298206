"""What is read together: columns, prices, cards; and what says nothing where it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from altwright.describers.offline import cards, screenshots
from altwright.describers.offline.charts import tables
from altwright.describers.offline.vision import columns
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import ordered


def line(text: str, x: float, y: float, *, score: float = 0.99, height: float = 20) -> Line:
    """Return a line whose letters are ten pixels wide."""
    return Line(text, score, x, y, x + 10 * len(text), y + height)


def read(lines: list[Line]) -> str:
    """Return the texts in their order."""
    return " ".join(one.text for one in ordered(lines))


def said(lines: list[Line]) -> tuple[str, str]:
    """Return what is said of plain text, and how surely."""
    found = screenshots.describe(lines, 800, 600)
    assert found is not None
    return found.text, found.level


def test_prices_stay_with_what_they_stand_beside() -> None:
    """A receipt is read row by row, not its things first and all its sums behind."""
    things = [line(text, 0, 30 * i) for i, text in enumerate(("Apples", "Rye bread", "TOTAL"))]
    sums = [line(text, 300, 30 * i) for i, text in enumerate(("3.48", "2.95", "6.43"))]
    assert read(things + sums) == "Apples 3.48 Rye bread 2.95 TOTAL 6.43"


def test_prices_stay_there_where_some_things_weren_t_read() -> None:
    """Of a photographed receipt; the sums still stand flush below one another."""
    things = [(0, "Apples"), (30, "Rye bread"), (120, "TOTAL"), (180, "CASH")]
    lines = [line(text, 0, y) for y, text in things]
    lines += [line(f"{3 + i}.48", 300, 30 * i) for i in range(7)]
    assert read(lines) == "Apples 3.48 Rye bread 4.48 5.48 6.48 TOTAL 7.48 8.48 CASH 9.48"


def test_dates_and_seats_are_no_values_of_what_they_stand_beside() -> None:
    """A boarding pass is read column by column: each value stands below its name."""
    columns_ = (("FLIGHT", "FJ 618", "BOARDING", "18:25"), ("DATE", "3 Dec", "SEAT", "22F"))
    lines = [
        line(text, 200 * at, y)
        for at, column in enumerate(columns_)
        for y, text in zip((0, 22, 80, 102), column, strict=True)
    ]
    assert read(lines) == "FLIGHT FJ 618 BOARDING 18:25 DATE 3 Dec SEAT 22F"


def test_text_whose_order_is_guessed_is_never_quite_sure() -> None:
    """Across gaps, up again, or where names stand again and again, others may read it otherwise."""
    one = [line(f"A line of running text, number {i}", 0, 30 * i) for i in range(4)]
    assert said(one)[1] == "high"
    beside = [line(f"Another one at the right, {i}", 500, 30 * i) for i in range(4)]
    assert said([*one[:2], *beside[:2]])[1] == "medium"
    assert said(one + beside)[1] == "medium"
    talk = ("Ana", "Who brings the tent?", "Joe", "I have a small one", "Ana", "Fine", "Joe", "Bye")
    assert said([line(text, 0, 30 * i) for i, text in enumerate(talk)])[1] == "medium"


def test_columns_below_a_headline_and_above_a_note_are_read_down() -> None:
    """A menu's two lists aren't torn where both have a wide gap."""
    left = [line(f"left {i}", 0, y) for i, y in enumerate((60, 90, 170, 200))]
    right = [line(f"right {i}", 300, y) for i, y in enumerate((60, 90, 170, 200))]
    lines = [line("A headline above both of the columns", 0, 0), *left, *right]
    lines.append(line("A note below both of the columns", 30, 260))
    down = "left 0 left 1 left 2 left 3 right 0 right 1 right 2 right 3"
    assert read(lines) == f"{lines[0].text} {down} {lines[-1].text}"


@pytest.mark.parametrize("gap", [10, 4])
def test_columns_of_running_text_may_stand_close(gap: int) -> None:
    """A newspaper's columns are few letters apart, and less where it was photographed aslant."""
    left = [line("A line of running text", 0, 24 * i) for i in range(3)]
    right = [line("Goes on at the upper end", 220 + gap, 24 * i) for i in range(3)]
    assert ordered(left + right) == left + right


def test_a_line_across_two_columns_is_cut_at_their_gap() -> None:
    """Where the search for lines ran on over a narrow gap."""
    pixels = np.full((120, 500, 3), 255, np.uint8)
    boxes = []
    for y, spans in (
        (10, [(10, 230), (250, 480)]),
        (40, [(10, 480)]),
        (70, [(10, 230), (250, 480)]),
    ):
        for x0, x1 in ((10, 230), (250, 480)):
            pixels[y : y + 20, x0:x1:3] = 0
        boxes += [
            np.array([[a, y], [b, y], [b, y + 20], [a, y + 20]], np.float32) for a, b in spans
        ]
    ends = sorted(
        (float(b[:, 1].min()), float(b[:, 0].max())) for b in columns.divided(pixels, boxes)
    )
    assert len(ends) == 6
    assert 230 < ends[2][1] < 250


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WASTE = ("Landfill", "Recycled")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(
            [
                *(line(f"{3 - i},0 %", 10, 40 + 60 * i) for i in range(4)),
                line("Growth", 200, 0), line("Norway", 120, 40), line("Malta", 120, 100),
                *(line(f"Q{i}", 100 * i, 300) for i in range(1, 5)),
            ],
            "Growth Norway Malta Q1 Q2 Q3 Q4",
            id="an axis with its legend",
        ),
        pytest.param(
            [
                *(line(f"{i}", 60 * (i % 7), 50 + 50 * (i // 7)) for i in range(21)),
                line("April", 0, 0), line("Choir 19:30", 60, 75),
            ],
            "April Choir 19:30",
            id="a calendar",
        ),
        pytest.param(
            [
                *(line(f"{i}", 100 * (i % 7), 50 + 50 * (i // 7)) for i in range(21)),
                *(line(day, 100 * at, -20) for at, day in enumerate(DAYS)),
                line("Dentist 8:30", 110, 75), line("Tax", 210, 125),
            ],
            "Dentist 8:30 Tax",
            id="a calendar whose days stand above",
        ),
        pytest.param(
            [
                line("Household waste", 0, 0), line("27 %", 300, 190), line("61 %", 420, 260),
                *(line(word, 700, 110 + 30 * at) for at, word in enumerate(WASTE)),
            ],
            "Household waste Landfill Recycled",
            id="shares on slices that aren't told",
        ),
        pytest.param(
            [
                line("Light rain", 300, 0), line("Now", 60, 90),
                *(line(f"{14 + at}", 190 + 120 * at, 90) for at in range(4)), line("8°", 430, 150),
            ],
            "Light rain Now",
            id="what is below an hour",
        ),
        pytest.param(
            [
                line("Council election", 0, 0),
                *(
                    line(f"{share},2 %", 120 * at, 400 - 10 * share)
                    for at, share in enumerate((31, 24, 23, 8, 7, 5))
                ),
                *(line(party, 120 * at, 385) for at, party in enumerate("ABCDEF")),
            ],
            "Council election A B C D E F",
            id="shares above bars",
        ),
        pytest.param(
            [
                line("Bananas, 1 kg", 0, 0), line("179", 0, 60, height=100),
                line("before 2.49", 0, 200), line("until Saturday", 0, 240),
            ],
            "Bananas, 1 kg before 2.49 until Saturday",
            id="a price whose cents are raised",
        ),
    ],
)  # fmt: skip
def test_numbers_that_belong_to_nothing_read_are_left_out(lines: list[Line], words: str) -> None:
    """A tick label beside a legend isn't its value."""
    assert said(lines) == (f"image with numbers and the words: “{words}”", "medium")


def test_numbers_with_their_words_are_read() -> None:
    """A poll's shares stand beside what was asked, evenly below one another."""
    lines = [line(f"{share}%", 0, 40 * i) for i, share in enumerate((41, 38, 21))]
    lines += [line(text, 80, 40 * i) for i, text in enumerate(("Tabs", "Spaces", "Both"))]
    assert said(lines) == ("image of text: “41% Tabs 38% Spaces 21% Both”", "high")


def test_a_salad_is_no_draft() -> None:
    """Of a text upside down the recogniser is unsure; a puzzle's letters have no order."""
    assert said([line("Thk k k out,", 0, 0, score=0.74)])[1] == "low"
    assert said([line(letter, 50 * i, 0) for i, letter in enumerate("CATXE")])[1] == "low"
    salad = line("in fushed donn Te todet", 0, 40, score=0.7)
    assert "…" in said([line("Water at home", 0, 0), salad, line("and at work", 0, 80)])[0]


def test_a_program_is_read_without_its_list_of_files() -> None:
    """And the lines of a comparison, whose marks get lost, are called old and new."""
    code = [
        line(text, 200, 30 * i) for i, text in enumerate(("import os", "def run(a):", "return a"))
    ]
    files = [line(text, 0, 30 * i) for i, text in enumerate(("EXPLORER", "main.py", "tests"))]
    assert said(code + files)[0].endswith("“import os def run(a): return a”")
    diff = [line("@@ -10,6 +10,6 @@ def tax(a):", 0, 0), *code]
    assert "old and new lines" in said(diff)[0]
    assert said(diff)[1] == "medium"


def test_lists_ticks_and_gaps_make_no_columns_of_a_table() -> None:
    """Two lists of a menu, bars above their axis, rows of a ranking."""
    menu = [("Breakfast", "Drinks"), ("Porridge 4.50", "Espresso 2.10"), ("Toast 3.00", "Tea 2.80")]
    bars = [
        ("Schools", "70%", "20%", "10%"),
        ("Trams", "30%", "30%", "40%"),
        ("0", "20", "40", "60"),
    ]
    ranking = [
        ("S", "Ramen", ""),
        ("A", "Gyoza", "Ravioli"),
        ("B", "Wonton", "Pierogi"),
        ("C", "Rice", ""),
    ]

    def grid(cells: Sequence[tuple[str, ...]]) -> list[Line]:
        rows = enumerate(cells)
        return [line(t, 180 * x, 50 * y) for y, row in rows for x, t in enumerate(row) if t]

    assert tables.describe(grid(menu)) is None
    assert tables.describe(grid(bars)) is None
    found = tables.describe(grid(ranking))
    assert found is not None
    rows = "S: Ramen, empty; A: Gyoza, Ravioli; B: Wonton, Pierogi; C: Rice, empty"
    assert found.text == f"table with four rows. {rows}"


def test_a_headline_of_two_pieces_is_no_row_of_a_table() -> None:
    """A station's board has its name and the time above the names of its columns."""
    cells = [
        ("Time", "To", "Platform", "Remarks"),
        ("17:02", "Leeds", "4", "on time"),
        ("17:10", "York", "9", "cancelled"),
        ("17:22", "Hull", "7", "on time"),
    ]
    lines = [
        line(t, 150 * x, 50 + 50 * y) for y, row in enumerate(cells) for x, t in enumerate(row)
    ]
    lines += [line("Departures", 0, 0), line("16:58", 600, 0)]
    found = tables.describe(lines)
    assert found is not None
    assert found.text.startswith(
        "table titled “Departures 16:58” with three rows and the columns Time"
    )


def test_cards_are_read_one_by_one() -> None:
    """An infographic's numbers stay with what they count."""
    pixels = np.full((300, 600, 3), 255, np.uint8)
    pixels[20:180, 20:280] = (200, 230, 255)
    pixels[20:180, 320:580] = (216, 245, 208)
    lines = [line("128 l", 60, 50), line("27 %", 360, 50)]
    lines += [line("used a day", 60, 100), line("is flushed", 360, 100)]
    found = cards.describe(pixels, lines)
    assert found is not None
    assert found.text == "image with text in two parts: “128 l used a day”, “27 % is flushed”"
    assert found.level == "high"
    ticks = [line(day, 100 * at, 250) for at, day in enumerate(("Mon", "Tue", "Wed"))]
    more = cards.describe(pixels, [*lines, *ticks])  # of something else, a chart perhaps
    assert more is not None
    assert more.level == "medium"


def test_cells_of_a_grid_are_read_one_by_one() -> None:
    """A bingo card's sentences go on in their cells, not in the next ones."""
    pixels = np.zeros((220, 640, 3), np.uint8)
    cells = (("Sorry, I have", "a hard stop"), ("Doorbell",), ("Echo",))
    lines = []
    for at in range(6):
        x, y = 10 + 210 * (at % 3), 10 + 100 * (at // 3)
        pixels[y : y + 90, x : x + 200] = 255
        texts = cells[at % 3] if at < 3 else ("You're on mute",)
        lines += [line(text, x + 10, y + 10 + 30 * row) for row, text in enumerate(texts)]
    found = cards.describe(pixels, lines)
    assert found is not None
    assert found.level == "medium"
    assert found.text.startswith("image with text in six parts: “Sorry, I have a hard stop”, “Door")


def test_an_area_with_nothing_on_it_is_no_card() -> None:
    """Beside a grid, a colour that a label begins on, and that ends before its middle."""
    pixels = np.zeros((220, 900, 3), np.uint8)
    lines = []
    for at in range(6):
        x, y = 10 + 210 * (at % 3), 10 + 100 * (at // 3)
        pixels[y : y + 90, x : x + 200] = 255
        lines += [line(f"number {at}{row}", x + 10, y + 10 + 30 * row) for row in range(2)]
    pixels[100:120, 660:740] = (20, 160, 60)
    pixels[100:120, 740:864] = np.random.default_rng(1).integers(0, 256, (20, 124, 3), np.uint8)
    found = cards.describe(pixels, [*lines, line("a label that runs on", 664, 100)])
    assert found is not None
    assert "in seven parts" in found.text


def test_values_of_a_list_stay_with_their_labels_where_some_have_none() -> None:
    """As settings on a telephone without its status bar, or a receipt."""
    labels = ("Aeroplane mode", "Network", "Sounds", "Screen", "Battery")
    lines = [line(text, 20, 40 + 60 * at) for at, text in enumerate(labels)]
    lines += [line(text, 400, 40 + 60 * at) for at, text in ((0, "Off"), (1, "Home"), (4, "82%"))]
    found = screenshots.describe(lines, 480, 800)
    assert found is not None
    assert found.text == (
        "image of text: “Aeroplane mode: Off; Network: Home. Sounds. Screen. Battery: 82%”"
    )
    assert found.level == "medium"
    tops = (0, 15, 80, 140, 200)  # the first two stand so close that they are one row
    unsure = screenshots.describe([replace(one, score=0.7) for one in lines], 480, 800)
    assert unsure is not None
    assert unsure.level == "low"
    close = [line(text, 20, top) for text, top in zip(labels, tops, strict=True)]
    close += [line(f"1{at},00", 400, top) for at, top in enumerate(tops)]
    found = screenshots.describe(close, 480, 800)
    assert found is not None
    assert "Aeroplane mode 10,00 Network 11,00" in found.text


def test_figures_on_tiles_stay_with_the_words_above_them() -> None:
    """Not each word with the one beside it, as in a list."""
    tiles = (("Distance", "Pace"), ("10.02 km", "5:41 /km"), ("Time", "Climb"), ("56:58", "34 m"))
    lines = [line("Morning run", 20, 40)]
    for at, pair in enumerate(tiles):
        lines += [line(text, 20 + 240 * of, 200 + 60 * at) for of, text in enumerate(pair)]
    found = screenshots.describe(lines, 480, 800)
    assert found is not None
    assert found.text.endswith(
        "“Morning run. Distance: 10.02 km; Pace: 5:41 /km; Time: 56:58; Climb: 34 m”"
    )


def test_a_departure_and_a_ticket_have_no_heads_of_columns() -> None:
    """The first departure names nothing; on a ticket names and what is named take turns."""
    board = [(f"10:{at}5", town, f"B{at}") for at, town in enumerate(("Oslo", "Porto", "Wien"))]
    ticket = [("From", "To", "Date"), ("Utrecht", "Berlin", "12 Aug")]
    ticket += [("Departs", "Seat", "Price"), ("08:31", "64", "49.90")]
    found = []
    for cells in (board, ticket):
        lines = [
            line(text, 200 * of, 60 * at)
            for at, row in enumerate(cells)
            for of, text in enumerate(row)
        ]
        found.append(tables.describe(lines))
    assert found[0] is not None
    assert found[0].text.startswith("table with three rows. 10:05: Oslo, B0; ")
    assert found[1] is None


def test_columns_of_japanese_are_read_from_the_right() -> None:
    """And of Vietnamese letters are lost, so it isn't read."""
    right, left = "古池や蛙飛びこむ水の音", "閑さや岩にしみ入る蝉の声"
    places = ((left, 0, 400), (right, 60, 380))
    lines = [Line(text, 0.99, x, 0, x + 30, y) for text, x, y in places]
    assert [one.text for one in ordered(lines)] == [right, left]
    assert line("Xin li vì s bt tin này, th viện đóng ca ơ", 0, 0).is_foreign


def test_numbers_below_their_labels_stay_with_them() -> None:
    """As on a dashboard; rows of numbers below one another are a table's or a calendar's."""
    labels = [line(text, 300 * at, 0) for at, text in enumerate(("Today", "Now", "Battery"))]
    values = [line(text, 300 * at, 30) for at, text in enumerate(("14.2 kWh", "2.31", "87%"))]
    assert read(labels + values) == "Today 14.2 kWh Now 2.31 Battery 87%"
    assert "87%" in said(labels + values)[0]
    days = [line(text, 300 * at, 60) for at, text in enumerate(("4", "5", "6"))]
    assert read(labels + values + days) == "Today Now Battery 14.2 kWh 2.31 87% 4 5 6"
