"""Real databases and a real Valkey for the contract suites, one of each for the whole run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.pool import QueuePool
from tests import leaks, servers, support_engine
from tests.support_engine import Fleet, Rig

import altwright.db.takeover_table
import altwright.db.task_tables  # noqa: F401 - their tables belong to the metadata
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.db.tables import Base
from altwright.domain.task import Delivery

BACKENDS = ("sqlite", "postgresql", "mariadb")
#: Every table, in an order in which all can be emptied, and whether each has rows: most have none.
_TABLES = [support_engine.effects, *reversed(Base.metadata.sorted_tables)]
_HOLDS_ROWS = select(*(table.select().exists() for table in _TABLES))


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process behind."""
    with leaks.nothing_stays():
        yield


def _prepared(url: str) -> Engine:
    engine = make_engine(url)
    migrate.upgrade(engine)
    support_engine.effects.metadata.create_all(engine)
    return engine


@pytest.fixture(scope="session")
def _sqlite_engine() -> Iterator[Engine]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh folder there
    with tempfile.TemporaryDirectory(prefix="altwright-", dir=parent) as folder:
        engine = _prepared(f"sqlite:///{folder}/altwright.db")
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def _postgresql_engine() -> Iterator[Engine]:
    with servers.postgresql() as url:
        engine = _prepared(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def _mariadb_engine() -> Iterator[Engine]:
    with servers.mariadb() as url:
        engine = _prepared(url)
        yield engine
        engine.dispose()


# First: else the names of tests differ with whether all of them run or one, and what failed
# couldn't be run once more.
@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database on SQLite, and what is marked so on each of the kinds."""
    if "database" in metafunc.fixturenames:
        test = metafunc.definition
        if not any(mark.args[0] == "database" for mark in test.iter_markers("parametrize")):
            everywhere = test.get_closest_marker("every_database")
            kinds = BACKENDS if everywhere else BACKENDS[:1]
            metafunc.parametrize("database", kinds, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return an empty database; no connection may be in use at the end."""
    engine: Engine = request.getfixturevalue(f"_{request.param}_engine")
    with engine.begin() as connection:
        holds_rows = connection.execute(_HOLDS_ROWS).one()
        for table, holds in zip(_TABLES, holds_rows, strict=True):
            if holds:
                connection.execute(table.delete())
    yield Database(engine)
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedout() == 0, "a connection wasn't given back"


@pytest.fixture(scope="session")
def _valkey_server() -> Iterator[servers.RedisServer]:
    with servers.valkey() as server:
        yield server


@pytest.fixture
def valkey(_valkey_server: servers.RedisServer) -> Iterator[servers.RedisServer]:
    """Return an empty Valkey; a key that never expires and isn't exempted fails the test."""
    if _valkey_server.process is None:
        _valkey_server.start()
    client = _valkey_server.client()
    client.config_set("maxmemory", "0")
    client.flushall()
    yield _valkey_server
    if _valkey_server.process is not None:
        _valkey_server.thaw()
        left = leaks.everlasting(client)
        assert not left, f"keys that never expire: {left}"
    client.close()


@pytest.fixture
def rig(database: Database, valkey: servers.RedisServer) -> Iterator[Rig]:
    """Return an engine on a database, with Redis and the users anna, bert and root."""
    support_engine.make_users(database)
    made = Rig(database, valkey.url)
    yield made
    made.close()


@pytest.fixture(params=list(Delivery))
def fleet(request: pytest.FixtureRequest, rig: Rig) -> Fleet:
    """Return an engine on a database that delivers through RQ, or the database alone."""
    if request.param is Delivery.DATABASE:
        rig.lose_redis()
    return Fleet(rig, request.param)
