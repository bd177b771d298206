"""ImageNet's thousand classes as everyday words: breeds become "dog", forts become "building".

A network of this size is often unsure between a beagle and a foxhound, but sure of the dog: the
probabilities of a group are summed. Classes that no group holds are never named. The groups are in
imagenet_groups.json: a word, and the indices of its classes ("0-1 389-397").
"""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Final

_WORDS: Final[dict[str, dict[str, str]]] = json.loads(
    Path(__file__).with_suffix(".json").read_text("utf-8")
)


def _classes(spec: str) -> frozenset[int]:
    found: set[int] = set()
    for part in spec.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


#: Members of a group that are named instead of it where they are likely enough themselves.
KINDS: Final = MappingProxyType(
    {
        "big cat": ("cougar", "lynx", "leopard", "snow leopard", "jaguar", "cheetah"),
        "bear": ("polar bear",),
    }
)
ANIMALS: Final = frozenset(_WORDS["animals"])
PLANTS_AND_FOOD: Final = frozenset(_WORDS["plants_and_food"])
THINGS: Final = frozenset(_WORDS["things"])
PLACES: Final = frozenset(_WORDS["places"])
SCENES: Final = frozenset(_WORDS["scenes"])

#: Group name to the indices of its classes; "animal" is a sum that is named when none of its parts
#: is likely enough.
GROUPS: Final = MappingProxyType(
    {name: _classes(spec) for group in _WORDS.values() for name, spec in group.items()}
)
