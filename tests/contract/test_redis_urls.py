"""Redis with TLS, a password, Sentinels; and at another address while all runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from tests import servers
from tests.servers import RedisServer
from tests.support import free_port, wait_until
from tests.support_engine import ANNA, BERT, Rig, make_users, only_sqlite
from tests.support_redis import PASSWORD, group, locked_server
from tests.support_service import Service
from tests.support_toys import Toy

from altwright import bootstrap, config
from altwright.bootstrap import Services
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database
from altwright.domain.redis_url import OPTIONS, SentinelUrl, checked, sentinel_url
from altwright.domain.task import Delivery, Status
from altwright.errors import ConfigError, InvalidInput, RedisUnavailable
from altwright.tasks.rq.redis_client import connect, database_number, translated
from altwright.tasks.rq.url_override import ROW, RedisAddress

LOGIN = quote(PASSWORD)


def works_through(database: Database, url: str) -> None:
    """Submit a task, and let RQ deliver it, by way of this address."""
    make_users(database)
    rig = Rig(database, url)
    assert rig.health.check()
    rig.dispatcher.tick()
    task = rig.submit()
    assert task.delivery is Delivery.RQ
    assert rig.drain_rq() == 1
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    rig.close()


@pytest.mark.req("1.1", "one URL")
@only_sqlite
def test_a_server_with_a_password(database: Database, tmp_path: Path) -> None:
    """Over TCP and over its Unix socket; without the password nothing goes."""
    port = free_port()
    with locked_server(tmp_path, port=port) as server:
        works_through(database, f"redis://:{LOGIN}@127.0.0.1:{port}/0")
        for url in (
            f"unix://:{LOGIN}@{server.folder}/redis.sock",
            f"redis://default:{LOGIN}@127.0.0.1:{port}/0",
        ):
            with contextlib.closing(connect(url)) as client:
                assert client.ping()
        wrong = Rig(database, f"redis://:wrong@127.0.0.1:{port}/0")
        assert not wrong.health.check()
        wrong.close()


@pytest.mark.req("1.1", "one URL")
@only_sqlite
def test_a_server_with_tls(database: Database, tmp_path: Path) -> None:
    """With a certificate that is known; one that nobody vouches for is refused."""
    port = free_port()
    with locked_server(tmp_path, tls=True, port=port):
        url = f"rediss://:{LOGIN}@127.0.0.1:{port}/0"
        works_through(database, f"{url}?ssl_ca_certs={tmp_path}/cert.pem")
        stranger = Rig(database, url)
        assert not stranger.health.check()
        stranger.close()
        plain = Rig(database, f"redis://:{LOGIN}@127.0.0.1:{port}/0")
        assert not plain.health.check()
        plain.close()


@pytest.mark.req("1.1", "one URL")
@pytest.mark.req("6.5", "back to RQ")
@only_sqlite
def test_a_group_under_sentinels_that_changes_its_master(
    database: Database, tmp_path: Path
) -> None:
    """The master dies: tasks go on with the database, then through the new master; none is lost."""
    with group(tmp_path, "mymaster") as (url, (master, _replica)):
        works_through(database, url)
        rig = Rig(database, url)
        assert rig.health.check()
        rig.dispatcher.tick()
        before = rig.submit(ANNA)
        master.kill()
        rig.lose_redis()
        rig.dispatcher.tick()
        meanwhile = rig.submit(BERT)
        assert meanwhile.delivery is Delivery.DATABASE

        def back() -> bool:
            rig.at += 1
            rig.health.check()
            return rig.health.usable

        wait_until(back, 180, every_s=0.2)
        rig.later(5)

        def both_done() -> bool:
            rig.at += 3
            rig.dispatcher.tick()
            rig.drain_rq()  # the new master kept the old one's jobs; a second delivery is harmless
            done = {rig.store.get(task.id, None).status for task in (before, meanwhile)}
            return done == {Status.COMPLETED}

        wait_until(both_done, every_s=0.2)
        assert rig.store.get(meanwhile.id, None).delivery is Delivery.RQ
        rig.close()


RIGHT: dict[str, SentinelUrl | None] = {
    "redis://h:6379/0": None,
    "rediss://:p@h/1?ssl_ca_certs=/x": None,
    "unix:///run/redis.sock": None,
    "redis+sentinel://a:1,b/m": SentinelUrl(
        (("a", 1), ("b", 26379)), "m", 0, None, None, tls=False, options={}
    ),
    "rediss+sentinel://u:p%40@[::1]:5/m/3?sentinel_password=s": SentinelUrl(
        (("::1", 5),), "m", 3, "u", "p@", tls=True, options={"sentinel_password": "s"}
    ),
}


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize("url", RIGHT)
def test_addresses_are_read(url: str) -> None:
    """Each kind is taken, and a group's parts are found."""
    assert checked(url) == url
    assert sentinel_url(url) == RIGHT[url]
    connect(url).close()
    number = url.partition("?")[0].rpartition("/")[2]
    assert database_number(url) == (int(number) if number.isdecimal() else 0)


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis:",
        "redis+sentinel://h:26379",
        "redis+sentinel:///m",
        "redis+sentinel://h:x/m",
        "redis+sentinel://h/m/x",
        "unix+sentinel://h/m",
    ],
)
def test_a_wrong_address_is_named_with_what_it_should_be(url: str) -> None:
    """As a setting and as a command's argument."""
    with pytest.raises(ValueError, match="should be redis://"):
        checked(url)
    with pytest.raises(ConfigError, match="REDIS_URL: should be redis://"):
        config.load(redis_url=url)


