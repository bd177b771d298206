"""What a server's refusal means: of this post, of the token, of the moment, or none of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

import requests

from altwright.errors import Category, PlatformRefused, PlatformUnavailable, RateLimited
from altwright.outbound import MAX_RETRY_AFTER_S, http_date, retry_after_s
from altwright.platforms.json_answers import parsed
from altwright.text import clean_line

TOKEN_REFUSED = "The server doesn't accept the account's token any more; connect it again."  # noqa: S105 - a sentence
#: Seconds to wait when a server says "too many" and not for how long. Source: Pixelfed allows
#: ten edits of media a minute and sends no Retry-After with its refusal.
DEFAULT_WAIT_S = 60.0
#: Characters of a server's own words that are shown.
_SAID_CHARACTERS = 200
#: Bytes of a page that are looked at.
_LOOKED_AT = 20_000
#: What stands in pages of walls against bots. Source: Cloudflare, Anubis, go-away, DDoS-Guard,
#: as seen in front of servers (toot#106, FediFetcher#190).
_WALLS = (b"just a moment", b"cf-", b"challenge", b"anubis", b"go-away", b"ddos", b"captcha")


class PlatformGone(PlatformRefused):
    """There is no such post, medium or address on the server (404, 410)."""


class PlatformForbids(PlatformRefused):
    """The server doesn't allow this with this post or medium (403); the token may well work."""

    ends_streak = True


def unexpected() -> PlatformUnavailable:
    """Return the error of an answer that isn't one."""
    return PlatformUnavailable("The server's answer isn't what a Mastodon or Pixelfed server says.")


def walled() -> PlatformUnavailable:
    """Return the error of a wall's answer: a new token wouldn't help, time may."""
    return PlatformUnavailable(
        "A protection page in front of the server answers instead of the server."
    )


def is_wall(response: requests.Response, data: bytes) -> bool:
    """Say whether a wall against bots answers, as far as can be seen."""
    if response.headers.get("cf-mitigated"):
        return True
    looked_at = data[:_LOOKED_AT].lower()
    return _is_page(response) and any(mark in looked_at for mark in _WALLS)


def refuse(response: requests.Response, data: bytes) -> None:
    """Raise what a status code means; nothing for 2xx."""
    match response.status_code:
        case code if code < 400:  # noqa: PLR2004 - HTTP's classes
            return
        case requests.codes.unauthorized:
            raise PlatformRefused(TOKEN_REFUSED, category=Category.AUTHENTICATION)
        case requests.codes.forbidden if is_wall(response, data) or _said(data) is None:
            raise walled()
        case requests.codes.forbidden:
            raise PlatformForbids(
                f"The server doesn't allow this with the account's token{_ending(data)}"
            )
        case requests.codes.not_found | requests.codes.gone:
            raise PlatformGone("The server doesn't have it (any more).")
        case requests.codes.too_many_requests:
            raise RateLimited("The server asked us to wait.", retry_in_s=wait_s(response.headers))
        case requests.codes.request_timeout:
            raise PlatformUnavailable("The server ran out of time.", category=Category.TIMEOUT)
        case code if is_wall(response, data):
            raise walled()
        case code if code < 500:  # noqa: PLR2004 - HTTP's classes
            raise PlatformRefused(f"The server refused ({code}){_ending(data)}")
        case code:
            raise PlatformUnavailable(
                f"The server is in trouble (it answered {code}).",
                retry_in_s=retry_after_s(response.headers),
            )


def _is_page(response: requests.Response) -> bool:
    return "html" in response.headers.get("Content-Type", "").lower()


def _said(data: bytes) -> str | None:
    """Return the server's own words, cleaned; None: it isn't the API that speaks."""
    try:
        answer = parsed(data)
    except ValueError:
        return None
    if not isinstance(answer, Mapping):
        return None
    said = answer.get("error") or answer.get("message")
    return clean_line(said, _SAID_CHARACTERS) if isinstance(said, str) else ""


def _ending(data: bytes) -> str:
    """Return the server's own words as the end of a sentence."""
    said = _said(data)
    return f": {said}" if said else "."


def wait_s(headers: Mapping[str, str]) -> float:
    """Return how long to wait: Retry-After, or until X-RateLimit-Reset by the server's clock.

    Source: Mastodon sends the reset as an ISO 8601 instant, GoToSocial as seconds of the epoch.
    """
    wait_s = retry_after_s(headers)
    if wait_s is not None:
        return wait_s
    reset = headers.get("X-RateLimit-Reset", "").strip()
    try:
        ends_at = float(reset) if reset.isdecimal() else datetime.fromisoformat(reset).timestamp()
    except (ValueError, OverflowError):
        return DEFAULT_WAIT_S
    dated = http_date(headers.get("Date", ""))
    now = dated.timestamp() if dated else time.time()
    return min(max(ends_at - now, 0.0), MAX_RETRY_AFTER_S)
