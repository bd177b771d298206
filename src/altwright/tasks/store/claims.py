"""A worker's hold on a task: claim, renew, and every way to end an attempt.

Each write names the attempt. A worker whose attempt is no longer current (it was stopped,
presumed dead and its task taken back) changes nothing: TaskStateConflict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.engine import Connection

from altwright.crypto import Box
from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import TaskRow
from altwright.domain.retry_policy import delay_words
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category, TaskStateConflict
from altwright.tasks.store.claim_order import PRIORITIES
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.due import DUE
from altwright.tasks.store.item_statements import NEXT_ITEMS
from altwright.tasks.store.items import READ_BATCH
from altwright.tasks.store.one_task import HELD
from altwright.tasks.store.transitions import (
    RENEWED,
    SHOWN,
    STEP_LENGTH,
    Kept,
    fenced,
    to_cancelled,
    to_completed,
    to_failed,
    to_queued,
    to_running,
)
from altwright.tasks.task import Task, Ticket, item_of, task_of

#: What a task's history says of a wait for a server.
WAITING = "waiting"


class Claims:
    """What workers write to tasks; Items is what they write to items."""

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
        with self._claiming(paused, is_one=True) as (connection, closed):
            return self._claim(connection, ticket, worker_id, delivery, closed)

    @contextmanager
    def _claiming(
        self, paused: Collection[Priority], *, is_one: bool = False
    ) -> Iterator[tuple[Connection, set[Priority]]]:
        """Begin a claim's transaction, with the priorities that it may not take.

        ``is_one``: it is one statement, if there are no limits.
        """
        limits = self._limits.current()
        opened = self._database.begin() if limits or not is_one else self._database.begin_one()
        with opened as connection:
            yield connection, {*paused, *self._limits.full(connection, limits)}

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
        row = to_running(
            connection,
            ticket.task_id,
            ticket.attempt,
            by=worker_id,
            delivery=delivery,
            lease_s=self.lease_s,
            closed=closed,
        )
        if row is None:
            return None
        task = task_of(row, self._box)
        # Later attempts may find items that were put off, which a kind first puts in order again.
        if task.items_total is None or task.attempt > 1:
            return task
        asked = {"of_task": task.id, "most": READ_BATCH}
        items = tuple(item_of(row) for row in connection.execute(NEXT_ITEMS, asked))
        return replace(task, claimed_items=items)

    def current(self, task: Task) -> Task:
        """Return the task as it is now.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        with self._database.connect() as connection:
            held = {"of_task": task.id, "of_attempt": task.attempt}
            row = connection.execute(HELD, held).first()
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

    @again_after_deadlock
    def complete(self, task: Task, step: str) -> None:
        """End a task whose items are all finished, or that nobody wants any more.

        Raises:
            TaskStateConflict: the task was taken back.
        """
        held, by = (task.id, task.attempt), _by(task)
        with self._database.begin() as connection:
            if to_completed(connection, *held, by=by, step=step) is None:
                before = Status.RUNNING
                _held(task, to_cancelled(connection, *held, before, by=by, only_if_asked=True))

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
            detail=f"{category}: {delay_words(delay_s, 'Tries again in')}: {message}",
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
            detail=f"{category}: {delay_words(delay_s, 'Waits')}: {message}",
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
                kept["turn"] = PRIORITIES.next_turn(connection, task.user_id, task.priority)
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
