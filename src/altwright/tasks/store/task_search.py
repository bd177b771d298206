"""Tasks of everybody by what they are like, page by page: what administrators look through."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select

from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.task import Task, task_of


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; None: whatever it is."""

    status: Status | None = None
    priority: Priority | None = None
    kind: str | None = None
    user_id: int | None = None
    category: Category | None = None
    delivery: Delivery | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as SQL."""
        wanted = {
            TaskRow.status: self.status,
            TaskRow.priority: self.priority,
            TaskRow.kind: self.kind,
            TaskRow.user_id: self.user_id,
            TaskRow.error_category: self.category,
            TaskRow.delivery: self.delivery,
        }
        return [column == value for column, value in wanted.items() if value is not None]


class TaskSearch:
    """Each page is a walk along an index: of what ended by its end, else of what was created."""

    def __init__(self, database: Database, box: Box) -> None:
        self._database = database
        self._box = box

    def page(self, wanted: TaskFilter, limit: int, after: str | None = None) -> list[Task]:
        """Return tasks, newest first, that come after the task ``after``."""
        has_ended = wanted.status is not None and wanted.status not in ACTIVE
        at = TaskRow.finished_at if has_ended else TaskRow.created_at
        query = (
            select(TaskRow)
            .where(*wanted.conditions())
            .order_by(at.desc(), TaskRow.id.desc())
            .limit(limit)
        )
        if after is not None:
            since = select(at).where(TaskRow.id == after).scalar_subquery()
            query = query.where(or_(at < since, and_(at == since, TaskRow.id < after)))
        with self._database.connect() as connection:
            return [task_of(row, self._box) for row in connection.execute(query)]

    def count(self, wanted: TaskFilter) -> int:
        """Return how many there are."""
        query = select(func.count()).select_from(TaskRow).where(*wanted.conditions())
        with self._database.connect() as connection:
            return connection.scalar(query) or 0
