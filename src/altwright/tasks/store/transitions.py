"""Guarded writes: each way in which a task moves from one state to another, and its history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypedDict, Unpack

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    Update,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from altwright.db.session import KEEPS_PLAN, Executor, changed
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import MOVES, Delivery, Priority, Status
from altwright.errors import Category, TaskStateConflict
from altwright.tasks.store.due import DUE
from altwright.tasks.store.one_task import TASK

# Made once: making a statement costs as much as executing it. What differs from one execution to
# the next goes with it as parameters: values of columns, and the seconds that now() is to add.
#: A write to a task that is at an attempt and in a state.
_GUARDED = (
    update(TaskRow)
    .where(
        TaskRow.id == bindparam("of_task"),
        TaskRow.attempt == bindparam("of_attempt"),
        TaskRow.status == bindparam("of_status"),
    )
    .execution_options(**KEEPS_PLAN)
)
#: One to a task that an attempt holds, whose lease is lengthened by it; one that pages show.
RENEWED = _GUARDED.values(lease_until=now(bindparam("lease_s", type_=Float)))
SHOWN = _GUARDED.values(sequence=TaskRow.sequence + 1)
#: Characters of a step: what the column holds.
STEP_LENGTH = 255
#: The columns of a task whose failures and waits before no longer count.
START_AFRESH: dict[str, Any] = {
    "failures": 0,
    "waits": 0,
    "waits_for": "",
    "outage_s": 0.0,
    "paused_s": 0.0,
    "stalled_at": None,
}
_ENDED: dict[str, Any] = {"finished_at": now(), "lease_until": None}
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
        "worker_id": bindparam("of_worker"),
        "delivery": bindparam("of_delivery"),
        "lease_until": now(bindparam("lease_s", type_=Float)),
        "started_at": func.coalesce(TaskRow.started_at, now()),
    },
    Status.COMPLETED: {
        **_ENDED,
        "step": bindparam("of_step"),
        # It would be that of an attempt before this one.
        "error": None,
        "error_category": None,
    },
}
_MOVED = {after: SHOWN.values(status=after, **_MEANING.get(after, _ENDED)) for after in Status}
_MOVED[Status.RUNNING] = _MOVED[Status.RUNNING].where(*DUE)
#: A task whose cancel was asked for ends cancelled, if there is still a choice.
_MOVED[Status.COMPLETED] = _MOVED[Status.COMPLETED].where(TaskRow.cancel_requested_at.is_(None))
_RECORD = insert(TaskEventRow).execution_options(**KEEPS_PLAN)


class TaskWrite(NamedTuple):
    """A guarded write to a task, and what it is where more can be done in one statement.

    ``returning`` returns columns of the row with it; ``recording``, for PostgreSQL, also adds to
    the task's history, and ends an item with the task if it was made for that.
    """

    plain: Update
    returning: Update
    recording: Select[Any]


#: What of a task its worker doesn't know after a write: the rest stays as it was claimed, or as
#: the write has it.
STANDING = (
    TaskRow.status,
    TaskRow.priority,
    TaskRow.sequence,
    TaskRow.step,
    TaskRow.cancel_requested_at,
    TaskRow.finished_at,
    TaskRow.items_total,
    TaskRow.items_done,
    TaskRow.items_failed,
    TaskRow.items_skipped,
)


#: What an entry of the history says of a move, besides which task and attempt.
_OF_MOVE = ("event", "actor", "detail")


def task_write(
    statement: Update, columns: Iterable[Any] = STANDING, *, item_ended: Update | None = None
) -> TaskWrite:
    """Return all forms of a write; ``recording`` is made with ``item_ended``, or not at all."""
    known = {column.name for column in columns} | {"id", "attempt"}
    guarded = statement
    if item_ended is not None and item_ended.whereclause is not None:
        guarded = statement.where(exists().where(item_ended.whereclause))
    moved = guarded.returning(*(TaskRow.__table__.c[name] for name in sorted(known))).cte()
    entry = {"task_id": moved.c.id, "attempt": moved.c.attempt}
    entry |= {name: bindparam(f"of_{name}") for name in _OF_MOVE}
    noted = insert(TaskEventRow).from_select(list(entry), select(*entry.values())).cte()
    recording = select(*(moved.c[column.name] for column in columns)).add_cte(noted)
    if item_ended is not None:
        recording = recording.add_cte(item_ended.where(ItemRow.task_id == moved.c.id).cte())
    return TaskWrite(
        statement, statement.returning(*columns), recording.execution_options(**KEEPS_PLAN)
    )


_EVERYTHING = tuple(TaskRow.__table__.c)
_CLAIMED = task_write(_MOVED[Status.RUNNING], _EVERYTHING)
#: The end of a task whose items are all finished.
COMPLETED = task_write(_MOVED[Status.COMPLETED])


class Tally(TypedDict, total=False):
    """How often a task has failed, and its workers have died; named as the columns."""

    failures: int
    crashes: int


class Kept(Tally, total=False):
    """What a task takes with it into the queue; named as the columns."""

    turn: int
    waits: int
    waits_for: str
    outage_s: float
    paused_s: float
    error: str | None
    error_category: str | None


# Each of these returns whether the task was at this attempt, and in the state that it moves from;
# then its history has an entry by ``by``. Otherwise nothing is written.


def to_running(
    connection: Connection,
    task_id: str,
    attempt: int,
    *,
    by: str,
    delivery: Delivery,
    lease_s: float,
    closed: Collection[Priority] = (),
) -> Row[Any] | None:
    """Let the worker ``by`` begin the next attempt at a task whose priority isn't ``closed``.

    Returns its row as it is then; None: it wasn't to be had.
    """
    values = {"of_worker": by, "of_delivery": delivery, "lease_s": lease_s}
    move = _Move(task_id, attempt, Status.QUEUED, Status.RUNNING, "claimed", by)
    write = _CLAIMED
    if closed:
        write = task_write(_CLAIMED.plain.where(TaskRow.priority.not_in(closed)), _EVERYTHING)
    return _moved_row(connection, write, move, values)


def to_completed(
    connection: Connection,
    task_id: str,
    attempt: int,
    *,
    by: str,
    step: str,
    write: TaskWrite = COMPLETED,
    **of_write: Any,
) -> Row[Any] | None:
    """End a running task whose items are all finished; return STANDING, or more, or None.

    ``write`` may also be one made from COMPLETED, which does it under more conditions, and is
    given ``of_write``.
    """
    move = _Move(task_id, attempt, Status.RUNNING, Status.COMPLETED, "completed", by)
    values = {"of_step": step[:STEP_LENGTH], **of_write}
    return _moved_row(connection, write, move, values)


def to_cancelled(
    connection: Connection,
    task_id: str,
    attempt: int,
    before: Status,
    *,
    by: str,
    detail: str = "",
    only_if_asked: bool = False,
) -> bool:
    """End a task that nobody wants any more."""
    asked = TaskRow.cancel_requested_at.is_not(None) if only_if_asked else None
    move = _Move(task_id, attempt, before, Status.CANCELLED, "cancelled", by, detail)
    return _moved(connection, move, {"step": ""}, asked)


def to_failed(
    connection: Connection,
    task_id: str,
    attempt: int,
    before: Status,
    *,
    by: str,
    category: Category,
    error: str,
    detail: str,
    **tally: Unpack[Tally],
) -> bool:
    """End a task for good: a dead letter; ``error`` is for its user, ``detail`` for its history."""
    values = {**tally, "error": error, "error_category": category}
    move = _Move(task_id, attempt, before, Status.FAILED, "failed", by, detail)
    return _moved(connection, move, values)


def to_queued(
    connection: Connection,
    task_id: str,
    attempt: int,
    event: str,
    *,
    by: str,
    detail: str,
    delay_s: float = 0.0,
    **kept: Unpack[Kept],
) -> bool:
    """Hand a running task back, for ``delay_s`` from now; ``event`` says why.

    One whose cancel was asked for meanwhile ends at once.
    """
    values = {**kept, "delayed": delay_s > 0, "delay_s": delay_s}
    move = _Move(task_id, attempt, Status.RUNNING, Status.QUEUED, event, by, detail)
    moved = _moved(connection, move, values)
    if moved:
        to_cancelled(connection, task_id, attempt, Status.QUEUED, by=by, only_if_asked=True)
    return moved


def requeued(
    connection: Connection, task_id: str, attempt: int, *, by: str, detail: str = ""
) -> bool:
    """Queue a failed task again, as if it had never failed."""
    blank = {"crashes": 0, "error": None, "error_category": None, "cancel_requested_at": None}
    move = _Move(task_id, attempt, Status.FAILED, Status.QUEUED, "requeued", by, detail)
    return _moved(connection, move, START_AFRESH | blank)


class _Move(NamedTuple):
    task_id: str
    attempt: int
    before: Status
    after: Status
    event: str
    by: str
    detail: str = ""


def _moved(
    connection: Connection,
    move: _Move,
    values: Mapping[str, Any],
    only_if: ColumnElement[bool] | None = None,
) -> bool:
    task_id, attempt, before, after, *_ = _legal(move)
    statement = _MOVED[after] if only_if is None else _MOVED[after].where(only_if)
    if not changed(connection, statement, {**values, **_guard(task_id, attempt, before)}):
        return False
    connection.execute(_RECORD, _entry(move))
    return True


def _moved_row(
    connection: Connection, write: TaskWrite, move: _Move, values: dict[str, Any]
) -> Row[Any] | None:
    """Do as ``_moved``; return what ``write`` returns, or None: nothing was written."""
    values |= _guard(move.task_id, move.attempt, _legal(move).before)
    if records_at_once(connection):
        entry = _entry(move)
        values |= {f"of_{name}": entry[name] for name in _OF_MOVE}
        return connection.execute(write.recording, values).first()
    row = _written(connection, write, values)
    if row is not None:
        connection.execute(_RECORD, _entry(move))
    return row


def records_at_once(connection: Connection) -> bool:
    """Return whether a move is one statement with what comes with it (``TaskWrite.recording``)."""
    return connection.dialect.name == "postgresql"


def _legal(move: _Move) -> _Move:
    if move.after not in MOVES[move.before]:
        raise ValueError(f"no task moves from {move.before} to {move.after}")
    return move


def _entry(move: _Move) -> dict[str, Any]:
    task_id, attempt, _, after, event, by, detail = move
    began = attempt + 1 if after is Status.RUNNING else attempt
    return _entry_of(task_id, event, began, by, detail)


def _written(connection: Connection, write: TaskWrite, values: dict[str, Any]) -> Row[Any] | None:
    """Execute a write; return the task's row as it is then, or None: its guard kept it off."""
    if connection.dialect.update_returning:
        return connection.execute(write.returning, values).first()
    if not changed(connection, write.plain, values):
        return None
    return connection.execute(TASK, {"of_task": values["of_task"]}).one()


