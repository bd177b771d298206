"""The task engine on a test's database and Redis, with kinds of tasks that leave a trace."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, update
from sqlalchemy.orm import Session

from altwright.builders.engine import Engine, EngineOptions
from altwright.crypto import Box
from altwright.db.session import Database, utcnow
from altwright.db.tables import UserRow
from altwright.db.task_tables import LeaseRow, TaskRow, WorkerRow
from altwright.domain.limits import Limits
from altwright.domain.retry_policy import Backoff
from altwright.domain.task import ACTIVE, Delivery, ItemStatus, Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import Category
from altwright.tasks.cluster.worker_wakeup import WorkWaits
from altwright.tasks.error_classification import Source
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.submission_rules import NewTask
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work
from altwright.workers.worker import TaskWorker

LEASE_S = 15.0
KEY = Fernet.generate_key().decode("ascii")
#: An address at which no Redis listens.
NOWHERE = "unix:///nonexistent/redis.sock"

#: What items of the kinds below leave behind. Nothing here is unique, so that a doubled effect
#: shows instead of failing.
effects = Table(
    "engine_effects",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("task_id", String(36), nullable=False),
    Column("key", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
)

ANNA, BERT, ROOT = UserRef(1, "anna"), UserRef(2, "bert"), UserRef(3, "root", is_admin=True)


@dataclass
class Counting(TaskKind):
    """A kind whose tasks have as many items as their settings say; ``meet`` is called in each."""

    name: str = "counting"
    default_priority: Priority = Priority.NORMAL
    exclusive: bool = True
    meet: Callable[[Run, Item], None] = lambda _run, _item: None
    meet_plan: Callable[[Run, int], None] = lambda _run, _position: None
    #: Called when the engine asks how a server is.
    answer: Callable[[Source], None] = lambda _source: None

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return the settings with a number of items."""
        return {"items": 3, **settings}

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for each user."""
        return f"user:{user.id}" if user and self.exclusive else None

    def planned(self, settings: Mapping[str, Any]) -> list[Planned] | None:
        """Return the items of a task that knows them."""
        if not settings.get("known"):
            return None
        return [Planned(f"item-{n}", f"Item {n}") for n in range(settings["items"])]

    def open(self, run: Run) -> CountingWork:
        """Begin an attempt."""
        return CountingWork(self, run)


class CountingWork(Work):
    """One attempt at counting."""

    def __init__(self, kind: Counting, run: Run) -> None:
        """Take the run."""
        self._kind = kind
        self._run = run

    def plan(self) -> Iterable[Planned]:
        """Yield the items."""
        for position in range(self._run.task.settings["items"]):
            self._kind.meet_plan(self._run, position)
            of_post = self._run.task.settings.get("of_post")
            post = f"p{position // of_post}:" if of_post else ""
            last = self._run.task.settings.get("failed_before", False)
            yield Planned(f"{post}item-{position}", f"Item {position}", last=last)

    def item(self, item: Item) -> Worked:
        """Leave one trace."""
        self._kind.meet(self._run, item)
        task = self._run.task
        return Worked(ItemStatus.DONE, effect=effect_of(task, item.key))

    def probe(self, source: Source) -> None:
        """Say how a server is."""
        self._kind.answer(source)

    def summary(self, task: Task) -> str:
        """Say how many were done."""
        return f"{task.items_done} of {task.items_total} counted"


def effect_of(task: Task, key: str) -> Callable[[Session], None]:
    """Return an effect that leaves a trace of this attempt."""

    def effect(session: Session) -> None:
        session.execute(insert(effects).values(task_id=task.id, key=key, attempt=task.attempt))

    return effect


class Rig(Engine):
    """The engine of one process; threads run only where a test starts them."""

    def __init__(
        self,
        database: Database,
        redis_url: str,
        options: QueueOptions | None = None,
        *,
        owner: str = "here",
        limits: Limits | None = None,
        slice_s: float = 300.0,
        waits: WorkWaits | None = None,
    ) -> None:
        """Take what differs between two processes of a test."""
        self.database = database
        self.redis_url = redis_url
        self.owner = owner
        self.slice_s = slice_s
        self.kind = Counting()
        #: Seconds on the clock that throttles, pings and comparisons go by; tests turn it.
        self.at = 1000.0
        self.box = Box(KEY)
        super().__init__(
            TaskStore(database, self.box),
            RedisHealthMonitor(connect(redis_url), url=redis_url, clock=self.clock),
            {self.kind.name: self.kind},
            EngineOptions(
                options or QueueOptions(), limits or Limits(), Backoff(jitter=0), slice_s=slice_s
            ),
            owner=owner,
            waits=waits,
            clock=self.clock,
        )

    def clock(self) -> float:
        """Return the seconds of the clock that tests turn."""
        return self.at

    def close(self) -> None:
        """Give connections back."""
        self.health.client.close()

    def lose_redis(self) -> None:
        """Let the circuit breaker know what a watching thread would have told it."""
        while self.health.usable:
            self.health.note(answered=False)

    def find_redis(self) -> None:
        """Let as many pings answer as end an outage."""
        for _ in range(20):
            self.at += 1
            self.health.check()
        assert self.health.usable

    def submit(self, user: UserRef | None = ANNA, **options: Any) -> Task:
        """Submit a counting task."""
        return self.queue.submit(self.kind.name, user=user, **options)

    def worker(self, name: str = "worker") -> TaskWorker:
        """Return a worker; it works when it is told to."""
        return TaskWorker(name, self.work_parts())

    def take(self, worker_id: str = "worker") -> Task:
        """Claim the task whose turn it is."""
        task = self.claims.claim_next(worker_id)
        assert task is not None, "nothing waits"
        return task

    def begin(self, worker_id: str = "worker") -> tuple[Task, Item]:
        """Claim and plan the task whose turn it is; return it with its first item."""
        task = self.take(worker_id)
        count = range(task.settings["items"])
        self.items.plan(task, [Planned(f"item-{n}", f"Item {n}") for n in count])
        item = self.next_item(task.id)
        assert item is not None
        return task, item

    def next_item(self, task_id: str) -> Item | None:
        """Return the item that a worker would work on now."""
        return next(iter(self.items.next_items(task_id, 1)), None)

    def drain_database(self, name: str = "worker") -> int:
        """Work straight from the database until nothing waits; return the number of tasks."""
        worker = self.worker(name)
        while worker.take_next():
            pass
        return worker.worked

    def drain_rq(self, name: str = "worker") -> int:
        """Work through RQ's queues; return the number of tasks."""
        worker = self.worker(name)
        client = connect(self.redis_url, call_timeout_s=2)
        try:
            records = self.queue.jobs.records(client, f"{name}-{id(worker)}")
            loop = WorkerLoop(records, worker.take, ends=lambda: False, closed=worker.closed)
            loop.work(burst=True)
        finally:
            client.close()
        return worker.worked

    def later(self, seconds: float) -> None:
        """Let time pass for everything that the database keeps times of."""
        self.at += seconds
        elapse(self.database, seconds)

    def effects(self, task_id: str) -> list[str]:
        """Return the traces that a task's items left, in their order."""
        query = select(effects.c.key).where(effects.c.task_id == task_id).order_by(effects.c.id)
        with self.database.read() as session:
            return list(session.scalars(query))

    def events(self, task_id: str) -> list[str]:
        """Return the names of what has happened to a task."""
        return [event.event for event in self.store.history(task_id)]

    def job_count(self, priority: Priority = Priority.NORMAL) -> int:
        """Return how many jobs lie in an RQ queue."""
        return self.queue.jobs.lengths()[priority]


