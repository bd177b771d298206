"""TaskRunner: works on one claimed task, item by item, and ends each attempt for its reason.

What an error means stands in error_classification.py, and what is tried again in retrying.py. One
item's fault is that item's: it comes after the others, is tried again, and then counts as failed.
The task stops only when a probe says that the server as a whole is in trouble, or when different
items fail in a row.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from altwright import telemetry, tracing
from altwright.domain.task import ItemStatus
from altwright.errors import Category, DatabaseUnavailable, TaskStateConflict
from altwright.interrupts import Interrupted, interruptible
from altwright.tasks.error_classification import Fault, Meaning, Source, fault_of, unknown_kind
from altwright.tasks.execution.failure_streak import IN_A_ROW, Streak
from altwright.tasks.execution.lease_renewer import Hold, LeaseKeeper
from altwright.tasks.execution.retrying import Retrying
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.items import ITEM_TRIES, Items, Plan, Worked
from altwright.tasks.store.preemption import Signals, SignalStore, Standing
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import HandedBack, Run, TaskKind, Work

_log = logging.getLogger(__name__)

#: Seconds that a task rests whose attempt met a fault of the database.
DATABASE_REST_S = 5.0
#: What the history says of an attempt that left its failed items for later.
RESTS = "trying again later"
#: What it says of one that gave way to others after its time slice.
SLICE_OVER = "slice over"
#: Why an item failed with which an attempt's time ran out.
TOOK_TOO_LONG = "It took too long."


class Cancelled(Exception):
    """The user or an administrator asked to cancel."""


class TimeUsedUp(Exception):
    """The attempt has taken as long as it may, or as long as others let it who wait."""


class Stopped(Exception):
    """The whole attempt ends because of a fault; ``waits``: a server is down or asked to wait."""

    def __init__(self, fault: Fault, *, waits: bool = False) -> None:
        super().__init__(fault.words)
        self.fault = fault
        self.waits = waits


class TaskRunner:
    """Runs attempts; one object serves all worker threads of a process."""

    def __init__(
        self,
        claims: Claims,
        items: Items,
        signals: SignalStore,
        kinds: Mapping[str, TaskKind],
        progress: ProgressTracker,
        leases: LeaseKeeper,
        retrying: Retrying,
        *,
        limit_s: float,
        slice_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``limit_s``, the seconds after which an attempt hands its task back.

        ``slice_s`` are the seconds after which it does while others wait; 0: they don't count.
        """
        self._claims = claims
        self._items = items
        self._signals = signals
        self._kinds = kinds
        self._progress = progress
        self.leases = leases
        self._retrying = retrying
        self.adopt(limit_s, slice_s)
        self._clock = clock

    def adopt(self, limit_s: float, slice_s: float) -> None:
        """Go by these from now on, also in attempts that run."""
        self._limit_s = limit_s
        self._slice_s = slice_s

    def run(self, task: Task, interrupted: threading.Event) -> bool:
        """Work on a claimed task until it ends, fails, or ``interrupted`` is set.

        Whatever happens is written to the task; only faults of the database are raised, and
        then the lease runs out and another worker goes on. Returns False if the attempt failed.

        Raises:
            DatabaseUnavailable: the attempt's end could not be written.
        """
        known = {"attempt": task.attempt, "worker": task.worker_id}
        with (
            telemetry.fields(task=task.id, **known),
            tracing.of_task(task.id, "attempt", kind=task.kind, **known),
        ):
            return self._run(task, interrupted)

    def _run(self, task: Task, interrupted: threading.Event) -> bool:
        _log.debug("task %s attempt %s begins", task.id, task.attempt)
        self._progress.publish(task)
        completed = None
        checkpoint = _Checkpoint(self, task, interrupted)
        try:
            completed = self._kept(task, checkpoint)
        except TaskStateConflict:
            _log.warning("task %s attempt %s was taken back", task.id, task.attempt)
        if completed is None:
            self._progress.publish_by_id(task.id)
        else:
            self._progress.publish(completed)
        return not checkpoint.has_failed

    def _kept(self, task: Task, checkpoint: _Checkpoint) -> Task | None:
        try:
            with self.leases.kept(checkpoint.hold):
                return self._ended(task, checkpoint)
        except DatabaseUnavailable as error:
            # Not the task's failure. If this can't be written either, the lease runs out.
            _log.warning("task %s handed back: %s", task.id, error)
            self._claims.release(task, "database away", DATABASE_REST_S)
            return None

    def _ended(self, task: Task, checkpoint: _Checkpoint) -> Task | None:
        """Make the attempt, and write how it ended; return the task if it is completed."""
        try:
            try:
                with interruptible(checkpoint.hold.interrupt):
                    return self._attempt(task, checkpoint)
            except Interrupted:
                checkpoint.explain()
        except Cancelled:
            self._claims.cancelled(task)
        except HandedBack as why:
            self._claims.release(task, str(why), why.delay_s)
        except TimeUsedUp as why:
            self._retrying.time_used_up(task, str(why))
        except Stopped as stopped:
            checkpoint.has_failed = not stopped.waits
            self._retrying.stopped(task, stopped.fault, waits=stopped.waits)
        except (TaskStateConflict, DatabaseUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - recorded, and the loop goes on
            # The worker's loop is the last resort; whatever it was, the task must not hang.
            fault = self._noted(task, "", error).of_whole_service()
            checkpoint.has_failed = True
            self._retrying.stopped(task, fault, waits=fault.meaning is Meaning.WAIT)
        return None

    def _attempt(self, task: Task, checkpoint: _Checkpoint) -> Task | None:
        if task.corrupt:
            _log.error("task %s is set aside: %s", task.id, task.fault)
            checkpoint.has_failed = True
            self._claims.fail(task, Category.CORRUPT, f"This task is damaged: {task.fault}.")
            return None
        kind = self._kinds.get(task.kind)
        if kind is None:
            raise Stopped(unknown_kind(task.kind), waits=True)
        run = Run(task, checkpoint, self._progress.stepper(task))
        if not task.crashes:
            run = replace(run, upcoming=partial(self._items.next_items, task.id))
        checkpoint()
        with contextlib.closing(kind.open(run)) as work:
            return self._through(task, work, checkpoint)

    def _through(self, task: Task, work: Work, checkpoint: _Checkpoint) -> Task | None:
        """Work on the items; return the task if it is completed with the last of them."""
        streak = Streak(work, self._clock, has_worked=task.items_done > 0 or task.items_skipped > 0)
        if task.waits_for:
            # Before any item is blamed for it.
            self._unless_down(streak.asked(Source(task.waits_for)))
        if task.items_total is None:
            with checkpoint.planning():
                _, task, items = self._plan(task, work, streak)
            self._progress.publish(task)
        else:
            items = [*(task.claimed_items or self._items.next_items(task.id))]
        failed_here: set[int] = set()
        for item in self._all_items(task, items):
            if item.id in failed_here and item.tries < ITEM_TRIES:
                # All that are left have failed in this attempt.
                raise HandedBack(RESTS, self._retrying.items_rest_s(item.tries))
            failed_here.add(item.id)
            with tracing.span("item", position=item.position, tries=item.tries):
                standing = self._one(task, work, item, streak, checkpoint)
            task = standing.task
            if task.ended:
                return task
            checkpoint.heed(standing.signals)
            self._progress.publish(task)
        # Nothing was left, or nothing to begin with.
        self._claims.complete(task, self._summary(work)(self._claims.current(task)))
        return None

    def _all_items(self, task: Task, items: list[Item]) -> Iterator[Item]:
        """Yield the items to work on, until none is left; those that were put off come again."""
        while items:
            # Those that were tried less come first, also of those that are put off meanwhile.
            for item in items:
                if item.tries != items[0].tries:
                    break
                yield item
            items = self._items.next_items(task.id)

    def _plan(self, task: Task, work: Work, streak: Streak) -> Plan:
        try:
            return self._items.plan(task, work.plan())
        except _WAYS_OUT:
            raise
        except Exception as error:
            fault = self._noted(task, "", error)
            if fault.meaning in {Meaning.PASSING, Meaning.DOUBTFUL}:
                self._unless_down(streak.asked(fault.source))
            fault = fault.of_whole_service()
            raise Stopped(fault, waits=fault.meaning is Meaning.WAIT) from error

    def _one(
        self, task: Task, work: Work, item: Item, streak: Streak, checkpoint: _Checkpoint
    ) -> Standing:
        began = self._clock()
        if item.tries >= ITEM_TRIES:
            category = Category(item.category or Category.FAULT)
            return self._item_failed(task, work, item, category, item.reason)
        try:
            worked = work.item(item)
            took_s = self._clock() - began if worked.took_s is None else worked.took_s
            standing = self._items.end_item(task, item, worked, took_s, self._summary(work))
        except _WAYS_OUT:
            if checkpoint.time_is_up:
                # It may be what takes so long; the next attempt begins with others.
                self._items.defer_item(task, item, TOOK_TOO_LONG, Category.TIMEOUT)
            raise
        except Exception as error:  # noqa: BLE001 - recorded, and the loop goes on
            # A fault in one picture, or in writing its result, must not cost the user the others.
            return self._retry_or_end_item(
                task, work, item, self._noted(task, item.key, error), streak
            )
        streak.over()
        return standing

    def _retry_or_end_item(
        self, task: Task, work: Work, item: Item, fault: Fault, streak: Streak
    ) -> Standing:
        """Let an item be tried again after the others, or end it, for what it met.

        Raises:
            Stopped: it isn't the item's fault, or it is that of many.
        """
        if fault.meaning is Meaning.WAIT:
            self._items.put_behind(task, item, fault.words, fault.category)
            raise Stopped(fault, waits=True)
        if fault.ends_task:
            self._items.put_behind(task, item, fault.words, fault.category)
            raise Stopped(fault)
        in_a_row = streak.failed(item, fault)
        if fault.meaning is not Meaning.FINAL or in_a_row >= IN_A_ROW:
            found = streak.asked(fault.source, fault.cause)
            if found is not None:
                self._items.put_behind(task, item, found.words, found.category)
            self._unless_down(found)
        if fault.meaning is Meaning.FINAL:
            if not (fault.ends_streak and in_a_row >= IN_A_ROW):
                return self._item_failed(task, work, item, fault.category, fault.words)
            # They have failed, so that the next run begins with others.
            self._item_failed(task, work, item, fault.category, fault.words, is_stopped=True)
            raise Stopped(fault)
        standing = self._items.defer_item(task, item, fault.words, fault.category)
        if in_a_row >= IN_A_ROW:
            self._items.spare(task, streak.items)
            raise Stopped(fault.of_whole_service())
        return standing

    def _item_failed(
        self,
        task: Task,
        work: Work,
        item: Item,
        category: Category,
        reason: str,
        *,
        is_stopped: bool = False,
    ) -> Standing:
        """End an item as failed; the task isn't completed with it if it ``is_stopped``."""
        effect = work.failed(item, reason)
        worked = Worked(ItemStatus.FAILED, reason, category, effect)
        summary = None if is_stopped else self._summary(work)
        return self._items.end_item(task, item, worked, 0.0, summary)

    def _summary(self, work: Work) -> Callable[[Task], str]:
        """Return ``work.summary``, a fault in which is nobody's: the task says nothing then."""

        def said(task: Task) -> str:
            try:
                return work.summary(task)
            except _WAYS_OUT:
                raise
            except Exception as error:  # noqa: BLE001 - recorded
                self._noted(task, "", error)
                return ""

        return said

    def _unless_down(self, found: Fault | None) -> None:
        """Raise Stopped for what a server said about itself, unless that was good."""
        if found is not None:
            waits = found.meaning in {Meaning.WAIT, Meaning.PASSING}
            raise Stopped(found.of_whole_service(), waits=waits)

    def _noted(self, task: Task, key: str, error: Exception) -> Fault:
        """Return what an error means; what users aren't shown goes to the log."""
        fault = fault_of(error)
        if fault.category is Category.FAULT:
            _log.error("unexpected error in task %s %s", task.id, key, exc_info=error)
        elif fault.detail:
            _log.error("task %s %s: %s", task.id, key, fault.detail)
        return fault

    def limit_reached(self, began: float) -> bool:
        """Return whether an attempt that began then has used its time up."""
        return self._clock() - began > self._limit_s

    def slice_over(self, began: float) -> bool:
        """Return whether an attempt that began then has had its time slice."""
        return 0 < self._slice_s < self._clock() - began

    def began(self) -> float:
        """Return the moment at which an attempt begins."""
        return self._clock()

    def signals(self, task: Task, *, slice_is_over: bool) -> Signals:
        """Ask the database what to heed. Raises TaskStateConflict."""
        return self._signals.now(task, slice_is_over=slice_is_over)


class _Checkpoint:
    """Asks, between two items or pages, whether the attempt goes on."""

    #: Seconds between two questions to the database; the flags of this process cost nothing.
    EVERY_S = 1.0

    def __init__(self, runner: TaskRunner, task: Task, interrupted: threading.Event) -> None:
        self._runner = runner
        self._task = task
        self._interrupted = interrupted
        self.hold = Hold(task, self.over, self.is_preemptible)
        self._began = self._asked = runner.began()
        self._is_planning = False
        #: The attempt ended with a failure: it is tried again, or the task has failed.
        self.has_failed = False

    def __call__(self) -> None:
        self._local()
        if self._runner.began() - self._asked >= self.EVERY_S:
            # An item that was begun is ended: it may take longer than a slice each time.
            self._ask(slice_is_over=self.is_preemptible())

    def heed(self, signals: Signals) -> None:
        """Raise what ends the attempt between two items."""
        if self._slice_is_over:
            self._ask(slice_is_over=True)
        else:
            self._heed(signals, "preempted")

    def explain(self) -> None:
        """Raise why somebody has interrupted."""
        self._ask(slice_is_over=self._slice_is_over)
        if self._slice_is_over:
            raise TimeUsedUp(SLICE_OVER)  # whoever waited has found a worker meanwhile
        raise HandedBack("worker stopped")

    @contextlib.contextmanager
    def planning(self) -> Iterator[None]:
        """Let the slice's end interrupt what is done inside: the page in hand is asked for anew."""
        self._is_planning = True
        try:
            yield
        finally:
            self._is_planning = False

    def is_preemptible(self) -> bool:
        """Return whether others who wait end the attempt wherever it is; for any thread."""
        return self._is_planning and self._slice_is_over

    def _ask(self, *, slice_is_over: bool) -> None:
        signals = self._runner.signals(self._task, slice_is_over=slice_is_over)
        self._heed(signals, SLICE_OVER if slice_is_over else "preempted")

    def _heed(self, signals: Signals, why: str) -> None:
        self._asked = self._runner.began()
        if signals.cancel:
            raise Cancelled
        self._local()
        if signals.preempted_by:
            raise TimeUsedUp(why) if why == SLICE_OVER else HandedBack(why)

    def over(self) -> bool:
        """Return whether the attempt is to end, as far as this process knows; for any thread."""
        return self._interrupted.is_set() or self.time_is_up

    @property
    def time_is_up(self) -> bool:
        """Return whether the attempt has taken as long as it may."""
        return self._runner.limit_reached(self._began)

    def _local(self) -> None:
        if self.hold.lost.is_set():
            raise TaskStateConflict(self._task.id, expected="running this attempt")
        if self._interrupted.is_set():
            raise HandedBack("worker stopped")
        if self.time_is_up:
            raise TimeUsedUp("time used up")

    @property
    def _slice_is_over(self) -> bool:
        return self._runner.slice_over(self._began)


#: How an attempt ends that are no errors of what it works on.
_WAYS_OUT = (
    TaskStateConflict,
    DatabaseUnavailable,
    Interrupted,
    Cancelled,
    HandedBack,
    TimeUsedUp,
    Stopped,
)
