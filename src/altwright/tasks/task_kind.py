"""What the engine asks of a kind of task; it knows none itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sqlalchemy.orm import Session

from altwright.domain.task import Priority
from altwright.domain.user import UserRef
from altwright.tasks.error_classification import Source
from altwright.tasks.store.items import Planned, PlannedUpTo, Worked
from altwright.tasks.task import Item, Task


class HandedBack(Exception):
    """The attempt ends early and is no failure: the worker stops, urgent work waits.

    A kind raises it in ``Work.item`` where it can only go on later, and holds no worker meanwhile.
    """

    def __init__(self, why: str, delay_s: float = 0.0) -> None:
        """Say why, for the history, and when it goes on."""
        super().__init__(why)
        self.delay_s = delay_s


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a task, as its kind sees it.

    ``checkpoint()`` renews nothing but asks whether to go on; it raises what ends the attempt
    (a cancel, a stop, a lost lease), which a kind lets pass. ``step(text)`` says on the page what
    is happening; call it as often as you like. ``upcoming(limit)`` returns the items that are to be
    worked on now, the one in hand before the others, for a kind that prepares some of them; none
    after an attempt with which its worker died, so that the next such death blames the right one.
    """

    task: Task
    checkpoint: Callable[[], None]
    step: Callable[[str], None]
    upcoming: Callable[[int], Sequence[Item]] = lambda _limit: ()


class Work(Protocol):
    """A kind's hold on what one attempt needs: connections, a describer."""

    def plan(self) -> Iterable[Planned | PlannedUpTo]:
        """Yield the task's items; called again after an attempt that ended while planning.

        A kind that plans for long yields PlannedUpTo now and then, and begins at the task's
        ``plan_cursor`` the next time. One that is yielded after all items stays with the task.
        """

    def item(self, item: Item) -> Worked:
        """Work on one item; its effect is written by the engine.

        Whatever it raises is this item's fault, unless ``probe`` says otherwise: it is tried again
        after the others (TemporaryError), or has failed at once (PermanentError).
        """

    def probe(self, source: Source) -> None:
        """Ask where an error came from how it is as a whole; cheap, and harmless.

        Raises:
            TemporaryError: it is down.
            PermanentError, ConfigError: it refuses us altogether.
        """
        return

    def failed(self, item: Item, reason: str) -> Callable[[Session], None] | None:
        """Return what is to be written, if anything, when an item ends as failed."""
        return None

    def summary(self, task: Task) -> str:
        """Return the sentence that a finished task shows; ``task`` has the final counts."""

    def close(self) -> None:
        """End what the attempt has begun and doesn't need any more, however it ended."""
        return


class TaskKind(Protocol):
    """A kind of task: captions, publishing, maintenance."""

    name: str
    default_priority: Priority
    #: Whether a user may start so many a day only.
    is_rationed: ClassVar[bool] = False
    #: Whether it is an administrator's order, which moderators may stop and not give again.
    is_for_administrators: ClassVar[bool] = False

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return complete settings. Raises InvalidInput."""

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return what may be active once at a time, or None."""

    def planned(self, settings: Mapping[str, Any]) -> Sequence[Planned] | None:
        """Return the items, if checked settings alone tell them and they are few; None: they don't.

        Then they are written with the task, and no attempt has to plan.
        """
        return None

    def open(self, run: Run) -> Work:
        """Prepare an attempt. Raises like Work.item, where PermanentError fails the task."""
