"""What is done to all tasks of a selection: counted before, then written batch by batch.

A batch is a range of ids: it finds only what matches still, so that one which begins again takes
nobody twice. Ids are drawn by lot: the first of them are a fair sample of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, select, true, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.counting import AT_LEAST, MORE_THAN, Count
from altwright.domain.task import ACTIVE, ItemStatus, Priority, Status
from altwright.tasks.store.task_search import LOOK_AT, TaskFilter
from altwright.tasks.store.task_store import PRIORITY_CHANGED, ask_to_cancel, reprioritised
from altwright.tasks.store.transitions import requeued

#: Tasks of a batch, written in one transaction, so that none holds SQLite's lock long.
BATCH = 100
#: Ids read in one query while planning.
READ_BATCH = 500
#: Tasks that a preview looks at for each of its numbers.
COUNT_MOST = LOOK_AT
_REQUEUED = "requeued"


class BulkAction(StrEnum):
    """What can be done to many tasks."""

    CANCEL = "cancel"
    REQUEUE = "requeue"
    PRIORITY = "priority"
    #: Give those their priority back that another task of this kind has changed.
    UNDO = "undo"


#: What became of a task, in words that follow its number.
CANCELLED, STOPPING = "cancelled", "asked to stop at their next item"
QUEUED_AGAIN, HELD_BACK = "queued again", "left, since their users have active tasks"
CHANGED, GIVEN_BACK = "given another priority", "given their priority back"
MOVED_ON = "not so any more"
#: Those that mean that something was done.
EFFECTIVE = frozenset({CANCELLED, STOPPING, QUEUED_AGAIN, CHANGED, GIVEN_BACK})


@dataclass(frozen=True, slots=True)
class Selection:
    """An action, and the tasks that it is for: those that match, made (or failed) ``until`` then.

    ``priority``: the new one. ``of_task``: whose changes are taken back.
    """

    action: BulkAction
    wanted: TaskFilter
    until: datetime
    priority: Priority | None = None
    of_task: str | None = None

    def up_to(self, until: datetime) -> Selection:
        """Return the same, fixed by an earlier moment: that of its preview. Raises TypeError."""
        return replace(self, until=min(until, self.until))

    def to_json(self) -> dict[str, Any]:
        """Return what a task keeps of it."""
        return {
            "action": self.action,
            "filter": self.wanted.to_json(),
            "until": self.until.isoformat(),
            "priority": None if self.priority is None else int(self.priority),
            "of_task": self.of_task,
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Selection:
        """Return what ``to_json`` was made from."""
        return cls(
            BulkAction(kept["action"]),
            TaskFilter.of_json(kept["filter"]),
            datetime.fromisoformat(kept["until"]),
            None if kept["priority"] is None else Priority(kept["priority"]),
            kept["of_task"],
        )

    def matching(self) -> list[ColumnElement[bool]]:
        """Return which tasks match, whatever can be done to them."""
        conditions = [*self.wanted.conditions(), self.is_of_then()]
        if self.of_task is not None:
            # Only such as wait still: the others aren't looked for, however many there are.
            conditions.append(TaskRow.status == Status.QUEUED)
            conditions.append(_event(PRIORITY_CHANGED, f"%{mark(self.of_task)}").exists())
        return conditions

    def is_of_then(self) -> ColumnElement[bool]:
        """Return which tasks were there when it was fixed."""
        return TaskRow.created_at <= self.until

    def in_state(self) -> ColumnElement[bool]:
        """Return which of them are in a state for it."""
        match self.action:
            case BulkAction.CANCEL:
                return TaskRow.status.in_(ACTIVE)
            case BulkAction.REQUEUE:
                # One that fails again has ended later.
                return and_(TaskRow.status == Status.FAILED, TaskRow.finished_at <= self.until)
            case BulkAction.PRIORITY | BulkAction.UNDO:
                return TaskRow.status == Status.QUEUED

    def is_new(self) -> ColumnElement[bool]:
        """Return to which of them it hasn't been done already."""
        match self.action:
            case BulkAction.CANCEL:
                return TaskRow.cancel_requested_at.is_(None)
            case BulkAction.PRIORITY:
                return TaskRow.priority != self.priority
            case BulkAction.UNDO:
                return TaskRow.priority == self.priority
            case BulkAction.REQUEUE:
                return true()