#: An address of each kind at which nothing answers, and a value of each option that isn't a word.
NOBODY = {
    "redis": "redis://127.0.0.1:1",
    "rediss": "rediss://127.0.0.1:1",
    "unix": "unix:///nowhere.sock",
    "redis+sentinel": "redis+sentinel://127.0.0.1:1/m",
    "rediss+sentinel": "rediss+sentinel://127.0.0.1:1/m",
}
VALUES = {
    **dict.fromkeys(("db", "max_connections", "health_check_interval", "socket_read_size"), "2"),
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "timeout"), "0.5"),
    **dict.fromkeys(("ssl_check_hostname", "socket_keepalive"), "no"),
    "ssl_cert_reqs": "none",
    "protocol": "3",
}
EVERY_OPTION = sorted({"timeout"}.union(*OPTIONS.values()))


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize("scheme", OPTIONS)
@pytest.mark.parametrize("option", EVERY_OPTION)
def test_an_option_that_is_taken_reaches_the_connection(scheme: str, option: str) -> None:
    """With each that a kind of address takes, a server is called; any other one is named."""
    url = f"{NOBODY[scheme]}?{option}={VALUES.get(option, 'word')}"
    if option not in OPTIONS[scheme]:
        with pytest.raises(ConfigError, match=f"the option {option} .*it takes client_name, "):
            config.load(redis_url=url)
        return
    assert config.load(redis_url=url).redis_url == url
    with contextlib.closing(connect(url)) as client:
        with pytest.raises(RedisUnavailable), translated():
            client.ping()
        given = client.connection_pool.connection_kwargs
        assert option.startswith("sentinel_") or option == "max_connections" or option in given


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "query", ["protocol=7", "ssl_cert_reqs=NONE", "ssl_cert_reqs=some", "socket_timeout=soon"]
)
def test_a_value_that_no_option_takes_is_refused(query: str) -> None:
    """The option is named, and what it takes where that can be listed."""
    name = query.partition("=")[0]
    with pytest.raises(ConfigError, match=f"the option {name} ") as error:
        config.load(redis_url=f"rediss://h?{query}")
    assert ("there are" in str(error.value)) is (name != "socket_timeout")


def test_a_group_s_connections_get_their_options() -> None:
    """Yes and no, and numbers, are read as in a single server's address."""
    options = "ssl_check_hostname=no&socket_timeout=7&sentinel_password=s"
    with contextlib.closing(connect(f"rediss+sentinel://127.0.0.1:1/m?{options}")) as client:
        given = client.connection_pool.connection_kwargs
    assert (given["ssl_check_hostname"], given["socket_timeout"]) == (False, 7.0)


def addresses(rig: Rig, moved: list[str], configured: str = "redis://one") -> RedisAddress:
    """Return a process's idea of the address."""
    return RedisAddress(rig.state, rig.box, configured, moved.append)


