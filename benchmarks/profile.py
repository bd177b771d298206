"""`python -m benchmarks.profile`: where a task's processor time goes, part by part.

In one process and one thread, by samples of its stack while its processor time runs, so that what
else the machine does hardly matters: a worker that drains tasks of one item that do nothing, and
submits as `POST /api/v1/tasks` without a web server before it; beside RQ's SimpleWorker, and bare
Flask with RQ. What servers do in processes of their own isn't counted; SQLite is in this one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from rq import SimpleWorker
from tests.servers import valkey
from werkzeug.test import EnvironBuilder

from altwright import telemetry
from altwright.web.app import create_app
from benchmarks.databases import KINDS, say
from benchmarks.drain import Ours, Peer, database_of
from benchmarks.submits import NAMES, Person, asked, people, undisturbed

#: Tasks and submits, and such before them that aren't counted.
COUNT, WARM_UP = 1500, 50
#: Seconds of processor time between two samples; the kernel's clock may allow fewer.
EVERY_S = 0.001
#: Part by what a frame's file has in its path; of a stack the innermost known frame counts.
PARTS = {
    "/sqlite3/": "driver",
    "/psycopg": "driver",
    "/pymysql/": "driver",
    "/sqlalchemy/": "sqlalchemy",
    "/redis/": "redis",
    "/rq/": "rq",
    "/cryptography/": "crypto",
    "/altwright/crypto.py": "crypto",
    "/logging/": "logging",
    "/structlog/": "logging",
    "/altwright/": "engine",
    "/flask": "web",
    "/werkzeug/": "web",
    "/pydantic": "web",
    "/engineio/": "web",
    "/socketio/": "web",
}
#: Our own files that are another part: the adapter to RQ, and the door of HTTP.
OURS = {"/altwright/tasks/rq/": "rq", "/altwright/web/": "web"}
#: Functions that call a driver written in C, which has no frames of its own; the last is called by
#: SQLite, and the first to run when a sample was due in it.
DRIVER_CALLS = {"do_execute", "do_commit", "do_rollback", "do_executemany", "_begin"}
DRIVER_CALLS |= {"altwright_now"}
REST = "rest"


def part_of(frame: FrameType | None) -> str:
    """Return the part that works while a frame is the innermost."""
    calls_driver = frame is not None and frame.f_code.co_name in DRIVER_CALLS
    while frame is not None:
        path = frame.f_code.co_filename
        for mark, part in (OURS | PARTS).items():
            if mark in path:
                return "driver" if calls_driver else part
        frame = frame.f_back
    return REST


def profiled(work: Callable[[], object], count: int) -> dict[str, float]:
    """Do some work; return milliseconds of processor time of each of ``count``, by part."""
    seen: Counter[str] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        seen[part_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, sample)
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    each_ms = 1000 * (time.process_time() - began) / count
    samples = max(seen.total(), 1)
    parts = {part: round(each_ms * seen[part] / samples, 3) for part in (*_names(), REST)}
    return {"total_ms": round(each_ms, 3)} | parts


def _names() -> list[str]:
    return list(dict.fromkeys(PARTS.values()))


def drained(drain: Any, count: int) -> dict[str, float]:
    """Return what a worker takes for a task, or RQ's for a job."""
    for some in (WARM_UP, count):
        drain.submit(some, 1)
        found = profiled(partial(drain.drain, some, 1), some)
    return found


def posted(app: Any, somebody: Iterator[Person], count: int) -> dict[str, float]:
    """Return what a submit takes in an application of this process."""

    def environ(person: Person) -> dict[str, Any]:
        headers, body = asked(person)
        made = EnvironBuilder("/api/v1/tasks", method="POST", json=body, headers=[*headers.items()])
        return made.get_environ()

    def answered(status: str, _headers: Any, _info: Any = None) -> Any:
        if not status.startswith("202"):
            raise RuntimeError(status)

    for some in (WARM_UP, count):
        requests = [environ(next(somebody)) for _ in range(some)]

        def work(requests: list[dict[str, Any]] = requests) -> None:
            for one in requests:
                app(one, answered).close()

        found = profiled(work, some)
    return found


def submits(kind: str, count: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what submits take with a database, and without Redis."""
    with undisturbed(kind) as (made, server):
        somebody = iter(people(made, 2 * (count + WARM_UP)))
        app = create_app(made.services)
        yield f"POST, Altwright, {NAMES[kind]}", posted(app, somebody, count)
        server.stop()
        for _ in range(2):
            made.services.health.check()
        yield f"POST, Altwright, {NAMES[kind]}, Redis down", posted(app, somebody, count)


def measured(kinds: list[str], count: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield a row of parts for each thing that is profiled."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(valkey()).url
        yield "task, RQ SimpleWorker", drained(Peer(url, SimpleWorker), count)
        for kind in kinds:
            with contextlib.suppress(pytest.skip.Exception), database_of(kind) as database:
                yield f"task, Altwright, {NAMES[kind]}", drained(Ours(database, url), count)
        os.environ["REDIS_URL"] = url
        from benchmarks.peer import app  # noqa: PLC0415 - it reads where Redis is

        yield "POST, bare Flask and RQ", posted(app, iter([("", 1)] * (count + WARM_UP)), count)
    for kind in kinds:
        with contextlib.suppress(pytest.skip.Exception):
            yield from submits(kind, count)


def main() -> int:
    """Measure, and print a table; `--json` writes it to a file, too."""
    parser = argparse.ArgumentParser(prog="benchmarks.profile", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--count", type=int, default=COUNT, help="of each (%(default)s)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    keys = ["total_ms", *_names(), REST]
    say(f"{'':<38}{''.join(f'{key:>11}' for key in keys)}")
    found = {}
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        telemetry.configure("INFO", "console")  # lines are made as a worker's are, and thrown away
        for name, row in measured(given.database or list(KINDS), given.count):
            found[name] = row
            say(f"{name:<38}{''.join(f'{row[key]:>11.3f}' for key in keys)}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
