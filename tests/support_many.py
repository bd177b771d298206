"""Tasks that take no time, in great numbers, and somebody who works on them in the background."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from tests.support_web import Web

from altwright.errors import Category, PlatformRefused
from altwright.tasks.store.items import Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Work

#: The kind of the tasks that Web.tasks writes.
KIND = "description"


class NoWork(Work):
    """A task without items."""

    def plan(self) -> list[Any]:
        """Return nothing."""
        return []

    def item(self, item: Item) -> Worked:
        """Never called."""
        raise AssertionError(item)

    def summary(self, task: Task) -> str:
        """Say that it is done."""
        return "Done."


class Pretending:
    """Stands for a kind: its tasks end at once, well or, until it ``is_mended``, as failed."""

    def __init__(self, *, is_mended: bool) -> None:
        """Take whether they end well."""
        self.is_mended = is_mended

    def open(self, _run: object) -> NoWork:
        """Begin an attempt."""
        if not self.is_mended:
            raise PlatformRefused("Sign in again.", category=Category.AUTHENTICATION)
        return NoWork()


def work_off(web: Web) -> int:
    """Work on what is due until nothing is; return how many attempts that took."""
    engine = web.services.engine
    engine.dispatcher.tick()
    attempts = 0
    while (claimed := engine.claims.claim_next("host.boot.1.1.test")) is not None:
        engine.runner.run(claimed, threading.Event())
        attempts += 1
    return attempts


@contextlib.contextmanager
def working(web: Web) -> Iterator[None]:
    """Let somebody work in the background."""
    over = threading.Event()

    def work() -> None:
        engine = web.services.engine
        while not over.wait(0.02):
            engine.dispatcher.tick()
            while not over.is_set() and (task := engine.claims.claim_next("host.b.1.1.test")):
                engine.runner.run(task, threading.Event())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
