"""A task's database connections end with it, whatever its code has left open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from altwright.db.session import make_engine
from altwright.workers.sessions import WorkerSessionManager

pytestmark = pytest.mark.req("6.8", "no leak")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine of its own."""
    made = make_engine(f"sqlite:///{tmp_path}/altwright.db")
    yield made
    made.dispose()


def in_use(engine: Engine) -> int:
    """Return how many connections somebody holds."""
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_what_a_task_leaves_open_is_closed(
    engine: Engine, caplog: pytest.LogCaptureFixture, ends: str
) -> None:
    """And said in the log, since it is a fault; what was given back is no matter."""
    manager = WorkerSessionManager(engine)
    given_back = engine.connect()
    given_back.close()
    with suppress(ZeroDivisionError), manager.task():
        kept = [engine.connect(), engine.connect()]
        assert in_use(engine) == 2
        assert 1 // (ends == "well")
    assert in_use(engine) == 0
    assert caplog.text.count("left a database connection open") == len(kept)


def test_connections_of_other_threads_stay(engine: Engine) -> None:
    """The end of one task takes nothing from another that goes on."""
    manager = WorkerSessionManager(engine)
    holds, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with manager.task(), engine.connect():
            holds.set()
            may_end.wait()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        holds.wait()
        with manager.task():
            engine.connect()
        assert in_use(engine) == 1
    finally:
        may_end.set()
        thread.join()
    assert in_use(engine) == 0
