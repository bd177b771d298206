"""PriorityQueueHandler: whose turn it is. The one place for order, fairness and precedence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Exists,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from altwright.db.session import changed
from altwright.db.task_tables import StateRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, Priority
from altwright.tasks.cluster.queue_pauses import state_name
from altwright.tasks.store.backlog_pressure import LATE_S
from altwright.tasks.store.due import DELAY_OVER, DUE, QUEUED

#: Rounds ahead of the one being served that lie in RQ's queues. RQ hands out in the order in
#: which jobs came, so a user with many tasks has at most this many before somebody else's first.
ROUNDS_AHEAD = 4
#: Delayed tasks that take their turn again in one pass.
WAKE_BATCH = 500

#: Of tasks of one priority: in rounds, and in a round first in, first out.
TURN_ORDER = (TaskRow.turn, TaskRow.created_at, TaskRow.id)
# Questions asked often are made once: making one costs as much as asking it.
#: Strict order: whatever waits in a more urgent priority goes first.
_FIRST = (
    select(TaskRow.id, TaskRow.attempt)
    .where(*DUE)
    .order_by(TaskRow.priority, *TURN_ORDER)
    .limit(1)
    # MariaDB would sort a small table instead, and lock every row of it for that.
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mysql")
    .with_hint(TaskRow, "FORCE INDEX (ix_tasks_claim)", "mariadb")
)
_NEXT = _FIRST.with_for_update(skip_locked=True)
_MINE = select(
    TaskRow.id, TaskRow.priority, TaskRow.turn, TaskRow.created_at, TaskRow.user_id
).where(TaskRow.id == bindparam("of_task"), *DUE)


def _waits(priority: Priority, *also: ColumnElement[bool]) -> Exists:
    """Return whether a task of a priority waits that somebody may take: its queue isn't paused."""
    paused = exists().where(StateRow.name == state_name(priority))
    return exists().where(*DUE, TaskRow.priority == priority, ~paused, *also)


_URGENT_WAITS = select(_waits(Priority.URGENT))
_NONE, _ONE = literal_column("0", Integer), literal_column("1", Integer)
#: For each priority, whether a task of another user waits for which no worker was free: one that
#: is takes it within a second or two.
_OTHERS_WAIT = select(
    *(
        _waits(
            priority,
            TaskRow.user_id.is_distinct_from(bindparam("of_user")),
            TaskRow.available_at <= now(-LATE_S),
        )
        for priority in Priority
    )
)
_DELAYED_AND_DUE = select(TaskRow.id).where(*DELAY_OVER).limit(WAKE_BATCH)


