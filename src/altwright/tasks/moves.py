"""Guarded writes: every move of a task goes through ``move``, which knows the legal ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from altwright.db.task_tables import TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import MOVES, Delivery, Status
from altwright.errors import TaskStateConflict


def move(
    session: Session,
    task_id: str,
    before: Status,
    after: Status,
    *,
    attempt: int,
    only_if: tuple[ColumnElement[bool], ...] = (),
    **values: Any,
) -> bool:
    """Move a task of this attempt from one state to another; say whether it was still there.

    What every move into a state means for the row (leases, times) is written here, once.
    """
    if after not in MOVES[before]:
        raise ValueError(f"no task moves from {before} to {after}")
    meaning: dict[str, Any]
    match after:
        case Status.QUEUED:
            meaning = {
                "delivery": Delivery.DATABASE,
                "dispatched_at": None,
                "delayed": False,
                "available_at": now(),
                "lease_until": None,
                "worker_id": None,
                "finished_at": None,
            }
        case Status.RUNNING:
            meaning = {"attempt": attempt + 1}
        case _:
            meaning = {"finished_at": now(), "lease_until": None}
    statement = (
        update(TaskRow)
        .where(TaskRow.id == task_id, TaskRow.attempt == attempt, TaskRow.status == before)
        .values(**{"status": after, "sequence": TaskRow.sequence + 1, **meaning, **values})
    )
    return changed(session, statement.where(*only_if)) > 0


def cancel_if_asked(session: Session, task_id: str, attempt: int, actor: str) -> None:
    """End a task that has just been handed back and whose cancel was asked for meanwhile."""
    asked = (TaskRow.cancel_requested_at.is_not(None),)
    if move(
        session, task_id, Status.QUEUED, Status.CANCELLED, attempt=attempt, only_if=asked, step=""
    ):
        record(session, task_id, "cancelled", attempt=attempt, actor=actor)


def fenced(session: Session, task_id: str, attempt: int, **values: Any) -> None:
    """Write to a task that this attempt still holds.

    Raises:
        TaskStateConflict: the task was taken back, or has ended.
    """
    statement = (
        update(TaskRow)
        .where(
            TaskRow.id == task_id,
            TaskRow.attempt == attempt,
            TaskRow.status == Status.RUNNING,
        )
        .values(**values)
    )
    if not changed(session, statement):
        raise TaskStateConflict(task_id, expected="running this attempt")


def changed(session: Session, statement: Any) -> int:
    """Execute a guarded write; return how many rows it touched."""
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)


def record(
    session: Session, task_id: str, event: str, *, attempt: int, actor: str = "", detail: str = ""
) -> None:
    """Add an entry to a task's history, in the transaction that makes it true."""
    session.add(
        TaskEventRow(
            task_id=task_id, event=event, attempt=attempt, actor=actor[:128], detail=detail
        )
    )
