"""What is said of a photo when the networks disagree, or see only a part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altwright.describers.offline.photo import Seen, describe
from altwright.describers.offline.vision import networks
from altwright.describers.offline.vision.image_stats import Pixels, is_colourless
from altwright.describers.offline.vision.networks import Classes, Thing


def seen(things: list[Thing], groups: dict[str, float]) -> Seen:
    """Return a photo with camera noise in which the networks saw that."""
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    return Seen(noise, things, [], Classes([], groups), has_camera_noise=True)


def thing(name: str, score: float, at: float = 0.1) -> Thing:
    """Return a thing as high as half of the picture."""
    return Thing(name, score, at, 0.2, at + 0.15, 0.9)


@pytest.mark.parametrize(
    ("score", "support", "text"),
    [
        (0.76, 0.14, "an animal"),  # a quokka
        (0.9, 0.45, "an animal"),  # a rabbit
        (0.76, 0.6, "a dog"),
    ],
)
def test_an_animal_is_named_if_one_network_is_sure_or_both_see_it(
    score: float, support: float, text: str
) -> None:
    """Else that it is an animal is said, if both see one; what has fur is detected as a dog."""
    found = describe(seen([thing("dog", score)], {"dog": support, "animal": 0.7}))
    assert found.text == text
    deer = {"bison": 0.36, "sheep": 0.25, "animal": 0.88}
    assert describe(seen([thing("sheep", 0.85)], deer)).text == "an animal"


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "a person"), (2, "two people"), (3, "several people"), (6, "a group of")],
)
def test_people_are_counted_as_far_as_the_detector_can(count: int, text: str) -> None:
    """Of three it may have missed one at the edge."""
    people = [thing("person", 0.9, 0.16 * number) for number in range(count)]
    assert describe(seen(people, {})).text.startswith(text)


def test_things_are_counted_as_far_as_the_detector_can() -> None:
    """Of eight cups on a table it saw three; of what is in them the classifier guesses."""
    cups = [thing("cup", 0.8, 0.2 * at) for at in range(3)]
    drinks = {"cup of coffee": 0.6}
    assert describe(seen(cups, drinks)).text == "several cups"
    assert describe(seen(cups[:2], drinks)).text == "cups"  # as boats on a shore
    assert describe(seen(cups[:1], drinks)).text == "a cup of coffee"
    # In rain ten are open, of which one is seen well.
    more = [thing("umbrella", 0.8), thing("umbrella", 0.36, 0.5)]
    assert describe(seen(more, {})).text == "what may be at least one umbrella"


def face(score: float, at: float = 0.1, height: float = 0.16) -> Thing:
    """Return a face."""
    return Thing("face", score, at, 0.2, at + 0.1, 0.2 + height)


def test_faces_without_bodies_are_no_people() -> None:
    """Heads in a cliff, an animal's face, a city's lights from above are faces to the network."""
    for faces in ([face(0.9), face(0.87, 0.4)], [face(0.9, height=0.5)]):
        assert describe(replace(seen([], {}), faces=faces)).level == "low"


def test_one_body_that_is_hardly_seen_is_nobody() -> None:
    """A red curtain was one; two may be people."""
    assert describe(seen([thing("person", 0.68)], {})).level == "low"
    two = [thing("person", 0.68), thing("person", 0.66, 0.5)]
    assert describe(seen(two, {})).text == "what may be people"


def test_a_second_body_is_one_if_it_is_seen_well() -> None:
    """An arch behind a laughing woman was one."""
    both = replace(seen([thing("person", 0.87), thing("person", 0.58, 0.6)], {}), faces=[face(0.9)])
    assert describe(both).text == "at least one person"
    two = replace(both, faces=[face(0.9), face(0.85, 0.62)])
    assert describe(two).text == "two people"


def test_who_may_be_there_besides_keeps_a_portrait_from_being_one() -> None:
    """A second body that is hardly seen."""
    both = [thing("person", 0.81), thing("person", 0.41, 0.6)]
    assert describe(seen(both, {})).text == "at least one person"


def test_a_vehicle_is_what_the_classifier_is_sure_of() -> None:
    """A convertible was a truck to the detector."""
    found = describe(seen([thing("truck", 0.88), thing("car", 0.7, 0.6)], {"car": 0.79}))
    assert found.text == "cars"
    # One fire engine, which was a bus on the mirror image only.
    engine = [thing("truck", 0.73), replace(thing("bus", 0.58, 0.12), y0=0.1, y1=0.95)]
    large = [replace(one, x1=one.x0 + 0.6) for one in engine]
    assert describe(seen(large, {"truck": 0.95})).text == "a truck"
    assert describe(seen([thing("truck", 0.88)], {})).text == "a truck"
    kart = seen([thing("motorcycle", 0.78)], {"go-kart": 0.95})
    assert describe(kart).text == "a go-kart"
    assert describe(seen(kart.things, {"go-kart": 0.6})).level == "low"


@pytest.mark.parametrize(("share", "level"), [(0.6, "low"), (0.9, "high")])
def test_no_thing_is_guessed_that_one_network_alone_is_unsure_of(share: float, level: str) -> None:
    """Smoke was a jellyfish, a map of the world a plate of food."""
    assert describe(seen([], {"jellyfish": share, "animal": share})).level == level


def test_animals_are_as_many_as_the_detector_sees() -> None:
    """It knows no camels, and sees two of something: "a camel" would be one."""
    herd = [thing("sheep", 0.78), thing("sheep", 0.7, 0.6)]
    assert describe(seen(herd, {"camel": 0.86, "animal": 0.9})).text == "camels"
    deer = [thing("sheep", 0.74), thing("zebra", 0.4, 0.6)]
    assert describe(seen(deer, {"animal": 0.8})).text == "at least one animal"
    # One box is taken for two kinds, the other isn't the lemur's name.
    lemurs = [thing("dog", 0.49), thing("cat", 0.4, 0.11), thing("sheep", 0.32, 0.6)]
    assert describe(seen(lemurs, {"lemur": 0.99})).text == "at least one lemur"
    assert describe(seen(lemurs[:2], {"lemur": 0.99})).text == "a lemur"
    giraffes = [thing("giraffe", 0.92), thing("giraffe", 0.89, 0.2)]
    assert describe(seen(giraffes, {})).text == "giraffes"


class Near(networks.Detector):
    """Sees one dog in the whole picture, and on what is cut out of it what it was given."""

    def __init__(self, *closer: Thing) -> None:
        """Take what is seen there."""
        self.closer = list(closer)

    def _find(self, pixels: Pixels) -> list[Thing]:
        whole = pixels.shape[1] == WIDTH
        return [Thing("dog", 0.7, 0.2, 0.3, 0.7, 0.7)] if whole else self.closer


WIDTH = 400


def test_a_lone_animal_is_looked_at_closer() -> None:
    """Two spaniels at a window were one; the closer look names nothing anew."""
    pixels = np.zeros((300, WIDTH, 3), np.uint8)
    upper, lower = Thing("bear", 0.9, 0.3, 0.1, 0.7, 0.4), Thing("dog", 0.6, 0.3, 0.6, 0.7, 0.9)
    found = Near(upper, lower).find(pixels)
    assert [(one.name, round(one.score, 2)) for one in found] == [("dog", 0.7), ("dog", 0.6)]
    assert (found[0].x0, found[0].y0) == pytest.approx((0.33, 0.308))
    (same,) = Near(upper).find(pixels)
    assert same.height == pytest.approx(0.4)


def test_what_is_seen_less_surely_is_not_quite_sure() -> None:
    """Of others' photographs what misled though it was sure had lower scores mostly."""
    for score, level in ((0.8, "medium"), (0.9, "high")):
        found = describe(seen([thing("motorcycle", score)], {"motorcycle": 0.2}))
        assert (found.text, found.level) == ("a motorcycle", level)


