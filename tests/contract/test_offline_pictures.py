"""What the offline describer says of pictures whose content is known."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from evaluation.drawing.charts import (
    bar_chart,
    hanging_chart,
    line_chart,
    pie_chart,
    stacked_chart,
)
from evaluation.drawing.screens import table
from evaluation.drawing.sheet import font, written
from evaluation.pictures.photographs import meme
from PIL import Image, ImageChops, ImageDraw
from tests import support_offline
from tests.support_offline import jpeg, photo, picture, png, say, told

from altwright.captions.pictures.decoding import prepare
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.port import Request

describer = support_offline.describer

PLANS = (
    ("Plan", "Price", "Storage", "Users"),
    ("Free", "$0", "50 GB", "1"),
    ("Team", "$8", "100 GB", "10"),
    ("School", "$4", "200 GB", "500"),
)


def test_a_post_s_screenshot_is_read_out(describer: OfflineDescriber) -> None:
    """The kind of screen is named and every line is read, in order."""
    image = written(
        (720, 300),
        [
            (24, 20, 24, "Jane Porter"),
            (24, 54, 18, "@jane@example.social"),
            (24, 104, 24, "The trick was to delete code"),
            (24, 144, 24, "that nobody had run for years."),
            (24, 220, 18, "12 boosts   48 favourites"),
        ],
    )
    found = told(describer, png(image))
    assert found.text == (
        "Screenshot of a social media post: “Jane Porter @jane@example.social The trick was to "
        "delete code that nobody had run for years. 12 boosts 48 favourites”."
    )
    assert found.level == "high"
    assert found.evidence["kind"] == "social media post"
    assert found.evidence["text"][0]["text"] == "Jane Porter"


def test_a_screenshot_saved_as_jpeg_stays_one(describer: OfflineDescriber) -> None:
    """Compression doesn't turn a picture of text into a photo."""
    image = written(
        (720, 260),
        [
            (24, 30, 26, "The library is closed on Monday."),
            (24, 80, 26, "Please return your books"),
            (24, 130, 26, "through the letter box."),
        ],
    )
    assert told(describer, jpeg(image, quality=70)).text == (
        "Image of text: “The library is closed on Monday. Please return your books through the "
        "letter box.”"
    )


def test_columns_are_read_one_after_the_other(describer: OfflineDescriber) -> None:
    """An article of two columns isn't read across."""
    left = ("The river rose by two metres", "in a single night, and the", "lower road is closed.")
    right = ("Nobody was hurt. The school", "stays open, but the market", "moves to the square.")
    texts = [(30, 30 + 44 * i, 24, text) for i, text in enumerate(left)]
    texts += [(470, 30 + 44 * i, 24, text) for i, text in enumerate(right)]
    assert told(describer, png(written((860, 200), texts))).text == (
        "Image of text: “The river rose by two metres in a single night, and the lower road is "
        "closed. Nobody was hurt. The school stays open, but the market moves to the square.”"
    )


def test_a_terminal_is_called_that(describer: OfflineDescriber) -> None:
    """A prompt tells a terminal from other text."""
    lines = ("$ git status", "On branch main", "nothing to commit, working tree clean")
    texts = [(20, 20 + 44 * i, 24, text) for i, text in enumerate(lines)]
    image = written((720, 170), texts, paper="#181820", ink="#d0e0d0")
    assert told(describer, png(image)).text.startswith("Screenshot of a terminal: “$ git status")


def test_a_dialog_box_is_known_by_its_buttons(describer: OfflineDescriber) -> None:
    """Two buttons below a question make a dialog box."""
    image = written(
        (620, 220),
        [(30, 30, 24, "Delete this draft?"), (300, 150, 22, "Cancel"), (460, 150, 22, "OK")],
        paper="#f0f0f0",
    )
    assert told(describer, png(image)).text == (
        "Screenshot of a dialog box: “Delete this draft? Cancel OK”."
    )


def test_a_table_is_read_by_rows(describer: OfflineDescriber) -> None:
    """Columns are named once, then each row is read with its first cell as its name."""
    assert told(describer, png(table(PLANS, widths=(180, 160, 180, 160)))).text == (
        "Table with three rows and the columns Plan, Price, Storage and Users. Free: $0, 50 GB, 1; "
        "Team: $8, 100 GB, 10; School: $4, 200 GB, 500."
    )


