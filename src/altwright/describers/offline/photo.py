"""What may be said of a photo: people, animals, things, places; else its colours.

The networks see ghosts on unusual pictures (24 coins are 24 clocks, a baboon is a person), so
nothing is said on one network's word unless it was reliable where it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from altwright.describers.offline.english import article, at_least, counted, plural
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision import imagenet_groups
from altwright.describers.offline.vision.image_stats import Pixels, colours, is_colourless
from altwright.describers.offline.vision.networks import ANIMALS, Classes, Thing, animals_apart
from altwright.domain.counting import listed

#: The detector's classes that may be named on its own word, from this score on.
_RELIABLE: Final = {
    "bicycle": 0.65, "car": 0.6, "motorcycle": 0.6, "airplane": 0.75, "bus": 0.65,
    "train": 0.7, "truck": 0.65, "boat": 0.7, "traffic light": 0.7, "cup": 0.75,
    "chair": 0.7, "couch": 0.7, "laptop": 0.75, "keyboard": 0.75, "potted plant": 0.65,
    "umbrella": 0.75, "dining table": 0.65, "giraffe": 0.8, "stop sign": 0.85, "bed": 0.75,
    "bench": 0.75, "pizza": 0.8, "surfboard": 0.8, "skateboard": 0.8,
}  # fmt: skip
#: The detector's classes that the classifier's group must support, and the group's name.
_SUPPORTED: Final = {
    "bird": "bird", "cat": "cat", "dog": "dog", "horse": "horse", "sheep": "sheep",
    "cow": "cow", "elephant": "elephant", "bear": "bear", "zebra": "zebra",
    "bottle": "bottle", "clock": "clock", "vase": "vase", "teddy bear": "teddy bear",
    "television": "computer monitor", "banana": "banana", "apple": "apple",
    "orange": "orange", "broccoli": "broccoli", "toilet": "toilet",
    "refrigerator": "refrigerator", "backpack": "backpack", "handbag": "handbag",
    "cup": "cup of coffee", "pizza": "pizza", "car": "car", "truck": "truck",
    "motorcycle": "motorcycle", "bicycle": "bicycle", "boat": "boat", "bus": "bus",
    "train": "train", "laptop": "laptop", "keyboard": "computer keyboard",
    "airplane": "aeroplane", "couch": "couch", "umbrella": "umbrella", "bench": "bench",
}  # fmt: skip
#: Fruit and the like, which is told by its colour where it is cut.
_FOOD: Final = frozenset({"orange", "apple", "banana", "broccoli"})
_OTHER_FOOD: Final = 0.3
#: The classifier's least probability of it; an island from above was broccoli.
_FRUIT: Final = 0.7
#: Vehicles that the detector takes for each other, and the probability that makes one another.
_VEHICLES: Final = ("car", "truck", "bus", "motorcycle", "go-kart")
_OTHER_KIND: Final = 0.5
#: Everyday names of the detector's classes, where the classifier's are other words.
_WORDS: Final = {"airplane": "aeroplane", "dining table": "table", "keyboard": "computer keyboard"}
#: Least score of a supported thing, and the group's least probability that supports it.
_SUPPORTED_SCORE: Final = 0.55
_SUPPORT: Final = 0.1
#: The same for dogs: anything with fur is one to the detector, a rabbit, a quokka.
_DOG: Final = 0.55
#: The same for things that the detector sees in anything round or tall (clock, vase, orange).
_SUPPORT_RARE: Final = 0.35
#: Below this, what isn't reliable may be something else, even if both networks see it.
_SURE_SMALL: Final = 0.65
#: Score from which on one more animal is there, whatever it is.
_ONE_MORE: Final = 0.6
#: From this score on the detector is believed alone (a park was a boat, a convertible a truck).
_SURE_ALONE: Final = 0.85
#: A body without a face that is surely a person: its score, and its height as a share of the
#: picture's. Gates and statues were people below.
_SURE_BODY: Final = 0.75
_NEAR: Final = 0.3
#: Scores of a body and of a face from which on somebody else may be there.
_SOMEBODY: Final = (0.4, 0.6)
#: Height of a face below which those who have one are far away, or drawn.
_SMALL_FACE: Final = 0.04
#: Share of the picture from which on a thing is large.
_LARGE: Final = 0.1
#: More than so many of one kind are "several": of eight cups the detector saw three.
_COUNTED: Final = 2
#: From so many people on they are "several", since who stands at the edge is often missed, and
#: from so many on "a group".
_SEVERAL, _GROUP = 3, 5
#: Share of the picture's height from which on a face makes a portrait.
_PORTRAIT: Final = 0.15
#: From this probability on a group is named; below it, down to the second, it "may be".
_SURE: Final = {"animal": 0.65, "lone animal": 0.8, "food": 0.8, "thing": 0.85, "scene": 0.65}
_MAYBE: Final = {"animal": 0.4, "food": 0.7, "thing": 0.55, "scene": 0.55}
#: A share of the picture's colours that is worth naming.
_NAMED_SHARE: Final = 0.17


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was measured on one photo."""

    pixels: Pixels
    things: list[Thing]
    faces: list[Thing]
    classes: Classes
    has_camera_noise: bool


