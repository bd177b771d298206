"""What describing one picture took of this machine: of this process's children, which describe."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")
#: What sets a process's peak back to what it uses now (proc(5): clear_refs).
_SET_BACK: Final = "5"
_KIB: Final = 1024
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """``cpu_s`` and ``peak_mib`` are None where another host or service describes."""

    seconds: float
    cpu_s: float | None
    peak_mib: int | None


class Meter:
    """Measures from its making on."""

    def __init__(self) -> None:
        for pid in _below(os.getpid()):
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text(_SET_BACK)
        self._cpu_s = _computed_s()
        self._began = time.perf_counter()

    def restarted(self) -> Self:
        """Begin anew with the time, and return the meter."""
        self._began = time.perf_counter()
        return self

    def read(self) -> Cost:
        """Return what it took since."""
        seconds = time.perf_counter() - self._began
        peak = 0
        for pid in _below(os.getpid()):
            with suppress(OSError):
                found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
                peak += int(found[1]) if found else 0
        if not peak:
            return Cost(seconds, None, None)
        return Cost(seconds, max(0.0, _computed_s() - self._cpu_s), peak // _KIB)


def _computed_s() -> float:
    """Return the seconds of processor time that the processes below this one have had."""
    found = 0
    for pid in _below(os.getpid()):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])  # utime, stime
    return found / _TICKS


def _below(pid: int) -> Iterator[int]:
    try:
        said = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(said).split():
        yield int(child)
        yield from _below(int(child))
