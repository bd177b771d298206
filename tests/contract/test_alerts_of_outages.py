"""Alerts on what is away when nobody asks for it: the database itself, a describer at rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from tests.servers import RedisServer
from tests.support_engine import Rig, at_once, make_users
from tests.support_house import House
from tests.support_leaves import serving
from tests.support_models import ModelServerDouble, make
from tests.support_sinks import WebSink, an_alert, web_sink

from altwright.db.session import Database, make_engine
from altwright.db.tables import Base
from altwright.db.task_tables import AlertRow, NoticeRow
from altwright.db.types import now
from altwright.errors import ConfigError, DatabaseUnavailable
from altwright.tasks.alerting.alerts import AlertBook
from altwright.tasks.alerting.notifications import AGAIN_S, Channel, Webhook
from altwright.tasks.alerting.rules import PATIENCE_S, QUIET_OF
from altwright.tasks.rq.redis_client import DATABASE_ALERT_KEY


class Outage:
    """A database whose file goes away, as on a share, and the processes that use it."""

    def __init__(self, folder: Path, redis_url: str, sink: WebSink) -> None:
        """Make the database; ``process`` adds to its processes."""
        self.folder = folder
        self.file, self.away = folder / "a.db", folder / "away.db"
        self.database = Database(make_engine(f"sqlite:///{self.file}"))
        Base.metadata.create_all(self.database.engine)
        make_users(self.database)
        self.sink = sink
        self.redis_url = redis_url
        self.processes: list[House] = []

    def process(self) -> House:
        """Return one more process, with a channel."""
        channels: dict[str, Channel] = {"webhook": Webhook(self.sink.url)}
        owner = f"here.{len(self.processes)}"
        rig = Rig(self.database, self.redis_url, owner=owner)
        rig.health.check()
        self.processes.append(House(rig, channels, self.folder))
        return self.processes[-1]

    def begin(self) -> None:
        """Let the file go; a folder stands there, so that no new one is made."""
        self.database.engine.dispose()
        self.file.rename(self.away)
        self.file.mkdir()

    def end(self) -> None:
        """Bring it back."""
        self.file.rmdir()
        self.away.rename(self.file)

    def look(self, after_s: float) -> None:
        """Let each process make its round, and send what it has to."""
        for house in self.processes:
            house.rig.at += after_s
            try:
                house.leader.tick()
            except DatabaseUnavailable:
                assert self.away.exists()
            house.notifier.send_urgent()

    def events(self) -> list[str]:
        """Return what the channel got."""
        told = [(one["alert"]["name"], one["event"]) for one in self.sink.posted]
        return [f"{name} {event}" for name, event in told if name == "database_down"]


@pytest.fixture
def outage(tmp_path: Path, valkey: RedisServer) -> Iterator[Outage]:
    """Return a database that can go away."""
    with web_sink() as sink:
        made = Outage(tmp_path, valkey.url, sink)
        yield made
        for house in made.processes:
            house.rig.close()
        made.database.close()


@pytest.mark.req("7.4", "database trouble")
@pytest.mark.req("7.4", "raised once")
@pytest.mark.parametrize("has_redis", [True, False])
def test_a_database_that_is_away_is_told_once_and_written_down_later(
    outage: Outage, *, has_redis: bool
) -> None:
    """By one of several processes, whether Redis is there or not; and again the next time."""
    for _ in range(3):
        outage.process()
    outage.look(1)
    for _ in range(2):
        for house in outage.processes:
            if not has_redis:
                house.rig.lose_redis()
        outage.begin()
        outage.look(1)
        outage.look(PATIENCE_S["database_down"] - 1)
        assert outage.events() == []
        outage.look(1)
        assert outage.events() == ["database_down raised"]
        for _ in range(5):
            outage.look(AGAIN_S)
        assert outage.events() == ["database_down raised"]
        outage.end()
        outage.look(1)
        outage.look(QUIET_OF["database_down"])
        book = outage.processes[0].alerts
        [written] = book.recent(name="database_down")[:1]
        assert written.resolved_at is not None
        assert written.raised_at < written.resolved_at
        outage.processes[0].notifier.send_due()
        assert outage.events() == ["database_down raised", "database_down resolved"]
        assert not outage.processes[0].rig.health.client.exists(DATABASE_ALERT_KEY)
        outage.sink.posted.clear()
        with outage.database.write() as session:  # the database's clock isn't turned
            session.execute(update(AlertRow).values(resolved_at=now(-3600)))
    assert len(book.recent(name="database_down")) == 2


def test_an_outage_after_one_whose_teller_has_ended_is_told(outage: Outage) -> None:
    """The next one on its own: what the ended process had said in Redis holds nobody back."""
    teller, other = outage.process(), outage.process()
    outage.begin()
    outage.look(1)
    outage.look(PATIENCE_S["database_down"])
    assert outage.events() == ["database_down raised"]
    outage.processes.remove(teller)
    outage.end()
    outage.look(1)
    outage.look(QUIET_OF["database_down"])
    outage.begin()
    outage.look(1)
    outage.look(PATIENCE_S["database_down"])
    assert outage.events() == ["database_down raised"] * 2
    outage.end()
    other.rig.close()
    teller.rig.close()
    outage.processes.clear()


@pytest.mark.req("7.4", "resolved on their own")
@pytest.mark.parametrize("has_redis", [True, False])
def test_the_end_of_an_outage_is_told_when_its_teller_has_ended(
    outage: Outage, *, has_redis: bool
) -> None:
    """Once, by one of the others, whoever of them sees it first."""
    processes = [outage.process() for _ in range(3)]
    for house in processes:
        if not has_redis:
            house.rig.lose_redis()
    outage.begin()
    outage.look(1)
    outage.look(PATIENCE_S["database_down"])
    assert outage.events() == ["database_down raised"]
    teller = outage.processes.pop(0)
    outage.end()
    outage.look(1)
    for _ in range(3):
        outage.look(QUIET_OF["database_down"])
    outage.processes[0].notifier.send_due()
    assert outage.events() == ["database_down raised", "database_down resolved"]
    [written] = processes[1].alerts.recent(name="database_down")
    assert written.resolved_at is not None
    outage.processes = [teller]  # it gives its file back
    outage.look(1)
    outage.look(QUIET_OF["database_down"])
    assert len(teller.alerts.recent(name="database_down")) == 1
    outage.processes = processes


@pytest.mark.every_database
def test_of_many_that_write_down_the_same_end_one_does(database: Database) -> None:
    """And the next outage's end is written again."""
    book = AlertBook(database, ("webhook", "mail"))
    alert = replace(an_alert(), name="database_down")
    for number in range(1, 4):
        assert sorted(at_once(5, lambda _: book.record(alert, 60))) == [False] * 4 + [True]
        assert len(book.recent()) == number
        assert book.open() == []
        with database.write() as session:
            assert len(session.scalars(select(NoticeRow)).all()) == 2 * number
            session.execute(update(AlertRow).values(resolved_at=now(-61)))


