"""Tasks of everybody by what they are like, page by page: what administrators look through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.task import Task, task_of


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; None: whatever it is.

    ``since`` and ``before`` are about the end where only tasks that have ended are wanted, else
    about the submit. ``text`` is a part of the error.
    """

    status: Status | None = None
    priority: Priority | None = None
    kind: str | None = None
    user_id: int | None = None
    category: Category | None = None
    delivery: Delivery | None = None
    account_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None
    text: str | None = None

    @property
    def at(self) -> Any:
        """Return the column that says when: of the end, or of the submit."""
        has_ended = self.status is not None and self.status not in ACTIVE
        return TaskRow.finished_at if has_ended else TaskRow.created_at

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as SQL."""
        wanted = {
            TaskRow.status: self.status,
            TaskRow.priority: self.priority,
            TaskRow.kind: self.kind,
            TaskRow.user_id: self.user_id,
            TaskRow.error_category: self.category,
            TaskRow.delivery: self.delivery,
            TaskRow.account_id: self.account_id,
        }
        found = [column == value for column, value in wanted.items() if value is not None]
        if self.since is not None:
            found.append(self.at >= self.since)
        if self.before is not None:
            found.append(self.at < self.before)
        if self.text is not None:
            found.append(TaskRow.error.contains(self.text, autoescape=True))
        return found

    def words(self, username: str | None = None) -> str:
        """Return them as people read them; ``username`` is that of the user."""
        verb = "created" if self.at is TaskRow.created_at else "ended"
        priority = None if self.priority is None else self.priority.queue
        delivery = "Redis" if self.delivery is Delivery.RQ else "the database"
        said = {
            "{}": self.status,
            "priority {}": priority,
            "kind {}": self.kind,
            "of {}": username or self.user_id,
            "account {}": self.account_id,
            "failed by {}": self.category and self.category.replace("_", " "),
            "delivered by {}": self.delivery and delivery,
            f"{verb} at or after {{}}": _minute(self.since),
            f"{verb} before {{}}": _minute(self.before),
            "with “{}” in the error": self.text,
        }
        words = ", ".join(form.format(value) for form, value in said.items() if value is not None)
        return words or "all there are"

    def to_json(self) -> dict[str, Any]:
        """Return them as a task keeps them; what is None is left out."""
        kept = {name: value for name, value in asdict(self).items() if value is not None}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in kept.items()
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> TaskFilter:
        """Return what ``to_json`` was made from."""
        return cls(**{name: _KEPT.get(name, _same)(value) for name, value in kept.items()})


def _same(value: Any) -> Any:
    return value


#: What makes a condition of what a task keeps of it.
_KEPT: dict[str, Callable[[Any], Any]] = {
    **{one.__name__.lower(): one for one in (Status, Priority, Category, Delivery)},
    **dict.fromkeys(("since", "before"), datetime.fromisoformat),
}


def _minute(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


class TaskSearch:
    """Each page is a walk along an index: of what ended by its end, else of what was created."""

    def __init__(self, database: Database, box: Box) -> None:
        self._database = database
        self._box = box

    def page(self, wanted: TaskFilter, limit: int, after: str | None = None) -> list[Task]:
        """Return tasks, newest first, that come after the task ``after``."""
        at = wanted.at
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
