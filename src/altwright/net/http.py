"""SSRF-safe HTTP client for user-supplied URLs.

Proxies of the environment are not used: behind one, nobody could check what is connected to.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from altwright import interrupts
from altwright.domain.retry_policy import RETRY_AFTER_MOST_S
from altwright.errors import Category, ImageUnavailable, ImageUnusable, OutboundRefused, RateLimited
from altwright.net.ssrf_guard import (
    AnswerTooLarge,
    Exchange,
    Guard,
    GuardedAdapter,
    is_public,
    is_timeout,
)
from altwright.net.unreachable import host_of, reason_of

USER_AGENT = f"Altwright/{version('altwright')}"
#: Redirects that are followed; browsers stop at 20, media hosts need one or two.
MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file: ``media_type`` is what the server says."""

    data: bytes
    media_type: str


class Outbound:
    """Makes sessions and fetches files; thread-safe."""

    def __init__(self, allowed_private_hosts: frozenset[str], *, timeout_s: float) -> None:
        """Allow private addresses for these hosts (host or host:port) only."""
        self.timeout_s = timeout_s
        self._guard = Guard(allowed_private_hosts)

    def session(self) -> requests.Session:
        """Return a session whose connections are guarded; it works inside of an exchange only.

        Its requests raise OutboundRefused besides the exceptions of requests.
        """
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter())
        session.headers["User-Agent"] = USER_AGENT
        return session

    def is_overheard(self, url: str) -> bool:
        """Return whether others could read what is sent there: plain HTTP, on no network of ours.

        Hosts that the operator has named are on one; whether a private address is called at all
        is the guard's to say.
        """
        called = url
        with suppress(ValueError):  # what no address is called by is refused when it is called
            called = requests.Request("GET", url).prepare().url or url
        parts = urlsplit(called)
        host = parts.hostname or ""
        is_ours = self._guard.is_allowed(host, parts.port or 80) or _is_private(host)
        return parts.scheme.lower() == "http" and not is_ours

    def exchange(self, timeout_s: float | None = None) -> Exchange:
        """Return a deadline over all requests made inside, whose answers the caller reads."""
        return Exchange(self._guard, timeout_s or self.timeout_s)

    def fetch(self, url: str, *, max_bytes: int, timeout_s: float) -> Fetched:
        """Fetch a picture within ``timeout_s`` from beginning to end, following redirects.

        Raises:
            ImageUnusable: no such file, not allowed, too large, or no address to call.
            ImageUnavailable: unreachable, too slow, or the server is in trouble.
            RateLimited: the server asked to wait.
        """
        with Exchange(self._guard, timeout_s) as exchange, self.session() as session:
            try:
                return _follow(session, url, exchange, max_bytes)
            except OutboundRefused as error:
                unusable = ImageUnusable(f"The picture can't be fetched: {error}")
                unusable.operator_detail = error.operator_detail
                raise unusable from error
            except AnswerTooLarge as error:
                limit = f"{max_bytes / 1_000_000:.3g} MB"
                raise ImageUnusable(f"The picture's file is larger than {limit}.") from error
            except ValueError as error:  # of urllib and requests: addresses that aren't any
                raise ImageUnusable("The picture's address isn't valid.") from error
            except (requests.RequestException, HTTPError) as error:
                interrupts.current().check()
                # No user has named this server: which one it is is for the log.
                if exchange.expired or is_timeout(error):
                    away = ImageUnavailable(
                        "The picture's server took too long to answer.", category=Category.TIMEOUT
                    )
                else:
                    away = ImageUnavailable(
                        f"The picture's server can't be reached: {reason_of(error)}."
                    )
                away.operator_detail = f"It is {host_of(error, url)}."
                raise away from error


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:  # it is a name
        return host == "localhost"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asked us to wait, from Retry-After (seconds or a date).

    Source: RFC 9110, 10.2.3.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value), RETRY_AFTER_MOST_S)
    at = http_date(value)
    return None if at is None else min(max(at.timestamp() - time.time(), 0.0), RETRY_AFTER_MOST_S)


def http_date(value: str) -> datetime | None:
    """Return a header's instant, aware; None: it holds none.

    Source: RFC 9110, 5.6.7; a zone of "-0000", which RFC 5322 allows, names no zone and means UTC.
    """
    try:
        at = parsedate_to_datetime(value)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # years and zones beyond what Python counts
        return None


def _follow(session: requests.Session, url: str, exchange: Exchange, max_bytes: int) -> Fetched:
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise OutboundRefused("only http and https addresses are called.")
        with session.get(
            url, stream=True, allow_redirects=False, timeout=exchange.remaining_s()
        ) as response:
            if not response.is_redirect:
                _check_status(response)
                data = exchange.read(response, max_bytes)
                media_type = response.headers.get("Content-Type", "").split(";")[0]
                return Fetched(data, media_type.strip().lower())
            url = urljoin(url, response.headers["Location"])
    raise ImageUnusable("The picture's address is redirected too often.")


def _check_status(response: requests.Response) -> None:
    match response.status_code:
        case requests.codes.ok:
            return
        case requests.codes.too_many_requests:
            raise RateLimited(
                "The picture's server asked us to wait.",
                retry_in_s=retry_after_s(response.headers),
            )
        case requests.codes.not_found | requests.codes.gone:
            raise ImageUnusable("The picture isn't there any more.")
        case requests.codes.unauthorized | requests.codes.forbidden:
            raise ImageUnusable("The picture's server doesn't let us have it.")
        case requests.codes.request_timeout | requests.codes.too_early:
            raise ImageUnavailable("The picture's server isn't ready.")
        case code if 300 <= code < 500:  # noqa: PLR2004 - HTTP's classes
            raise ImageUnusable(f"The picture's server answered {code}.")
        case code:
            raise ImageUnavailable(
                f"The picture's server answered {code}.", category=Category.SERVICE_DOWN
            )
