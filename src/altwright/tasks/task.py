"""Immutable value objects that the store returns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Row

from altwright.crypto import Box
from altwright.db.copies import as_json, copied
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.domain.task import ACTIVE, Delivery, ItemStatus, Priority, Status
from altwright.errors import Category

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was when read; ``settings`` is decrypted.

    ``fault`` says what in its row can't be read or makes no sense ("": nothing). What can't be
    read is shown as empty, normal, failed, so that one bad row hides no other.
    """

    id: str
    kind: str
    user_id: int | None
    account_id: int | None
    status: Status
    priority: Priority
    attempt: int
    failures: int
    max_retries: int
    settings: dict[str, Any]
    delivery: Delivery
    created_at: datetime
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worker_id: str | None
    cancel_requested: bool
    sequence: int
    step: str
    items_total: int | None
    items_done: int
    items_failed: int
    items_skipped: int
    error_category: str | None
    error: str | None
    fault: str = ""
    exclusive_key: str | None = None
    #: Waits in a row for a server, and which ("": none, or one that said for how long).
    waits: int = 0
    waits_for: str = ""
    #: Seconds of these waits: for servers that were down, and those that servers asked for.
    outage_s: float = 0.0
    paused_s: float = 0.0
    #: The last attempt that got on.
    progress_attempt: int = 0
    #: Where an attempt goes on that finds the plan unfinished (PlannedUpTo).
    plan_cursor: str | None = None
    #: Workers in a row that died while working on it.
    crashes: int = 0
    #: The first items to work on, if its claim has read them.
    claimed_items: tuple[Item, ...] | None = field(default=None, compare=False, repr=False)

    @property
    def corrupt(self) -> bool:
        """Return whether its row has a fault; no worker works on it."""
        return bool(self.fault)

    @property
    def ended(self) -> bool:
        """Return whether nothing will happen to it any more by itself."""
        return self.status not in ACTIVE

    @property
    def items_finished(self) -> int:
        """Return how many items are done, failed or skipped."""
        return self.items_done + self.items_failed + self.items_skipped

    @property
    def percent(self) -> int:
        """Return the progress, 0 to 100; 100 only when it has completed."""
        if self.status is Status.COMPLETED:
            return 100
        if not self.items_total:
            return 0
        return min(99, 100 * self.items_finished // self.items_total)

    def to_json(self) -> dict[str, Any]:
        """Return the one shape in which the REST API, sockets and command line show a task."""
        return {
            "id": self.id,
            "kind": self.kind,
            "status": self.status.value,
            "priority": self.priority.queue,
            "account_id": self.account_id,
            "attempt": self.attempt,
            "delivery": self.delivery.value,
            "cancel_requested": self.cancel_requested,
            "progress": {"percent": self.percent, "step": self.step, "sequence": self.sequence},
            "items": {
                "total": self.items_total,
                "done": self.items_done,
                "failed": self.items_failed,
                "skipped": self.items_skipped,
            },
            "created_at": self.created_at.isoformat(),
            "available_at": self.available_at.isoformat(),
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
            "error": (
                {"category": self.error_category, "message": self.error} if self.error else None
            ),
        }


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a task; ``key`` is what the task's kind called it when planning.

    ``tries`` are those that say something of the item, not those that met a server in trouble.
    """

    id: int
    key: str
    position: int
    label: str
    status: ItemStatus
    tries: int
    attempt: int | None
    category: str | None
    reason: str
    took_s: float | None
    finished_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API and the command line show."""
        return as_json(self, without={"id", "position", "tries", "attempt", "finished_at"})


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a task's history; ``detail`` is for administrators."""

    at: datetime
    event: str
    attempt: int
    actor: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return the shape that administrators are shown; for users see web/api/tasks.py."""
        return as_json(self)

    @property
    def words(self) -> str:
        """Return the detail for users: without the category of an error before it."""
        category, colon, words = self.detail.partition(": ")
        return words if colon and category in set(Category) else self.detail


@dataclass(frozen=True, slots=True)
class Ticket:
    """What it takes to claim a task: its id and the attempt that it had when handed out."""

    task_id: str
    attempt: int


def new_task(task_id: str, kind: str, **given: Any) -> Task:
    """Return a task as its submit has written it; ``given`` are no defaults."""
    return Task(
        task_id,
        kind,
        status=Status.QUEUED,
        attempt=0,
        failures=0,
        started_at=None,
        finished_at=None,
        worker_id=None,
        cancel_requested=False,
        sequence=0,
        step="",
        items_done=0,
        items_failed=0,
        items_skipped=0,
        error_category=None,
        error=None,
        **given,
    )


def task_of(row: TaskRow | Row[Any], box: Box) -> Task:
    """Copy a row; one that is corrupt is marked, so that a list can still show it."""
    return task_with(row, settings_of(row.settings, box))


def task_with(row: TaskRow | Row[Any], settings: dict[str, Any] | None) -> Task:
    """Copy a row whose settings are known, and need not be opened; None: they can't be read."""
    faults: list[str] = []
    if settings is None:
        faults.append("its settings can't be read")
    return copied(
        Task,
        row,
        status=_known(Status, row.status, Status.FAILED, "status", faults),
        priority=_known(Priority, row.priority, Priority.NORMAL, "priority", faults),
        settings=settings or {},
        delivery=_known(Delivery, row.delivery, Delivery.DATABASE, "delivery", faults),
        claimed_items=None,
        cancel_requested=row.cancel_requested_at is not None,
        fault="; ".join(faults),
    )


def task_standing(task: Task, row: Row[Any]) -> Task:
    """Return a task as a write of its attempt has left it; the row has what may have changed."""
    status = Status(row.status)
    completed = status is Status.COMPLETED
    return replace(
        task,
        status=status,
        priority=_known(Priority, row.priority, task.priority, "priority", []),
        sequence=row.sequence,
        step=row.step,
        cancel_requested=row.cancel_requested_at is not None,
        finished_at=row.finished_at,
        items_total=row.items_total,
        items_done=row.items_done,
        items_failed=row.items_failed,
        items_skipped=row.items_skipped,
        # It would be that of an attempt before this one.
        error_category=None if completed else task.error_category,
        error=None if completed else task.error,
    )


def settings_of(sealed: str, box: Box) -> dict[str, Any] | None:
    """Open a task's settings; None: another key, a changed row, or no settings in it."""
    try:
        settings = json.loads(box.decrypt(sealed))
    except ValueError:
        return None
    return settings if isinstance(settings, dict) else None


def _known(kind: type[E], value: Any, otherwise: E, name: str, faults: list[str]) -> E:
    """Return the member of ``kind`` that a column stands for, or note a fault."""
    try:
        return kind(value)
    except ValueError:
        faults.append(f"its {name} is {str(value)[:20]!r}")
        return otherwise


def item_of(row: ItemRow | Row[Any]) -> Item:
    """Copy a row."""
    return copied(Item, row, status=ItemStatus(row.status), tries=row.tries - row.excused)


def event_of(row: TaskEventRow | Row[Any]) -> Event:
    """Copy a row."""
    return copied(Event, row)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
