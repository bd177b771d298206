"""A kind of task that does nothing but take time, for tests of workers and processes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.tasks.claims import Planned, Worked
from altwright.tasks.kinds import Run
from altwright.tasks.records import Item, Task


class ToyWork:
    """Items that each take ``item_s`` seconds."""

    def __init__(self, run: Run) -> None:
        """Take the attempt."""
        self._run = run

    def plan(self) -> Iterable[Planned]:
        """Yield as many items as asked for."""
        for number in range(self._run.task.settings["items"]):
            yield Planned(str(number), f"toy {number}")

    def item(self, item: Item) -> Worked:
        """Take the time."""
        self._run.step(f"toy {item.key}")
        threading.Event().wait(self._run.task.settings["item_s"])
        return Worked(ItemStatus.DONE)

    def summary(self, task: Task) -> str:
        """Return a sentence."""
        return "Played."


class Toy:
    """The kind "toy"; any user may have several."""

    name = "toy"
    default_priority = Priority.NORMAL

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return complete settings."""
        return {"items": 5, "item_s": 0.01} | dict(settings)

    def exclusive_key(self, user: UserRef | None) -> str | None:
        """Return None: as many as you like."""
        return None

    def open(self, run: Run) -> ToyWork:
        """Begin an attempt."""
        return ToyWork(run)
