"""One run: users, web and worker processes, faults, and at the end the promises."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from uuid import UUID

from tests.simulation.fake_redis import Server
from tests.simulation.ledger import Ledger
from tests.simulation.parts import (
    ENDS_WITHIN_S,
    LEASE_S,
    TICK_S,
    USERS,
    Parts,
    SimulatedKind,
)
from tests.simulation.world import NO_FAULTS, Faults, Process, SteppingDatabase, Violation, World

from altwright.domain.task import Delivery
from altwright.domain.user import UserRef
from altwright.errors import ActiveTaskExists, AltwrightError, TemporaryError
from altwright.tasks.cluster import role_leases as leases_module
from altwright.tasks.execution import dispatcher as dispatcher_module
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.tasks.task import Task, Ticket


@dataclass
class Scenario:
    """A world with its inhabitants."""

    world: World
    database: SteppingDatabase
    ledger: Ledger
    web: list[Parts | None] = field(default_factory=lambda: [None, None])
    workers: list[Parts | None] = field(default_factory=lambda: [None, None])
    interrupts: list[threading.Event] = field(default_factory=list)
    #: All users are there, and one worker.
    crowded: bool = False
    born: int = 0
    hybrid: float = 0.0
    clients: int = 0

    def __post_init__(self) -> None:
        """Start the processes and the users."""
        world = self.world
        self.server = Server(world)
        self.hybrid = world.dice.choice([0.0, 0.2])
        world.strike = self._strike
        outside = Process("outside")
        world.processes.append(outside)
        for place in range(2):
            self._start_web(place)
            if place or not self.crowded:
                self._start_worker(place)
        for user in world.dice.sample(USERS, 5 if self.crowded else world.dice.randint(2, 4)):
            self.clients += 1
            world.spawn(outside, user.username, lambda user=user: self._live(user))  # type: ignore[misc]

    # Processes

    def _process(self, kind: str) -> Parts:
        self.born += 1
        process = Process(f"{kind}{self.born}")
        self.world.processes.append(process)
        parts = Parts(self.world, self.server, process, self.database)
        self.world.spawn(process, "health", lambda: self._watch(parts))
        return parts

    def _start_web(self, place: int) -> None:
        parts = self.web[place] = self._process("web")
        self.world.spawn(parts.process, "dispatcher", lambda: self._dispatch(parts))

    def _start_worker(self, place: int) -> None:
        parts = self.workers[place] = self._process("worker")
        self.world.spawn(parts.process, "leases", lambda: self._keep_leases(parts))
        # The names of some workers tell of a process of this host, of others nothing.
        for thread in range(2 if place and not self.crowded else 1):
            name = f"{parts.process.name}.{thread}"
            self.world.spawn(parts.process, name, lambda name=name: self._work(parts, name))  # type: ignore[misc]

    def is_gone(self, worker_id: str) -> bool:
        """Say whether a process is known to be gone: every other one is of the asker's host."""
        name = worker_id.partition(".")[0]
        for number, process in enumerate(self.world.processes):
            if process.name == name:
                return not process.alive and number % 2 == 0
        return False

    def _watch(self, parts: Parts) -> None:
        while True:
            parts.health.check()
            self.world.let_pass(1.0 if parts.health.usable else 0.5)

    def _dispatch(self, parts: Parts) -> None:
        while True:
            self.world.let_pass(TICK_S * (0.8 + 0.4 * self.world.dice.random()))
            try:
                parts.dispatcher.tick()
            except AltwrightError as error:
                self.world.say(f"dispatcher: {error}")

    def _keep_leases(self, parts: Parts) -> None:
        while True:
            self.world.let_pass(LEASE_S / 3)
            parts.progress.flush()
            parts.runner.leases.renew_all()
            parts.runner.leases.look()

    def _work(self, parts: Parts, name: str) -> None:
        stop = threading.Event()
        self.interrupts.append(stop)
        while True:
            stop.clear()
            try:
                idle = not self._work_once(parts, name, stop)
            except TemporaryError as error:
                self.world.say(f"worker: {error}")
                idle = True
            if idle:
                self.world.let_pass(0.3)

    def _work_once(self, parts: Parts, name: str, stop: threading.Event) -> bool:
        # Some workers take from the database at all times, as in a hybrid service.
        if not parts.health.usable or parts.health.full or self.world.dice.random() < self.hybrid:
            return self._run(parts, parts.claims.claim_next(name), stop)
        with parts.health.guarded() as client:
            queue: Any = client
            job_id = queue.pop()
            said = queue.fetch(job_id) if job_id else None
        if job_id is None:
            return False
        if said is None:
            self.ledger.job_was_gone(job_id)
            return True
        task_id, attempt = said
        ticket = Ticket(task_id, attempt)
        task = parts.claims.claim(ticket, name, Delivery.RQ)
        if not self._run(parts, task, stop):
            self.ledger.was_too_late(ticket.task_id)
        if self.world.dice.random() < 0.3:
            self.world.let_pass(self.world.dice.random())
        with parts.health.guarded():
            queue.finish(job_id)
        return True

    def _run(self, parts: Parts, task: Task | None, stop: threading.Event) -> bool:
        if task is None:
            return False
        self.world.say(f"claimed {task.id[:4]} attempt {task.attempt}")
        self.ledger.begins(task)
        parts.runner.run(task, stop)
        return True

    # Users

    def _live(self, user: UserRef) -> None:
        """Submit a few times, sometimes cancel, sometimes try twice."""
        dice = self.world.dice
        try:
            for number in range(dice.randint(1, 2)):
                self.world.let_pass(3 * dice.random())
                key = f"{user.id}-{number}" if dice.random() < 0.5 else None
                task_id = self._submit(user, key)
                if key and dice.random() < 0.3:
                    self.world.let_pass(3 * dice.random())
                    self._submit(user, key)
                if task_id and dice.random() < 0.5:
                    self.world.let_pass(2 * dice.random())
                    self._ask(lambda parts: parts.queue.cancel(task_id, by=user))  # noqa: B023
        finally:
            self.clients -= 1

    def _submit(self, user: UserRef, key: str | None) -> str | None:
        settings = {"items": self.world.dice.choice([0, 1, 1, 2, 3])}
        priority = self.world.dice.choice([None, None, "low"])
        for _ in range(8 if key else 1):
            since = self.ledger.moment()
            answer = self._ask(
                lambda parts: parts.queue.submit(
                    SimulatedKind.name,
                    user=user,
                    settings=settings,
                    priority=priority,
                    request_key=key,
                )
            )
            if isinstance(answer, Task):
                self.world.say(f"accepted {answer.id[:4]}")
                self.ledger.accepted(user, key, answer.id)
                return answer.id
            if isinstance(answer, ActiveTaskExists):
                self.ledger.refused(user, answer.task_id, since)
                return None
            self.world.let_pass(0.5)
        return None

    def _ask(self, request: Callable[[Parts], Any]) -> Any:
        """Let a web process answer; None: it died, or the database was away."""
        parts = self.world.dice.choice(self.web)
        if parts is None:
            return None
        answers: list[Any] = []

        def answer() -> None:
            try:
                answers.append(request(parts))
            except AltwrightError as error:
                answers.append(error)

        self.world.spawn(parts.process, "request", answer)
        while not answers and parts.process.alive:
            self.world.let_pass(0.05)
        return answers[0] if answers else None

    # Faults

    def _strike(self) -> None:
        faults, dice, world = self.world.faults, self.world.dice, self.world
        if faults.none:
            return
        lot = dice.random()
        for chance, fault in (
            (faults.kill, self._kill),
            (faults.freeze, self._freeze),
            (faults.stop_worker, self._stop_worker),
            (faults.flush, self._flush),
            (faults.redis_down, self._take_redis_down),
            (faults.restore, self._restore),
            (faults.steal, self._steal),
        ):
            if lot < chance:
                world.say(f"FAULT {fault.__name__}")
                fault()
                return
            lot -= chance

    def _kill(self) -> None:
        places, start = self.world.dice.choice(
            [(self.web, self._start_web), (self.workers, self._start_worker)]
        )
        place = self.world.dice.randrange(2)
        victim = places[place]
        if victim is not None:
            self.world.kill(victim.process)
            start(place)

    def _freeze(self) -> None:
        victim = self.world.dice.choice([*self.web, *self.workers])
        if victim is not None:
            until = self.world.at + 3 * LEASE_S * self.world.dice.random()
            victim.process.frozen_until = until

    def _stop_worker(self) -> None:
        if self.interrupts:
            self.world.dice.choice(self.interrupts[-6:]).set()

    def _flush(self) -> None:
        self.ledger.redis_was_lost()
        self.server.flush()

    def _take_redis_down(self) -> None:
        self.server.save()
        self.server.down_until = self.world.at + 4 * self.world.dice.random()

    def _restore(self) -> None:
        if self.server.saved is None or self.world.dice.random() < 0.5:
            self.server.save()
        else:
            self.ledger.redis_was_lost()
            self.server.restore()

    def _steal(self) -> None:
        for some in self.server.lists.values():
            if some:
                some.pop(0)
                return

    # The run

    def run(self) -> None:
        """Let everything happen, then nothing go wrong any more, and look at what is left.

        Raises:
            Violation: a promise was broken.
        """
        world = self.world
        world.run_until(lambda: self.clients == 0, limit_s=300, what="users' lives")
        world.faults = Faults(step_s=world.faults.step_s)
        self.server.down_until = 0.0
        world.run_until(self._all_ended, limit_s=ENDS_WITHIN_S, what="the end of every task")
        self.ledger.check(self._anybody_can_submit)

    def _all_ended(self) -> bool:
        return self.world.steps % 10 == 0 and self.ledger.active_count() == 0

    def _anybody_can_submit(self, user: UserRef) -> Any:
        """Submit at the end, where nothing stands in the way."""
        answers: list[Any] = []
        client = Process("client")
        self.world.processes.append(client)

        def ask() -> None:
            answers.append(self._submit(user, None))

        self.world.spawn(client, "client", ask)
        self.world.run_until(lambda: bool(answers), limit_s=60, what="a submit at the end")
        if answers[0] is None:
            raise Violation(f"{user.username} is locked out")
        return answers[0]


