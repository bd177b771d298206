"""What the describing process gives up before it touches a picture from elsewhere."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

#: Flags of unshare(2): own user and network namespaces.
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
#: Option of prctl(2): no program gains rights by set-user-id from here on.
_PR_SET_NO_NEW_PRIVS: Final = 38
#: Bytes of address space. Measured: 1.6 GB at most over 72 pictures, a third of it touched.
ADDRESS_SPACE_BYTES: Final = 4 * 1024**3
#: Of 1,000: when memory runs out, the kernel ends this process before the web server.
_OOM_SCORE: Final = 500
#: Audit events (PEP 578) of reaching the network or starting programs.
_REFUSED: Final = {
    *("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyaddr"),
    *("socket.gethostbyname", "socket.sendmsg", "socket.sendto"),
    *("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"),
}


def confine(
    address_space_bytes: int = ADDRESS_SPACE_BYTES, *, serves_loopback: bool = False
) -> list[str]:
    """Give up the network, most memory and priority; return what this system couldn't enforce.

    One that ``serves_loopback`` keeps the network, and Python's sockets are refused all the same.
    Must run while the process has one thread (unshare(2) asks for it), so before numerical
    libraries are imported. The refusal of Python's own sockets always holds; the namespace,
    which binds native code too, depends on the kernel's settings.
    """
    missing = []
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not _limit_memory(address_space_bytes):
        missing.append("memory limit")
    _gain_no_rights()
    if not serves_loopback and not _leave_network():
        missing.append("network namespace")
    try:
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))
    except OSError:
        missing.append("out-of-memory score")
    sys.addaudithook(_refuse)
    return missing


def _limit_memory(address_space_bytes: int) -> bool:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY and hard < address_space_bytes:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, hard))
    except (ValueError, OSError):
        return False
    return True


def _gain_no_rights() -> None:
    with suppress(OSError, AttributeError):  # a C library without this call
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _leave_network() -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # Alone first: root may do that, and keeps the rights to read its files.
        return any(
            libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET)
        )
    except (OSError, AttributeError):  # a C library without these calls
        return False


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError(f"The describing process may not do this: {event}.")
