"""What a server's refusal means: of this post, of the token, of the moment, or none of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

import requests

from altwright.domain.retry_policy import RETRY_AFTER_MOST_S
from altwright.errors import Category, PlatformRefused, PlatformUnavailable, RateLimited
from altwright.net.http import http_date, retry_after_s
from altwright.platforms.reading.json_answers import parsed
from altwright.text import clean_line

TOKEN_REFUSED = "The server doesn't accept the account's token any more; connect it again."  # noqa: S105 - a sentence
#: Seconds to wait when a server says "too many" and not for how long. Source: Pixelfed allows
#: ten edits of media a minute and sends no Retry-After with its refusal.
DEFAULT_WAIT_S = 60.0
#: Characters of a server's own words that are shown.
_SAID_CHARACTERS = 200
#: Bytes of a page that are looked at.
_LOOKED_AT = 20_000
#: What stands in the pages of bot protections. Source: Cloudflare, Anubis, go-away, DDoS-Guard,
#: as seen in front of servers (toot#106, FediFetcher#190).
_PROTECTIONS = (b"just a moment", b"cf-", b"challenge", b"anubis", b"go-away", b"ddos", b"captcha")


class PlatformGone(PlatformRefused):
    """There is no such post, medium or address on the server (404, 410)."""


class PlatformForbids(PlatformRefused):
    """The server doesn't allow this with this post or medium (403); the token may well work."""

    ends_streak = True


class WrongAddress(PlatformRefused):
    """The server's address is none, or leads elsewhere; the token has no part in it."""


def unexpected() -> PlatformUnavailable:
    """Return the error of an answer that isn't the API's."""
    return PlatformUnavailable("The server's answer isn't what Mastodon's API promises.")


def no_answer_of_the_api(response: requests.Response, data: bytes) -> PlatformUnavailable:
    """Return the error of an answer that is no JSON: a firewall's, or some other page."""
    return _protected() if _is_protection(response, data) else unexpected()


def _protected() -> PlatformUnavailable:
    """Return the error of a firewall's answer: a new token wouldn't help, time may."""
    return PlatformUnavailable(
        "A firewall or bot protection in front of the server answers instead of the server."
    )


def _is_protection(response: requests.Response, data: bytes) -> bool:
    """Return whether a bot protection answers, as far as can be seen; some call their page JSON."""
    if response.headers.get("cf-mitigated"):
        return True
    looked_at = data[:_LOOKED_AT].lower()
    is_page = "html" in response.headers.get(
        "Content-Type", ""
    ).lower() or looked_at.lstrip().startswith((b"<!doctype html", b"<html"))
    return is_page and any(mark in looked_at for mark in _PROTECTIONS)


def refuse(response: requests.Response, data: bytes) -> None:
    """Raise what a status code means; nothing for 2xx."""
    match response.status_code:
        case code if code < 400:  # noqa: PLR2004 - HTTP's classes
            return
        case requests.codes.unauthorized:
            raise PlatformRefused(TOKEN_REFUSED, category=Category.AUTHENTICATION)
        case requests.codes.forbidden if _is_protection(response, data) or _said(data) is None:
            raise _protected()
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
        case code if _is_protection(response, data):
            raise _protected()
        case code if code < 500:  # noqa: PLR2004 - HTTP's classes
            raise PlatformRefused(f"The server refused ({code}){_ending(data)}")
        case code:
            raise PlatformUnavailable(
                f"The server is in trouble (it answered {code}).",
                retry_in_s=retry_after_s(response.headers),
            )


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
    if (asked_s := retry_after_s(headers)) is not None:
        return asked_s
    reset = headers.get("X-RateLimit-Reset", "").strip()
    try:
        ends_at = float(reset) if reset.isdecimal() else datetime.fromisoformat(reset).timestamp()
    except (ValueError, OverflowError):
        return DEFAULT_WAIT_S
    dated = http_date(headers.get("Date", ""))
    now = dated.timestamp() if dated else time.time()
    return min(max(ends_at - now, 0.0), RETRY_AFTER_MOST_S)
