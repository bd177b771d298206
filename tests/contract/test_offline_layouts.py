"""What the offline describer says of chats, lists, comics and boards: what stands where."""

from __future__ import annotations

from dataclasses import replace

from evaluation.drawing import boards, chats, comics, graphics, lists
from evaluation.drawing.sheet import font
from PIL import Image, ImageDraw
from tests import support_offline
from tests.support_offline import jpeg, png, told

from altwright.describers.offline.process.client import OfflineDescriber

describer = support_offline.describer


def test_a_chat_is_told_in_its_order_with_the_side_of_each(describer: OfflineDescriber) -> None:
    """Names and sides are said; times, the status bar and the field's hint aren't."""
    look = chats.Look(
        ground="#101418", theirs=("#28313a", "#e9edef"), ours=("#0b5c4b", "#e9edef"), face="plain",
        times="inside", field="Message", field_fill="#28313a", clock="9:41", name_ink="#53bdeb",
    )  # fmt: skip
    messages: tuple[chats.Message, ...] = (
        ("left", "The seeds have arrived.", "9:31", "Tomek"),
        ("right", "Then we start with the peas on Saturday, before the rain.", "9:35", ""),
        ("left", "I bring the spades", "9:36", "Irina"),
    )
    said = (
        "“Garden club”. Left, “Tomek”: “The seeds have arrived.”; right: “Then we start with the "
        "peas on Saturday, before the rain.”; left, “Irina”: “I bring the spades”."
    )
    found = told(describer, png(chats.chat("Garden club", messages, look)))
    assert found.text == f"Screenshot of a chat headed {said}"
    assert found.level == "high"
    unsure = chats.Look(face="plain", radius=18, names="above", has_avatars=True)
    found = told(describer, jpeg(chats.chat("Garden club", messages, unsure), 85))
    assert found.text == f"Screenshot of what may be a chat headed {said}"
    assert found.level == "medium"


def test_who_is_in_a_group_is_no_speaker(describer: OfflineDescriber) -> None:
    """Above the first message stand a chat's name, its members, or how many they are."""
    for members in ("Irina, Tomek, you", "63 members", ""):
        look = chats.Look(face="plain", names="above", has_title_at_left=not members)
        messages: tuple[chats.Message, ...] = (
            ("left", "The seeds have arrived.", "9:31", members),
            ("right", "Then we start with the peas on Saturday.", "9:35", ""),
            ("left", "I bring the spades", "9:36", "Irina"),
        )
        found = told(describer, png(chats.chat("Garden club", messages, look))).text
        assert "Left: “The seeds have arrived.”" in found
        assert "left, “Irina”: “I bring the spades”" in found


def test_a_quotation_in_a_reply_isn_t_said_again(describer: OfflineDescriber) -> None:
    """It stands below a name; behind it may be an emoji only, which nobody reads."""
    look = chats.Look(face="plain", times="inside", clock="9:41")
    quoted = ("Tomek", "The seeds have arrived.")
    messages: tuple[chats.Message, ...] = (
        ("left", "The seeds have arrived.", "9:31", "Tomek"),
        ("right", (*quoted, "We start on Saturday"), "9:35", ""),
        ("right", quoted, "9:36", ""),
    )
    found = told(describer, png(chats.chat("Garden club", messages, look)))
    assert found.text.endswith("right: “We start on Saturday”; right: a message without words.")
    assert found.level == "medium"


def test_what_stands_below_a_chat_s_name_is_no_speaker(describer: OfflineDescriber) -> None:
    """That somebody is online."""
    messages: tuple[chats.Message, ...] = (
        ("left", "The seeds have arrived.", "9:31", ""),
        ("right", "Then we start with the peas on Saturday.", "9:35", ""),
        ("left", "I bring the spades", "9:36", ""),
    )
    image = chats.chat("Tomek", messages, chats.Look(face="plain", times="inside"))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width, 174), fill="white")
    draw.text((24, 104), "Tomas", fill="black", font=font(24))
    draw.text((24, 140), "en línea", fill="black", font=font(28))  # its accent makes it higher
    assert "“Tomas”. Left: “The seeds have arrived.”" in told(describer, png(image)).text


