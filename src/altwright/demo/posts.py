"""What the demo's account has posted: texts, and which pictures hang on them (posts.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from altwright.wheel_files import PackagedFile

_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
PHOTOGRAPHS: Final = {
    name: PackagedFile("scikit_image", f"skimage/data/{name}", sha256)
    for name, sha256 in _FILE["photographs"].items()
}


@dataclass(frozen=True, slots=True)
class DemoPost:
    """A post; ``described`` maps a picture's name to the alt text that it has already."""

    text: str
    pictures: list[str]
    language: str = "en"
    spoiler_text: str = ""
    sensitive: bool = False
    described: dict[str, str] = field(default_factory=dict)


POSTS: Final = tuple(DemoPost(**post) for post in _FILE["posts"])
