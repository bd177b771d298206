"""PriorityQueueHandler: whose turn it is. The one place for order, fairness and precedence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, exists, false, select, true, update
from sqlalchemy.engine import Connection

from altwright.db.task_tables import StateRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, Priority, Status
from altwright.tasks.moves import changed
from altwright.tasks.pausing import state_name

#: Rounds ahead of the one being served that lie in RQ's queues. RQ hands out in the order in
#: which jobs came, so a user with many tasks has at most this many before somebody else's first.
ROUNDS_AHEAD = 4
#: Delayed tasks that take their turn again in one pass.
WAKE_BATCH = 500

#: Of tasks of one priority: in rounds, and in a round first in, first out.
_TURN = (TaskRow.turn, TaskRow.created_at, TaskRow.id)
#: Tasks that may begin now; a retry's time hasn't come before ``delayed`` is cleared.
_DUE = (TaskRow.status == Status.QUEUED, TaskRow.delayed == false())
_DELAY_OVER = (
    TaskRow.status == Status.QUEUED,
    TaskRow.delayed == true(),
    TaskRow.available_at <= now(),
)
# Questions asked often are made once: making one costs as much as asking it.
#: Strict order: whatever waits in a more urgent priority goes first.
_NEXT = (
    select(TaskRow.id, TaskRow.attempt)
    .where(*_DUE)
    .order_by(TaskRow.priority, *_TURN)
    .limit(1)
    # MariaDB would sort a small table instead, and lock every row of it for that.
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mysql")
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mariadb")
    .with_for_update(skip_locked=True)
)
_URGENT_WAITS = select(
    exists().where(
        *_DUE,
        TaskRow.priority == Priority.URGENT,
        # Nobody may take what waits in a paused queue, so nothing gives way to it.
        ~exists().where(StateRow.name == state_name(Priority.URGENT)),
    )
)
_DELAYED_AND_DUE = select(TaskRow.id).where(*_DELAY_OVER).limit(WAKE_BATCH)


class Turn(NamedTuple):
    """The round in which a new task takes its turn, and whether nobody waits before it."""

    number: int
    is_first: bool


class PriorityQueueHandler:
    """Both deliveries ask here: claims for the database's workers, the dispatcher for RQ's."""

    def next(self, connection: Connection, closed: Collection[Priority] = ()) -> Any:
        """Return id and attempt of the task whose turn it is, locked; None: nothing waits."""
        query = _NEXT.where(TaskRow.priority.not_in(closed)) if closed else _NEXT
        return connection.execute(query).first()

    def due(self, connection: Connection, priority: Priority, limit: int) -> Sequence[Any]:
        """Return id and attempt of due tasks that the database delivers, in their order.

        Those of later rounds are kept back, so that nobody's many tasks fill RQ's window.
        """
        served = connection.scalar(_served(priority))
        if served is None:
            return []
        query = (
            select(TaskRow.id, TaskRow.attempt)
            .where(
                *_DUE,
                TaskRow.delivery == Delivery.DATABASE,
                TaskRow.priority == priority,
                TaskRow.turn <= served + ROUNDS_AHEAD,
            )
            .order_by(*_TURN)
            .limit(limit)
        )
        return connection.execute(query).all()

    def turn(self, connection: Connection, user_id: int | None, priority: Priority) -> Turn:
        """Return where a new task stands: a user has one task in each round from the served on."""
        row = connection.execute(_rounds(priority), {"of_user": user_id}).one()
        base = row.served or 0
        number = base if user_id is None or row.own is None else max(base, row.own + 1)
        is_first = (row.kept is None or row.kept > number) and number <= base + ROUNDS_AHEAD
        return Turn(number, is_first)

    def gives_way(self, connection: Connection, priority: Priority) -> bool:
        """Say whether a running task has to give way to urgent work at its next item.

        Only low work does: normal work is what people wait for.
        """
        return priority is Priority.LOW and bool(connection.scalar(_URGENT_WAITS))

    def delay_over(self, connection: Connection) -> Sequence[str]:
        """Return ids of tasks whose retry is due."""
        return connection.scalars(_DELAYED_AND_DUE).all()

    def take_turns_again(self, connection: Connection, ids: Sequence[str]) -> int:
        """Let tasks whose retry is due take their turn; return how many."""
        statement = update(TaskRow).where(TaskRow.id.in_(ids), *_DELAY_OVER)
        return changed(connection, statement.values(delayed=False))


@cache
def _served(priority: Priority) -> Select[int]:
    """Return the query of the round that is being served: the turn of the first that waits."""
    # Not min(): PostgreSQL reads the whole backlog for it while its statistics are old.
    return select(TaskRow.turn).where(*_DUE, TaskRow.priority == priority).order_by(*_TURN).limit(1)


@cache
def _rounds(priority: Priority) -> Select[Any]:
    """Return the query of the rounds that matter to a submit of the user ``of_user``.

    Three looks at the end of an index, whatever the backlog.
    """
    served = _served(priority)
    kept = served.where(TaskRow.delivery == Delivery.DATABASE)
    own = (
        select(TaskRow.turn)
        .where(
            TaskRow.user_id == bindparam("of_user"),
            TaskRow.status == Status.QUEUED,
            TaskRow.priority == priority,
        )
        .order_by(TaskRow.turn.desc())
        .limit(1)
    )
    return select(
        served.scalar_subquery().label("served"),
        kept.scalar_subquery().label("kept"),
        own.scalar_subquery().label("own"),
    )


#: It holds nothing, so one serves all.
PRIORITIES = PriorityQueueHandler()
