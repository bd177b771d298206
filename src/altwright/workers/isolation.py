"""Isolation: a process of its own for each task, whose crash or memory harms no other."""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from altwright.errors import AltwrightError, TaskStateConflict
from altwright.tasks.execution.lease_renewer import LeaseKeeper
from altwright.tasks.store.claims import Claims
from altwright.tasks.store.rescue import Rescuer
from altwright.tasks.task import Task

_log = logging.getLogger(__name__)

#: What runs in the process; it builds the service there, so it stands above this package.
HORSE = "altwright.processes.isolated_task"
#: Seconds between two looks at whether the worker wants its task back, and that a task rests
#: whose process could not be started.
LOOK_EVERY_S, NO_PROCESS_S = 0.2, 5.0


class IsolatedRunner:
    """Runs each attempt in a process that is forked from a clean one (a fork server).

    A fork of this process would copy the locks of its threads as they happen to stand. The fork
    server has imported everything and started nothing, so a start takes tenths of a second.
    """

    def __init__(
        self,
        claims: Claims,
        leases: LeaseKeeper,
        rescuer: Rescuer,
        changed: Callable[[str], None],
    ) -> None:
        """Take ``changed``, which tells the pages of a task that was taken back."""
        self._claims = claims
        self._leases = leases
        self._rescuer = rescuer
        self._changed = changed
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([HORSE])

    def run(self, task: Task, interrupted: threading.Event) -> None:
        """Work on a claimed task until it ends, fails, or ``interrupted`` is set.

        A process that was killed costs the item in hand: its task is taken back at once.
        """
        # The lease is kept from here: the process's start must not be taken for a death.
        with self._leases.kept(task) as hold:
            self._in_process(task, lambda: interrupted.is_set() or hold.lost.is_set())

    def _in_process(self, task: Task, ends: Callable[[], bool]) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_run_horse, args=[theirs, task.id, task.attempt], daemon=True
        )
        with ours:
            try:
                process.start()
            except OSError as error:
                _log.warning("task %s handed back: no process for it: %s", task.id, error)
                self._claims.release(task, "no process", NO_PROCESS_S)
                return
            finally:
                theirs.close()
            told = False
            while not wait([process.sentinel], LOOK_EVERY_S):
                if ends() and not told:
                    told = _tell(ours)
        process.join()
        if process.exitcode != 0:
            self._take_back(task, f"its process ended with {process.exitcode}")
        process.close()

    def _take_back(self, task: Task, why: str) -> None:
        _log.error("task %s attempt %s: %s", task.id, task.attempt, why)
        try:
            self._rescuer.rescue(task.id, task.attempt, why)
        except TaskStateConflict:
            return
        except AltwrightError as error:
            _log.warning("task %s is left to its lease: %s", task.id, error)
        self._changed(task.id)


def _tell(connection: Connection) -> bool:
    with contextlib.suppress(OSError):  # it is ending
        connection.send_bytes(b"interrupt")
    return True


def _run_horse(connection: Connection, task_id: str, attempt: int) -> None:
    importlib.import_module(HORSE).main(connection, task_id, attempt)


def end_with(
    connection: Connection, interrupted: threading.Event, look: Callable[[], bool]
) -> None:
    """Set ``interrupted`` when the worker says so, when it is gone, or when ``look`` does.

    Runs in the process, in a thread of its own, until the worker's end of the pipe is closed.
    """
    parent = os.getppid()
    while not interrupted.is_set():
        if connection.poll(LOOK_EVERY_S) or look() or os.getppid() != parent:
            interrupted.set()