def test_a_poll_is_no_chat(describer: OfflineDescriber) -> None:
    """Its bars are filled as far as their shares, and text goes on behind them."""
    image = Image.new("RGB", (800, 480), "white")
    draw = ImageDraw.Draw(image)
    draw.text((40, 30), "How do you pronounce GIF?", fill="black", font=font(26))
    answers = ((61, "Hard G, as in gift"), (27, "Soft G, as in giraffe"), (12, "I use another one"))
    for at, (share, answer) in enumerate(answers):
        y = 100 + 80 * at
        draw.rounded_rectangle((40, y, 760, y + 60), 10, fill="#ececec")
        draw.rounded_rectangle((40, y, 40 + 7 * share, y + 60), 10, fill="#b8b0f0")
        draw.text((56, y + 14), f"{share}%  {answer}", fill="black", font=font(26))
    found = told(describer, png(image)).text
    assert "chat" not in found
    assert "61%" in found


def test_two_columns_of_cards_are_no_chat(describer: OfflineDescriber) -> None:
    """Notifications at the left, the day's news below at the right, as on a desktop."""
    image = Image.new("RGB", (900, 560), "#303030")
    draw = ImageDraw.Draw(image)
    cards = (
        (20, 30, 560, "Disk can be removed safely"), (20, 110, 560, "Updates are ready"),
        (590, 200, 880, "Conference at eleven"), (590, 290, 880, "Films at nine"),
    )  # fmt: skip
    for x, y, end, text in cards:
        draw.rounded_rectangle((x, y, end, y + 60), 12, fill="#484848")
        draw.text((x + 20, y + 16), text, fill="white", font=font(22))
    assert "chat" not in told(describer, png(image)).text


def test_cards_along_a_line_are_no_chat(describer: OfflineDescriber) -> None:
    """Nobody speaks on them, though they stand to the left and to the right."""
    events = (("1998", "Founded"), ("2004", "First hall"), ("2011", "The fire"))
    image = graphics.timeline("History", events, ("#dbe6f7", "#fde2c8"), 16, face="plain")
    assert "chat" not in told(describer, png(image)).text


def test_a_phone_s_list_keeps_labels_and_values_together(describer: OfflineDescriber) -> None:
    """Rows are read across, a label of two lines as one; the status bar is left out."""
    rows = (
        ("Bakery\n27 November", "-4.80"),
        ("Wages\n26 November", "2,310"),
        ("Power\n25 November", "-68"),
    )
    for frame in ("cards", "plain"):
        look = lists.Look(face="plain", frame=frame, row=120)
        assert told(describer, png(lists.screen("Account", rows, look))).text == (
            "Screenshot of a phone screen: “Account. Bakery 27 November: -4.80; Wages 26 November: "
            "2,310; Power 25 November: -68”."
        )


def test_a_comic_is_told_panel_by_panel(describer: OfflineDescriber) -> None:
    """Tiers from the top, panels from the left, balloons that begin higher first."""
    panels: tuple[comics.Panel, ...] = (
        ((0, 0, 0.5, 0.5), ((0.05, 0.06, "Did you feed the dragon?"), (0.6, 0.25, "Which one?"))),
        ((0.5, 0, 1, 0.5), ((0.1, 0.1, "There is only one."),)),
        ((0, 0.5, 1, 1), ((0.5, 0.06, "There was."), (0.06, 0.3, "She laid eggs."))),
    )
    found = told(describer, png(comics.page(panels, comics.Look(face="plain"))))
    assert found.text == (
        "Comic in three panels. Panel 1: “Did you feed the dragon?”, “Which one?”; panel 2: “There "
        "is only one.”; panel 3: “There was.”, “She laid eggs.”"
    )
    assert found.level == "medium"


