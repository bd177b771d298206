"""Snapshots of the tasks that aren't done, to compare before and after their delivery changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE, Status

#: Tasks read in one query.
BATCH = 1_000
#: What no move may change: who it is for, what it is to do, and since when it waits.
_FIXED = (
    *(TaskRow.kind, TaskRow.user_id, TaskRow.account_id, TaskRow.settings, TaskRow.created_at),
    *(TaskRow.max_retries, TaskRow.exclusive_key, TaskRow.request_key),
)
#: What only an administrator changes while it waits: its place in the order and its retries.
_PLACE = (TaskRow.priority, TaskRow.turn, TaskRow.failures)


#: Bytes of a column's digest.
_SIZE = 6


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One task: its attempt, whether that runs, and a digest of each column compared."""

    attempt: int
    runs: bool
    fixed: bytes
    place: bytes


@dataclass(frozen=True, slots=True)
class Comparison:
    """``same`` tasks wait or run as before, ``went_on`` have begun or ended since.

    ``differing`` has the names of the columns that aren't what they were, by the task's id.
    """

    same: int
    went_on: int
    differing: Mapping[str, tuple[str, ...]]


def snapshots(database: Database) -> dict[str, Snapshot]:
    """Return every task that waits or runs, by its id."""
    found: dict[str, Snapshot] = {}
    last = ""
    query = select(TaskRow.id, TaskRow.attempt, TaskRow.status, *_FIXED, *_PLACE)
    query = query.where(TaskRow.status.in_(ACTIVE)).order_by(TaskRow.id).limit(BATCH)
    while True:
        with database.connect() as connection:
            rows = connection.execute(query.where(TaskRow.id > last)).all()
        if not rows:
            return found
        last = rows[-1][0]
        for task_id, attempt, status, *values in rows:
            fixed, place = values[: len(_FIXED)], values[len(_FIXED) :]
            runs = status == Status.RUNNING
            found[task_id] = Snapshot(attempt, runs, _digests(fixed), _digests(place))


def compared(before: Mapping[str, Snapshot], after: Mapping[str, Snapshot]) -> Comparison:
    """Compare tasks as they were with those that are still there."""
    same = went_on = 0
    differing = {}
    for task_id, was in before.items():
        now = after.get(task_id)
        if now is None:
            went_on += 1  # it has ended; whoever ended it says so in its history
            continue
        stood = (now.attempt, now.runs) == (was.attempt, was.runs)
        changes = _changes(_FIXED, was.fixed, now.fixed)
        # An attempt under way forgets failures with each item, and its end counts one.
        if stood and not was.runs:
            changes += _changes(_PLACE, was.place, now.place)
        if changes:
            differing[task_id] = changes
        elif stood:
            same += 1
        else:
            went_on += 1
    return Comparison(same, went_on, differing)


def _digests(values: Iterable[object]) -> bytes:
    return b"".join(
        hashlib.sha256(repr(value).encode("utf-8", "replace")).digest()[:_SIZE] for value in values
    )


def _changes(
    columns: Sequence[InstrumentedAttribute[Any]], was: bytes, now: bytes
) -> tuple[str, ...]:
    places = range(0, len(was), _SIZE)
    return tuple(
        column.key
        for column, at in zip(columns, places, strict=True)
        if was[at : at + _SIZE] != now[at : at + _SIZE]
    )
