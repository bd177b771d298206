"""Workers: their kinds, what starts them again, and names that say whether they can be there."""

from __future__ import annotations

import itertools
import os
import socket
from enum import StrEnum
from functools import cache
from pathlib import Path

_numbers = itertools.count(1)


class WorkerKind(StrEnum):
    """Where a worker lives."""

    INTEGRATED = "integrated"  # a thread of a web process
    EXTERNAL = "external"  # a thread of `altwright worker`
    RQ = "rq"  # RQ's own command


class StartedBy(StrEnum):
    """What starts a worker's process again when it ends."""

    GUNICORN = "gunicorn"
    POOL = "pool"  # our supervisor, in `altwright serve` or `altwright worker --min --max`
    SYSTEMD = "systemd"
    NOBODY = ""  # or something that we can't know of: a container's restart policy, a person


def new_worker_id(kind: str) -> str:
    """Return a name unique in the cluster: host, boot, process, its start, kind and number."""
    return f"{process_name()}.{kind}{next(_numbers)}"


def process_name() -> str:
    """Return this process's name in the cluster."""
    pid = os.getpid()
    return f"{host_name()}.{_boot()}.{pid}.{_started(pid)}"


def gone_from_this_host(worker_id: str) -> bool:
    """Return whether the worker's process is known to be gone: it was of this host and boot.

    Process ids are used again, so the start time (clock ticks since boot) is compared too.
    """
    match worker_id.split("."):
        case [host, boot, pid, started, *_] if (
            host == host_name() and boot == _boot() and pid.isdecimal()
        ):
            return _started(int(pid)) != started
        case _:
            return False


def host_name() -> str:
    """Return this host's name, as it stands in worker ids; at most 48 characters."""
    return socket.gethostname().split(".", 1)[0][:48]


@cache
def _boot() -> str:
    """Return eight characters of the kernel's boot id and of the process namespace's number.

    Containers share a boot id, and may share a host name, but not process ids.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return "unknown"


def _started(pid: int) -> str:
    """Return a process's start in clock ticks since boot; "" if it is gone or a zombie."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2]
    except OSError:
        return ""
    fields = after_name.split()
    # proc(5): the state is field 3, the start time field 22; the name (2) may hold anything.
    return "" if fields[0] in {"Z", "X"} else fields[19]
