"""What is tried again, and when: how an attempt ends that a fault or the clock has stopped."""

from __future__ import annotations

import logging
import random

from altwright.domain.counting import counted
from altwright.domain.retry_policy import PAUSE_PATIENCE_S, POLICIES, Backoff
from altwright.errors import Category
from altwright.tasks.error_classification import Fault, Meaning
from altwright.tasks.store.claims import Claims
from altwright.tasks.task import Task

_log = logging.getLogger(__name__)

#: Seconds that a task waits at most for a server that is down, without getting on in between.
OUTAGE_PATIENCE_S = 6 * 3600.0
#: Seconds of it that each wait uses up at least, also one that ends at once.
WAIT_COUNTS_S = 1.0
#: Attempts in a row that use up their time without ending an item or finding one.
FRUITLESS = 3
NO_PROGRESS = (
    "The run used up its time without getting any further. "
    "The server may be very slow, or name posts without an end."
)


class Retrying:
    """Ends attempts, so that the task is tried again, waits, or has failed for good.

    Each method raises TaskStateConflict where the task was taken back.
    """

    def __init__(
        self, claims: Claims, backoff: Backoff, patience_s: float = OUTAGE_PATIENCE_S
    ) -> None:
        """Take how long a task waits for servers that are down before it fails, in seconds."""
        self._claims = claims
        self.adopt(backoff, patience_s)
        self._random = random.Random()  # noqa: S311 - jitter, no secret

    def adopt(self, backoff: Backoff, patience_s: float) -> None:
        """Go by these from the next fault on."""
        self._backoff = backoff
        self._patience_s = patience_s

    def items_rest_s(self, tries: int) -> float:
        """Return for how long items rest that have all failed so often."""
        return self._backoff.rest_s(tries, self._random)

    def stopped(self, task: Task, fault: Fault, *, waits: bool) -> None:
        """Let a task try again later, wait for a server that is down (``waits``), or fail."""
        now = self._claims.current(task)
        if waits:
            self._wait(now, fault)
        elif POLICIES[fault.category].retried and now.failures < now.max_retries:
            delay_s = self._backoff.delay_s(
                fault.category, now.failures + 1, fault.retry_in_s, self._random
            )
            self._again(now, fault.category, fault.words, delay_s)
        else:
            self._failed(now, fault.category, fault.words)

    def _wait(self, now: Task, fault: Fault) -> None:
        """Let a task wait for a server, or for a worker that knows it; not for too long."""
        is_asked_to = fault.meaning is Meaning.WAIT
        waited_s, patience_s = (
            (now.paused_s, PAUSE_PATIENCE_S) if is_asked_to else (now.outage_s, self._patience_s)
        )
        if waited_s > patience_s:
            waited = counted(float(f"{waited_s / 3600:.3g}"), "hour")
            words = f"{fault.words} The task has waited for {waited}."
            self._failed(now, fault.category, words)
            return
        if is_asked_to:
            delay_s = self._backoff.delay_s(
                fault.category, now.waits + 1, fault.retry_in_s, self._random
            )
        else:
            delay_s = self._backoff.outage_s(now.waits, fault.retry_in_s, self._random)
        _log.warning("task %s waits for %.0f s: %s", now.id, delay_s, fault.words)
        # Only what it is made to wait counts, not for how long nobody claims it. What a server
        # that is down asks for beyond our own curve is a pause. Each wait counts, for an end.
        own_s = self._backoff.outage_s(now.waits, None, self._random)
        self._claims.wait(
            now,
            fault.category,
            fault.words,
            delay_s,
            waits_for="" if is_asked_to else fault.source,
            outage_s=0.0 if is_asked_to else max(min(delay_s, own_s), WAIT_COUNTS_S),
            paused_s=delay_s if is_asked_to else 0.0,
        )

    def time_used_up(self, task: Task, why: str) -> None:
        """Let others have their turn, and this task its next one unless it gets nowhere."""
        now = self._claims.current(task)
        if now.progress_attempt == task.attempt:
            self._claims.release(now, why, behind=True)
        elif now.failures + 1 < FRUITLESS:
            _log.warning("task %s again: %s", now.id, NO_PROGRESS)
            self._claims.retry(now, Category.TIMEOUT, NO_PROGRESS, 0.0, behind=True)
        else:
            self._failed(now, Category.TIMEOUT, NO_PROGRESS)

    def _again(self, now: Task, category: Category, words: str, delay_s: float) -> None:
        _log.warning("task %s again in %.0f s: %s", now.id, delay_s, words)
        self._claims.retry(now, category, words, delay_s)

    def _failed(self, now: Task, category: Category, words: str) -> None:
        _log.error("task %s failed: %s: %s", now.id, category, words)
        self._claims.fail(now, category, words)
