"""What the kernel says of a process."""

from __future__ import annotations

from pathlib import Path


def memory_mb(pid: int) -> tuple[float, float]:
    """Return what a process holds, pages that several share split (PSS) or not (RSS)."""
    found = {"Pss:": 0, "Rss:": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, *values = line.split()
        if name in found:
            found[name] += int(values[0])
    return found["Pss:"] / 1024, found["Rss:"] / 1024


def peak_mb(pid: int) -> float:
    """Return the most that a process has ever held (proc(5): VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, *values = line.split()
        if name == "VmHWM:":
            return int(values[0]) / 1024
    raise LookupError(pid)
