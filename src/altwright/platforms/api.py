"""Mastodon's API on guarded sessions: what Mastodon.py and requests raise ends here."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import mastodon
import requests

from altwright.errors import (
    AltwrightError,
    Category,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.interrupts import Interrupted
from altwright.outbound import MAX_RETRY_AFTER_S, USER_AGENT, Outbound, retry_after_s

#: Posts per page. Source: Mastodon's maximum for statuses of an account.
PAGE_POSTS = 40
#: Seconds to wait when a server says "too many" and not for how long. Source: Pixelfed allows
#: ten edits of media a minute and sends no Retry-After with its refusal.
DEFAULT_WAIT_S = 60.0
_SAID_CHARACTERS = 200


class PlatformGone(PlatformRefused):
    """There is no such post, medium or address on the server (404, 410)."""


class Api:
    """One account's API; everything it raises is ours."""

    def __init__(self, url: str, token: str, outbound: Outbound) -> None:
        """Call ``url`` as the owner of ``token``."""
        self.url = url.rstrip("/")
        self._session = outbound.session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.hooks["response"].append(_refuse)
        self.client = mastodon.Mastodon(
            api_base_url=self.url,
            session=self._session,
            request_timeout=outbound.timeout_s,
            ratelimit_method="throw",
            version_check_mode="none",
            user_agent=USER_AGENT,
        )

    def host(self) -> str:
        """Return the address's host, with its port where it has one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def me(self) -> Mapping[str, Any]:
        """Return the account that the token belongs to."""
        with translated():
            return _object(self.client.account_verify_credentials())

    def instance(self) -> Mapping[str, Any]:
        """Return the server's description of itself: version 2 of it, or 1 where there is no 2."""
        with translated():
            try:
                return _object(self.client.instance_v2())
            except mastodon.MastodonNetworkError as error:
                if not isinstance(error.__context__, PlatformGone):
                    raise
            return _object(self.client.instance_v1())

    def pages(self, account_id: str) -> Iterator[list[Mapping[str, Any]]]:
        """Yield the account's statuses with media, newest first, page by page.

        Servers that send no Link header (Pixelfed) are asked for what is older than the last one.
        """
        with translated():
            page = self.client.account_statuses(
                account_id, only_media=True, exclude_reblogs=True, limit=PAGE_POSTS
            )
        while page:
            yield [_object(status) for status in page]
            with translated():
                page = self._next(account_id, page)

    def _next(self, account_id: str, page: Any) -> Any:
        if page._pagination_next:  # noqa: SLF001 - where Mastodon.py keeps the Link header
            return self.client.fetch_next(page)
        if page._pagination_prev:  # noqa: SLF001 - a Link header that names no next page
            return None
        return self.client.account_statuses(
            account_id,
            only_media=True,
            exclude_reblogs=True,
            limit=PAGE_POSTS,
            max_id=str(page[-1].get("id")),
        )

    def status(self, status_id: str) -> Mapping[str, Any]:
        """Return one status."""
        with translated():
            return _object(self.client.status(status_id))

    def source(self, status_id: str) -> Mapping[str, Any]:
        """Return a status's text and content warning as its author wrote them."""
        with translated():
            return _object(self.client.status_source(status_id))

    def describe(self, media_id: str, text: str) -> Mapping[str, Any]:
        """Set one medium's description on its own."""
        with translated():
            return _object(self.client.media_update(media_id, description=text))

    def edit(self, status_id: str, edit: Mapping[str, Any]) -> None:
        """Replace a status.

        Mastodon.py's status_update can't do it: it knows no language, and fails when it gets both
        the media's ids and their attributes (2.3.3), so their order would be lost.
        """
        with translated():
            self._session.put(f"{self.url}/api/v1/statuses/{quote(status_id, safe='')}", json=edit)

    def get(self, path: str) -> Mapping[str, Any]:
        """Return any other answer of the server."""
        with translated():
            answer = self._session.get(self.url + path)
            try:
                return _object(answer.json())
            except requests.exceptions.JSONDecodeError as error:
                raise _unexpected() from error


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn exceptions of Mastodon.py and requests into ours."""
    try:
        yield
    except mastodon.MastodonNetworkError as error:
        # Mastodon.py wraps whatever its session raises, ours too, and keeps it as the context.
        cause = error.__context__
        if isinstance(cause, AltwrightError | Interrupted):
            raise cause from error
        raise _unreachable(cause) from error
    except requests.RequestException as error:
        raise _unreachable(error) from error
    except (mastodon.MastodonError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unexpected() from error


def _unreachable(cause: BaseException | None) -> AltwrightError:
    match cause:
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema():
            return PlatformRefused("The server's address isn't valid.")
        case requests.TooManyRedirects():
            return PlatformRefused("The server's address is redirected too often.")
        case requests.Timeout():
            return PlatformUnavailable(
                "The server took too long to answer.", category=Category.TIMEOUT
            )
        case requests.exceptions.SSLError():
            return PlatformUnavailable(
                "The server's certificate couldn't be verified.", category=Category.NETWORK
            )
        case _:
            return PlatformUnavailable("The server can't be reached.", category=Category.NETWORK)


def _unexpected() -> PlatformUnavailable:
    return PlatformUnavailable("The server's answer isn't what a Mastodon or Pixelfed server says.")


def _object(answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise _unexpected()
    return answer


def _refuse(response: requests.Response, *_: Any, **__: Any) -> None:
    """Raise what a status code means; runs for each answer of the session."""
    match response.status_code:
        case code if code < 400:  # noqa: PLR2004 - HTTP's classes
            return
        case requests.codes.unauthorized:
            raise PlatformRefused(
                "The server doesn't accept the account's token any more; connect it again.",
                category=Category.AUTHENTICATION,
            )
        case requests.codes.forbidden:
            raise PlatformRefused(
                f"The server doesn't allow this with the account's token{_said(response)}",
                category=Category.AUTHENTICATION,
            )
        case requests.codes.not_found | requests.codes.gone:
            raise PlatformGone("The server doesn't have it (any more).")
        case requests.codes.too_many_requests:
            raise RateLimited("The server asked us to wait.", retry_in_s=_wait_s(response.headers))
        case requests.codes.request_timeout:
            raise PlatformUnavailable("The server ran out of time.", category=Category.TIMEOUT)
        case code if code < 500:  # noqa: PLR2004 - HTTP's classes
            raise PlatformRefused(f"The server refused ({code}){_said(response)}")
        case code:
            raise PlatformUnavailable(
                f"The server is in trouble (it answered {code}).",
                retry_in_s=retry_after_s(response.headers),
            )


def _said(response: requests.Response) -> str:
    """Return the server's own words as the end of a sentence."""
    try:
        said = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "."
    said = " ".join(str(said).split())
    return f": {said[:_SAID_CHARACTERS]}" if said.isprintable() and said else "."


def _wait_s(headers: Mapping[str, str]) -> float:
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
    try:
        now = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:
        now = time.time()
    return min(max(ends_at - now, 0.0), MAX_RETRY_AFTER_S)
