"""The items of a task: planned, worked on one by one, ended once.

Each write names the attempt, as those of Claims do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Update, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import ItemRow
from altwright.domain.task import ItemStatus
from altwright.errors import Category, Superseded, TaskStateConflict
from altwright.tasks.store import item_statements as sql
from altwright.tasks.store.preemption import Signals, SignalStore, Standing, standing, within
from altwright.tasks.store.transitions import (
    RENEWED,
    fenced,
    fenced_row,
    records_at_once,
    task_write,
    to_completed,
)
from altwright.tasks.task import Item, Task, item_of, task_standing

#: Items written per transaction while planning, so that no transaction holds SQLite's lock long.
PLAN_BATCH = 200
#: Items read in one query. Those that are put off meanwhile come after all of these.
READ_BATCH = 50
#: Positions of items that a plan puts last begin here; a plan has fewer items.
LAST_FROM = 100_000_000
#: Times that an item is tried, or its worker dies with it in hand, before it counts as failed.
ITEM_TRIES = 3
#: Characters of an item's label: what the column holds.
LABEL_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Worked:
    """How an item ended. ``effect`` writes its result, in the transaction that ends the item.

    ``took_s`` are the seconds that it took; None: since its turn came.
    """

    status: ItemStatus
    reason: str = ""
    category: Category | None = None
    effect: Callable[[Session], None] | None = None
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """An item to come. ``key`` is unique in the task; ``label`` is what people read.

    What stands before a colon in ``key`` is what several items share, and fail with together: a
    post. Items that are ``last`` are worked on after all others, whenever they are planned.
    ``ended``: there is nothing to work on, for this reason; it has no effect.
    """

    key: str
    label: str
    last: bool = False
    ended: Worked | None = None


@dataclass(frozen=True, slots=True)
class PlannedUpTo:
    """All items before ``cursor`` have been yielded; an attempt that follows goes on from there."""

    cursor: str


class Plan(NamedTuple):
    """How many items a task has, how it stands with them, and the first to work on."""

    total: int
    task: Task
    first: list[Item]


class Items:
    """What workers read of items, and write to them."""

    def __init__(self, database: Database, signals: SignalStore, lease_s: float) -> None:
        """Take the seconds of a lease, which each write lengthens."""
        self._database = database
        self._signals = signals
        self._lease_s = lease_s

    def plan(self, task: Task, items: Iterable[Planned | PlannedUpTo]) -> Plan:
        """Write the task's items in batches; those of an interrupted plan are kept.

        A cursor is written with the items before it, so that neither comes without the other.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        known: set[str] = set()
        if task.attempt > 1:  # one before may have been interrupted in the midst of it
            keys = select(ItemRow.key).where(ItemRow.task_id == task.id)
            with self._database.connect() as connection:
                known.update(connection.scalars(keys))
        position = len(known)
        batch: list[Planned] = []
        noted: str | None = None
        for item in items:
            noted = item.cursor if isinstance(item, PlannedUpTo) else None
            if isinstance(item, PlannedUpTo):
                position = self._write_part(task, batch, position, item.cursor)
                batch = []
                continue
            if item.key not in known:
                known.add(item.key)
                batch.append(item)
            if len(batch) >= PLAN_BATCH:
                position = self._write_part(task, batch, position)
                batch = []
        return self._complete_plan(task, batch, position, noted)

    @again_after_deadlock
    def _write_part(
        self, task: Task, batch: list[Planned], position: int, cursor: str | None = None
    ) -> int:
        """Write some items; return how many there are then."""
        values = {} if cursor is None else {"plan_cursor": cursor}
        grew = _counting(sql.GREW, batch)
        with self._database.begin() as connection:
            fenced(connection, grew, task.id, task.attempt, lease_s=self._lease_s, **values)
            insert_items(connection, task.id, task.attempt, batch, position)
        return position + len(batch)

    @again_after_deadlock
    def _complete_plan(
        self, task: Task, batch: list[Planned], position: int, cursor: str | None
    ) -> Plan:
        total = position + len(batch)
        values = {"items_total": total, "plan_cursor": cursor, "lease_s": self._lease_s}
        planned = _counting(sql.PLANNED, batch)
        write = sql.PLAN_COMPLETE if planned is sql.PLANNED else task_write(planned)
        with self._database.begin() as connection:
            row = fenced_row(connection, write, task.id, task.attempt, **values)
            first = insert_items(connection, task.id, task.attempt, batch, position)
            if position:  # others were written before
                asked = {"of_task": task.id, "most": READ_BATCH}
                first = [item_of(row) for row in connection.execute(sql.NEXT_ITEMS, asked)]
        now = replace(task_standing(task, row), plan_cursor=cursor)
        return Plan(total, now, first[:READ_BATCH])

    def next_items(self, task_id: str, limit: int = READ_BATCH) -> list[Item]:
        """Return the items to work on now, at most ``limit``: those tried before at the end."""
        asked = {"of_task": task_id, "most": limit}
        with self._database.connect() as connection:
            return [item_of(row) for row in connection.execute(sql.NEXT_ITEMS, asked)]

    def end_item(
        self,
        task: Task,
        item: Item,
        worked: Worked,
        took_s: float,
        summary: Callable[[Task], str] | None = None,
    ) -> Standing:
        """End an item, once: its effect, its row and the task's counts in one transaction.

        With the last one, as ``task`` counts them, the task is completed and says its ``summary``
        (None: it isn't yet).
        Returns how the task stands then, and what its worker has to heed before the next item.

        Raises:
            TaskStateConflict: the task was taken back; nothing was written.
        """
        return self._signals.heeded(self._end_item(task, item, worked, took_s, summary))

    @again_after_deadlock
    def _end_item(
        self,
        task: Task,
        item: Item,
        worked: Worked,
        took_s: float,
        summary: Callable[[Task], str] | None,
    ) -> Standing:
        ended = {
            "of_item": item.id,
            "item_status": worked.status,
            "item_attempt": task.attempt,
            "item_reason": worked.reason,
            "item_category": worked.category,
            "item_took_s": took_s,
        }
        try:
            if summary is not None and task.items_finished + 1 == task.items_total:
                step = summary(_with_one_more(task, worked.status))
                completed = self._end_last(task, worked, ended, step)
                if completed is not None:
                    return completed
            write = sql.COUNTED[worked.status]
            with self._database.begin() as connection:
                row = fenced_row(connection, write, task.id, task.attempt, lease_s=self._lease_s)
                self._write_end(connection, task, worked, ended)
                return standing(connection, task_standing(task, row))
        except Superseded as reason:
            skipped = Worked(ItemStatus.SKIPPED, str(reason))
            return self._end_item(task, item, skipped, took_s, summary)

    def _end_last(
        self, task: Task, worked: Worked, ended: dict[str, Any], step: str
    ) -> Standing | None:
        """Complete a task with its last item; None: it isn't to be, and nothing was written.

        One message to PostgreSQL, if there is no effect.
        """
        write = sql.COUNTED_LAST[worked.status]
        opened = self._database.begin if worked.effect else self._database.begin_one
        with opened() as connection:
            at_once, left = (ended, None) if records_at_once(connection) else ({}, ended)
            held, by = (task.id, task.attempt), task.worker_id or ""
            row = to_completed(connection, *held, by=by, step=step, write=write, **at_once)
            if row is None:
                return None
            self._write_end(connection, task, worked, left)
            return Standing(task_standing(task, row), Signals(cancel=False))

    def _write_end(
        self, connection: Connection, task: Task, worked: Worked, ended: dict[str, Any] | None
    ) -> None:
        """Write an item's end, unless it is written (None), and its effect."""
        if ended is not None and not changed(connection, sql.ITEM_ENDED, ended):
            raise TaskStateConflict(task.id, expected="working on this item")
        if worked.effect is not None:
            with Session(connection) as session:
                worked.effect(session)
                session.flush()

    def defer_item(self, task: Task, item: Item, reason: str, category: Category) -> Standing:
        """Put an item that failed for a passing reason behind the others, to be tried again.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        return self._signals.heeded(self._defer_item(task, item, reason, category))

    @again_after_deadlock
    def _defer_item(self, task: Task, item: Item, reason: str, category: Category) -> Standing:
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self._lease_s)
            put_off = {"of_item": item.id, "reason": reason, "category": category}
            changed(connection, sql.ITEM_PUT_OFF, put_off)
            return within(connection, task)

    @again_after_deadlock
    def put_behind(self, task: Task, item: Item, reason: str, category: Category) -> None:
        """Let the others come before an item that met a server in trouble; no try is counted.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self._lease_s)
            met = {"of_item": item.id, "reason": reason, "category": category}
            changed(connection, sql.ITEM_PUT_BEHIND, met)

    @again_after_deadlock
    def spare(self, task: Task, item_ids: Collection[int]) -> None:
        """Leave a last try to items that failed because their server fails at them all.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self._lease_s)
            spared = {"of_items": sorted(item_ids), "most": ITEM_TRIES - 1}
            changed(connection, sql.ITEMS_SPARED, spared)


def _with_one_more(task: Task, status: ItemStatus) -> Task:
    """Return the task as it will be when one more of its items has ended."""
    name = sql.COUNTS[status].key
    return replace(task, **{name: getattr(task, name) + 1})


def _counting(statement: Update, batch: list[Planned]) -> Update:
    """Return a write to a task that counts those of a plan's items that have ended at once."""
    ended = Counter(item.ended.status for item in batch if item.ended)
    if not ended:
        return statement
    counts = {sql.COUNTS[status]: more for status, more in ended.items()}
    return statement.values({count: count + more for count, more in counts.items()})


def insert_items(
    connection: Connection, task_id: str, attempt: int, batch: Sequence[Planned], position: int = 0
) -> list[Item]:
    """Write planned items, each key once; return those to work on, in their order."""
    rows = [_item_row(task_id, attempt, at, item) for at, item in enumerate(batch, position)]
    ended = [row for row in rows if row["attempt"] is not None]
    pending = [row for row in rows if row["attempt"] is None]
    if ended:
        connection.execute(sql.ENDED_ITEM, ended)
    if not pending:
        return []
    items = map(item_of, connection.execute(sql.PLANNED_ITEM, pending))
    return sorted(items, key=attrgetter("position"))


def _item_row(task_id: str, attempt: int, position: int, item: Planned) -> dict[str, Any]:
    worked = item.ended or Worked(ItemStatus.PENDING)
    return {
        "task_id": task_id,
        "key": item.key,
        "position": position + (LAST_FROM if item.last else 0),
        "label": item.label[:LABEL_LENGTH],
        "status": worked.status,
        "reason": worked.reason,
        "category": worked.category,
        "attempt": attempt if item.ended else None,
    }
