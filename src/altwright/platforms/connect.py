"""What may be connected, and from a platform's name to a connection of one account."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from altwright.errors import InvalidInput
from altwright.net.http import Outbound
from altwright.platforms.mastodon import Mastodon
from altwright.platforms.pixelfed import Pixelfed
from altwright.platforms.port import Platform

_CLASSES = {"mastodon": Mastodon, "pixelfed": Pixelfed}
PLATFORMS = tuple(_CLASSES)
#: Characters of a server's address that are kept.
URL_MOST = 255
#: What a bearer token may consist of. Source: RFC 6750, 2.1 (b64token), and ":" as some send it.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/:|=-]+")


def checked(platform: str, url: str, token: str) -> tuple[str, str]:
    """Return a server's address as scheme and host, and the token without blanks around it.

    Raises:
        InvalidInput: unknown platform, no http(s) address, or nothing that could be a token.
    """
    url, token = url.strip(), token.strip()
    address = _origin(url if "://" in url else f"https://{url}")
    faults = {}
    if platform not in _CLASSES:
        faults["platform"] = f"should be one of {', '.join(PLATFORMS)}"
    if address is None:
        faults["url"] = "should be the server's address, like https://mastodon.example"
    if not _TOKEN.fullmatch(token):
        faults["token"] = "should be an access token, copied whole"  # noqa: S105 - a sentence
    if faults or address is None:
        raise InvalidInput("This account can't be connected.", faults)
    return address, token


def connect(platform: str, url: str, token: str, outbound: Outbound) -> Platform:
    """Open one account's connection; nothing is called yet. Raises as ``checked`` does."""
    address, token = checked(platform, url, token)
    return _CLASSES[platform](address, token, outbound)


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return None
    if any(char.isspace() for char in parts.netloc):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme}://{host}{port}"
    return origin if len(origin) <= URL_MOST else None
