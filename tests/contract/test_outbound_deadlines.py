"""Every call to the outside ends in time, whatever the other side does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest
import requests
from tests.support import PATIENCE_S
from tests.support_leaves import Exchange, serving
from tests.support_outbound import LOCAL, fetch, picture

from altwright.errors import (
    Category,
    ImageUnavailable,
)
from altwright.net import ssrf_guard
from altwright.net.http import Outbound


def hang(exchange: Exchange) -> None:
    """Never answer."""
    exchange.wait_for_end()


def dribble_head(exchange: Exchange) -> None:
    """Send a byte of the head now and then."""
    exchange.close_connection = True
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b"x")


def dribble_body(exchange: Exchange) -> None:
    """Send a byte of the body now and then."""
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b"x")


@pytest.mark.parametrize("respond", [hang, dribble_head, dribble_body])
def test_the_deadline_holds_from_beginning_to_end(respond: Callable[[Exchange], None]) -> None:
    """A server that hangs, or dribbles for ever, is given up."""
    hasty = Outbound(frozenset({"127.0.0.1"}), timeout_s=0.4)
    with serving(respond) as server, pytest.raises(ImageUnavailable) as caught:
        fetch(hasty, server.url, timeout_s=0.4)
    assert caught.value.category is Category.TIMEOUT


def test_a_handshake_that_never_ends_is_under_the_deadline_too() -> None:
    """A server that takes the connection and says nothing is given up as well."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ImageUnavailable) as caught,
    ):
        fetch(LOCAL, f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.4)
    assert caught.value.category is Category.TIMEOUT


def test_a_kept_connection_is_under_the_deadline_too() -> None:
    """The second exchange of a session is watched like the first."""

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/first":
            picture(exchange)
        else:
            dribble_head(exchange)

    with serving(respond) as server, LOCAL.session() as session:
        with LOCAL.exchange():
            assert session.get(f"{server.url}/first").content == b"pixels"
        with LOCAL.exchange(0.4) as exchange:
            with pytest.raises(requests.RequestException):
                exchange.read(session.get(f"{server.url}/second", stream=True), 1_000)
            assert exchange.expired


@pytest.mark.parametrize(("lookup_s", "timeout_s"), [(30.0, 0.2), (0.2, 30.0)])
def test_a_name_that_nobody_answers_for_is_given_up(
    monkeypatch: pytest.MonkeyPatch, lookup_s: float, timeout_s: float
) -> None:
    """The resolver can't be told to stop; whoever asks it doesn't wait longer than they may."""
    given_up, answered = threading.Event(), threading.Event()

    def silent(*_args: object, **_named: object) -> list[object]:
        given_up.wait(PATIENCE_S)
        answered.set()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(ssrf_guard, "LOOKUP_S", lookup_s)
    try:
        with pytest.raises(ImageUnavailable):
            fetch(LOCAL, "http://slow.example/a.png", timeout_s=timeout_s)
        assert not answered.is_set()
    finally:
        given_up.set()


def test_a_connection_that_comes_after_the_end_is_shut_at_once() -> None:
    """A deadline that passes between two connections of an exchange holds for the next."""
    with LOCAL.exchange(0.001) as exchange:
        for _ in range(2):  # the first may be there before the end
            ours, theirs = socket.socketpair()
            with ours, theirs:
                exchange.watch(ours)
                theirs.settimeout(PATIENCE_S)
                assert theirs.recv(1) == b""
        with socket.socket() as unconnected:  # there is nothing to shut
            exchange.watch(unconnected)


def test_an_address_that_never_answers_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A host's first address may be one that nothing comes back from, as IPv6 without a route."""
    with serving(picture) as server, contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.2", server.port), backlog=0))
        for _ in range(3):  # its queue is full: whoever connects now waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the library's signature
            waiting.connect_ex(silent.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.port))
            for address in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
        two = Outbound(frozenset({"two.example"}), timeout_s=30)
        assert fetch(two, f"http://two.example:{server.port}/a.png", timeout_s=6).data == b"pixels"


def dribble_redirects(exchange: Exchange) -> None:
    """Lead from one address to the next, a little late each time."""
    exchange.server.closing.wait(0.15)
    number = int(exchange.path.rpartition("/")[2] or 0)
    exchange.answer(302, b"", Location=f"/{number + 1}")


def test_a_deadline_spans_all_redirects() -> None:
    """Each hop answers in time; together they don't."""
    with serving(dribble_redirects) as server, pytest.raises(ImageUnavailable) as caught:
        fetch(LOCAL, server.url, timeout_s=0.4)
    assert caught.value.category is Category.TIMEOUT