@dataclass
class Fleet:
    """An engine that delivers one way, whichever a test is run with."""

    rig: Rig
    delivery: Delivery

    def drain(self, name: str = "worker") -> int:
        """Dispatch and work until nothing is due."""
        worked = 0
        while True:
            self.rig.dispatcher.tick()
            if self.delivery is Delivery.RQ:
                more = self.rig.drain_rq(name)
            else:
                more = self.rig.drain_database(name)
            if not more:
                return worked
            worked += more


def make_users(database: Database, ids: Iterable[int] = (1, 2, 3)) -> list[UserRef]:
    """Write users; the first three are ANNA, BERT and ROOT."""
    known = {user.id: user for user in (ANNA, BERT, ROOT)}
    users = [known.get(one) or UserRef(one, f"user{one}") for one in ids]
    rows = [{"id": user.id, "username": user.username, "password_hash": ""} for user in users]
    with database.write() as session:
        session.execute(insert(UserRow), rows)
    return users


def new_task(task_id: str, user: UserRef | None = ANNA, **others: Any) -> NewTask:
    """Return a submit for the store."""
    values: dict[str, Any] = {
        "kind": "counting",
        "user_id": user.id if user else None,
        "account_id": None,
        "priority": Priority.NORMAL,
        "settings": {"items": 3},
        "exclusive_key": f"user:{user.id}" if user else None,
    }
    return NewTask(id=task_id, **{**values, **others})


def elapse(database: Database, seconds: float) -> None:
    """Move every time that the engine compares with the clock into the past."""
    by = timedelta(seconds=seconds)
    compared = {
        TaskRow: ("available_at", "lease_until", "dispatched_at", "stalled_at"),
        LeaseRow: ("expires_at",),
        WorkerRow: ("seen_at",),
    }
    with database.write() as session:
        for table, columns in compared.items():
            for row in session.scalars(select(table)):
                for column in columns:
                    before = getattr(row, column)
                    if before is not None:
                        setattr(row, column, before - by)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call from ``count`` threads at the same instant; return results and errors in order."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = call(number)
        except Exception as error:  # noqa: BLE001 - handed to the test
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def fill(
    database: Database, box: Box, count: int, status: Status = Status.QUEUED, **values: Any
) -> list[str]:
    """Write tasks, as many as asked for and all at once; return their ids."""
    has_failed = status is Status.FAILED
    row = {
        "status": status,
        "settings": box.encrypt("{}"),
        "started_at": utcnow() if status is not Status.QUEUED else None,
        "finished_at": utcnow() if status not in ACTIVE else None,
        "error_category": Category.FAULT if has_failed else None,
        "error": "It broke." if has_failed else None,
        **values,
    }
    ids = sorted(str(uuid.uuid4()) for _ in range(count))
    with database.begin() as connection:
        connection.execute(insert(TaskRow), [row | {"id": one} for one in ids])
    return ids


def count_tasks(database: Database) -> int:
    """Return how many tasks there are."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(TaskRow)) or 0


def touch(database: Database, task_id: str, **values: Any) -> None:
    """Change a task's row behind the engine's back."""
    with database.write() as session:
        session.execute(update(TaskRow).where(TaskRow.id == task_id).values(**values))