#: Why an action can't apply: to tasks in another state, and to those to which it was done.
_NOT_IN_STATE = {
    BulkAction.CANCEL: "have ended",
    BulkAction.REQUEUE: "haven't failed",
    BulkAction.PRIORITY: "don't wait",
    BulkAction.UNDO: "don't wait any more",
}
_NOT_NEW = {
    BulkAction.CANCEL: "are being cancelled already",
    BulkAction.PRIORITY: "have this priority already",
    BulkAction.UNDO: "have got another priority since",
}
_NOT_FREE = "have to stay for now: each user has one active task at a time"


@dataclass(frozen=True, slots=True)
class Preview:
    """How many tasks match, to how many the action can apply, and why not to the others."""

    until: datetime
    matching: Count
    applicable: Count
    others: dict[str, Count]

    @property
    def is_exact(self) -> bool:
        """Return whether all of its numbers are."""
        return self.matching.is_exact and self.applicable.is_exact


class Range(NamedTuple):
    """The tasks of a batch: between two ids, both included, and how many they were."""

    first: str
    last: str
    size: int
    #: Where it ends a stage, which may be of several: the first task of that. "": it ends none.
    stage_from: str = ""


class Outcomes(NamedTuple):
    """How those stand that were queued again: how many ended well, failed again, haven't ended."""

    passed: int
    failed: int
    pending: int
    #: Seconds since the last of them was queued.
    age_s: float
    #: The priorities of those that wait to begin.
    waiting: frozenset[Priority]