def run_seed(
    seed: int, database: SteppingDatabase, ledger_file: str, *, traced: bool = False
) -> World:
    """Run the scenario of a seed to its end.

    Raises:
        Violation: a promise was broken; its text holds the seed.
    """
    world = World(seed, faults_of(seed), traced=traced)
    database.world = world
    ledger = Ledger(world, ledger_file)
    ledger.reset()
    scenario: Scenario | None = None
    logging.disable(logging.CRITICAL)
    try:
        scenario = Scenario(world, database, ledger, crowded=seed % 5 == 1)
        if seed % 5 == 1:
            ledger.watch_one_flush(scenario.server)
        with (
            patch.object(dispatcher_module, "gone_from_this_host", scenario.is_gone),
            patch.object(leases_module, "gone_from_this_host", scenario.is_gone),
            patch.object(CaptionSecurityManager, "new_task_id", lambda _self: drawn_id(world)),
        ):
            scenario.run()
    except Exception as error:  # also one that ended an actor, as it would a thread
        violation = Violation(f"seed {seed}: {error if type(error) is Violation else repr(error)}")
        violation.world = world  # type: ignore[attr-defined]
        raise violation from error
    finally:
        world.close()
        ledger.close()
        logging.disable(logging.NOTSET)
    return world


def drawn_id(world: World) -> str:
    """Return a task id that follows from the seed."""
    return str(UUID(int=world.dice.getrandbits(128), version=4))


def faults_of(seed: int) -> Faults:
    """Return what goes wrong in a seed: every fifth run nothing, another fifth one flush."""
    match seed % 5:
        case 0 | 1:
            return NO_FAULTS
        case 2:
            return Faults(kill=0.006, stop_worker=0.01, steal=0.01, slow=0.04)
        case 3:
            return Faults(freeze=0.01, database=0.02, kill=0.002, slow=0.04)
        case _:
            return Faults(
                kill=0.003,
                freeze=0.003,
                stop_worker=0.003,
                flush=0.005,
                redis_down=0.004,
                restore=0.01,
                steal=0.004,
                database=0.004,
                slow=0.02,
            )
