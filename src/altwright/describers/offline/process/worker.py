"""The process that describes: reads pictures from standard input, answers on the same socket.

Started by ``client.OfflineDescriber`` as ``python -m altwright.describers.offline.process.worker
MODELS IDLE_S PARENT_PID``. It ends when the other side closes, when its parent has gone, when it
idled long enough, or when it has grown large; a request that comes in between starts a new one.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import Final

from altwright.describers.offline.process import protocol, sandbox
from altwright.log_words import located

#: Seconds between two looks whether the parent still lives. The socket's end tells it at once,
#: unless another process that was forked meanwhile holds a copy.
_LOOK_S: Final = 1.0
#: Bytes of peak memory after which the process makes way for a fresh one. Measured: 594 MB over
#: 72 pictures; a new start costs half a second.
_LARGE_BYTES: Final = 700_000_000


def main(arguments: list[str]) -> int:
    """Serve until one of the ends that the module names; return the exit status."""
    models_dir, idle_s, parent = Path(arguments[0]), float(arguments[1]), int(arguments[2])
    channel = socket.socket(fileno=os.dup(0))
    # Libraries may print: standard output goes where errors go, never on the channel.
    os.dup2(2, 1)
    quiet = os.open(os.devnull, os.O_RDONLY)
    os.dup2(quiet, 0)
    os.close(quiet)
    unenforced = sandbox.confine()
    # Only now: numerical libraries start threads, and the confinement must come before them.
    from altwright.describers.offline.pipeline import Composer  # noqa: PLC0415

    answer = Composer(models_dir, unenforced).answer
    while _asked(channel, idle_s, parent):
        try:
            request = protocol.unpack(channel.recv)
        except protocol.Broken:
            return 0
        try:
            reply, status = answer(request), None
        except Exception as error:  # noqa: BLE001 - the last resort: the parent is told
            reply, status = {"error": "fault", "detail": located(error)}, 1
        channel.sendall(protocol.pack(reply))
        if status is not None:
            return status
        if _peak_bytes() > _LARGE_BYTES:
            return 0
    return 0


def _asked(channel: socket.socket, idle_s: float, parent: int) -> bool:
    """Wait for a request; False: nobody asks any more."""
    deadline = time.monotonic() + idle_s
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([channel], [], [], min(_LOOK_S, left))
        if readable:
            return True
        if os.getppid() != parent:
            return False
    return False


def _peak_bytes() -> int:
    # Not getrusage(2): its ru_maxrss begins with that of the process which started this one.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
