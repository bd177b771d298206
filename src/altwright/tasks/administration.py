"""What administrators do to queues and tasks, each with an entry in the audit log.

A pause can be resumed and a failed task be queued again; a cancelled task is not undone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from altwright.domain.counting import counted
from altwright.domain.limits import Limits
from altwright.domain.task import Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import Conflict, InvalidInput, RedisUnavailable
from altwright.tasks.audit_log import WHY_MOST, Audit
from altwright.tasks.bulk_task import BulkTask, Order, order_of
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.store.bulk_changes import BulkAction, BulkChanges, Preview, Selection
from altwright.tasks.store.concurrency_limits import LimitBook
from altwright.tasks.store.statistics import Figures, QueueFigures
from altwright.tasks.store.task_search import TaskFilter
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Task


class Administration:
    """Who may do this is asked before: `altwright` on the host, or an administrator's session."""

    def __init__(
        self,
        store: TaskStore,
        queue: RQQueueManager,
        pauses: Pauses,
        limits: LimitBook,
        progress: ProgressTracker,
        changes: BulkChanges,
    ) -> None:
        self._store = store
        self._queue = queue
        self._pauses = pauses
        self._limits = limits
        self._progress = progress
        self._changes = changes
        self._audit = Audit(store.database)

    def pause(self, priority: Priority, *, by: UserRef) -> bool:
        """Let no worker take tasks of this priority; return whether one could before.

        Running tasks go on. Every process heeds it within 2 s; submits are still accepted.
        """
        paused = self._pauses.pause(priority, by)
        self._queue.jobs.take_back(priority)
        return paused

    def resume(self, priority: Priority, *, by: UserRef) -> bool:
        """Let workers take tasks of this priority again; return whether they couldn't."""
        resumed = self._pauses.resume(priority, by)
        self._queue.wake()
        return resumed

    def cancel_waiting(self, priority: Priority, *, by: UserRef) -> int:
        """Cancel every task of this priority that waits now; return how many."""
        cancelled = 0
        for ids in self._store.cancel_queued(priority, actor=by.username):
            cancelled += len(ids)
            for task_id in ids:
                self._progress.publish_by_id(task_id)
        self._queue.jobs.empty(priority)
        detail = f"{counted(cancelled, 'task')} cancelled"
        self._audit.add(by, "queue cleared", priority.queue, detail)
        return cancelled

    def limits(self) -> Limits:
        """Return the limits that hold now."""
        return self._limits.current()

    def limit(self, limits: Limits | None, *, by: UserRef) -> None:
        """Let these limits hold in every process; None: those of the settings again."""
        before = self._limits.current().words()
        self._limits.change(limits)
        after = self._limits.current().words()
        self._audit.add(by, "limits changed", before=before, after=after)

    def cancel(self, task_id: str, *, by: UserRef, why: str = "") -> Task:
        """Cancel anybody's task. Raises as RQQueueManager.cancel."""
        before = self._store.get(task_id, None)
        after = self._queue.cancel(task_id, by=by, why=why)
        self._noted(by, "task cancelled", before, before.status, after.status, why)
        return after

    def requeue_failed(self, task_id: str, *, by: UserRef) -> Task:
        """Queue anybody's failed task again. Raises as RQQueueManager.requeue_failed."""
        before = self._store.get(task_id, None)
        after = self._queue.requeue_failed(task_id, by=by)
        self._noted(by, "task requeued", before, before.status, after.status)
        return after

    def reprioritise(self, task_id: str, priority: Priority, *, by: UserRef) -> Task:
        """Give a waiting task another priority. Raises as TaskStore.reprioritise."""
        before = self._store.get(task_id, None)
        after = self._store.reprioritise(task_id, priority, actor=by.username)
        self._queue.wake()
        self._progress.publish(after)
        self._noted(by, "task reprioritised", before, before.priority.queue, priority.queue)
        return after

    def _noted(
        self, by: UserRef, action: str, task: Task, before: str, after: str, detail: str = ""
    ) -> None:
        """Write what was done to a task; nothing if it is a person's own."""
        if by.id != task.user_id:
            self._audit.add(by, action, task.id, detail, before=before, after=after)

    def preview(self, selection: Selection) -> Preview:
        """Count what ``change_many`` would do."""
        return self._changes.preview(selection)

    def selection(
        self, action: BulkAction, wanted: TaskFilter, priority: Priority | None = None
    ) -> Selection:
        """Return what is to be done to all tasks that match now; later ones are left alone."""
        return Selection(action, wanted, self._store.database.now(), priority)

    def change_many(
        self, selection: Selection, *, why: str, by: UserRef, username: str | None = None
    ) -> Task:
        """Do something to all tasks of a selection, in the background; return the task that does.

        ``username`` is that of the selection's user, for words.

        Raises:
            InvalidInput: there is no reason, or a wrong one.
            Conflict: there is nothing to be done.
            ActiveTaskExists: another such task is active.
        """
        why = why.strip()
        if not 0 < len(why) <= WHY_MOST or not why.isprintable():
            fault = f"should be a reason, of 1 to {WHY_MOST} characters, in one line"
            raise InvalidInput("Say why.", {"why": fault})
        counts = self.preview(selection)
        if not counts.applicable:
            raise Conflict("There is no task to which this could be done.")
        words = selection.wanted.words(username)
        order = Order(selection, by, why, words, counts.matching, counts.applicable)
        task = self._queue.submit(BulkTask.name, user=None, by=by, settings=order.to_json())
        action = f"bulk {selection.action} begun"
        detail = f"{words}: {counts.applicable.words} of {counts.matching.words}; why: {why}"
        after = "" if selection.priority is None else selection.priority.queue
        self._audit.add(by, action, task.id, detail, after=after)
        return task

    def undo(self, task_id: str, *, why: str, by: UserRef) -> Task:
        """Give those that wait still the priority back that a bulk change took from them.

        Raises:
            TaskNotFound: there is no such task.
            Conflict: it has changed no priorities, or all of them have moved on.
            InvalidInput, ActiveTaskExists: as change_many.
        """
        task = self._store.get(task_id, None)
        order = order_of(task)
        if order is None or order.selection.action is not BulkAction.PRIORITY or not task.ended:
            raise Conflict("Only a change of many priorities that is over can be taken back.")
        until, priority = self._store.database.now(), order.selection.priority
        selection = Selection(BulkAction.UNDO, TaskFilter(), until, priority, task_id)
        return self.change_many(selection, why=why, by=by)

    def queues(self, statuses: Collection[Status] = ()) -> list[QueueFigures]:
        """Return the figures of each queue, most urgent first; ``statuses`` as in by_priority."""
        figures = Figures(self._store.database).by_priority(statuses)
        paused = self._pauses.all()
        lengths: Mapping[Priority, int | None] = dict.fromkeys(Priority)
        with suppress(RedisUnavailable):  # then nobody knows what lies in RQ
            lengths = self._queue.jobs.lengths()
        return [
            replace(
                figures[priority],
                in_rq=lengths[priority],
                paused_by=paused[priority].by if priority in paused else "",
            )
            for priority in Priority
        ]
