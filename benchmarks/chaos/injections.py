"""Injects faults: one thread per lane, each fault begun and ended as the plan says."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import redis
from sqlalchemy.engine import make_url

from altwright.db.session import utcnow
from altwright.domain.task import Priority
from benchmarks.chaos.plan import Fault, Step
from benchmarks.chaos.proxy import Mode
from benchmarks.chaos.world import World

_log = logging.getLogger(__name__)
T = TypeVar("T")

#: Bytes of one of the values that fill Redis up, and what they are halved down to.
FILL_BYTES, FILL_LEAST = 4 * 1024 * 1024, 64
#: Seconds that a fault waits for somebody whom it can hit.
SOMEBODY_WITHIN_S = 60.0
LINK_MODES: Mapping[Fault, Mode] = MappingProxyType(
    {
        Fault.LINK_DROPS: Mode.DROP,
        Fault.LINK_DELAYS: Mode.DELAY,
        Fault.LINK_HALF_CLOSES: Mode.HALF_CLOSE,
        Fault.LINK_CUT: Mode.CUT,
    }
)


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was there from ``began_at`` to ``ended_at``."""

    fault: Fault
    lane: str
    began_at: datetime
    ended_at: datetime


class Injector:
    """Works a plan off. Its threads live until ``close``: servers that they start die with them."""

    def __init__(self, world: World, plan: list[Step], say: Callable[[str], None]) -> None:
        """Take ``say``, which is told of each fault as it begins."""
        self._world = world
        self._say = say
        self._lanes = {
            lane: [step for step in plan if step.lane == lane] for lane in {s.lane for s in plan}
        }
        self._pool = ThreadPoolExecutor(len(self._lanes), "lane")
        self._lanes_done: list[Future[None]] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.injected: list[Injected] = []
        #: Faults that found nobody to hit, such as a worker that wasn't there at the moment.
        self.missed: list[Fault] = []

    def start(self) -> None:
        """Begin now."""
        began = time.monotonic()
        self._lanes_done = [
            self._pool.submit(self._lane, steps, began) for steps in self._lanes.values()
        ]

    def wait(self) -> None:
        """Wait until everything was injected and is over."""
        for lane in self._lanes_done:
            lane.result()

    def close(self) -> None:
        """End the threads."""
        self._stop.set()
        self._pool.shutdown()

    def _lane(self, steps: list[Step], began: float) -> None:
        for step in steps:
            if self._stop.wait(max(0.0, began + step.at_s - time.monotonic())):
                return
            began_at = utcnow()
            self._say(f"{time.monotonic() - began:5.1f} s  {step.fault} ({step.for_s:.1f} s)")
            with _inflicted(self._world, step) as hit:
                self._stop.wait(step.for_s)
            with self._lock:
                if hit:
                    self.injected.append(Injected(step.fault, step.lane, began_at, utcnow()))
                else:
                    self.missed.append(step.fault)


@contextmanager
def _inflicted(world: World, step: Step) -> Iterator[bool]:
    """Break it, and at the end make it whole again; yield whether there was something to break."""
    undo = _broken(world, step)
    tries_until = time.monotonic() + SOMEBODY_WITHIN_S
    while undo is None and time.monotonic() < tries_until:  # whom another fault has just ended
        time.sleep(0.1)
        undo = _broken(world, step)
    try:
        yield undo is not None
    finally:
        if undo is not None:
            undo()


def _broken(world: World, step: Step) -> Callable[[], None] | None:
    """Break it; return what makes it whole again, None if there was nothing to break."""
    if step.fault in LINK_MODES:
        world.proxy.set(LINK_MODES[step.fault])
        return partial(world.proxy.set, Mode.PASS)
    match step.fault:
        case Fault.WORKER_KILLED | Fault.WORKER_FROZEN:
            return _hit(world.worker_processes(), step, stops=step.fault is Fault.WORKER_FROZEN)
        case Fault.WEB_KILLED | Fault.WEB_FROZEN:
            return _hit(world.web_workers(), step, stops=step.fault is Fault.WEB_FROZEN)
        case Fault.WEB_RELOADED | Fault.MASTER_KILLED:
            how = signal.SIGHUP if step.fault is Fault.WEB_RELOADED else signal.SIGKILL
            return _signal(world.children().get("gunicorn"), how)
        case Fault.DATABASE_KILLED | Fault.DATABASE_STOPPED | Fault.DATABASE_LOCKED:
            return _database(world, step.fault)
        case _:
            return _redis(world, step)


def _nothing() -> None:
    """Leave it to the service to recover."""


def _hit(pids: list[int], step: Step, *, stops: bool) -> Callable[[], None] | None:
    pid = _chosen(sorted(pids), step.choice)
    undo = _signal(pid, signal.SIGSTOP if stops else signal.SIGKILL)
    return (lambda: _go_on(pid)) if stops and undo is not None else undo


def _go_on(pid: int | None) -> None:
    _signal(pid, signal.SIGCONT)


def _signal(pid: int | None, number: signal.Signals) -> Callable[[], None] | None:
    if pid is None:
        return None
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return None
    return _nothing


def _chosen(some: list[T], choice: float) -> T | None:
    return some[min(int(choice * len(some)), len(some) - 1)] if some else None


def _redis(world: World, step: Step) -> Callable[[], None]:
    server = world.redis
    match step.fault:
        case Fault.REDIS_KILLED:
            server.kill()
            return server.start
        case Fault.REDIS_RESTARTED:
            server.stop()
            return server.start
        case Fault.REDIS_EMPTY:
            server.kill()
            shutil.rmtree(server.folder / "appendonlydir", ignore_errors=True)
            return server.start
        case Fault.REDIS_FROZEN:
            server.freeze()
            return server.thaw
        case Fault.REDIS_FLUSHED:
            with server.client() as client:
                client.flushall()
        case Fault.REDIS_FULL:
            with server.client() as client:
                _fill(client)
            return partial(_empty, world)
        case _:
            with server.client() as client:
                for priority in Priority:
                    client.lpop(f"rq:queue:{priority.queue}", 1 + int(step.choice * 20))
    return _nothing


def _fill(client: redis.Redis) -> None:
    size, number = FILL_BYTES, 0
    while size >= FILL_LEAST:
        try:
            client.set(f"chaos:fill:{number}", bytes(size), ex=60)
            number += 1
        except redis.exceptions.OutOfMemoryError:
            size //= 2


def _empty(world: World) -> None:
    with world.redis.client() as client:
        keys = list(client.scan_iter("chaos:fill:*", count=1000))
        if keys:
            client.unlink(*keys)


def _database(world: World, fault: Fault) -> Callable[[], None] | None:
    if fault is Fault.DATABASE_LOCKED:
        return _lock(str(make_url(world.database_url).database))
    server = world.database_server
    if server is None:
        return None
    if fault is Fault.DATABASE_KILLED:
        server.kill()
    else:  # PostgreSQL's immediate shutdown; MariaDB has no such thing and ends in order
        server.stop(signal.SIGQUIT if world.kind == "postgresql" else None)
    return partial(_start_database, world)


def _start_database(world: World) -> None:
    server = world.database_server
    while server is not None:
        try:
            server.start()
        except AssertionError as error:
            # What the killed server left running holds its memory for a moment.
            _log.warning("the database does not start yet: %s", str(error)[-200:])
            time.sleep(random.uniform(0.1, 0.3))  # noqa: S311 - no secret
        else:
            return


def _lock(path: str) -> Callable[[], None]:
    stranger = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        with contextlib.closing(stranger):
            stranger.execute("ROLLBACK")

    return let_go
