"""Faults put into the protocol on purpose: the simulation has to notice each one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import Update, bindparam, select, update

from altwright.db.session import changed
from altwright.db.tables import Base
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, Status
from altwright.tasks.execution import dispatcher as dispatcher_module
from altwright.tasks.execution.dispatcher import Dispatcher
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq import job_queues
from altwright.tasks.store import claims as claims_module
from altwright.tasks.store import item_statements
from altwright.tasks.store import items as items_module
from altwright.tasks.store.backlog import Backlog
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.expired_leases import Rescuer
from altwright.tasks.store.item_statements import COUNTED, COUNTS
from altwright.tasks.store.items import Items, Worked
from altwright.tasks.store.one_task import TASK
from altwright.tasks.store.preemption import Signals, Standing
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.store.transitions import (
    COMPLETED,
    SHOWN,
    fenced_row,
    record,
    task_write,
    to_running,
)
from altwright.tasks.submission_rules import NewTask
from altwright.tasks.task import Item, Task, Ticket

Mutation = Callable[[], AbstractContextManager[Any]]


@contextmanager
def claim_without_attempt() -> Iterator[None]:
    """Let a stale ticket claim a later attempt, which then bears a number for the second time."""

    def loose(session: Any, task_id: str, attempt: int, **values: Any) -> Any:
        there = session.scalar(select(TaskRow.attempt).where(TaskRow.id == task_id))
        if there is None or to_running(session, task_id, there, **values) is None:
            return None
        return _with_attempt(session, task_id, attempt + 1)

    with patch.object(claims_module, "to_running", loose):
        yield


def _with_attempt(session: Any, task_id: str, attempt: int) -> Any:
    changed(session, update(TaskRow).where(TaskRow.id == task_id).values(attempt=attempt))
    return session.execute(TASK, {"of_task": task_id}).one()


@contextmanager
def claim_without_state() -> Iterator[None]:
    """Let two workers claim the same attempt."""

    def loose(session: Any, task_id: str, attempt: int, **values: Any) -> Any:
        there = (TaskRow.id == task_id, TaskRow.attempt.in_([attempt, attempt + 1]))
        freed = update(TaskRow).where(*there, TaskRow.status == Status.RUNNING)
        changed(session, freed.values(status=Status.QUEUED, attempt=attempt))
        return to_running(session, task_id, attempt, **values)

    with patch.object(claims_module, "to_running", loose):
        yield


@contextmanager
def end_item_without_fence() -> Iterator[None]:
    """Let a worker whose task was taken back end items."""
    counts = {write.plain: COUNTS[status] for status, write in COUNTED.items()}

    def loose(connection: Any, write: Any, task_id: str, attempt: int, **values: Any) -> Any:
        count = counts.get(write.plain)
        if count is None:
            return fenced_row(connection, write, task_id, attempt, **values)
        counted = {count.key: count + 1, "lease_until": now(values["lease_s"])}
        changed(connection, update(TaskRow).where(TaskRow.id == task_id).values(**counted))
        return connection.execute(TASK, {"of_task": task_id}).one()

    with (
        patch.object(items_module, "fenced_row", loose),
        patch.object(items_module, "to_completed", lambda *_, **__: None),
        patch.object(items_module, "standing", _no_signals),
        patch.object(items_module, "changed", _any_item),
    ):
        yield


def _no_signals(_connection: Any, task: Task) -> Standing:
    return Standing(task, Signals(cancel=False))


def _any_item(connection: Any, statement: Any, values: Any = None) -> int:
    """Touch a row in any state, as without the check that the item is pending."""
    return max(1, changed(connection, statement, values))


@contextmanager
def completed_before_the_last_item() -> Iterator[None]:
    """Take an item for its task's last one, whatever is left."""
    end_item = Items.end_item

    def loose(
        self: Items, task: Task, item: Item, worked: Worked, took_s: float, *summary: Any
    ) -> Any:
        seeming = replace(task, items_total=task.items_finished + 1)
        return end_item(self, seeming, item, worked, took_s, *summary)

    with _last_items(COMPLETED.plain), patch.object(Items, "end_item", loose):
        yield


@contextmanager
def last_item_without_fence() -> Iterator[None]:
    """Let a worker whose task was taken back end its last item, and with it the task."""
    whoever = update(TaskRow).where(TaskRow.id == bindparam("of_task"))
    ended = whoever.values(status=Status.COMPLETED, step=bindparam("of_step"), finished_at=now())
    with _last_items(ended), patch.object(items_module, "changed", _any_item):
        yield


@contextmanager
def completed_in_spite_of_a_cancel() -> Iterator[None]:
    """Complete a task with its last item though its cancel was asked for."""
    anyway = SHOWN.values(status=Status.COMPLETED, step=bindparam("of_step"), finished_at=now())
    with _last_items(anyway):
        yield


@contextmanager
def _last_items(statement: Update) -> Iterator[None]:
    """Write a task's last item by another statement."""
    loose = {
        status: task_write(statement.values(**{count.key: count + 1}))
        for status, count in COUNTS.items()
    }
    with patch.object(item_statements, "COUNTED_LAST", loose):
        yield