class BulkChanges:
    """All SQL on the tasks of a selection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def preview(self, selection: Selection) -> Preview:
        """Count a selection's tasks: each number up to COUNT_MOST, however many there are."""
        matching, in_state, is_new = selection.matching(), selection.in_state(), selection.is_new()
        with self._database.connect() as connection:
            gone = Count(0)
            if selection.of_task is None:
                # Among so many that an index finds, since what has ended may be any number.
                walked = (*selection.wanted.walked_conditions(), selection.is_of_then(), ~in_state)
                is_match = case((and_(*matching), 1), else_=0).label("hit")
                gone = _counted(connection, select(is_match).where(*walked))
            hit = select(literal(1).label("hit")).where(*matching, in_state)
            old = Count(0)
            if selection.action in _NOT_NEW:
                old = _counted(connection, hit.where(~is_new))
            fresh = applicable = _counted(connection, hit.where(is_new))
            if selection.action is BulkAction.REQUEUE:
                free = select(TaskRow.exclusive_key).where(*matching, in_state)
                applicable = _counted_once(connection, free.where(~_is_held(selection.action)))
        is_exact = fresh.is_exact and applicable.is_exact
        others = {
            _NOT_IN_STATE[selection.action]: gone,
            _NOT_NEW.get(selection.action, ""): old,
            _NOT_FREE: Count(max(fresh - applicable, 0), "" if is_exact else AT_LEAST),
        }
        shown = {words: count for words, count in others.items() if count}
        parts = (gone, old, fresh)
        total = Count.up_to(
            COUNT_MOST,
            # What is more than so many in one part is so in the sum.
            sum(one + (one.bound == MORE_THAN) for one in parts),
            is_exact=all(one.is_exact for one in parts),
        )
        return Preview(selection.until, total, applicable, shown)

    def ranges(
        self, selection: Selection, stages: Sequence[int] = (), after: str = ""
    ) -> Iterator[Range]:
        """Yield a selection's tasks, those after an id, in batches.

        The first ones have ``stages`` tasks that can be queued again, the others BATCH.
        """
        query = (
            select(TaskRow.id, TaskRow.exclusive_key, _is_held(selection.action).label("is_held"))
            .where(*selection.matching(), selection.in_state(), selection.is_new())
            .order_by(TaskRow.id)
            .limit(READ_BATCH)
        )
        left = list(stages)
        taken: set[str] = set()
        ids: list[str] = []
        free, began = 0, ""
        while True:
            with self._database.connect() as connection:
                rows = connection.execute(query.where(TaskRow.id > after)).all()
            for row in rows:
                ids.append(row.id)
                if left and not row.is_held and row.exclusive_key not in taken:
                    free += 1
                    taken |= {row.exclusive_key} - {None}
                ends_stage = bool(left) and free == left[0]
                if ends_stage or len(ids) == BATCH:
                    began = began or ids[0]
                    yield Range(ids[0], ids[-1], len(ids), began if ends_stage else "")
                    ids = []
                if ends_stage:
                    left.pop(0)
                    free, began = 0, ""
            if len(rows) < READ_BATCH:
                break
            after = rows[-1].id
        if ids:
            yield Range(ids[0], ids[-1], len(ids))

    def apply(
        self, connection: Connection, selection: Selection, batch: Range, task_id: str, by: str
    ) -> tuple[Counter[str], list[str]]:
        """Do it to a batch, in this transaction; ``task_id`` is the task that does it.

        Returns how many met which fate, and the ids of those that are another way now.
        """
        query = (
            select(
                TaskRow.id,
                TaskRow.attempt,
                TaskRow.status,
                TaskRow.user_id,
                TaskRow.priority,
                _is_held(selection.action).label("is_held"),
            )
            .where(
                TaskRow.id.between(batch.first, batch.last),
                *selection.matching(),
                selection.in_state(),
                selection.is_new(),
            )
            .order_by(TaskRow.id)
        )
        fates: Counter[str] = Counter()
        moved = []
        for row in connection.execute(query).all():
            fate = self._apply_one(connection, selection, row, task_id, by)
            fates[fate] += 1
            if fate in EFFECTIVE:
                moved.append(row.id)
        if (gone := batch.size - fates.total()) > 0:
            fates[MOVED_ON] += gone
        return fates, moved

    def _apply_one(
        self, connection: Connection, selection: Selection, row: Any, task_id: str, by: str
    ) -> str:
        was, detail = (row.id, row.attempt), mark(task_id)
        match selection.action:
            case BulkAction.CANCEL:
                status = Status(row.status)
                done = ask_to_cancel(connection, *was, status, by=by, detail=detail)
                fate = CANCELLED if status is Status.QUEUED else STOPPING
            case BulkAction.REQUEUE:
                if row.is_held:
                    return HELD_BACK
                try:
                    with connection.begin_nested():
                        done = requeued(connection, *was, by=by, detail=detail)
                except IntegrityError:  # another task of the user, of this batch or of a moment ago
                    return HELD_BACK
                fate = QUEUED_AGAIN
            case BulkAction.PRIORITY | BulkAction.UNDO:
                before, after = Priority(row.priority), selection.priority
                fate = CHANGED
                if selection.action is BulkAction.UNDO:
                    after = self._before(connection, row.id, selection.of_task or "")
                    fate = GIVEN_BACK
                if after is None:
                    return MOVED_ON
                done = reprioritised(
                    connection, *was, row.user_id, before, after, by=by, detail=f", {detail}"
                )
        return fate if done else MOVED_ON

    def _before(self, connection: Connection, task_id: str, of_task: str) -> Priority | None:
        """Return the priority that a task had before another one changed it."""
        query = select(TaskEventRow.detail).where(
            TaskEventRow.task_id == task_id,
            TaskEventRow.event == PRIORITY_CHANGED,
            TaskEventRow.detail.like(f"%{mark(of_task)}"),
        )
        name = (connection.scalar(query) or "").partition(" ")[0]
        return Priority.named(name)

    def outcomes(self, batch: Range, task_id: str) -> Outcomes:
        """Return how those of a batch stand that the task ``task_id`` has queued again."""
        query = (
            select(TaskRow.status, TaskRow.priority, func.count(), func.max(TaskEventRow.at))
            .join(TaskEventRow, TaskEventRow.task_id == TaskRow.id)
            .where(
                TaskRow.id.between(batch.first, batch.last),
                TaskEventRow.event == _REQUEUED,
                TaskEventRow.detail == mark(task_id),
            )
            .group_by(TaskRow.status, TaskRow.priority)
        )
        with self._database.connect() as connection:
            rows = connection.execute(query).all()
            at = connection.scalar(select(now()))
        counts: Counter[str] = Counter()
        waiting = set()
        for status, priority, count, _ in rows:
            counts[status] += count
            if status == Status.QUEUED:
                waiting |= {one for one in Priority if one == priority}
        last = max((row[3] for row in rows), default=at)
        age_s = (at - last).total_seconds() if at and last else 0.0
        return Outcomes(
            counts[Status.COMPLETED],
            counts[Status.FAILED],
            sum(counts[status] for status in ACTIVE),
            age_s,
            frozenset(waiting),
        )

    def note(self, connection: Connection, item_id: int, reason: str) -> None:
        """Let an item of the task say what was done, in the transaction that did it."""
        connection.execute(update(ItemRow).where(ItemRow.id == item_id).values(reason=reason))

    @again_after_deadlock
    def put_in_order(self, task_id: str) -> None:
        """Let the items of a task come in their order again, also one that met a worker's death.

        What kills each of its workers is set aside as a whole: it is no item's fault here.
        """
        blamed = (
            ItemRow.task_id == task_id,
            ItemRow.status == ItemStatus.PENDING,
            ItemRow.tries > 0,
        )
        with self._database.begin() as connection:
            values: dict[str, Any] = {"tries": 0, "excused": 0, "category": None, "reason": ""}
            connection.execute(update(ItemRow).where(*blamed).values(**values))

    def is_out_of_order(self, task_id: str, position: int) -> bool:
        """Return whether an item that stands before this position was put off."""
        before = (
            ItemRow.task_id == task_id,
            ItemRow.status == ItemStatus.PENDING,
            ItemRow.tries > 0,
            ItemRow.position < position,
        )
        with self._database.connect() as connection:
            return connection.scalar(select(ItemRow.id).where(*before).limit(1)) is not None

    def has_failed_items(self, task_id: str) -> bool:
        """Return whether an item of a task has failed."""
        failed = (ItemRow.task_id == task_id, ItemRow.status == ItemStatus.FAILED)
        with self._database.connect() as connection:
            return connection.scalar(select(ItemRow.id).where(*failed).limit(1)) is not None


