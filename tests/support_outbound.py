"""Calls to the outside that tests make, and an answer that is a picture."""

from __future__ import annotations

from tests.support_leaves import Exchange, LocalServer

from altwright.net.http import Fetched, Outbound

LOCAL = Outbound(frozenset({"127.0.0.1"}), timeout_s=30)


CLOSED = Outbound(frozenset(), timeout_s=30)


def fetch(
    outbound: Outbound, url: str, *, max_bytes: int = 10_000, timeout_s: float = 30
) -> Fetched:
    """Fetch with a test's limits."""
    return outbound.fetch(url, max_bytes=max_bytes, timeout_s=timeout_s)


def picture(exchange: Exchange) -> None:
    """Answer with something that calls itself a picture."""
    exchange.answer(200, b"pixels", Content_Type="Image/PNG; q=1")


def calls(server: LocalServer) -> int:
    """Count what a server was asked."""
    return len(server.calls)