@dataclass(frozen=True, slots=True)
class _Subject:
    phrase: str
    score: float
    hedged: bool = False
    is_portrait: bool = False


def describe(seen: Seen) -> Statement:
    """Return one sentence, without its full stop, on what is surely there; else on the colours."""
    found = _subjects(seen)
    grey = is_colourless(seen.pixels)
    if not found:
        return Statement(_by_colour(seen.pixels, grey=grey), "low", "photo")
    best = max(subject.score for subject in found)
    hedged = all(subject.hedged for subject in found)
    # What lacks a camera's noise may be painted: nothing in it is sure.
    is_sure = seen.has_camera_noise and not hedged and best >= _SURE_ALONE
    text = _worded(found, grey=grey)
    return Statement(text, "high" if is_sure else "medium", "photo")


def _worded(found: list[_Subject], *, grey: bool) -> str:
    """Return the phrase; that it is a photo isn't said, for paintings may have grain as well."""
    phrase = listed([subject.phrase for subject in found])
    is_portrait = len(found) == 1 and found[0].is_portrait
    return (
        f"{'portrait of ' if is_portrait else ''}{phrase}{', in black and white' if grey else ''}"
    )


def _subjects(seen: Seen) -> list[_Subject]:
    """Return what is surely there, people first; hedged guesses only if there is nothing else."""
    animal, animal_share = _best(seen.classes, imagenet_groups.ANIMALS)
    people = _people(seen, animal_share)
    things = _things(seen, animal)
    found = people + things
    least = (_SURE if _is_unseconded(seen, animal) else _MAYBE)["animal"]
    least = max(least, _DOG) if animal == "dog" else least
    if not people and animal_share >= least and not _mentions(things, animal):
        for kind in imagenet_groups.KINDS.get(animal, ()):
            if seen.classes.share(kind) >= _SURE["animal"]:
                animal = kind
        found.insert(0, _guess(_some(seen, animal), animal_share, _animal_kind(seen)))
    elif not found and _is_some_animal(seen):
        found.append(_Subject(_some(seen, "animal"), seen.classes.share("animal")))
    for kind, of in (("food", imagenet_groups.PLANTS_AND_FOOD), ("thing", imagenet_groups.THINGS)):
        name, share = _best(seen.classes, of)
        least = (_SURE if found or _is_unseconded(seen, name) else _MAYBE)[kind]
        if share >= least and not _mentions(found, name):
            found.append(_guess(article(name), share, kind))
    if not found:
        found = _places(seen)
    sure = [subject for subject in found if not subject.hedged]
    return sure or found[:1]


def _some(seen: Seen, animal: str) -> str:
    """Return "a cat", "cats", or, where one more may be there, "at least one cat"."""
    apart = animals_apart(seen.things)
    if sum(one.score >= _ONE_MORE for one in apart) > 1:
        return plural(animal)
    return at_least(1, animal) if len(apart) > 1 else article(animal)


def _animal_kind(seen: Seen) -> str:
    """Return how sure the classifier must be: surer where the detector sees no animal at all."""
    detected = any(t.name in imagenet_groups.ANIMALS and t.score >= 0.4 for t in seen.things)  # noqa: PLR2004
    return "animal" if detected else "lone animal"


def _is_unseconded(seen: Seen, name: str) -> bool:
    """Return whether only the classifier sees a thing: jellyfish in smoke, food on a map."""
    detected = any(_SUPPORTED.get(t.name) == name and t.score >= 0.4 for t in seen.things)  # noqa: PLR2004
    return not detected


def _is_some_animal(seen: Seen) -> bool:
    """Return whether both networks see an animal, though not the same."""
    detected = any(t.name in imagenet_groups.ANIMALS and t.score >= 0.6 for t in seen.things)  # noqa: PLR2004
    return seen.classes.share("animal") >= (0.5 if detected else 0.9)


