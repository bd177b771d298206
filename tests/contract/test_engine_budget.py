"""What a task costs Redis and the database, from its submit to its end: counts don't vary."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.servers import RedisServer
from tests.support_domain import QUICK
from tests.support_engine import Rig, make_users, only_sqlite
from tests.support_web import PASSWORD, make_settings, make_web

from altwright.accounts.users import UserStore
from altwright.db.session import Database
from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop

pytestmark = pytest.mark.every_database

#: Commands that clients send for a task of one item (a script is one), and trips in which they do.
COMMANDS, TRIPS = 5, 5
#: Transactions and statements of a task of one item, and statements of each further one, with the
#: item's effect (here one statement). PostgreSQL writes a move and its history in one; MariaDB's
#: UPDATE returns nothing, so its row is read.
TRANSACTIONS = 4
STATEMENTS = {"sqlite": 10, "postgresql": 7, "mysql": 13, "mariadb": 13}
PER_ITEM = {"sqlite": 3, "postgresql": 3, "mysql": 4, "mariadb": 4}


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
    kind = rig.database.engine.dialect.name
    assert task["statements"] <= STATEMENTS[kind]
    assert item["statements"] <= PER_ITEM[kind]
    assert item["commands"] == item["trips"] == 0


@pytest.mark.parametrize("caller", ["token", "session"])
def test_a_submit_over_http_costs_few_trips(
    database: Database, valkey: RedisServer, tmp_path: Path, caller: str
) -> None:
    """Who calls is one read, the submit one transaction; Redis is asked before it and after it.

    One with a key isn't asked about before. What is looked at once a second isn't counted.
    """
    users = UserStore(database, QUICK)
    for name, role in (("anna", Role.USER), ("bert", Role.USER), ("root", Role.ADMIN)):
        users.create(name, PASSWORD, role=role)
    url = database.engine.url.render_as_string(hide_password=False)
    web = make_web(make_settings(tmp_path, valkey.url, DATABASE_URL=url))
    client = web.services.health.client
    anna = web.by_token(web.anna) if caller == "token" else web.by_session(web.anna)

    def submit(**headers: str) -> dict[str, int]:
        with counted(web.services.database) as counts:
            trips = int(client.info("stats")["total_reads_processed"])
            response = anna.post(
                "/api/v1/tasks", json={"account_id": web.account_id}, headers=headers
            )
            trips = int(client.info("stats")["total_reads_processed"]) - trips - 1
        assert response.status_code == 202, response.text
        anna.post(f"/api/v1/tasks/{response.get_json()['id']}/cancel")
        return {"trips": trips, **counts}

    with closing(web.services.database), closing(client):
        some = [submit() for _ in range(5)]
        keyed = [submit(**{"Idempotency-Key": f"{caller}-{number}"}) for number in range(5)]
    least = {name: min(one[name] for one in some) for name in some[0]}
    assert least == {
        "trips": 2,
        "transactions": 2,
        "statements": 2 if database.engine.dialect.name == "postgresql" else 3,
    }
    assert min(one["trips"] for one in keyed) == 1


def planned_anew(rig: Rig, ran: int) -> dict[str, int]:
    """Return how often SQLite planned each statement on tasks again that ran so often or more."""
    query = "SELECT sql, sum(reprep) FROM sqlite_stmt GROUP BY sql HAVING sum(run) >= ?"
    with rig.database.connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            rows = driver.execute(query, (ran,)).fetchall()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite doesn't tell of its statements")
    return {sql: times for sql, times in rows if " tasks" in sql}


@only_sqlite
def test_sqlite_plans_statements_on_tasks_once(rig: Rig) -> None:
    """A submit's and a claim's are not planned anew each time, as a partial index can make it."""
    users = make_users(rig.database, range(1000, 1010))
    rig.lose_redis()
    before = planned_anew(rig, 0)  # tests share the connection, and some change its tables
    for user in users:
        rig.submit(user)
    for _ in users:
        assert rig.claims.claim_next("worker") is not None
    again = {sql: times - before.get(sql, 0) for sql, times in planned_anew(rig, 10).items()}
    assert again
    assert max(again.values()) <= 1, again
