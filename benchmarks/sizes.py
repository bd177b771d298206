"""`python -m benchmarks.sizes`: what pictures and tasks take of a database, and jobs of Redis.

Rows are those that the product writes: real runs over real HTTP find and describe pictures, a real
task publishes them. What a database holds beside its rows (indices, free pages) counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.servers import valkey
from tests.support_domain import Bench, FakeDescriber, make_post, make_world, picture_server
from tests.support_engine import Rig

from altwright.captions.drafts.draft_filter import ALL
from altwright.captions.tasks.publishing import start_publishing
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.describers.port import Description, Picture, Request
from altwright.domain.task import Status
from altwright.tasks.task import Task
from benchmarks.backlog import database_urls
from benchmarks.databases import KINDS, say

#: Pictures that are described and published, runs that find nothing new, jobs in Redis.
PICTURES, RUNS, JOBS = 500, 200, 500
QUICK = 10
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
#: What people and models write of pictures: a post of two sentences, a text of one and a half.
POST = (
    "Finally the new reading room is open, with twice as many chairs as before. Thank you to "
    "everybody who carried books last week, and to the bakery for the cake!"
)
WORDS = (
    "A bright reading room with a long wooden table, twelve chairs and shelves up to the ceiling; "
    "at the window two people look at a map, number {}."
)
EVIDENCE = {"model": "eyes:7b", "language": "en", "took_s": 3.1, "tokens": 71}
_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
    "mariadb": "SELECT sum(data_length + index_length) FROM information_schema.tables "
    "WHERE table_schema = database()",
}


class Wordy(FakeDescriber):
    """Says as much of a picture as a vision model does."""

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe a picture."""
        said = super().describe(picture, request)
        words = WORDS.format(len(self.requests))
        return Description(words, said.describer, said.model, "medium", EVIDENCE)


def of_database(kind: str, pictures: int, runs: int) -> dict[str, float]:
    """Return kilobytes of a picture described, of it published, and of a run with its history."""
    with (
        database_urls(kind, 1) as (url,),
        picture_server() as server,
        tempfile.TemporaryDirectory(prefix="altwright-sizes-") as folder,
    ):
        database = Database(make_engine(url))
        migrate.upgrade(database.engine)
        world = make_world(database)
        world.platform.add(
            *(make_post(number, "", text=POST, host=server.host) for number in range(pictures))
        )
        bench = Bench(world, server, Path(folder), describer=Wordy())
        sizes = [_bytes(database)]
        _to_its_end(bench, bench.captions())
        sizes.append(_bytes(database))
        ids = world.drafts.approve_matching(world.user.id, ALL)
        start_publishing(world.drafts, bench.queue, world.user.ref, ids)
        _to_its_end(bench, bench.attempt())
        sizes.append(_bytes(database))
        for _ in range(runs):
            _to_its_end(bench, bench.captions())
        sizes.append(_bytes(database))
        database.close()
    parts = zip(sizes, sizes[1:], (pictures, pictures, runs), strict=False)
    described, published, run = ((after - before) / many / 1000 for before, after, many in parts)
    found = {"picture_kb": described, "published_kb": described + published, "run_kb": run}
    say(f"{NAMES[kind]:<12}" + "".join(f"{name} {value:.2f}  " for name, value in found.items()))
    return {name: round(value, 2) for name, value in found.items()}


def _to_its_end(bench: Bench, task: Task) -> None:
    while task.status is Status.QUEUED:  # an attempt has its time
        task = bench.attempt()
    assert task.status is Status.COMPLETED  # noqa: S101 - else nothing is measured


def _bytes(database: Database) -> int:
    kind = database.engine.dialect.name
    with database.engine.connect() as connection:
        if kind == "mariadb":
            names = connection.scalars(text("SHOW TABLES")).all()
            connection.execute(text(f"ANALYZE TABLE {', '.join(names)}"))
        return int(connection.scalar(text(_SIZES[kind])) or 0)


def of_redis(jobs: int) -> dict[str, float]:
    """Return kilobytes that a waiting job takes, and megabytes of a server without any."""
    with (
        valkey() as server,
        tempfile.TemporaryDirectory(prefix="altwright-sizes-") as folder,
        server.client() as client,
    ):
        database = Database(make_engine(f"sqlite:///{folder}/jobs.db"))
        migrate.upgrade(database.engine)
        rig = Rig(database, server.url)
        rig.kind.exclusive = False
        rig.health.check()
        rig.dispatcher.tick()
        before = int(client.info("memory")["used_memory"])
        for _ in range(jobs):
            rig.submit(None)
        rig.dispatcher.tick()
        waiting = sum(1 for _ in client.scan_iter("rq:job:*", count=1000))
        after = int(client.info("memory")["used_memory"])
        rig.close()
        database.close()
    found = {"job_kb": (after - before) / waiting / 1000, "empty_mb": before / 1e6}
    say(f"{'Redis':<12}" + "".join(f"{name} {value:.2f}  " for name, value in found.items()))
    return {name: round(value, 2) for name, value in found.items()} | {"jobs": waiting}


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks.sizes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows: a try")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    share = QUICK if asked.quick else 1
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        try:
            found[NAMES[kind]] = of_database(kind, PICTURES // share, RUNS // share)
        except pytest.skip.Exception as missing:
            say(f"{kind:<12}{missing}")
    found["Redis"] = of_redis(JOBS // share)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
