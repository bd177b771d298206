"""TaskRunner: works on one claimed task, item by item, and decides what an error means."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from altwright.domain.retries import POLICIES, Backoff
from altwright.domain.task import ItemStatus
from altwright.errors import (
    AltwrightError,
    Category,
    ConfigError,
    DatabaseUnavailable,
    ImageUnavailable,
    PermanentError,
    RequestError,
    TaskStateConflict,
    TemporaryError,
)
from altwright.tasks.claims import ITEM_TRIES, Claims, Signals, Worked
from altwright.tasks.kinds import Run, TaskKind, Work
from altwright.tasks.records import Item, Task

_log = logging.getLogger(__name__)

#: Seconds that a task rests whose attempt met a fault of the database.
DATABASE_PAUSE_S = 5.0
#: Seconds between two looks at steps that were held back (progress.STEP_EVERY_S).
FLUSH_EVERY_S = 0.5
#: What people read when the fault is ours; the log has the traceback under the task's id.
OUR_FAULT = "Something went wrong inside Altwright. The administrator's log says more."


class Cancelled(Exception):
    """The user or an administrator asked to cancel."""


class HandedBack(Exception):
    """The attempt ends early and is no failure: the worker stops, or urgent work waits."""


class Progress(Protocol):
    """What the runner needs of a ProgressTracker."""

    def changed(self, task_id: str) -> None:
        """Tell the pages."""
        ...

    def stepper(self, task: Task) -> Callable[[str], None]:
        """Return a throttled ``step``."""
        ...

    def flush(self) -> None:
        """Write the steps that were held back."""
        ...


class TaskRunner:
    """Runs attempts; one object serves all worker threads of a process."""

    def __init__(
        self,
        claims: Claims,
        kinds: Mapping[str, TaskKind],
        progress: Progress,
        backoff: Backoff,
        *,
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``limit_s``, the seconds after which an attempt hands its task back."""
        self._claims = claims
        self._kinds = kinds
        self._progress = progress
        self._backoff = backoff
        self._limit_s = limit_s
        self._clock = clock
        self._random = random.Random()  # noqa: S311 - jitter, no secret
        self.leases = LeaseKeeper(claims, progress.flush)

    def run(self, task: Task, interrupted: threading.Event) -> None:
        """Work on a claimed task until it ends, fails, or ``interrupted`` is set.

        Whatever happens is written to the task; only faults of the database are raised, and
        then the lease runs out and another worker goes on.

        Raises:
            DatabaseUnavailable: the attempt's end could not be written.
        """
        _log.info("task %s attempt %s begins", task.id, task.attempt)
        self._progress.changed(task.id)
        try:
            self._guarded(task, interrupted)
        except TaskStateConflict:
            _log.warning("task %s attempt %s was taken back", task.id, task.attempt)
        self._progress.changed(task.id)

    def _guarded(self, task: Task, interrupted: threading.Event) -> None:
        try:
            with self.leases.kept(task) as lost:
                self._attempt(task, _Checkpoint(self, task, interrupted, lost))
        except TaskStateConflict:
            raise
        except DatabaseUnavailable as error:
            # Not the task's failure. If this can't be written either, the lease runs out.
            _log.warning("task %s handed back: %s", task.id, error)
            self._claims.release(task, "database away", DATABASE_PAUSE_S)
        except TemporaryError as error:
            self._failed(task, error.category, str(error), error.retry_in_s)
        except (PermanentError, RequestError) as error:
            self._failed(task, error.category, str(error), None)
        except ConfigError as error:
            self._failed(task, Category.AUTHENTICATION, str(error), None)
        except Exception:  # noqa: BLE001 - recorded, and the loop goes on
            # The worker's loop is the last resort; whatever it was, the task must not hang.
            _log.exception("task %s attempt %s met a fault of ours", task.id, task.attempt)
            self._failed(task, Category.FAULT, OUR_FAULT, None)

    def _attempt(self, task: Task, checkpoint: _Checkpoint) -> None:
        try:
            kind = self._kinds.get(task.kind)
            if kind is None or task.corrupt:
                fault = task.fault or f"its kind {task.kind[:32]!r} isn't known here"
                _log.error("task %s is set aside: %s", task.id, fault)
                self._claims.fail(task, Category.CORRUPT, f"This task is damaged: {fault}.")
                return
            run = Run(task, checkpoint, self._progress.stepper(task))
            checkpoint()
            work = kind.open(run)
            if task.items_total is None:
                self._claims.plan(task.id, task.attempt, work.plan())
                self._progress.changed(task.id)
            while (item := self._claims.next_item(task.id)) is not None:
                checkpoint.heed(self._one(task, work, item))
                self._progress.changed(task.id)
            self._claims.complete(task, work.summary(self._claims.current(task)))
        except Cancelled:
            self._claims.cancelled(task)
        except HandedBack as why:
            self._claims.release(task, str(why))

    def _one(self, task: Task, work: Work, item: Item) -> Signals:
        began = self._clock()
        if item.tries >= ITEM_TRIES:
            category = Category(item.category or Category.FAULT)
            worked = Worked(ItemStatus.FAILED, item.reason, category)
            return self._claims.end_item(task, item, worked, 0.0)
        try:
            worked = work.item(item)
            return self._claims.end_item(task, item, worked, self._clock() - began)
        except ImageUnavailable as error:
            return self._claims.defer_item(task, item, str(error), error.category)
        except PermanentError as error:
            if error.ends_task or error.category is Category.AUTHENTICATION:
                raise  # the next item would be refused as well
            worked = Worked(ItemStatus.FAILED, str(error), error.category)
            return self._claims.end_item(task, item, worked, self._clock() - began)
        except (AltwrightError, Cancelled, HandedBack):
            raise
        except Exception:  # noqa: BLE001 - recorded, and the loop goes on
            # A fault of ours in one picture, or in writing its result, must not cost the user
            # the others.
            _log.exception("task %s item %s met a fault of ours", task.id, item.key)
            return self._claims.defer_item(task, item, OUR_FAULT, Category.FAULT)

    def _failed(
        self, task: Task, category: Category, message: str, retry_in_s: float | None
    ) -> None:
        if POLICIES[category].retried and task.failures < task.max_retries:
            delay_s = self._backoff.delay_s(category, task.failures + 1, retry_in_s, self._random)
            _log.warning("task %s again in %.0f s: %s", task.id, delay_s, message)
            self._claims.retry(task, category, message, delay_s)
        else:
            _log.error("task %s failed: %s: %s", task.id, category, message)
            self._claims.fail(task, category, message)

    def limit_reached(self, began: float) -> bool:
        """Say whether an attempt that began then has used its time up."""
        return self._clock() - began > self._limit_s

    def began(self) -> float:
        """Return the moment at which an attempt begins."""
        return self._clock()

    def signals(self, task: Task) -> Signals:
        """Ask the database what to heed. Raises TaskStateConflict."""
        return self._claims.signals(task)


