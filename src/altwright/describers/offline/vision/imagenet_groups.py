"""ImageNet's thousand classes as everyday words: breeds become "dog", forts become "building".

A network of this size is often unsure between a beagle and a foxhound, but sure of the dog: the
probabilities of a group are summed. Classes that no group holds are never named.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


def _classes(spec: str) -> frozenset[int]:
    found: set[int] = set()
    for part in spec.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


_ANIMALS: Final = {
    "fish": "0-1 389-397",
    "shark": "2-4",
    "ray": "5-6",
    "chicken": "7-8",
    "ostrich": "9",
    "bird": "10-21 80-83 85-86 91-96 127-128 133-143 146 22-24 87-90 129-132 144",
    "peacock": "84",
    "duck": "97-98",
    "goose": "99",
    "swan": "100",
    "penguin": "145",
    "salamander": "25-29",
    "frog": "30-32",
    "turtle": "33-37",
    "lizard": "38-48",
    "crocodile": "49-50",
    "snake": "52-68",
    "spider": "70 72-77",
    "scorpion": "71",
    "centipede": "79",
    "kangaroo": "104",
    "koala": "105",
    "jellyfish": "107",
    "snail": "112-113 117",
    "slug": "114-115",
    "crab": "118-121 125",
    "lobster": "122-124",
    "whale": "147-148",
    "seal": "149-150",
    "dog": "151-268 273-275",
    "wolf": "269-272",
    "hyena": "276",
    "fox": "277-280",
    "cat": "281-285",
    "big cat": "286-290 293",
    "lion": "291",
    "tiger": "292",
    "bear": "294-297",
    "meerkat": "298-299",
    "beetle": "300 302-307",
    "ladybird": "301",
    "fly": "308",
    "bee": "309",
    "insect": "310-318",
    "dragonfly": "319-320",
    "butterfly": "321-326",
    "starfish": "327",
    "rabbit": "330-332",
    "hamster": "333 338",
    "hedgehog or porcupine": "334",
    "squirrel": "335",
    "marmot": "336",
    "beaver": "337",
    "horse": "339",
    "zebra": "340",
    "pig": "341-343",
    "hippopotamus": "344",
    "cow": "345-347",
    "sheep": "348-349",
    "goat": "350",
    "antelope": "351-353",
    "camel": "354",
    "llama": "355",
    "weasel or otter": "356-360",
    "skunk": "361",
    "badger": "362",
    "armadillo": "363",
    "sloth": "364",
    "ape": "365-369",
    "monkey": "370-382",
    "lemur": "383-384",
    "elephant": "385-386",
    "red panda": "387",
    "panda": "388",
}

#: Members of a group that are named instead of it where they are likely enough themselves.
_KINDS: Final = {
    "cougar": "286",
    "lynx": "287",
    "leopard": "288",
    "snow leopard": "289",
    "jaguar": "290",
    "cheetah": "293",
    "polar bear": "296",
}
KINDS: Final = MappingProxyType(
    {
        "big cat": ("cougar", "lynx", "leopard", "snow leopard", "jaguar", "cheetah"),
        "bear": ("polar bear",),
    }
)

_PLANTS_AND_FOOD: Final = {
    "flower": "985-986",
    "mushroom": "947 991-997",
    "corn": "987 998",
    "acorn": "988",
    "rose hip": "989",
    "rapeseed field": "984",
    "guacamole": "924",
    "bowl of soup": "925-926 809",
    "dessert": "927",
    "ice cream": "928-929",
    "bread": "930-932",
    "burger": "933",
    "hot dog": "934",
    "plate of food": "935 962 964-965 959",
    "cabbage": "936",
    "broccoli": "937",
    "cauliflower": "938",
    "squash": "939-942",
    "cucumber": "943",
    "artichoke": "944",
    "bell pepper": "945",
    "apple": "948",
    "strawberry": "949",
    "orange": "950",
    "lemon": "951",
    "fig": "952",
    "pineapple": "953",
    "banana": "954",
    "pomegranate": "957",
    "pizza": "963",
    "glass of red wine": "966",
    "cup of coffee": "967 504",
    "cup of tea": "968",
}

_THINGS: Final = {
    "aeroplane": "404 895",
    "airship": "405",
    "balloon": "417",
    "bicycle": "444 671 870",
    "motorcycle": "665 670",
    "bus": "654 779 874",
    "train": "466 547 705 820 565",
    "tram": "829",
    "car": "436 468 511 581 609 627 656 661 751 817 479 475",
    "truck": "555 569 675 717 734 864 867 407",
    "tractor": "595 856 866",
    "boat": "472 484 554 625 724 780 814 833 871 914 576 403 510 628",
    "tank": "847 586",
    "guitar": "402 546 420",
    "violin": "889 486",
    "piano": "579 881",
    "accordion": "401",
    "drum": "541 822",
    "trumpet": "513 566 875",
    "saxophone": "776",
    "flute": "558 683 699",
    "microphone": "650",
    "camera": "732 759",
    "tripod": "872",
    "clock": "409 892 530 604",
    "watch": "531",
    "computer keyboard": "508 810 878",
    "laptop": "620 681",
    "computer monitor": "527 664 782 851",
    "computer mouse": "673",
    "telephone": "487 528 707",
    "radio": "754 848 482",
    "bookcase": "453-454",
    "bottle": "440 720 737 898 907",
    "teapot": "505 849",
    "candle": "470",
    "umbrella": "879",
    "bench": "703",
    "chair": "423 559 765",
    "couch": "831",
    "bed": "564 520",
    "table": "532",
    "desk": "526",
    "vase": "883",
    "plant pot": "738",
    "lamp": "846",
    "teddy bear": "850",
    "jigsaw puzzle": "611",
    "toilet": "861",
    "bathtub": "435",
    "washing machine": "897",
    "refrigerator": "760",
    "stove": "827 544",
    "sewing machine": "786",
    "paintbrush": "696",
    "basketball": "430",
    "football": "805",
    "tennis ball": "852",
    "golf ball": "574",
    "volleyball": "890",
    "rugby ball": "768",
    "backpack": "414",
    "handbag": "748 636",
    "hat": "515 808 439",
    "shoe": "502 514 630 770 774",
    "sunglasses": "836-837",
    "mask": "643",
    "tent": "672",
    "traffic light": "920",
    "street sign": "919",
    "letter box": "637",
    "fountain": "562",
    "scoreboard": "781",
    "rocket": "657 744",
    "space shuttle": "812",
    "parachute": "701",
    "Christmas stocking": "496",
    "carved pumpkin": "607",
    "spider web": "815",
    "honeycomb": "599",
    "stone wall": "825",
    "fence": "489 716 912",
    "totem pole": "863",
}

_PLACES: Final = {
    "lighthouse": "437",
    "historic building": "442 483 497 538 663 668 698 832 873 682",
    "barn": "425",
    "greenhouse": "580",
    "water tower": "900",
    "bridge": "821 839 888",
    "dam": "525",
    "restaurant": "762",
    "library": "624",
    "shop": "415 467 509 582 788 860 865",
    "stage": "819",
    "pier": "718 460",
}

_SCENES: Final = {
    "a mountain landscape": "970",
    "a volcano": "980",
    "a cliff": "972",
    "a coral reef": "973",
    "a lake shore": "975",
    "a rocky coast": "976",
    "a sandy shore": "977-978",
    "a valley": "979",
    "a geyser": "974",
}

_DRAWN: Final = {"comic": "917", "crossword": "918", "website": "916", "menu": "922"}

#: Sums that are named when none of their parts is likely enough.
_WIDE: Final = {"animal": "0-397"}

ANIMALS: Final = frozenset(_ANIMALS)
PLANTS_AND_FOOD: Final = frozenset(_PLANTS_AND_FOOD)
THINGS: Final = frozenset(_THINGS)
PLACES: Final = frozenset(_PLACES)
SCENES: Final = frozenset(_SCENES)

#: Group name to the indices of its classes.
GROUPS: Final = MappingProxyType(
    {
        name: _classes(spec)
        for groups in (_ANIMALS, _PLANTS_AND_FOOD, _THINGS, _PLACES, _SCENES, _DRAWN, _WIDE, _KINDS)
        for name, spec in groups.items()
    }
)
