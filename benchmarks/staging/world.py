"""The machine of the rehearsal: servers, two web hosts behind nginx, workers, old workers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from cryptography.fernet import Fernet
from tests import servers
from tests.servers import RedisServer, valkey
from tests.support import free_port, wait_until
from tests.support_leaves import serving
from tests.support_modes import Started, children_of
from tests.support_nginx import Nginx, nginx
from tests.support_pretend import MODEL
from tests.support_service import KEPT, Service, alive
from tests.support_vedfolnir import OLD_KEY, Vedfolnir

import altwright
from altwright import bootstrap, config
from altwright.bootstrap import Services
from benchmarks.staging.fediverse import Fediverse, SlowModel

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(altwright.__file__).parent
#: Logins of web hosts and of workers, with a made-up password.
WEB, WORKER, PASSWORD = "altwright_web", "altwright_worker", "secret"
#: Seconds for processes to come up.
UP_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rehearsal is made of."""

    database: str = "mariadb"
    web_processes: int = 2
    worker_processes: int = 2
    has_sockets: bool = True
    #: Old workers.
    pollers: int = 2


@dataclass
class World:
    """All parts by name; ``operator`` is who types commands, as the owner of the tables."""

    folder: Path
    parts: Parts
    database_url: str
    old: Vedfolnir
    redis: RedisServer
    fediverse: Fediverse
    model: SlowModel
    stack: ExitStack = field(repr=False)
    keys: dict[str, str] = field(default_factory=dict)
    web: list[Service] = field(default_factory=list)
    operator: Service = field(init=False)
    workers: Service = field(init=False)
    front: Nginx = field(init=False)
    services: Services = field(init=False, repr=False)
    pollers: list[Started] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folders and settings of everybody."""
        self.keys = {
            "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "FLASK_SECRET_KEY": Fernet.generate_key().decode(),
        }
        shutil.copytree(PROGRAM, self.program / "altwright")
        (self.folder / "pictures").mkdir(mode=0o700)
        old = {"VEDFOLNIR_DATABASE_URL": self.old.url, "VEDFOLNIR_ENCRYPTION_KEY": OLD_KEY}
        self.operator = self._service("operator", self.database_url, **old)

    @property
    def program(self) -> Path:
        """Return where the version lies that web hosts and workers run."""
        return self.folder / "program"

    @property
    def begun_by_pollers(self) -> list[str]:
        """Return the ids of the tasks that old workers have begun, in order."""
        file = self.folder / "begun.log"
        return file.read_text("ascii").split() if file.exists() else []

    def _service(self, name: str, database_url: str, **more: str) -> Service:
        folder = self.folder / name
        var = folder / "var"
        var.mkdir(parents=True, mode=0o700)
        (var / "pictures").symlink_to(self.folder / "pictures")
        settings = {
            "ALTWRIGHT_PROFILE": "staging",
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "WORKER_MODE": "off",
            "TRUSTED_PROXIES": "1",
            "WEB_CONCURRENCY": str(self.parts.web_processes),
            "WEB_THREADS": "16",
            "RQ_WORKER_COUNT": "2",
            "DESCRIBER": "ollama",
            "OLLAMA_URL": self.model.server.url,
            "OLLAMA_MODEL": MODEL,
            "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(self.program),
            **self.keys,
            **more,
        }
        return Service(folder, settings)

    def set_up_database(self) -> None:
        """Make the tables, and the logins by the SQL that `altwright db roles` prints."""
        done = self.operator.command("db", "upgrade")
        assert done.returncode == 0, done.stderr
        if self.parts.database == "sqlite":
            web = worker = self.database_url
        else:
            self._make_logins()
            web, worker = (_logged_in(self.database_url, login) for login in (WEB, WORKER))
        for number in (1, 2):
            self.web.append(self._service(f"web{number}", web))
            if self.parts.has_sockets:
                self.web[-1].settings["SOCKETS_PORT"] = str(free_port())
        self.workers = self._service("workers", worker, WORKER_MODE="external")
        self.services = bootstrap.build(
            config.load(
                DATA_DIR=self.operator.folder / "var",
                DATABASE_URL=self.database_url,
                REDIS_URL=self.redis.url,
                ALLOWED_PRIVATE_HOSTS="127.0.0.1",
                _ENV_FILE=None,
                **self.keys,
            )
        )
        self.stack.callback(self.services.close)

    def _make_logins(self) -> None:
        self.operator.settings["WORKER_MODE"] = "external"
        printed = self.operator.command("db", "roles", "--host", "localhost")
        assert printed.returncode == 0, printed.stderr
        engine = sa.create_engine(self.database_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for line in printed.stdout.splitlines():
                made_once = line.removeprefix("-- ").replace("'…'", f"'{PASSWORD}'")
                connection.exec_driver_sql(made_once.rstrip(";"))
        engine.dispose()

    def start_pollers(self) -> None:
        """Let the old workers begin, and wait until each has a task in hand."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        for number in range(self.parts.pollers):
            log = self.folder / f"poller{number}.log"
            begun = str(self.folder / "begun.log")
            argv = [sys.executable, "-m", "benchmarks.staging.poller", begun]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    argv,
                    cwd=ROOT,
                    env={**kept, "VEDFOLNIR_DATABASE_URL": self.old.url},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self.pollers.append(Started(process, log))
            self.stack.callback(self.pollers[-1].end)
        wait_until(lambda: len(self.begun_by_pollers) == self.parts.pollers, UP_WITHIN_S)

    def let_pollers_end_a_task(self) -> None:
        """Let each old worker be done with the task that it has in hand."""
        for poller in self.pollers:
            poller.send(signal.SIGUSR1)

    def stop_pollers(self) -> None:
        """Switch the old workers off."""
        for poller in self.pollers:
            code = poller.end()
            assert code == 0, poller.log

    def start(self) -> None:
        """Start both web hosts, the workers and nginx."""
        self.stack.callback(self.stop)
        count = str(self.parts.worker_processes)
        self.workers.start("worker", "--min", count, "--max", count, until="")
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.start_web, self.web))
        wait_until(self.has_workers, UP_WITHIN_S)
        sockets = [int(one.settings.get("SOCKETS_PORT") or one.port) for one in self.web]
        hosts = [one.port for one in self.web]
        self.front = self.stack.enter_context(nginx(self.folder / "nginx", hosts, sockets))

    def start_web(self, one: Service) -> None:
        """Start a web host, and wait until it answers."""
        one.start("serve")

    def stop(self) -> dict[str, int]:
        """Stop what runs, as an administrator does; return the exit codes."""
        codes = {}
        for one in (*self.web, self.workers):
            if one.process is not None:
                codes[one.folder.name] = one.stop()
                one.process = None
        return codes

    def worker_pids(self) -> set[int]:
        """Return the processes whose workers have said that they are there."""
        assert self.workers.process is not None
        assert self.workers.process.poll() is None, self.workers.log
        here = set(children_of(self.workers.process.pid))
        return {one.pid for one in self.services.engine.roster.alive() if one.pid in here}

    def has_workers(self, without: Collection[int] = ()) -> bool:
        """Say whether as many processes work as should, and none of ``without``."""
        there = self.worker_pids()
        return len(there) >= self.parts.worker_processes and there.isdisjoint(without)

    def web_pids(self, one: Service) -> set[int]:
        """Return the ids of a web host's Gunicorn processes."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            return set(children_of(one.children()["gunicorn"]["pid"]))
        return set()

    def delivery(self) -> str:
        """Return how tasks are delivered, as both web hosts say: "" while they differ."""
        said = set()
        for one in self.web:
            with contextlib.suppress(requests.RequestException):
                said.add(requests.get(f"{one.url}/readyz", timeout=10).json()["delivery"])
        return said.pop() if len(said) == 1 else ""

    def logs(self) -> dict[str, str]:
        """Return what everybody has printed."""
        return {one.folder.name: one.log for one in (*self.web, self.workers)}

    def kill(self, pid: int) -> None:
        """Kill a process, and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(_is_gone, pid))


