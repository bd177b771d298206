"""A kind of task that does nothing but take time, for tests of workers and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work

#: What toys that ask for memory never give back.
_ballast: list[bytes] = []


class ToyWork(Work):
    """Items that each take ``item_s`` seconds; their effects can be recorded, without a guard.

    Once the file ``hurry`` exists, the items that are left take no time. ``bug``: what an exception
    says that each raises.
    """

    def __init__(self, run: Run) -> None:
        """Take the attempt."""
        self._run = run

    def plan(self) -> Iterable[Planned]:
        """Yield as many items as asked for."""
        for number in range(self._run.task.settings["items"]):
            yield Planned(str(number), f"toy {number}")

    def item(self, item: Item) -> Worked:
        """Take the time, and the memory that was asked for."""
        self._run.step(f"toy {item.key}")
        settings = self._run.task.settings
        if settings["bug"]:
            raise RuntimeError(settings["bug"])
        _ballast.append(b"x" * (settings["leak_mb"] << 20))
        if not (settings["hurry"] and Path(settings["hurry"]).exists()):
            threading.Event().wait(settings["item_s"])
        if not settings["record"]:
            return Worked(ItemStatus.DONE)
        row = {"task": self._run.task.id, "item": item.key}
        insert = text("INSERT INTO toy_effects (task_id, item) VALUES (:task, :item)")

        def effect(session: Session) -> None:
            session.execute(insert, row)

        return Worked(ItemStatus.DONE, effect=effect)

    def summary(self, task: Task) -> str:
        """Return a sentence."""
        return "Played."


class Toy(TaskKind):
    """The kind "toy"; any user may have several."""

    name = "toy"
    default_priority = Priority.NORMAL

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return complete settings."""
        complete = {"items": 5, "item_s": 0.01, "record": False, "leak_mb": 0, "hurry": ""}
        return complete | {"bug": ""} | dict(settings)

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return None: as many as you like."""
        return None

    def open(self, run: Run) -> ToyWork:
        """Begin an attempt."""
        return ToyWork(run)