def _best(classes: Classes, names: frozenset[str]) -> tuple[str, float]:
    return max(((n, classes.share(n)) for n in names), key=lambda item: (item[1], item[0]))


def _guess(phrase: str, share: float, kind: str) -> _Subject:
    if share >= _SURE[kind]:
        return _Subject(phrase, share)
    return _Subject(f"what may be {phrase}", share, hedged=True)


def _mentions(found: list[_Subject], name: str) -> bool:
    return any(name in subject.phrase or plural(name) in subject.phrase for subject in found)


def _people(seen: Seen, animal_share: float) -> list[_Subject]:
    faces = [face for face in seen.faces if face.score >= 0.8]  # noqa: PLR2004 - measured
    persons = [t for t in seen.things if t.name == "person" and t.score >= 0.5]  # noqa: PLR2004
    if animal_share >= _MAYBE["animal"]:
        # Animals have faces and stand like people; only who stands beside one is believed.
        animals = [t for t in seen.things if t.name in imagenet_groups.ANIMALS and t.score >= 0.4]  # noqa: PLR2004
        persons = [p for p in persons if p.score >= 0.75 and _stands_apart(p, animals)]  # noqa: PLR2004
        # A head may reach out of the box.
        faces = [f for f in faces if any(f.inside(p) > 0.6 for p in persons)]  # noqa: PLR2004
    scores = [p.score for p in persons] + [face.score for face in faces]
    count = max(len(persons), len(faces))
    if count == 0 or (not faces and max(scores) < 0.62):  # noqa: PLR2004 - a silhouette was .51
        return []
    if not persons:  # faces without bodies are carved in stone, an animal's, or lights of a city
        return []
    best = max(scores)
    # Statues and figures have bodies, too; who is near enough to be the subject has a face or size.
    hedged = not faces and (best < _SURE_BODY or max(p.height for p in persons) < _NEAR)
    hedged |= bool(faces) and max(face.height for face in faces) < _SMALL_FACE
    if count == len(persons) == _COUNTED and sum(_is_seen_well(p, faces) for p in persons) == 1:
        count = 1
    if count > 1:
        people = "several people" if count >= _SEVERAL else counted(count, "person")
        people = "a group of people" if count >= _GROUP else people
        people = "people" if hedged else people  # two bodies of a crowd are seen
        return [_Subject(f"what may be {people}" if hedged else people, best, hedged=hedged)]
    others = [t for t in seen.things if t.name == "person" and t.score >= _SOMEBODY[0]]
    is_alone = max(len(others), sum(f.score >= _SOMEBODY[1] for f in seen.faces)) == 1
    if hedged:  # one alone is a curtain as often
        return [] if is_alone else [_Subject("what may be people", best, hedged=True)]
    if not is_alone:
        return [_Subject(at_least(1, "person"), best)]
    is_portrait = bool(faces) and faces[0].height >= _PORTRAIT
    wears_tie = any(t.name == "tie" and t.score >= 0.7 for t in seen.things)  # noqa: PLR2004
    phrase = "a person wearing a tie" if wears_tie else "a person"
    return [_Subject(phrase, best, is_portrait=is_portrait)]


def _is_seen_well(person: Thing, faces: list[Thing]) -> bool:
    """Return whether a body beside another one is surely one: an arch behind a woman was."""
    return person.score >= _SURE_SMALL or any(f.inside(person) > 0.6 for f in faces)  # noqa: PLR2004


def _stands_apart(person: Thing, animals: list[Thing]) -> bool:
    return bool(animals) and all(person.inside(animal) < 0.5 for animal in animals)  # noqa: PLR2004


