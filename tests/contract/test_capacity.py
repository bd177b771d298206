"""Whether the servers have room for the connections of a host."""

from __future__ import annotations

from pathlib import Path

from tests.servers import postgresql, valkey

from altwright.config import Settings, load
from altwright.db.session import make_engine
from altwright.tasks.rq.redis_client import connect
from altwright.workers import capacity


def settings(folder: Path, **others: object) -> Settings:
    """Return settings of a host with external workers."""
    return load(DATA_DIR=folder, WORKER_MODE="external", _ENV_FILE=None, **others)


def test_small_servers_are_named_with_what_is_needed(tmp_path: Path) -> None:
    """A host that fits is fine; one that doesn't is told numbers and what to change."""
    small = settings(tmp_path)
    large = settings(
        tmp_path, WEB_CONCURRENCY=8, RQ_ENABLE_AUTO_SCALING=True, EXTERNAL_PROCESSES_MAX=8
    )
    assert capacity.processes(small) == 2
    assert capacity.processes(large) == 16
    with postgresql() as url, valkey() as server:
        engine, client = make_engine(url), connect(server.url)
        try:
            assert capacity.remarks(small, engine, client) == []
            client.config_set("maxclients", 100)
            database, redis = capacity.remarks(large, engine, client)
        finally:
            engine.dispose()
            client.close()
    assert "the database allows 200 connections and this host may need 368" in database
    assert "Redis allows 100 clients and this host may need 96" in redis
