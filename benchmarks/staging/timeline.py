"""What happened when: the events of a rehearsal, and how the service stood between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: Seconds between two looks.
EVERY_S = 1.0


@dataclass(slots=True)
class Event:
    """A step of the rehearsal, in seconds since it began."""

    name: str
    at_s: float
    until_s: float
    found: str = ""
    #: Whether requests in hand may be cut off: a process that answers them was killed.
    cuts: bool = False


@dataclass
class Timeline:
    """Events, told as they begin, and samples by ``look``, in a thread of its own."""

    say: Callable[[str], None]
    began_at: float = field(default_factory=time.time)
    events: list[Event] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look at nothing yet."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def now_s(self) -> float:
        """Return the seconds since the beginning."""
        return time.time() - self.began_at

    @contextmanager
    def event(self, name: str, *, cuts: bool = False) -> Iterator[Event]:
        """Note a step; what it has ``found`` is set inside."""
        began = self.now_s
        event = Event(name, began, began, cuts=cuts)
        self.events.append(event)
        self.say(f"{began:6.1f} s  {name}")
        try:
            yield event
        finally:
            event.until_s = self.now_s
            if event.found:
                self.say(f"{event.until_s:6.1f} s    {event.found}")

    def watch(self, look: Callable[[], dict[str, Any]]) -> None:
        """Begin to look; a look that fails is left out."""

        def run() -> None:
            while not self._stop.wait(EVERY_S):
                sample = look()
                if sample:
                    self.samples.append({"at_s": round(self.now_s, 2), **sample})

        self._thread = threading.Thread(target=run, name="timeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
