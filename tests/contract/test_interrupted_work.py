"""Interrupts end every wait of a worker, long before its deadline, and are nobody's fault."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_leaves import Exchange, serving
from tests.support_offline import MODELS, noise, picture
from tests.support_pretend import dribbles, hangs

from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.port import Request
from altwright.interrupts import Interrupt, Interrupted, current, deferred, interruptible
from altwright.net.http import Outbound
from altwright.platforms.mastodon import Mastodon

PATIENT = Outbound(frozenset({"127.0.0.1"}), timeout_s=600)


def dribbles_in_its_head(exchange: Exchange) -> None:
    """Send a byte of the head now and then."""
    exchange.close_connection = True
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b"x")


def interrupted(call: Callable[[], object], when: Callable[[], object]) -> BaseException | None:
    """Make a call as a task's worker does, interrupt it once ``when`` holds; return its end."""
    ends: list[BaseException] = []
    interrupt = Interrupt()

    def work() -> None:
        try:
            with interruptible(interrupt):
                call()
        except BaseException as error:  # noqa: BLE001 - what the test asks for
            ends.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(when, 60)
    interrupt.interrupt()
    worker.join(60)
    assert not worker.is_alive()
    return ends[0] if ends else None


@pytest.mark.parametrize("respond", [hangs, dribbles, dribbles_in_its_head])
@pytest.mark.parametrize("way", ["fetch", "Mastodon.py"])
def test_an_interrupt_ends_an_exchange_wherever_it_is(
    respond: Callable[[Exchange], None], way: str
) -> None:
    """Long before its deadline, and nobody takes it for a fault of the server."""
    with serving(respond) as server:
        calls = {
            "fetch": lambda: PATIENT.fetch(server.url, max_bytes=10_000, timeout_s=600),
            "Mastodon.py": lambda: Mastodon(server.url, "token", PATIENT).probe(),
        }
        assert isinstance(interrupted(calls[way], lambda: server.calls), Interrupted)


def test_an_interrupt_ends_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that doesn't answer is left alone with its question."""
    asked, over = threading.Event(), threading.Event()

    def never(*_: object, **__: object) -> list[object]:
        asked.set()
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "at last")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        end = interrupted(
            lambda: PATIENT.fetch("http://slow.example/", max_bytes=10_000, timeout_s=600),
            asked.is_set,
        )
    finally:
        over.set()
    assert isinstance(end, Interrupted)


def test_an_interrupt_ends_a_connecting() -> None:
    """A host that takes no connection and refuses none."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # Its backlog is full, so the next one waits for an answer to its SYN.
        crowd = [socket.socket() for _ in range(3)]
        for one in crowd:
            one.settimeout(0)
            one.connect_ex(address)
        began = threading.Event()

        def call() -> None:
            began.set()
            url = f"http://127.0.0.1:{address[1]}/"
            PATIENT.fetch(url, max_bytes=10_000, timeout_s=600)

        try:
            end = interrupted(call, began.is_set)
        finally:
            for one in crowd:
                one.close()
    assert isinstance(end, Interrupted)


def test_an_interrupt_ends_a_pause() -> None:
    """Whoever pauses does so until then."""
    began = threading.Event()

    def call() -> None:
        began.set()
        current().wait(600)

    assert isinstance(interrupted(call, began.is_set), Interrupted)


def test_a_write_that_was_begun_gets_a_moment_to_end() -> None:
    """It ends in order if it can; what comes after it doesn't begin."""
    begun = threading.Event()
    written: list[str] = []

    def call() -> None:
        own = current()

        def was_asked_to_end() -> bool:
            try:
                own.check()
            except Interrupted:
                return True
            return False

        with deferred(600):
            begun.set()
            wait_until(was_asked_to_end)
            current().check()
            written.append("all of it")
        current().check()
        written.append("more")

    assert isinstance(interrupted(call, begun.is_set), Interrupted)
    assert written == ["all of it"]


def test_a_write_that_doesnt_end_is_broken_off() -> None:
    """After its moment."""
    begun = threading.Event()

    def call() -> None:
        with deferred(0.05):
            begun.set()
            current().wait(600)

    assert isinstance(interrupted(call, begun.is_set), Interrupted)


def test_an_interrupt_ends_the_wait_for_the_offline_describer() -> None:
    """For its picture, and for its turn while another's is described; the next one is described."""
    describer = OfflineDescriber(MODELS, idle_s=60)
    one = picture(noise())
    try:
        assert describer.describe(one, Request()).level
        pid = describer.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        ends: list[BaseException | None] = []
        first_is_over = threading.Event()
        call = partial(describer.describe, one, Request())
        first = threading.Thread(
            target=lambda: ends.append(interrupted(call, first_is_over.is_set))
        )
        first.start()
        wait_until(describer._lock.locked, 60)  # noqa: SLF001 - it has its turn
        assert isinstance(interrupted(call, lambda: True), Interrupted)
        first_is_over.set()
        first.join(60)
        assert isinstance(ends[0], Interrupted)
        assert describer.describe(one, Request()).level
    finally:
        describer.close()


def test_an_interrupt_ends_the_wait_for_the_hosts_describer(tmp_path: Path) -> None:
    """Which another process runs."""
    address = tmp_path / "describer.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(address))
        silent.listen()
        describer = OfflineDescriber(MODELS, idle_s=60, host=address)
        begun = threading.Event()

        def call() -> None:
            begun.set()
            describer.describe(picture(b"pixels"), Request())

        assert isinstance(interrupted(call, begun.is_set), Interrupted)
