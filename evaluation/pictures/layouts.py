"""Chats, lists on phones, comics and boards in the looks of many apps.

The describer's rules for them were made beside the first half of each; the other half, whose names
end in "-unseen", wasn't looked at until they were done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from evaluation.drawing import boards, chats, comics, graphics, lists, screens
from evaluation.drawing.chats import Message
from evaluation.drawing.comics import Panel
from evaluation.made import Made, drawn

#: What a chat's sides may be called.
_SIDES = {"left": ("left", "on the left", "them"), "right": ("right", "on the right", "me")}
_CHAT = "chat|conversation|messages|group chat"
_COMIC = "comic|cartoon"


def made() -> Iterator[Made]:
    """Yield all of them."""
    yield from _chats()
    yield from _lists()
    yield from _comics()
    yield from _boards()
    yield from _others()


def _chats() -> Iterator[Made]:
    night = chats.Look(
        ground="#0b141a", theirs=("#202c33", "#e9edef"), ours=("#005c4b", "#e9edef"), faint="#8696a0",
        bar="#111b21", times="inside", field="Type a message", field_fill="#202c33", clock="18:40",
        name_ink="#53bdeb", radius=16,
    )  # fmt: skip
    shown: Sequence[tuple[str, str, chats.Look, Sequence[Message]]] = (
        ("grey-blue", "Anna", chats.Look(field="Message", clock="9:41", day="Today"), (
            ("left", "Are you still coming tonight?", "", ""),
            ("right", "Yes! The train is ten minutes late, but I'll be there before the film begins.", "", ""),
            ("right", "Shall I bring something?", "", ""), ("left", "Popcorn", "", ""))),
        ("night", "Garden club", night, (
            ("left", "The seeds have arrived.", "18:31", "Tomek"), ("left", "All of them?", "18:32", "Irina"),
            ("left", "All but the beans, they come next week.", "18:33", "Tomek"),
            ("right", "Then we start with the peas on Saturday.", "18:35", ""))),
        ("french", "Camille", chats.Look(
            ground="#efe7dd", theirs=("white", "#111b21"), ours=("#d9fdd3", "#111b21"), bar="#f0f2f5",
            times="inside", face="serif", width=1080, points=38, faint="#667781"), (
            ("right", "Tu as pensé au pain ?", "12:02", ""), ("left", "Oui, et j'ai pris des cerises au marché.", "12:05", ""),
            ("right", "Parfait, à tout de suite !", "12:06", ""))),
        ("small", "Lucía", chats.Look(
            theirs=("#f1f0f4", "#1d1b20"), ours=("#6750a4", "white"), width=540, points=20, radius=18,
            times="below", clock="21:15"), (
            ("left", "¿Has visto mis gafas?", "21:10", ""), ("right", "Las llevas en la cabeza.", "21:11", ""),
            ("left", "Ah.", "21:11", ""), ("left", "Gracias", "21:12", ""))),
        ("violet-unseen", "Climbing on Monday", chats.Look(
            ground="#17181c", theirs=("#2f3136", "#e6e6e6"), ours=("#5865f2", "white"), faint="#9a9ca3",
            has_avatars=True, names="above", width=800, points=28, radius=20), (
            ("left", "Hall or rock?", "", "Bea"), ("left", "Rock, if it stays dry", "", "Umar"),
            ("right", "I have a rope, but no seat in a car.", "", ""), ("left", "Come with us then", "", "Bea"))),
        ("japanese-unseen", "美咲", chats.Look(
            ground="#8cabd8", theirs=("white", "#111111"), ours=("#8de055", "#111111"), faint="#3c4f70",
            times="beside", face="cjk", width=720, points=28, clock="14:20"), (
            ("left", ["明日は何時に", "会いましょうか"], "14:12", ""), ("right", ["十時に駅の前で"], "14:15", ""),
            ("left", ["わかりました"], "14:16", ""))),
        ("desk-unseen", "Build team", chats.Look(
            ground="#f5f5f5", theirs=("#e1dfdd", "#201f1e"), ours=("#c7e0f4", "#201f1e"), bar="#ffffff",
            width=1240, points=22, radius=8, times="below", field="Type a new message", field_fill="#ececec"), (
            ("left", "The nightly build failed on the second machine, the disk is full again.", "08:02", ""),
            ("right", "I'll empty the cache.", "08:04", ""), ("left", "Thank you, please also tell Ola.", "08:05", ""),
            ("right", "Done", "08:09", ""))),
        ("russian-unseen", "Мама", chats.Look(
            ground="#dfe7d2", theirs=("white", "#000000"), ours=("#e4fbc9", "#000000"), faint="#6d7f71", width=828,
            points=32, radius=28, clock="19:03"), (
            ("left", "Ты уже поужинала сегодня?", "", ""), ("right", "Да, мы готовили суп вместе", "", ""),
            ("left", "Хорошо, позвони завтра вечером", "", ""))),
    )  # fmt: skip
    for name, title, look, messages in shown:
        gap = "" if look.face == "cjk" else " "
        told = [
            (side, who, text if isinstance(text, str) else gap.join(text))
            for side, text, _, who in messages
        ]
        around = [look.clock, look.day, look.field, *(at for _, _, at, _ in messages)]
        image = chats.chat(title, messages, look)
        yield _chat(image, name, title, told, around, jpeg=80 if name == "small" else 0)
    plain: Sequence[tuple[str, str, list[tuple[bool, str, str]], dict[str, Any]]] = (
        ("keys", "Mira", [(False, "Did you lock the shed?", "18:02"), (True, "No, I thought you had the "
         "keys!", "18:03"), (False, "They hang by the door", "18:05"), (True, "On my way", "18:05")], {}),
        ("party", "Housemates", [(False, "Who brings the cake on Sunday?", "11:20"), (True, "I do. "
         "Chocolate or lemon?", "11:24"), (False, "Lemon, please", "11:25")], {"is_dark": True}),
        ("bug", "Support", [(True, "The export button does nothing since the update.", "14:10"),
         (False, "Thank you for telling us. Which version do you have?", "14:12"),
         (True, "4.2.1 on Linux", "14:13"), (False, "It is fixed in 4.2.2, which is out today.", "14:20")],
         {"clock": "14:21"}),
        ("german", "Oma", [(False, "Kommst du am Samstag zum Essen?", "9:10"), (True, "Ja gern, um "
         "zwölf?", "9:31"), (False, "Es gibt Klöße", "9:32")], {"face": "serif"}),
    )  # fmt: skip
    for name, title, talk, style in plain:
        told = [("right" if is_ours else "left", "", text) for is_ours, text, _ in talk]
        around = [style.get("clock", "9:41"), *(at for _, _, at in talk)]
        yield _chat(screens.chat(title, talk, **style), name, title, told, around)


def _chat(
    image: Image.Image, name: str, title: str, told: Sequence[tuple[str, str, str]],
    around: Sequence[str], jpeg: int = 0,
) -> Made:  # fmt: skip
    """Return a chat, of which each message has to be said with its side, and who speaks."""
    sides = [
        "|".join(f"{word} {who} {text}" for word in (*_SIDES[side], title))
        for side, who, text in told
    ]
    return drawn(
        image,
        f"chat-{name}",
        "chat",
        f"Chat with {title}. " + " ".join(f"{who or side}: “{text}”" for side, who, text in told),
        jpeg=jpeg,
        may_be=("phone screen",),
        names=[_CHAT, title, *sides],
        words=" ".join([title, *(f"{who} {text}" for _, who, text in told)]),
        more_words=" ".join(around),
    )


def _lists() -> Iterator[Made]:
    dark: dict[str, Any] = {
        "ground": "#000000", "paper": "#1c1c1e", "ink": "#f5f5f7", "faint": "#98989f",
    }  # fmt: skip
    shown: Sequence[tuple[str, str, Sequence[lists.Row], lists.Look]] = (
        ("sound", "Sound", (("Ringtone", "Bells >"), ("Vibration", "Never >"), ("Volume of alarms", "60% >"),
         ("Silent until", "07:30 >")), lists.Look()),
        ("days", "Oslo", (("Today", "4°", "9°"), ("Tuesday", "2°", "7°"), ("Wednesday", "-1°", "5°"),
         ("Thursday", "0°", "6°"), ("Friday", "3°", "8°")),
         lists.Look(ground="#2c5d8f", ink="white", faint="#cfe0f2", frame="lines", columns=(0.08, 0.55, -0.92))),
        ("departures", "Hauptbahnhof", (("10:31", "S3 Lichtenau", "Gleis 4"), ("10:38", "RE 8 Waldheim", "Gleis 1"),
         ("10:44", "Bus 62 Zoo", "Steig B"), ("10:52", "S1 Flughafen", "Gleis 3")),
         lists.Look(**dark, size=(1080, 2100), points=38, row=140, columns=(0.07, 0.24, -0.93), power="64%")),
        ("account", "Girokonto", (("Bäckerei Roth\n27. November", "-4,80 €"), ("Gehalt\n26. November", "+2.310,00 €"),
         ("Stadtwerke\n25. November", "-68,50 €")), lists.Look(frame="cards", row=120)),
        ("network-unseen", "Network", (("Wi-Fi\nConnected to Attic", "On"), ("Mobile data\n3.1 GB used", "Off"),
         ("Hotspot\nNobody is connected", "Off"), ("VPN\nOslo", "On")),
         lists.Look(ground="#fef7ff", ink="#1d1b20", frame="plain", row=130, size=(1080, 2200), points=40, clock="08:15")),
        ("scores-unseen", "Results", (("Rovers", "3 : 1"), ("Harbour United", "0 : 0"), ("Lakeside", "2 : 4"),
         ("Old Boys", "1 : 0")), lists.Look(**dark, frame="cards", face="bold", tabs=("Home", "Results", "Table"))),
        ("trains-unseen", "Départs", (("14:02", "Lyon", "Voie B"), ("14:09", "Dijon", "Voie 2"), ("14:25", "Paris", "Voie A"),
         ("14:41", "Genève", "Voie 5")), lists.Look(size=(640, 1280), points=24, columns=(0.08, 0.3, -0.92), face="serif",
         frame="lines", paper="#fffdf4", ground="#fffdf4", clock="13:58", power="51%")),
        ("steps-unseen", "This week", (("Monday", "8,120 steps"), ("Tuesday", "4,975 steps"), ("Wednesday", "11,302 steps"),
         ("Thursday", "6,640 steps"), ("Friday", "9,018 steps")), lists.Look(frame="plain", face="plain", clock="22:10",
         ground="#101418", ink="#e1e2e8", faint="#8fd18a")),
    )  # fmt: skip
    for name, title, rows, look in shown:
        cells = [[cell.replace("\n", " ").removesuffix(" >") for cell in row] for row in rows]
        around = [look.clock, look.power, *look.tabs]
        yield _list(lists.screen(title, rows, look), name, title, cells, around)
    plain = (
        ("weather", "Weather", (("Monday", "18°"), ("Tuesday", "21°"), ("Wednesday", "16°"),
         ("Thursday", "19°"), ("Friday", "24°")), False),
        ("settings", "Settings", (("Wi-Fi", "On"), ("Bluetooth", "Off"), ("Language", "English"),
         ("Storage", "41 GB free")), True),
        ("shopping", "Shopping", (("Oat milk", "2"), ("Rye bread", "1"), ("Apples", "6"),
         ("Washing powder", "1")), False),
    )  # fmt: skip
    for name, title, pairs, is_dark in plain:
        yield _list(screens.phone(title, pairs, is_dark=is_dark), name, title, pairs, ["10:24 87%"])


def _list(
    image: Image.Image, name: str, title: str, rows: Sequence[Sequence[str]], around: Sequence[str]
) -> Made:
    """Return a phone's list, of which each row has to be said as one."""
    said = [" ".join(row) for row in rows]
    return drawn(
        image,
        f"phone-{name}",
        "phone screen",
        f"Phone screen “{title}”: {'; '.join(said)}",
        names=["phone|app|list", title, *said],
        words=" ".join([title, *said]),
        more_words=" ".join(around),
    )


