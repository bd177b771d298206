"""A describer that is exchanged for another one while tasks run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from altwright.describers.port import Describer, Description, Picture, Request


class ExchangeableDescriber:
    """Stands for the one in use; who describes a picture now ends with the one it began with.

    One that was exchanged is closed and forgotten once nobody uses it any more.
    """

    def __init__(self, key: Hashable, make: Callable[[], Describer]) -> None:
        """Take what makes the first one, and a key that says which it is."""
        self._lock = threading.Lock()
        #: How many use each one now; all but the current one go with their last user.
        self._users: dict[Describer, int] = {}
        self._take(key, make())

    def use(self, key: Hashable, make: Callable[[], Describer]) -> None:
        """Go over to another one from the next picture on, unless it is the one in use."""
        if key == self._key:
            return
        before = self._current
        self._take(key, make())
        self._close_unused(before)

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture. Raises as Describer.describe."""
        with self._used() as describer:
            return describer.describe(picture, request)

    def probe(self) -> str:
        """Say what answers. Raises as Describer.probe."""
        with self._used() as describer:
            return describer.probe()

    def close(self) -> None:
        """Release processes and connections of the one in use, and of those that still describe."""
        with self._lock:
            there = list(self._users)
        for one in there:
            one.close()

    def _take(self, key: Hashable, describer: Describer) -> None:
        with self._lock:
            self._key, self._current = key, describer
            self._users[describer] = 0
            self.name, self.model = describer.name, describer.model

    @contextmanager
    def _used(self) -> Iterator[Describer]:
        with self._lock:
            describer = self._current
            self._users[describer] += 1
        try:
            yield describer
        finally:
            with self._lock:
                self._users[describer] -= 1
            self._close_unused(describer)

    def _close_unused(self, describer: Describer) -> None:
        with self._lock:
            is_over = describer is not self._current and self._users.get(describer) == 0
            if is_over:
                del self._users[describer]
        if is_over:
            describer.close()
