"""Calls to a model server: what requests raises and what status codes mean ends here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from altwright import interrupts
from altwright.describers.model_servers.error_meanings import Names, Refused, meaning, said
from altwright.domain.counting import counted
from altwright.errors import AltwrightError, Category, ConfigError, DescriberUnavailable
from altwright.net.http import USER_AGENT, retry_after_s
from altwright.net.ssrf_guard import AnswerTooLarge, Exchange, Guard, GuardedAdapter, is_timeout
from altwright.net.unreachable import reason_of

#: Seconds that a probe waits: long enough for a server that is loading, short enough for a person.
PROBE_S = 10.0
#: Largest answer in bytes, after decompression; the longest lists of models have about 1 MB.
MODEL_ANSWER_BYTES = 4 * 1024 * 1024


class ModelServer:
    """A server whose address and key come from the operator's settings.

    It may be called wherever it lies, but isn't trusted with more: each exchange is limited in
    bytes and in time as a whole, and ends when this thread's work is interrupted.
    A session per call: a description takes seconds, and sessions shared by threads aren't safe.
    """

    def __init__(
        self, names: Names, url: str, timeout_s: float, *, key: str = "", is_direct: bool = False
    ) -> None:
        """Call ``url``; ``names`` are for messages; ``is_direct``: past proxies."""
        self.names = names
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._key = key
        self._is_direct = is_direct

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a POST of ``body``, or to a GET where there is none.

        Raises:
            Refused: the server says that it doesn't do it; ``meaning`` says what that means.
            DescriberUnavailable, ConfigError: as described in the port.
            Interrupted: this thread's work is to end.
        """
        timeout_s = self._timeout_s if body is not None else min(self._timeout_s, PROBE_S)
        try:
            status, headers, data = self._exchange(path, body, timeout_s)
        except ValueError as error:  # of requests and urllib: no address, port or host
            raise ConfigError([f"{self.names.url_setting}: isn't a valid address"]) from error
        if status >= 400:  # noqa: PLR2004 - HTTP's classes
            raise self._refused(status, data, retry_after_s(headers))
        if status >= 300:  # noqa: PLR2004 - HTTP's classes
            raise ConfigError(
                [f"{self.names.url_setting}: is redirected; should be the address it leads to"]
            )
        answer = _object(data)
        if answer is None:
            raise self.unexpected(said(data[:1_000].decode(errors="replace"), key=self._key))
        if answer.get("error"):
            raise self.refusal(answer["error"])
        return answer

    def meaning(self, refused: Refused) -> AltwrightError:
        """Return the error of a refusal."""
        return meaning(self.names, refused)

    def unexpected(self, words: str = "") -> DescriberUnavailable:
        """Return the error of an answer whose shape isn't this API's."""
        error = DescriberUnavailable(f"{self.names.server}'s answer isn't what its API promises.")
        error.operator_detail = words
        return error

    def refusal(self, error: Any) -> Refused:
        """Return the refusal that an answer's part for errors stands for."""
        return Refused(_status_of(error), said(_message(error), key=self._key), kind=_kind(error))

    def _exchange(
        self, path: str, body: dict[str, Any] | None, timeout_s: float
    ) -> tuple[int, requests.structures.CaseInsensitiveDict[str], bytes]:
        url = self._url + path
        guard = Guard(hosts_of(url))
        with Exchange(guard, timeout_s) as exchange, requests.Session() as session:
            session.trust_env = not self._is_direct
            adapter = ProxiedAdapter()
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            try:
                with session.request(
                    "GET" if body is None else "POST",
                    url,
                    json=body,
                    headers={"User-Agent": USER_AGENT},
                    auth=self._sign,
                    timeout=exchange.remaining_s(),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    data = exchange.read(answer, MODEL_ANSWER_BYTES)
                    return answer.status_code, answer.headers, data
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
                raise
            except AnswerTooLarge as error:
                raise self.unexpected(f"more than {MODEL_ANSWER_BYTES:,} bytes") from error
            except (requests.RequestException, HTTPError) as error:
                interrupts.current().check()
                raise self._unreachable(error, exchange, timeout_s) from error

    def _unreachable(
        self, error: Exception, exchange: Exchange, timeout_s: float
    ) -> DescriberUnavailable:
        if exchange.expired or is_timeout(error):
            return DescriberUnavailable(
                f"{self.names.server} took longer than {counted(timeout_s, 'second')}.",
                category=Category.TIMEOUT,
            )
        unreachable = DescriberUnavailable(
            f"{self.names.server} can't be reached, or hung up.", category=Category.NETWORK
        )
        why = reason_of(error)
        if isinstance(error, requests.exceptions.ProxyError):
            # What a proxy answers stands in the exception's own words only.
            why = f"the environment's proxy: {why} ({said(str(error), key=self._key)})"
        unreachable.operator_detail = f"{self.names.url_setting}: {why}."
        return unreachable

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As "auth", because requests would put a login from ~/.netrc in the place of a header.
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def _refused(self, status: int, data: bytes, retry_in_s: float | None) -> Refused:
        answer = _object(data)
        # FastAPI's servers say "detail", vLLM's older ones "message", without an "error" around it.
        parts = [answer.get(name) for name in ("error", "detail")] if answer else []
        error: Any = next((part for part in parts if part), answer)
        words = _message(error) if answer else data[:2_000].decode(errors="replace")
        return Refused(status, said(words, key=self._key), kind=_kind(error), retry_in_s=retry_in_s)


class ProxiedAdapter(GuardedAdapter):
    """Goes through the proxies of the environment too; they are watched as the server is."""

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return what connects to a proxy, guarded."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self.poolmanager.pool_classes_by_scheme
        return manager


def hosts_of(url: str) -> frozenset[str]:
    """Return the hosts that are called for a URL, which the operator chose: all may be private."""
    proxies = requests.utils.get_environ_proxies(url)
    return frozenset(
        host for one in (url, *proxies.values()) if (host := urlsplit(one).hostname) is not None
    )


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _status_of(error: Any) -> int:
    """Return the status in an error that came with 200 (OpenRouter's "code"); 500: it has none."""
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    text = str(code)
    is_status = text.isascii() and text.isdecimal() and 400 <= int(text[:4]) < 600  # noqa: PLR2004 - HTTP's classes
    return int(text) if is_status else requests.codes.internal_server_error


def _message(error: Any) -> str:
    if isinstance(error, dict):
        message = error.get("message") or error.get("error") or error.get("msg") or error
        # OpenRouter puts the words of the server behind it here, and why something was flagged.
        more = error.get("metadata")
        details = [more.get(name) for name in ("raw", "reasons")] if isinstance(more, dict) else []
        return " ".join(str(part) for part in (message, *details) if part)
    return str(error or "")


def _kind(error: Any) -> str:
    if not isinstance(error, dict):
        return ""
    return said(" ".join(str(error.get(name) or "") for name in ("type", "code")))
