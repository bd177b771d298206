"""Who is compared: Altwright on each database, RQ's own workers, and the queues of the field."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from tests.servers import mariadb, postgresql, valkey
from tests.support import free_port
from tests.support_engine import NOWHERE

from altwright.db import migrate
from altwright.db.session import make_engine
from benchmarks.databases import say
from benchmarks.field.session import ROOT, Contestant

#: The other queues' environment, which `make bench` makes.
PEERS = ROOT / ".venv" / "peers" / "bin"
#: Databases that Altwright works on, by the name of its row.
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
#: RQ's forking worker does a fifth of what others do, and these several times as much: each gets
#: jobs for about a second.
FORK_SHARE, FAST_SHARE = 0.2, 4.0
#: Threads in a process of Dramatiq, as its command has them.
THREADS = 8
#: Without Redis an idle worker asks ever more seldom where nobody wakes it: after 1.6 s once a
#: second. Few of such slow submits are enough.
ASKS_SELDOM_S, SLOW_SHARE = (1.6, 2.6), 0.1
ALONE = ("memory", "pickup", "drain", "work")
PAIR = ("memory", "drain", "work")


@contextlib.contextmanager
def contestants(kinds: list[str], *, peers: bool) -> Iterator[list[Contestant]]:
    """Yield all that can work here; ``peers``: with the other queues beside RQ."""
    with contextlib.ExitStack() as stack:
        server = f"redis://127.0.0.1:{stack.enter_context(valkey(port=free_port())).port}"
        found = _rq(f"{server}/0")
        if peers:
            found += _celery(f"{server}/1") + _dramatiq(f"{server}/2") + _huey(f"{server}/3")
        for number, kind in enumerate(kinds, 4):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="altwright-field-"))
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
            if kind != "sqlite":
                try:
                    server_of = postgresql if kind == "postgresql" else mariadb
                    url = stack.enter_context(server_of())
                except pytest.skip.Exception as missing:
                    say(f"{kind}: {missing}")
                    continue
            if kind == "postgresql" and peers:
                found += _procrastinate(url)
            engine = make_engine(url)
            migrate.upgrade(engine)
            engine.dispose()
            found += _ours(DATABASES[kind], url, f"{server}/{number}", folder)
        yield sorted(found, key=lambda one: one.name.startswith("Altwright"))


def _rq(redis_url: str) -> list[Contestant]:
    environment = {"REDIS_URL": redis_url, "PYTHONPATH": str(ROOT)}
    rq = [sys.executable, "-m", "rq.cli"]
    submitter = _orders("rq_peer", sys.executable)
    end = ["bench", "--quiet", "--url", redis_url, "--worker-class"]
    simple, fork = "rq.worker.SimpleWorker", "rq.worker.Worker"
    pool = [*rq, "worker-pool", *end, simple, "--num-workers", "2"]
    return [
        Contestant("RQ SimpleWorker", submitter, [[*rq, "worker", *end, simple]], environment),
        Contestant(
            "RQ Worker (fork)", submitter, [[*rq, "worker", *end, fork]], environment,
            share=FORK_SHARE,
        ),
        _two(Contestant("RQ pool, 2 processes", submitter, [pool], environment)),
    ]  # fmt: skip


def _celery(redis_url: str) -> list[Contestant]:
    app = ["-A", "benchmarks.peers.celery_peer", "worker", "--loglevel", "WARNING"]
    worker = [str(PEERS / "celery"), *app, "--pool", "prefork", "--concurrency"]
    environment = {"REDIS_URL": redis_url}
    submitter = _orders("celery_peer")
    return [
        Contestant(
            "Celery prefork, late ack", submitter, [[*worker, "1"]], environment, share=FAST_SHARE
        ),
        _two(
            Contestant(
                "Celery prefork, late ack, 2 processes", submitter, [[*worker, "2"]], environment
            ),
            FAST_SHARE,
        ),
    ]


def _dramatiq(redis_url: str) -> list[Contestant]:
    module = "benchmarks.peers.dramatiq_peer"
    worker = [str(PEERS / "dramatiq"), module, "--threads", str(THREADS), "--processes"]
    environment = {"REDIS_URL": redis_url}
    submitter = _orders("dramatiq_peer")
    # Its threads wait at the same time, so that work of waiting isn't comparable.
    alone = Contestant(
        f"Dramatiq, {THREADS} threads", submitter, [[*worker, "1"]], environment, 1, THREADS,
        ("memory", "pickup", "drain"), FAST_SHARE,
    )  # fmt: skip
    two = Contestant(
        f"Dramatiq, {THREADS} threads, 2 processes", submitter, [[*worker, "2"]], environment, 2,
        2 * THREADS, ("memory", "drain"), FAST_SHARE,
    )  # fmt: skip
    return [alone, two]


def _huey(redis_url: str) -> list[Contestant]:
    app = ["benchmarks.peers.huey_peer.huey", "--quiet", "--worker-type", "process", "--workers"]
    worker = [str(PEERS / "huey_consumer"), *app]
    environment = {"REDIS_URL": redis_url}
    submitter = _orders("huey_peer")
    return [
        Contestant("Huey", submitter, [[*worker, "1"]], environment, share=FAST_SHARE),
        _two(Contestant("Huey, 2 processes", submitter, [[*worker, "2"]], environment), FAST_SHARE),
    ]


def _procrastinate(url: str) -> list[Contestant]:
    """Prepare its tables beside Altwright's in the same database."""
    parts = url.partition("host=")[2]
    environment = {"PEER_DATABASE": f"host={parts} user=altwright dbname=postgres"}
    command = [str(PEERS / "procrastinate"), "--app", "benchmarks.peers.procrastinate_peer.app"]
    subprocess.run(  # noqa: S603 - arguments of ours
        [*command, "schema", "--apply"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        check=True,
        capture_output=True,
    )
    worker = [*command, "worker", "--concurrency", "1"]
    submitter = _orders("procrastinate_peer")
    return [
        Contestant("Procrastinate", submitter, [worker], environment),
        _two(Contestant("Procrastinate, 2 processes", submitter, [worker, worker], environment)),
    ]


def _ours(database: str, url: str, redis_url: str, folder: str) -> list[Contestant]:
    environment = {
        "DATA_DIR": folder,
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "WARNING",
        "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode("ascii"),
    }
    command = [sys.executable, "-m", "benchmarks.field.ours"]
    submitter, worker, both = ([*command, role] for role in ("submitter", "worker", "both"))
    without = environment | {"REDIS_URL": NOWHERE}
    name = f"Altwright, {database}"
    return [
        Contestant(name, submitter, [worker], environment, measured=(*ALONE, "items")),
        _two(Contestant(f"{name}, 2 processes", submitter, [worker, worker], environment)),
        Contestant(
            f"{name}, without Redis", submitter, [worker], without, measured=("pickup",),
            share=SLOW_SHARE, pause_s=ASKS_SELDOM_S,
        ),
        Contestant(
            f"{name}, without Redis, one process", both, [], without, measured=("pickup",)
        ),
    ]  # fmt: skip


def _two(one: Contestant, share: float = 1.0) -> Contestant:
    return replace(one, processes=2, slots=2, measured=PAIR, share=share)


def _orders(module: str, python: str = str(PEERS / "python")) -> list[str]:
    return [python, "-m", "benchmarks.peers", module]
