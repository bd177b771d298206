"""What a job does, whoever runs it: it notes that it began. And the door by which jobs are ordered.

Standard library only: it runs in the environments of Altwright and of all it is compared with.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

#: Where a job's notes and gates are.
FOLDER = "BENCH_FOLDER"
#: One note: an instant of the monotonic clock, which all processes share; a process; what began.
NOTE = struct.Struct("<dIc3x")
JOB, GATE = b"j", b"g"
#: Seconds between two looks of a job whether its gate is open.
GATE_LOOK_S = 0.002


class Note(NamedTuple):
    """A job that has begun."""

    at: float
    pid: int
    what: bytes


def work(gate: str = "", seconds: float = 0.0) -> None:
    """Note the beginning; wait until a gate is open, or for a time, as for somebody's answer."""
    folder = Path(os.environ[FOLDER])
    note = NOTE.pack(time.monotonic(), os.getpid(), GATE if gate else JOB)
    # Opened each time, since a worker may fork; one short write is never mixed with another.
    file = os.open(folder / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, note)
    os.close(file)
    while gate and not (folder / gate).exists():
        time.sleep(GATE_LOOK_S)
    if seconds:
        time.sleep(seconds)


def take_orders(submit: Callable[..., None]) -> None:
    """Submit what each line of standard input orders, and answer how long that took.

    An order is JSON of the keywords `count`, `gate` and `seconds`; its answer is `[began, ended]`
    by the monotonic clock.
    """
    print("[]", flush=True)  # noqa: T201 - ready
    for line in sys.stdin:
        order = json.loads(line)
        began = time.monotonic()
        submit(**order)
        print(json.dumps([began, time.monotonic()]), flush=True)  # noqa: T201 - the answer
