"""What tests of the offline describer share: its models, sample photographs, a drawn picture."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from evaluation.drawing.sheet import written
from PIL import Image
from tests.support import wait_until

from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.offline.weights import fetch
from altwright.describers.port import Describer, Description, Picture, Request

#: Where `altwright models` puts the models of this checkout.
MODELS = Path(__file__).parents[1] / "var" / "models"


def photo(name: str) -> bytes:
    """Return a photograph that ships with scikit-image, as its file's bytes."""
    found = importlib.util.find_spec("skimage")
    assert found is not None, "scikit-image, whose photographs these tests use, isn't installed"
    assert found.origin is not None
    return (Path(found.origin).parent / "data" / name).read_bytes()


def png(image: Image.Image) -> bytes:
    """Return the image's bytes as PNG."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Return the image's bytes as JPEG."""
    stream = BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def picture(data: bytes, *, frames: int = 1, duration_s: float = 0.0) -> Picture:
    """Return the bytes as a describer gets them."""
    return Picture(data, "image/png", 0, 0, frames=frames, duration_s=duration_s)


@pytest.fixture(scope="module")
def describer() -> Iterator[OfflineDescriber]:
    """Return a describer that has started its process."""
    fetch.ensure(MODELS, print)
    describer = OfflineDescriber(MODELS, idle_s=60)
    told(describer, png(Image.new("RGB", (8, 8))))  # its process isn't any single test's
    yield describer
    describer.close()


def told(describer: OfflineDescriber, data: bytes) -> Description:
    """Return the description of a picture, long enough for a table."""
    return describer.describe(picture(data), Request(max_length=1500))


#: A picture that is described quickly, and what is said of it.
SMALL = png(written((320, 90), [(20, 24, 30, "Good morning")]))
SAID = "Image of text: “Good morning”."


def say(describer: Describer, data: bytes = SMALL) -> str:
    """Return what is said of a picture; of one that says too little for a draft, what was seen."""
    found = describer.describe(picture(data), Request())
    return found.text or str(found.evidence["seen"])


def alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and isn't waited for doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def noise() -> bytes:
    """Return a picture that takes seconds to describe."""
    stream = BytesIO()
    Image.frombytes("RGB", (2000, 2000), os.urandom(12_000_000)).save(stream, "PNG")
    return stream.getvalue()


def wait_until_busy(pid: int) -> None:
    """Wait until a process has computed for another fifth of a second."""
    start = computed_s(pid)
    wait_until(lambda: computed_s(pid) > start + 0.2)


def computed_s(pid: int) -> float:
    """Return the seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