@pytest.mark.req("8.2", "change while it runs")
@pytest.mark.req("8.4", "a changed address")
@pytest.mark.req("11.2", "encrypted")
def test_a_changed_address_is_followed_once_and_kept_encrypted(rig: Rig) -> None:
    """Every process goes over at its next look, and back; nobody reads it in the database."""
    moved: list[str] = []
    here, there = addresses(rig, moved), addresses(rig, moved)
    here.follow()
    assert moved == []
    here.use("redis://:s3cret@two:6379/0")
    for one in (here, there, here, there):
        one.follow()
    assert moved == ["redis://:s3cret@two:6379/0"] * 2
    assert "s3cret" not in str(rig.state.get(ROW))
    there.use_configured()
    for one in (here, there, here):
        one.follow()
    assert moved[2:] == ["redis://one"] * 2
    with pytest.raises(InvalidInput):
        here.use("http://two")


def test_who_configures_another_address_means_it(rig: Rig) -> None:
    """A process that starts with a new REDIS_URL isn't overruled by what was changed before."""
    addresses(rig, []).use("redis://two")
    assert addresses(rig, []).current() == "redis://two"
    assert addresses(rig, [], "redis://three").current() == "redis://three"


def test_an_address_that_no_key_opens_is_left_alone(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The configured one counts, and the log says why."""
    addresses(rig, []).use("redis://two")
    other = Box(Fernet.generate_key().decode("ascii"))
    late = RedisAddress(rig.state, other, "redis://one", lambda _: None)
    assert late.current() == "redis://one"
    assert "another key" in caplog.text


@pytest.fixture
def make_services(
    monkeypatch: pytest.MonkeyPatch, valkey: RedisServer
) -> Iterator[Callable[[], Services]]:
    """Return what builds services whose threads run, all on one SQLite and one Valkey."""
    monkeypatch.setenv("REDIS_URL", valkey.url)
    made: list[Services] = []

    def make() -> Services:
        services = bootstrap.build(config.load())
        services.settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(services.database.engine)
        services.engine.kinds["toy"] = Toy()
        made.append(services)
        services.start()
        return services

    yield make
    for services in made:
        services.close()


@pytest.mark.req("8.4", "a changed address")
@pytest.mark.req("3.5", "coordinated in Redis")
def test_running_processes_take_a_changed_address_up(
    make_services: Callable[[], Services], valkey: RedisServer
) -> None:
    """Workers and submitters go over within seconds; what lay in the old Redis completes too."""
    web, workers = make_services(), make_services()
    manager = workers.worker_manager("external", 2)
    manager.loop.start()
    try:
        with servers.valkey() as new:
            slow = [web.queue.submit("toy", user=None, settings={"item_s": 0.2}) for _ in range(12)]
            web.redis_address.use(new.url)
            wait_until(lambda: {web.health.url, workers.health.url} == {new.url})
            after = web.queue.submit("toy", user=None)
            wait_until(lambda: all(completed(web, task.id) for task in (*slow, after)), 180)
            with new.client() as client:
                assert client.exists("altwright:epoch")
                wait_until(lambda: client.scard("rq:workers") == 2)
            web.redis_address.use_configured()
            wait_until(lambda: {web.health.url, workers.health.url} == {valkey.url})
            again = web.queue.submit("toy", user=None)
            wait_until(lambda: completed(web, again.id))
    finally:
        assert manager.stop(60)


def completed(services: Services, task_id: str) -> bool:
    """Say whether a task has completed."""
    return services.store.get(task_id, None).status is Status.COMPLETED


@pytest.mark.req("8.4", "a changed address")
def test_the_command_tries_an_address_before_it_is_used(
    tmp_path: Path, valkey: RedisServer
) -> None:
    """One at which nothing answers is refused unless forced; each change is in the audit log."""
    service = Service(tmp_path, {"REDIS_URL": valkey.url})
    (tmp_path / "var").mkdir()
    assert service.command("db", "upgrade").returncode == 0
    refused = service.command("redis", "use", f"redis://:s3cret@127.0.0.1:{free_port()}/0")
    assert refused.returncode in {1, 2}
    assert "--force" in refused.stderr
    assert "s3cret" not in refused.stderr + refused.stdout
    forced = service.json("redis", "use", "--force", "redis://:s3cret@127.0.0.1:1/0")
    assert (forced["changed"], forced["address"]) == (True, "redis://:***@127.0.0.1:1/0")
    assert service.json("redis", "reset")["version"]
    entries = service.json("audit")
    assert [entry["action"] for entry in entries] == ["redis reset", "redis changed"]
    assert "s3cret" not in str(entries)
