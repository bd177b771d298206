"""Dead letters: tasks that failed for good, by cause, and back into the queue in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status
from altwright.domain.user import UserRef
from altwright.errors import ActiveTaskExists, Category, TaskNotFound, TaskStateConflict
from altwright.tasks.audit_log import Audit
from altwright.tasks.queue_manager import RQQueueManager

#: Ids read in one query.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one category and kind."""

    category: str
    kind: str
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return {
            "category": self.category,
            "kind": self.kind,
            "count": self.count,
            "oldest_at": self.oldest_at.isoformat() if self.oldest_at else None,
            "newest_at": self.newest_at.isoformat() if self.newest_at else None,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters; None: whatever it is. ``before``: those that failed before then."""

    category: Category | None = None
    kind: str | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Requeued:
    """How many were queued again, and how many stay since their user has an active task."""

    requeued: int
    held_back: int


class DeadLetters:
    """What administrators do with failed tasks."""

    def __init__(self, database: Database, queue: RQQueueManager) -> None:
        self._database = database
        self._queue = queue

    def groups(self) -> list[Group]:
        """Return the dead letters by category and kind, the largest group first."""
        query = (
            select(
                TaskRow.error_category,
                TaskRow.kind,
                func.count(),
                func.min(TaskRow.finished_at),
                func.max(TaskRow.finished_at),
            )
            .where(TaskRow.status == Status.FAILED)
            .group_by(TaskRow.error_category, TaskRow.kind)
        )
        with self._database.read() as session:
            groups = [
                Group(category or "", kind, count, oldest, newest)
                for category, kind, count, oldest, newest in session.execute(query)
            ]
        return sorted(groups, key=lambda one: (-one.count, one.category, one.kind))

    def requeue(self, wanted: Wanted, *, by: UserRef) -> Requeued:
        """Queue every wanted one again, each once, with its finished items kept."""
        requeued = held_back = 0
        for task_id in self._ids(wanted):
            try:
                self._queue.requeue(task_id, by=by)
            except ActiveTaskExists:
                held_back += 1
            except (TaskStateConflict, TaskNotFound):
                continue  # somebody else has queued it again, or it was pruned
            else:
                requeued += 1
        detail = f"{requeued} queued again, {held_back} held back"
        subject = f"{wanted.category or 'every category'}, {wanted.kind or 'every kind'}"
        Audit(self._database).add(by.username, "dead letters requeued", subject, detail)
        return Requeued(requeued, held_back)

    def _ids(self, wanted: Wanted) -> Iterator[str]:
        conditions: list[ColumnElement[bool]] = [TaskRow.status == Status.FAILED]
        if wanted.category is not None:
            conditions.append(TaskRow.error_category == wanted.category)
        if wanted.kind is not None:
            conditions.append(TaskRow.kind == wanted.kind)
        if wanted.before is not None:
            conditions.append(TaskRow.finished_at < wanted.before)
        # By id, so that one which fails again meanwhile isn't met twice.
        query = select(TaskRow.id).where(*conditions).order_by(TaskRow.id).limit(BATCH)
        last = ""
        while True:
            with self._database.read() as session:
                ids = session.scalars(query.where(TaskRow.id > last)).all()
            if not ids:
                return
            last = ids[-1]
            yield from ids
