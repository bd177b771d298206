"""What tests of every kind share: waiting for conditions, free ports."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds in which CPython 3.11 to 3.13 counts to a million on processors of the last years.
COUNTS_IN_S = 0.025


def busy() -> float:
    """Return how many times slower than a free and usual one this machine is now; 1 at least.

    Promises in seconds hold on a usual machine: on others, processes boot and work as slowly as
    this one counts to a million, and as others take the processors.
    """
    began = time.monotonic()
    for _ in range(1_000_000):
        pass
    counted_s = time.monotonic() - began
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return max(1.0, load, counted_s / COUNTS_IN_S)


def wait_until(condition: Callable[[], T], within_s: float, every_s: float = 0.02) -> T:
    """Return the condition's first true value.

    Raises:
        AssertionError: it wasn't true within ``within_s`` seconds of a usual machine.
    """
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        took_s = time.monotonic() - began
        if took_s > within_s and took_s > within_s * busy():
            raise AssertionError(f"not true within {took_s:.1f} s: {condition}")
        threading.Event().wait(every_s)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
