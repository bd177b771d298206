"""What systemd is told: ready, stopping, alive (sd_notify(3)). Elsewhere nobody is told."""

from __future__ import annotations

import contextlib
import os
import socket
import time

#: Set by systemd for the process it started, and for none of its children.
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """Tells systemd how this process is, where it was started with Type=notify."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        wanted_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
        for_me = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half of what is allowed, as sd_watchdog_enabled(3) recommends.
        self._sign_every_s = wanted_s / 2 if for_me else 0.0
        self._signed_at = time.monotonic()

    @property
    def is_there(self) -> bool:
        """Return whether systemd has started this process, and hears what it is told."""
        return bool(self._address)

    def ready(self) -> None:
        """Say that the service can be used."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that a reload has begun; ``ready`` ends it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Give the watchdog its sign, when one is due."""
        at = time.monotonic()
        if self._sign_every_s and at - self._signed_at >= self._sign_every_s:
            self._signed_at = at
            self._tell("WATCHDOG=1")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        # A manager that doesn't listen mustn't end the service.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.sendto(words.encode("ascii"), self._address)