def test_a_database_that_flaps_is_told_once(outage: Outage) -> None:
    """Back for a moment is no end of it."""
    outage.process()
    outage.begin()
    outage.look(1)
    outage.look(20)
    for _ in range(3):
        outage.end()
        outage.look(1)
        outage.begin()
        outage.look(20)
    assert outage.events() == ["database_down raised"]


def test_a_channel_that_is_away_too_gets_it_later(outage: Outage) -> None:
    """After a growing pause; a short outage that nobody could be told of is written down."""
    outage.process()
    outage.begin()
    outage.sink.status = 500
    outage.look(1)
    outage.look(20)
    outage.sink.status = 204
    outage.look(1)
    assert outage.events() == []
    outage.look(2 * AGAIN_S)
    assert outage.events() == ["database_down raised"]


def asked(house: House, times: int = 1) -> None:
    """Let the leader ask the describer how it is."""
    for _ in range(times):
        house.look(61)
        house.describer_watch.ask()


def test_a_describer_that_goes_away_at_rest_is_told(rig: Rig) -> None:
    """Before a task meets it; a single answer that got lost is nothing."""
    house = House(rig)
    with serving(ModelServerDouble("ollama").respond) as server:
        house.probe = make("ollama", server.url, timeout_s=5).probe
        asked(house, 2)
        assert house.overview.current()["describer"]["asked_s"] is not None
        assert house.look(31) == set()
    asked(house)
    assert house.look(31) == set()
    asked(house)
    house.look()
    assert house.look(31) == {"describer_down"}
    assert "0 tasks waiting" in house.alerts.open()[0].message
    house.probe = lambda: None
    asked(house)
    house.look()
    assert house.look(QUIET_OF["describer_down"] + 1) == set()


def test_a_describer_that_is_slow_at_rest_is_told(rig: Rig) -> None:
    """It answers, after longer than it may take."""
    house = House(rig, describer_slow_s=10)

    def slowly() -> None:
        rig.at += 11

    house.probe = slowly
    asked(house)
    assert house.look() == {"describer_slow"}


def test_a_describer_without_its_model_is_told_with_the_setting(rig: Rig) -> None:
    """What it takes to mend it is in the message."""
    house = House(rig)

    def lacking() -> None:
        raise ConfigError(["OLLAMA_MODEL: Ollama has no model eyes"])

    house.probe = lacking
    asked(house, 2)
    house.look()
    assert house.look(31) == {"describer_down"}
    assert "OLLAMA_MODEL: Ollama has no model eyes." in house.alerts.open()[0].message
