"""What log lines say of exceptions, paths and addresses: enough to find them, nothing of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from altwright.errors import AltwrightError

#: Calls that are named of an exception, from the one that raised it.
_PLACES_MOST = 8
#: Exceptions that are named of one that was raised because of another.
_CAUSES_MOST = 4
#: Folders at the root of a file system: what stands here, and what stands elsewhere.
#: Source: Filesystem Hierarchy Standard 3.0, and macOS.
_ROOTS = set(
    re.findall(r"\w+", "bin dev etc home lib mnt opt private proc root run srv tmp usr var")
)
with suppress(OSError):
    _ROOTS |= {one.name for one in Path("/").iterdir()} - {"api", "admin", "static"}
#: A path, unless it is one of an address on the web.
_PATH = re.compile(
    r"(?:(?<=sqlite:///)|(?<=unix://)|(?<=file://)|(?<![\w/.:\]~%-]))/(?:"
    + "|".join(map(re.escape, sorted(_ROOTS)))
    + r")(?![\w-]|\.\w)(?:/[^\s'\"`,;:?&()\[\]{}<>]*)?"
)
_NUMERIC = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|[\da-fA-F:]*::?[\da-fA-F:]+)"
)
#: The host of an address that has no dot, or ends as networks at home and in clusters do.
#: Sources: RFC 6762 (local), RFC 8375 (home.arpa), ICANN 2024 (internal).
_INTERNAL = re.compile(
    r"(?<=://)(?P<login>[^\s/@]*@)?(?:[\w-]+|[\w.-]+\.(?:local|localdomain|lan|home\.arpa|internal))"
    r"(?=[:/?#\s'\"),.]|$)(?!\.\w)"
)


#: A stack in another process's last words: Python's own, or faulthandler's.
_STACK = re.compile(
    r"^[ \t]*(?:Traceback \(most recent call last\):|(?:Current thread|Thread) 0x\w+ .*"
    r"|File \"[^\"\n]*\", line \d+.*(?:\n {4}.*)*)(?:\n|\Z)",
    re.MULTILINE,
)


def masked(text: str) -> str:
    """Leave out stacks; replace paths of files, and addresses of hosts in private networks."""
    text = _INTERNAL.sub(lambda match: f"{match['login'] or ''}[host]", text)
    return _NUMERIC.sub(_host, _PATH.sub("[path]", _STACK.sub("", text)))


def _host(match: re.Match[str]) -> str:
    with suppress(ValueError):
        address = ipaddress.ip_address(match[0])
        if address.is_private and not address.is_unspecified:
            return "[host]"
    return match[0]


def located(error: BaseException) -> str:
    """Return an exception's class and the modules and lines that led to it, innermost first.

    So, too, what it was raised because of. The words of an error of ours are safe, and the
    system's of its own; others may quote anything.
    """
    return "; because of ".join(_one(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(_CAUSES_MOST):
        if following is None:
            return
        yield following
        suppressed = following.__suppress_context__
        following = following.__cause__ or (None if suppressed else following.__context__)


def _one(error: BaseException) -> str:
    said = ""
    if isinstance(error, AltwrightError | ImportError):
        said = f" ({error})"
    elif isinstance(error, OSError) and error.strerror:
        said = f" ({error.strerror})"
    places = list(_places(error.__traceback__))[::-1]
    shown = " < ".join(places[:_PLACES_MOST])
    return f"{type(error).__name__}{said} at {shown}" if shown else type(error).__name__ + said


def _places(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield f"{traceback.tb_frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
