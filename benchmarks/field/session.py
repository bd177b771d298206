"""One queue at work: its processes, from their start to their end, and what is measured of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.support import wait_until
from tests.support_service import KEPT, alive, tree

from benchmarks.peers.marks import FOLDER, GATE, JOB, NOTE, Note
from benchmarks.processes import memory_mb

ROOT = Path(__file__).parent.parent.parent
#: Seconds that processes have to come up and jobs to be done; and to end, when asked to.
PATIENCE_S, END_WITHIN_S = 60.0, 15.0
#: Seconds between two looks whether workers wait at the gate, and after which more are sent there.
LOOK_EVERY_S, SEND_MORE_S = 0.01, 1.0
#: Seconds in which workers settle before their memory is read.
SETTLE_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A queue, its workers, and what of it is measured."""

    name: str
    #: What takes orders (marks.take_orders), and what works, a command for each process.
    submitter: list[str]
    workers: list[list[str]]
    environment: dict[str, str]
    #: How many processes do jobs, and how many jobs they do at a time.
    processes: int = 1
    slots: int = 1
    #: "memory", "pickup", "drain", "work", "items".
    measured: tuple[str, ...] = ("memory", "pickup", "drain", "work")
    #: How many times the jobs that others get.
    share: float = 1.0
    #: Seconds after which its worker counts as idle again, at least and at most: by chance, so that
    #: submits don't keep step with a worker that asks.
    pause_s: tuple[float, float] = (0.03, 0.05)

    @property
    def set_up(self) -> str:
        """Return the workers' commands, without what differs from machine to machine."""
        return " & ".join(
            " ".join(
                "URL" if "://" in part else Path(part).name if part.startswith("/") else part
                for part in argv
            )
            for argv in self.workers or [self.submitter]
        )


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is submitted for a figure."""

    jobs: int = 300
    #: Jobs that take WORK_S each.
    slow_jobs: int = 60
    #: Tasks of ITEMS items.
    large: int = 10
    pickups: int = 40


#: Seconds that work takes, as if somebody's answer were waited for; items of a large task.
WORK_S, ITEMS = 0.01, 100


@dataclass
class Session:
    """A contestant's processes."""

    contestant: Contestant
    folder: Path
    submitter: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]
    gates: int = 0
    _notes: IO[bytes] | None = field(default=None, repr=False)

    def order(self, count: int, gate: str = "", seconds: float = 0.0, **more: int) -> Any:
        """Have jobs submitted; return when that began and ended."""
        order = {"count": count, "gate": gate, "seconds": seconds, **more}
        assert self.submitter.stdin is not None  # noqa: S101 - as it was started
        self.submitter.stdin.write(json.dumps(order) + "\n")
        self.submitter.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """Return what the submitter says."""
        assert self.submitter.stdout is not None  # noqa: S101 - as it was started
        line = self.submitter.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contestant.name}: its submitter ended\n{self.log()}")
        return json.loads(line)

    def notes(self, what: bytes, since: float = 0.0) -> list[Note]:
        """Return what jobs have noted since an instant."""
        path = self.folder / "notes"
        data = path.read_bytes() if path.exists() else b""
        whole = data[: len(data) // NOTE.size * NOTE.size]
        found = (Note(*one) for one in NOTE.iter_unpack(whole))
        return [one for one in found if one.what == what and one.at >= since]

    def await_jobs(self, count: int, since: float) -> list[Note]:
        """Wait until so many jobs have begun since an instant."""

        def begun() -> list[Note]:
            found = self.notes(JOB, since)
            return found if len(found) >= count else []

        try:
            return wait_until(begun, PATIENCE_S, every_s=0.005)
        except AssertionError:
            raise RuntimeError(
                f"{self.contestant.name}: {len(self.notes(JOB, since))} of {count} jobs were done"
                f"\n{self.log()}"
            ) from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every worker waiting in a job meanwhile; then let all go on at the same instant."""
        self.gates += 1
        gate = f"gate{self.gates}"
        began = sent_at = time.monotonic()
        self.order(self.contestant.slots, gate)
        while True:
            waiting = self.notes(GATE, began)
            lacking = self.contestant.slots - len(waiting)
            if lacking <= 0 and len({one.pid for one in waiting}) >= self.contestant.processes:
                break
            at = time.monotonic()
            ended = any(one.poll() is not None for one in self.workers)
            if ended or at - began > PATIENCE_S:
                raise RuntimeError(f"{self.contestant.name}: no worker comes\n{self.log()}")
            if at - sent_at > SEND_MORE_S:  # one process took more than its own share
                sent_at = at
                self.order(max(lacking, 1), gate)
            time.sleep(LOOK_EVERY_S)
        yield
        (self.folder / gate).touch()

    def drained(self, tasks: int, seconds: float = 0.0, items: int = 1) -> tuple[float, float]:
        """Return jobs (or items) done in a second, and milliseconds of processor for each."""
        more: dict[str, int] = {} if items == 1 else {"items": items}
        with self.held():
            self.order(tasks, "", seconds, **more)
            cpu, opened = self.cpu_s(), time.monotonic()
        count = tasks * items
        ended = self.await_jobs(count, opened)[-1].at + seconds
        return count / (ended - opened), 1000 * (self.cpu_s() - cpu) / count

    def pickup_ms(self) -> tuple[float, float]:
        """Return milliseconds until an idle worker begins, from the submit's end and beginning."""
        time.sleep(random.uniform(*self.contestant.pause_s))  # noqa: S311 - no secret
        began, ended = self.order(1)
        at = self.await_jobs(1, began)[0].at
        return 1000 * (at - ended), 1000 * (at - began)

    def memory_mb(self) -> tuple[float, float]:
        """Return what idle workers hold, pages that several share split (PSS) or not (RSS)."""
        time.sleep(SETTLE_S)
        pss, rss = zip(*map(memory_mb, self.pids()), strict=True)
        return sum(pss), sum(rss)

    def cpu_s(self) -> float:
        """Return the processor time of all workers so far, of children that have ended as well."""
        ticks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):  # it has just ended, and its parent counts it
                after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                ticks += sum(map(int, after_name.split()[11:15]))
        return ticks / _TICKS

    def pids(self) -> set[int]:
        """Return the workers' processes."""
        return {pid for one in self.workers for pid in (one.pid, *tree(one.pid))}

    def log(self) -> str:
        """Return the end of what the processes have printed."""
        return (self.folder / "log").read_text("utf-8", "replace")[-2000:]


