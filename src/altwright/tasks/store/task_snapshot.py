"""Snapshots of the tasks that aren't done, to compare before and after their delivery changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE

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
class Snapshot:
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


def snapshots(database: Database) -> dict[str, Snapshot]:
    """Return every task that waits or runs, by its id."""
    found: dict[str, Snapshot] = {}
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
            found[row[0]] = Snapshot(row[1], _digest(fixed), _digest(place))


def compared(before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> Comparison:
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


def _digest(values: object) -> bytes:
    return hashlib.sha256(repr(values).encode("utf-8", "replace")).digest()[:8]