def mark(task_id: str) -> str:
    """Return what the history of a task says that was changed with many."""
    return f"task {task_id}"


def _counted(connection: Connection, hits: Select[Any]) -> Count:
    """Return how many rows of a query are a ``hit``, of the first COUNT_MOST."""
    looked_at = hits.limit(COUNT_MOST + 1).subquery()
    sums = select(func.count(), func.coalesce(func.sum(looked_at.c.hit), 0))
    count, found = connection.execute(sums.select_from(looked_at)).one()
    return Count.up_to(COUNT_MOST, found, is_exact=count <= COUNT_MOST)


def _counted_once(connection: Connection, keys: Select[Any]) -> Count:
    """Return how many rows have no key, and how many keys there are, of the first COUNT_MOST."""
    key = keys.limit(COUNT_MOST + 1).subquery().c.exclusive_key
    sums = select(func.count(), func.count(key), func.count(key.distinct()))
    rows, with_key, distinct = connection.execute(sums.select_from(key.table)).one()
    found = rows - with_key + distinct
    return Count.up_to(COUNT_MOST, found, is_exact=rows <= COUNT_MOST)


def _is_held(action: BulkAction) -> ColumnElement[bool]:
    """Return whether another active task stands in the way of a failed one."""
    if action is not BulkAction.REQUEUE:
        return false()
    other = aliased(TaskRow)
    stands = select(other.id).where(other.active_key == TaskRow.exclusive_key)
    return stands.exists()


def _event(event: str, detail: str) -> Any:
    return select(TaskEventRow.id).where(
        TaskEventRow.task_id == TaskRow.id,
        TaskEventRow.event == event,
        TaskEventRow.detail.like(detail),
    )
