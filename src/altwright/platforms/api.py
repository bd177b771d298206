"""Mastodon's API on guarded sessions: what servers and requests answer ends here, as our errors.

Called without a library between: those that there are (Mastodon.py 2.3.3) ask with trailing
slashes, which Takahē doesn't know, read whole pages of which one post is odd not at all, and hide
the size, the deadline and the words of an answer from us.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from altwright import interrupts
from altwright.errors import (
    AltwrightError,
    Category,
    PlatformRefused,
    PlatformUnavailable,
    TemporaryError,
)
from altwright.net.http import MAX_REDIRECTS, Outbound, http_date
from altwright.net.ssrf_guard import AnswerTooLarge, Exchange, is_timeout
from altwright.net.unreachable import host_of, reason_of
from altwright.platforms.publishing.request_allowance import Allowance
from altwright.platforms.reading.json_answers import parsed, parts
from altwright.platforms.reading.paging import CURSOR_LENGTH, Answer
from altwright.platforms.refusals import (
    TOKEN_REFUSED,
    PlatformForbids,
    PlatformGone,
    WrongAddress,
    no_answer_of_the_api,
    refuse,
    unexpected,
    wait_s,
)
from altwright.text import clean_line

#: Largest answer in bytes; a page of 40 posts with pictures takes about 300 kB.
PLATFORM_ANSWER_BYTES = 8 * 1024 * 1024
#: Characters of a Link header that are read.
_LINK_LENGTH = 4_000
#: Where nodeinfo documents stand on all servers that are known.
_NODEINFO = re.compile(r"/nodeinfo/[\w./-]{1,100}$")


class Api:
    """One account's API; everything it raises is ours."""

    def __init__(self, url: str, token: str, outbound: Outbound) -> None:
        self.url = url.rstrip("/")
        self._outbound = outbound
        self._session = outbound.session()
        self._session.headers["Accept"] = "application/json"
        self._authorization = {"Authorization": f"Bearer {token}"}
        self.allowance = Allowance()

    @property
    def is_overheard(self) -> bool:
        """Return whether others could read the token on its way."""
        return self._outbound.is_overheard(self.url)

    def host(self) -> str:
        """Return the address's host, with its port where it has one."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def within(self, seconds: float) -> contextlib.AbstractContextManager[Any]:
        """Return a context whose calls, all together, end within ``seconds``."""
        return self._outbound.exchange(seconds)

    def me(self, refused: str = TOKEN_REFUSED) -> Mapping[str, Any]:
        """Return the account that the token belongs to; ``refused`` are the words if it isn't.

        Raises:
            PlatformRefused: AUTHENTICATION, the token isn't accepted: servers say so with 400
                (Takahē), 401, 403 or 422 (snac), and here nothing else can be what they refuse.
            WrongAddress: it isn't the server that answers.
        """
        try:
            return self.get("/api/v1/accounts/verify_credentials")
        except PlatformGone:
            raise PlatformRefused("There is no Mastodon API at the server's address.") from None
        except WrongAddress:
            raise
        except PlatformRefused as error:
            # A plain 401 says no more than the words do.
            words = refused if error.category is Category.AUTHENTICATION else f"{refused} {error}"
            raise PlatformRefused(words, category=Category.AUTHENTICATION) from error

    def instance(self) -> Mapping[str, Any]:
        """Return the server's description of itself: version 2 or 1 of it, or an empty one."""
        for version in (2, 1):
            try:
                return self.get(f"/api/v{version}/instance")
            except PlatformRefused:
                continue
            except PlatformUnavailable as error:
                if error.category in {Category.TIMEOUT, Category.NETWORK}:
                    raise
        return {}

    def nodeinfo(self) -> Mapping[str, Any]:
        """Return what the server says of its software, or an empty mapping."""
        with contextlib.suppress(PlatformRefused, PlatformUnavailable):
            for link in parts(self.get("/.well-known/nodeinfo"), "links"):
                if path := _NODEINFO.search(str(link.get("href"))):
                    return self.get(path[0])  # on this server, whatever host it names
        return {}

    def app_scopes(self) -> frozenset[str]:
        """Return what the token's application may do; empty: the server doesn't say it.

        Source: apps/verify_credentials, which has ``scopes`` since Mastodon 4.3.
        """
        with contextlib.suppress(PlatformRefused, TemporaryError):
            scopes = self.get("/api/v1/apps/verify_credentials").get("scopes")
            named = scopes.split() if isinstance(scopes, str) else scopes
            return frozenset(map(str, named)) if isinstance(named, list) else frozenset()
        return frozenset()

    def page(self, account_id: str, query: str) -> Answer:
        """Return a page of the account's statuses with media."""
        path = f"/api/v1/accounts/{quote(account_id, safe='')}/statuses"
        try:
            found, headers = self._call("GET", f"{path}?{query}")
        except PlatformForbids as error:
            # Of the account's own posts: it is the token that doesn't do.
            raise PlatformRefused(str(error), category=Category.AUTHENTICATION) from error
        if not isinstance(found, list):
            raise unexpected()
        next_query, is_linked = _linked(headers.get("Link", ""))
        return Answer(found, next_query, is_linked)

    def status(self, status_id: str) -> Mapping[str, Any]:
        """Return one status."""
        return self.get(f"/api/v1/statuses/{quote(status_id, safe='')}")

    def dated_source(self, status_id: str) -> tuple[Mapping[str, Any], datetime | None]:
        """Return a status's text and content warning as its author wrote them.

        And when they were read by the server's own clock, in whole seconds (None: it doesn't say).
        """
        found, headers = self._call("GET", f"/api/v1/statuses/{quote(status_id, safe='')}/source")
        return _object(found), http_date(headers.get("Date", ""))

    def describe(self, media_id: str, text: str) -> None:
        """Set one medium's description on its own."""
        path = f"/api/v1/media/{quote(media_id, safe='')}"
        _object(self._call("PUT", path, data={"description": text})[0])

    def edit(self, status_id: str, edit: Mapping[str, Any]) -> None:
        """Replace a status; what the server answers isn't read."""
        path = f"/api/v1/statuses/{quote(status_id, safe='')}"
        self._call("PUT", path, json=edit, is_read=False)

    def get(self, path: str) -> Mapping[str, Any]:
        """Return any other answer of the server."""
        return _object(self._call("GET", path)[0])

    def _call(
        self, method: str, path: str, *, is_read: bool = True, **content: Any
    ) -> tuple[Any, Mapping[str, str]]:
        """Return a call's answer, as JSON, and its headers; redirects and all end in time."""
        with contextlib.ExitStack() as stack:
            exchange = Exchange.current()
            if exchange is None:
                exchange = stack.enter_context(self._outbound.exchange())
            try:
                response, data = self._answer(method, self.url + path, exchange, content)
            except (requests.RequestException, HTTPError, ValueError) as error:
                interrupts.current().check()  # who breaks a wait off closes its connection
                raise _unreachable(error, self.url, is_late=exchange.expired) from error
        if method == "GET" and "X-RateLimit-Remaining" in response.headers:
            self.allowance.note(response.headers, wait_s(response.headers))
        refuse(response, data)
        if not is_read:
            return None, response.headers
        try:
            return parsed(data), response.headers
        except ValueError as error:
            raise no_answer_of_the_api(response, data) from error

    def _answer(
        self, method: str, url: str, exchange: Exchange, content: dict[str, Any]
    ) -> tuple[requests.Response, bytes]:
        """Return an answer and its body, after redirects."""
        for _ in range(MAX_REDIRECTS + 1):
            with self._session.request(
                method,
                url,
                headers=self._authorization if self._is_own(url) else {},
                allow_redirects=False,
                stream=True,
                timeout=exchange.remaining_s(),
                **content,
            ) as response:
                data = exchange.read(response, PLATFORM_ANSWER_BYTES)
            if not response.is_redirect:
                return response, data
            asked, url = url, urljoin(url, response.headers["Location"])
            if self._is_own(asked) and not self._is_own(url) and "/api/" in asked:
                # Without its token, which goes nowhere else, the other server couldn't answer.
                other = clean_line(urlsplit(url).netloc.rpartition("@")[2], 100) or "another one"
                raise WrongAddress(f"The server's address leads to {other}. Connect that address.")
        raise WrongAddress("The server's address is redirected too often.")

    def _is_own(self, url: str) -> bool:
        """Return whether an address is on this server: the token goes nowhere else."""
        own, other = urlsplit(self.url), urlsplit(url)
        is_upgraded = (own.scheme, other.scheme) == ("http", "https") and not own.port
        same_host = own.netloc.lower() == other.netloc.lower()
        return same_host and (own.scheme == other.scheme or is_upgraded)