@contextlib.contextmanager
def session(contestant: Contestant) -> Iterator[Session]:
    """Start a contestant's processes, and wait until its workers work."""
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="altwright-field-"))
        folder = Path(name)
        log = stack.enter_context((folder / "log").open("ab"))
        environment = {one: os.environ[one] for one in KEPT if one in os.environ}
        environment |= {"PYTHONPATH": str(ROOT), FOLDER: name, **contestant.environment}

        def start(argv: list[str], pipe: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
            process = subprocess.Popen(  # noqa: S603 - arguments of ours
                argv,
                cwd=folder,
                env=environment,
                stdin=pipe,
                stdout=pipe if pipe == subprocess.PIPE else log,
                stderr=log,
                text=True,
            )
            stack.callback(_end, process)
            return process

        workers = [start(argv) for argv in contestant.workers]
        submitter = start(contestant.submitter, subprocess.PIPE)
        # Without commands of its own the submitter's process works, too.
        made = Session(contestant, folder, submitter, workers or [submitter])
        made.answer()
        with made.held():
            pass
        yield made


def _end(process: subprocess.Popen[str]) -> None:
    """Ask it to end; then end it and whatever it leaves."""
    everyone = {process.pid, *tree(process.pid)}
    if process.stdin is not None:
        process.stdin.close()  # no more orders: it ends by itself
    else:
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_WITHIN_S)
    for pid in everyone:
        if pid != process.pid and alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def measured(contestant: Contestant, sizes: Sizes) -> dict[str, list[tuple[float, float]]]:
    """Return each figure's pairs of one session."""
    found: dict[str, list[tuple[float, float]]] = {}
    jobs = max(1, round(sizes.jobs * contestant.share))
    with session(contestant) as made:
        for what in contestant.measured:
            match what:
                case "memory":
                    found[what] = [made.memory_mb()]
                case "pickup":
                    count = max(2, round(sizes.pickups * min(contestant.share, 1)))
                    found[what] = [made.pickup_ms() for _ in range(count)]
                case "drain":
                    found[what] = [made.drained(jobs)]
                case "work":
                    found[what] = [made.drained(sizes.slow_jobs, WORK_S)]
                case "items":
                    found[what] = [made.drained(sizes.large, items=ITEMS)]
    return found
