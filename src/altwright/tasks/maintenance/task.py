"""Maintenance: the kind of task that cleans up, urgent and submitted by the service itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput, NotAllowed, RedisUnavailable
from altwright.tasks.rq.circuit_breaker import AWAY
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.store.retention import Checkpoint
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to clean up; ``run`` returns how many things it removed."""

    label: str
    run: Callable[[Checkpoint], int]


class Maintenance(TaskKind):
    """The kind "maintenance": its items are the chores; one such task at a time."""

    name = "maintenance"
    default_priority = Priority.URGENT

    def __init__(self, chores: Mapping[str, Chore]) -> None:
        self.chores = chores

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return no settings. Raises NotAllowed: an administrator or the service may ask."""
        if user is not None and not user.is_admin:
            raise NotAllowed("Only an administrator may ask for maintenance.")
        if settings:
            raise InvalidInput(
                "Maintenance has no settings.", dict.fromkeys(settings, "isn't known")
            )
        return {}

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for everybody."""
        return self.name

    def planned(self, settings: Mapping[str, Any]) -> list[Planned]:
        """Return the chores."""
        return [Planned(key, chore.label) for key, chore in self.chores.items()]

    def open(self, run: Run) -> MaintenanceWork:
        """Begin an attempt."""
        return MaintenanceWork(self.chores, run)


class MaintenanceWork(Work):
    """One attempt; a chore that was interrupted begins again, and finds less to do."""

    def __init__(self, chores: Mapping[str, Chore], run: Run) -> None:
        self._chores = chores
        self._run = run

    def plan(self) -> Iterator[Planned]:
        """Yield the chores, for a task of the version before."""
        yield from Maintenance(self._chores).planned({})

    def item(self, item: Item) -> Worked:
        """Do one chore."""
        chore = self._chores.get(item.key)
        if chore is None:
            # Submitted by another version, which runs beside this one.
            return Worked(ItemStatus.SKIPPED, "This version has no such chore.")
        self._run.step(chore.label)
        try:
            removed = chore.run(self._run.checkpoint)
        except RedisUnavailable:
            return Worked(ItemStatus.SKIPPED, AWAY)
        return Worked(ItemStatus.DONE, f"{removed} removed")

    def summary(self, task: Task) -> str:
        """Say that it is done."""
        return "Cleaned up."