def fenced(
    connection: Connection, statement: Update, task_id: str, attempt: int, **values: Any
) -> None:
    """Write to a task that this attempt still holds: RENEWED, SHOWN, or made from them.

    Raises:
        TaskStateConflict: the task was taken back, or has ended.
    """
    if not changed(connection, statement, values | _guard(task_id, attempt, Status.RUNNING)):
        raise TaskStateConflict(task_id, expected="running this attempt")


def fenced_row(
    connection: Connection, write: TaskWrite, task_id: str, attempt: int, **values: Any
) -> Row[Any]:
    """Do as ``fenced``; return the columns of STANDING, or more. Raises TaskStateConflict."""
    row = _written(connection, write, values | _guard(task_id, attempt, Status.RUNNING))
    if row is None:
        raise TaskStateConflict(task_id, expected="running this attempt")
    return row


def _guard(task_id: str, attempt: int, status: Status) -> dict[str, Any]:
    return {"of_task": task_id, "of_attempt": attempt, "of_status": status}


def record(
    session: Executor, task_id: str, event: str, *, attempt: int, actor: str, detail: str = ""
) -> None:
    """Add an entry to a task's history, in the transaction that makes it true."""
    session.execute(_RECORD, _entry_of(task_id, event, attempt, actor, detail))


def _entry_of(task_id: str, event: str, attempt: int, actor: str, detail: str) -> dict[str, Any]:
    entry = {"task_id": task_id, "event": event, "attempt": attempt}
    return {**entry, "actor": actor[:128], "detail": detail}
