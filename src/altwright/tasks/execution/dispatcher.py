"""Dispatches queued tasks to RQ and reconciles RQ with the database; one active per cluster."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from altwright.background import BackgroundLoop
from altwright.domain.task import Delivery
from altwright.domain.worker import gone_from_this_host
from altwright.errors import RedisUnavailable
from altwright.tasks.cluster.delivery_wish import ROW as DELIVERY_WISH
from altwright.tasks.cluster.delivery_wish import wished
from altwright.tasks.cluster.queue_pauses import Pauses
from altwright.tasks.cluster.role_leases import Leases
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.execution.delivery_ledger import DeliveryLedger
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import JobQueues, job_id
from altwright.tasks.store.backlog import BATCH, Backlog
from altwright.tasks.store.expired_leases import Rescuer

_log = logging.getLogger(__name__)

#: The role's name in the table of leases, and the seconds after which another takes over.
ROLE, ROLE_S = "dispatcher", 3.0
#: Seconds between two passes, and between two comparisons of RQ's queues with the database.
EVERY_S, COMPARE_EVERY_S = 0.5, 2.0
#: Why Redis isn't used although it answers.
FULL = "Redis has no room for more tasks."
#: Rows of service_state.
EPOCH, MODE, STRANGE_KEYS = "redis_epoch", "delivery", "redis_strange_keys"


class Dispatcher:
    """Dispatches what waits, takes back what was lost, and follows Redis down and up."""

    def __init__(
        self,
        backlog: Backlog,
        rescuer: Rescuer,
        leases: Leases,
        state: ServiceState,
        ledger: DeliveryLedger,
        jobs: JobQueues,
        pauses: Pauses,
        wake: Callable[[], None],
        health: RedisHealthMonitor,
        progress: ProgressTracker,
        *,
        owner: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ``wake``, which tells database workers that something waits.

        ``owner`` is the name of this process in the cluster.
        """
        self._backlog = backlog
        self._rescuer = rescuer
        self._leases = leases
        self._state = state
        self._ledger = ledger
        self._jobs = jobs
        self._pauses = pauses
        self._wake = wake
        self._health = health
        self._progress = progress
        self._owner = owner
        self._clock = clock
        self._compared_at = -COMPARE_EVERY_S
        #: Competes for the role, and gives it up at the end.
        self.loop = BackgroundLoop("dispatcher", self.tick, every_s=EVERY_S, at_end=self._release)

    def _release(self) -> None:
        self._leases.release([ROLE], self._owner)

    def tick(self) -> bool:
        """Do one pass if this process holds the role; return whether it does."""
        if not self._leases.hold(ROLE, self._owner, ROLE_S):
            return False
        self.rescue()
        if self._backlog.wake_delayed():
            self._wake()
        epoch, mode, wish = self._state.get_many(EPOCH, MODE, DELIVERY_WISH)
        self._health.hold(wished(wish) is Delivery.DATABASE)
        if self._health.held:
            self._backlog.take_from_rq()  # also what a process submits that doesn't know yet
        if self._health.usable:
            try:
                self._follow_epoch(epoch)
                self._heed_pauses()
                self._compare()
                mode = self._note_mode(
                    mode, Delivery.RQ if self._health.takes_jobs else Delivery.DATABASE
                )
                self._dispatch()
            except RedisUnavailable as error:
                _log.warning("dispatcher: %s", error)
        if not self._health.usable:
            moved = self._backlog.take_from_rq()
            self._note_mode(mode, Delivery.DATABASE)
            if moved:
                _log.warning("tasks that go on with the database: %s", moved)
                self._ledger.take_over(moved)
        return True

    def rescue(self) -> int:
        """Take back tasks whose lease has run out or whose worker's process is gone."""
        why: dict[tuple[str, int], str] = {}
        for task_id, attempt, worker_id, expired in self._rescuer.running():
            if gone_from_this_host(worker_id):
                why[task_id, attempt] = "worker process is gone"
            elif expired:
                why[task_id, attempt] = "lease ran out"
        for (task_id, attempt), reason in why.items():
            if self._rescuer.rescue(task_id, attempt, reason):
                _log.warning("task %s attempt %s rescued: %s", task_id, attempt, reason)
                self._progress.publish_by_id(task_id)
        return len(why)

    def _follow_epoch(self, kept: Any) -> None:
        """Notice a Redis that came back empty, older, or as another one.

        Redis holds the same counter as the database. They differ only if Redis lost it, or
        got back to an older one; then nothing that it holds is relied on.
        """
        if kept is not None and self._jobs.epoch() == kept:
            return
        moved = self._backlog.take_from_rq() if kept is not None else 0
        epoch = secrets.token_hex(8)
        self._state.set(EPOCH, epoch)
        self._jobs.set_epoch(epoch)
        if kept is not None:
            _log.warning("redis came back empty or older; tasks dispatched again: %s", moved)

    def _heed_pauses(self) -> None:
        """Take back what lies in a paused RQ queue, also of a submit that didn't know yet."""
        paused = self._pauses.current()
        if paused:
            for priority in self._backlog.priorities(Delivery.RQ):
                if priority in paused:
                    self._jobs.take_back(priority)

    def _compare(self) -> None:
        """Find tasks that should lie in RQ and don't: lost between two steps, or taken out."""
        if self._clock() - self._compared_at < COMPARE_EVERY_S:
            return
        self._compared_at = self._clock()
        strange = self._jobs.remove_strange_keys()
        if strange:
            _log.error("keys of RQ that something else had taken are removed: %s", strange)
            self._state.set(STRANGE_KEYS, strange)
        for priority in self._backlog.priorities(Delivery.RQ):
            tickets = self._backlog.dispatched(priority, 2 * self._jobs.window)
            there = self._jobs.job_ids(priority)
            lost = [ticket for ticket in tickets if job_id(ticket) not in there]
            if lost:
                _log.warning("tasks that weren't in queue %s: %s", priority.queue, len(lost))
                self._backlog.mark(lost, Delivery.DATABASE)

    def _dispatch(self) -> None:
        if not self._health.takes_jobs:
            return
        paused = self._pauses.current()
        waiting = self._backlog.priorities(Delivery.DATABASE)
        priorities = [priority for priority in waiting if priority not in paused]
        lengths = self._jobs.lengths() if priorities else {}
        for priority in priorities:
            length = lengths[priority]
            while (room := min(self._jobs.window - length, BATCH)) > 0:
                tickets = self._backlog.due(priority, room)
                if not tickets:
                    break
                # Marked first: a crash in between leaves what the comparison finds.
                self._backlog.mark(tickets, Delivery.RQ)
                self._jobs.enqueue(priority, tickets)
                length += len(tickets)
                if len(tickets) < room:
                    break

    def _note_mode(self, before: Any, mode: Delivery) -> Delivery:
        """Keep who delivers, if it isn't who did before; return it."""
        if before != mode:
            level = logging.WARNING if before else logging.INFO  # a first start is no news
            _log.log(level, "delivery is %s now", mode)
            self._state.set(MODE, mode)
            if mode is Delivery.DATABASE:
                self._ledger.begin(FULL if self._health.usable else self._health.words)
            else:
                self._ledger.end()
        return mode
