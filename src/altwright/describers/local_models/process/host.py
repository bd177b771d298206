"""One model for all processes of a host: started when a picture comes, ended when none does.

A client connects, names a model, and gets its server's address; as long as it stays connected, the
server stays. Started as ``python -m altwright.describers.local_models.process.host SOCKET FOLDER
IDLE_S MEMORY_LIMIT_MB PARENT LOG_LEVEL LOG_FORMAT``: by `altwright serve` (PARENT 0), or by a
client where none runs; such a one ends with its parent.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from altwright import telemetry
from altwright.describers.local_models.folder import ModelFolder
from altwright.describers.local_models.process.served import Served
from altwright.describers.offline.process import protocol
from altwright.errors import DescriberUnavailable, NotOnThisHost

_log = logging.getLogger(__name__)

#: Seconds that a part of a message may take; the other side is on this machine.
_TRANSFER_S: Final = 10.0
#: Seconds before a server that ended by itself is started again, and the longest; doubled each
#: time.
_AGAIN_FIRST_S, _AGAIN_MOST_S = 1.0, 60.0
#: Seconds between two looks whether a server idles or has ended.
_LOOK_S: Final = 0.5


class Host(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Listens on a Unix socket for processes of the same user."""

    daemon_threads = True  # whoever is connected has a picture in hand, and sees the end
    request_queue_size = 128

    def __init__(
        self, address: Path, models: ModelFolder, idle_s: float, memory_limit_mb: int, parent: int
    ) -> None:
        """Take ``parent``, the process that it ends with (0: none)."""
        self._address = address
        self._models = models
        self._idle_s = idle_s
        self._memory_limit_mb = memory_limit_mb
        self._parent = parent
        self._changed = threading.Condition()
        self._served: Served | None = None
        self._is_lent = False
        self._idle_since = 0.0
        self._fault: DescriberUnavailable | None = None
        self._not_before = 0.0
        self._again_s = _AGAIN_FIRST_S
        address.unlink(missing_ok=True)  # of one that was killed
        before = os.umask(0o177)
        try:
            super().__init__(str(address), _Handler)
        finally:
            os.umask(before)

    def lend(self, name: str) -> Served:
        """Return the model's server, started if need be; ``give_back`` ends that.

        Waits while it is lent: it describes one picture at a time, and nobody's wait for another
        one's picture is to count against the time that a description may take.

        Raises:
            NotOnThisHost: there is no such model here.
            DescriberUnavailable: too little memory, or it ended by itself a moment ago.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_lent)
            installed = self._models.needed(name)
            self._notice_end()
            if self._served is None or self._served.installed.model != installed.model:
                self._end_served()
                self._check_pause()
                try:
                    self._served = Served(installed, self._memory_limit_mb)
                except DescriberUnavailable as fault:
                    self._pause(fault)
                    raise
                _log.info("%s runs as process %s", name, self._served.pid)
            self._is_lent = True
            return self._served

    def give_back(self) -> None:
        """Note that a client needs its server no more."""
        with self._changed:
            self._is_lent = False
            self._idle_since = time.monotonic()
            self._changed.notify()

    def why_ended(self, served: Served) -> DescriberUnavailable | None:
        """Return why a server has ended; None: it runs."""
        with self._changed:
            self._notice_end()
            return self._fault if served is not self._served else None

    def went_well(self) -> None:
        """Note that a picture was described: the next fault is a first one."""
        with self._changed:
            self._again_s, self._fault = _AGAIN_FIRST_S, None

    def service_actions(self) -> None:
        """Look, now and then, whether the server idles, and whether anybody needs this process."""
        if self._parent and os.getppid() != self._parent:
            sys.exit()
        if not self._changed.acquire(blocking=False):
            return  # a model is being started
        try:
            self._notice_end()
            idle_s = time.monotonic() - self._idle_since
            if self._served is not None:
                self._served.shorten_log()
            if self._served is not None and not self._is_lent and idle_s > self._idle_s:
                _log.info("%s idles, and ends", self._served.installed.model.name)
                self._end_served()
        finally:
            self._changed.release()

    def end(self) -> None:
        """Listen no more, and end the server."""
        self._address.unlink(missing_ok=True)
        self.server_close()
        self._end_served()

    def _notice_end(self) -> None:
        if self._served is not None and not self._served.is_running():
            fault = self._end_served()
            if fault is not None:
                self._pause(fault)

    def _end_served(self) -> DescriberUnavailable | None:
        served, self._served = self._served, None
        return served.end() if served is not None else None

    def _pause(self, fault: DescriberUnavailable) -> None:
        _log.warning("%s %s", fault, fault.operator_detail)
        self._fault = fault
        self._not_before = time.monotonic() + self._again_s
        self._again_s = min(2 * self._again_s, _AGAIN_MOST_S)

    def _check_pause(self) -> None:
        left_s = self._not_before - time.monotonic()
        if self._fault is not None and left_s > 0:
            again = DescriberUnavailable(
                str(self._fault), retry_in_s=left_s, category=self._fault.category
            )
            again.operator_detail = self._fault.operator_detail
            raise again


class _Handler(socketserver.BaseRequestHandler):
    server: Host

    def handle(self) -> None:
        with contextlib.suppress(OSError, protocol.Broken):  # whoever asked has gone
            self.request.settimeout(_TRANSFER_S)
            wanted = self._receive()
            try:
                served = self.server.lend(str(wanted.get("model")))
            except DescriberUnavailable as error:
                self._send(_told(error))
                return
            try:
                self._lend(served)
            finally:
                self.server.give_back()

    def _lend(self, served: Served) -> None:
        self._send({"url": served.url, "key": served.key})
        self.request.settimeout(None)  # as long as its picture takes
        while True:
            match self._receive():
                case {"ended": True}:
                    self._send(_told(self.server.why_ended(served)))
                case {"described": True}:
                    self.server.went_well()
                    self._send({"memory_mb": served.memory_mb()})

    def _receive(self) -> dict[str, Any]:
        return protocol.unpack(lambda count: self.request.recv(min(count, 1 << 20)))

    def _send(self, message: dict[str, Any]) -> None:
        self.request.sendall(protocol.pack(message))


def _told(error: DescriberUnavailable | None) -> dict[str, Any]:
    match error:
        case None:
            return {}
        case NotOnThisHost():
            return {"error": "not here"}
        case _:
            return {
                "error": "unavailable",
                "detail": str(error),
                "category": error.category.value,
                "operator_detail": error.operator_detail,
                "retry_in_s": error.retry_in_s,
            }


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM, or until its parent has gone; one on a socket, another waits for it."""
    address, folder, idle_s, memory_limit_mb, parent, level, form = arguments
    telemetry.configure(level, form)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Path(f"{address}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if int(parent) else 0))
        except BlockingIOError:
            return  # another client's is there now
        host = Host(
            Path(address),
            ModelFolder(Path(folder)),
            float(idle_s),
            int(memory_limit_mb),
            int(parent),
        )
        try:
            host.serve_forever(_LOOK_S)
        finally:
            host.end()


if __name__ == "__main__":
    main(sys.argv[1:])