def test_bars_are_measured(describer: OfflineDescriber) -> None:
    """Values are taken from the bars' ends by the axis, and said to be approximate."""
    image = bar_chart({"Mon": 12, "Tue": 31, "Wed": 44}, "Visitors", top=50, step=10)
    assert told(describer, png(image)).text == (
        "Bar chart titled “Visitors”. Horizontal axis from Mon to Wed; vertical axis from 0 to 50. "
        "Bars: Mon about 12, Tue about 31, Wed about 44."
    )


def test_short_labels_that_run_upwards_are_read(describer: OfflineDescriber) -> None:
    """Months below a chart, as Vega draws them, are hardly higher than wide."""
    values = {"Jan": 12, "May": 31, "Jun": 44}
    image = bar_chart(values, "Visitors", top=50, step=10, has_upright_labels=True)
    assert told(describer, png(image)).text == (
        "Bar chart titled “Visitors”. Horizontal axis from Jan to Jun; vertical axis from 0 to 50. "
        "Bars: Jan about 12, May about 31, Jun about 44."
    )


def test_a_chart_survives_jpeg(describer: OfflineDescriber) -> None:
    """Blurred edges change no value, and make no line of the bars' tops."""
    image = bar_chart({"Mon": 12, "Tue": 31, "Wed": 44}, "Visitors", top=50, step=10)
    assert told(describer, jpeg(image, 75)).text.endswith(
        "Bars: Mon about 12, Tue about 31, Wed about 44."
    )


def test_hanging_bars_are_negative(describer: OfflineDescriber) -> None:
    """Bars below the line of zero are measured downwards."""
    assert told(describer, png(hanging_chart())).text.endswith(
        "Bars: Jan about 25, Feb about \N{MINUS SIGN}12, Mar about 8, Apr about \N{MINUS SIGN}17."
    )


def test_stacks_get_no_values(describer: OfflineDescriber) -> None:
    """The lower part of a stack isn't sold as the bar's value."""
    text = told(describer, png(stacked_chart())).text
    assert text.endswith("Three stacked bars.")


def test_numbered_lines_are_no_chart(describer: OfflineDescriber) -> None:
    """Line numbers at the left don't make an axis; they are left out of the program."""
    code = ("import os", "", "def size(path):", "    return os.stat(path).st_size")
    texts = [(60, 20 + 40 * i, 22, text) for i, text in enumerate(code) if text]
    texts += [(20, 20 + 40 * i, 22, str(i + 1)) for i in range(len(code))]
    image = written((640, 200), texts)
    assert told(describer, png(image)).text.startswith(
        "Screenshot of program code: “import os def size(path):"
    )


def test_lines_are_named_by_the_legend(describer: OfflineDescriber) -> None:
    """Each line gets its legend's name, its ends and its extremes."""
    text = told(describer, png(line_chart())).text
    assert text.startswith("Line chart titled “Water level in metres”.")
    assert "Two lines." in text
    assert "River: first about 10, highest about 45, last about 30" in text
    assert "Lake: first about 5, highest about 9, last about 7" in text


def test_slices_get_their_names(describer: OfflineDescriber) -> None:
    """Percentages go with the names that stand beside them."""
    image = pie_chart({"Trains": 45, "Buses": 30, "Trams": 25}, "How we travel")
    assert told(describer, png(image)).text == (
        "Pie chart titled “How we travel”: Trains 45%, Buses 30%, Trams 25%."
    )


def test_a_meme_keeps_photo_and_caption(describer: OfflineDescriber) -> None:
    """The photo is described, and both captions are quoted."""
    image = meme(
        Image.open(BytesIO(photo("chelsea.png"))), "ONE  DOES  NOT  SIMPLY", "WAKE  THE  CAT"
    )
    assert told(describer, jpeg(image)).text == (
        "Meme: a cat, with the caption “ONE DOES NOT SIMPLY / WAKE THE CAT”."
    )


