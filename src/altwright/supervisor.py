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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

_log = logging.getLogger(__name__)

#: prctl(2): the signal that a process gets when the thread that started it ends.
PR_SET_PDEATHSIG = 1
#: Seconds before the first restart of a process that died, and the longest; doubled each time.
RESTART_FIRST_S, RESTART_MOST_S = 0.2, 30.0
#: Seconds that a process has to live before its restarts count from the beginning again.
STEADY_S = 60.0
#: Seconds between two looks at the processes.
LOOK_EVERY_S = 0.1

_libc = ctypes.CDLL(None)


@dataclass
class Child:
    """One process to keep alive. ``ready`` says whether it can be used; ``stop_s`` is its grace."""

    name: str
    argv: list[str]
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 30.0
    stop_s: float = 10.0
    env: Mapping[str, str] = field(default_factory=dict)
    log_file: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    restarts: int = 0
    delay_s: float = RESTART_FIRST_S

    @property
    def alive(self) -> bool:
        """Say whether its process runs."""
        return self.process is not None and self.process.poll() is None


class ChildFailed(Exception):
    """A process did not come up; the message says which, and what it printed is above."""


class Supervisor:
    """Runs in the main thread of a process of its own: its death ends the children (PDEATHSIG)."""

    def __init__(self, children: list[Child], status_file: Path) -> None:
        """Take the children in the order of their start; they stop in the opposite one."""
        self._children = children
        self._status_file = status_file
        self._stop = False

    def start(self) -> None:
        """Start all, each when the one before it is ready.

        Raises:
            ChildFailed: one ended at once, or wasn't ready in time; those started are stopped.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        try:
            for child in self._children:
                self._spawn(child)
                self._await_ready(child)
        except BaseException:
            self.stop()
            raise

    def run(self) -> None:
        """Keep them alive until SIGTERM or SIGINT, then stop them."""
        try:
            while not self._stop:
                for child in self._children:
                    self._look_at(child)
                time.sleep(LOOK_EVERY_S)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask each to end, in the opposite order of the start; kill what takes too long."""
        for child in reversed(self._children):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(child.stop_s)
            except subprocess.TimeoutExpired:
                _log.warning("%s did not end within %.0f s and is killed", child.name, child.stop_s)
                process.kill()
                process.wait()
        with contextlib.suppress(OSError):
            self._status_file.unlink()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

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
        try:
            child.process = subprocess.Popen(  # noqa: S603 - our own command lines
                child.argv,
                env={**os.environ, **child.env},
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
        self._write_status()

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + child.ready_within_s
        while not self._stop:
            if not child.alive:
                raise ChildFailed(f"{child.name} ended at its start{_where(child)}")
            if child.ready():
                return
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"{child.name} wasn't ready within {child.ready_within_s:.0f} s{_where(child)}"
                )
            time.sleep(LOOK_EVERY_S / 2)

    def _look_at(self, child: Child) -> None:
        at = time.monotonic()
        if child.alive:
            if child.delay_s > RESTART_FIRST_S and at - child.started_at > STEADY_S:
                child.delay_s = RESTART_FIRST_S
            return
        if child.due_at == 0.0:
            code = child.process.returncode if child.process else None
            _log.error("%s ended (%s); again in %.1f s", child.name, code, child.delay_s)
            child.due_at = at + child.delay_s
            child.delay_s = min(child.delay_s * 2, RESTART_MOST_S)
            self._write_status()
        elif at >= child.due_at:
            child.due_at = 0.0
            child.restarts += 1
            self._spawn(child)

    def _write_status(self) -> None:
        status = {
            child.name: {
                "pid": child.process.pid if child.process else None,
                "alive": child.alive,
                "restarts": child.restarts,
            }
            for child in self._children
        }
        self._status_file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._status_file.with_suffix(".new")
        draft.write_text(json.dumps(status))
        draft.replace(self._status_file)


def _where(child: Child) -> str:
    return f"; see {child.log_file}" if child.log_file else ""


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]
