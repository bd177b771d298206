"""What addresses in settings share: parts that can be read, and words for those that can't."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

#: The highest port there is.
LAST_PORT = 65535
#: Said where a login can't be told from what follows it. Source: RFC 3986, 3.2.1.
ENCODE = (
    "name and password have to be percent-encoded in it: "
    "/ is %2F, ? is %3F, # is %23, @ is %40, : is %3A, % is %25, a blank is %20"
)
#: A host's name as it is called: in small letters, without a last dot. Names with underscores are
#: used, though RFC 1123 (2.1) has none.
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?")
_HOST = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?")


def split(url: str, wanted: str, *, at_may_follow: bool = False) -> SplitResult:
    """Return an address's parts; none of the faults that it finds repeats a part of it.

    ``at_may_follow``: a path and a query of this kind of address may hold an "@".

    Raises:
        ValueError: it isn't ``wanted`` ("should be …"), or its login isn't percent-encoded.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # as in "http://[::1"
        raise ValueError(wanted) from None
    login, _, _hosts = parts.netloc.rpartition("@")
    is_whole = _names_host(parts) if at_may_follow else bool(login)
    if parts.netloc and "@" in parts.path + parts.query + parts.fragment and not is_whole:
        raise ValueError(ENCODE)
    if parts.fragment or any(one.isspace() for one in url):
        raise ValueError(ENCODE)
    return parts


def _names_host(parts: SplitResult) -> bool:
    """Return whether a host precedes the path, and no beginning of a login.

    A "/" or "?" in a password ends there what is taken for host and port.
    """
    try:
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return host == "localhost" or any(one in host for one in ".:")


def port_of(parts: SplitResult, wanted: str) -> int | None:
    """Return the port that an address names. Raises ValueError: it is none."""
    try:
        return parts.port
    except ValueError:
        # Not Python's words: they repeat the text, which may be the beginning of a password.
        raise ValueError(f"{wanted}; its port should be a number up to {LAST_PORT}") from None


def is_host(text: str) -> bool:
    """Return whether a text is a host or host:port in the spelling in which one is called."""
    if _is_ipv6(text):
        return True
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 0) > LAST_PORT:
        return False
    host = found["host"]
    return _is_ipv6(host[1:-1]) if host.startswith("[") else bool(_NAME.fullmatch(host))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def meant_host(text: str) -> str:
    """Return the host or host:port that is probably meant by a text which is none; "": unknown."""
    with suppress(ValueError):
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = (parts.hostname or "").rstrip(".")
        shown = f"[{host}]" if ":" in host else host
        meant = f"{shown}:{parts.port}" if parts.port else shown
        # Of a network or a pattern nobody knows which host is meant.
        if is_host(meant) and not (parts.path.strip("/") and "//" not in text):
            return meant
    return ""