def test_what_stands_in_frames_is_read_frame_by_frame(describer: OfflineDescriber) -> None:
    """Figures of lines make a comic, too; where words have no balloons, it is parts in frames."""
    panels: tuple[comics.Panel, ...] = (
        ((0, 0, 0.5, 0.5), ((0.05, 0.06, "Is the printer on?"), (0.6, 0.25, "It says so."))),
        ((0.5, 0, 1, 0.5), ((0.1, 0.1, "Is there paper?"),)),
        ((0, 0.5, 0.5, 1), ((0.05, 0.06, "Ask it nicely."),)),
        ((0.5, 0.5, 1, 1), ((0.1, 0.1, "It says no."),)),
    )
    look = comics.Look(papers=("white",), frame=3, face="plain", has_sticks=True)
    said = (
        "1: “Is the printer on?”, “It says so.”; {0} 2: “Is there paper?”; {0} 3: “Ask it "
        "nicely.”; {0} 4: “It says no.”"
    )
    found = told(describer, png(comics.page(panels, look)))
    assert found.text == f"Comic in four panels. Panel {said.format('panel')}"
    bare = told(describer, png(comics.page(panels, replace(look, has_balloons=False))))
    assert bare.text == f"Image in four framed parts. Part {said.format('part')}"


def test_a_qr_code_is_told_with_its_address(describer: OfflineDescriber) -> None:
    """What it holds else, a network's password say, isn't repeated."""
    image = graphics.qr_code("https://example.org/menu", "Scan for our menu", face="plain")
    assert told(describer, png(image)).text == (
        "QR code that leads to “https://example.org/menu”. Image with the text: “Scan for our "
        "menu”."
    )
    image = graphics.qr_code("WIFI:T:WPA;S:guests;P:welcome2026;;", "", face="plain")
    assert told(describer, png(image)).text == "QR code."


def test_boards_are_told_as_far_as_they_are_sure(describer: OfflineDescriber) -> None:
    """A word game's rows with their colours; of a chequered board how many squares are taken."""
    fills = {"g": "#6aaa64", "y": "#c9b458", "n": "#787c7e"}
    image = boards.tiles(("STARE", "PIANO"), ("nnyny", "gnnnn"), fills, empty=2, face="plain")
    assert told(describer, png(image)).text == (
        "Grid of letters, as in a word game: “STARE” in grey, grey, yellow, grey, yellow; “PIANO” "
        "in green, grey, grey, grey, grey."
    )
    thin = boards.tiles(("STARE", "PI NO"), ("nnyny", "gnnnn"), fills, empty=2, face="plain")
    assert "Grid" not in told(describer, png(thin)).text  # a letter that wasn't seen
    counters = {(1, 0): "b", (3, 2): "b", (0, 7): "w"}
    image = boards.chequered(
        counters, "#e8d0aa", "#7b4b2a", counters={"w": "#f5f0e6", "b": "#111111"}
    )
    assert told(describer, png(image)).text == (
        "Chequered board, as for chess or draughts, with eight by eight squares; something stands "
        "on three of its squares."
    )


def test_text_beside_a_drawing_is_left_to_a_person(describer: OfflineDescriber) -> None:
    """A signature is read surely, and says nothing of what is drawn."""
    image = Image.new("RGB", (800, 600), "#f4a261")
    drawing = ImageDraw.Draw(image)
    drawing.ellipse((480, 80, 600, 200), fill="#fff3c4")
    drawing.polygon(((0, 600), (260, 220), (520, 600)), fill="#264653")
    drawing.text((560, 540), "Lumi Aalto 2024", fill="black", font=font(28))
    found = told(describer, png(image))
    assert (found.text, found.level) == ("Image with the text: “Lumi Aalto 2024”.", "medium")


def test_a_tilted_price_list_keeps_its_prices(describer: OfflineDescriber) -> None:
    """On paper that lies askew a price is as high as the next thing's name."""
    paper = Image.new("RGB", (900, 560), "#f5f0e6")
    drawing = ImageDraw.Draw(paper)
    prices = {"Baguette": "1.30", "Croissant": "1.45", "Pain au chocolat": "1.60", "Tarte": "3.90"}
    for place, (name, price) in enumerate(prices.items()):
        drawing.text((60, 60 + 64 * place), name, fill="black", font=font(34))
        drawing.text((760, 60 + 64 * place), price, fill="black", font=font(34))
    image = paper.rotate(5, Image.Resampling.BICUBIC, expand=True, fillcolor="#f5f0e6")
    said = " ".join(f"{name} {price}" for name, price in prices.items())
    assert said in told(describer, png(image)).text
