"""What administrators see of workers, and what they do to them; each act is in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altwright.domain.counting import counted
from altwright.domain.limits import SCALE_MOST
from altwright.domain.user import UserRef
from altwright.domain.worker import StartedBy
from altwright.errors import InvalidInput, NotFound, TaskStateConflict
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.stack_dumps import StackDump, StackDumps
from altwright.tasks.cluster.stopped_workers import STANDING_S, group_of
from altwright.tasks.cluster.worker_control import (
    INTEGRATED,
    POOL,
    Group,
    PoolSize,
    Wish,
    Wishes,
    WorkerControl,
)
from altwright.tasks.cluster.worker_registry import Roster, WorkerRecord
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.store.expired_leases import Rescuer
from altwright.tasks.store.running_work import RunningTask, RunningWork
from altwright.tasks.store.statistics import Figures

#: What starts workers again that no process of ours does.
_AFTERWARDS: dict[str, str] = {
    StartedBy.SYSTEMD: "systemd starts it again",
    StartedBy.NOBODY: "whatever runs it has to start it again",
}


@dataclass(frozen=True, slots=True)
class GroupState:
    """Workers that are scaled, stopped and restarted together.

    ``can_scale``: their number can be changed, and they can be started again, from here; else
    ``afterwards`` says what starts them again. ``least`` and ``most`` are how many are wanted (of
    a pool: processes), ``there`` how many there are.
    """

    group: Group
    wishes: Wishes
    workers: tuple[WorkerRecord, ...]
    least: int
    most: int
    there: int
    can_scale: bool = False
    afterwards: str = ""

    @property
    def alive(self) -> int:
        """Return how many workers there are."""
        return sum(not one.vanished for one in self.workers)

    @property
    def standing(self) -> str:
        """Return what was asked for and how far that is, in words; "" if nothing was."""
        alive = [one for one in self.workers if not one.vanished]
        scale, again, end = self.wishes.scale, self.wishes.again, self.wishes.end
        if scale and not scale.most:
            return f"Asked to stop by {scale.by}: {_left(len(alive))}."
        later = [one for one in (again, end) if one]
        if later:
            last = max(later, key=lambda one: one.at)
            left = sum(one.started_at < last.at for one in alive)
            if last is end:
                return f"Asked to stop by {last.by}: {_left(left)}."
            words = f"{counted(left, 'worker')} to come" if left else "all were replaced"
            # What is over gives way to what was asked for after it.
            if left or scale is None or scale.at < last.at:
                return f"Asked to restart by {last.by}: {words}."
        if scale is None:
            return ""
        span = self.most if self.least == self.most else f"{self.least} to {self.most}"
        return f"{span} wanted by {scale.by}."

    def to_json(self) -> dict[str, Any]:
        """Return the shape that pages, the REST API and the command line show."""
        wishes = {"scale": self.wishes.scale, "restart": self.wishes.again, "stop": self.wishes.end}
        return {
            "kind": self.group.kind,
            "host": self.group.host,
            "words": self.group.words,
            "can_scale": self.can_scale,
            "least": self.least,
            "most": self.most,
            "there": self.there,
            "workers": self.alive,
            "standing": self.standing,
            "afterwards": self.afterwards,
            "asked": {
                what: {"by": wish.by, "at": wish.at.isoformat()}
                for what, wish in wishes.items()
                if wish
            },
        }


class WorkerAdministration:
    """Who may do this is asked before, as for Administration."""

    def __init__(
        self,
        roster: Roster,
        control: WorkerControl,
        stacks: StackDumps,
        work: RunningWork,
        figures: Figures,
        rescuer: Rescuer,
        queue: RQQueueManager,
        progress: ProgressTracker,
        audit: Audit,
        configured: Callable[[], int],
    ) -> None:
        """Take ``configured``, how many integrated workers the settings name; 0: none."""
        self._roster = roster
        self._control = control
        self._stacks = stacks
        self._work = work
        self._figures = figures
        self._rescuer = rescuer
        self._queue = queue
        self._progress = progress
        self._audit = audit
        self._configured = configured

    def running(self) -> dict[str, RunningTask]:
        """Return the running tasks by their workers' ids."""
        tasks = self._work.all(self._figures.item_s())
        return {task.worker_id: task for task in tasks}

    def running_task(self, task_id: str) -> RunningTask | None:
        """Return what a task is at; None: it doesn't run."""
        return next((one for one in self.running().values() if one.id == task_id), None)

    def workers(self) -> list[dict[str, Any]]:
        """Return every worker with what it does, by host and process."""
        running = self.running()
        return [
            {
                **worker.to_json(),
                "state": worker.state(works=bool(task), is_stuck=bool(task and task.is_stuck)),
                "task": task.to_json() if task else None,
            }
            for worker in self._roster.all()
            for task in [running.get(worker.id)]
        ]

    def groups(self) -> list[GroupState]:
        """Return what can be scaled, stopped and restarted, integrated workers first."""
        wishes = self._control.all()
        pools = {Group(POOL, size.host): size for size in self._control.pools()}
        members: dict[Group, list[WorkerRecord]] = {}
        for worker in self._roster.all():
            members.setdefault(group_of(worker), []).append(worker)
        at = self._control.database.now()
        shown = {group for group, them in members.items() if not all(one.vanished for one in them)}
        shown |= {group for group, one in wishes.items() if _is_fresh(one.end, at)}
        shown |= pools.keys()
        if self._configured() or INTEGRATED in wishes:
            shown.add(INTEGRATED)
        return [
            self._group(group, wishes.get(group, Wishes()), members.get(group, ()), pools)
            for group in sorted(shown, key=lambda one: (one != INTEGRATED, one))
        ]

    def scale(self, kind: str, host: str, least: int, most: int, *, by: UserRef) -> GroupState:
        """Let there be so many workers, or processes of a pool. Returns how that stands.

        Raises:
            NotFound: there are no such workers.
            InvalidInput: they can't be scaled from here, or the numbers are wrong.
        """
        state = self._named(kind, host)
        self._unless_scalable(state)
        if not 0 <= least <= most <= SCALE_MOST:
            raise InvalidInput(
                f"Numbers of workers go from 0 to {SCALE_MOST}, the least no higher than the most."
            )
        if state.group == INTEGRATED and least != most:
            raise InvalidInput("Integrated workers don't grow with the backlog: name one number.")
        self._control.scale(state.group, least, most, by, state.alive)
        return self._named(kind, host)

    def reset(self, kind: str, host: str, *, by: UserRef) -> GroupState:
        """Let the settings say again how many there are. Raises as ``scale``."""
        state = self._named(kind, host)
        self._unless_scalable(state)
        self._control.reset(state.group, by)
        return self._named(kind, host)

    def stop(self, kind: str, host: str, *, by: UserRef) -> GroupState:
        """Let workers end their tasks and take no more.

        Those that can't be started again from here end with their processes; see ``afterwards``.

        Raises:
            NotFound: there are no such workers.
        """
        state = self._named(kind, host)
        if state.can_scale:
            self._control.scale(state.group, 0, 0, by, state.alive)
        else:
            self._control.end(state.group, by, state.alive)
        return self._named(kind, host)

    def restart(self, kind: str, host: str, *, by: UserRef) -> GroupState:
        """Let their processes be replaced, one after the other. Raises NotFound."""
        state = self._named(kind, host)
        self._control.again(state.group, by)
        return self._named(kind, host)

    def ask_stack(self, worker_id: str, *, by: UserRef) -> None:
        """Ask what a worker's thread is doing; ``stack`` has the answer within 2 s.

        Raises:
            NotFound: there is no such worker.
        """
        if all(one.id != worker_id for one in self._roster.all()):
            raise NotFound("There is no such worker any more.")
        self._stacks.ask(worker_id, by)

    def stack(self, worker_id: str) -> StackDump:
        """Return what was asked for last. Raises NotFound: nobody has lately."""
        found = self._stacks.of(worker_id)
        if found is None:
            raise NotFound("Nobody has asked lately what this worker is at.")
        return found

    def take_over(self, task_id: str, attempt: int, *, by: UserRef) -> None:
        """Take a running task from its worker, for another one to go on with.

        Whatever the worker writes to it from now on is refused; the item in hand is tried later.

        Raises:
            TaskStateConflict: it doesn't run this attempt any more.
        """
        if not self._rescuer.rescue(task_id, attempt, f"taken over by {by.username}"):
            raise TaskStateConflict(task_id, expected=f"running attempt {attempt}")
        self._audit.add(by, "task taken over", task_id, f"attempt {attempt}")
        self._queue.wake()
        self._progress.publish_by_id(task_id)

    def _named(self, kind: str, host: str) -> GroupState:
        groups = self.groups()
        for state in groups:
            if state.group == (kind, host):
                return state
        known = "; ".join(one.group.words for one in groups) or "none at all"
        raise NotFound(f"There are no such workers; there are: {known}.")

    def _unless_scalable(self, state: GroupState) -> None:
        if not state.can_scale:
            raise InvalidInput(
                f"The number of {state.group.words} can't be changed from here: start another "
                "process where they run; a pool of processes can be scaled."
            )

    def _group(
        self,
        group: Group,
        wishes: Wishes,
        workers: Sequence[WorkerRecord],
        pools: dict[Group, PoolSize],
    ) -> GroupState:
        alive = [one for one in workers if not one.vanished]
        if group == INTEGRATED:
            count = wishes.scale.most if wishes.scale else self._configured()
            return GroupState(
                group, wishes, tuple(workers), count, count, len(alive), can_scale=True
            )
        processes = len({one.pid for one in alive})
        if group.kind == POOL:
            size = pools.get(group, PoolSize(group.host, processes, processes, processes))
            if wishes.scale:
                size = PoolSize(group.host, size.there, wishes.scale.least, wishes.scale.most)
            return GroupState(
                group, wishes, tuple(workers), size.least, size.most, processes, can_scale=True
            )
        starts = sorted({_AFTERWARDS.get(one.started_by, "") for one in workers})
        return GroupState(
            group,
            wishes,
            tuple(workers),
            processes,
            processes,
            processes,
            afterwards=" or ".join(starts),
        )


def _is_fresh(wish: Wish | None, at: datetime) -> bool:
    return wish is not None and (at - wish.at).total_seconds() < STANDING_S


def _left(workers: int) -> str:
    return f"{counted(workers, 'worker')} still there" if workers else "stopped"
