"""Connections that keep off private networks, and exchanges that end in time.

What altwright.net.http stands on; nothing else needs it. The address that is checked is the one
that is connected to: names are looked up here and the connection goes to the checked address,
so a name that changes its answer in between (DNS rebinding) gains nothing. It holds for each
redirect, because each is a connection of its own.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
import time
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from altwright import interrupts, tracing
from altwright.errors import OutboundRefused

_CHUNK_BYTES = 64 * 1024
#: IPv6 addresses that carry an IPv4 address to a NAT64 gateway. Source: RFC 6052.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: What this Python (or an older one: CVE-2024-4032) calls public and isn't, and what clouds keep
#: for themselves on public addresses. Sources: RFC 6890 (protocol assignments, with Oracle's
#: metadata service at 192.0.0.192), RFC 7526 (6to4 relays), RFC 8215 (local NAT64), RFC 9637
#: (documentation), RFC 9602 (SRv6); Azure's wire server is 168.63.129.16.
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"),
            *("64:ff9b:1::/48", "2001::/23", "3fff::/20", "5f00::/16"),
        ),
    )
)
#: Seconds that looking a name up may take: the resolver's own default is 5 for each of its servers.
LOOKUP_S = 10.0


class AnswerTooLarge(requests.RequestException):
    """The answer has more bytes (after decompression) than are accepted."""


class DeadlinePassed(requests.Timeout):
    """The whole exchange took longer than it may."""


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet; addresses inside addresses count."""
    ip = ipaddress.ip_address(address)
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Guard:
    """Decides which addresses may be connected to, and connects."""

    def __init__(self, allowed_private_hosts: frozenset[str]) -> None:
        """Let these hosts (host or host:port, lower case) lie on private addresses."""
        self._allowed = allowed_private_hosts

    def connect(self, connection: HTTPConnection, exchange: Exchange) -> socket.socket:
        """Look the name up and connect to an address of it that may be called.

        Raises:
            OutboundRefused: all its addresses are private.
        """
        host, port = connection.host, connection.port  # without brackets and a dot at the end
        try:
            addresses = _looked_up(host, exchange)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(host, connection, socket.gaierror()) from error
        if not self.is_allowed(host, port):
            addresses = [address for address in addresses if is_public(address)]
        if not addresses:
            raise self._refusal(host, port)
        return self._connect_first(connection, addresses, exchange)

    def _refusal(self, host: str, port: int) -> OutboundRefused:
        refusal = OutboundRefused(
            f"{host} is an address on a private network; the administrator can allow it."
        )
        shown = f"[{host}]" if ":" in host else host
        hosts = ",".join(sorted({*self._allowed, f"{shown}:{port}".lower()}))
        refusal.operator_detail = (
            f"ALLOWED_PRIVATE_HOSTS={hosts} allows it: set it for `altwright serve`, which has to "
            "be restarted, and for commands"
        )
        return refusal

    def is_allowed(self, host: str, port: int) -> bool:
        """Return whether the operator has named this host, in its called spelling (xn--)."""
        host = host.lower().rstrip(".")
        names = {host, f"{host}:{port}", f"[{host}]:{port}", f"[{host}]"}
        return not self._allowed.isdisjoint(names)

    @staticmethod
    def _connect_first(
        connection: HTTPConnection, addresses: list[str], exchange: Exchange
    ) -> socket.socket:
        failures: list[Exception] = []
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family)
            try:
                for option in connection.socket_options or ():
                    sock.setsockopt(*option)
                exchange.watch(sock)
                # One that never answers (IPv6 without a route) leaves time for the others.
                sock.settimeout(exchange.remaining_s() / left)
                sock.connect((address, connection.port))
                sock.settimeout(connection.timeout)
            except BaseException as error:
                sock.close()
                interrupts.current().check()
                match error:
                    case TimeoutError():
                        failure = ConnectTimeoutError(connection, f"connecting timed out: {error}")
                    case OSError():
                        failure = NewConnectionError(connection, f"no connection: {error}")
                    case _:
                        raise
                failure.__cause__ = error
                failures.append(failure)
            else:
                return sock
        raise failures[-1]