@contextmanager
def attempts_not_counted() -> Iterator[None]:
    """Give every attempt the same number, so that a zombie passes for its successor."""

    def loose(session: Any, task_id: str, attempt: int, **values: Any) -> Any:
        row = to_running(session, task_id, attempt, **values)
        return None if row is None else _with_attempt(session, task_id, attempt)

    with patch.object(claims_module, "to_running", loose):
        yield


@contextmanager
def dispatch_before_commit() -> Iterator[None]:
    """Put the job into RQ before the task is written."""
    submit = TaskStore.submit

    def early(self: TaskStore, new: NewTask, **options: Any) -> tuple[Task, bool]:
        manager = managers[id(self)]
        if options["delivery"] is Delivery.RQ:
            manager.jobs.enqueue(new.priority, [Ticket(new.id, 0)])
        with patch.object(RQQueueManager, "_dispatched", lambda _, task: task):
            return submit(self, new, **options)

    managers: dict[int, RQQueueManager] = {}
    made = RQQueueManager.__init__

    def remember(self: RQQueueManager, store: TaskStore, *args: Any, **options: Any) -> None:
        made(self, store, *args, **options)
        managers[id(store)] = self

    with (
        patch.object(TaskStore, "submit", early),
        patch.object(RQQueueManager, "__init__", remember),
        patch.object(RQQueueManager, "_dispatched", lambda _, task: task),
    ):
        yield


@contextmanager
def rescue_without_fencing() -> Iterator[None]:
    """Take a task back whatever has become of it since it was looked at."""

    def loose(self: Rescuer, task_id: str, attempt: int, why: str) -> bool:
        with self._database.write() as session:
            statement = update(TaskRow).where(TaskRow.id == task_id)
            changed(
                session,
                statement.values(
                    status=Status.QUEUED, delivery=Delivery.DATABASE, lease_until=None
                ),
            )
            record(session, task_id, "rescued", attempt=attempt, actor="rescuer", detail=why)
        return True

    with patch.object(Rescuer, "rescue", loose):
        yield


@contextmanager
def _without_index(name: str) -> Iterator[None]:
    """Make the tables without one of their unique indexes."""
    table = Base.metadata.tables["tasks"]
    index = next(one for one in table.indexes if one.name == name)
    table.indexes.remove(index)
    try:
        yield
    finally:
        table.indexes.add(index)


@contextmanager
def effect_in_its_own_transaction() -> Iterator[None]:
    """Write an item's effect first, and that the item has ended afterwards."""
    end_item = Items.end_item

    def loose(
        self: Items, task: Task, item: Item, worked: Worked, took_s: float, *summary: Any
    ) -> Any:
        if worked.effect is not None:
            with self._database.write() as session:
                worked.effect(session)
        ended = Worked(worked.status, worked.reason, worked.category)
        return end_item(self, task, item, ended, took_s, *summary)

    with patch.object(Items, "end_item", loose):
        yield


@contextmanager
def job_id_without_attempt() -> Iterator[None]:
    """Give all attempts of a task the same job id."""

    def same(ticket: Ticket) -> str:
        return ticket.task_id

    with (
        patch.object(job_queues, "job_id", same),
        patch.object(dispatcher_module, "job_id", same),
    ):
        yield


@contextmanager
def cancel_whatever_state() -> Iterator[None]:
    """Cancel a task that may have been claimed or have ended since it was read."""

    def loose(self: TaskStore, task: Task, actor: str) -> bool:
        with self.database.write() as session:
            ended = {"status": Status.CANCELLED, "finished_at": now()}
            changed(session, update(TaskRow).where(TaskRow.id == task.id).values(**ended))
            record(session, task.id, "cancelled", attempt=task.attempt, actor=actor)
        return True

    with patch.object(TaskStore, "_cancel", loose):
        yield


def _nothing(*_: Any) -> int:
    return 0


def _patched(owner: Any, name: str, by: Any = _nothing) -> Mutation:
    return lambda: patch.object(owner, name, by)


MUTATIONS: dict[str, Mutation] = {
    "claim-without-attempt": claim_without_attempt,
    "claim-without-state": claim_without_state,
    "end-item-without-fence": end_item_without_fence,
    "completed-before-the-last-item": completed_before_the_last_item,
    "last-item-without-fence": last_item_without_fence,
    "completed-in-spite-of-a-cancel": completed_in_spite_of_a_cancel,
    "attempts-not-counted": attempts_not_counted,
    "dispatch-before-commit": dispatch_before_commit,
    "rescue-without-fencing": rescue_without_fencing,
    "two-active-tasks": lambda: _without_index("uq_tasks_active_key"),
    "request-keys-not-unique": lambda: _without_index("uq_tasks_user_id_request_key"),
    "effect-in-its-own-transaction": effect_in_its_own_transaction,
    "job-id-without-attempt": job_id_without_attempt,
    "cancel-whatever-state": cancel_whatever_state,
    "no-epoch": _patched(Dispatcher, "_follow_epoch"),
    "lost-jobs-not-compared": _patched(Dispatcher, "_compare"),
    "nobody-rescues": _patched(Dispatcher, "rescue"),
    "delayed-tasks-sleep-on": _patched(Backlog, "wake_delayed"),
    "leases-not-renewed": _patched(Claims, "renew"),
}
