"""The most memory that describing one picture took: of this process's children, which describe."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")
#: What sets a process's peak back to what it uses now (proc(5): clear_refs).
_SET_BACK: Final = "5"
_MIB: Final = 1024


def set_back() -> None:
    """Let the peaks of all processes below this one begin anew."""
    for pid in _below(os.getpid()):
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text(_SET_BACK)


def peak_mib() -> int | None:
    """Return the sum of their peaks since then; None: none of them is ours, or nobody can tell."""
    found = 0
    for pid in _below(os.getpid()):
        with suppress(OSError):
            peak = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
            found += int(peak[1]) if peak else 0
    return found // _MIB or None


def _below(pid: int) -> Iterator[int]:
    try:
        said = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(said).split():
        yield int(child)
        yield from _below(int(child))
