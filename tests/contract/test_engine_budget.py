"""What a task costs Redis and the database, from its submit to its end: counts don't vary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from tests.support_engine import Rig, make_users

from altwright.db.session import Database
from altwright.domain.task import Status
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop

pytestmark = pytest.mark.every_database

#: Commands that clients send for a task of one item, and the trips in which they do.
COMMANDS, TRIPS = 12, 6
#: Transactions and statements of a task of one item, and statements of each further one, with the
#: item's effect (here one statement). MariaDB's UPDATE returns nothing, so its row is read.
TRANSACTIONS, STATEMENTS, PER_ITEM = 4, 11, 3
MARIADB_STATEMENTS, MARIADB_PER_ITEM = 14, 4


@contextmanager
def counted(database: Database) -> Iterator[dict[str, int]]:
    """Yield counts of what the database is asked inside."""
    counts = {"statements": 0, "transactions": 0}

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        counts["statements"] += not text.startswith("BEGIN")

    def begin(_: Any) -> None:
        counts["transactions"] += 1

    event.listen(database.engine, "before_cursor_execute", statement)
    event.listen(database.engine, "begin", begin)
    try:
        yield counts
    finally:
        event.remove(database.engine, "before_cursor_execute", statement)
        event.remove(database.engine, "begin", begin)


def cost(rig: Rig, users: list[Any], items: int) -> dict[str, int]:
    """Return what these users' tasks cost together, with the worker's coming and going."""
    watcher = connect(rig.redis_url, call_timeout_s=60)
    client = connect(rig.redis_url, call_timeout_s=5)
    worker = rig.worker("worker")
    loop = WorkerLoop(
        rig.queue.jobs.records(client, "worker"),
        worker.take,
        ends=lambda: False,
        closed=worker.closed,
    )
    commands = 0
    with watcher.monitor() as monitor, counted(rig.database) as counts:
        trips = int(rig.health.client.info("stats")["total_reads_processed"])
        for user in users:
            rig.submit(user, settings={"items": items})
        loop.work(burst=True)
        trips = int(rig.health.client.info("stats")["total_reads_processed"]) - trips
        rig.health.client.echo("that is all")
        for seen in monitor.listen():
            if "that is all" in seen["command"]:
                break
            commands += seen["client_type"] != "lua"
    assert all(rig.store.recent(user.id)[0].status is Status.COMPLETED for user in users)
    client.close()
    watcher.close()
    return {"commands": commands, "trips": trips, **counts}


def test_a_task_costs_few_trips(rig: Rig) -> None:
    """Of one item and of eleven; a worker's coming and going isn't counted."""
    users = make_users(rig.database, range(1000, 1021))
    rig.dispatcher.tick()
    cost(rig, users[:1], 1)  # connections, scripts, what is read once a second
    idle, one, eleven = cost(rig, [], 1), cost(rig, users[1:11], 1), cost(rig, users[11:], 11)
    task = {name: (one[name] - idle[name]) / 10 for name in one}
    item = {name: (eleven[name] - one[name]) / 100 for name in one}
    assert task["commands"] <= COMMANDS
    assert task["trips"] <= TRIPS
    assert task["transactions"] <= TRANSACTIONS
    returns = rig.database.engine.dialect.update_returning
    assert task["statements"] <= (STATEMENTS if returns else MARIADB_STATEMENTS)
    assert item["statements"] <= (PER_ITEM if returns else MARIADB_PER_ITEM)
    assert item["commands"] == item["trips"] == 0