def test_golden_words_on_a_blackboard_keep_it_from_being_black_and_white() -> None:
    """They are thin, and lost where the picture is made small."""
    board = np.full((800, 800, 3), 40, np.uint8)
    assert is_colourless(board)
    board[100:104, 100:400] = (230, 180, 40)
    assert not is_colourless(board)


def test_fruit_is_neither_counted_nor_sure_among_other_fruit() -> None:
    """Slices of lemons and oranges were four oranges."""
    slices = [thing("orange", 0.85, 0.2 * at) for at in range(4)]
    found = describe(seen(slices, {"orange": 0.7, "lemon": 0.3}))
    assert (found.text, found.level) == ("what may be oranges", "medium")


def test_what_is_seen_on_the_mirror_image_too_counts_more() -> None:
    """A rocket is a boat on one of them; what both show is counted once."""
    here, there = thing("cat", 0.8), thing("cat", 0.7, 0.12)
    (cat,) = networks.agreed([here], [there, thing("cat", 0.6, 0.18)])
    assert cat.score == pytest.approx(0.75)
    found = networks.agreed([here, thing("boat", 0.7, 0.5)], [there, thing("bus", 0.35, 0.5)])
    assert [(one.name, round(one.score, 3)) for one in found] == [("cat", 0.75), ("boat", 0.525)]


def test_fruit_is_what_the_classifier_sees_as_well() -> None:
    """An island from above was broccoli to the one, and a little of it to the other."""
    assert describe(seen([thing("broccoli", 0.76)], {"broccoli": 0.4})).level == "low"
    assert describe(seen([thing("broccoli", 0.76)], {"broccoli": 0.8})).text == "a broccoli"
    kiwi = {"apple": 0.68}  # of which it knows none
    assert describe(seen([thing("apple", 0.63)], kiwi)).level == "low"
