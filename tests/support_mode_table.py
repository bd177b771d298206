"""The modes of docs/reference/modes.md, and what is done to each."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, Started
from tests.support_service import alive

from altwright.tasks.task import Task

EVENTS = ("start", "submit", "reload", "rolling restart", "kill -9", "Redis loss")
#: Seconds in which a batch is done, whatever happens to it, on a machine with much else to do.
DONE_WITHIN_S = 180.0


@dataclass
class Mode:
    """A way to run workers; ``masters`` are the processes that keep others alive."""

    made: Fleet
    server: RedisServer
    web: bool = False
    pool: bool = False
    rq: bool = False
    redis: bool = True
    masters: list[Started] = field(default_factory=list)

    def begin(self) -> None:
        """Start its processes; none is waited for."""
        if self.web:
            argv = [sys.executable, "-m", "gunicorn", "-c", "python:altwright.gunicorn_conf"]
            self._start("gunicorn", [*argv, "altwright.wsgi:app"])
        if self.pool:
            argv = [sys.executable, "-m", "altwright", "worker"]
            self._start("pool", [*argv, "--min", "2", "--max", "2", "--count", "1"])
        if self.rq:
            self._start_rq()
            self._start_rq()

    def end(self) -> None:
        """End them all."""
        for master in self.masters:
            master.end()

    def reload(self) -> None:
        """Have its processes replaced as an administrator does after an upgrade."""
        for master in self.masters:
            if not self.rq:
                master.send(signal.SIGHUP)
        if self.rq:
            self.roll()

    def roll(self) -> None:
        """Replace one worker process after the other."""
        if self.rq:
            for master in list(self.masters):
                self._start_rq()
                master.send(signal.SIGTERM)
                self.masters.remove(master)
                assert master.process.wait(180) == 0, master.log
            return
        for master in self.masters:
            wait_until(master.children)
            for pid in master.children():
                os.kill(pid, signal.SIGTERM)
                wait_until(_gone(pid))
                wait_until(master.children)

    def kill(self) -> None:
        """Kill a process that has a task in hand."""
        running = wait_until(self.made.services.engine.rescuer.running)
        pid = int(running[0].worker_id.split(".")[2])
        os.kill(pid, signal.SIGKILL)
        for master in list(self.masters):
            if master.pid == pid:  # nobody restarts a plain `rq worker` but its service manager
                master.process.wait()
                self.masters.remove(master)
                self._start_rq()

    def lose_redis(self) -> None:
        """Kill Redis and start it again; where it was away all the time, it comes."""
        if self.redis:
            self.server.kill()
            self.submit()
        self.server.start()

    def submit(self) -> list[Task]:
        """Submit a batch."""
        self.made.services.health.check()
        return [self.made.submit(items=6, item_s=0.08) for _ in range(5)]

    def _start(self, name: str, argv: list[str]) -> None:
        self.masters.append(self.made.start(name, argv))

    def _start_rq(self) -> None:
        # RQ's command ends at once when Redis doesn't answer; a service manager starts it again.
        rq = str(sys.executable).replace("/python", "/rq")
        argv = [rq, "worker", "urgent", "high", "normal", "low", "--url", self.made.redis_url]
        started = self.made.start("rq", argv, RQ_WORKER_CLASS="altwright.rq_worker.Worker")
        self.masters.append(started)


def _gone(pid: int) -> Callable[[], bool]:
    return lambda: not alive(pid)


@contextlib.contextmanager
def mode(name: str, made: Fleet, server: RedisServer) -> Iterator[Mode]:
    """Return a mode by its name; its processes end at the end."""
    chosen = {
        "integrated": Mode(made, server, web=True),
        "external": Mode(made, server, pool=True),
        "rq worker": Mode(made, server, rq=True),
        "hybrid": Mode(made, server, web=True, pool=True),
        "database": Mode(made, server, web=True, redis=False),
    }[name]
    try:
        yield chosen
    finally:
        chosen.end()


def happen(chosen: Mode, event: str) -> tuple[int, int]:
    """Let something happen to a mode at work; return how much was lost, and how much twice."""
    actions: dict[str, Callable[[], None]] = {
        "start": chosen.begin,
        "submit": lambda: None,
        "reload": chosen.reload,
        "rolling restart": chosen.roll,
        "kill -9": chosen.kill,
        "Redis loss": chosen.lose_redis,
    }
    chosen.submit()
    if event not in {"start", "submit"}:
        wait_until(chosen.made.services.engine.rescuer.running)
    actions[event]()
    chosen.submit()
    with contextlib.suppress(AssertionError):  # what is missing is counted below
        wait_until(lambda: chosen.made.counted()[1] == 0, DONE_WITHIN_S, every_s=0.1)
    _, lost, twice = chosen.made.counted()
    return lost, twice


def row(name: str, cells: dict[str, tuple[int, int]]) -> str:
    """Return the row of the table in docs/reference/modes.md."""
    shown = [f"{lost} / {twice}" for lost, twice in cells.values()]
    return f"| {name} | " + " | ".join(shown) + " |"
