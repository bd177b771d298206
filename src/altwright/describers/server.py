"""Calls to a model server: what requests raises and what status codes mean ends here."""

from __future__ import annotations

from typing import Any

import requests

from altwright.errors import (
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    RateLimited,
)
from altwright.outbound import USER_AGENT, retry_after_s

#: Seconds that a probe waits: long enough for a server that is loading, short enough for a person.
PROBE_S = 10.0
_SAID_CHARACTERS = 300


class Refused(Exception):
    """The server refused a request (4xx) for a reason that its describer has to read."""

    def __init__(self, status: int, said: str) -> None:
        """Keep the status and the server's own words."""
        super().__init__(f"{status}: {said}")
        self.status = status
        self.said = said


class ModelServer:
    """A server whose address and key come from the operator's settings, and so are trusted.

    A session per call: a description takes seconds, and sessions shared by threads aren't safe.
    """

    def __init__(
        self, name: str, url: str, timeout_s: float, *, settings: tuple[str, str], key: str = ""
    ) -> None:
        """Call ``url``; ``settings`` are the variables of its address and its key, for messages."""
        self.name = name
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._url_setting, self._key_setting = settings
        self._key = key

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a POST of ``body``, or to a GET where there is none.

        Raises:
            Refused: 400, 404, 413, 422 and the like.
            DescriberUnavailable, RateLimited, ConfigError: as described in the port.
        """
        timeout_s = self._timeout_s if body is not None else min(self._timeout_s, PROBE_S)
        try:
            with requests.Session() as session:
                answer = session.request(
                    "GET" if body is None else "POST",
                    self._url + path,
                    json=body,
                    headers={"User-Agent": USER_AGENT},
                    auth=self._sign,
                    timeout=timeout_s,
                    allow_redirects=False,
                )
        except requests.Timeout as error:
            raise DescriberUnavailable(
                f"{self.name} took longer than {timeout_s:g} seconds.", category=Category.TIMEOUT
            ) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise ConfigError([f"{self._url_setting}: isn't a valid address"]) from error
        except requests.RequestException as error:
            raise DescriberUnavailable(
                f"{self.name} can't be reached, or hung up.", category=Category.NETWORK
            ) from error
        self._check(answer)
        return self._object(answer)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As "auth", because requests would put a login from ~/.netrc in the place of a header.
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def _check(self, answer: requests.Response) -> None:
        match answer.status_code:
            case requests.codes.unauthorized | requests.codes.forbidden:
                raise ConfigError([f"{self._key_setting}: {self.name} doesn't accept it"])
            case requests.codes.too_many_requests:
                raise RateLimited(
                    f"{self.name} asked us to wait.", retry_in_s=retry_after_s(answer.headers)
                )
            case requests.codes.request_timeout:
                raise DescriberUnavailable(
                    f"{self.name} ran out of time.", category=Category.TIMEOUT
                )
            case code if 300 <= code < 400:  # noqa: PLR2004 - HTTP's classes
                raise ConfigError(
                    [f"{self._url_setting}: is redirected; should be the address it leads to"]
                )
            case code if 400 <= code < 500:  # noqa: PLR2004 - HTTP's classes
                raise Refused(code, _said(answer))
            case code if code >= 500:  # noqa: PLR2004 - HTTP's classes
                raise DescriberUnavailable(
                    f"{self.name} is in trouble (it answered {code}).",
                    retry_in_s=retry_after_s(answer.headers),
                )

    def _object(self, answer: requests.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise self.unexpected() from error
        if not isinstance(found, dict):
            raise self.unexpected()
        return found

    def unexpected(self) -> DescriberUnavailable:
        """Return the error of an answer whose shape isn't this API's."""
        return DescriberUnavailable(f"{self.name}'s answer isn't what its API promises.")


def is_blind(refused: Refused) -> bool:
    """Say whether a server refused because the model can't see pictures."""
    said = refused.said.lower()
    is_about = any(word in said for word in ("image", "vision", "multimodal", "mmproj"))
    return is_about and any(word in said for word in ("support", "missing", "only text"))


def refused_picture(name: str, refused: Refused) -> CaptionUnusable:
    """Return the error of a picture that the server doesn't take."""
    return CaptionUnusable(f"{name} refused the picture ({refused.status}).")


def _said(answer: requests.Response) -> str:
    try:
        said = answer.json()["error"]
        said = said.get("message", said) if isinstance(said, dict) else said
    except (ValueError, KeyError, TypeError):
        said = answer.text
    return " ".join(str(said).split())[:_SAID_CHARACTERS]
