"""The task store: submitting, cancelling and reading tasks. Workers' writes: claims.py."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union_all, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from altwright.crypto import Box
from altwright.db.session import (
    Database,
    Deadlocked,
    again_after_deadlock,
    changed,
)
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import ACTIVE, Delivery, ItemStatus, Priority, Status
from altwright.errors import (
    ActiveTaskExists,
    Conflict,
    NotFound,
    TaskNotFound,
    TaskStateConflict,
)
from altwright.tasks.store.claim_order import PRIORITIES
from altwright.tasks.store.insertion import inserted
from altwright.tasks.store.items import PLAN_BATCH, Planned, insert_items
from altwright.tasks.store.one_task import TASK
from altwright.tasks.store.retention import DAY_S
from altwright.tasks.store.transitions import record, requeued, to_cancelled
from altwright.tasks.submission_rules import NewTask
from altwright.tasks.task import Event, Item, Task, event_of, item_of, new_task, task_of

#: Races that a submit or cancel can lose in a row before it gives up with 409.
RACES = 5
#: Tasks cancelled in one transaction, so that none holds SQLite's lock long.
CANCEL_BATCH = 100
#: What the history calls a change of priority; its detail begins with "before → after".
PRIORITY_CHANGED = "priority changed"


class TaskStore:
    """Submits, cancels and reads tasks; workers and the dispatcher have stores of their own."""

    def __init__(self, database: Database, box: Box) -> None:
        self.database = database
        self.box = box

    def submit(
        self,
        new: NewTask,
        *,
        delivery: Delivery,
        actor: str,
        items: Sequence[Planned] | None = None,
        tells: bool = False,
    ) -> tuple[Task, bool]:
        """Write a task, with its ``items`` if they are known; it is durable when this returns.

        ``delivery`` RQ is a wish: a task which others wait before is delivered in its turn.
        ``tells``: idle workers are told with the commit, as ``Messenger.tell`` does.

        Returns:
            The task, and whether it is new: a submit whose ``request_key`` the user has used
            before gets the task of then.

        Raises:
            ActiveTaskExists: another task with the same ``exclusive_key`` is active.
            NotFound: the account isn't there, or isn't the user's.
            ValueError: the items aren't few, each with a key of its own, and all to be worked on.
        """
        if items and (
            len(items) > PLAN_BATCH
            or len({item.key for item in items}) < len(items)
            or any(item.ended for item in items)
        ):
            raise ValueError(f"{new.kind}: such items need a plan")
        for _ in range(RACES):
            try:
                return self._insert(new, delivery, actor, items, tells=tells), True
            except (IntegrityError, Deadlocked) as error:
                known = self.submitted(new.user_id, new.request_key)
                if known:
                    return known, False
                active = self.active_with(new.exclusive_key)
                if active:
                    raise ActiveTaskExists(active) from error
                # The task that stood in the way has ended meanwhile.
        raise Conflict("Another task of yours is just ending; try again.")

    def _insert(
        self,
        new: NewTask,
        delivery: Delivery,
        actor: str,
        items: Sequence[Planned] | None,
        *,
        tells: bool,
    ) -> Task:
        values: dict[str, Any] = {
            "id": new.id,
            "kind": new.kind,
            "user_id": new.user_id,
            "account_id": new.account_id,
            "max_retries": new.max_retries,
            "exclusive_key": new.exclusive_key,
            "request_key": new.request_key,
            "settings": self.box.encrypt(json.dumps(new.settings)),
            "delivery": delivery,
            "items_total": None if items is None else len(items),
        }
        transaction = self.database.begin if items else self.database.begin_one
        with transaction() as connection:
            row = inserted(connection, new.priority, values, by=actor, tells=tells)
            if row is None:
                raise NotFound("There is no such account.")
            if items:
                insert_items(connection, new.id, 0, items)
        return new_task(
            new.id,
            new.kind,
            user_id=new.user_id,
            account_id=new.account_id,
            priority=new.priority,
            max_retries=new.max_retries,
            settings=new.settings,
            exclusive_key=new.exclusive_key,
            items_total=values["items_total"],
            delivery=Delivery(row.delivery),
            created_at=row.created_at,
            available_at=row.available_at,
        )

    def submitted(self, user_id: int | None, request_key: str | None) -> Task | None:
        """Return the task that the user has submitted with this key before."""
        if request_key is None:
            return None
        query = select(TaskRow).where(
            TaskRow.user_id == user_id, TaskRow.request_key == request_key
        )
        with self.database.connect() as connection:
            row = connection.execute(query).first()
            return task_of(row, self.box) if row else None

    def wait_for_another(self, user_id: int, kind: str, most: int) -> float:
        """Return the seconds until fewer than ``most`` of the user's are younger than a day; or 0.

        Counted is what was submitted, however it ended.
        """
        query = (
            select(TaskRow.created_at, now().label("at"))
            .where(
                TaskRow.user_id == user_id,
                TaskRow.kind == kind,
                TaskRow.created_at > now(-DAY_S),
            )
            .order_by(TaskRow.created_at.desc())
            .offset(most - 1)
            .limit(1)
        )
        with self.database.connect() as connection:
            row = connection.execute(query).first()
        return DAY_S - (row.at - row.created_at).total_seconds() if row else 0.0

    def active_with(self, exclusive_key: str | None) -> str | None:
        """Return the id of the active task that holds ``exclusive_key``, or None."""
        if exclusive_key is None:
            return None
        with self.database.connect() as connection:
            return connection.scalar(select(TaskRow.id).where(TaskRow.active_key == exclusive_key))

    def get(self, task_id: str, user_id: int | None) -> Task:
        """Return a task of ``user_id`` (None: of anybody).

        Raises:
            TaskNotFound: there is none, or it is somebody else's.
        """
        with self.database.connect() as connection:
            row = connection.execute(TASK, {"of_task": task_id}).first()
            if row is None or (user_id is not None and row.user_id != user_id):
                raise TaskNotFound(task_id)
            return task_of(row, self.box)

    def recent(
        self,
        user_id: int | None,
        status: Status | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Task]:
        """Return tasks, newest first, that are older than the task ``before``."""
        query = select(TaskRow).order_by(TaskRow.created_at.desc(), TaskRow.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(TaskRow.user_id == user_id)
        if status is not None:
            query = query.where(TaskRow.status == status)
        if before is not None:
            since = select(TaskRow.created_at).where(TaskRow.id == before).scalar_subquery()
            query = query.where(
                or_(
                    TaskRow.created_at < since,
                    and_(TaskRow.created_at == since, TaskRow.id < before),
                )
            )
        return self._tasks(query)

    def changed(self, user_ids: Sequence[int], within_s: float) -> list[Task]:
        """Return tasks of these users that are active, or ended within the last seconds."""
        # Two looks, each along an index of its own; with OR it would be all tasks of the user.
        theirs = select(TaskRow.id).where(TaskRow.user_id.in_(user_ids))
        ids = union_all(
            theirs.where(TaskRow.status.in_(ACTIVE)),
            theirs.where(TaskRow.finished_at > now(-within_s)),
        ).subquery()
        return self._tasks(select(TaskRow).where(TaskRow.id.in_(select(ids.c.id))))

    def items(self, task_id: str, statuses: Sequence[ItemStatus] | None = None) -> list[Item]:
        """Return a task's items in their order."""
        query = select(ItemRow).where(ItemRow.task_id == task_id).order_by(ItemRow.position)
        if statuses is not None:
            query = query.where(ItemRow.status.in_(statuses))
        with self.database.connect() as connection:
            return [item_of(row) for row in connection.execute(query)]

    def history(self, task_id: str) -> list[Event]:
        """Return what has happened to a task, oldest first."""
        query = select(TaskEventRow).where(TaskEventRow.task_id == task_id)
        with self.database.connect() as connection:
            rows = connection.execute(query.order_by(TaskEventRow.id))
            return [event_of(row) for row in rows]

    def cancel(self, task_id: str, *, user_id: int | None, actor: str, detail: str = "") -> Task:
        """Cancel a queued task at once, a running one at its next item; ``detail`` says why.

        Raises:
            TaskNotFound: there is none, or it is somebody else's.
            TaskStateConflict: it has ended already.
        """
        for _ in range(RACES):
            task = self.get(task_id, user_id)
            if task.ended:
                break
            if self._cancel(task, actor, detail):
                return self.get(task_id, user_id)
        raise TaskStateConflict(task_id, expected="active")

    @again_after_deadlock
    def _cancel(self, task: Task, actor: str, detail: str) -> bool:
        with self.database.begin() as connection:
            return ask_to_cancel(
                connection, task.id, task.attempt, task.status, by=actor, detail=detail
            )

    def cancel_queued(self, priority: Priority, *, actor: str) -> Iterator[list[str]]:
        """Cancel the tasks of a priority that are queued now; yield their ids, batch by batch."""
        with self.database.connect() as connection:
            until = connection.scalar(select(now()))
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(
                TaskRow.status == Status.QUEUED,
                TaskRow.priority == priority,
                TaskRow.created_at <= until,
            )
            .order_by(TaskRow.id)
            .limit(CANCEL_BATCH)
        )
        last = ""
        while True:
            with self.database.connect() as connection:
                rows = connection.execute(query.where(TaskRow.id > last)).all()
            tickets = [(row.id, row.attempt) for row in rows]
            if not tickets:
                return
            last = tickets[-1][0]
            yield self._cancel_some(tickets, actor)

    @again_after_deadlock
    def _cancel_some(self, tickets: Sequence[tuple[str, int]], actor: str) -> list[str]:
        with self.database.begin() as connection:
            return [
                task_id
                for task_id, attempt in tickets
                if to_cancelled(connection, task_id, attempt, Status.QUEUED, by=actor)
            ]

    def reprioritise(self, task_id: str, priority: Priority, *, actor: str) -> Task:
        """Give a waiting task another priority, in which it takes its turn; return it.

        Raises:
            TaskNotFound: there is none.
            TaskStateConflict: it doesn't wait.
        """
        task = self.get(task_id, None)
        if task.priority is not priority and not self._reprioritise(task, priority, actor):
            raise TaskStateConflict(task_id, expected="queued")
        return self.get(task_id, None)

    @again_after_deadlock
    def _reprioritise(self, task: Task, priority: Priority, actor: str) -> bool:
        with self.database.begin() as connection:
            was = (task.id, task.attempt, task.user_id, task.priority)
            return reprioritised(connection, *was, priority, by=actor)

    def requeue_failed(self, task_id: str, *, user_id: int | None, actor: str) -> Task:
        """Queue a failed task again, with its finished items kept and a fresh budget of retries.

        Raises:
            TaskNotFound: there is none, or it is somebody else's.
            TaskStateConflict: it hasn't failed.
            ActiveTaskExists: another task of the user is active.
        """
        task = self.get(task_id, user_id)
        try:
            is_queued = self._requeue_failed(task, actor)
        except IntegrityError as error:
            raise ActiveTaskExists(self.active_with(task.exclusive_key) or task_id) from error
        if not is_queued:
            raise TaskStateConflict(task_id, expected="failed")
        return self.get(task_id, user_id)

    @again_after_deadlock
    def _requeue_failed(self, task: Task, actor: str) -> bool:
        with self.database.begin() as connection:
            return requeued(connection, task.id, task.attempt, by=actor)

    def _tasks(self, query: Select[TaskRow]) -> list[Task]:
        with self.database.connect() as connection:
            return [task_of(row, self.box) for row in connection.execute(query)]