def _is_gone(pid: int) -> bool:
    return not alive(pid)


def _logged_in(url: str, login: str) -> str:
    named = sa.make_url(url).set(username=login, password=PASSWORD)
    return named.render_as_string(hide_password=False)


@contextmanager
def built(folder: Path, parts: Parts) -> Iterator[World]:
    """Start the servers; the service itself and its tables aren't there yet."""
    with ExitStack() as stack:
        redis = stack.enter_context(valkey(port=free_port(), appendonly=True))
        url, old_url = _databases(stack, folder, parts.database)
        engine = sa.create_engine(old_url)
        stack.callback(engine.dispose)
        fediverse, model = Fediverse(), SlowModel()
        fediverse.server = stack.enter_context(serving(fediverse))
        model.server = stack.enter_context(serving(model))
        old = Vedfolnir(engine).make()
        yield World(folder, parts, url, old, redis, fediverse, model, stack)


def _databases(stack: ExitStack, folder: Path, kind: str) -> tuple[str, str]:
    """Return the addresses of our database and of the old one, which is no PostgreSQL."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'altwright.db'}", f"sqlite:///{folder / 'old.db'}"
    server = stack.enter_context(servers.mariadb_server(keeps_commits=True))
    made: Any = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE vedfolnir CHARACTER SET utf8mb4"))
    made.dispose()
    old = sa.make_url(server.url).set(database="vedfolnir").render_as_string(hide_password=False)
    if kind == "postgresql":
        ours = stack.enter_context(servers.postgresql_server(keeps_commits=True))
        return ours.url, old
    return server.url, old