def _comics() -> Iterator[Made]:
    quarters = ((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1))
    thirds = ((0, 0, 1, 0.34), (0, 0.34, 1, 0.67), (0, 0.67, 1, 1))
    shown: Sequence[tuple[str, Sequence[Panel], comics.Look]] = (
        ("four", (
            (quarters[0], ((0.05, 0.06, "Did you feed the dragon?"), (0.58, 0.2, "Which one?"))),
            (quarters[1], ((0.1, 0.08, "There is only one."),)),
            (quarters[2], ((0.06, 0.06, "There was only one."), (0.55, 0.28, "Was?"))),
            (quarters[3], ((0.3, 0.08, "She laid eggs."),))), comics.Look()),
        ("white", (
            (thirds[0], ((0.05, 0.1, "I FIXED THE CLOCK."), (0.6, 0.2, "IT RUNS BACKWARDS."))),
            (thirds[1], ((0.1, 0.12, "I KNOW."),)),
            (thirds[2], ((0.06, 0.12, "NOW WE ARE EARLY."), (0.62, 0.12, "FOR YESTERDAY?")))),
            comics.Look(size=(760, 1260), papers=("white",), face="bold", points=20, frame=3, gutter=30)),
        ("dark-gutters", (
            ((0, 0, 0.34, 1), ((0.06, 0.06, "Kannst du schweigen?"),)), ((0.34, 0, 0.67, 1), ((0.1, 0.1, "Ja."),)),
            ((0.67, 0, 1, 1), ((0.06, 0.06, "Ich auch."),))),
            comics.Look(size=(1300, 480), ground="#222222", is_oval=True, face="sans")),
        ("tall-unseen", (
            ((0, 0, 0.45, 1), ((0.05, 0.05, "The map says left."), (0.3, 0.3, "The map is a napkin."))),
            ((0.45, 0, 1, 0.5), ((0.08, 0.08, "It was right so far."),)),
            ((0.45, 0.5, 1, 1), ((0.1, 0.06, "So far is where?"), (0.55, 0.34, "Lunch.")))),
            comics.Look(size=(1100, 860), papers=("#f7f3c9", "#c9e4f7", "#e8d0f0"), face="sans")),
        ("jpeg-unseen", (
            (quarters[0], ((0.08, 0.08, "Wer hat den Kuchen gegessen?"),)),
            (quarters[1], ((0.06, 0.05, "Ich nicht."), (0.56, 0.3, "Ich auch nicht."))),
            (quarters[2], ((0.1, 0.1, "Und der Hund?"),)), (quarters[3], ((0.35, 0.12, "Wuff."),))),
            comics.Look(ground="#f4ead5", papers=("#a8d5ba", "#f2c6b4"), balloon="#fffff4", face="plain", points=24)),
        ("ovals-unseen", (
            ((0, 0, 0.5, 1), ((0.04, 0.08, "WE NEED A SHIP."), (0.54, 0.3, "WE HAVE A BATH."))),
            ((0.5, 0, 1, 1), ((0.1, 0.1, "DOES IT FLOAT?"),))),
            comics.Look(size=(1240, 560), is_oval=True, face="bold", points=19, papers=("#ffffff", "#eeeeee"), gutter=16)),
        ("sticks", (
            (quarters[0], ((0.06, 0.06, "Is the printer on?"), (0.56, 0.24, "It says so."))),
            (quarters[1], ((0.08, 0.08, "Is it printing?"), (0.6, 0.28, "It says so."))),
            (quarters[2], ((0.06, 0.06, "Is there paper?"),)),
            (quarters[3], ((0.1, 0.1, "Ask it nicely."), (0.6, 0.3, "It says no.")))),
            comics.Look(papers=("white",), frame=3, face="plain", has_sticks=True)),
        ("sticks-bare", (
            (quarters[0], ((0.06, 0.06, "Warum ist es so still?"),)),
            (quarters[1], ((0.56, 0.1, "Das Netz ist weg."),)),
            (quarters[2], ((0.06, 0.06, "Und jetzt?"), (0.56, 0.24, "Jetzt reden wir."))),
            (quarters[3], ((0.3, 0.1, "Wie hieß du noch?"),))),
            comics.Look(papers=("white",), frame=3, face="plain", has_sticks=True, has_balloons=False)),
    )  # fmt: skip
    for name, panels, look in shown:
        words = " ".join(text for _, balloons in panels for _, _, text in balloons)
        yield drawn(
            comics.page(panels, look),
            f"comic-{name}",
            "comic",
            f"Comic of {len(panels)} panels in which two figures talk: “{words}”",
            jpeg=85 if "jpeg" in name else 0,
            may_be=("person", "people"),
            names=[_COMIC],
            words=words,
        )


