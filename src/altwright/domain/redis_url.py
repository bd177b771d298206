"""Addresses of Redis: a server, a Unix socket, or a group that Sentinels watch over."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

HELP = (
    "should be redis://host:6379/0, rediss://host:6379/0 (TLS), unix:///path.sock or "
    "redis+sentinel://host:26379,host2:26379/name-of-the-master/0 (rediss+sentinel: TLS)"
)
SENTINEL_PORT = 26379
_SINGLE, _SENTINEL = frozenset({"redis", "rediss", "unix"}), "+sentinel"


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """A group of servers: its Sentinels, its name, and how to log in to its master.

    ``options`` are what stands behind "?": ssl_… of the connection, sentinel_username and
    sentinel_password of the Sentinels themselves.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    username: str | None
    password: str | None
    tls: bool
    options: dict[str, str]


def checked(url: str) -> str:
    """Return an address that can be connected to. Raises ValueError: it says what it should be."""
    parts = urlsplit(url)
    if parts.scheme.endswith(_SENTINEL):
        sentinel_url(url)
    elif parts.scheme not in _SINGLE or not (parts.netloc or parts.path):
        raise ValueError(HELP)
    return url


def sentinel_url(url: str) -> SentinelUrl | None:
    """Read a Sentinels' address; None: it is a single server's. Raises ValueError."""
    parts = urlsplit(url)
    scheme = parts.scheme.removesuffix(_SENTINEL)
    if scheme == parts.scheme:
        return None
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    sentinels = tuple(_host(one) for one in hosts.split(",") if one)
    if scheme not in {"redis", "rediss"} or not sentinels or not service:
        raise ValueError(HELP)
    if database and not database.isdecimal():
        raise ValueError(HELP)
    return SentinelUrl(
        sentinels=sentinels,
        service=service,
        database=int(database or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        tls=scheme == "rediss",
        options=dict(parse_qsl(parts.query)),
    )


def _host(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(SENTINEL_PORT)
    if not host or not port.isdecimal():
        raise ValueError(HELP)
    return host.strip("[]"), int(port)