# Each of these returns whether the task was at this attempt, and in a state for it; otherwise
# nothing is written.


def ask_to_cancel(
    connection: Connection, task_id: str, attempt: int, status: Status, *, by: str, detail: str = ""
) -> bool:
    """Cancel a task that waits; ask for it where it runs."""
    if status is Status.QUEUED:
        return to_cancelled(connection, task_id, attempt, status, by=by, detail=detail)
    statement = update(TaskRow).where(
        TaskRow.id == task_id, TaskRow.status == status, TaskRow.attempt == attempt
    )
    asked_at = func.coalesce(TaskRow.cancel_requested_at, now())
    values = {"cancel_requested_at": asked_at, "sequence": TaskRow.sequence + 1}
    if not changed(connection, statement.values(**values)):
        return False
    record(connection, task_id, "cancel requested", attempt=attempt, actor=by, detail=detail)
    return True


def reprioritised(
    connection: Connection,
    task_id: str,
    attempt: int,
    user_id: int | None,
    before: Priority,
    after: Priority,
    *,
    by: str,
    detail: str = "",
) -> bool:
    """Give a waiting task another priority, in which it takes its turn."""
    turn = PRIORITIES.next_turn(connection, user_id, after, had_one=False)
    # A job that lies in the other queue finds a task that somebody has had, or begins it.
    statement = (
        update(TaskRow)
        .where(TaskRow.id == task_id, TaskRow.attempt == attempt, TaskRow.status == Status.QUEUED)
        .values(
            priority=after,
            turn=turn,
            delivery=Delivery.DATABASE,
            dispatched_at=None,
            sequence=TaskRow.sequence + 1,
        )
    )
    if not changed(connection, statement):
        return False
    detail = f"{before.queue} → {after.queue}{detail}"
    record(connection, task_id, PRIORITY_CHANGED, attempt=attempt, actor=by, detail=detail)
    return True
