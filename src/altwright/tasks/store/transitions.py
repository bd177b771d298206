"""Guarded writes: every move of a task goes through ``move``, which knows the legal ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, Update, bindparam, false, func, insert, update
from sqlalchemy.engine import Connection

from altwright.db.session import Executor, changed
from altwright.db.task_tables import TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import MOVES, Delivery, Status
from altwright.errors import TaskStateConflict

# Made once: making a statement costs as much as executing it. What differs from one execution to
# the next goes with it as parameters: values of columns, and the seconds that now() is to add.
#: A write to a task that is at an attempt and in a state.
_GUARDED = update(TaskRow).where(
    TaskRow.id == bindparam("of_task"),
    TaskRow.attempt == bindparam("of_attempt"),
    TaskRow.status == bindparam("of_status"),
)
#: One to a task that an attempt holds, whose lease is lengthened by it; one that pages show.
RENEWED = _GUARDED.values(lease_until=now(bindparam("lease_s", type_=Float)))
SHOWN = _GUARDED.values(sequence=TaskRow.sequence + 1)
#: The columns of a task whose failures and waits before no longer count.
START_AFRESH: dict[str, Any] = {
    "failures": 0,
    "waits": 0,
    "waits_for": "",
    "outage_s": 0.0,
    "paused_s": 0.0,
    "stalled_at": None,
}
#: What a move into each state means for the row.
_MEANING: dict[Status, dict[str, Any]] = {
    Status.QUEUED: {
        "delivery": Delivery.DATABASE,
        "dispatched_at": None,
        "delayed": False,
        "available_at": now(bindparam("delay_s", 0.0, Float)),
        "lease_until": None,
        "worker_id": None,
        "finished_at": None,
    },
    Status.RUNNING: {
        "attempt": TaskRow.attempt + 1,
        "lease_until": now(bindparam("lease_s", type_=Float)),
        "started_at": func.coalesce(TaskRow.started_at, now()),
    },
}
_MOVED = {
    after: SHOWN.values(
        status=after, **_MEANING.get(after, {"finished_at": now(), "lease_until": None})
    )
    for after in Status
}
#: A retry's time hasn't come before the dispatcher has cleared ``delayed``.
_MOVED[Status.RUNNING] = _MOVED[Status.RUNNING].where(TaskRow.delayed == false())
_RECORD = insert(TaskEventRow)


def move(
    connection: Connection,
    task_id: str,
    before: Status,
    after: Status,
    *,
    attempt: int,
    only_if: tuple[ColumnElement[bool], ...] = (),
    **values: Any,
) -> bool:
    """Move a task of this attempt from one state to another; return whether it was still there.

    ``values`` are the columns' that the move doesn't settle, besides ``lease_s`` of one into
    running, and ``delay_s`` of one into queued (0.0 by default), both in seconds.
    """
    if after not in MOVES[before]:
        raise ValueError(f"no task moves from {before} to {after}")
    statement = _MOVED[after].where(*only_if) if only_if else _MOVED[after]
    return changed(connection, statement, values | _guard(task_id, attempt, before)) > 0


def cancel_if_asked(connection: Connection, task_id: str, attempt: int, actor: str) -> None:
    """End a task that has just been handed back and whose cancel was asked for meanwhile."""
    asked = (TaskRow.cancel_requested_at.is_not(None),)
    before, after = Status.QUEUED, Status.CANCELLED
    if move(connection, task_id, before, after, attempt=attempt, only_if=asked, step=""):
        record(connection, task_id, "cancelled", attempt=attempt, actor=actor)


def fenced(
    connection: Connection, statement: Update, task_id: str, attempt: int, **values: Any
) -> None:
    """Write to a task that this attempt still holds: RENEWED, SHOWN, or made from them.

    Raises:
        TaskStateConflict: the task was taken back, or has ended.
    """
    if not changed(connection, statement, values | _guard(task_id, attempt, Status.RUNNING)):
        raise TaskStateConflict(task_id, expected="running this attempt")


def _guard(task_id: str, attempt: int, status: Status) -> dict[str, Any]:
    return {"of_task": task_id, "of_attempt": attempt, "of_status": status}


def record(
    session: Executor, task_id: str, event: str, *, attempt: int, actor: str = "", detail: str = ""
) -> None:
    """Add an entry to a task's history, in the transaction that makes it true."""
    entry = {"task_id": task_id, "event": event, "attempt": attempt}
    session.execute(_RECORD, {**entry, "actor": actor[:128], "detail": detail})