class Exchange:
    """One request with all its redirects, guarded and with a deadline; one per thread at a time.

    Time-outs of sockets count between two bytes, so a server that sends a byte now and then would
    hold us for ever; a timer shuts the socket instead. So does an interrupt of the thread's work.
    """

    _current = threading.local()

    def __init__(self, guard: Guard, timeout_s: float) -> None:
        self.guard = guard
        self._ended = False
        self._ends_at = time.monotonic() + timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(timeout_s, self._break_off)
        self._timer.daemon = True

    @classmethod
    def current(cls) -> Exchange | None:
        """Return the exchange that this thread is in."""
        exchange: Exchange | None = getattr(cls._current, "exchange", None)
        return exchange

    def __enter__(self) -> Self:
        # First, since it raises for an attempt that is to end already.
        self._breaking = interrupts.current().breaking_off(self._break_off)
        self._breaking.__enter__()
        self._current.exchange = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._current.exchange = None
        self._breaking.__exit__(None, None, None)
        self._timer.cancel()
        self._timer.join()
        self._forget()

    @property
    def expired(self) -> bool:
        """Whether its time is over; it is when the timer breaks it off, which is started later."""
        return time.monotonic() > self._ends_at

    def remaining_s(self) -> float:
        """Return the seconds left; DeadlinePassed when there are none."""
        self.check()
        return max(self._ends_at - time.monotonic(), 0.001)

    def check(self) -> None:
        """Raise DeadlinePassed once the time is over, Interrupted once the attempt is."""
        interrupts.current().check()
        if self.expired:
            raise DeadlinePassed

    def watch(self, sock: socket.socket) -> None:
        """Watch this connection now; a duplicate works for TLS as well as for plain sockets."""
        with self._lock:
            self._forget()
            self._socket = socket.socket(fileno=os.dup(sock.fileno()))
            if self._ended:
                self._shut()

    def read(self, response: requests.Response, max_bytes: int) -> bytes:
        """Read a body as it arrives; bytes count as decompressed.

        Raises:
            AnswerTooLarge: there are more than ``max_bytes``.
            DeadlinePassed: there is no time left.
        """
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and float(declared) > max_bytes:  # int() refuses 5,000 digits
            raise AnswerTooLarge
        body = bytearray()
        # read1 returns what has arrived; read would wait for a whole chunk of a dribbling server.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > max_bytes:
                raise AnswerTooLarge
            self.check()
        self.check()  # a socket that the deadline has shut looks like the end
        return bytes(body)

    def _break_off(self) -> None:
        with self._lock:
            self._ended = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the server was faster
                self._socket.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _looked_up(host: str, exchange: Exchange) -> list[str]:
    """Return a host's addresses.

    Nothing can break a look-up off, so a thread of its own waits for it, and ends after it.

    Raises:
        OSError, UnicodeError: there is no such host, or nobody could say so in time.
    """
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)
        ended.set()

    ended = threading.Event()
    thread = threading.Thread(target=look_up, name="look-up", daemon=True)
    with interrupts.current().breaking_off(ended.set):
        thread.start()
        ended.wait(min(exchange.remaining_s(), LOOKUP_S))
    exchange.check()
    answer = list(found)
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], Exception):
        raise answer[0]
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer))


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        exchange = Exchange.current()
        if exchange is None:
            raise NewConnectionError(self, "a connection outside of an exchange")
        return exchange.guard.connect(self, exchange)

    def getresponse(self) -> Any:
        exchange = Exchange.current()
        if exchange is not None and self.sock is not None:
            exchange.watch(self.sock)  # a kept connection
        return super().getresponse()


class _Secure(_Plain, HTTPSConnection):
    """The same in TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class GuardedAdapter(HTTPAdapter):
    """Sends requests over guarded connections, of which there are none outside of an exchange."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use connections that ask the guard."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request; a trace says to whom, and no more of its address."""
        host = urlsplit(request.url or "").hostname
        facts = {"http.request.method": request.method, "server.address": host}
        with tracing.span(f"{request.method} {host}", **facts):
            answer = super().send(request, *args, **kwargs)
            tracing.note(**{"http.response.status_code": answer.status_code})
            return answer


def is_timeout(error: Exception) -> bool:
    """Return whether an exception of requests or urllib3 means that time ran out."""
    return isinstance(error, requests.Timeout | Urllib3Timeout)