@pytest.mark.parametrize(
    ("name", "text", "level"),
    [
        ("astronaut.png", "Portrait of a person.", "high"),
        ("chelsea.png", "A cat.", "high"),
        ("coffee.png", "A cup of coffee.", "high"),
        ("camera.png", "A person and a tripod, in black and white.", "medium"),
        ("motorcycle_right.png", "A motorcycle.", "high"),
    ],
)
def test_subjects_of_photos_are_named(
    describer: OfflineDescriber, name: str, text: str, level: str
) -> None:
    """People, animals and things are named without actions, moods or names."""
    found = told(describer, photo(name))
    assert (found.text, found.level) == (text, level)


@pytest.mark.parametrize("name", ["coins.png", "gravel.png", "retina.jpg", "hubble_deep_field.jpg"])
def test_nothing_is_invented(describer: OfflineDescriber, name: str) -> None:
    """Where networks see ghosts (24 coins are 24 clocks to one), colours are no draft."""
    found = told(describer, photo(name))
    assert found.evidence["seen"].startswith("Picture, mostly in ")
    assert (found.text, found.level) == ("", "low")


def test_pictures_on_a_web_page_are_not_its_subject(describer: OfflineDescriber) -> None:
    """A profile with its photographs, of which one shows a motorcycle."""
    page = Image.new("RGB", (750, 1104), "white")
    places = [("rocket.jpg", (0, 0), (750, 270)), ("astronaut.png", (30, 200), (160, 160))]
    names = ("motorcycle_right.png", "coffee.png", "chelsea.png", "rocket.jpg")
    for at, name in enumerate((*names, "motorcycle_left.png", "astronaut.png")):
        places.append((name, (at % 3 * 252, 600 + at // 3 * 252), (246, 246)))
    for name, place, size in places:
        page.paste(Image.open(BytesIO(photo(name))).convert("RGB").resize(size), place)
    draw = ImageDraw.Draw(page)
    lines = ("Lars Nygaard", "@lars_outside", "Rockets, film cameras and too much coffee.")
    for at, text in enumerate((*lines, "312 posts   4.8K followers")):
        draw.text((30, 390 + 50 * at), text, fill="black", font=font(26))
    found = told(describer, jpeg(page))
    assert found.text.startswith("Image with the text: “Lars Nygaard @lars_outside Rockets, film")
    assert found.evidence["objects"]


def test_a_painting_isnt_called_a_photo(describer: OfflineDescriber) -> None:
    """Not even on canvas with grain; what lacks a camera's noise is never sure."""
    drawn = cv2.edgePreservingFilter(
        np.asarray(Image.open(BytesIO(photo("camera.png"))).convert("RGB"))
    )
    smooth = Image.fromarray(drawn)
    grain = np.random.default_rng(3).integers(0, 256, drawn.shape, np.uint8)
    for painting in (smooth, Image.blend(smooth, Image.fromarray(grain), 0.1)):
        found = told(describer, png(painting))
        assert "person" in found.text
        assert "photo" not in found.text.lower()
        assert found.level != "high" or painting is not smooth


def test_a_word_game_is_no_table(describer: OfflineDescriber) -> None:
    """Single letters in a grid are read as letters."""
    rows = enumerate(("CRANE", "SLOTH", "POINT", "MOUNT"))
    letters = [(40 + 80 * x, 30 + 80 * y, 36, one) for y, row in rows for x, one in enumerate(row)]
    assert "table" not in told(describer, png(written((460, 360), letters))).text.lower()


def test_a_terminal_s_columns_are_read_across(describer: OfflineDescriber) -> None:
    """Its output stands like a table and is none; the line that doesn't fit is the error."""
    shown = (("$ docker ps",), ("NAME", "STATUS"), ("web", "Up 2 hours"), ("db", "Up 3 hours"))
    cells = [
        (20 + 300 * x, 20 + 44 * y, 24, t) for y, r in enumerate(shown) for x, t in enumerate(r)
    ]
    cells.append((20, 200, 24, "Error: no such container"))
    assert told(describer, png(written((720, 250), cells))).text == (
        "Screenshot of a terminal: “$ docker ps NAME STATUS web Up 2 hours db Up 3 hours Error: no "
        "such container”."
    )


def test_a_screen_full_of_text_is_read_as_far_as_is_told(describer: OfflineDescriber) -> None:
    """Its first lines are enough for an alt text; all of them took half a minute."""
    lines = [
        (10, 10 + 22 * i, 16, f"{i} packets came and none was lost on line {i}") for i in range(80)
    ]
    found = told(describer, png(written((900, 1800), lines)))
    assert "0 packets came" in found.text
    assert sum(len(one["text"]) for one in found.evidence["text"]) < 1600


def test_a_scanned_page_is_text(describer: OfflineDescriber) -> None:
    """A photographed page without anything else on it is read out."""
    text = told(describer, photo("page.png")).text
    assert text.startswith("Image of text: “Region-based segmentation Let us first determine")


def test_a_plain_graphic_is_told_by_its_colours(describer: OfflineDescriber) -> None:
    """Without text there is still one true sentence."""
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).ellipse((100, 50, 190, 140), fill="red")
    assert told(describer, png(image)).text == ""
    assert say(describer, png(image)) == "Simple graphic in red on a white background."
    plain = png(Image.new("RGB", (80, 80), "#808080"))
    assert say(describer, plain) == "Picture in plain grey."


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 3), (2000, 12)])
def test_odd_sizes_get_a_sentence(describer: OfflineDescriber, size: tuple[int, int]) -> None:
    """No size makes it fail or fall silent."""
    noise = Image.effect_noise(size, 90).convert("RGB")
    assert say(describer, png(noise)).endswith(".")


