"""A world in which the engine's protocol runs step by step, in an order drawn by lot.

The engine's own code runs: store, claims, backlog, dispatcher, queue manager, tracker, health
monitor, runner. Simulated are what it stands on: the clock, the scheduler, Redis with RQ's lists
and hashes (``fake_redis``), processes that die, freeze and come back. Every transaction and every
call to Redis is a step; between two steps of one actor any others may come, or a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, _GeneratorContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from altwright.db.session import Database
from altwright.errors import DatabaseUnavailable

T = TypeVar("T")

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Violation(AssertionError):
    """The protocol broke a promise; the message says which and how."""


@dataclass(frozen=True)
class Faults:
    """What may go wrong: the chance of each fault at a step, and how fast time goes."""

    kill: float = 0.0
    freeze: float = 0.0
    stop_worker: float = 0.0
    flush: float = 0.0
    redis_down: float = 0.0
    restore: float = 0.0
    steal: float = 0.0
    database: float = 0.0
    slow: float = 0.0
    step_s: float = 0.02

    @property
    def none(self) -> bool:
        """Say whether nothing goes wrong."""
        return not any(
            (
                *(self.kill, self.freeze, self.stop_worker, self.flush),
                *(self.redis_down, self.restore, self.steal, self.database, self.slow),
            )
        )


NO_FAULTS = Faults(step_s=0.004)


@dataclass(eq=False)
class Process:
    """What lives and dies together: the actors of one process."""

    name: str
    alive: bool = True
    frozen_until: float = 0.0
    actors: list[Actor] = field(default_factory=list)


@dataclass(eq=False)
class Actor:
    """One thread of a process; it is at a step, or asleep until ``wake_at``."""

    process: Process
    name: str
    green: greenlet
    wake_at: float


class World:
    """The clock, the scheduler and the lot; everything that happens follows from the seed."""

    def __init__(self, seed: int, faults: Faults, *, traced: bool = False) -> None:
        """Begin at time zero, with nobody in it."""
        self.seed = seed
        self.dice = Random(seed)  # noqa: S311 - a seed, no secret
        self.faults = faults
        self.calm = faults.none
        self.at = 0.0
        self.steps = 0
        self.processes: list[Process] = []
        self.trace: list[str] | None = [] if traced else None
        #: What went wrong where an exception would be taken for the work's own.
        self.broken: list[str] = []
        #: What draws and does a fault, once in a while; set by the scenario.
        self.strike: Callable[[], None] = lambda: None
        self._main = getcurrent()
        self._current: Actor | None = None

    def now(self) -> datetime:
        """Return the clock that the database goes by."""
        return BEGINNING + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        """Return the clock that processes go by."""
        return self.at

    @property
    def slowness(self) -> float:
        """Return the chance that a write waits; a dispatcher's stale plans are what's dangerous."""
        dispatches = self._current is not None and self._current.name == "dispatcher"
        return self.faults.slow * (6 if dispatches else 1)

    def say(self, text: str) -> None:
        """Note what happens, if somebody reads it."""
        if self.trace is not None:
            who = f"{self._current.process.name}/{self._current.name}" if self._current else "-"
            self.trace.append(f"{self.at:8.3f} {who:24} {text}")

    def spawn(self, process: Process, name: str, run: Callable[[], None]) -> Actor:
        """Put an actor into a process."""
        actor = Actor(process, name, greenlet(run, self._main), self.at)
        process.actors.append(actor)
        return actor

    def step(self, what: str = "") -> None:
        """Let others come first."""
        if self._current is None:
            return
        if not self._current.process.alive:
            raise GreenletExit
        self._main.switch()
        if what:
            self.say(what)

    def let_pass(self, seconds: float) -> None:
        """Do nothing for a while."""
        if self._current is not None:
            self._current.wake_at = self.at + seconds
            self._main.switch()

    def kill(self, process: Process) -> None:
        """End a process between two steps."""
        self.say(f"{process.name} is killed")
        process.alive = False
        actors, process.actors = process.actors, []
        for actor in actors:
            self._switch(actor, GreenletExit)

    def run_until(self, done: Callable[[], bool], *, limit_s: float, what: str) -> None:
        """Let actors act in an order drawn by lot until ``done``.

        Raises:
            Violation: it took longer than ``limit_s`` seconds of the world's time.
        """
        deadline = self.at + limit_s
        while not done():
            if self.at > deadline:
                raise Violation(f"{what} took longer than {limit_s} s")
            awake = [
                actor
                for process in self.processes
                if process.frozen_until <= self.at
                for actor in process.actors
                if actor.wake_at <= self.at
            ]
            if not awake:
                self.at = min(
                    max(actor.wake_at, process.frozen_until)
                    for process in self.processes
                    for actor in process.actors
                )
                continue
            self.at += self.faults.step_s * 2 * self.dice.random()
            self.steps += 1
            self.strike()
            actor = self.dice.choice(awake)
            if actor.process.alive and actor.process.frozen_until <= self.at:
                self._switch(actor)

    def _switch(self, actor: Actor, *thrown: Any) -> None:
        self._current = actor
        try:
            if thrown:
                actor.green.throw(*thrown)
            else:
                actor.green.switch()
        finally:
            self._current = None
        if actor.green.dead and actor in actor.process.actors:
            actor.process.actors.remove(actor)

    def close(self) -> None:
        """End everything."""
        for process in self.processes:
            if process.alive:
                self.kill(process)


class SteppingDatabase(Database):
    """The database, each transaction of which is one step; its answer may get lost."""

    world: World

    def write(self) -> _GeneratorContextManager[Session]:
        """Open a transaction when it is this actor's turn."""
        return self._write_in_turn(super().write())

    def begin(self) -> _GeneratorContextManager[Connection]:
        """Open a transaction when it is this actor's turn."""
        return self._write_in_turn(super().begin())

    def read(self) -> _GeneratorContextManager[Session]:
        """Read when it is this actor's turn."""
        return self._read_in_turn(super().read())

    def connect(self) -> _GeneratorContextManager[Connection]:
        """Read when it is this actor's turn."""
        return self._read_in_turn(super().connect())

    @contextmanager
    def _write_in_turn(self, transaction: AbstractContextManager[T]) -> Iterator[T]:
        world = self.world
        world.step("write")
        if world.faults.slow and world.dice.random() < world.slowness:
            world.let_pass(3 * world.dice.random())
        fault = world.faults.database and world.dice.random() < world.faults.database
        if fault and world.dice.random() < 0.5:
            world.say("database away")
            raise DatabaseUnavailable("simulated: nothing was written")
        with transaction as opened:
            yield opened
        if fault:
            world.say("answer lost")
            raise DatabaseUnavailable("simulated: it was written, the answer got lost")

    @contextmanager
    def _read_in_turn(self, transaction: AbstractContextManager[T]) -> Iterator[T]:
        self.world.step()
        with transaction as opened:
            yield opened
