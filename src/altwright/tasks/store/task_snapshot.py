"""How the tasks that aren't done stand, to compare before and after their delivery changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE, Delivery, Priority, Status

#: Tasks read in one query.
BATCH = 1_000
#: What no move may change: who it is for, what it is to do, and since when it waits.
_FIXED = (
    *(TaskRow.kind, TaskRow.user_id, TaskRow.account_id, TaskRow.settings, TaskRow.created_at),
    *(TaskRow.max_retries, TaskRow.exclusive_key, TaskRow.request_key),
)
#: What only an attempt or an administrator changes: its place in the order and its retries.
_PLACE = (TaskRow.priority, TaskRow.turn, TaskRow.failures)


@dataclass(frozen=True, slots=True)
class Standing:
    """One task: at which attempt, and digests of what it is and of where it stands."""

    attempt: int
    fixed: bytes
    place: bytes


@dataclass(frozen=True, slots=True)
class Comparison:
    """``same`` tasks wait or run as before, ``went_on`` have begun or ended since.

    ``differing`` are the ids of those that aren't what they were.
    """

    same: int
    went_on: int
    differing: tuple[str, ...]


def standings(database: Database) -> dict[str, Standing]:
    """Return every task that waits or runs, by its id."""
    found: dict[str, Standing] = {}
    last = ""
    query = select(TaskRow.id, TaskRow.attempt, *_FIXED, *_PLACE)
    query = query.where(TaskRow.status.in_(ACTIVE)).order_by(TaskRow.id).limit(BATCH)
    while True:
        with database.connect() as connection:
            rows = connection.execute(query.where(TaskRow.id > last)).all()
        if not rows:
            return found
        last = rows[-1][0]
        for row in rows:
            fixed, place = row[2 : 2 + len(_FIXED)], row[2 + len(_FIXED) :]
            found[row[0]] = Standing(row[1], _digest(fixed), _digest(place))


def compared(before: Mapping[str, Standing], after: Mapping[str, Standing]) -> Comparison:
    """Compare tasks as they were with those that are still there."""
    same = went_on = 0
    differing = []
    for task_id, was in before.items():
        now = after.get(task_id)
        if now is None:
            went_on += 1  # it has ended; whoever ended it says so in its history
        elif now.fixed != was.fixed:
            differing.append(task_id)
        elif now.attempt != was.attempt:
            went_on += 1
        elif now.place != was.place:
            differing.append(task_id)
        else:
            same += 1
    return Comparison(same, went_on, tuple(differing))


def waiting(database: Database) -> dict[Delivery, dict[str, int]]:
    """Return how many tasks wait, by who delivers them and by priority; zeros included."""
    counts = {one: {priority.queue: 0 for priority in Priority} for one in Delivery}
    query = select(TaskRow.delivery, TaskRow.priority, func.count())
    query = query.where(TaskRow.status == Status.QUEUED)
    with database.connect() as connection:
        for row in connection.execute(query.group_by(TaskRow.delivery, TaskRow.priority)):
            counts[Delivery(row[0])][Priority(row[1]).queue] = row[2]
    return counts


def running(database: Database) -> int:
    """Return how many tasks are being worked on."""
    with database.connect() as connection:
        query = select(func.count()).where(TaskRow.status == Status.RUNNING)
        return connection.scalar(query) or 0


def _digest(values: object) -> bytes:
    return hashlib.sha256(repr(values).encode("utf-8", "replace")).digest()[:8]
