"""What the engine leaves in Redis: RQ's own shapes, nothing readable, nothing for ever."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest
import redis
from cryptography.fernet import Fernet
from rq import Queue
from rq.serializers import JSONSerializer
from tests import leaks
from tests.servers import RedisServer
from tests.support import wait_until
from tests.support_engine import NOWHERE, Rig

from altwright.crypto import Box
from altwright.db.session import Database, make_engine
from altwright.db.tables import Base
from altwright.domain.task import Priority, Status
from altwright.errors import ActiveTaskExists, RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor, RedisState
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.serializer import RUN_TASK, serializer_for


@pytest.mark.req("9.4", "nothing grows")
def test_every_key_goes_away_by_itself(rig: Rig, valkey: RedisServer) -> None:
    """Waiting jobs, ended ones, results, workers and the tracker's entries all have a TTL."""
    client = valkey.client()
    rig.dispatcher.tick()
    rig.submit()
    assert leaks.everlasting(client) == []
    job = next(iter(client.scan_iter("rq:job:*")))
    assert 0 < client.ttl(job) <= QueueOptions().job_ttl_s
    rig.drain_rq()
    keys = {key.decode() for key in client.scan_iter()}
    assert any(key.startswith("rq:results:") for key in keys), keys
    assert leaks.everlasting(client) == []
    assert 0 < client.ttl(job) <= 500
    client.close()


@pytest.mark.req("11.2", "encrypted")
def test_nothing_in_redis_is_readable_or_pickled(rig: Rig, valkey: RedisServer) -> None:
    """A job's payload is encrypted; with its key it is msgpack of a version, kind and ids."""
    task = rig.submit(settings={"hint": "a secret hint"})
    client = valkey.client()
    stored: Any = client.hget(f"rq:job:{task.id}-0", "data")
    sealed = zlib.decompress(stored)
    assert b"run_task" not in sealed
    body = msgpack.unpackb(rig.box.open(sealed))
    assert body == [1, "job", RUN_TASK, task.id, 0]
    for key in client.scan_iter():
        value: Any = client.dump(key)
        assert b"secret" not in value
    client.close()


@pytest.mark.parametrize("forgery", ["pickle", "other key", "other function", "other serializer"])
def test_a_forged_job_is_not_run(
    rig: Rig, valkey: RedisServer, tmp_path: Path, forgery: str
) -> None:
    """Whoever can write to Redis can't make a worker run code; other jobs go on."""
    client = valkey.client()
    trap = tmp_path / "trap"
    name = rig.queue.jobs.queues[Priority.NORMAL].name
    match forgery:
        case "pickle":
            Queue(name, connection=client).enqueue("os.mkdir", str(trap))
        case "other serializer":
            serializer = JSONSerializer
            Queue(name, connection=client, serializer=serializer).enqueue("os.mkdir", str(trap))
        case "other key":
            forged = serializer_for(Box(Fernet.generate_key().decode()))
            kwargs = {"task_id": "f" * 36, "attempt": 0}
            Queue(name, connection=client, serializer=forged).enqueue(RUN_TASK, kwargs=kwargs)
        case "other function":
            body = msgpack.packb([1, "job", "os.mkdir", "f" * 36, 0])
            job = Queue(name, connection=client, serializer=rig.queue.jobs.serializer).enqueue(
                RUN_TASK, kwargs={"task_id": "f" * 36, "attempt": 0}
            )
            client.hset(job.key, "data", zlib.compress(rig.box.close(body)))
    task = rig.submit()
    rig.drain_rq()
    assert not trap.exists()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    # A job that isn't ours says itself how long RQ keeps its failure: for ever, here.
    client.delete(*client.scan_iter("rq:results:*"))
    client.close()


@pytest.fixture
def monitor(valkey: RedisServer) -> RedisHealthMonitor:
    """Return a monitor whose clock stands still."""
    return RedisHealthMonitor(connect(valkey.url), clock=lambda: 0.0)


@pytest.mark.req("1.3", "verifies the server")
@pytest.mark.req("1.3", "logs what it found")
def test_connecting_says_what_it_found(
    monitor: RedisHealthMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    """Version, policy and persistence are logged once, and what should be changed."""
    with caplog.at_level("INFO"):
        assert monitor.check()
        monitor.look()
    assert monitor.facts is not None
    assert monitor.facts.policy == "noeviction"
    assert monitor.facts.memory_share is None
    found = f"redis {monitor.facts.version}, policy noeviction, persistence"
    assert caplog.text.count(found) == 1
    assert caplog.text.count("nothing is persisted") == 1
    monitor.client.config_set("maxmemory-policy", "allkeys-lru")
    assert any("set noeviction" in remark for remark in monitor.look().remarks())
    monitor.client.config_set("maxmemory-policy", "noeviction")
    monitor.client.close()


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_lost_redis_is_noticed_and_so_is_its_return(valkey: RedisServer, how: str) -> None:
    """Killed or hanging, it is down, calls fail without a try, and it comes back by itself."""
    monitor = RedisHealthMonitor(connect(valkey.url), interval_s=0.5)
    changes: list[tuple[RedisState, RedisState]] = []
    monitor.on_change(lambda *change: changes.append(change))
    monitor.loop.start()
    try:
        wait_until(lambda: monitor.facts is not None)
        if how == "killed":
            valkey.kill()
        else:
            valkey.freeze()
        wait_until(lambda: not monitor.usable)
        with pytest.raises(RedisUnavailable), monitor.guarded():
            pytest.fail("no call is tried")
        if how == "killed":
            valkey.start()
        else:
            valkey.thaw()
        wait_until(lambda: monitor.usable)
        assert changes[-1] == (RedisState.RECOVERING, RedisState.HEALTHY)
    finally:
        valkey.thaw()
        monitor.loop.stop()
        monitor.client.close()


def test_a_submit_waits_for_a_hanging_redis_only_until_the_circuit_opens(
    rig: Rig, valkey: RedisServer
) -> None:
    """Two time-outs at most are paid, by all requests together; then none asks Redis."""
    valkey.freeze()
    try:
        task = rig.submit()
        with pytest.raises(ActiveTaskExists) as refusal:
            rig.submit()
        assert refusal.value.task_id == task.id
        assert not rig.health.usable
    finally:
        valkey.thaw()


@pytest.mark.req("1.4", "goes on with the database")
def test_nothing_needs_a_redis_that_never_was(tmp_path: Path) -> None:
    """A service that starts without Redis works from the database."""
    database = Database(make_engine(f"sqlite:///{tmp_path / 'a.db'}"))
    Base.metadata.create_all(database.engine)
    rig = Rig(database, NOWHERE)
    task = rig.submit(None, settings={"items": 0})
    rig.dispatcher.tick()
    assert rig.drain_database() == 1
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    with pytest.raises(redis.ConnectionError):
        rig.health.client.ping()
    rig.close()
    database.close()
