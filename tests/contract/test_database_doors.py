"""What stands between us and a database: PgBouncer as it comes, and refusals at the door."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from tests import servers
from tests.support import free_port, wait_until
from tests.support_engine import ANNA, BERT, Rig, effects, make_users
from tests.support_service import Service

import altwright.db.task_tables  # noqa: F401 - its tables belong to the metadata
from altwright.db import migrate
from altwright.db import session as session_module
from altwright.db.reasons import reason_of
from altwright.db.session import Database, make_engine
from altwright.domain.task import Status
from altwright.errors import DatabaseUnavailable


@contextlib.contextmanager
def pgbouncer(folder: Path, server: str, mode: str) -> Iterator[str]:
    """Run a PgBouncer as it comes, in front of a server; yield the address through it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        servers.missing("PgBouncer (pgbouncer)")
    port = free_port()
    host = make_url(server).query["host"]
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={host} user=altwright\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {mode}\n"
    )
    config.chmod(0o644)
    argv = [program, str(config)]
    if os.geteuid() == 0:  # it refuses to run as root
        argv[1:1] = ["-u", "postgres"]
        for one in (folder, *folder.parents[:2]):
            one.chmod(0o755)
    process = servers.start(argv, folder / "pgbouncer.log")
    url = f"postgresql+psycopg://altwright@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url.replace("+psycopg", "")).close()
            return True
        return False

    try:
        wait_until(answers, 60)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_pgbouncer_as_it_comes(mode: str, tmp_path: Path, valkey: servers.RedisServer) -> None:
    """Its defaults refuse options at the start; tasks run, with the limits that they need."""
    with servers.postgresql() as server, pgbouncer(tmp_path, server, mode) as url:
        engine = make_engine(url)
        migrate.upgrade(engine)
        effects.metadata.create_all(engine)
        database = Database(engine)
        with database.begin() as connection:
            assert connection.scalar(text("SHOW lock_timeout")) == "5s"
            assert connection.scalar(text("SHOW timezone")) == "UTC"
        make_users(database)
        rig = Rig(database, valkey.url)
        rig.lose_redis()
        task = rig.submit(ANNA)
        rig.dispatcher.tick()
        assert rig.drain_database() == 1
        assert rig.store.get(task.id, None).status is Status.COMPLETED
        rig.close()
        # Nothing of ours stays with server processes that others get.
        other = make_engine(url)
        with other.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.rollback()
            driver.autocommit = True
            row = driver.execute("SHOW lock_timeout").fetchone()
            assert row == ("0",)
        other.dispose()
        engine.dispose()


