"""One offline describer for all processes of a host: `altwright serve` runs it, workers ask it.

Without it, each worker process starts a describing process of its own, of up to 594 MB and two
processors (measured). This process looks into no picture; it hands requests on, and replies.
Started as ``python -m altwright.describers.offline.process.host SOCKET MODELS_DIR IDLE_S PROCESSES
LOG_LEVEL LOG_FORMAT``.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socketserver
import sys
from pathlib import Path
from typing import Any, Final

from altwright import telemetry
from altwright.describers.offline.process import protocol
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.errors import ConfigError, DescriberUnavailable

#: Seconds that a part of a request or reply may take; the other side is on this machine.
_TRANSFER_S: Final = 10.0


class Host(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens on a Unix socket for processes of the same user; one message each, one reply."""

    daemon_threads = False  # a stop waits for the pictures in hand
    request_queue_size = 128

    def __init__(self, address: Path, describers: list[OfflineDescriber]) -> None:
        self._address = address
        self._describers = describers
        # Last in, first out: no more of them start than are needed at the same time.
        self._free: queue.LifoQueue[OfflineDescriber] = queue.LifoQueue()
        for describer in describers:
            self._free.put(describer)
        address.unlink(missing_ok=True)  # of one that was killed
        before = os.umask(0o177)
        try:
            super().__init__(str(address), _Handler)
        finally:
            os.umask(before)

    def reply(self, message: dict[str, Any]) -> dict[str, Any]:
        """Wait for a free describer, and return its reply, or why there is none."""
        if message == protocol.PING:
            return message
        describer = self._free.get()
        try:
            return describer.reply(message)
        except DescriberUnavailable as error:
            category = error.category.value
            return {"error": "unavailable", "detail": str(error), "category": category}
        except ConfigError as error:
            return {"error": "config", "problems": error.problems}
        finally:
            self._free.put(describer)

    def end(self) -> None:
        """Take no more requests, reply to those at hand, and end the describing processes."""
        self._address.unlink(missing_ok=True)
        self.server_close()
        for describer in self._describers:
            describer.close()


class _Handler(socketserver.BaseRequestHandler):
    server: Host

    def handle(self) -> None:
        with contextlib.suppress(OSError, protocol.Broken):  # whoever asked has gone
            self.request.settimeout(_TRANSFER_S)
            message = protocol.unpack(lambda count: self.request.recv(min(count, 1 << 20)))
            self.request.sendall(protocol.pack(self.server.reply(message)))


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM."""
    address, models_dir, idle_s, processes, level, form = arguments
    telemetry.configure(level, form)
    describers = [
        OfflineDescriber(Path(models_dir), idle_s=float(idle_s)) for _ in range(int(processes))
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    host = Host(Path(address), describers)
    try:
        host.serve_forever()
    finally:
        host.end()


if __name__ == "__main__":
    main(sys.argv[1:])
