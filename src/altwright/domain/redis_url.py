"""Addresses of Redis: a server, a Unix socket, or a group that Sentinels watch over."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from altwright.domain.addresses import LAST_PORT, port_of, split

HELP = (
    "should be redis://host:6379/0, rediss://host:6379/0 (TLS), unix:///path.sock or "
    "redis+sentinel://host:26379,host2:26379/name-of-the-master/0 (rediss+sentinel: TLS)"
)
SENTINEL_PORT = 26379
#: The most digits of a number in an address; servers and timers count no further than nine of them.
NUMBER_DIGITS = 9
_SINGLE, _SENTINEL = frozenset({"redis", "rediss", "unix"}), "+sentinel"
#: What may stand behind "?", by the kind of value that it takes (redis-py, connection.py; those
#: that would change what Altwright relies on, as decode_responses, are left out).
_NUMBERS = frozenset({"db", "max_connections", "health_check_interval", "socket_read_size"})
_SECONDS = frozenset({"socket_timeout", "socket_connect_timeout"})
_SWITCHES = frozenset({"ssl_check_hostname", "socket_keepalive"})
_CHOICES = {"ssl_cert_reqs": ("none", "optional", "required"), "protocol": ("2", "3")}
#: The same by the connections that take it; redis-py raises TypeError for any other at the first
#: call. All others take words.
_EVERY = {"client_name", "protocol", *_SECONDS, *_NUMBERS}
_LOGIN = {"username", "password"}
_TCP = {"socket_keepalive"}
_TLS = {
    *("ssl_keyfile", "ssl_certfile", "ssl_ca_certs", "ssl_ca_path", "ssl_ca_data"),
    *("ssl_password", "ssl_ciphers", "ssl_cert_reqs", "ssl_check_hostname"),
}
_SENTINELS = {"sentinel_username", "sentinel_password"}
#: What each kind of address takes. A group's login and database stand before "?" only.
OPTIONS = {
    "redis": frozenset(_EVERY | _LOGIN | _TCP),
    "rediss": frozenset(_EVERY | _LOGIN | _TCP | _TLS),
    "unix": frozenset(_EVERY | _LOGIN),
    "redis+sentinel": frozenset(_EVERY - {"db"} | _TCP | _SENTINELS),
    "rediss+sentinel": frozenset(_EVERY - {"db"} | _TCP | _TLS | _SENTINELS),
}
#: Names that can be repeated: nothing else in their place is sure to be no part of a password.
#: ("timeout" is that of a pool which we don't use.)
_NAMES = frozenset({"timeout"}.union(*OPTIONS.values()))


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """A group of servers: its Sentinels, its name, and how to log in to its master.

    ``options`` are what stands behind "?", undecoded: those of the connections, and the
    sentinel_username and sentinel_password of the Sentinels themselves.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    username: str | None
    password: str | None
    tls: bool
    options: dict[str, str]


def checked(url: str) -> str:
    """Return an address that can be connected to. Raises ValueError: it says what it should be.

    The words are for operators, and repeat no part of the address that may be a password.
    """
    url = url.strip()
    parts = split(url, HELP)
    if parts.scheme in OPTIONS:
        _check_options(parts.scheme, parts.query)
    if parts.scheme.endswith(_SENTINEL):
        sentinel_url(url)
    elif parts.scheme == "unix":
        login, at, host = parts.netloc.rpartition("@")
        if not parts.path.strip("/") or host or (login and not at):
            raise ValueError(HELP)
    elif parts.scheme in _SINGLE and parts.netloc.rpartition("@")[2]:
        port_of(parts, HELP)
        number = parts.path.strip("/")
        if number and not _is_number(number):
            raise ValueError("names a database that is no number; " + HELP)
    else:
        raise ValueError(HELP)
    return url


def _check_options(scheme: str, query: str) -> None:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS[scheme]:
            which = f"the option {name}" if name in _NAMES else "an option"
            known = ", ".join(sorted(OPTIONS[scheme]))
            raise ValueError(
                f'has {which} behind "?" that {scheme}:// doesn\'t take; it takes {known}'
            )
        if not _is_usable(name, value):
            choices = f"; there are {', '.join(_CHOICES[name])}" if name in _CHOICES else ""
            raise ValueError(
                f'has a value of the option {name} behind "?" that can\'t be used{choices}'
            )


def _is_usable(name: str, value: str) -> bool:
    if name in _NUMBERS:
        return _is_number(value)
    if name in _SECONDS:
        return _is_number(value.replace(".", "", 1))
    if name in _SWITCHES:
        return value.lower() in {"true", "false", "yes", "no", "1", "0"}
    if name in _CHOICES:
        return value in _CHOICES[name]
    return bool(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS


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
    if database and not _is_number(database):
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


def hosts_without_tls(url: str) -> tuple[str, ...]:
    """Return the hosts that a checked address reaches without TLS; of "" and of a socket none."""
    group = sentinel_url(url)
    if group is not None:
        return () if group.tls else tuple(host for host, _ in group.sentinels)
    parts = urlsplit(url)
    return (parts.hostname or "",) if parts.scheme == "redis" else ()


def _host(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(SENTINEL_PORT)
    if not host or not _is_number(port) or int(port) > LAST_PORT:
        raise ValueError(HELP)
    return host.strip("[]"), int(port)