class _Checkpoint:
    """Asks, between two items or pages, whether the attempt goes on."""

    #: Seconds between two questions to the database; the flags of this process cost nothing.
    EVERY_S = 1.0

    def __init__(
        self,
        runner: TaskRunner,
        task: Task,
        interrupted: threading.Event,
        lost: threading.Event,
    ) -> None:
        self._runner = runner
        self._task = task
        self._interrupted = interrupted
        self._lost = lost
        self._began = self._asked = runner.began()

    def __call__(self) -> None:
        self._local()
        if self._runner.began() - self._asked >= self.EVERY_S:
            self.heed(self._runner.signals(self._task))

    def heed(self, signals: Signals) -> None:
        self._asked = self._runner.began()
        if signals.cancel:
            raise Cancelled
        self._local()
        if signals.yield_to_urgent:
            raise HandedBack("preempted")

    def _local(self) -> None:
        if self._lost.is_set():
            raise TaskStateConflict(self._task.id, expected="running this attempt")
        if self._interrupted.is_set():
            raise HandedBack("worker stopped")
        if self._runner.limit_reached(self._began):
            raise HandedBack("time used up")


class LeaseKeeper:
    """Renews the leases of all tasks that this process works on, from one thread."""

    def __init__(self, claims: Claims, flush: Callable[[], None]) -> None:
        """Take ``flush`` too, which is called often from the same thread."""
        self._claims = claims
        self._flush = flush
        self._held: dict[tuple[str, int], tuple[Task, threading.Event]] = {}
        #: Told of each task whose lease was renewed; bootstrap lets UserTaskTracker follow.
        self.renewed: Callable[[Task], None] = lambda _task: None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def kept(self, task: Task) -> _Kept:
        """Return a context in which the task's lease is renewed; it yields the "lost" flag."""
        return _Kept(self, task)

    def start(self) -> None:
        """Begin to renew; three times in a lease, so that two may fail."""
        self._thread = threading.Thread(target=self._loop, name="leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        every_s = self._claims.lease_s / 3
        renewed_at = time.monotonic()
        while not self._stop.wait(min(every_s, FLUSH_EVERY_S)):
            try:
                self._flush()
                if time.monotonic() - renewed_at >= every_s - FLUSH_EVERY_S / 2:
                    renewed_at = time.monotonic()
                    self.renew_all()
            except Exception:  # noqa: BLE001 - recorded, and the loop goes on
                # Without this loop every long item would be taken for a dead worker's.
                _log.exception("keeping leases met a fault of ours")

    def renew_all(self) -> None:
        """Renew every lease once; a task that was taken back gets its flag set."""
        with self._lock:
            held = list(self._held.values())
        for task, lost in held:
            try:
                self._claims.renew(task.id, task.attempt)
            except TaskStateConflict:
                lost.set()
            except TemporaryError as error:
                _log.warning("lease of task %s not renewed: %s", task.id, error)
            else:
                self.renewed(task)

    def add(self, task: Task) -> threading.Event:
        """Begin to keep a lease."""
        with self._lock:
            return self._held.setdefault((task.id, task.attempt), (task, threading.Event()))[1]

    def remove(self, task: Task) -> None:
        """Leave a lease alone."""
        with self._lock:
            self._held.pop((task.id, task.attempt), None)


class _Kept:
    def __init__(self, keeper: LeaseKeeper, task: Task) -> None:
        self._keeper = keeper
        self._task = task

    def __enter__(self) -> threading.Event:
        return self._keeper.add(self._task)

    def __exit__(self, *_: object) -> None:
        self._keeper.remove(self._task)
