"""Screens of our set: what is written on them is their reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from altwright.demo import drawn as demo
from evaluation.drawing import screens
from evaluation.made import Made, drawn

_POST = "social media post|post"
_TERMINAL = "terminal|console|command line"


def made() -> Iterator[Made]:
    """Yield all screens."""
    yield from _posts()
    yield from _terminals()
    yield from _programs()
    yield from _tables()
    yield from _windows()
    yield from _games()


def _told(
    image: Image.Image, name: str, kind: str, words: str, what: str = "", **more: Any
) -> Made:
    """Return a picture of text: its words are the reference; ``what`` has to be said of it."""
    names = [what] if what else []
    return drawn(
        image, name, kind, f"{kind.capitalize()}: “{words}”", words=words, names=names, **more
    )


def _posts() -> Iterator[Made]:
    yield _told(
        demo.post_screenshot(),
        "post-trains",
        "post",
        "Regional Trains @trains@transit.example The 17:42 to Marburg is cancelled today because of "
        "a signal fault. The next train leaves at 18:12 from platform 4. Tickets are valid on all "
        "buses. 24 November 2026, 16:55",
        _POST,
        may_be=("social media post",),
    )
    posts: Sequence[tuple[str, str, str, str, str, dict[str, Any]]] = (
        ("jane", "Jane Porter", "@jane@example.social", "The trick was to delete code that nobody had "
         "run for years.", "12 boosts   48 favourites", {}),
        ("rosa", "Rosa Lindqvist", "@rosa@nordic.example", "First frost this morning. The beans are "
         "gone, the kale is happier than ever.", "3 replies   7 boosts   31 favourites",
         {"face": "sans", "is_dark": True}),
        ("verein", "Repair Café Süd", "@repair@stadt.example", "Nächsten Samstag öffnen wir um 14 Uhr. "
         "Bringt bitte Ersatzteile mit, wenn ihr welche habt!", "5 boosts   19 favourites",
         {"face": "sans"}),
        ("long", "Weather Office", "@weather@gov.example", "Storm warning for the coast from 6 pm. Stay "
         "away from the pier, take in what the wind could carry off, and check on your neighbours. "
         "Ferries stop at 5 pm and start again tomorrow at noon.", "210 boosts   402 favourites",
         {"face": "serif", "width": 860}),
        ("court", "Le Petit Cinéma", "@cinema@ville.example", "Ce soir à 20 h : « L'été à la plage ». "
         "Entrée libre.", "2 boosts   9 favourites", {"is_dark": True, "face": "sans"}),
    )  # fmt: skip
    for name, who, handle, text, footer, style in posts:
        yield _told(
            screens.post(who, handle, text, footer, **style),
            f"post-{name}",
            "post",
            f"{who} {handle} {text} {footer}",
            _POST,
            may_be=("social media post",),
        )


def _terminals() -> Iterator[Made]:
    yield _told(
        demo.terminal(),
        "terminal-tests",
        "terminal",
        "$ make test collected 214 items test_upload.py ........ passed test_login.py .....F.. failed "
        "AssertionError: expected 200, got 403 1 failed, 213 passed in 12.4 s",
        _TERMINAL,
    )
    shown: Sequence[tuple[str, list[str], dict[str, Any]]] = (
        ("git", ["$ git status", "On branch main", "Your branch is up to date with 'origin/main'.", "",
         "nothing to commit, working tree clean"], {}),
        ("docker", ["$ docker ps", "NAME     IMAGE         STATUS", "web      shop:1.4      Up 2 hours",
         "db       postgres:16   Up 2 hours", "$ docker logs cache", "Error: No such container: cache"],
         {"points": 22}),
        ("ping", ["ada@garden:~$ ping -c 2 example.org", "64 bytes from 192.0.2.7: time=12.1 ms",
         "64 bytes from 192.0.2.7: time=11.8 ms", "2 packets transmitted, 2 received, 0% packet loss"],
         {"paper": "black", "ink": "#33ff66"}),
        ("trace", ["$ python report.py", "Traceback (most recent call last):",
         '  File "report.py", line 12, in <module>', "    total = sum(row.price for row in rows)",
         "AttributeError: 'dict' object has no attribute 'price'"], {}),
        ("light", ["$ df -h /home", "Filesystem      Size  Used Avail Use%", "/dev/sda2       460G  391G   "
         "46G  90%"], {"paper": "white", "ink": "black"}),
    )  # fmt: skip
    for name, lines, style in shown:
        words = " ".join(" ".join(lines).split())
        yield _told(
            screens.terminal(lines, **style), f"terminal-{name}", "terminal", words, _TERMINAL,
            may_be=("program code",),
        )  # fmt: skip


def _programs() -> Iterator[Made]:
    programs: Sequence[tuple[str, list[str], bool, bool]] = (
        ("python", ["import csv", "", "def total(path):", "    # prices are in cents", "    with "
         "open(path) as file:", "        rows = csv.DictReader(file)", '        return sum(int(row["price'
         '"]) for row in rows)'], True, True),
        ("javascript", ["const button = document.querySelector('#save');", "button.addEventListener("
         "'click', () => {", "  fetch('/api/drafts', { method: 'POST' });", "});"], False, True),
        ("rust", ["fn main() {", '    let names = vec!["Ada", "Grace"];', "    for name in &names {",
         '        println!("Hello, {name}!");', "    }", "}"], True, False),
        ("sql", ["SELECT town, COUNT(*) AS members", "FROM people", "WHERE joined >= '2024-01-01'",
         "GROUP BY town", "ORDER BY members DESC;"], False, False),
        ("html", ['<ul class="menu">', '  <li><a href="/">Home</a></li>',
         '  <li><a href="/about">About</a></li>', "</ul>"], True, True),
    )  # fmt: skip
    for name, lines, is_numbered, is_dark in programs:
        words = " ".join(" ".join(line.strip() for line in lines).split())
        yield _told(
            screens.code(lines, is_numbered=is_numbered, is_dark=is_dark),
            f"code-{name}",
            "code",
            words,
            "code|program",
            may_be=("program code",),
        )


def _tables() -> Iterator[Made]:
    repair = (("Repair", "Price", "Time"), ("Bicycle tube", "6 euros", "20 min"), ("Lamp cable",
              "4 euros", "30 min"), ("Laptop fan", "12 euros", "60 min"), ("Trouser zip", "8 euros",
              "45 min"))  # fmt: skip
    plans = (("Plan", "Price", "Storage", "Users"), ("Free", "$0", "50 GB", "1"), ("Team", "$8",
             "100 GB", "10"), ("School", "$4", "200 GB", "500"))  # fmt: skip
    league = (("Club", "Played", "Won", "Points"), ("Rovers", "10", "8", "25"), ("United", "10", "6",
              "20"), ("Athletic", "10", "5", "17"), ("Wanderers", "10", "2", "8"))  # fmt: skip
    times = (("Departs", "Line", "To"), ("08:04", "S1", "Airport"), ("08:12", "U4", "Old Town"),
             ("08:15", "Bus 62", "Harbour"), ("08:31", "S3", "Lake"))  # fmt: skip
    german = (("Sorte", "Aussaat", "Ernte"), ("Möhren", "März", "Juni"), ("Kürbis", "Mai", "Oktober"),
              ("Grünkohl", "Juni", "Dezember"))  # fmt: skip
    shown: Sequence[tuple[str, Image.Image, Sequence[Sequence[str]]]] = (
        ("repair", demo.price_table(), repair),
        ("plans", screens.table(plans, widths=(180, 160, 180, 160)), plans),
        ("league", screens.table(league, widths=(220, 150, 130, 150), title="Second division",
                                 face="sans", is_dark=True), league),
        ("departures", screens.table(times, widths=(180, 160, 260), face="mono", has_rules=False,
                                     title="Departures"), times),
        ("sowing", screens.table(german, widths=(220, 190, 200), face="serif"), german),
    )  # fmt: skip
    for name, image, rows in shown:
        cells = [cell for row in rows for cell in row]
        yield drawn(
            image,
            f"table-{name}",
            "table",
            f"Table of {len(rows) - 1} rows: " + "; ".join(", ".join(row) for row in rows),
            names=["table|list|timetable", *dict.fromkeys(cells)],
        )


def _windows() -> Iterator[Made]:
    dialogs = (
        ("delete", "Confirm", ["Delete this draft?", "This can't be undone."], ["Cancel", "Delete"], "sans"),
        ("save", "Text editor", ["Save changes to letter.txt before closing?"],
         ["Don't save", "Cancel", "Save"], "plain"),
        ("error", "Fehler", ["Die Datei konnte nicht geöffnet werden."], ["OK"], "serif"),
    )  # fmt: skip
    for name, title, lines, buttons, face in dialogs:
        yield _told(
            screens.dialog(title, lines, buttons, face=face),  # type: ignore[arg-type] # a literal
            f"dialog-{name}",
            "dialog box",
            " ".join([title, *lines, *buttons]),
            "dialog box|dialog|message box|window",
        )
    pages = (
        ("news", "https://www.example.org/news", "Bridge opens in May", "The new bridge over the canal "
         "opens on 3 May. Until then the ferry runs every ten minutes from six in the morning. "
         "Bicycles travel free of charge."),
        ("shop", "https://shop.example.com/tea", "Green tea from the hills", "Picked by hand in April. "
         "A bag of 100 grams costs 8.50 euros. Delivery takes two to four days."),
    )  # fmt: skip
    for name, address, heading, text in pages:
        yield _told(
            screens.web_page(address, heading, text),
            f"page-{name}",
            "web page",
            f"{address} {heading} {text}",
            "web page|website|browser|article",
        )


def _games() -> Iterator[Made]:
    words = (
        ("slate", ("CRANE", "SLOTH", "SLATE"), ("nnyng", "ggynn", "ggggg")),
        ("mouse", ("POINT", "MOUNT", "MOUSE"), ("nynnn", "ggnnn", "ggggg")),
    )
    for name, rows, colours in words:
        yield drawn(
            screens.letters(rows, colours),
            f"game-{name}",
            "game",
            f"Word game with the guesses {', '.join(rows)}.",
            words=" ".join(rows),
        )
    yield drawn(
        screens.calendar("May 2026", 4, 31, {3: "Bridge opens", 14: "Dentist", 22: "Choir"}),
        "calendar",
        "calendar",
        "Calendar of May 2026: bridge opens on the 3rd, dentist on the 14th, choir on the 22nd.",
        may_be=("table",),
        names=["calendar|May 2026", "Bridge opens", "Dentist", "Choir"],
    )
