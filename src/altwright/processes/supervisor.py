"""Supervisor: starts the processes of one host, restarts those that die, and ends them all."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import FrameType

from altwright.background import attempted
from altwright.processes.systemd import VARIABLES, Notifier

_log = logging.getLogger(__name__)

#: prctl(2): the signal that a process gets when the thread that started it ends.
PR_SET_PDEATHSIG = 1
#: Seconds before the first restart of a process that died, and the longest; doubled each time.
RESTART_FIRST_S, RESTART_MOST_S = 0.2, 30.0
#: Seconds that a process has to live before its restarts count from the beginning again.
STEADY_S = 60.0
#: Seconds after its start in which a process isn't counted on yet, while others are replaced.
SETTLED_S = 3.0
#: Seconds between two looks at the processes.
CHILDREN_EVERY_S = 0.1

_libc = ctypes.CDLL(None)


class OnReload(StrEnum):
    """What a SIGHUP of the supervisor does to a process."""

    NOTHING = "nothing"
    SIGNAL = "signal"  # it gets the SIGHUP
    RESTART = "restart"  # it is stopped and started, one such process after the other


@dataclass
class Child:
    """One process to keep alive. ``ready`` says whether it can be used; ``stop_s`` is its grace.

    ``rank``: those of the highest rank are stopped first, all at the same time. ``retired``: it
    isn't started again; one that is so from the beginning has its work and ends by itself.
    ``if_failed``: said in the log when a retired one ends with an error.
    """

    name: str
    argv: list[str]
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 30.0
    stop_s: float = 10.0
    env: Mapping[str, str] = field(default_factory=dict)
    log_file: Path | None = None
    rank: int = 1
    on_reload: OnReload = OnReload.NOTHING
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    kill_at: float = 0.0
    restarts: int = 0
    delay_s: float = RESTART_FIRST_S
    retired: bool = False
    if_failed: str = ""

    @property
    def alive(self) -> bool:
        """Return whether its process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def settled(self) -> bool:
        """Return whether it has been running for a moment, so that another one may be stopped."""
        return self.state == "running" and time.monotonic() - self.started_at > SETTLED_S

    @property
    def state(self) -> str:
        """Return a word for what it is doing."""
        if self.alive:
            return "stopping" if self.kill_at else "running"
        return "restarting"


class ChildFailed(Exception):
    """A process did not come up; the message says which, and what it printed is above."""


