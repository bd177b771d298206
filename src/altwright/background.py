"""One thread of a process that does something again and again until it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from altwright.errors import AltwrightError

_log = logging.getLogger(__name__)


class BackgroundLoop:
    """Calls ``tick`` in a daemon thread; an error ends a round, never the loop."""

    def __init__(
        self,
        name: str,
        tick: Callable[[], object],
        *,
        every_s: float | Callable[[], float] | None,
        at_end: Callable[[], object] | None = None,
        join_s: float | None = None,
    ) -> None:
        """Name the thread and say what it does.

        Args:
            name: the thread's, also in log lines.
            tick: one round.
            every_s: seconds from the end of a round to the next one, as a number or asked for
                after each round; None: until ``wake``.
            at_end: called once in the thread after the last round.
            join_s: the longest that ``stop`` waits for the thread; None: until it has ended.
        """
        self.name = name
        self._tick = tick
        self._every_s = every_s
        self._at_end = at_end
        self._join_s = join_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._start_once = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        """Return whether ``stop`` was called."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Start the thread; does nothing if it was started."""
        with self._start_once:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Let the next round begin at once; a round that runs can't hurry its own successor."""
        if threading.current_thread() is not self._thread:
            self._wake.set()

    def stop(self) -> None:
        """Stop after the round that runs now, if any, and wait for the thread."""
        self._stopping.set()
        self._wake.set()
        with self._start_once:  # a thread that is just being started can't be waited for
            thread = self._thread
        if thread is not None:
            thread.join(self._join_s)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            if self.stopping:  # looked at after the other: a stop in between isn't missed
                break
            attempted(self.name, self._tick)
            self._wake.wait(self._every_s() if callable(self._every_s) else self._every_s)
        if self._at_end is not None:
            attempted(self.name, self._at_end)


def attempted(name: str, call: Callable[[], object]) -> None:
    """Call; an error is logged under ``name``, and whoever goes round goes on."""
    try:
        call()
    except AltwrightError as error:
        _log.warning("%s: %s", name, error)
    except Exception:  # noqa: BLE001 - recorded, and the loop goes on
        _log.exception("unexpected error in %s", name)
