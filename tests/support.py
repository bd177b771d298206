"""What tests of every kind share: waiting for conditions, free ports."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds that tests wait for what must come. No promise: it ends a test that would hang, and is
#: long enough for a machine with much else to do. How fast things are is measured in benchmarks/.
PATIENCE_S = 240.0
#: Where ports of tests lie: below those that Linux gives to outgoing connections (32768 and up),
#: one of which might take a port between its choice and its use. Each process of a run has its own.
_PORTS = range(
    10_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")),
    32_000,
    int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
)

_given: set[int] = set()
#: Not the module's own dice: pytest-randomly seeds those alike in processes that run side by side.
_dice = random.SystemRandom()


def wait_until(
    condition: Callable[[], T], within_s: float = PATIENCE_S, every_s: float | None = None
) -> T:
    """Return the condition's first true value.

    Left out, ``every_s`` grows with the wait: asking takes the processor from what is waited for.

    Raises:
        AssertionError: it wasn't true within ``within_s`` seconds.
    """
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited_s = time.monotonic() - began
        if waited_s > within_s:
            raise AssertionError(f"not true within {within_s:.0f} s: {condition}")
        threading.Event().wait(every_s or min(max(waited_s / 20, 0.01), 0.1))


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on; none is returned twice."""
    while True:
        port = _dice.choice(_PORTS)
        with socket.socket() as sock:
            if port not in _given and sock.connect_ex(("127.0.0.1", port)) != 0:
                _given.add(port)
                return port
