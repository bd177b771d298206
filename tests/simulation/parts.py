"""What a simulated process is made of: the real engine, a kind of task that leaves traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from tests.simulation.fake_redis import Client, FakeQueue, Server
from tests.simulation.world import Process, World
from tests.support_engine import effects

from altwright import interrupts
from altwright.builders import engine as engine_module
from altwright.builders.engine import Engine, EngineOptions
from altwright.db.session import Database
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.domain.retry_policy import Backoff
from altwright.domain.task import ItemStatus, Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import (
    Category,
    ImageUnavailable,
    ImageUnusable,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.tasks.error_classification import Source
from altwright.tasks.rq import job_queues
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.store.expired_leases import Rescuer
from altwright.tasks.store.items import Items, Planned, Worked
from altwright.tasks.store.preemption import Standing
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work

LEASE_S, TRACKER_S, TICK_S = 3.0, 5.0, 0.5
USERS = [UserRef(number, f"user{number}") for number in range(1, 6)]
#: Seconds of the world's time in which everything has to end once nothing goes wrong any more: a
#: task that failed eight times waits 128 s for the ninth.
ENDS_WITHIN_S = 600.0


class OpenBox:
    """Encryption is left out: it costs more than everything else together, and decides nothing."""

    def encrypt(self, text: str) -> str:
        """Return the text."""
        return text

    def decrypt(self, text: str) -> str:
        """Return the text."""
        return text

    def close(self, data: bytes) -> bytes:
        """Return the data."""
        return data


class SimulatedKind(TaskKind):
    """A kind whose items take time and fail in every way, drawn by lot."""

    name = "simulated"
    default_priority = Priority.NORMAL

    def __init__(self, world: World) -> None:
        """Take the world."""
        self.world = world

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return them."""
        return dict(settings)

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for each user."""
        return f"user:{user.id}" if user else None

    def planned(self, settings: Mapping[str, Any]) -> list[Planned] | None:
        """Return the items of some tasks."""
        if self.world.dice.random() < 0.5:
            return None
        return [Planned(f"i{number}", "") for number in range(settings["items"])]

    def open(self, run: Run) -> SimulatedWork:
        """Begin an attempt."""
        return SimulatedWork(self.world, run)


class SimulatedWork(Work):
    """One attempt."""

    def __init__(self, world: World, run: Run) -> None:
        """Take the attempt."""
        self._world = world
        self._run = run

    def plan(self) -> Iterable[Planned]:
        """Yield the items, with time between them."""
        for number in range(self._run.task.settings["items"]):
            self._world.step()
            yield Planned(f"i{number}", "")

    def item(self, item: Item) -> Worked:
        """Take time, then succeed or fail."""
        dice = self._world.dice
        self._run.checkpoint()
        # A server may take long, and an interrupt reaches whoever waits for it.
        self._world.let_pass((5.0 if dice.randrange(12) == 0 else 0.4) * dice.random())
        interrupts.current().check()
        task = self._run.task
        match dice.randrange(24):
            case 0:
                raise ImageUnavailable("simulated")
            case 1:
                raise ImageUnusable("simulated")
            case 2 | 3 | 4:
                raise PlatformUnavailable("simulated", category=Category.NETWORK)
            case 5:
                # A server that is down, or asks for a pause.
                raise dice.choice((PlatformUnavailable, RateLimited))("simulated")
            case 6 if dice.random() < 0.3:
                raise PlatformRefused("simulated", category=Category.AUTHENTICATION)
            case 7:
                raise RuntimeError("simulated")
            case 8:
                return Worked(ItemStatus.SKIPPED)

        def effect(session: Session) -> None:
            if not _holds(session, task):
                self._world.broken.append(f"{item.key} of {task.id} got an effect out of turn")
            row = {"task_id": task.id, "key": item.key, "attempt": task.attempt}
            session.execute(insert(effects).values(**row))

        return Worked(ItemStatus.DONE, effect=effect)

    def probe(self, source: Source) -> None:
        """Be down now and then."""
        if self._world.dice.random() < 0.3:
            raise PlatformUnavailable("simulated", category=Category.NETWORK)

    def summary(self, task: Task) -> str:
        """Return nothing."""
        return ""


def _holds(session: Session, task: Task) -> bool:
    """Return whether an attempt may write, in the transaction that writes: nobody comes between."""
    held = session.get_one(TaskRow, task.id)
    if held.status == Status.COMPLETED:  # the last one's effect is written with the task's end
        pending = (ItemRow.task_id == task.id, ItemRow.status == ItemStatus.PENDING)
        if session.scalar(select(func.count()).where(*pending)):
            return False
    return held.status in {Status.RUNNING, Status.COMPLETED} and held.attempt == task.attempt


class HesitantRescuer(Rescuer):
    """Lets time pass between a dispatcher's look and its rescue, as a machine that stands still."""

    def __init__(self, world: World, database: Database) -> None:
        """Take the world."""
        super().__init__(database)
        self._world = world

    def rescue(self, task_id: str, attempt: int, why: str) -> bool:
        """Rescue, often late."""
        dice = self._world.dice
        if self._world.faults.slow and dice.random() < 0.5:
            self._world.let_pass(2 * LEASE_S * dice.random())
        return super().rescue(task_id, attempt, why)


class HesitantStore(TaskStore):
    """Lets time pass between a look at a task and its cancellation."""

    def __init__(self, world: World, database: Database, box: Any) -> None:
        """Take the world."""
        super().__init__(database, box)
        self._world = world

    def _cancel(self, task: Task, actor: str, detail: str) -> bool:
        dice = self._world.dice
        if self._world.faults.slow and dice.random() < 0.5:
            self._world.let_pass(2 * dice.random())
        return super()._cancel(task, actor, detail)


class HesitantItems(Items):
    """Stands still, with its whole process, between an item's work and its end."""

    def __init__(self, world: World, process: Process, *parts: Any) -> None:
        """Take the world and the process."""
        super().__init__(*parts)
        self._world = world
        self._process = process

    def end_item(
        self, task: Task, item: Item, worked: Worked, took_s: float, *summary: Any
    ) -> Standing:
        """End an item, sometimes after the lease has run out."""
        dice = self._world.dice
        if self._world.faults.slow and dice.random() < 0.1:
            self._process.frozen_until = self._world.at + 3 * LEASE_S * dice.random()
            self._world.step("stands still")
        return super().end_item(task, item, worked, took_s, *summary)


class Parts(Engine):
    """One process's engine on the simulated Redis; parts of it hesitate."""

    def __init__(self, world: World, server: Server, process: Process, database: Database) -> None:
        """Make everything new, as a process that has just started."""
        box: Any = OpenBox()
        client: Any = Client(server)
        self.process = process
        with (
            patch.object(engine_module, "Items", partial(HesitantItems, world, process)),
            patch.object(engine_module, "Rescuer", partial(HesitantRescuer, world)),
            patch.object(job_queues, "Queue", FakeQueue),
        ):
            super().__init__(
                HesitantStore(world, database, box),
                RedisHealthMonitor(client, clock=world.monotonic),
                {SimulatedKind.name: SimulatedKind(world)},
                EngineOptions(
                    QueueOptions(window=3, max_retries=2),
                    backoff=Backoff(base_s=1.0, factor=2.0, jitter=0.0),
                    lease_s=LEASE_S,
                    limit_s=20.0,
                    slice_s=0.3,
                    tracker_s=TRACKER_S,
                ),
                owner=process.name,
                clock=world.monotonic,
            )
