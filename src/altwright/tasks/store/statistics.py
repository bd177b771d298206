"""Queue statistics: counts by state and priority, age of the oldest waiting task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import case, func, select

from altwright.db.copies import as_json
from altwright.db.session import Database
from altwright.db.task_tables import IS_DEAD_LETTER, ItemRow, TaskRow
from altwright.db.types import now
from altwright.domain.bucket import ENDS
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.tasks.store.due import DELAYED

#: Tasks and items whose times are looked at, however many there are.
SAMPLE_TASKS, SAMPLE_ITEMS, SAMPLE_DELAYED = 50, 500, 1000
#: Seconds: how far back is lately.
HOUR_S, DAY_S = 3600.0, 86_400.0
_STATUSES = frozenset(Status)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue. ``waiting`` are due, ``delayed`` are retries whose time hasn't come.

    ``oldest_waiting_s``: the age of the oldest task that is due, None if none waits.
    ``in_rq``: jobs in its RQ queue, None while Redis is away. ``paused_by``: "" if it isn't.
    """

    priority: Priority
    waiting: int = 0
    delayed: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    oldest_waiting_s: float | None = None
    in_rq: int | None = None
    paused_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return {
            "queue": self.priority.queue,
            "paused_by": self.paused_by or None,
            "pending": self.waiting + self.delayed,
            "delayed": self.delayed,
            "running": self.running,
            "completed": self.completed,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "oldest_waiting_s": self.oldest_waiting_s,
            "in_rq": self.in_rq,
        }


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Tasks of one kind that failed for good, for one category of causes."""

    category: str
    kind: str
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None
    #: How many of them failed within the last hour, and within the last day.
    last_hour: int
    last_day: int

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return as_json(self)


class Figures:
    """SQL that counts; each question is one pass over an index."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def by_priority(self, statuses: Collection[Status] = ()) -> dict[Priority, QueueFigures]:
        """Count the tasks of each priority, without what only Redis knows.

        Args:
            statuses: those to count, so that what ended isn't read; none: all of them.

        Rows in no state that we know are left out; `altwright task repair` finds them.
        """
        query = select(
            TaskRow.status,
            TaskRow.delayed,
            TaskRow.priority,
            func.count().label("tasks"),
            func.min(TaskRow.created_at).label("oldest"),
        ).group_by(TaskRow.status, TaskRow.delayed, TaskRow.priority)
        if statuses:
            query = query.where(TaskRow.status.in_(statuses))
        with self.database.read() as session:
            at = session.scalar(select(now()))
            rows = session.execute(query).all()
        counted: dict[int, dict[str, Any]] = {priority: {} for priority in Priority}
        for row in rows:
            of_queue = counted.get(row.priority)
            if of_queue is None or row.status not in _STATUSES:
                continue
            name = row.status
            if name == Status.QUEUED:
                name = "delayed" if row.delayed else "waiting"
                if not row.delayed:
                    of_queue["oldest_waiting_s"] = _age_s(at, row.oldest)
            of_queue[name] = of_queue.get(name, 0) + row.tasks
        return {priority: QueueFigures(priority, **counted[priority]) for priority in Priority}

    def waiting_for(self, server: str) -> int:
        """Return how many of the next SAMPLE_DELAYED delayed tasks wait for a kind of server."""
        delayed = (
            select(TaskRow.waits_for)
            .where(*DELAYED)
            .order_by(TaskRow.available_at)
            .limit(SAMPLE_DELAYED)
            .subquery()
        )
        query = select(func.count()).select_from(delayed).where(delayed.c.waits_for == server)
        with self.database.connect() as connection:
            return connection.scalar(query) or 0

    def dead_letters(self) -> list[DeadLetters]:
        """Return the tasks that failed for good by category and kind, the largest group first."""
        group = (TaskRow.error_category, TaskRow.kind)
        ended = TaskRow.finished_at
        query = (
            select(
                *group,
                func.count(),
                func.min(ended),
                func.max(ended),
                *(func.count(case((ended > now(-within_s), 1))) for within_s in (HOUR_S, DAY_S)),
            )
            .where(IS_DEAD_LETTER)
            .group_by(*group)
        )
        with self.database.read() as session:
            rows: Sequence[Any] = session.execute(query).all()
        groups = [DeadLetters(row[0] or "", *row[1:]) for row in rows]
        return sorted(groups, key=lambda one: (-one.count, one.category, one.kind))

    def failures(self, within_s: float) -> dict[str, int]:
        """Return how many tasks failed for good within the last seconds, by category."""
        query = (
            select(TaskRow.error_category, func.count())
            .where(TaskRow.status == Status.FAILED, TaskRow.finished_at > now(-within_s))
            .group_by(TaskRow.error_category)
        )
        with self.database.read() as session:
            return {category or "": count for category, count in session.execute(query)}

    def ended(self, within_s: float) -> int:
        """Return how many tasks completed or failed within the last seconds."""
        query = select(func.count()).where(
            TaskRow.status.in_((Status.COMPLETED, Status.FAILED)),
            TaskRow.finished_at > now(-within_s),
        )
        with self.database.read() as session:
            return session.scalar(query) or 0

    def ended_by(self, delivery: Delivery, since: datetime) -> int:
        """Return how many tasks have ended since then that were delivered so."""
        query = select(func.count()).where(
            TaskRow.status.in_(ENDS), TaskRow.finished_at >= since, TaskRow.delivery == delivery
        )
        with self.database.connect() as connection:
            return connection.scalar(query) or 0

    def queued(self) -> dict[Delivery, dict[Priority, int]]:
        """Return how many tasks are queued, by who delivers them and by priority, zeros too."""
        counts = {one: dict.fromkeys(Priority, 0) for one in Delivery}
        query = select(TaskRow.delivery, TaskRow.priority, func.count())
        query = query.where(TaskRow.status == Status.QUEUED)
        with self.database.connect() as connection:
            rows = connection.execute(query.group_by(TaskRow.delivery, TaskRow.priority)).all()
        deliveries, priorities = frozenset(Delivery), frozenset(Priority)
        for delivery, priority, count in rows:
            if delivery in deliveries and priority in priorities:  # else `task repair` finds it
                counts[Delivery(delivery)][Priority(priority)] = count
        return counts

    def item_s(self) -> float | None:
        """Return the median seconds of an item of tasks that completed lately; None: no item."""
        tasks = (
            select(TaskRow.id)
            .where(TaskRow.status == Status.COMPLETED, TaskRow.finished_at > now(-HOUR_S))
            .where(TaskRow.user_id.is_not(None))  # the service's own clean-ups are no pictures
            .order_by(TaskRow.finished_at.desc())
            .limit(SAMPLE_TASKS)
        )
        with self.database.read() as session:
            ids = session.scalars(tasks).all()
            query = select(ItemRow.took_s).where(
                ItemRow.task_id.in_(ids), ItemRow.status == ItemStatus.DONE
            )
            took = [one for one in session.scalars(query.limit(SAMPLE_ITEMS)) if one is not None]
        return median(took) if took else None


def _age_s(at: datetime | None, since: datetime) -> float:
    return max(0.0, round((at - since).total_seconds(), 1)) if at else 0.0
