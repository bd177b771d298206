"""Asks the describer now and then how it is, so that a fault is known before a task meets it."""

from __future__ import annotations

import time
from collections.abc import Callable

from altwright.background import BackgroundLoop
from altwright.errors import AltwrightError, ConfigError, RateLimited
from altwright.tasks.cluster.service_state import ServiceState

#: Seconds until it is asked again after an answer that was none; a fault counts once it has been
#: met so often in a row.
AGAIN_S, FAULTS = 15.0, 2
#: The row of service_state that is set whenever it was asked.
ASKED = "describer asked"
#: The longest wait for the thread that asks, when its process ends, in seconds.
JOIN_S = 2.0


class DescriberWatch:
    """The leader's round says when to ask; a thread does, since an answer may take its time."""

    def __init__(
        self,
        probe: Callable[[], object],
        every_s: float,
        state: ServiceState,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what asks (it raises what is wrong), how often, in seconds, and who is told when."""
        self._probe = probe
        self._every_s = every_s
        self._state = state
        self._clock = clock
        self._ask_at = clock()
        self._faults = 0
        #: What is wrong, as a sentence; and how long the last answer took, in seconds.
        self.problem: str | None = None
        self.took_s: float | None = None
        self.loop = BackgroundLoop("describer watch", self.ask, every_s=None, join_s=JOIN_S)

    def look(self) -> None:
        """Let the thread ask, if it is time to."""
        if self._clock() >= self._ask_at:
            self._ask_at = self._clock() + self._every_s
            self.loop.wake()

    def ask(self) -> None:
        """Ask, and keep what came of it."""
        if self._clock() >= self._ask_at:
            return  # the thread's start: this process may not lead
        began = self._clock()
        try:
            self._probe()
        except ConfigError as error:
            self._failed("; ".join(error.problems) + ".")
        except RateLimited:
            self._faults, self.problem = 0, None  # it's there, and busy
        except AltwrightError as error:
            self._failed(str(error))
        else:
            self._faults, self.problem = 0, None
            self.took_s = self._clock() - began
        self._state.set(ASKED, self.problem or "")

    def _failed(self, words: str) -> None:
        self._faults += 1
        self._ask_at = min(self._ask_at, self._clock() + AGAIN_S)
        self.took_s = None
        if self._faults >= FAULTS:
            self.problem = words
