"""What a chaos run works on: servers that can be broken, users, and the service itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import (
    DatabaseServer,
    RedisServer,
    mariadb_server,
    postgresql_server,
    valkey,
)
from tests.support import free_port, wait_until

from altwright.accounts.users import UserStore
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.db.tables import AccountRow, UserRow
from benchmarks.chaos.kind import effects
from benchmarks.chaos.plan import LEASE_S
from benchmarks.chaos.proxy import Proxy

ROOT = Path(__file__).parent.parent.parent
#: Small enough to be filled in no time, and many times what the run needs.
MAXMEMORY = "32mb"
#: Seconds that the service has to come up and to end.
UP_WITHIN_S, DOWN_WITHIN_S = 180.0, 120.0
#: What is left of the surroundings: nothing that could be a setting.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
#: In the environment of every process of the run, so that one left behind is found.
MARK = "ALTWRIGHT_CHAOS_RUN"
#: Gunicorn's worker processes, and worker processes beside it.
WEB_PROCESSES, WORKER_PROCESSES = 2, 2
_LIBFAKETIME = "faketime/libfaketimeMT.so.1"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with an account and a token."""

    id: int
    account_id: int
    token: str


@dataclass
class World:
    """Everything that a run can break, and what it can't: ``database`` is the run's own door."""

    folder: Path
    kind: str
    database: Database
    database_url: str
    database_server: DatabaseServer | None
    redis: RedisServer
    proxy: Proxy
    proxy_port: int
    clock: str
    port: int = field(default_factory=free_port)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the service's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        """Return the service's DATA_DIR."""
        return self.folder / "var"

    def start_service(self) -> None:
        """Start the service, and wait until it is ready."""
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.proxy_port}/0",
            "WORKER_MODE": "hybrid",
            "WEB_CONCURRENCY": str(WEB_PROCESSES),
            "WEB_THREADS": "24",
            "RQ_WORKER_COUNT": "4",
            "EXTERNAL_PROCESSES": str(WORKER_PROCESSES),
            "RQ_SHUTDOWN_TIMEOUT": "3",
            "LEASE_S": str(LEASE_S),
            "DISPATCH_WINDOW": "50",
            "LOG_LEVEL": "WARNING",
            MARK: self.mark,
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "benchmarks.chaos.service"]
        argv += ["--clock", self.clock] if self.clock else []
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                argv,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        process = self.process

        def ready() -> bool:
            said = self.log.read_text("utf-8", "replace")
            if process.poll() is not None:
                raise RuntimeError(f"the service ended at its start: {said}")
            return "ready" in said.splitlines()

        wait_until(ready, UP_WITHIN_S, every_s=0.1)

    @property
    def log(self) -> Path:
        """Return the file that the service prints to."""
        return self.folder / "service.log"

    def stop_service(self) -> int:
        """Stop the service as an administrator does; return its exit code (-9: it had to be)."""
        process = self.process
        if process is None:
            return 0
        self.process = None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def children(self) -> dict[str, int]:
        """Return the process ids of the service's children by name, of those that live."""
        with contextlib.suppress(OSError, ValueError):
            (status_file,) = (self.data_dir / "run").rglob("supervisor.json")
            status = json.loads(status_file.read_text())
            return {name: child["pid"] for name, child in status.items() if child["alive"]}
        return {}

    def web_workers(self) -> list[int]:
        """Return the process ids of Gunicorn's workers."""
        master = self.children().get("gunicorn")
        with contextlib.suppress(OSError):
            listing = Path(f"/proc/{master}/task/{master}/children").read_text("ascii")
            return [int(pid) for pid in listing.split()]
        return []

    def worker_processes(self) -> list[int]:
        """Return the process ids of the workers beside Gunicorn."""
        return [pid for name, pid in self.children().items() if name.startswith("worker")]

    def left_behind(self) -> list[int]:
        """Return processes of this run's service that are still there."""
        mark = f"{MARK}={self.mark}".encode("ascii")
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in environ.read_bytes():
                    found.append(int(environ.parent.name))
        return found

    def end_left_behind(self) -> None:
        """Kill what should have ended by itself."""
        for pid in self.left_behind():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def built(folder: Path, kind: str, *, clock: str) -> Iterator[World]:
    """Start the servers and prepare the tables; the service isn't started yet."""
    with contextlib.ExitStack() as stack:
        redis_port, proxy_port = free_port(), free_port()
        redis = stack.enter_context(valkey(port=redis_port, maxmemory=MAXMEMORY, appendonly=True))
        server = None
        if kind == "postgresql":
            server = stack.enter_context(postgresql_server(keeps_commits=True))
        elif kind == "mariadb":
            server = stack.enter_context(mariadb_server(keeps_commits=True))
        url = server.url if server else f"sqlite:///{folder / 'chaos.db'}"
        proxy = Proxy(proxy_port, redis_port)
        stack.callback(proxy.close)
        database = Database(make_engine(url, pool_size=10))
        stack.callback(database.close)
        migrate.upgrade(database.engine)
        effects.create(database.engine)
        world = World(folder, kind, database, url, server, redis, proxy, proxy_port, clock)
        stack.callback(world.end_left_behind)
        stack.callback(world.stop_service)
        yield world


def people(database: Database, count: int) -> list[Person]:
    """Enter users who can call the API, each with an account to submit for."""
    made = []
    store = UserStore(database)
    for number in range(count):
        with database.write() as session:
            user = UserRow(username=f"user{number}", password_hash="!")  # noqa: S106 - can't sign in
            session.add(user)
            session.flush()
            account = AccountRow(
                user_id=user.id,
                platform="mastodon",
                url="https://example.org",
                token="",
                remote_id=str(number),
                acct=f"user{number}@example.org",
            )
            session.add(account)
            session.flush()
            ids = user.id, account.id
        made.append(Person(*ids, store.make_token(ids[0], "chaos")))
    return made


def libfaketime() -> str:
    """Return the library that gives a process another clock, "" when it isn't installed."""
    program = shutil.which("faketime")
    if program is None:
        return ""
    for folder in (Path("/usr/lib"), Path("/usr/local/lib")):
        for found in folder.glob(f"**/{_LIBFAKETIME}"):
            return str(found)
    return ""
