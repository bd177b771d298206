"""Finds tasks whose rows make no sense, and puts them right: `altwright task repair`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from altwright.crypto import Box
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import ACTIVE, Delivery, ItemStatus, Priority, Status
from altwright.errors import ActiveTaskExists, Category
from altwright.tasks.store.backlog import Backlog
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.store.transitions import record
from altwright.tasks.task import settings_of

#: Rows looked at in one query.
BATCH = 200
#: Seconds after which a job that RQ should have delivered is given to the database; should it
#: still lie in RQ, delivering it twice is harmless.
DELIVERY_S = 3600.0
_ENDED = tuple(status for status in Status if status not in ACTIVE)
_QUEUED, _RUNNING = TaskRow.status == Status.QUEUED, TaskRow.status == Status.RUNNING


@dataclass(frozen=True, slots=True)
class Repair:
    """One fault of one task, and what was (or with a dry run would be) done about it."""

    task_id: str
    fault: str
    action: str

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rows that ``wrong`` finds have a fault; ``values`` put them right."""

    fault: str
    wrong: ColumnElement[bool]
    action: str
    values: Callable[[], dict[str, Any]]


def _failed(why: str) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "status": Status.FAILED,
        # No worker has seen it; whether it is done again is for a person to say.
        "error_category": Category.FAULT,
        "error": f"This task was damaged: {why}.",
        "finished_at": now(),
        "lease_until": None,
    }


#: In this order: what follows relies on what stands before.
_RULES = (
    _Rule(
        "unknown status",
        TaskRow.status.not_in(tuple(Status)),
        "failed",
        _failed("unknown status"),
    ),
    _Rule(
        "unknown priority",
        TaskRow.priority.not_in(tuple(Priority)),
        "priority normal",
        lambda: {"priority": Priority.NORMAL},
    ),
    _Rule(
        "unknown delivery",
        TaskRow.delivery.not_in(tuple(Delivery)),
        "delivered by the database",
        lambda: {"delivery": Delivery.DATABASE, "dispatched_at": None},
    ),
    _Rule(
        "it runs without a lease",
        and_(_RUNNING, TaskRow.lease_until.is_(None)),
        "taken back by the dispatcher",
        lambda: {"lease_until": now(-1)},
    ),
    _Rule(
        "RQ was to deliver it long ago",
        and_(
            _QUEUED,
            TaskRow.delivery == Delivery.RQ,
            or_(TaskRow.dispatched_at.is_(None), TaskRow.dispatched_at < now(-DELIVERY_S)),
        ),
        "delivered by the database",
        lambda: {"delivery": Delivery.DATABASE, "dispatched_at": None},
    ),
    _Rule(
        "ended without finished_at",
        and_(TaskRow.status.in_(_ENDED), TaskRow.finished_at.is_(None)),
        "ended now",
        lambda: {"finished_at": now()},
    ),
    _Rule(
        "queued but has finished_at",
        and_(_QUEUED, TaskRow.finished_at.is_not(None)),
        "the time of its end removed",
        lambda: {"finished_at": None},
    ),
)


