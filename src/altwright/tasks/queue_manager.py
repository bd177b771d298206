"""RQQueueManager: what users do with tasks, and how a new one gets on its way."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from altwright import tracing
from altwright.domain.counting import counted, duration
from altwright.domain.task import Delivery
from altwright.domain.user import UserRef
from altwright.errors import (
    ActiveTaskExists,
    DatabaseUnavailable,
    InvalidInput,
    NotAllowed,
    RateLimited,
    RedisUnavailable,
    TaskNotFound,
)
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.cluster.worker_wakeup import Messenger
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import JobQueues
from altwright.tasks.rq.user_task_tracker import UserTaskTracker
from altwright.tasks.store.backlog import Backlog
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.submission_rules import CaptionSecurityManager, NewTask
from altwright.tasks.task import Task, Ticket
from altwright.tasks.task_kind import TaskKind

_log = logging.getLogger(__name__)

SERVICE = "altwright"


class RQQueueManager:
    """Submits, cancels and requeues tasks; new ones go to RQ while Redis is usable."""

    def __init__(
        self,
        store: TaskStore,
        backlog: Backlog,
        health: RedisHealthMonitor,
        tracker: UserTaskTracker,
        jobs: JobQueues,
        kinds: Mapping[str, TaskKind],
        progress: ProgressTracker,
        pauses: Pauses,
        messenger: Messenger,
        *,
        max_retries: int,
        runs_per_day: int,
    ) -> None:
        """Take the parts; ``work_waits`` is set at each submit, for workers of this process."""
        self.work_waits = messenger.waits
        self.jobs = jobs
        self._messenger = messenger
        self._store = store
        self._backlog = backlog
        self._health = health
        self._tracker = tracker
        self._kinds = kinds
        self._progress = progress
        self._pauses = pauses
        #: What each new task begins with.
        self.max_retries = max_retries
        #: What each user may start within a day of rationed kinds; 0: no limit.
        self.runs_per_day = runs_per_day
        self._security = CaptionSecurityManager()

    def submit(
        self,
        kind: str,
        *,
        user: UserRef | None,
        account_id: int | None = None,
        settings: Mapping[str, Any] | None = None,
        priority: str | None = None,
        request_key: str | None = None,
        by: UserRef | None = None,
    ) -> Task:
        """Accept a task: it is durable, and on its way to a worker, when this returns.

        ``by`` is who asks for a task of the service itself, for its history.

        Raises:
            InvalidInput: unknown kind or wrong settings.
            NotAllowed: the user asks for more priority than their role allows.
            ActiveTaskExists: the user has an active task of this kind.
            NotFound: the account isn't there, or isn't the user's.
            RateLimited: the user has started as many runs within a day as they may.
            DatabaseUnavailable: the task could not be written; nothing has happened.
        """
        the_kind = self._kinds.get(kind)
        if the_kind is None:
            known = ", ".join(sorted(self._kinds))
            raise InvalidInput(f"There is no kind of task {kind!r}; known are {known}.")
        task_id = self._security.new_task_id()
        with tracing.submitted(task_id, kind=kind):
            return self._submitted(
                task_id, the_kind, user, account_id, settings, priority, request_key, by
            )

    def _submitted(
        self,
        task_id: str,
        the_kind: TaskKind,
        user: UserRef | None,
        account_id: int | None,
        settings: Mapping[str, Any] | None,
        priority: str | None,
        request_key: str | None,
        by: UserRef | None,
    ) -> Task:
        new = NewTask(
            id=task_id,
            kind=the_kind.name,
            user_id=user.id if user else None,
            account_id=account_id,
            priority=self._security.priority(priority, user, the_kind.default_priority),
            settings=the_kind.checked(settings or {}, user),
            exclusive_key=the_kind.exclusive_key(user, account_id),
            request_key=request_key,
            max_retries=self.max_retries,
        )
        self._ration(the_kind, new, user)
        items = the_kind.planned(new.settings)
        # Written as dispatched while Redis is usable, which spares a second write. Should the
        # dispatch fail, or this process die before it, the dispatcher finds no such job in RQ.
        wish = Delivery.RQ if self._goes_to_rq(new) else Delivery.DATABASE
        tells = not self._health.takes_jobs
        try:
            task, is_new = self._store.submit(
                new,
                delivery=wish,
                actor=who.username if (who := user or by) else SERVICE,
                items=items,
                tells=tells,
            )
        except ActiveTaskExists as stands_there:
            self._track(new.exclusive_key, active=stands_there.task_id)
            raise
        if is_new:
            if task.delivery is Delivery.RQ:
                task = self._dispatched(task)
            self.wake(are_told=tells)
            self._progress.publish(task)
        return task

    def submitted(self, user: UserRef, request_key: str) -> Task | None:
        """Return the task that the user has submitted with this key before."""
        return self._store.submitted(user.id, request_key)

    def cancel(self, task_id: str, *, by: UserRef, why: str = "") -> Task:
        """Cancel a task: at once while it waits, at the next item while it runs.

        ``why`` is for its history, which its user sees.

        Raises:
            TaskNotFound: there is none, or it is somebody else's.
            TaskStateConflict: it has ended already.
        """
        owner = scope(by)
        task = self._store.cancel(task_id, user_id=owner, actor=by.username, detail=why)
        self._progress.publish_by_id(task_id)
        return task

    def requeue_failed(self, task_id: str, *, by: UserRef) -> Task:
        """Queue a failed task again; its finished items stay finished.

        Raises:
            TaskNotFound, TaskStateConflict, ActiveTaskExists: as TaskStore.requeue_failed.
            NotAllowed: it is an administrator's order, and they are none.
        """
        if by.looks_after_tasks and not by.is_admin:
            kind = self._kinds.get(self._store.get(task_id, None).kind)
            if kind is not None and kind.is_for_administrators:
                raise NotAllowed("Only an administrator may give this order again.")
        task = self._store.requeue_failed(task_id, user_id=scope(by), actor=by.username)
        self.wake()
        self._progress.publish_by_id(task_id)
        return task

    def wake(self, *, are_told: bool = False) -> None:
        """Tell database workers that something waits: here, and elsewhere while RQ doesn't.

        ``are_told``: those elsewhere know already.
        """
        self.work_waits.notify_all()
        if not are_told and not self._health.takes_jobs:
            self._messenger.tell()

    @property
    def kinds(self) -> Mapping[str, TaskKind]:
        """Return the kinds of task that can be submitted here."""
        return self._kinds

    def _dispatched(self, task: Task) -> Task:
        """Hand a new task to RQ, or let the database keep it; return it as it is then."""
        ticket = Ticket(task.id, task.attempt)
        try:
            if self.jobs.add(task.priority, ticket):
                return task
        except RedisUnavailable:
            pass
        try:
            self._backlog.mark([ticket], Delivery.DATABASE)
        except DatabaseUnavailable:
            _log.warning("task %s waits for the dispatcher", ticket.task_id)
            return task
        return replace(task, delivery=Delivery.DATABASE)

    def _goes_to_rq(self, new: NewTask) -> bool:
        """Return whether a new task may go to RQ; Redis is asked once who is active, at most.

        Raises:
            ActiveTaskExists: Redis believes, and the database confirms, that the user has an
                active task (requirement 4.3).
        """
        # A repeated submit has to get its task, which the database knows.
        if new.exclusive_key is not None and new.request_key is None:
            try:
                holder = self._tracker.take(new.exclusive_key, new.id)
            except RedisUnavailable:
                return False
            if holder is not None:
                self._confirm(new, holder)
        return self._health.takes_jobs and new.priority not in self._pauses.current()

    def _confirm(self, new: NewTask, holder: str) -> None:
        """Refuse a task because of the one that Redis names; correct Redis where it is wrong."""
        try:
            there = self._store.get(holder, None)
        except TaskNotFound:
            pass  # it stood there from another time, or was never committed
        else:
            # Whoever writes to Redis could enter somebody else's task there.
            if there.exclusive_key == new.exclusive_key and not there.ended:
                raise ActiveTaskExists(holder)
        self._track(new.exclusive_key, active=new.id)

    def _ration(self, kind: TaskKind, new: NewTask, user: UserRef | None) -> None:
        """Refuse one run too many of a user within a day. Raises RateLimited."""
        if not kind.is_rationed or user is None or user.is_admin:
            return
        most = self.runs_per_day if user.runs_per_day is None else user.runs_per_day
        if not most:
            return
        wait_s = self._store.wait_for_another(user.id, kind.name, most)
        # A submit that is repeated gets its task, whatever came after it.
        if wait_s > 0 and not self._store.submitted(user.id, new.request_key):
            words = f"You may start {counted(most, 'run')} within a day"
            again = f"the next one is possible in {duration(wait_s)}"
            raise RateLimited(f"{words}; {again}.", retry_in_s=wait_s)

    def _track(self, exclusive_key: str | None, *, active: str) -> None:
        """Put the active task's id in the place of a wrong one."""
        if exclusive_key is not None:
            self._tracker.hold(exclusive_key, active)


def scope(user: UserRef) -> int | None:
    """Return whose tasks a user may touch: None means everybody's."""
    return None if user.looks_after_tasks else user.id