def test_without_a_pooler_the_same_limits_hold() -> None:
    """They are set for the session, once."""
    with servers.postgresql() as server:
        engine = make_engine(server)
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW lock_timeout")) == "5s"
            assert connection.scalar(text("SHOW timezone")) == "UTC"
        engine.dispose()


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_connections_that_lay_in_the_pool_are_asked_first(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may have restarted meanwhile; whoever comes next notices nothing."""
    monkeypatch.setattr(session_module, "POOL_PING_AFTER_S", -1)
    with getattr(servers, kind)() as url:
        engine, operator = make_engine(url), make_engine(url)
        with engine.connect() as one, engine.connect() as other:
            number = "pg_backend_pid()" if kind == "postgresql" else "CONNECTION_ID()"
            ids = [each.scalar(text(f"SELECT {number}")) for each in (one, other)]
        end = "SELECT pg_terminate_backend(:id)" if kind == "postgresql" else "KILL :id"
        with operator.connect() as connection:
            for each in ids:
                connection.execute(text(end), {"id": each})
        with engine.connect() as one, engine.connect() as other:
            assert [each.scalar(text("SELECT 1")) for each in (one, other)] == [1, 1]
        engine.dispose()
        operator.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_few_statements_are_kept_and_those_that_went_stale_are_replaced(rig: Rig) -> None:
    """Plans of any size leave none; a column of another type costs one connection."""
    rig.lose_redis()
    for items in range(1, 12):
        for _ in range(2):
            rig.submit(settings={"items": items})
            rig.drain_database()
    with rig.database.begin() as connection:
        count = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%task_items%'"
        assert (connection.scalar(text(count)) or 0) < 10
    change = "ALTER TABLE tasks ALTER step TYPE varchar({})"
    other = make_engine(rig.database.engine.url.render_as_string(hide_password=False))
    try:
        with other.begin() as connection:
            connection.execute(text(change.format(300)))
        with contextlib.suppress(DatabaseUnavailable):
            rig.submit(BERT)
        task = rig.submit(ANNA)

        def is_done() -> bool:
            rig.later(30)
            rig.dispatcher.tick()
            rig.drain_database()
            return rig.store.get(task.id, None).status is Status.COMPLETED

        wait_until(is_done)
    finally:
        with other.begin() as connection:
            connection.execute(text(change.format(255)))
        other.dispose()
        rig.database.close()  # the next test's connections hold no plan for the other type


def refused(url: str, folder: Path) -> str:
    """Return how `altwright check` words why a database can't be used."""
    done = Service(folder, {"DATABASE_URL": url}).command("check", "--json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "sesame" not in done.stdout + done.stderr
    engine = make_engine(url)
    with pytest.raises(DatabaseUnavailable) as error:
        migrate.tables(engine)
    engine.dispose()
    reason = reason_of(error.value)
    assert reason in done.stdout
    return reason


@pytest.mark.req("8.1", "validated and named")
def test_what_postgresql_refuses_is_named(tmp_path: Path) -> None:
    """Unknown user, wrong password, unknown database, no TLS, TLS only, nobody there."""
    port = free_port()
    with servers.postgresql_server() as server:
        host = make_url(server.url).query["host"]
        server.stop()
        server.argv += ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
        rules = "local all all trust\nhost all locked 127.0.0.1/32 scram-sha-256\n"
        rules += "hostssl all tls 127.0.0.1/32 trust\nhost all altwright 127.0.0.1/32 trust\n"
        rules += "host all nobody 127.0.0.1/32 trust\n"
        (server.folder / "data" / "pg_hba.conf").write_text(rules)
        server.answers = lambda: _answers(str(host), port)
        server.start()
        at = f"127.0.0.1:{port}/postgres"
        with psycopg.connect(
            host=str(host), port=port, user="altwright", dbname="postgres", autocommit=True
        ) as admin:
            admin.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
            admin.execute("CREATE ROLE tls LOGIN")
        wrong = f"locked:{quote('sesame')}"
        for url, words in {
            f"postgresql+psycopg://nobody:sesame@{at}": "doesn't know this user",
            f"postgresql+psycopg://{wrong}@{at}": "doesn't accept this user's password",
            f"postgresql+psycopg://locked@{at}": "wants a password",
            f"postgresql+psycopg://altwright@127.0.0.1:{port}/none": "no such database",
            f"postgresql+psycopg://altwright@{at}?sslmode=require": "speaks no TLS",
            f"postgresql+psycopg://tls:sesame@{at}": "without TLS",
            f"postgresql+psycopg://a:sesame@127.0.0.1:{free_port()}/x": "nothing listens",
            "postgresql+psycopg://a:sesame@nowhere.invalid/x": "name isn't known",
        }.items():
            assert words in refused(url, tmp_path), url
        told = Service(tmp_path, {"DATABASE_URL": url}).command("user", "list")
        assert (told.returncode, told.stdout) == (1, "")
        assert words in told.stderr
        assert told.stderr.count("\n") == 1
        assert "sesame" not in told.stderr


def _answers(host: str, port: int) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(host=host, port=port, user="altwright", dbname="postgres").close()
        return True
    return False


@pytest.mark.req("8.1", "validated and named")
def test_what_mariadb_refuses_is_named(tmp_path: Path) -> None:
    """The same doors, at another house."""
    with servers.mariadb() as server:
        socket = make_url(server).query["unix_socket"]
        root = pymysql.connect(unix_socket=str(socket), user="root")
        with root, root.cursor() as cursor:
            cursor.execute("CREATE USER locked IDENTIFIED BY 'right'")
        end = f"?unix_socket={socket}"
        for url, words in {
            f"mariadb+pymysql://locked:sesame@localhost/altwright{end}": "this user or their",
            f"mariadb+pymysql://root@localhost/none{end}": "no such database",
            f"mariadb+pymysql://locked:right@localhost/altwright{end}": "no right to",
            f"mariadb+pymysql://a:sesame@127.0.0.1:{free_port()}/x": "nothing listens",
        }.items():
            assert words in refused(url, tmp_path), url


def test_what_is_wrong_with_a_file_is_named(tmp_path: Path) -> None:
    """No SQLite file, or a folder in its place."""
    (tmp_path / "text.db").write_text("no database, but quite a long text " * 40)
    for name, words in {"text.db": "no SQLite database", ".": "can't be opened"}.items():
        told = Service(tmp_path, {"DATABASE_URL": f"sqlite:///{tmp_path}/{name}"}).command(
            "user", "list"
        )
        assert told.returncode in {1, 2}
        assert words in told.stderr
        assert "Traceback" not in told.stderr
