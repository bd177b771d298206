"""How a cancel, a time limit or a stop reaches a worker wherever it waits.

Who works on a task enters ``interruptible()`` in its thread; who watches over it calls
``interrupt()`` from any thread. Whatever waits long (a socket, a process, a pause) either asks
``check()`` in short steps or registers how its wait is broken off (``breaking_off``), and asks
``check()`` before it translates the error that follows.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar


class Interrupted(Exception):
    """This thread's work is to end now; nobody translates it, the task's runner knows why."""


class Interrupt:
    """One attempt's interrupt; all methods may be called from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._breakers: list[Callable[[], None]] = []

    def interrupt(self) -> None:
        """End whatever the attempt waits for, now and from now on; once is enough."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            breakers = list(self._breakers)
        for break_off in breakers:
            break_off()

    def check(self) -> None:
        """Raise Interrupted once somebody has interrupted."""
        if self._event.is_set():
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Do nothing for so long. Raises Interrupted as soon as somebody interrupts."""
        self._event.wait(seconds)
        self.check()

    @contextlib.contextmanager
    def breaking_off(self, break_off: Callable[[], None]) -> Iterator[None]:
        """Let ``break_off`` end the wait inside; it is called from the interrupting thread.

        It must not block, and may be called when the wait is over already.
        """
        with self._lock:
            self._breakers.append(break_off)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._breakers.remove(break_off)


#: For threads that work on no task: nobody interrupts them.
_NEVER = Interrupt()
#: Each thread has a context of its own, and so has each greenlet.
_current: ContextVar[Interrupt] = ContextVar("interrupt", default=_NEVER)


def current() -> Interrupt:
    """Return the interrupt of this thread's work."""
    return _current.get()


@contextlib.contextmanager
def interruptible(interrupt: Interrupt) -> Iterator[None]:
    """Let ``interrupt`` reach what this thread does inside."""
    token = _current.set(interrupt)
    try:
        yield
    finally:
        _current.reset(token)


@contextlib.contextmanager
def deferred(seconds: float) -> Iterator[None]:
    """Let what should not be broken off halfway, such as a write, have ``seconds`` to end.

    An interrupt reaches it after that time, and whoever comes after it at once.
    """
    outer, inner = current(), Interrupt()
    timer = threading.Timer(seconds, inner.interrupt)
    timer.daemon = True
    with outer.breaking_off(timer.start):
        try:
            with interruptible(inner):
                yield
        finally:
            timer.cancel()
