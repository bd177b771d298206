"""The kind of task that does something to many: its items are batches, and tell what they did.

What is queued again goes through a canary: a few first, and the others once those went well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from altwright.domain.counting import Count, counted
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput, NotAllowed, RateLimited
from altwright.tasks import audit_log
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.store.bulk_changes import (
    EFFECTIVE,
    BulkAction,
    BulkChanges,
    Outcomes,
    Range,
    Selection,
)
from altwright.tasks.store.items import Planned, PlannedUpTo, Worked
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import HandedBack, Run, TaskKind, Work

#: Tasks that are queued again first, stage by stage; the rest follows when they went well.
CANARY: Final = (1, 10)
#: The share of a stage's tasks that may fail again.
MAY_FAIL: Final = 0.2
#: Seconds between two looks at a canary: a part of what it has taken, within these.
LOOKS_PART, LOOK_LEAST_S, LOOK_MOST_S = 0.25, 1.0, 30.0
#: Batches after which a plan notes where it is.
NOTED_EVERY = 100
#: How keys of items begin, and the key of the last one.
_BATCH, _CHECK, _REPORT = "tasks", "check", "report"
LEFT = "left as they are"
_COUNTS = ("matching", "applicable")
STOPPED = "Not begun: what was queued again first has failed again."


@dataclass(frozen=True, slots=True)
class Order:
    """What one task is to do, for whom and why; ``words`` say which tasks."""

    selection: Selection
    by: UserRef
    why: str
    words: str
    matching: Count
    applicable: Count

    def to_json(self) -> dict[str, Any]:
        """Return the task's settings."""
        by = {"id": self.by.id, "username": self.by.username, "address": self.by.address}
        return {
            "selection": self.selection.to_json(),
            "by": by,
            "why": self.why,
            "words": self.words,
            "matching": self.matching,
            "applicable": self.applicable,
            # Beside the numbers, which processes of the version before read.
            "bounds": {one: getattr(self, one).bound for one in _COUNTS},
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Order:
        """Return what ``to_json`` was made from."""
        bounds = kept.get("bounds", {})
        counts = {one: Count(kept[one], bounds.get(one, "")) for one in _COUNTS}
        by = UserRef(**kept["by"])
        selection = Selection.of_json(kept["selection"])
        return cls(selection, by, kept["why"], kept["words"], **counts)


def order_of(task: Task) -> Order | None:
    """Return what a task is to do to others; None: nothing, or nobody can read it any more."""
    return Order.of_json(task.settings) if task.kind == BulkTask.name and task.settings else None


class BulkTask(TaskKind):
    """The kind "administration": one such task at a time.

    Two at once could do and undo the same, and neither's count would hold.
    """

    name = "administration"
    default_priority = Priority.URGENT
    is_for_administrators = True

    def __init__(
        self,
        store: TaskStore,
        changes: BulkChanges,
        progress: ProgressTracker,
        pauses: Pauses,
        wake: Callable[[], None],
    ) -> None:
        self.store = store
        self.changes = changes
        self.progress = progress
        self.pauses = pauses
        self.wake = wake

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return the settings of an order. Raises NotAllowed, InvalidInput."""
        if user is not None:
            raise NotAllowed("Such a task begins with a preview, on an administrator's page.")
        try:
            return Order.of_json(settings).to_json()
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("This is no order that can be carried out.") from error

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for everybody."""
        return self.name

    def open(self, run: Run) -> BulkWork:
        """Begin an attempt; one whose worker has died goes on where that stood."""
        if run.task.crashes:
            self.changes.put_in_order(run.task.id)
        return BulkWork(self, run)


class BulkWork(Work):
    """One attempt. A batch is written in the transaction that ends its item: all of it or none."""

    def __init__(self, kind: BulkTask, run: Run) -> None:
        self._kind = kind
        self._run = run
        self._order = Order.of_json(run.task.settings)
        self._selection = self._order.selection
        #: Tasks that are another way since the last batch, of which pages haven't been told.
        self._moved: list[str] = []

    def plan(self) -> Iterator[Planned | PlannedUpTo]:
        """Yield the batches in the order of ids, a look at each stage of the canary, the report."""
        cursor = self._run.task.plan_cursor
        is_canary = self._selection.action is BulkAction.REQUEUE and cursor is None
        stages = CANARY if is_canary else ()
        so_far = 0
        for number, batch in enumerate(
            self._kind.changes.ranges(self._selection, stages, cursor or ""), 1
        ):
            self._run.checkpoint()
            key = f"{batch.first} {batch.last} {batch.size}"
            so_far += batch.size
            yield Planned(f"{_BATCH} {key}", counted(batch.size, "task"))
            if batch.stage_from:
                stage = f"{batch.stage_from} {batch.last} {so_far}"
                yield Planned(f"{_CHECK} {stage}", f"Whether the first {so_far:,} went well")
            if number % NOTED_EVERY == 0:
                yield PlannedUpTo(batch.last)
        yield Planned(_REPORT, "The audit log", last=True)

    def item(self, item: Item) -> Worked:
        """Do one batch, look at a canary, or write what was done."""
        self._tell()
        what, _, key = item.key.partition(" ")
        is_early = self._kind.changes.is_out_of_order(self._run.task.id, item.position)
        if what == _REPORT and is_early:
            raise RateLimited("A step is tried again first.", retry_in_s=LOOK_LEAST_S)
        if what == _REPORT:
            return Worked(ItemStatus.DONE, effect=self._report)
        first, last, size = key.split(" ")
        batch = Range(first, last, int(size))
        if self._selection.action is BulkAction.REQUEUE:
            # What failed before is a canary, or a step that may have been one.
            if self._kind.changes.has_failed_items(self._run.task.id):
                return Worked(ItemStatus.SKIPPED, STOPPED)
            if is_early:
                return Worked(ItemStatus.FAILED, "A step before this one didn't work.")
        if what == _CHECK:
            return self._checked(batch)
        return Worked(ItemStatus.DONE, effect=lambda session: self._apply(session, item, batch))

    def _apply(self, session: Session, item: Item, batch: Range) -> None:
        connection, changes = session.connection(), self._kind.changes
        who = (self._run.task.id, self._order.by.username)
        fates, self._moved = changes.apply(connection, self._selection, batch, *who)
        changes.note(connection, item.id, told(fates))

    def _checked(self, batch: Range) -> Worked:
        """Return how a stage of the canary went. Raises HandedBack: nobody knows yet."""
        found = self._kind.changes.outcomes(batch, self._run.task.id)
        count = found.passed + found.failed + found.pending
        so_far = f"{found.passed} of {count} ended well, {found.failed} failed again"
        if found.failed > MAY_FAIL * count:
            return Worked(ItemStatus.FAILED, f"{so_far}: the others stay as they are.")
        if found.pending:
            self._run.step(f"Waits for the first ones: {so_far}{self._held_up(found)}")
            look_s = min(max(found.age_s * LOOKS_PART, LOOK_LEAST_S), LOOK_MOST_S)
            raise HandedBack("waits for its canary", look_s)
        return Worked(ItemStatus.DONE, f"{so_far}.")

    def _held_up(self, found: Outcomes) -> str:
        """Return why those can't begin that a canary waits for, as far as a person can mend it."""
        paused = self._kind.pauses.all()
        return "".join(
            f"; the queue {priority.queue} is paused by {paused[priority].by}"
            for priority in sorted(found.waiting & paused.keys())
        )

    def _report(self, session: Session) -> None:
        action = f"bulk {self._selection.action} ended"
        audit_log.write(session, self._order.by, action, self._run.task.id, self._result())

    def _result(self) -> str:
        """Return what was done, and what wasn't."""
        fates: Counter[str] = Counter()
        looks: list[str] = []
        is_stopped = False
        for item in self._kind.store.items(self._run.task.id):
            if item.key.startswith(f"{_CHECK} ") and item.status is not ItemStatus.SKIPPED:
                looks.append(item.reason)
            elif item.key.startswith(f"{_BATCH} ") and item.status is ItemStatus.DONE:
                fates += Counter(fates_of(item.reason))
            elif item.key.startswith(f"{_BATCH} "):
                fates[LEFT] += int(item.key.rpartition(" ")[2])
            is_stopped |= item.status is ItemStatus.FAILED
        words = [
            f"Of {self._order.applicable.words}: {told(fates) or 'nothing was to be done'}.",
            *looks,
        ]
        if is_stopped:
            stops = self._selection.action is BulkAction.REQUEUE
            words.insert(0, "Stopped by itself." if stops else "A step didn't work.")
        return " ".join(words)

    def summary(self, task: Task) -> str:
        """Say what was done."""
        return self._result()

    def close(self) -> None:
        """Tell pages and workers of the last batch."""
        self._tell()

    def _tell(self) -> None:
        moved, self._moved = self._moved, []
        if moved:
            self._kind.wake()
        for task_id in moved:
            self._kind.progress.publish_by_id(task_id)


def told(fates: Mapping[str, int]) -> str:
    """Return fates with their numbers, what was done first: "97 cancelled; 3 not so any more"."""
    order = sorted(fates, key=lambda fate: (fate not in EFFECTIVE, fate))
    return "; ".join(f"{fates[fate]:,} {fate}" for fate in order if fates[fate])


def fates_of(text: str) -> dict[str, int]:
    """Return what ``told`` was given."""
    parts = (part.partition(" ") for part in text.split("; "))
    numbered = ((number.replace(",", ""), fate) for number, _, fate in parts)
    return {fate: int(number) for number, fate in numbered if number.isdecimal()}
