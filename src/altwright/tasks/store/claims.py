"""A worker's hold on a task: claim, renew, effects of items, and every way to end an attempt.

Each write names the attempt. A worker whose attempt is no longer current (it was stopped,
presumed dead and its task taken back) changes nothing: TaskStateConflict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Unpack

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from altwright.crypto import Box
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.domain.retries import retry_words, wait_words
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category, Superseded, TaskStateConflict
from altwright.tasks.cluster.concurrency_limits import LimitBook
from altwright.tasks.store import claim_statements as sql
from altwright.tasks.store.conditions import DUE
from altwright.tasks.store.ordering import PRIORITIES
from altwright.tasks.store.transitions import (
    RENEWED,
    SHOWN,
    Kept,
    fenced,
    to_cancelled,
    to_completed,
    to_failed,
    to_queued,
    to_running,
)
from altwright.tasks.task import Item, Task, Ticket, item_of, task_of

#: Items written per transaction while planning, so that no transaction holds SQLite's lock long.
PLAN_BATCH = 200
#: Positions of items that a plan puts last begin here; a plan has fewer items.
LAST_FROM = 100_000_000
#: Times that an item is tried, or its worker dies with it in hand, before it counts as failed.
ITEM_TRIES = 3
#: Characters of a step and of an item's label: what the columns hold.
STEP_LENGTH = LABEL_LENGTH = 255
#: Attempts in a row that may end with their worker's death before any item was finished.
CRASHES = 5
#: What a task's history says of a wait for a server.
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Worked:
    """How an item ended. ``effect`` writes its result, in the transaction that ends the item."""

    status: ItemStatus
    reason: str = ""
    category: Category | None = None
    effect: Callable[[Session], None] | None = None


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


@dataclass(frozen=True, slots=True)
class Signals:
    """What the database says between two items."""

    cancel: bool
    #: Priorities in which tasks wait that have to come first.
    gives_way: frozenset[Priority] = frozenset()


class Claims:
    """All SQL of workers on tasks and items."""

    def __init__(
        self,
        database: Database,
        box: Box,
        lease_s: float,
        limits: LimitBook,
    ) -> None:
        """Take the length of a lease in seconds, and what says which priorities are full."""
        self._database = database
        self._box = box
        self.lease_s = lease_s
        self._limits = limits

    @again_after_deadlock
    def claim(
        self,
        ticket: Ticket,
        worker_id: str,
        delivery: Delivery,
        paused: Collection[Priority] = (),
    ) -> Task | None:
        """Take the task of a ticket, or return None: somebody has it, or it has ended."""
        with self._claiming(paused) as (connection, closed):
            return self._claim(connection, ticket, worker_id, delivery, closed)

    @contextmanager
    def _claiming(self, paused: Collection[Priority]) -> Iterator[tuple[Connection, set[Priority]]]:
        """Begin a claim's transaction, with the priorities that it may not take."""
        limits = self._limits.current()
        with self._database.begin() as connection:
            yield connection, {*paused, *self._limits.full(connection, limits)}

    def _heeded(self, task: Task, signals: Signals) -> Signals:
        """Return the signals; nobody gives way to tasks of which none may begin all the same.

        Of a task's own priority one may: its end makes a place.
        """
        if signals.gives_way:
            closed = set(self._limits.closed()) - {task.priority}
            return replace(signals, gives_way=signals.gives_way - closed)
        return signals

    def waits(self, ticket: Ticket) -> bool:
        """Return whether the task of a ticket still waits for its claim."""
        query = select(TaskRow.id).where(
            TaskRow.id == ticket.task_id,
            TaskRow.attempt == ticket.attempt,
            *DUE,
        )
        with self._database.connect() as connection:
            return connection.scalar(query) is not None

    @again_after_deadlock
    def claim_next(self, worker_id: str, paused: Collection[Priority] = ()) -> Task | None:
        """Take the task whose turn it is, whoever was to deliver it; None: nothing waits."""
        with self._claiming(paused) as (connection, closed):
            row = PRIORITIES.next(connection, closed)
            if row is None:
                return None
            ticket = Ticket(row.id, row.attempt)
            return self._claim(connection, ticket, worker_id, Delivery.DATABASE, ())

    def _claim(
        self,
        connection: Connection,
        ticket: Ticket,
        worker_id: str,
        delivery: Delivery,
        closed: Collection[Priority],
    ) -> Task | None:
        if not to_running(
            connection,
            ticket.task_id,
            ticket.attempt,
            by=worker_id,
            delivery=delivery,
            lease_s=self.lease_s,
            closed=closed,
        ):
            return None
        row = connection.execute(sql.TASK, {"of_task": ticket.task_id}).one()
        return task_of(row, self._box)

    def current(self, task: Task) -> Task:
        """Return the task as it is now.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.connect() as connection:
            held = {"of_task": task.id, "of_attempt": task.attempt}
            row = connection.execute(sql.HELD, held).first()
            if row is None:
                raise TaskStateConflict(task.id, expected="running this attempt")
            return task_of(row, self._box)

    @again_after_deadlock
    def renew(self, task_id: str, attempt: int) -> None:
        """Lengthen the lease by its length from now.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task_id, attempt, lease_s=self.lease_s)

    @again_after_deadlock
    def step(self, task_id: str, attempt: int, text: str) -> None:
        """Say what the task is doing now.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, SHOWN, task_id, attempt, step=text[:STEP_LENGTH])

    def plan(self, task_id: str, attempt: int, items: Iterable[Planned | PlannedUpTo]) -> int:
        """Write the task's items in batches; those of an interrupted plan are kept.

        A cursor is written with the items before it, so that neither comes without the other.
        Returns how many items there are. Raises TaskStateConflict: the task was taken back.
        """
        with self._database.connect() as connection:
            known = set(connection.scalars(select(ItemRow.key).where(ItemRow.task_id == task_id)))
        position = len(known)
        batch: list[Planned] = []
        noted: str | None = None
        for item in items:
            noted = item.cursor if isinstance(item, PlannedUpTo) else None
            if isinstance(item, PlannedUpTo):
                position = self._write_plan(task_id, attempt, batch, position, item.cursor)
                batch = []
                continue
            if item.key not in known:
                known.add(item.key)
                batch.append(item)
            if len(batch) >= PLAN_BATCH:
                position = self._write_plan(task_id, attempt, batch, position)
                batch = []
        return self._write_plan(task_id, attempt, batch, position, noted, complete=True)

    @again_after_deadlock
    def _write_plan(
        self,
        task_id: str,
        attempt: int,
        batch: list[Planned],
        position: int,
        cursor: str | None = None,
        *,
        complete: bool = False,
    ) -> int:
        total = position + len(batch)
        values: dict[str, Any] = {"items_total": total, "plan_cursor": None} if complete else {}
        if cursor is not None:
            values["plan_cursor"] = cursor
        ended = Counter(item.ended.status for item in batch if item.ended)
        written = sql.PLANNED if complete or ended else sql.GREW
        written = written.values(
            **{sql.COUNTS[status].key: sql.COUNTS[status] + more for status, more in ended.items()}
        )
        with self._database.begin() as connection:
            fenced(connection, written, task_id, attempt, lease_s=self.lease_s, **values)
            rows = [
                _item_row(task_id, attempt, at, item) for at, item in enumerate(batch, position)
            ]
            for statement, is_ended in ((insert(ItemRow), False), (sql.ENDED_ITEM, True)):
                some = [row for row in rows if (row["attempt"] is not None) is is_ended]
                if some:
                    connection.execute(statement, some)
        return total

    def next_item(self, task_id: str) -> Item | None:
        """Return the item to work on now: the first pending one, those tried before at the end."""
        with self._database.connect() as connection:
            row = connection.execute(sql.NEXT_ITEM, {"of_task": task_id}).first()
            return item_of(row) if row else None

    @again_after_deadlock
    def end_item(self, task: Task, item: Item, worked: Worked, took_s: float) -> Signals:
        """End an item, once: its effect, its row and the task's counts in one transaction.

        Returns what the worker has to heed before the next item.

        Raises:
            TaskStateConflict: the task was taken back; nothing was written.
        """
        ended = {
            "of_item": item.id,
            "status": worked.status,
            "attempt": task.attempt,
            "reason": worked.reason,
            "category": worked.category,
            "took_s": took_s,
        }
        written = sql.COUNTED[worked.status]
        try:
            with self._database.begin() as connection:
                fenced(connection, written, task.id, task.attempt, lease_s=self.lease_s)
                if not changed(connection, sql.ITEM_ENDED, ended):
                    raise TaskStateConflict(task.id, expected="working on this item")
                if worked.effect is not None:
                    with Session(connection) as session:
                        worked.effect(session)
                        session.flush()
                signals = _signals(connection, task)
        except Superseded as reason:
            return self.end_item(task, item, Worked(ItemStatus.SKIPPED, str(reason)), took_s)
        return self._heeded(task, signals)

    @again_after_deadlock
    def defer_item(self, task: Task, item: Item, reason: str, category: Category) -> Signals:
        """Put an item that failed for a passing reason behind the others, to be tried again.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self.lease_s)
            put_off = {"of_item": item.id, "reason": reason, "category": category}
            changed(connection, sql.ITEM_PUT_OFF, put_off)
            signals = _signals(connection, task)
        return self._heeded(task, signals)

    @again_after_deadlock
    def put_behind(self, task: Task, item: Item, reason: str, category: Category) -> None:
        """Let the others come before an item that met a server in trouble; no try is counted.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self.lease_s)
            met = {"of_item": item.id, "reason": reason, "category": category}
            changed(connection, sql.ITEM_PUT_BEHIND, met)

    @again_after_deadlock
    def spare(self, task: Task, item_ids: Collection[int]) -> None:
        """Leave a last try to items that failed because their server fails at them all.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.begin() as connection:
            fenced(connection, RENEWED, task.id, task.attempt, lease_s=self.lease_s)
            spared = {"of_items": sorted(item_ids), "most": ITEM_TRIES - 1}
            changed(connection, sql.ITEMS_SPARED, spared)

    def cancelling(self, task_ids: Collection[str]) -> set[str]:
        """Return those of these running tasks of which a cancel was asked for."""
        with self._database.connect() as connection:
            return set(connection.scalars(sql.CANCELS, {"ids": sorted(task_ids)}))

    def signals(self, task: Task, *, slice_is_over: bool = False) -> Signals:
        """Return what the worker has to heed now; ``slice_is_over``: its time slice is.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.connect() as connection:
            signals = _signals(connection, task, slice_is_over=slice_is_over)
        return self._heeded(task, signals)

    @again_after_deadlock
    def complete(self, task: Task, step: str) -> None:
        """End a task whose items are all finished. Raises TaskStateConflict."""
        with self._database.begin() as connection:
            step = step[:STEP_LENGTH]
            _held(task, to_completed(connection, task.id, task.attempt, by=_by(task), step=step))

    @again_after_deadlock
    def cancelled(self, task: Task) -> None:
        """End a task whose cancel was asked for. Raises TaskStateConflict."""
        with self._database.begin() as connection:
            before = Status.RUNNING
            _held(task, to_cancelled(connection, task.id, task.attempt, before, by=_by(task)))

    @again_after_deadlock
    def fail(self, task: Task, category: Category, message: str) -> None:
        """End a task for good: a dead letter until it is requeued. Raises TaskStateConflict."""
        with self._database.begin() as connection:
            moved = to_failed(
                connection,
                task.id,
                task.attempt,
                Status.RUNNING,
                by=_by(task),
                category=category,
                error=message,
                detail=f"{category}: {message}",
                failures=task.failures + 1,
            )
            _held(task, moved)

    def retry(
        self, task: Task, category: Category, message: str, delay_s: float, *, behind: bool = False
    ) -> None:
        """Queue a task whose attempt failed again, for ``delay_s`` seconds from now.

        ``behind``: it has had its turn, and comes after those that wait.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        self._hand_back(
            task,
            "retry",
            detail=f"{category}: {retry_words(delay_s)}: {message}",
            delay_s=delay_s,
            behind=behind,
            failures=task.failures + 1,
            error=message,
            error_category=category,
        )

    def wait(
        self,
        task: Task,
        category: Category,
        message: str,
        delay_s: float,
        waits_for: str,
        *,
        outage_s: float = 0.0,
        paused_s: float = 0.0,
    ) -> None:
        """Queue a task again, as it is now, that waits for a server; this is no failure.

        ``outage_s`` and ``paused_s`` are the seconds that its patience with servers that are down,
        and with those that ask for pauses, is shortened by.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        self._hand_back(
            task,
            WAITING,
            detail=f"{category}: {wait_words(delay_s)}: {message}",
            delay_s=delay_s,
            waits=task.waits + 1,
            waits_for=waits_for,
            outage_s=task.outage_s + outage_s,
            paused_s=task.paused_s + paused_s,
            error=message,
            error_category=category,
        )

    def release(self, task: Task, why: str, delay_s: float = 0.0, *, behind: bool = False) -> None:
        """Hand a task back with its progress; this is no failure. Raises TaskStateConflict.

        ``behind``: it has had its turn, and comes after those that wait.
        """
        self._hand_back(task, why, delay_s=delay_s, behind=behind)

    @again_after_deadlock
    def _hand_back(
        self,
        task: Task,
        event: str,
        *,
        delay_s: float,
        detail: str = "",
        behind: bool = False,
        **kept: Unpack[Kept],
    ) -> None:
        with self._database.begin() as connection:
            if behind:
                turn = PRIORITIES.turn(connection, task.user_id, task.priority, had_one=True)
                kept["turn"] = turn.number
            moved = to_queued(
                connection,
                task.id,
                task.attempt,
                event,
                by=_by(task),
                detail=detail,
                delay_s=delay_s,
                **kept,
            )
            _held(task, moved)


def _by(task: Task) -> str:
    return task.worker_id or ""


def _held(task: Task, moved: bool) -> None:  # noqa: FBT001 - the answer of a move
    if not moved:
        raise TaskStateConflict(task.id, expected="running this attempt")


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


def _signals(connection: Connection, task: Task, *, slice_is_over: bool = False) -> Signals:
    held = {"of_task": task.id, "of_attempt": task.attempt}
    cancel = connection.scalar(sql.CANCEL_ASKED, held)
    if cancel is None:
        raise TaskStateConflict(task.id, expected="running this attempt")
    gives_way = PRIORITIES.gives_way(
        connection, task.user_id, task.priority, slice_is_over=slice_is_over
    )
    return Signals(bool(cancel), gives_way)
