"""Tasks of everybody by what they are like, page by page: what administrators look through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.task_tables import IS_DEAD_LETTER, TaskRow
from altwright.domain.counting import Count
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.task import Task, task_of

#: Rows that are looked at for a page at most: 20 ms on SQLite.
LOOK_AT = 50_000


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
    def has_ended(self) -> bool:
        """Return whether only tasks are wanted that have ended."""
        return self.status is not None and self.status not in ACTIVE

    @property
    def at(self) -> Any:
        """Return the column that says when: of the end, or of the submit."""
        return TaskRow.finished_at if self.has_ended else TaskRow.created_at

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as SQL."""
        wanted = {
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
        if self.status is not None:
            is_failed = self.status is Status.FAILED
            found.append(IS_DEAD_LETTER if is_failed else TaskRow.status == self.status)
        return found

    @property
    def needs_walk(self) -> bool:
        """Return whether the tasks have to be looked for among those that an index finds."""
        if self.status in ACTIVE or (self.status is Status.FAILED and self.category):
            return False  # they can't be many, or they have an index of their own
        rest = (self.priority, self.kind, self.category, self.delivery, self.account_id, self.text)
        return any(one is not None for one in rest)

    def walked_conditions(self) -> list[ColumnElement[bool]]:
        """Return the part of it that an index serves, as SQL."""
        walked = TaskFilter(
            status=self.status, user_id=self.user_id, since=self.since, before=self.before
        )
        return walked.conditions()

    def words(
        self, username: str | None = None, labels: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Return them as people read them.

        ``username`` is that of the user, ``labels`` what states and kinds are called there.
        """
        verb = "created" if self.at is TaskRow.created_at else "ended"
        priority = None if self.priority is None else self.priority.queue
        delivery = "Redis" if self.delivery is Delivery.RQ else "the database"
        said = {
            "{}": self.status and labels.get(self.status, self.status),
            "priority {}": priority,
            "kind {}": self.kind and labels.get(self.kind, self.kind),
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


@dataclass(frozen=True, slots=True)
class Page:
    """Tasks, newest first. ``older`` is after which task the next page comes; None: there is none.

    ``looked_back_to``: among older ones nobody has looked yet, so there may be more; None: these
    are all, or there are so many that they fill the page.
    """

    tasks: Sequence[Task]
    older: str | None
    looked_back_to: datetime | None = None


class TaskSearch:
    """Each page is a walk along an index: of what ended by its end, else of what was created.

    What no index serves is looked for among so many tasks at a time, however seldom it is.
    """

    def __init__(self, database: Database, box: Box, look_at: int = LOOK_AT) -> None:
        """Take ``look_at``: of how many rows a page is made at most."""
        self._database = database
        self._box = box
        self._look_at = look_at

    def page(
        self, wanted: TaskFilter, limit: int, after: str | None = None, *, offset: int = 0
    ) -> Page:
        """Return a page of tasks that come after the task ``after``, and ``offset`` more."""
        at = wanted.at
        conditions = [*wanted.conditions(), *_after(at, after)]
        with self._database.connect() as connection:
            bound = self._bound(connection, wanted, at, after)
            if bound is not None:
                conditions.append(at >= bound)
            query = select(TaskRow).where(*conditions).order_by(at.desc(), TaskRow.id.desc())
            rows = connection.execute(query.offset(offset).limit(limit + 1)).all()
            tasks = [task_of(row, self._box) for row in rows[:limit]]
            if len(rows) > limit:
                return Page(tasks, tasks[-1].id)
            if bound is None:
                return Page(tasks, None)
            last = select(func.min(TaskRow.id)).where(*wanted.walked_conditions(), at == bound)
            return Page(tasks, connection.scalar(last), bound)

    def _bound(
        self,
        connection: Connection,
        wanted: TaskFilter,
        at: InstrumentedAttribute[Any],
        after: str | None,
    ) -> datetime | None:
        """Return how far back to look; None: to the first task."""
        if not wanted.needs_walk:
            return None
        walk = select(at).where(*wanted.walked_conditions(), *_after(at, after))
        found: datetime | None = connection.scalar(
            walk.order_by(at.desc()).offset(self._look_at).limit(1)
        )
        return found

    def count(self, wanted: TaskFilter) -> Count:
        """Return how many there are, looking at no more rows than a page does."""
        at = wanted.at
        with self._database.connect() as connection:
            bound = self._bound(connection, wanted, at, None)
            found = select(TaskRow.id).where(*wanted.conditions())
            if bound is not None:
                found = found.where(at >= bound)
            if wanted.status not in ACTIVE:  # those have an index that isn't in this order
                found = found.order_by(at.desc())
            some = found.limit(self._look_at + 1).subquery()
            number = connection.scalar(select(func.count()).select_from(some)) or 0
        return Count.up_to(self._look_at, number, is_exact=bound is None)


def _after(at: InstrumentedAttribute[Any], task_id: str | None) -> list[ColumnElement[bool]]:
    """Return what is true for tasks that come after this one; nothing for None."""
    if task_id is None:
        return []
    since = select(at).where(TaskRow.id == task_id).scalar_subquery()
    # The first half is implied by the second, but only of it can an index make a beginning.
    return [at <= since, or_(at < since, TaskRow.id < task_id)]
