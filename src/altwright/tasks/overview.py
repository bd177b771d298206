"""How the service stands, in one look: for the command line, the REST API, pages and metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from altwright.db.session import Database
from altwright.domain.bucket import ENDS, LENGTH, Bucket, Span
from altwright.domain.period import Period, timeline
from altwright.domain.task import ACTIVE, Delivery, Status
from altwright.tasks.alerting.alerts import AlertBook
from altwright.tasks.alerting.describer_watch import ASKED
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.cluster.stopped_workers import stopped
from altwright.tasks.cluster.worker_control import WorkerControl
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.error_classification import Source
from altwright.tasks.execution.delivery_ledger import DeliveryLedger
from altwright.tasks.execution.dispatcher import MODE
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.expired_leases import Rescuer
from altwright.tasks.store.statistics import Figures, QueueFigures
from altwright.tasks.store.time_series import Series

#: What ended in it says how fast the backlog shrinks; if nothing did, the last hour says so.
LATELY = timedelta(minutes=10)
#: Ends of tasks below which a rate says nothing: after the first one it would be any number.
RATE_LEAST = 10
#: How many times are shown at which Redis was away.
AWAY_MOST = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked at."""

    database: Database
    figures: Figures
    series: Series
    roster: Roster
    control: WorkerControl
    rescuer: Rescuer
    queues: Callable[[Collection[Status]], Sequence[QueueFigures]]
    health: RedisHealthMonitor
    state: ServiceState
    ledger: DeliveryLedger
    alerts: AlertBook
    workers_expected: Callable[[], int]
    #: The describers' names, in the order in which they are asked.
    describers: Callable[[], Sequence[str]]


class Overview:
    """Reads only; each part is bounded, however many tasks have ended."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def timeline(self, period: Period) -> dict[str, Any]:
        """Return a period's sums and points. Raises DatabaseUnavailable."""
        at = self._seen.database.now()
        return timeline(period, at, self._buckets(period, at))

    def current(self) -> dict[str, Any]:
        """Return how the service stands now, as JSON. Raises DatabaseUnavailable.

        Counts of ended tasks are those of the last hour, as ``Period.HOUR`` has it.
        """
        seen = self._seen
        began = time.monotonic()
        at = seen.database.now()
        answered_s = time.monotonic() - began
        hour = self._buckets(Period.HOUR, at)
        last_hour = Bucket.sum(hour.values())
        queues = seen.queues(ACTIVE)
        open_tasks = sum(one.waiting + one.delayed + one.running for one in queues)
        per_s = _ends_per_s(hour, at)
        return {
            "at": at.isoformat(),
            "delivery": seen.state.get(MODE) or self._own_delivery(),
            "last_redis_outage": next(iter(self.redis_outages()), None),
            "redis": self._redis(),
            "database": {
                "kind": seen.database.engine.dialect.name,
                "answered_in_s": round(answered_s, 4),
            },
            "describer": {
                "order": list(seen.describers()),
                "tasks_waiting": seen.figures.waiting_for(Source.DESCRIBER),
                "item_s": seen.figures.item_s(),
                "asked_s": _known(seen.state.age_s(ASKED)),
            },
            "platforms": {"tasks_waiting": seen.figures.waiting_for(Source.PLATFORM)},
            "workers": self._workers(at),
            "queues": [_queue(one, last_hour) for one in queues],
            "ended_per_hour": None if per_s is None else round(3600 * per_s, 1),
            "backlog_done_in_s": _done_in_s(open_tasks, per_s),
            "alerts": [alert.to_json() for alert in seen.alerts.open()],
        }

    def ever(self) -> Bucket:
        """Return what ended since there are statistics. Raises DatabaseUnavailable."""
        return self._seen.series.ever()

    def workers(self) -> list[dict[str, Any]]:
        """Return every worker, what it does and since when, by host and process."""
        held = {one.worker_id: one.task_id for one in self._seen.rescuer.running()}
        return [
            {
                **worker.to_json(),
                "state": worker.state(works=worker.id in held),
                "task_id": held.get(worker.id),
            }
            for worker in self._seen.roster.all()
        ]

    def redis_outages(self) -> list[dict[str, Any]]:
        """Return when the database delivered instead of Redis, newest first, and what moved."""
        return self._seen.ledger.entries()[::-1][:AWAY_MOST]

    def _buckets(self, period: Period, at: datetime) -> dict[datetime, Bucket]:
        return self._seen.series.up_to_now(period.span, period.begin_of(at), at)

    def _own_delivery(self) -> Delivery:
        return Delivery.RQ if self._seen.health.takes_jobs else Delivery.DATABASE

    def _redis(self) -> dict[str, Any]:
        health = self._seen.health
        facts = health.facts if health.usable else None
        return {
            "state": health.state.value,
            "reason": None if health.usable else health.words,
            "is_full": health.full,
            "version": facts.version if facts else None,
            "used_bytes": facts.used_bytes if facts else None,
            "memory_share": facts.memory_share if facts else None,
        }

    def _workers(self, at: datetime) -> dict[str, Any]:
        workers = self._seen.roster.all()
        vanished = sum(worker.vanished for worker in workers)
        gone = stopped(self._seen.control.stops(), workers, at)
        return {
            "alive": len(workers) - vanished,
            "vanished": vanished,
            "expected": self._seen.workers_expected(),
            "stopped": [one.to_json(at) for one in gone],
        }


def _known(age_s: float) -> float | None:
    """Return the seconds since something was done; None: it never was."""
    return None if math.isinf(age_s) else round(age_s, 1)


def _queue(queue: QueueFigures, last_hour: Bucket) -> dict[str, Any]:
    ended = last_hour.priorities[queue.priority].ended
    return {
        "queue": queue.priority.queue,
        "paused_by": queue.paused_by or None,
        "waiting": queue.waiting,
        "delayed": queue.delayed,
        "running": queue.running,
        "oldest_waiting_s": queue.oldest_waiting_s,
        "in_rq": queue.in_rq,
        **{status.value: ended[status] for status in ENDS},
    }


def _ends_per_s(hour: Mapping[datetime, Bucket], at: datetime) -> float | None:
    """Return how many tasks complete or fail in a second: lately, else in the last hour.

    None: too few did.
    """
    ends = {
        begin: part.ended[Status.COMPLETED] + part.ended[Status.FAILED]
        for begin, bucket in sorted(hour.items())
        for part in [bucket.all()]
    }
    for since in (at - LATELY, at - LENGTH[Span.HOUR]):
        lately = {begin: count for begin, count in ends.items() if count and begin > since}
        if sum(lately.values()) >= RATE_LEAST:
            elapsed = max(at - min(lately), LENGTH[Span.MINUTE])
            return sum(lately.values()) / elapsed.total_seconds()
    return None


def _done_in_s(open_tasks: int, per_s: float | None) -> float | None:
    """Return when at this rate nothing waits or runs any more; None: nobody knows."""
    if not open_tasks:
        return 0.0
    return round(open_tasks / per_s, 1) if per_s else None
