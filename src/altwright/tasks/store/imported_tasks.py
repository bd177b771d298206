"""SQL on tasks that come from the replaced system, or go back there; ``takeover`` says which."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, select, update
from sqlalchemy.orm import Session

from altwright.crypto import Box
from altwright.db.session import Database, changed
from altwright.db.takeover_table import TakenRow
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import ACTIVE, Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.insertion import inserted
from altwright.tasks.store.transitions import record
from altwright.tasks.task import settings_of

#: Who is said to have done it, in a task's history.
ACTOR = "takeover"
#: Rows in one query.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Carried:
    """A task's state, as both systems have it; ``settings`` None: they can't be read."""

    id: str
    user_id: int | None
    account_id: int | None
    status: Status
    priority: Priority
    failures: int
    max_retries: int
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    created_at: datetime
    step: str
    settings: dict[str, Any] | None


def read(session: Session, ids: Collection[str], box: Box) -> dict[str, Carried]:
    """Return tasks by their ids."""
    query = select(TaskRow).where(TaskRow.id.in_(list(ids)))
    return {row.id: _carried(row, box) for row in session.scalars(query)}


def active_of(session: Session, user_id: int) -> str | None:
    """Return the id of a user's active task, None if there is none."""
    query = select(TaskRow.id).where(TaskRow.user_id == user_id, TaskRow.status.in_(ACTIVE))
    return session.scalar(query.limit(1))


def add(
    session: Session,
    task_id: str,
    kind: str,
    fields: Mapping[str, Any],
    *,
    user_id: int,
    account_id: int | None,
    exclusive_key: str | None,
    settings: str,
    created_at: datetime | None,
    step: str,
    detail: str,
) -> None:
    """Write a task as it is, its ``settings`` sealed; one that waits takes its turn here."""
    values: dict[str, Any] = {
        "id": task_id,
        "kind": kind,
        "user_id": user_id,
        "account_id": account_id,
        "max_retries": fields["max_retries"],
        "exclusive_key": exclusive_key,
        "request_key": None,
        "settings": settings,
        "delivery": Delivery.DATABASE,
        "items_total": None,
    }
    own = {"failures": fields["failures"]}
    if created_at is not None:
        own["created_at"] = created_at
    if fields["status"] is Status.QUEUED:
        inserted(session.connection(), fields["priority"], values, by=ACTOR)
        session.execute(update(TaskRow).where(TaskRow.id == task_id).values(own))
    else:
        own |= {"priority": fields["priority"], "step": step, **_ended(fields)}
        session.execute(insert(TaskRow).values(values | own))
    record(session, task_id, "taken over", attempt=0, actor=ACTOR, detail=detail)


def follow(session: Session, task_id: str, fields: Mapping[str, Any]) -> bool:
    """Let a task that waits here be what it has become there; return whether it still waited."""
    values: dict[str, Any] = {name: fields[name] for name in ("priority", "failures")}
    if fields["status"] is not Status.QUEUED:
        values |= _ended(fields)
    values |= {"max_retries": fields["max_retries"], "sequence": TaskRow.sequence + 1}
    statement = update(TaskRow).where(TaskRow.id == task_id, TaskRow.status == Status.QUEUED)
    if not changed(session, statement.values(values)):
        return False
    detail = f"{fields['status']} there"
    record(session, task_id, "followed", attempt=0, actor=ACTOR, detail=detail)
    return True


def of_here(database: Database, kind: str, box: Box) -> Iterator[list[Carried]]:
    """Yield the tasks of a kind that didn't come from the replaced system, in batches."""
    last = ""
    made_here: ColumnElement[bool] = ~exists().where(TakenRow.task_id == TaskRow.id)
    while True:
        query = select(TaskRow).where(TaskRow.kind == kind, made_here, TaskRow.id > last)
        with database.read() as session:
            rows = session.scalars(query.order_by(TaskRow.id).limit(BATCH)).all()
        if not rows:
            return
        last = rows[-1].id
        yield [_carried(row, box) for row in rows]


def _ended(fields: Mapping[str, Any]) -> dict[str, Any]:
    category = Category.FAULT if fields["status"] is Status.FAILED else None
    return {
        "status": fields["status"],
        "started_at": fields["started_at"],
        "finished_at": fields["finished_at"] or now(),
        "error": fields["error"] or None,
        "error_category": category,
    }


def _carried(row: TaskRow, box: Box) -> Carried:
    return Carried(
        id=row.id,
        user_id=row.user_id,
        account_id=row.account_id,
        status=Status(row.status),
        priority=Priority(row.priority),
        failures=row.failures,
        max_retries=row.max_retries,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error or "",
        created_at=row.created_at,
        step=row.step,
        settings=settings_of(row.settings, box),
    )


def sealed(settings: Mapping[str, Any], box: Box) -> str:
    """Return settings as a task's row keeps them."""
    return box.encrypt(json.dumps(settings))
