"""Why a task waits: reasons in the order in which they hold it up, its place, and for how long."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from altwright.db.copies import as_json
from altwright.db.session import Database
from altwright.domain.bucket import Bucket
from altwright.domain.counting import counted, duration
from altwright.domain.histogram import Histogram
from altwright.domain.limits import Limits
from altwright.domain.period import Period
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category, RedisUnavailable
from altwright.tasks.cluster.queue_pauses import Pause, Pauses
from altwright.tasks.cluster.worker_control import WorkerControl
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.error_classification import Source
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.claim_order import PRIORITIES
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.running_work import RunningTask, RunningWork
from altwright.tasks.store.time_series import Series
from altwright.tasks.task import Task

#: Tasks that must have ended lately before anything is said of how long others take.
SAMPLE_LEAST = 20
#: Quantiles of how long tasks take, between which a wait is said to be.
USUAL, LONG = 0.5, 0.9
#: Kinds and users that a reason names of what workers are busy with.
NAMED_MOST = 5
#: By what a task waits for, why it goes on later.
WHY_IT_WAITS = {
    Source.DESCRIBER: "The describer didn't answer; it is asked again then.",
    Source.PLATFORM: "The account's server didn't answer; it is asked again then.",
    Source.MODEL_HUB: "The model hub didn't answer; it is asked again then.",
    Source.ALTWRIGHT: "The worker that had it doesn't know its kind; it is for another one then.",
}
REDIS_AWAY = "Redis is away, which makes no difference: the database hands out tasks."


class ReasonCode(StrEnum):
    """What a task may wait for, in the order in which it is told."""

    PAUSED = "paused"
    DELAYED = "delayed"
    SUSPENDED = "suspended"
    LIMITED = "limited"
    NO_WORKERS = "no_workers"
    BUSY = "busy"
    OWN_FIRST = "own_first"
    POSITION = "position"
    SOON = "soon"
    REDIS_AWAY = "redis_away"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a task waits for; ``until``: when it is over."""

    code: ReasonCode
    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a task waits, the first reason first; empty: it doesn't wait.

    ``ahead``: tasks whose turn comes before, None while it takes no turn. ``from_s`` and ``to_s``:
    seconds in which it probably starts, None while there is too little to say.
    """

    reasons: tuple[Reason, ...] = ()
    ahead: int | None = None
    from_s: float | None = None
    to_s: float | None = None

    @property
    def range_words(self) -> str:
        """Return when it probably starts, or ""."""
        if self.from_s is None or self.to_s is None:
            return ""
        low, high = duration(self.from_s), duration(self.to_s)
        span = f"{low}" if low == high else f"{low} to {high}"
        return f"It probably starts in {span}, going by what has run lately."

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API and the command line show."""
        starts = None
        if self.from_s is not None and self.to_s is not None:
            starts = {"from": round(self.from_s, 1), "to": round(self.to_s, 1)}
        return {
            "reasons": [as_json(reason) for reason in self.reasons],
            "ahead": self.ahead,
            "starts_in_s": starts,
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at. ``suspended``: whether `rq suspend` holds. Raises RedisUnavailable."""

    database: Database
    pauses: Pauses
    limits: LimitBook
    roster: Roster
    control: WorkerControl
    work: RunningWork
    series: Series
    health: RedisHealthMonitor
    suspended: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Scene:
    """How the service stands while one task is looked at; ``free`` of the ``workers`` are idle."""

    at: datetime
    paused: Mapping[Priority, Pause]
    limits: Limits
    full: Collection[Priority]
    running: Sequence[RunningTask]
    workers: int
    free: int
    for_staff: bool


class WaitingReasons:
    """Reads only; one answer for users and administrators, who also learn of whom and what."""

    def __init__(self, looked: Looked) -> None:
        self._looked = looked

    def of(self, task: Task, *, for_staff: bool) -> Waiting:
        """Return why a task waits. Raises DatabaseUnavailable."""
        if task.status is not Status.QUEUED:
            return Waiting()
        looked = self._looked
        limits = looked.limits.current()
        running = looked.work.all(None)
        there = [one.id for one in looked.roster.alive() if not one.stopping]
        scene = _Scene(
            looked.database.now(),
            looked.pauses.all(),
            limits,
            limits.full(_counts(running), len(there)),
            running,
            len(there),
            free=len({*there} - {one.worker_id for one in running}),
            for_staff=for_staff,
        )
        reasons = list(self._obstacles(task, scene))
        is_due = task.available_at <= scene.at
        ahead, own = self._ahead(task, scene) if is_due else (0, 0)
        reasons += _places(ahead, own, for_staff=for_staff)
        if not reasons:
            reasons.append(Reason(ReasonCode.SOON, "A worker takes it in a moment."))
        if not looked.health.usable:
            reasons.append(Reason(ReasonCode.REDIS_AWAY, REDIS_AWAY))
        if not is_due:
            return Waiting(tuple(reasons))
        if task.priority in scene.paused or not scene.workers:
            return Waiting(tuple(reasons), ahead)
        return Waiting(tuple(reasons), ahead, *self._range(task, scene, ahead))

    def _obstacles(self, task: Task, scene: _Scene) -> Iterator[Reason]:
        """Yield what keeps the task from beginning, whoever else waits."""
        if task.priority in scene.paused:
            by = f" by {scene.paused[task.priority].by}" if scene.for_staff else ""
            yield Reason(ReasonCode.PAUSED, f"The queue {task.priority.queue} is paused{by}.")
        if task.available_at > scene.at:
            yield Reason(ReasonCode.DELAYED, _why_later(task), task.available_at)
        elif self._is_suspended(task):
            yield Reason(
                ReasonCode.SUSPENDED, "Workers are suspended in RQ; `rq resume` lets them go on."
            )
        if task.priority in scene.full:
            yield Reason(ReasonCode.LIMITED, _limited(task.priority, scene))
        if not scene.workers:
            yield Reason(ReasonCode.NO_WORKERS, self._nobody(for_staff=scene.for_staff))
        elif not scene.free:
            yield Reason(ReasonCode.BUSY, _busy(scene))

    def _is_suspended(self, task: Task) -> bool:
        if task.delivery is not Delivery.RQ:
            return False
        try:
            return self._looked.suspended()
        except RedisUnavailable:
            return False

    def _nobody(self, *, for_staff: bool) -> str:
        stops = self._looked.control.stops() if for_staff else {}
        if not stops:
            return "No worker is there."
        by = ", ".join(sorted({one.by for one in stops.values()}))
        return f"No worker is there; workers were asked to stop by {by}."

    def _ahead(self, task: Task, scene: _Scene) -> tuple[int, int]:
        closed = {*scene.paused, *scene.full} - {task.priority}
        with self._looked.database.connect() as connection:
            return PRIORITIES.ahead(connection, task.id, closed) or (0, 0)

    def _range(self, task: Task, scene: _Scene, ahead: int) -> tuple[float | None, float | None]:
        """Return the seconds between which it probably starts; None: too little ended lately."""
        if scene.free > ahead:
            return None, None  # in a moment, which the reasons say
        took = self._took(scene.at)
        usual_s, long_s = took.quantile_s(USUAL), took.quantile_s(LONG)
        if took.count < SAMPLE_LEAST or usual_s is None or long_s is None:
            return None, None
        workers = max(1, min(scene.workers, scene.limits.most.get(task.priority, scene.workers)))
        # What runs now is half done; then they go through what waits, so many at a time.
        return usual_s * (ahead + 0.5) / workers, long_s * math.ceil((ahead + 1) / workers)

    def _took(self, at: datetime) -> Histogram:
        """Return how long the tasks took that ended lately."""
        took = Histogram()
        for period in (Period.HOUR, Period.DAY):
            buckets = self._looked.series.up_to_now(period.span, period.begin_of(at), at)
            took = Bucket.sum(buckets.values()).all().took
            if took.count >= SAMPLE_LEAST:
                break
        return took


def _counts(running: Collection[RunningTask]) -> Mapping[Priority, int]:
    known = frozenset(Priority)
    return Counter(Priority(one.priority) for one in running if one.priority in known)


def _why_later(task: Task) -> str:
    if task.waits and task.waits_for in WHY_IT_WAITS:
        return WHY_IT_WAITS[Source(task.waits_for)]
    if task.error_category == Category.RATE_LIMIT or task.waits:
        return "A server asked for a pause."
    if task.failures:
        return f"Attempt {task.attempt} met a problem; it is tried again then."
    return "What is left of it is tried again then."


def _limited(priority: Priority, scene: _Scene) -> str:
    most = scene.limits.most.get(priority)
    if most is not None and _counts(scene.running).get(priority, 0) >= most:
        return f"At most {counted(most, 'task')} of the queue {priority.queue} may run at a time."
    return "The workers that are left are kept for other queues."


def _busy(scene: _Scene) -> str:
    count = scene.workers
    words = "The only worker is busy" if count == 1 else f"All {count} workers are busy"
    if not scene.for_staff:
        return f"{words}."
    with_what = Counter(f"{one.kind} of {one.user or 'Altwright'}" for one in scene.running)
    named = [f"{what} ({count})" if count > 1 else what for what, count in with_what.most_common()]
    more = ", …" if len(named) > NAMED_MOST else ""
    return f"{words}: {', '.join(named[:NAMED_MOST])}{more}."


def _places(ahead: int, own: int, *, for_staff: bool) -> list[Reason]:
    reasons = []
    if own:
        whose = "its user's" if for_staff else "your"
        verb = "comes" if own == 1 else "come"
        count = f"{own:,} of {whose} own tasks"
        reasons.append(Reason(ReasonCode.OWN_FIRST, f"{count} {verb} first."))
    if ahead:
        verb = "waits" if ahead == 1 else "wait"
        reasons.append(Reason(ReasonCode.POSITION, f"{counted(ahead, 'task')} {verb} before it."))
    return reasons