class PriorityQueueHandler:
    """Both deliveries ask here: claims for the database's workers, the dispatcher for RQ's."""

    def first(self, connection: Connection) -> Any:
        """Return id and attempt of the task that waits first, which others may have; or None."""
        return connection.execute(_FIRST).first()

    def next(self, connection: Connection, closed: Collection[Priority] = ()) -> Any:
        """Return id and attempt of the task whose turn it is, locked; None: nothing waits."""
        query = _NEXT.where(TaskRow.priority.not_in(closed)) if closed else _NEXT
        return connection.execute(query).first()

    def ahead(
        self, connection: Connection, task_id: str, closed: Collection[Priority] = ()
    ) -> tuple[int, int] | None:
        """Return how many tasks come before one that is due, and how many are its own user's.

        Those of priorities that are ``closed`` don't count: none of them is taken. None: it isn't
        due.
        """
        mine = connection.execute(_MINE, {"of_task": task_id}).first()
        if mine is None:
            return None
        turn, created_at, task = mine.turn, mine.created_at, mine.id  # as TURN_ORDER has them
        before = or_(
            TaskRow.priority < mine.priority,
            and_(TaskRow.priority == mine.priority, TaskRow.turn < turn),
            and_(
                TaskRow.priority == mine.priority,
                TaskRow.turn == turn,
                or_(
                    TaskRow.created_at < created_at,
                    and_(TaskRow.created_at == created_at, TaskRow.id < task),
                ),
            ),
        )
        own = func.count(case((TaskRow.user_id == mine.user_id, _ONE)))
        query = select(func.count(), own).where(*DUE, before)
        if closed:
            query = query.where(TaskRow.priority.not_in(closed))
        count, of_user = connection.execute(query).one()
        return count, of_user

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
                *DUE,
                TaskRow.delivery == Delivery.DATABASE,
                TaskRow.priority == priority,
                TaskRow.turn <= served + ROUNDS_AHEAD,
            )
            .order_by(*TURN_ORDER)
            .limit(limit)
        )
        return connection.execute(query).all()

    def next_turn(
        self,
        connection: Connection,
        user_id: int | None,
        priority: Priority,
        *,
        had_one: bool = True,
    ) -> int:
        """Return the round of a task that has had a turn and waits for another, or has had none."""
        asked = {"of_user": user_id, "had_one": int(had_one)}
        return int(connection.execute(_next_turn(priority), asked).scalar_one())

    def preempted_by(
        self,
        connection: Connection,
        user_id: int | None,
        priority: Priority,
        *,
        slice_is_over: bool,
    ) -> frozenset[Priority]:
        """Return the priorities that preempt a running task; empty: it goes on.

        Urgent work preempts low work at once: normal work is what people wait for. A task whose
        time slice is over is preempted by others' of its priority or a higher one.
        """
        found = set()
        if priority is Priority.LOW and connection.scalar(_URGENT_WAITS):
            found.add(Priority.URGENT)
        if slice_is_over:
            waits = connection.execute(_OTHERS_WAIT, {"of_user": user_id}).one()
            found |= {one for one in Priority if waits[one] and one <= priority}
        return frozenset(found)

    def delay_over(self, connection: Connection) -> Sequence[str]:
        """Return ids of tasks whose retry is due."""
        return connection.scalars(_DELAYED_AND_DUE).all()

    def take_turns_again(self, connection: Connection, ids: Sequence[str]) -> int:
        """Let tasks whose retry is due take their turn; return how many."""
        statement = update(TaskRow).where(TaskRow.id.in_(ids), *DELAY_OVER)
        return changed(connection, statement.values(delayed=False))


@cache
def _served(priority: Priority) -> Select[int]:
    """Return the query of the round that is being served: the turn of the first that waits."""
    # Not min(): PostgreSQL reads the whole backlog for it while its statistics are old.
    return (
        select(TaskRow.turn)
        .where(*DUE, TaskRow.priority == priority)
        .order_by(*TURN_ORDER)
        .limit(1)
    )


@cache
def _next_turn(priority: Priority) -> Select[Any]:
    return select(place(priority).c.number)


def place(priority: Priority) -> Subquery:
    """Return ``number`` and ``is_first``, one row: a new task's round; whether nobody waits before.

    The user ``of_user`` has one task in each round from the served on. One that ``had_one``, a turn
    (1, else 0), comes after those that wait. A new one joins the round that is being served only
    while nobody waits in a later one: each round has to end.
    """
    ends = _ends(priority).c
    joined = (
        ends.served + case((ends.last > ends.served, _ONE), else_=_NONE) + bindparam("had_one", 0)
    )
    number = case((ends.own >= joined, ends.own + _ONE), else_=joined)
    rounds = select(ends.served, ends.kept, number.label("number")).subquery().c
    before = and_(
        or_(rounds.kept.is_(None), rounds.kept > rounds.number),
        rounds.number <= rounds.served + ROUNDS_AHEAD,
    )
    return select(rounds.number, before.label("is_first")).subquery()


def _ends(priority: Priority) -> Subquery:
    """Return the rounds that matter to a submit of the user ``of_user``, in one row.

    Four looks at the ends of an index, whatever the backlog.
    """
    served = _served(priority)
    backwards = (column.desc() for column in TURN_ORDER)
    last = served.order_by(None).order_by(*backwards)
    kept = served.where(TaskRow.delivery == Delivery.DATABASE)
    own = (
        select(TaskRow.turn)
        .where(
            TaskRow.user_id == bindparam("of_user"),
            QUEUED,
            TaskRow.priority == priority,
        )
        .order_by(TaskRow.turn.desc())
        .limit(1)
    )
    looks = select(
        func.coalesce(served.scalar_subquery(), _NONE).label("served"),
        last.scalar_subquery().label("last"),
        kept.scalar_subquery().label("kept"),
        own.scalar_subquery().label("own"),
    )
    # With a limit no database repeats the looks at each mention of what they found.
    return looks.limit(1).subquery()


#: It holds nothing, so one serves all.
PRIORITIES = PriorityQueueHandler()
