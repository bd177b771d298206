"""A fleet of real processes that work on toys: Gunicorn, workers, `rq worker`, and their load."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import requests
from sqlalchemy import text
from tests import forked
from tests.servers import RedisServer
from tests.support import free_port, wait_until
from tests.support_domain import FakePlatform
from tests.support_service import KEPT, alive, tree
from tests.support_toys import Toy

from altwright import bootstrap, config
from altwright.accounts.connections import AccountStore
from altwright.bootstrap import Services
from altwright.db import migrate
from altwright.domain.task import Status
from altwright.tasks.task import Task

ROOT = Path(__file__).parent.parent
#: Seconds that a process has to come up, and to end, on a machine with much else to do.
UP_WITHIN_S, DOWN_WITHIN_S = 240.0, 240.0
#: Seconds of a lease: shorter than the default, yet not so short that a living worker on a machine
#: with much else to do loses one.
LEASE_S = "8"
_EFFECTS = "CREATE TABLE toy_effects (task_id VARCHAR(36), item VARCHAR(20))"

_TASKS = "SELECT count(*) FROM tasks t WHERE t.kind IN ('toy', 'captions')"
_ITEMS_WITHOUT_EFFECT = (
    "SELECT count(*) FROM task_items i JOIN tasks t ON t.id = i.task_id"
    " WHERE t.kind IN ('toy', 'captions') AND NOT EXISTS"
    " (SELECT 1 FROM toy_effects e WHERE e.task_id = i.task_id AND e.item = i.key)"
)
_DOUBLED = (
    "SELECT count(*) FROM"
    " (SELECT 1 FROM toy_effects GROUP BY task_id, item HAVING count(*) > 1) doubled"
)


@dataclass
class Started:
    """A process of the fleet."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def pid(self) -> int:
        """Return its id."""
        return self.process.pid

    @property
    def log(self) -> str:
        """Return what it has printed."""
        return self.log_file.read_text("utf-8", "replace")

    def children(self) -> list[int]:
        """Return its living children, whatever thread started them: Gunicorn's workers, for one."""
        return children_of(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and whatever it leaves; return its exit code."""
        everyone = tree(self.pid)
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            for pid in everyone:
                if alive(pid) and tests_own(pid):
                    os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Return a process's living children."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, listing.read_text().split())
    return [child for child in found if alive(child)]


def tests_own(pid: int) -> bool:
    """Say whether a process id still is one of ours, and not another program's by now."""
    try:
        return str(ROOT / "tests" / "toys").encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


@dataclass
class Fleet:
    """The processes of one service, and the test's own view of its database."""

    folder: Path
    redis_url: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    services: Services = field(init=False)
    token: str = field(init=False)
    account_id: int = field(init=False)

    def __post_init__(self) -> None:
        """Make the database, a user with an account, and the table of effects."""
        self.services = bootstrap.build(
            config.load(
                DATA_DIR=self.folder,
                REDIS_URL=self.redis_url,
                _ENV_FILE=None,
                **{"LEASE_S": LEASE_S} | self.settings,
            )
        )
        self.services.engine.kinds["toy"] = self.services.engine.kinds["captions"] = Toy()
        migrate.upgrade(self.services.database.engine)
        with self.services.database.write() as session:
            session.execute(text(_EFFECTS))
        user = self.services.users.create("anna", "correct horse")
        self.token = self.services.users.make_token(user.id, "test")
        accounts = AccountStore(
            self.services.database, self.services.box, lambda *_: FakePlatform()
        )
        account = accounts.add(user.id, "mastodon", "https://social.example", "token")
        self.account_id = account.id
        self.user = replace(user)

    @property
    def url(self) -> str:
        """Return Gunicorn's address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of its processes."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            **kept,
            "DATA_DIR": str(self.folder),
            "REDIS_URL": self.redis_url,
            "PORT": str(self.port),
            "LEASE_S": LEASE_S,
            "RQ_SHUTDOWN_TIMEOUT": "5",
            "WEB_THREADS": "16",
            "PYTHONPATH": f"{ROOT / 'tests' / 'toys'}{os.pathsep}{ROOT}",
            **self.settings,
            **settings,
        }

    def start(self, name: str, argv: list[str], **settings: str) -> Started:
        """Start a process."""
        log_file = self.folder / f"{name}-{time.monotonic_ns()}.log"
        with log_file.open("wb") as output:
            process = subprocess.Popen(
                argv,
                cwd=self.folder,
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return Started(process, log_file)

    @contextlib.contextmanager
    def running(self, name: str, argv: list[str], **settings: str) -> Iterator[Started]:
        """Run a process, and end it."""
        started = self.start(name, argv, **settings)
        try:
            yield started
        finally:
            started.end()

    @contextlib.contextmanager
    def gunicorn(
        self, *options: str, app: str = "altwright.wsgi:app", **settings: str
    ) -> Iterator[Started]:
        """Run Gunicorn, and wait until it answers."""
        argv = [sys.executable, "-m", "gunicorn", "-c", "python:altwright.gunicorn_conf", *options]
        with self.running("gunicorn", [*argv, app], **settings) as started:
            wait_until(lambda: self.answers(started), UP_WITHIN_S)
            yield started

    @contextlib.contextmanager
    def worker(self, *options: str, **settings: str) -> Iterator[Started]:
        """Run `altwright worker`, and wait until it is in the roster."""
        argv = [sys.executable, "-m", "altwright", "worker", *options]
        with self.running("worker", argv, **settings) as started:
            wait_until(lambda: self.live_workers(started), UP_WITHIN_S)
            yield started

    @contextlib.contextmanager
    def rq_worker(
        self,
        worker_class: str = "altwright.rq_worker.Worker",
        *options: str,
        command: str = "worker",
    ) -> Iterator[Started]:
        """Run RQ's own command."""
        rq = str(Path(sys.executable).with_name("rq"))
        argv = [rq, command, "urgent", "high", "normal", "low", "--url", self.redis_url]
        with self.running("rq", [*argv, *options], RQ_WORKER_CLASS=worker_class) as started:
            yield started

    def command(self, *arguments: str) -> str:
        """Run a command that must succeed to its end; return its output."""
        done = forked.command(arguments, self.folder, self.environment())
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def answers(self, started: Started | None = None) -> bool:
        """Say whether Gunicorn answers."""
        if started is not None:
            assert started.process.poll() is None, started.log
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=10).ok
        return False

    def live_workers(self, started: Started) -> int:
        """Return how many workers of this process and those below it are in the roster."""
        assert started.process.poll() is None, started.log
        pids = {started.pid, *tree(started.pid)}
        return sum(
            one.pid in pids and not one.vanished for one in self.services.engine.roster.all()
        )

    def submit(self, priority: str | None = None, **settings: Any) -> Task:
        """Submit a toy that records its effects."""
        return self.services.queue.submit(
            "toy", user=None, settings={"record": True, **settings}, priority=priority
        )

    def post(self, key: str, **settings: Any) -> requests.Response:
        """Submit a toy over HTTP."""
        return requests.post(
            f"{self.url}/api/v1/tasks",
            json={"account_id": self.account_id, "settings": {"record": True, **settings}},
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": key},
            timeout=120,
        )

    def task(self, task_id: str) -> Task:
        """Return a task as it is now."""
        return self.services.store.get(task_id, None)

    def status(self, task: Task) -> Status:
        """Return a task's state now."""
        return self.task(task.id).status

    def completed(self, *tasks: Task) -> bool:
        """Say whether all have completed."""
        return all(self.status(task) is Status.COMPLETED for task in tasks)

    def counted(self) -> tuple[int, int, int]:
        """Return how many tasks there are, how many items lack an effect, and how many have two.

        A task counts as lost when it hasn't completed.
        """
        # The service has tasks of its own (maintenance), which record nothing.
        with self.services.database.read() as session:
            tasks: Any = session.scalar(text(_TASKS))
            lost: Any = session.scalar(text(f"{_TASKS} AND t.status <> 'completed'"))
            lost += session.scalar(text(_ITEMS_WITHOUT_EFFECT))
            twice: Any = session.scalar(text(_DOUBLED))
        return tasks, lost, twice

    def close(self) -> None:
        """Release the test's own connections."""
        self.services.close()


@contextlib.contextmanager
def fleet(folder: Path, server: RedisServer, **settings: str) -> Iterator[Fleet]:
    """Return a fleet without processes yet."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Fleet(folder, server.url, settings)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Load:
    """Submits over HTTP from several threads, and what became of each request.

    One user's tasks are dispatched a few at a time, for fairness: some ten a second get through.
    """

    fleet: Fleet
    item_s: float = 0.02
    pause_s: float = 0.05
    accepted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        """Start nothing yet."""
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"load {number}") for number in range(3)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.pause_s):
            began = time.monotonic()
            try:
                answer = self.fleet.post(str(uuid4()), items=3, item_s=self.item_s)
                if answer.status_code == requests.codes.accepted:
                    self.accepted.append(answer.json()["id"])
                else:
                    self.failed.append(f"{answer.status_code}: {answer.text}")
            except requests.RequestException as error:
                self.failed.append(repr(error))
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
