"""What the API answers about the service as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from altwright.domain.period import Period
from altwright.domain.task import Delivery
from altwright.domain.worker import StartedBy
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.overview import RATE_LEAST
from altwright.tasks.rq.circuit_breaker import RedisState
from altwright.web.api.requests import PriorityName
from altwright.web.api.responses import Shape


class OpenAlert(Shape):
    """Something that is wrong now; ``runbook`` says what to do, in this version's documentation."""

    id: int
    name: str
    severity: Severity
    message: str
    raised_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str = Field(description="who looks after it; empty: nobody says so")
    acknowledged_why: str
    runbook: str


class Ended(Shape):
    """Tasks that ended."""

    completed: int
    failed: int
    cancelled: int


class QueueNow(Ended):
    """A queue; what ended is of the last hour. ``delayed``: a retry's time hasn't come."""

    queue: PriorityName
    paused_by: str | None
    waiting: int
    delayed: int
    running: int
    oldest_waiting_s: float | None
    in_rq: int | None = Field(description="jobs in RQ's queue; null while Redis is away")


class RedisNow(Shape):
    """Redis, as the process sees it that answers; what isn't known is null."""

    state: RedisState
    reason: str | None
    is_full: bool
    version: str | None
    used_bytes: int | None
    memory_share: float | None


class DatabaseNow(Shape):
    """The database."""

    kind: str
    answered_in_s: float


class DescriberNow(Shape):
    """What writes drafts: tasks that wait since it is away, and the median seconds of a picture."""

    order: list[str] = Field(description="describers, the first to ask first")
    tasks_waiting: int
    item_s: float | None
    asked_s: float | None = Field(
        description="seconds since it was asked last how it is; null: never yet"
    )


class PlatformsNow(Shape):
    """Fediverse servers: tasks that wait since one is away."""

    tasks_waiting: int


class WorkerNow(Shape):
    """A worker; ``vanished`` ones gave no sign lately and didn't say goodbye."""

    id: str
    kind: str
    host: str
    pid: int
    started_by: StartedBy = Field(description="what starts its process again when that ends")
    memory_bytes: int = Field(description="of its whole process")
    done: int = Field(description="attempts at tasks that have ended since its start")
    failed: int = Field(description="of these, those that failed")
    stopping: bool = Field(description="it takes no further task")
    started_at: datetime
    seen_at: datetime
    vanished: bool
    state: Literal["working", "idle", "stopping", "vanished"]
    task_id: str | None


class StoppedNow(Shape):
    """Workers that somebody stopped, and that aren't there again."""

    kind: str
    host: str = Field(description="empty: in the whole service")
    workers: int = Field(description="how many they were; 0: nobody noted it")
    by: str
    at: datetime
    words: str


class WorkersNow(Shape):
    """Workers of all hosts; ``vanished`` gave no sign lately and didn't say goodbye."""

    alive: int
    vanished: int
    expected: int
    stopped: list[StoppedNow]


class Outage(Shape):
    """When the database delivered instead of Redis; without an end it does so now.

    What only the end tells is null before.
    """

    since: datetime
    until: datetime | None
    reason: str
    taken_over: int = Field(description="tasks that lay in RQ when it began, or came meanwhile")
    ended: int | None = Field(description="tasks that ended meanwhile, by the database")
    moved_back: int | None = Field(description="tasks that waited at the end, for RQ since")


class Now(Shape):
    """How the service stands."""

    at: datetime
    delivery: Delivery
    last_redis_outage: Outage | None
    redis: RedisNow
    database: DatabaseNow
    describer: DescriberNow
    platforms: PlatformsNow
    workers: WorkersNow
    queues: list[QueueNow]
    ended_per_hour: float | None = Field(
        description=f"at the rate of the last minutes; null: not {RATE_LEAST} ended in an hour"
    )
    backlog_done_in_s: float | None = Field(description="at this rate; null: too few ended")
    alerts: list[OpenAlert]


class Times(Shape):
    """Quantiles in seconds, at most 19 % off; null: there is none."""

    median: float | None
    p95: float | None


class Sums(Ended):
    """Tasks that ended in a stretch of time; ``success_rate`` leaves cancelled ones out."""

    success_rate: float | None
    waited_s: Times = Field(description="from submit to start")
    took_s: Times = Field(description="from start to end, pauses included")


class Point(Sums):
    """A stretch of time. Means of its minutes; null where nobody looked."""

    at: datetime
    waiting: dict[PriorityName, float | None]
    running: float | None
    oldest_waiting_s: float | None
    workers: float | None
    without_redis: float | None = Field(description="share of the time that Redis wasn't used")
    redis_bytes: int | None


class Timeline(Shape):
    """A period; its last point goes on still."""

    period: Period
    since: datetime
    until: datetime
    point_s: float
    all: Sums
    queues: dict[PriorityName, Sums]
    points: list[Point]


class Statistics(Shape):
    """How the service stands and stood."""

    now: Now
    timeline: Timeline
    redis_outages: list[Outage]
    workers: list[WorkerNow]
