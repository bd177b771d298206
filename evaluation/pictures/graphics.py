"""Graphics of our set, and pictures that show next to nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator

from PIL import Image, ImageChops

from evaluation.drawing import graphics
from evaluation.drawing.sheet import Sheet
from evaluation.made import Made, drawn

_DIAGRAM = "diagram|flow chart|flowchart|chart|tree"


def made() -> Iterator[Made]:
    """Yield all graphics."""
    yield from _diagrams()
    yield from _maps()
    yield from _logos()
    yield from _boards()
    yield from _by_hand()
    yield from _empty()


def _diagrams() -> Iterator[Made]:
    shown = (
        ("order", "From order to door", ["Order", "Payment", "Packing", "Delivery"], False),
        ("bread", "How bread is made", ["Knead", "Rest", "Shape", "Bake", "Cool"], True),
        ("bug", "What happens to a bug", ["Reported", "Confirmed", "Fixed"], False),
    )
    for name, title, steps, is_upright in shown:
        yield drawn(
            graphics.flow(steps, title, is_upright=is_upright),
            f"diagram-{name}",
            "diagram",
            f"Diagram titled “{title}”: {', then '.join(steps)}.",
            names=[_DIAGRAM, title, *steps],
            words=" ".join([title, *steps]),
        )
    for name, top, below in (
        ("club", "Chair", ("Money", "Events", "Members", "Press")),
        ("animals", "Animals", ("Birds", "Fish", "Mammals")),
    ):
        title = f"The {name}"
        yield drawn(
            graphics.tree(top, below, title),
            f"diagram-{name}",
            "diagram",
            f"Tree titled “{title}”: below {top} are {', '.join(below)}.",
            names=[_DIAGRAM, title, top, *below],
            words=" ".join([title, top, *below]),
        )


def _maps() -> Iterator[Made]:
    streets = (
        ("Mill Lane", "Church Street", "Harbour Road", "Park Avenue"),
        ("Bahnhofstraße", "Marktplatz", "Am Fluss", "Schulweg"),
    )
    for seed, names in enumerate(streets, 1):
        yield drawn(
            graphics.street_map(names, seed),
            f"map-{seed}",
            "map",
            f"Street map with a river and parks; streets: {', '.join(names)}.",
            names=["map", *names],
            words=" ".join(names),
        )
    stops = (("Harbour", "Market", "Station", "Zoo"), ("Lake", "Station", "University"))
    yield drawn(
        graphics.lines_map(stops),
        "map-trams",
        "map",
        "Map of two tram lines: 1 from Harbour to Zoo, 2 from Lake to University.",
        names=["map|lines", *dict.fromkeys(stop for line in stops for stop in line)],
    )


def _logos() -> Iterator[Made]:
    shown = (
        ("round", "orbital", ("#2a6fb0", "#1b2a41"), "ring"),
        ("star", "", ("#c0392b", "#000000"), "star"),
        ("halves", "Sunrise", ("#e9a23b", "#c0392b"), "halves"),
    )
    for name, word, colours, shape in shown:
        yield drawn(
            graphics.logo(word, colours, shape),
            f"logo-{name}",
            "logo, QR code",
            f"Logo: {name}{f', with the word {word}' if word else ''}.",
            names=["logo|graphic|text|star|ring", *([word] if word else [])],
            words=word,
        )
    for name, text, words in (
        ("web", "https://example.org/menu", "Scan for our menu"),
        ("wifi", "WIFI:T:WPA;S:guests;P:welcome2026;;", "Guest network"),
    ):
        yield drawn(
            graphics.qr_code(text, words),
            f"qr-{name}",
            "logo, QR code",
            f"QR code with the words “{words}”; it leads to {text}.",
            names=["QR code", words],
        )


def _boards() -> Iterator[Made]:
    pieces = {
        (4, 7): "♔", (3, 7): "♕", (4, 0): "♚", (3, 0): "♛", (0, 7): "♖", (7, 0): "♜",
        (2, 5): "♘", (4, 4): "♙", (4, 3): "♟",
    }  # fmt: skip
    yield drawn(
        graphics.chess(pieces),
        "chess",
        "game",
        "Chess board in the middle of a game.",
        may_be=("chess",),
        names=["chess"],
        words="",
    )


def _by_hand() -> Iterator[Made]:
    """Drawings: none is a photo, and nobody is on them."""
    shown = (
        ("house", graphics.house(at_night=False), "A house with a tree in the sun.", ["house"]),
        ("house-night", graphics.house(at_night=True), "A house at night, with lit windows.", ["house"]),
        ("cat", graphics.face(is_cat=True), "A cat's face in a few strokes.", ["cat"]),
        ("smile", graphics.face(is_cat=False), "A yellow face that smiles.", ["face|smiley|smile"]),
        ("hills", graphics.hills(4, (245, 178, 122), has_sun=True), "Hills at sunset.", ["hills|mountains|landscape"]),
        ("hills-blue", graphics.hills(9, (150, 190, 230), has_sun=False), "Blue hills.", ["hills|mountains|landscape"]),
        ("abstract", graphics.strokes(2), "An abstract painting with broad strokes.", ["abstract|painting"]),
        ("abstract-2", graphics.strokes(8), "An abstract painting with broad strokes.", ["abstract|painting"]),
    )  # fmt: skip
    for name, image, says, names in shown:
        for jpeg in (0, 85) if name.startswith(("hills", "abstract")) else (0,):
            yield drawn(
                image,
                f"drawing-{name}{'-jpeg' if jpeg else ''}",
                "drawing, painting",
                says,
                jpeg=jpeg,
                may_be=("face",) if name == "smile" else (),
                misleading=["dog", "food", "boat", "animal"] if name != "cat" else ["dog", "food"],
                names=names,
                words="",
            )


def _empty() -> Iterator[Made]:
    """Pictures that show next to nothing: whatever is said of them has to be true."""
    gradient = Image.linear_gradient("L").resize((800, 600))
    noise = Image.frombytes("L", (500, 400), random.Random(6).randbytes(200_000))  # noqa: S311 - no secret
    dark = Sheet((640, 480), "#060606")
    dark.draw.ellipse((300, 220, 330, 250), "#151515")
    blurred = Image.merge("RGB", [gradient, ImageChops.invert(gradient), gradient.rotate(180)])
    shown = (
        ("white", Image.new("RGB", (800, 600), "white"), "A white picture.", ["white|blank|empty"]),
        ("black", Image.new("RGB", (600, 600), "black"), "A black picture.", ["black|dark|blank"]),
        ("dark", dark.image, "A nearly black picture.", ["black|dark"]),
        ("gradient", blurred, "A gradient of colours.", ["gradient|green|magenta|purple|pink"]),
        ("noise", noise, "Grey noise.", ["noise|grey|gray|static"]),
        ("dot", Image.new("RGB", (1, 1), "red"), "A single red pixel.", ["red"]),
    )
    for name, image, says, names in shown:
        yield drawn(
            image.convert("RGB"), f"empty-{name}", "nothing to see", says, names=names, words="",
            misleading=["food", "animal", "boat", "dog", "cat"],
        )  # fmt: skip