def _counted_things(seen: Seen, animal: str) -> tuple[dict[str, list[float]], set[str], set[str]]:
    """Return scores by kind, which kinds the classifier sees, of which there may be one more."""
    counts: dict[str, list[float]] = {}
    unsure: set[str] = set()
    supported: set[str] = set()
    for thing in _one_of_each([_as_classified(one, seen.classes) for one in seen.things]):
        name = _SUPPORTED.get(thing.name, "")
        support = seen.classes.share(name) if name else 0.0
        is_animal = thing.name in imagenet_groups.ANIMALS
        if is_animal and name != animal:
            continue  # the classifier knows many more animals
        # A quokka was a dog to one network, and a little of one to the other.
        is_doubtful = thing.score < _SURE_ALONE if is_animal else thing.name not in _RELIABLE
        needed = _SUPPORT_RARE if is_doubtful else _SUPPORT
        needed = _DOG if thing.name == "dog" else max(needed, _FRUIT * (thing.name in _FOOD))
        is_supported = thing.score >= _SUPPORTED_SCORE and support >= needed
        if is_supported or thing.score >= _RELIABLE.get(thing.name, 2.0):
            if is_supported:
                supported.add(thing.name)
            counts.setdefault(thing.name, []).append(max(thing.score, support))
        elif thing.name in counts and thing.score >= 0.45:  # noqa: PLR2004 - more of the same
            counts[thing.name].append(thing.score)
        elif thing.name in counts:
            unsure.add(thing.name)
    return counts, supported, unsure


def _things(seen: Seen, animal: str) -> list[_Subject]:
    counts, supported, unsure = _counted_things(seen, animal)
    found = []
    for name, scores in counts.items():
        word = _WORDS.get(name, name)
        if name == "cup":
            drink, share = _best(seen.classes, frozenset({"cup of coffee", "cup of tea"}))
            is_full = share >= 0.5 and len(scores) == 1  # noqa: PLR2004 - more likely than not
            word = drink if is_full else word
        many = len(scores) > _COUNTED
        # Of two boats that are seen there are five on the shore.
        phrase = plural(word) if len(scores) > 1 else article(word)
        phrase = f"several {phrase}" if many and name not in _FOOD else phrase
        if name in unsure and not many:
            phrase = at_least(len(scores), _WORDS.get(name, name))
        is_small = name not in _RELIABLE and max(scores) < _SURE_SMALL
        hedged = is_small or (name not in supported and max(scores) < _SURE_ALONE)
        others = (seen.classes.share(o) for o in imagenet_groups.PLANTS_AND_FOOD if o != name)
        hedged |= name in _FOOD and max(others) >= _OTHER_FOOD
        found.append(_Subject(f"what may be {phrase}" if hedged else phrase, max(scores), hedged))
    return sorted(found, key=lambda subject: -subject.score)[:4]


def _as_classified(thing: Thing, classes: Classes) -> Thing:
    """Return a vehicle as what the classifier calls it, if it is sure that it is another kind."""
    if thing.name not in _VEHICLES or classes.share(thing.name) >= _SUPPORT:
        return thing
    other = next((name for name in _VEHICLES if classes.share(name) >= _OTHER_KIND), thing.name)
    return replace(thing, name=other)


def _one_of_each(things: list[Thing]) -> list[Thing]:
    """Return the things without large ones that touch a surer one of their kind.

    Wheels of one motorcycle were taken for two; to say "a motorcycle" of two is no lie.
    """
    kept: list[Thing] = []
    for thing in things:
        twins = (o for o in kept if o.name == thing.name and min(o.area, thing.area) > _LARGE)
        is_living = thing.name == "person" or thing.name in ANIMALS
        if is_living or all(thing.inside(twin) == 0 for twin in twins):
            kept.append(thing)
    return kept


def _places(seen: Seen) -> list[_Subject]:
    sky = " under a blue sky" if _has_blue_sky(seen.pixels) else ""
    scene, share = _best(seen.classes, imagenet_groups.SCENES)
    if share >= _MAYBE["scene"]:
        return [_guess(f"{scene}{sky}", share, "scene")]
    place, share = _best(seen.classes, imagenet_groups.PLACES)
    if share >= _MAYBE["scene"]:
        return [_guess(f"{article(place)}{sky}", share, "thing")]
    return []


def _has_blue_sky(pixels: Pixels) -> bool:
    """Return whether the top is light blue and smooth; only asked where land is likely below."""
    small = cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    blue = (hue > 95) & (hue < 125) & (saturation > 50) & (value > 140)  # noqa: PLR2004
    smooth = np.abs(np.diff(value[:16].astype(np.int16), axis=1)).mean() < 6  # noqa: PLR2004
    return bool(blue[:16].mean() > 0.7 and blue[48:].mean() < 0.4 and smooth)  # noqa: PLR2004


def _by_colour(pixels: Pixels, *, grey: bool) -> str:
    shares = colours(pixels)
    named = [name for name, share in shares.items() if share >= _NAMED_SHARE][:3]
    if not named:
        return "picture in many colours"
    if grey and len(named) > 1:
        return f"black-and-white picture, mostly in {listed(named)}"
    return f"picture, mostly in {listed(named)}"