def _boards() -> Iterator[Made]:
    day = {"g": "#6aaa64", "y": "#c9b458", "n": "#787c7e"}
    sharp = {"g": "#f5793a", "y": "#85c0f9", "n": "#3a3a3c"}
    keys = ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
    words: Sequence[tuple[str, Sequence[str], Image.Image]] = (
        ("day", ("STARE", "PIANO", "CANAL"), boards.tiles(
            ("STARE", "PIANO", "CANAL"), ("nnyny", "nnyyn", "yyynn"), day, empty=3)),
        ("keys", ("ADIEU", "GHOST"), boards.tiles(
            ("ADIEU", "GHOST"), ("ynnny", "nynny"), day, side=64, gap=6, empty=4, keys=keys, r=4)),
        ("sharp-unseen", ("TRAIN", "CLOUD", "LEMON"), boards.tiles(
            ("TRAIN", "CLOUD", "LEMON"), ("nynnn", "nyygn", "ggnnn"), sharp, paper="#121213", face="sans", side=110)),
        ("six-unseen", ("GARTEN", "WINTER", "BIRNEN"), boards.tiles(
            ("GARTEN", "WINTER", "BIRNEN"), ("nnnyyn", "nyynnn", "gggggg"), day, side=70, gap=10, r=12, face="bold")),
    )  # fmt: skip
    for name, rows, image in words:
        yield drawn(
            image,
            f"game-{name}",
            "game",
            f"Word game with the guesses {', '.join(rows)}.",
            names=["game|word game|letters"],
            words=" ".join(rows),
            more_words=" ".join([*keys, *(key for row in keys for key in row)]),
        )
    start = {(x, y): "♟♙"[y > 3] for x in range(8) for y in (1, 6)}
    start |= {(x, y): ("♜♞♝♛♚♝♞♜", "♖♘♗♕♔♗♘♖")[y > 3][x] for x in range(8) for y in (0, 7)}
    draughts = {
        (x, y): "w" if y > 3 else "b" for y in (0, 1, 2, 5, 6, 7) for x in range(8) if (x + y) % 2
    }
    for name, wanted, image in (
        ("blue", "chess", boards.chequered({(4, 6): "♔", (2, 1): "♚", (5, 3): "♖"}, "#dee3e6", "#8ca2ad")),
        ("start-unseen", "chess", boards.chequered(start, "#eeeed2", "#769656", side=72, frame="#403a33")),
        ("draughts-unseen", "draughts|checkers", boards.chequered(
            draughts, "#e8d0aa", "#7b4b2a", counters={"w": "#f5f0e6", "b": "#1e1e1e"})),
    ):  # fmt: skip
        yield drawn(
            image, f"board-{name}", "game", f"Board of {wanted.partition('|')[0]}.", names=[wanted], words="",
            may_be=("chess", "board"),
        )  # fmt: skip
    sudokus: Sequence[tuple[str, Sequence[str], dict[str, Any]]] = (
        ("plain", ("53..7....", "6..195...", ".98....6.", "8...6...3", "4..8.3..1", "7...2...6", ".6....28.",
                   "...419..5", "....8..79"), {}),
        ("thin-unseen", ("..9748...", "7........", ".2.1.9...", "..7...24.", ".64.1.59.", ".98...3..", "...8.3.2.",
                         "........6", "...2759.."), {"side": 56, "face": "serif", "thick": 3}),
    )  # fmt: skip
    for name, rows, style in sudokus:
        yield drawn(
            boards.sudoku(rows, **style),
            f"sudoku-{name}",
            "game",
            "Sudoku, partly filled in.",
            names=["sudoku"],
            may_be=("sudoku",),
            more_words=" ".join(rows) + " " + " ".join(sign for row in rows for sign in row),
        )
    fills = {"": "#cdc1b4", "2": "#eee4da", "4": "#ede0c8", "8": "#f2b179", "16": "#f59563", "32": "#f67c5f",
             "64": "#f65e3b", "128": "#edcf72", "256": "#edcc61"}  # fmt: skip
    games: Sequence[tuple[str, Sequence[Sequence[str]]]] = (
        ("tiles", (("", "2", "4", ""), ("", "", "8", "2"), ("2", "16", "32", "64"), ("4", "8", "128", "256"))),
        ("tiles-unseen", (("2", "", "", ""), ("4", "", "2", ""), ("16", "4", "", ""), ("32", "64", "8", "2"))),
    )  # fmt: skip
    for name, numbers in games:
        said = " ".join(number for row in numbers for number in row if number)
        yield drawn(
            boards.numbers(numbers, fills), f"game-{name}", "game", f"Game with tiles: {said}.",
            names=["grid|game|tiles"], words=said,
        )  # fmt: skip


def _others() -> Iterator[Made]:
    """What looks a little like a chat or a comic, and is none."""
    events = (
        ("1998", "Founded"),
        ("2004", "First hall"),
        ("2011", "The fire"),
        ("2016", "New roof"),
    )
    tips = (("Water", "Twice a week is enough."), ("Light", "A window to the east is best."),
            ("Soil", "Change it every second spring."))  # fmt: skip
    for name, radius, fills in (
        ("", 16, ("#dbe6f7", "#fde2c8")),
        ("-unseen", 0, ("#e2f0d9", "#e2f0d9")),
    ):
        yield drawn(
            graphics.timeline("History of the club", events, fills, radius),
            f"diagram-years{name}",
            "diagram",
            "Timeline of a club: " + ", ".join(f"{what} in {year}" for year, what in events),
            names=[word for event in events for word in event],
        )
        yield drawn(
            graphics.cards(tips, fills, radius),
            f"diagram-tips{name}",
            "diagram",
            "Three cards: " + "; ".join(f"{what}: {how}" for what, how in tips),
            names=[word for tip in tips for word in tip],
        )
