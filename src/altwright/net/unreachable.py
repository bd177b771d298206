"""Why a server that was called over HTTP can't be reached, in words for whoever named it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from urllib3.exceptions import NameResolutionError

from altwright.text import clean_line

#: Characters of a host that are shown.
HOST_MOST = 100

#: The system's numbers where no network leads to an address.
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
#: What the resolver says when it doesn't know; else there is no such name. Source: getaddrinfo(3).
_ASK_AGAIN = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL})
#: OpenSSL's reasons → what they mean. Source: openssl-verification-options(1), x509_txt.c.
_CERTIFICATE = (
    ("has expired", "its certificate has expired"),
    ("not yet valid", "its certificate isn't valid yet"),
    ("ostname mismatch", "its certificate is another host's"),
    ("IP address mismatch", "its certificate is another host's"),
    ("self-signed", "its certificate is signed by itself, or by nobody who is trusted here"),
)
#: What the system says → what it means; the first that fits counts.
_SYSTEM: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "it doesn't answer in TLS (https)"),
    (TimeoutError, "it doesn't answer in time"),
    (ConnectionRefusedError, "nothing listens there"),
)
#: An end of the connection; which one is seen depends on who was faster.
BROKE_OFF = "the connection ended before there was a whole answer"


def reason_of(error: BaseException) -> str:
    """Return why, as the end of a sentence without its full stop; it names no address."""
    causes = list(_chain(error))
    for one in causes:
        if isinstance(one, NameResolutionError):
            return _of_name(one)
        if isinstance(one, ssl.SSLCertVerificationError):
            said = one.verify_message or str(one)
            known = (words for part, words in _CERTIFICATE if part in said)
            return next(known, "its certificate isn't trusted here")
    for one in causes:
        for kind, words in _SYSTEM:
            if isinstance(one, kind):
                return words
    for one in causes:
        if isinstance(one, OSError) and one.errno in _NO_WAY:
            return "there is no way to it from here"
    return BROKE_OFF


def host_of(error: Exception, url: str) -> str:
    """Return the host that didn't answer, as it may be shown: ``url``'s, or behind a redirect."""
    asked = getattr(getattr(error, "request", None), "url", None) or url
    return clean_line(urlsplit(asked).netloc.rpartition("@")[2], HOST_MOST)


def _of_name(error: NameResolutionError) -> str:
    looked_up = error.__cause__
    if isinstance(looked_up, TimeoutError):
        return "looking its name up took too long"
    if isinstance(looked_up, socket.gaierror) and looked_up.errno in _ASK_AGAIN:
        return "its name can't be looked up now"
    return "there is no host of this name"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those under it, which requests and urllib3 keep in several places."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        under = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        left += [part for part in under if isinstance(part, BaseException)]
