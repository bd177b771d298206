"""How much waits: what scaling goes by."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, func, select

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Status
from altwright.tasks.store.due import DUE

#: Seconds that a due task may wait before that counts as long, and the most tasks counted.
LATE_S, COUNTED = 2.0, 2000


@dataclass(frozen=True, slots=True)
class Pressure:
    """Due tasks (COUNTED at most), running ones, and whether one has waited for LATE_S."""

    waiting: int
    running: int
    late: bool


def pressure(database: Database) -> Pressure:
    """Return how much waits now. Raises DatabaseUnavailable."""
    some = select(TaskRow.id).where(*DUE).limit(COUNTED).subquery()
    running = select(func.count()).where(TaskRow.status == Status.RUNNING)
    late = select(exists().where(*DUE, TaskRow.available_at <= now(-LATE_S)))
    with database.read() as session:
        return Pressure(
            waiting=session.scalar(select(func.count()).select_from(some)) or 0,
            running=session.scalar(running) or 0,
            late=bool(session.scalar(late)),
        )
