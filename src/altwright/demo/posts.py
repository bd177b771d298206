"""What the demo's account has posted: texts, and which pictures hang on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from altwright.wheel_files import PackagedFile

#: Photographs in scikit-image's wheel; docs/reference/demo-pictures.md names authors and licences.
PHOTOGRAPHS = {
    name: PackagedFile("scikit_image", f"skimage/data/{name}", sha256)
    for name, sha256 in {
        "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "hubble_deep_field.jpg": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "camera.png": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "moon.png": "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
    }.items()
}


@dataclass(frozen=True, slots=True)
class DemoPost:
    """A post; ``described`` maps a picture's name to the alt text that it has already."""

    text: str
    pictures: tuple[str, ...]
    language: str = "en"
    spoiler_text: str = ""
    sensitive: bool = False
    described: dict[str, str] = field(default_factory=dict)


#: Oldest first, as they are posted.
POSTS = (
    DemoPost("Found in the archive: how pictures were made before phones.", ("camera.png",)),
    DemoPost(
        "Two views of the sky that I never tire of.",
        ("hubble_deep_field.jpg", "moon.png"),
        described={"moon.png": "The cratered surface of the Moon in black and white."},
    ),
    DemoPost("Der Kaffee ist fertig. Guten Morgen!", ("coffee.png",), language="de"),
    DemoPost(
        "My train is cancelled, the build is red, and the concert is in two hours.",
        ("cancelled.png", "terminal.png", "concert.png"),
    ),
    DemoPost("She has opinions about the new sofa. #caturday", ("chelsea.png",)),
    DemoPost(
        "The numbers of the year, for everybody who asked.\n\nMore in the annual report.",
        ("visitors.png", "travel.png"),
    ),
    DemoPost("The repair evening is back on Friday, same prices as last year.", ("prices.png",)),
    DemoPost(
        "I was allowed to see a launch from close by.",
        ("rocket.jpg",),
        spoiler_text="Rocket, bright light",
        sensitive=True,
    ),
    DemoPost("Swimming season! Please read the sign first.", ("lake.png",)),
    DemoPost("Met one of my heroes today.", ("astronaut.png",)),
)
