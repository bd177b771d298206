"""The kind of task that a chaos run submits: its effects would show if they were doubled."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert
from sqlalchemy.orm import Session

from altwright.db.types import Instant, now
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work

#: What items leave behind. Nothing but the row's number is unique, so that a second effect of
#: the same item is kept and found.
effects = Table(
    "chaos_effects",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("task_id", String(36), nullable=False),
    Column("item_key", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)
#: Lines of "task item attempt pid", one for each time that work on an item began.
STARTS_FILE = "starts.log"
ITEMS, ITEM_S = 5, 0.01


class ChaosWork(Work):
    """Items that take a moment and leave one effect each."""

    def __init__(self, run: Run, starts: int) -> None:
        """Take the attempt, and the open file that notes starts."""
        self._task = run.task
        self._step = run.step
        self._starts = starts

    def plan(self) -> Iterable[Planned]:
        """Yield as many items as asked for."""
        for number in range(self._task.settings["items"]):
            yield Planned(str(number), f"item {number}")

    def item(self, item: Item) -> Worked:
        """Take the time; the effect is written with the item's end."""
        task = self._task
        # One write of a short line to a file opened for appending is never mixed with another.
        os.write(
            self._starts, f"{task.id} {item.key} {task.attempt} {os.getpid()}\n".encode("ascii")
        )
        self._step(f"item {item.key}")
        threading.Event().wait(task.settings["item_s"])

        def effect(session: Session) -> None:
            session.execute(
                insert(effects).values(
                    task_id=task.id, item_key=item.key, attempt=task.attempt, at=now()
                )
            )

        return Worked(ItemStatus.DONE, effect=effect)

    def summary(self, task: Task) -> str:
        """Return a sentence."""
        return "Done."


class ChaosKind(TaskKind):
    """Stands in the place of the kind "captions", as exclusive as that: one active per user."""

    name = "captions"
    default_priority = Priority.NORMAL

    def __init__(self, folder: Path) -> None:
        """Note starts of items in ``folder``."""
        self._starts = os.open(
            folder / STARTS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return complete settings."""
        return {"items": ITEMS, "item_s": ITEM_S} | dict(settings)

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return the user's key, as captions do."""
        return f"user:{user.id}" if user else None

    def open(self, run: Run) -> ChaosWork:
        """Begin an attempt."""
        return ChaosWork(run, self._starts)
