"""A soak: under steady work nothing grows. `make prove` has the long one, with its figures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.servers import RedisServer, valkey
from tests.support import wait_until
from tests.support_modes import Fleet, Load, Started, fleet
from tests.support_service import tree

from altwright.workers.memory import MIB, resident_bytes

_log = logging.getLogger(__name__)

#: Some ten minutes' work.
LONG = (pytest.mark.slow_proof, pytest.mark.timeout(3600))


@dataclass(frozen=True)
class Figures:
    """What may not grow, of all processes together."""

    megabytes: int
    threads: int
    files: int
    keys: int
    redis_clients: int


#: What may come on top after the first third: caches fill, a thread pool starts its last threads.
SPARE = Figures(megabytes=30, threads=30, files=40, keys=250, redis_clients=12)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Valkey."""
    with valkey() as running:
        yield running


def figures(processes: list[Started], server: RedisServer) -> Figures:
    """Look at the processes, and at Redis."""
    pids = {pid for one in processes for pid in (one.pid, *tree(one.pid))}
    with server.client() as client:
        keys: Any = client.dbsize()
        clients: Any = client.info("clients")
    return Figures(
        megabytes=sum(map(resident_bytes, pids)) // MIB,
        threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
        files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        keys=keys,
        redis_clients=clients["connected_clients"],
    )


def settled(made: Fleet, submits: int) -> None:
    """Let so much be submitted, and let the work come to an end."""
    with Load(made, item_s=0.01, pause_s=0.2) as load:
        wait_until(lambda: len(load.accepted) >= submits or load.failed, submits * 3)
    assert load.failed == []
    wait_until(lambda: made.counted()[1] == 0, 180, every_s=0.2)


@pytest.mark.req("9.2", "500 MB")
@pytest.mark.req("9.4", "nothing grows")
@pytest.mark.parametrize("submits", [120, pytest.param(6000, marks=LONG)])
def test_nothing_grows_under_steady_work(tmp_path: Path, server: RedisServer, submits: int) -> None:
    """Memory, threads, files, connections and keys after the work are as after its first third.

    RQ's finished jobs live for RQ_RESULT_TTL, short here, so that their keys come and go.
    """
    settings = {"RQ_WORKER_COUNT": "2", "RQ_RESULT_TTL": "2"}
    with (
        fleet(tmp_path, server, **settings) as made,
        made.gunicorn() as web,
        made.worker("--count", "2") as worker,
    ):
        settled(made, submits // 3)
        first = figures([web, worker], server)
        settled(made, submits - submits // 3)
        last = figures([web, worker], server)
        assert all(resident_bytes(pid) < 500 * MIB for pid in (worker.pid, *tree(worker.pid)))
        assert made.counted()[1:] == (0, 0)
    grown = [after - before for before, after in zip(astuple(first), astuple(last), strict=True)]
    _log.info("after %d tasks %s; after %d %s", submits // 3, first, submits, last)
    too_much = [more > most for more, most in zip(grown, astuple(SPARE), strict=True)]
    assert not any(too_much), (first, last)