class Supervisor:
    """Runs in the main thread of a process of its own: its death ends the children (PDEATHSIG)."""

    def __init__(
        self,
        children: list[Child],
        status_file: Path | None,
        *,
        each_look: Callable[[Supervisor], None] = lambda _: None,
    ) -> None:
        """Take the children in the order of their start; ``each_look`` may add and retire some."""
        self._children = children
        self._status_file = status_file
        self._each_look = each_look
        self._systemd = Notifier()
        self._stop = False
        self._reload = False
        self._to_restart: list[Child] = []

    @property
    def children(self) -> list[Child]:
        """Return those that are to be kept alive."""
        return [child for child in self._children if not child.retired]

    def start(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start all, each when the one before it is ready, then call ``ready``.

        A SIGTERM or SIGINT meanwhile lets nothing more begin, and ``run`` stops what has begun.

        Raises:
            ChildFailed: one that is to stay ended at once, or one wasn't ready in time.
            Exception: what ``ready`` raises. In all cases those started are stopped.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGHUP, self._asked_to_reload)
        try:
            for child in self._children:
                if self._stop:
                    return
                self._spawn(child)
                self._await_ready(child)
            if self._stop:
                return
            ready()
        except BaseException:
            self.stop()
            raise
        self._systemd.ready()

    def run(self) -> None:
        """Keep them alive until SIGTERM or SIGINT, then stop them."""
        try:
            while not self._stop:
                for child in list(self._children):
                    self._look_at(child)
                self._go_on_reloading()
                attempted("supervisor", partial(self._each_look, self))
                self._systemd.alive()
                time.sleep(CHILDREN_EVERY_S)
        finally:
            self.stop()

    def add(self, child: Child) -> None:
        """Start one more."""
        self._children.append(child)
        self._spawn(child)

    def retire(self, child: Child) -> None:
        """Ask one to end, and don't start it again."""
        child.retired = True
        self._ask_to_end(child)
        self._write_status()

    def replace(self, children: Iterable[Child]) -> None:
        """Stop these and start them again, one after the other."""
        waiting = {child.name for child in self._to_restart}
        self._to_restart += [child for child in children if child.name not in waiting]

    def stop(self) -> None:
        """Ask those of the highest rank to end, then the others; kill what takes too long."""
        self._systemd.stopping()
        for rank in sorted({child.rank for child in self._children}, reverse=True):
            group = [child for child in self._children if child.rank == rank]
            for child in group:
                self._ask_to_end(child)
            while any(child.alive for child in group):
                for child in group:
                    _kill_if_late(child)
                self._systemd.alive()
                time.sleep(CHILDREN_EVERY_S / 2)
        if self._status_file is not None:
            with contextlib.suppress(OSError):
                self._status_file.unlink()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _asked_to_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True

    def _go_on_reloading(self) -> None:
        if self._reload:
            self._reload = False
            _log.info("reload: processes are replaced in turn")
            self._systemd.reloading()
            for child in self.children:
                if child.on_reload is OnReload.SIGNAL and child.process is not None:
                    child.process.send_signal(signal.SIGHUP)
            self.replace(one for one in self.children if one.on_reload is OnReload.RESTART)
            self._systemd.ready()
        # One at a time: a child that is being replaced is "stopping", then young.
        if self._to_restart and all(child.settled for child in self.children):
            child = self._to_restart.pop(0)
            if not child.retired:
                self._ask_to_end(child)

    def _ask_to_end(self, child: Child) -> None:
        if child.process is not None and child.alive and not child.kill_at:
            child.process.terminate()
            child.kill_at = time.monotonic() + child.stop_s

    def _spawn(self, child: Child) -> None:
        supervisor = os.getpid()

        def die_with_parent() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != supervisor:  # it died before prctl was called
                os._exit(1)

        output = None
        if child.log_file is not None:
            child.log_file.parent.mkdir(parents=True, exist_ok=True)
            output = child.log_file.open("ab")
        inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        try:
            child.process = subprocess.Popen(  # noqa: S603 - our own command lines
                child.argv,
                env={**inherited, **child.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A session of its own: Ctrl-C reaches the supervisor only, which stops in order.
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
            )
        finally:
            if output is not None:
                output.close()
        child.started_at = time.monotonic()
        child.due_at = child.kill_at = 0.0
        self._write_status()

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + child.ready_within_s
        while not self._stop:
            if not child.alive and child.retired:
                return
            if not child.alive:
                raise ChildFailed(f"{child.name} ended at its start{_where(child)}")
            if child.ready():
                return
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"{child.name} wasn't ready within {child.ready_within_s:.0f} s{_where(child)}"
                )
            time.sleep(CHILDREN_EVERY_S / 2)

    def _look_at(self, child: Child) -> None:
        at = time.monotonic()
        if child.alive:
            _kill_if_late(child)
            if child.delay_s > RESTART_FIRST_S and at - child.started_at > STEADY_S:
                child.delay_s = RESTART_FIRST_S
        elif child.retired:
            if child.if_failed and child.process and child.process.returncode:
                _log.error("%s", child.if_failed)
            self._children.remove(child)
            self._write_status()
        elif child.kill_at:  # it was asked to end, for a new one to begin
            child.restarts += 1
            self._spawn(child)
        elif child.due_at == 0.0:
            code = child.process.returncode if child.process else None
            _log.error("%s ended (%s); again in %.1f s", child.name, code, child.delay_s)
            child.due_at = at + child.delay_s
            child.delay_s = min(child.delay_s * 2, RESTART_MOST_S)
            self._write_status()
        elif at >= child.due_at:
            child.restarts += 1
            self._spawn(child)

    def _write_status(self) -> None:
        if self._status_file is None:
            return
        status = {
            child.name: {
                "pid": child.process.pid if child.process else None,
                "alive": child.alive,
                "state": child.state,
                "restarts": child.restarts,
            }
            for child in self._children
        }
        self._status_file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._status_file.with_suffix(".new")
        draft.write_text(json.dumps(status))
        draft.replace(self._status_file)


def _kill_if_late(child: Child) -> None:
    if child.process and child.alive and child.kill_at and time.monotonic() > child.kill_at:
        _log.warning("%s did not end within %.0f s and is killed", child.name, child.stop_s)
        child.process.kill()
        child.process.wait()


def _where(child: Child) -> str:
    return f"; see {child.log_file}" if child.log_file else ""


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]
