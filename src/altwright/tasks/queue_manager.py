"""RQQueueManager: the four RQ queues, and what users and administrators do with tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from rq import Queue
from rq.queue import EnqueueData

from altwright.domain.counting import counted
from altwright.domain.task import Delivery, Priority
from altwright.domain.user import UserRef
from altwright.errors import (
    ActiveTaskExists,
    DatabaseUnavailable,
    InvalidInput,
    RedisUnavailable,
    TaskNotFound,
)
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.notifier import Messenger
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.progress import ProgressTracker
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.client import EPOCH_KEY, JOB_TTL_S
from altwright.tasks.rq.serializer import RUN_TASK, TaskSerializer, deliverable
from altwright.tasks.rq.user_task_tracker import UserTaskTracker
from altwright.tasks.store.pending import Backlog
from altwright.tasks.store.statistics import Figures, QueueFigures
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.submission_rules import CaptionSecurityManager, NewTask
from altwright.tasks.task import Task, Ticket
from altwright.tasks.task_kind import TaskKind

_log = logging.getLogger(__name__)

#: RQ declares a job abandoned when its time-out has passed, while it may still run. The
#: engine's own limit and leases decide, so RQ's is out of the way (facts: RQ §1).
JOB_TIMEOUT_S = 86_400
SERVICE = "altwright"


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """``window``: jobs per queue that lie in Redis at most; times in seconds."""

    prefix: str = ""
    window: int = 1000
    result_ttl_s: int = 500
    failure_ttl_s: int = 86_400
    max_retries: int = 3


class RQQueueManager:
    """Submits, cancels and requeues tasks; dispatches them to RQ while Redis is usable."""

    def __init__(
        self,
        store: TaskStore,
        backlog: Backlog,
        health: RedisHealthMonitor,
        tracker: UserTaskTracker,
        serializer: type[TaskSerializer],
        kinds: Mapping[str, TaskKind],
        progress: ProgressTracker,
        options: QueueOptions,
        pauses: Pauses,
        messenger: Messenger,
    ) -> None:
        """Take the parts; ``work_waits`` is set at each submit, for workers of this process."""
        self.pauses = pauses
        self.work_waits = messenger.waits
        self._messenger = messenger
        self._store = store
        self._backlog = backlog
        self._health = health
        self._tracker = tracker
        self._kinds = kinds
        self._progress = progress
        self._options = options
        self._security = CaptionSecurityManager()
        self.serializer = serializer
        self.queues = {
            priority: Queue(
                options.prefix + priority.queue, connection=health.client, serializer=serializer
            )
            for priority in Priority
        }

    def submit(
        self,
        kind: str,
        *,
        user: UserRef | None,
        account_id: int | None = None,
        settings: Mapping[str, Any] | None = None,
        priority: str | None = None,
        request_key: str | None = None,
    ) -> Task:
        """Accept a task: it is durable, and on its way to a worker, when this returns.

        Raises:
            InvalidInput: unknown kind or wrong settings.
            NotAllowed: the user asks for more priority than their role allows.
            ActiveTaskExists: the user has an active task of this kind.
            DatabaseUnavailable: the task could not be written; nothing has happened.
        """
        the_kind = self._kinds.get(kind)
        if the_kind is None:
            known = ", ".join(sorted(self._kinds))
            raise InvalidInput(f"There is no kind of task {kind!r}; known are {known}.")
        new = NewTask(
            id=self._security.new_task_id(),
            kind=kind,
            user_id=user.id if user else None,
            account_id=account_id,
            priority=self._security.priority(priority, user, the_kind.default_priority),
            settings=the_kind.checked(settings or {}, user),
            exclusive_key=the_kind.exclusive_key(user, account_id),
            request_key=request_key,
            max_retries=self._options.max_retries,
        )
        self._ask_tracker(new)
        # Written as dispatched while Redis is usable, which spares a second write. Should the
        # dispatch fail, or this process die before it, the dispatcher finds no such job in RQ.
        wish = Delivery.RQ if self._has_room(new.priority) else Delivery.DATABASE
        try:
            task, is_new = self._store.submit(
                new, delivery=wish, actor=user.username if user else SERVICE
            )
        except ActiveTaskExists as stands_there:
            self._track(new.exclusive_key, active=stands_there.task_id)
            raise
        if is_new:
            if task.delivery is Delivery.RQ:
                self._dispatch_or_keep(task.priority, Ticket(task.id, task.attempt))
            self.wake()
            self._progress.publish(task)
        return task

    def submitted(self, user: UserRef, request_key: str) -> Task | None:
        """Return the task that the user has submitted with this key before."""
        return self._store.submitted(user.id, request_key)

    def cancel(self, task_id: str, *, by: UserRef) -> Task:
        """Cancel a task: at once while it waits, at the next item while it runs.

        Raises:
            TaskNotFound: there is none, or it is somebody else's.
            TaskStateConflict: it has ended already.
        """
        task = self._store.cancel(task_id, user_id=scope(by), actor=by.username)
        self._progress.publish_by_id(task_id)
        return task

    def requeue(self, task_id: str, *, by: UserRef) -> Task:
        """Queue a failed task again; its finished items stay finished.

        Raises:
            TaskNotFound, TaskStateConflict, ActiveTaskExists: as TaskStore.requeue.
        """
        task = self._store.requeue(task_id, user_id=scope(by), actor=by.username)
        self.wake()
        self._progress.publish_by_id(task_id)
        return task

    def pause(self, priority: Priority, *, by: UserRef) -> bool:
        """Let no worker take tasks of this priority; return whether one could before.

        Running tasks go on. Every process heeds it within 2 s; submits are still accepted.
        """
        paused = self.pauses.pause(priority, by.username)
        self.take_back(priority)
        return paused

    def resume(self, priority: Priority, *, by: UserRef) -> bool:
        """Let workers take tasks of this priority again; return whether they couldn't."""
        resumed = self.pauses.resume(priority, by.username)
        self.wake()
        return resumed

    def clear(self, priority: Priority, *, by: UserRef) -> int:
        """Cancel every task of this priority that waits now; return how many."""
        cancelled = 0
        for ids in self._store.cancel_queued(priority, actor=by.username):
            cancelled += len(ids)
            for task_id in ids:
                self._progress.publish_by_id(task_id)
        self._empty(priority)
        detail = f"{counted(cancelled, 'task')} cancelled"
        Audit(self._store.database).add(by.username, "queue cleared", priority.queue, detail)
        return cancelled

    def take_back(self, priority: Priority) -> None:
        """Let the database keep what RQ was to deliver, and empty the RQ queue."""
        self._backlog.take_from_rq([priority])
        self._empty(priority)

    def statistics(self) -> list[QueueFigures]:
        """Return the figures of each queue, most urgent first."""
        figures = Figures(self._store.database).by_priority()
        paused = self.pauses.all()
        lengths: Mapping[Priority, int | None] = dict.fromkeys(Priority)
        with suppress(RedisUnavailable):  # then nobody knows what lies in RQ
            lengths = self.lengths()
        return [
            replace(
                figures[priority],
                in_rq=lengths[priority],
                paused_by=paused[priority].by if priority in paused else "",
            )
            for priority in Priority
        ]

    def wake(self) -> None:
        """Tell database workers that something waits: here, and elsewhere while RQ doesn't."""
        self.work_waits.notify_all()
        if not self._health.takes_jobs:
            self._messenger.tell()

    def enqueue(self, priority: Priority, tickets: Sequence[Ticket]) -> None:
        """Put jobs into an RQ queue. Doing so twice is harmless: the claim decides.

        Raises:
            RedisUnavailable: Redis is away; some of them may have got there.
        """
        jobs = []
        for ticket in tickets:
            if deliverable(ticket.task_id, ticket.attempt):
                jobs.append(self._job(ticket))
            else:
                _log.error("task %s can't be delivered and is set aside", ticket.task_id)
                self._backlog.set_aside(ticket.task_id, ticket.attempt, "no worker takes its id")
        with self._health.guarded():
            if jobs:
                self.queues[priority].enqueue_many(jobs)

    def _job(self, ticket: Ticket) -> EnqueueData:
        return Queue.prepare_data(
            RUN_TASK,
            kwargs={"task_id": ticket.task_id, "attempt": ticket.attempt},
            job_id=job_id(ticket),
            # It has had its turn before: a crash mustn't cost it its place.
            at_front=ticket.attempt > 0,
            timeout=JOB_TIMEOUT_S,
            ttl=JOB_TTL_S,
            result_ttl=self._options.result_ttl_s,
            failure_ttl=self._options.failure_ttl_s,
            description=f"task {ticket.task_id}",
        )

    def lengths(self) -> dict[Priority, int]:
        """Return how many jobs lie in each RQ queue. Raises RedisUnavailable."""
        with self._health.guarded() as client:
            pipeline = client.pipeline(transaction=False)
            for queue in self.queues.values():
                pipeline.llen(queue.key)
            return dict(zip(self.queues, pipeline.execute(), strict=True))

    def job_ids(self, priority: Priority) -> set[str]:
        """Return the ids of the jobs in an RQ queue. Raises RedisUnavailable."""
        with self._health.guarded() as client:
            ids: Any = client.lrange(self.queues[priority].key, 0, -1)
        return {one.decode("ascii", "replace") for one in ids}

    @property
    def kinds(self) -> Mapping[str, TaskKind]:
        """Return the kinds of task that can be submitted here."""
        return self._kinds

    @property
    def window(self) -> int:
        """Return how many jobs per queue lie in Redis at most."""
        return self._options.window

    def epoch(self) -> str | None:
        """Return the mark that this Redis bears, None when it bears none.

        Raises:
            RedisUnavailable: Redis is away.
        """
        with self._health.guarded() as client:
            there: Any = client.get(self._epoch_key)
        return None if there is None else str(there.decode("ascii", "replace"))

    def set_epoch(self, epoch: str) -> None:
        """Mark this Redis. Raises RedisUnavailable."""
        with self._health.guarded() as client:
            client.set(self._epoch_key, epoch)

    @property
    def _epoch_key(self) -> str:
        # By prefix, so that two services can share a Redis without taking it for a new one.
        return EPOCH_KEY + (f":{self._options.prefix}" if self._options.prefix else "")

    def _empty(self, priority: Priority) -> None:
        """Take every job out of an RQ queue; without Redis there is nothing to take out."""
        with suppress(RedisUnavailable), self._health.guarded():
            self.queues[priority].empty()

    def _has_room(self, priority: Priority) -> bool:
        if not self._health.takes_jobs or priority in self.pauses.current():
            return False
        try:
            with self._health.guarded() as client:
                length: Any = client.llen(self.queues[priority].key)
        except RedisUnavailable:
            return False
        return int(length) < self._options.window

    def _dispatch_or_keep(self, priority: Priority, ticket: Ticket) -> None:
        try:
            self.enqueue(priority, [ticket])
        except RedisUnavailable:
            try:
                self._backlog.mark([ticket], Delivery.DATABASE)
            except DatabaseUnavailable:
                _log.warning("task %s waits for the dispatcher", ticket.task_id)

    def _ask_tracker(self, new: NewTask) -> None:
        """Refuse early what Redis believes and the database confirms (requirement 4.3)."""
        if new.exclusive_key is None or new.request_key is not None:
            return  # a repeated submit has to get its task, which the database knows
        holder = self._tracker.take(new.exclusive_key, new.id)
        if holder is None:
            return
        try:
            if not self._store.get(holder, None).ended:
                raise ActiveTaskExists(holder)
        except TaskNotFound:
            pass  # it stood there from another time, or was never committed
        self._track(new.exclusive_key, active=new.id)

    def _track(self, exclusive_key: str | None, *, active: str) -> None:
        """Put the active task's id in the place of a wrong one."""
        if exclusive_key is not None:
            self._tracker.hold(exclusive_key, active)


def job_id(ticket: Ticket) -> str:
    """Return the id of the job that delivers this attempt.

    One per attempt: RQ's clean-up of an ended attempt can't delete the job of the next.
    """
    return f"{ticket.task_id}-{ticket.attempt}"


def scope(user: UserRef) -> int | None:
    """Return whose tasks a user may touch: None means everybody's."""
    return None if user.is_admin else user.id
