"""A soak: under steady work nothing grows. `make prove` has the long one, with its figures."""

from __future__ import annotations

import logging
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_modes import Fleet, Load, Started, fleet
from tests.support_service import tree

from altwright.workers.memory import resident_bytes

_log = logging.getLogger(__name__)

#: Some ten minutes' work.
LONG = (pytest.mark.slow_proof, pytest.mark.timeout(3600))
#: Stretches of the work after each of which is looked, besides the first, in which caches fill.
STRETCHES = 3


@dataclass(frozen=True)
class Figures:
    """What may not grow, of all processes together."""

    kilobytes: int
    threads: int
    files: int
    keys: int
    redis_clients: int


#: What may come on top in all stretches together: a thread pool starts its last threads, say.
SPARE = Figures(kilobytes=30_000, threads=30, files=40, keys=60, redis_clients=12)
#: What may come on top in each of them, again and again: what is left behind by every task is
#: more, be it one key or 100 kB. Memory that is only used again later grows now and then.
STEADY = Figures(kilobytes=1_200, threads=3, files=4, keys=8, redis_clients=2)
#: Kilobytes of it for each task, in stretches of so many that this is more: five processes' heaps
#: grow by about one while they settle (the engine's own work, 14,000 tasks, by nothing).
STEADY_A_TASK = 2


def figures(processes: list[Started], server: RedisServer) -> Figures:
    """Look at the processes, and at Redis."""
    pids = {pid for one in processes for pid in (one.pid, *tree(one.pid))}
    with server.client() as client:
        keys: Any = client.dbsize()
        clients: Any = client.info("clients")
    return Figures(
        kilobytes=sum(map(resident_bytes, pids)) // 1024,
        threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
        files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        keys=keys,
        redis_clients=clients["connected_clients"],
    )


def settled(made: Fleet, server: RedisServer, submits: int) -> None:
    """Let so much be submitted, and let the work come to an end, and RQ's jobs of it expire."""
    with Load(made, item_s=0.01, pause_s=0.2) as load:
        wait_until(lambda: len(load.accepted) >= submits or load.failed, submits * 3)
    assert load.failed == []
    wait_until(lambda: made.counted()[1] == 0, 180, every_s=0.2)
    with server.client() as client:
        wait_until(lambda: not any(client.scan_iter("rq:job:*", count=1000)), every_s=0.1)


@pytest.mark.req("9.2", "500 MB")
@pytest.mark.req("9.4", "nothing grows")
@pytest.mark.parametrize("submits", [100, pytest.param(6000, marks=LONG)])
def test_nothing_grows_under_steady_work(tmp_path: Path, server: RedisServer, submits: int) -> None:
    """Memory, threads, files, connections and keys don't grow from one stretch to the next.

    RQ's finished jobs live for RQ_RESULT_TTL, short here, so that their keys come and go.
    """
    settings = {"RQ_WORKER_COUNT": "2", "RQ_RESULT_TTL": "1"}
    seen = []
    with (
        fleet(tmp_path, server, **settings) as made,
        made.gunicorn() as web,
        made.worker("--count", "2") as worker,
    ):
        for _ in range(1 + STRETCHES):
            settled(made, server, submits // (1 + STRETCHES))
            seen.append(astuple(figures([web, worker], server)))
            _log.info("%s", seen[-1])
        assert all(resident_bytes(pid) < 500 * 1024**2 for pid in (worker.pid, *tree(worker.pid)))
        assert made.counted()[1:] == (0, 0)
    stretches = [map(int.__sub__, after, before) for before, after in pairwise(seen)]
    grown = list(zip(*stretches, strict=True))
    tasks = submits // (1 + STRETCHES)
    may_grow = replace(STEADY, kilobytes=max(STEADY.kilobytes, STEADY_A_TASK * tasks))
    steadily = [min(each) > most for each, most in zip(grown, astuple(may_grow), strict=True)]
    too_much = [sum(each) > most for each, most in zip(grown, astuple(SPARE), strict=True)]
    assert not any(steadily + too_much), seen