class TaskRepair:
    """Looks through all tasks; every write is guarded by what was found."""

    def __init__(self, store: TaskStore, backlog: Backlog, kinds: Iterable[str]) -> None:
        """Take the names of the known kinds; more may come until ``run``."""
        self._store = store
        self._database: Database = store.database
        self._box: Box = store.box
        self._backlog = backlog
        self._kinds = kinds

    def damaged(self) -> int:
        """Return how many rows have a fault that one look at the table finds."""
        faults = or_(*(rule.wrong for rule in _RULES))
        with self._database.read() as session:
            return session.scalar(select(func.count()).where(faults)) or 0

    def run(self, actor: str, *, dry_run: bool = False) -> list[Repair]:
        """Repair what can be, and say what was found; with ``dry_run`` nothing is written.

        A task that was set aside and can be read again (the lost key is back, its kind is
        installed) is queued again.
        """
        found = list(self._set_aside(actor, dry_run=dry_run))
        for rule in _RULES:
            found += self._by_rule(rule, actor, dry_run=dry_run)
        found += self._wrong_counts(actor, dry_run=dry_run)
        found += self._unreadable(dry_run=dry_run)
        return found

    def _by_rule(self, rule: _Rule, actor: str, *, dry_run: bool) -> Iterator[Repair]:
        for task_id in self._ids(rule.wrong):
            if dry_run or self._put_right(rule, task_id, actor):
                yield Repair(task_id, rule.fault, rule.action)

    @again_after_deadlock
    def _put_right(self, rule: _Rule, task_id: str, actor: str) -> bool:
        statement = update(TaskRow).where(TaskRow.id == task_id, rule.wrong)
        with self._database.write() as session:
            values = {**rule.values(), "sequence": TaskRow.sequence + 1}
            return bool(changed(session, statement.values(**values))) and _note(
                session, task_id, actor, f"{rule.fault}: {rule.action}"
            )

    def _wrong_counts(self, actor: str, *, dry_run: bool) -> Iterator[Repair]:
        """Compare each task's counts with its items."""
        fault, action = "its counts aren't those of its items", "counted anew"
        for rows in self._pages(_COUNTED):
            for row in rows:
                true = {"items_total": row.total, **{name: row[at] for at, name in _TRUE.items()}}
                if all(getattr(row, name) == number for name, number in true.items()):
                    continue
                if dry_run or self._count_anew(row.id, row.sequence, true, actor):
                    yield Repair(row.id, fault, action)

    @again_after_deadlock
    def _count_anew(self, task_id: str, sequence: int, true: dict[str, int], actor: str) -> bool:
        # Every item that ends raises the sequence: a task that moved on isn't touched.
        statement = update(TaskRow).where(TaskRow.id == task_id, TaskRow.sequence == sequence)
        with self._database.write() as session:
            values = {**true, "sequence": TaskRow.sequence + 1}
            return bool(changed(session, statement.values(**values))) and _note(
                session, task_id, actor, "counted anew"
            )

    def _unreadable(self, *, dry_run: bool) -> Iterator[Repair]:
        """Set queued tasks aside that no worker could work on."""
        for task_id, attempt, fault in self._faults(_QUEUED):
            if dry_run or self._backlog.set_aside(task_id, attempt, fault):
                yield Repair(task_id, fault, "failed")

    def _set_aside(self, actor: str, *, dry_run: bool) -> Iterator[Repair]:
        """Queue again what was set aside and can be read now; name what can't."""
        aside = and_(TaskRow.status == Status.FAILED, TaskRow.error_category == Category.CORRUPT)
        unreadable = {task_id: fault for task_id, _, fault in self._faults(aside)}
        for task_id in list(self._ids(aside)):
            if task_id in unreadable:
                yield Repair(task_id, unreadable[task_id], "stays set aside")
                continue
            action = "queued again"
            if not dry_run:
                try:
                    self._store.requeue_failed(task_id, user_id=None, actor=actor)
                except ActiveTaskExists:
                    action = "stays set aside while another task of the user is active"
            yield Repair(task_id, "it was set aside and can be read now", action)

    def _faults(self, where: ColumnElement[bool]) -> Iterator[tuple[str, int, str]]:
        query = select(TaskRow.id, TaskRow.attempt, TaskRow.kind, TaskRow.settings)
        known = frozenset(self._kinds)
        for rows in self._pages(query.where(where)):
            for row in rows:
                if settings_of(row.settings, self._box) is None:
                    yield row.id, row.attempt, "its settings can't be read"
                elif row.kind not in known:
                    yield row.id, row.attempt, f"its kind {row.kind[:32]!r} isn't known here"

    def _ids(self, where: ColumnElement[bool]) -> Iterator[str]:
        for rows in self._pages(select(TaskRow.id).where(where)):
            for row in rows:
                yield row.id

    def _pages(self, query: Any) -> Iterator[list[Any]]:
        last = ""
        while True:
            page = query.where(TaskRow.id > last).order_by(TaskRow.id).limit(BATCH)
            with self._database.read() as session:
                rows = list(session.execute(page))
            if not rows:
                return
            last = rows[-1].id
            yield rows


_COUNTS = {
    TaskRow.items_done: ItemStatus.DONE,
    TaskRow.items_failed: ItemStatus.FAILED,
    TaskRow.items_skipped: ItemStatus.SKIPPED,
}
#: A planned task's own counts, and behind them those of its items, in one consistent look.
_COUNTED = (
    select(
        TaskRow.id,
        TaskRow.sequence,
        TaskRow.items_total,
        *_COUNTS,
        func.count(ItemRow.id).label("total"),
        *(func.sum(case((ItemRow.status == one, 1), else_=0)) for one in _COUNTS.values()),
    )
    .outerjoin(ItemRow, ItemRow.task_id == TaskRow.id)
    .where(TaskRow.items_total.is_not(None))
    .group_by(TaskRow.id)
)
#: Where in a row of it the true counts stand.
_TRUE = {at: column.key for at, column in enumerate(_COUNTS, 7)}


def _note(session: Session, task_id: str, actor: str, what: str) -> bool:
    """Enter a repair into the task's history."""
    attempt = session.scalar(select(TaskRow.attempt).where(TaskRow.id == task_id)) or 0
    record(session, task_id, "repaired", attempt=attempt, actor=actor, detail=what)
    return True
