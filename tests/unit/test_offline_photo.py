"""What is said of a photo when the networks disagree, or see only a part."""

from __future__ import annotations

import numpy as np
import pytest

from altwright.describers.offline.photo import Seen, describe
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
        (0.76, 0.38, "a dog"),
        (0.9, 0.14, "a dog"),
    ],
)
def test_an_animal_is_named_if_one_network_is_sure_or_both_see_it(
    score: float, support: float, text: str
) -> None:
    """Else that it is an animal is said, if both see one."""
    found = describe(seen([thing("dog", score)], {"dog": support, "animal": 0.7}))
    assert found.text == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "a person"), (2, "two people"), (3, "several people"), (6, "a group of")],
)
def test_people_are_counted_as_far_as_the_detector_can(count: int, text: str) -> None:
    """Of three it may have missed one at the edge."""
    people = [thing("person", 0.9, 0.16 * number) for number in range(count)]
    assert describe(seen(people, {})).text.startswith(text)
