"""How a new task gets into the database: its turn, its row and its history's first entry."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Insert,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.engine import Connection

from altwright.db.session import KEEPS_PLAN
from altwright.db.tables import AccountRow
from altwright.db.task_tables import TaskEventRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, Priority
from altwright.tasks.cluster.worker_wakeup import CHANNEL
from altwright.tasks.store.claim_order import place
from altwright.tasks.store.transitions import record

_TASKS = TaskRow.__table__.c
#: Columns that a submit gives as they are.
_GIVEN = (
    *("id", "kind", "user_id", "account_id", "max_retries", "exclusive_key", "request_key"),
    *("settings", "items_total"),
)
#: What the database settles.
_SETTLED = (TaskRow.delivery, TaskRow.created_at, TaskRow.available_at)
_EVENT = "queued"


class _Insertion(NamedTuple):
    """``recording``, for PostgreSQL, also writes the history's entry: one message in all.

    ``telling`` tells workers with it.
    """

    plain: Insert
    recording: Select[Any]
    telling: Select[Any]


def inserted(
    connection: Connection,
    priority: Priority,
    values: dict[str, Any],
    *,
    by: str,
    tells: bool = False,
) -> Row[Any] | None:
    """Write a task with what ``values`` say, in its turn; return its delivery and its instants.

    None: its user has no such account; nothing was written.

    Delivery by RQ is a wish: a task which others wait before is kept for the dispatcher.
    ``tells``: workers of all processes are told with the commit, where the database can.
    """
    insertion = _insertion(priority)
    given = {f"new_{name}": value for name, value in values.items()}
    given |= {"of_user": values["user_id"]}
    if connection.dialect.name == "postgresql":
        statement = insertion.telling if tells else insertion.recording
        return connection.execute(statement, {**given, "new_actor": by[:128]}).first()
    row = connection.execute(insertion.plain, given).first()
    if row is not None:
        record(connection, values["id"], _EVENT, attempt=0, actor=by)
    return row


@cache
def _insertion(priority: Priority) -> _Insertion:
    wish = _new("delivery")
    turn = place(priority).c
    columns = {name: _new(name) for name in _GIVEN} | {
        "priority": bindparam("new_priority", priority, _TASKS.priority.type),
        "turn": turn.number,
        "delivery": case((turn.is_first, wish), else_=Delivery.DATABASE),
        "dispatched_at": case((turn.is_first & (wish == Delivery.RQ), now()), else_=null()),
    }
    account, user = _new("account_id"), bindparam("of_user", type_=_TASKS.user_id.type)
    owned = exists().where(
        AccountRow.id == account, or_(user.is_(None), AccountRow.user_id == user)
    )
    row = select(*columns.values()).where(or_(account.is_(None), owned))
    plain = insert(TaskRow).from_select(list(columns), row)
    plain = plain.execution_options(**KEEPS_PLAN)
    new = plain.returning(TaskRow.id, *_SETTLED).cte("new")
    entry = {
        "task_id": new.c.id,
        "attempt": literal_column("0"),
        "event": bindparam("new_event", _EVENT, TaskEventRow.event.type),
        "actor": bindparam("new_actor", type_=TaskEventRow.actor.type),
        "detail": bindparam("new_detail", "", TaskEventRow.detail.type),
    }
    noted = insert(TaskEventRow).from_select(list(entry), select(*entry.values())).cte("noted")
    recording = select(*(new.c[column.name] for column in _SETTLED)).add_cte(noted)
    recording = recording.execution_options(**KEEPS_PLAN)
    telling = recording.add_columns(func.pg_notify(CHANNEL, literal_column("''")))
    return _Insertion(plain.returning(*_SETTLED), recording, telling)


def _new(name: str) -> Any:
    return bindparam(f"new_{name}", type_=_TASKS[name].type)