def test_animations_say_so(describer: OfflineDescriber) -> None:
    """The length comes before what the chosen frame shows."""
    shown = picture(photo("chelsea.png"), frames=12, duration_s=1.0)
    assert describer.describe(shown, Request()).text == (
        "Animated image (12 frames, 1.0 seconds): a cat."
    )


def test_a_long_text_is_cut_at_a_word(describer: OfflineDescriber) -> None:
    """The allowed length is kept, and the quotation is closed."""
    text = describer.describe(picture(photo("page.png")), Request(max_length=80)).text
    assert len(text) <= 80
    assert text.endswith("…”")
    assert text.startswith("Image of text: “Region-based segmentation Let us")


def test_turned_photos_are_turned_back(describer: OfflineDescriber) -> None:
    """A camera's orientation mark counts."""
    image = Image.open(BytesIO(photo("astronaut.png"))).convert("RGB").rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    stream = BytesIO()
    image.save(stream, "JPEG", exif=exif)
    assert told(describer, stream.getvalue()).text == "Portrait of a person."


@pytest.mark.parametrize("is_tall", [True, False])
def test_a_long_picture_is_read_from_its_beginning(
    describer: OfflineDescriber, *, is_tall: bool
) -> None:
    """What is too small to be read in the whole picture is read in its parts, in their order."""
    if is_tall:
        image = written(
            (800, 9000),
            [(24, 24 + 90 * row, 28, f"Line {row}: meet at platform {row}") for row in range(99)],
        )
    else:
        image = written(
            (9000, 300), [(24 + 900 * row, 90, 40, f"Station {row}") for row in range(10)]
        )
    prepared = prepare(png(image), max_pixels=100_000_000)
    text = describer.describe(prepared.picture, Request(max_length=500)).text
    assert len(text) <= 500
    if is_tall:
        assert text.startswith("Image of text: “Line 0: meet at platform 0 Line 1: meet at")
        assert "Line 11: meet at platform 11" in text
    else:
        places = [text.index(f"Station {row}") for row in range(10)]
        assert places == sorted(places)


def test_white_words_on_nothing_are_read(describer: OfflineDescriber) -> None:
    """A logo for dark pages says what it says on them."""
    shape = ImageChops.invert(written((640, 300), [(60, 100, 90, "OPEN TODAY")]).convert("L"))
    white = Image.new("RGBA", shape.size, "white")
    white.putalpha(shape)
    prepared = prepare(png(white), max_pixels=100_000_000)
    assert told(describer, prepared.picture.data).text == "Image of text: “OPEN TODAY”."