def _unreachable(cause: Exception, url: str, *, is_late: bool) -> AltwrightError:
    host = host_of(cause, url)
    if is_late or is_timeout(cause):
        return PlatformUnavailable(f"{host} took too long to answer.", category=Category.TIMEOUT)
    match cause:
        case AnswerTooLarge():
            return PlatformUnavailable(f"The answer of {host} is too large.")
        # InvalidURL and InvalidSchema are among them, and what urllib says of odd addresses.
        case ValueError():
            return WrongAddress("The server's address isn't valid.")
        case _:
            return PlatformUnavailable(
                f"{host} can't be reached: {reason_of(cause)}.", category=Category.NETWORK
            )


def _object(answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping):
        raise unexpected()
    return answer


def _linked(header: str) -> tuple[str, bool]:
    """Return the query of the next page's address, and whether the header speaks of pages.

    Of the address only the query is used, on the address that we know: servers behind proxies
    name others, and a hostile one gains nothing.
    """
    if not header or len(header) > _LINK_LENGTH:
        return "", False
    links = {link.get("rel"): link["url"] for link in requests.utils.parse_header_links(header)}
    try:
        query = urlsplit(links.get("next", "")).query
    except ValueError:
        return "", False
    is_plain = query.isascii() and query.isprintable() and " " not in query
    if "next" in links and not (0 < len(query) < CURSOR_LENGTH and is_plain):
        return "", False
    return query, bool(links.keys() & {"next", "prev"})
