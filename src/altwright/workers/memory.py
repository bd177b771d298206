"""The memory of worker processes: measured, and when it is too much, the process is replaced."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
#: Growth since the first look without which a new process would be as large as this one.
GROWN_BYTES = 16 * MIB


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process; 0 if it is gone (proc(5): statm, field 2)."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


class MemoryLimit:
    """Says when this process has grown too large (requirement 9.2)."""

    def __init__(self, limit_bytes: int, measure: Callable[[], int] = resident_bytes) -> None:
        """Take the limit; 0: there is none."""
        self._limit_bytes = limit_bytes
        self._measure = measure
        self._first = 0
        #: Set once: finish the items in hand, hand back, and let the process be replaced.
        self.reached = threading.Event()

    def look(self) -> None:
        """Measure. A process that hasn't grown since its start would gain nothing by another."""
        if not self._limit_bytes or self.reached.is_set():
            return
        used = self._measure()
        self._first = self._first or used
        if used > self._limit_bytes and used - self._first > GROWN_BYTES:
            _log.warning(
                "this process uses %s MB of %s and is replaced",
                used // MIB,
                self._limit_bytes // MIB,
            )
            self.reached.set()
