"""From a platform's name to a connection of one account."""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import urlsplit

from altwright.errors import InvalidInput
from altwright.net.http import Outbound
from altwright.platforms.mastodon import Mastodon
from altwright.platforms.pixelfed import Pixelfed
from altwright.platforms.port import Platform

_CLASSES = MappingProxyType({"mastodon": Mastodon, "pixelfed": Pixelfed})
PLATFORMS = tuple(_CLASSES)
#: What a bearer token may consist of. Source: RFC 6750, 2.1 (b64token), and ":" as some send it.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/:|=-]+")


def connect(platform: str, url: str, token: str, outbound: Outbound) -> Platform:
    """Open one account's connection; nothing is called yet.

    Raises:
        InvalidInput: unknown platform, no http(s) address, or nothing that could be a token.
    """
    faults: dict[str, str] = {}
    if platform not in _CLASSES:
        faults["platform"] = f"should be one of {', '.join(PLATFORMS)}"
    if not _is_address(url):
        faults["url"] = "should be an address like https://mastodon.example"
    if not _TOKEN.fullmatch(token):
        faults["token"] = "should be an access token, without spaces"  # noqa: S105 - a sentence
    if faults:
        raise InvalidInput("The account can't be connected with this.", faults)
    return _CLASSES[platform](url, token, outbound)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and bare
