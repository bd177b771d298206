"""The task engine of one process, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from altwright.background import BackgroundLoop
from altwright.domain.limits import Limits
from altwright.domain.retry_policy import Backoff
from altwright.tasks.administration import Administration
from altwright.tasks.bulk_task import BulkTask
from altwright.tasks.cluster.delivery_wish import DeliveryWish
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.cluster.worker_control import WorkerControl
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.cluster.worker_wakeup import Messenger, WorkWaits
from altwright.tasks.execution.delivery_ledger import DeliveryLedger
from altwright.tasks.execution.dispatcher import Dispatcher
from altwright.tasks.execution.lease_renewer import LeaseKeeper
from altwright.tasks.execution.retrying import OUTAGE_PATIENCE_S, Retrying
from altwright.tasks.execution.runner import TaskRunner
from altwright.tasks.page_updates import Emit, ProgressTracker
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import JobQueues, QueueOptions
from altwright.tasks.rq.serializer import serializer_for
from altwright.tasks.rq.user_task_tracker import UserTaskTracker
from altwright.tasks.store.backlog import Backlog
from altwright.tasks.store.bulk_changes import BulkChanges
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.expired_leases import Rescuer
from altwright.tasks.store.items import Items
from altwright.tasks.store.preemption import SignalStore
from altwright.tasks.store.repair import TaskRepair
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task_kind import TaskKind
from altwright.workers.worker import WorkParts


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What differs between services; times in seconds, and as TaskRunner and Claims say."""

    queue: QueueOptions = field(default_factory=QueueOptions)
    limits: Limits = field(default_factory=Limits)
    backoff: Backoff = field(default_factory=Backoff)
    lease_s: float = 15.0
    limit_s: float = 3600.0
    slice_s: float = 300.0
    patience_s: float = OUTAGE_PATIENCE_S
    #: How long an entry of UserTaskTracker lives unless it is renewed.
    tracker_s: float = 30.0


class Engine:
    """Every part of the engine; threads begin with ``loops``."""

    def __init__(
        self,
        store: TaskStore,
        health: RedisHealthMonitor,
        kinds: dict[str, TaskKind],
        options: EngineOptions,
        *,
        owner: str,
        emit: Emit = lambda *_: None,
        waits: WorkWaits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put it together; nothing connects yet.

        Args:
            store: on its database works everything.
            health: its Redis delivers tasks.
            kinds: what can be submitted; more may come until the first one is.
            options: what operators set.
            owner: the name of this process in the cluster.
            emit: tells users' pages of changes.
            waits: what idle workers of this process wait on.
            clock: seconds that throttles, pings and time limits go by.
        """
        database, box = store.database, store.box
        self.store = store
        self.health = health
        self.kinds = kinds
        self.leases = Leases(database)
        self.state = ServiceState(database)
        self.wish = DeliveryWish(self.state, health.hold)
        self.ledger = DeliveryLedger(self.state, Figures(database))
        self.roster = Roster(database)
        self.control = WorkerControl(database)
        self.backlog = Backlog(database)
        self.rescuer = Rescuer(database)
        self.repair = TaskRepair(store, self.backlog, kinds)
        self.pauses = Pauses(database, clock)
        self.limits = LimitBook(database, options.limits, clock)
        self.claims = Claims(database, box, options.lease_s, self.limits)
        self.signals = SignalStore(database, self.limits)
        self.items = Items(database, self.signals, options.lease_s)
        self.messenger = Messenger(
            database,
            waits or WorkWaits(),
            lambda: None if health.takes_jobs else self.backlog.first(),
        )
        self.tracker = UserTaskTracker(health, options.tracker_s)
        self.progress = ProgressTracker(store, self.claims, self.tracker, emit, clock)
        jobs = JobQueues(health, self.backlog, serializer_for(box), options.queue)
        self.queue = RQQueueManager(
            store,
            self.backlog,
            health,
            self.tracker,
            jobs,
            kinds,
            self.progress,
            self.pauses,
            self.messenger,
            max_retries=options.queue.max_retries,
            runs_per_day=options.queue.runs_per_day,
        )
        changes = BulkChanges(database)
        kinds[BulkTask.name] = BulkTask(store, changes, self.progress, self.pauses, self.queue.wake)
        self.administration = Administration(
            store, self.queue, self.pauses, self.limits, self.progress, changes
        )
        self.retrying = Retrying(self.claims, options.backoff, options.patience_s)
        self.runner = TaskRunner(
            self.claims,
            self.items,
            self.signals,
            kinds,
            self.progress,
            LeaseKeeper(
                self.claims, self.signals, self.progress.flush, self.tracker.follow, clock=clock
            ),
            self.retrying,
            limit_s=options.limit_s,
            slice_s=options.slice_s,
            clock=clock,
        )
        self.dispatcher = Dispatcher(
            self.backlog,
            self.rescuer,
            self.leases,
            self.state,
            self.ledger,
            jobs,
            self.pauses,
            self.queue.wake,
            health,
            self.progress,
            owner=owner,
            clock=clock,
        )
        #: The threads of a process, in the order of their start.
        self.loops: tuple[BackgroundLoop, ...] = (
            health.loop,
            self.runner.leases.loop,
            self.dispatcher.loop,
            self.messenger.loop,
        )

    def adopt(self, options: EngineOptions) -> None:
        """Go by what administrators changed while all runs; leases and limits stay."""
        self.queue.jobs.adopt(options.queue)
        self.queue.max_retries = options.queue.max_retries
        self.queue.runs_per_day = options.queue.runs_per_day
        self.retrying.adopt(options.backoff, options.patience_s)
        self.runner.adopt(options.limit_s, options.slice_s)

    def work_parts(
        self, session: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> WorkParts:
        """Return what workers share; ``session`` surrounds each task."""
        return WorkParts(self.claims, self.runner, session, self.pauses.current, self.limits.closed)
