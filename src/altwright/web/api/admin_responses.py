"""What the API answers administrators about tasks, queues and what was done."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from altwright.web.api.requests import PriorityName
from altwright.web.api.responses import Shape, Task


class AnybodysTask(Task):
    """A task of anybody's; of no user: the service's own."""

    user_id: int | None


class AnybodysTaskList(Shape):
    """Tasks: those that were made last before the others, or those that ended last."""

    tasks: list[AnybodysTask]
    older: str | None = Field(
        description="the next page comes after this task; null: there are no more. What is seldom "
        "is looked for in steps, so that a page may hold few tasks or none"
    )


class ManyPreview(Shape):
    """How many tasks match, to how many the action can apply, and why not to the others."""

    words: str
    until: datetime
    matching: int
    applicable: int
    others: dict[str, int]
    is_exact: bool = Field(description="false: there are more, which nobody has counted")


class DeadLetterGroup(Shape):
    """Tasks of one kind that failed for good by one cause."""

    category: str
    kind: str
    count: int
    oldest_at: datetime | None
    newest_at: datetime | None
    last_hour: int
    last_day: int


class DeadLetterList(Shape):
    """All groups, the largest first."""

    groups: list[DeadLetterGroup]


class Queue(Shape):
    """A queue; ``in_rq`` is null while Redis is away, ``oldest_waiting_s`` if nothing is due."""

    queue: PriorityName
    paused_by: str | None
    pending: int
    delayed: int = Field(description="of those that are pending: a retry's time hasn't come")
    running: int
    completed: int
    failed: int
    cancelled: int
    oldest_waiting_s: float | None
    in_rq: int | None


class QueueList(Shape):
    """The four queues, the most urgent first."""

    queues: list[Queue]


class QueueChanged(Shape):
    """Whether a queue is another way now than before."""

    queue: PriorityName
    changed: bool


class QueueCleared(Shape):
    """How many tasks were cancelled."""

    queue: PriorityName
    cancelled: int


class LimitsShown(Shape):
    """How many tasks of a priority run at a time, and how many workers are kept free for it."""

    most: dict[PriorityName, int]
    kept: dict[PriorityName, int]


class AuditEntryShown(Shape):
    """What somebody did to the service."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    before: str
    after: str
    address: str


class AuditLog(Shape):
    """Entries, newest first."""

    entries: list[AuditEntryShown]
