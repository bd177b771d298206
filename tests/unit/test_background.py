"""Loops in threads of their own: how they begin and end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support import wait_until

from altwright.background import BackgroundLoop


def test_a_stop_waits_for_a_thread_that_is_just_being_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service may end while the first page that opens starts what looks after pages."""
    starting, go = threading.Event(), threading.Event()
    start = threading.Thread.start

    def slowly(thread: threading.Thread) -> None:
        if thread.name == "late":
            starting.set()
            assert go.wait(60)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    ended: list[bool] = []
    loop = BackgroundLoop(
        "late", lambda: None, every_s=None, at_end=lambda: ended.append(True), join_s=60
    )
    with ThreadPoolExecutor(2) as pool:
        started = pool.submit(loop.start)
        assert starting.wait(60)
        stopped = pool.submit(loop.stop)
        wait_until(lambda: loop.stopping)
        go.set()
        started.result(60)
        stopped.result(60)
    assert ended == [True]
