"""Alerts on hosts, the database, the describer, stuck tasks and sign-ins: raised and resolved."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.pool import QueuePool
from tests.servers import RedisServer
from tests.support_engine import BERT, Rig, make_users, touch
from tests.support_house import House, slow_statements

from altwright.db.session import POOL_OVERFLOW, Database, make_engine, utcnow
from altwright.db.tables import Base
from altwright.db.task_tables import NoticeRow, StateRow, TaskEventRow
from altwright.db.types import now
from altwright.describers.local_models.folder import lacks
from altwright.domain.task import ItemStatus
from altwright.domain.worker import host_name
from altwright.tasks.alerting.host_watch import FRESH_S, LOOK_EVERY_S, NOTE_EVERY_S, POOL_LOOKS
from altwright.tasks.alerting.notifications import Webhook
from altwright.tasks.alerting.rules import QUIET_OF
from altwright.tasks.store.items import Worked
from altwright.web.login_rate_limit import LoginLimit

CALM_S = max(QUIET_OF.values()) + 1


def calm_after(house: House, seconds: float) -> set[str]:
    """Let a host look again, and notes of before grow old; return which alerts are open still."""
    house.look(seconds)
    with house.rig.database.write() as session:
        for row in session.query(StateRow):
            row.changed_at -= timedelta(seconds=FRESH_S)
    house.look()
    return house.look(CALM_S)


@pytest.mark.req("7.4", "raised once")
def test_what_wavers_about_its_threshold_is_told_once(rig: Rig) -> None:
    """A backlog of more than three is one alert until it is well below, not at each task."""
    house = House(rig)
    rig.kind.exclusive = False
    for _ in range(4):
        rig.submit()
    house.look()
    assert house.look(31) == {"backlog_large"}
    for _ in range(3):
        rig.claims.complete(rig.take(), "")
        assert house.look_until_quiet() == {"backlog_large"}
        rig.submit()
        assert house.look_until_quiet() == {"backlog_large"}
    for _ in range(2):
        rig.claims.complete(rig.take(), "")
    assert house.look_until_quiet() == set()
    assert len(house.alerts.recent()) == 1


@pytest.mark.req("7.4", "database trouble")
def test_a_slow_database_is_told(rig: Rig) -> None:
    """Once it has been slow for a while; and over when it has been quick for a while."""
    house = House(rig)
    assert house.look() == set()
    with slow_statements(rig, 1.5):
        house.look(200)
        assert house.look(600) == {"database_slow"}
    house.look(600)
    assert house.look(CALM_S) == set()


def test_a_wrong_key_is_told(rig: Rig) -> None:
    """A process that can't read the tokens says so, whoever leads."""
    house = House(rig)
    house.key_fits = False
    assert house.look() == {"wrong_key"}
    house.key_fits = True
    assert calm_after(house, LOOK_EVERY_S) == set()


def test_a_host_without_the_model_is_told(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever leads, with the host's name and what gets it, and in that host's log; once."""
    house = House(rig)
    house.lacks = lacks("qwen3-vl-2b")
    assert house.look() == {"model_missing"}
    house.look(LOOK_EVERY_S)
    message = house.alerts.open()[0].message
    assert message.startswith(f"{host_name()}: MODEL_NAME: qwen3-vl-2b isn't here")
    assert "`altwright model get qwen3-vl-2b`" in message
    logged = [one for one in caplog.records if one.name.endswith("host_watch")]
    assert [one.getMessage() in message for one in logged] == [True]
    house.lacks = ""
    assert calm_after(house, LOOK_EVERY_S) == set()


def test_a_disk_without_room_is_told(rig: Rig) -> None:
    """Less than the share that has to be free, with how much there is."""
    house = House(rig, disk_free_share=1.01)
    assert house.look() == {"disk_low"}
    assert " GB (" in house.alerts.open()[0].message


def test_a_folder_that_is_gone_is_told(rig: Rig, tmp_path: Path) -> None:
    """With what there is to do; the leader goes on leading."""
    house = House(rig, folder=tmp_path / "gone")
    assert house.look() == {"disk_low"}
    assert "DATA_DIR can't be used" in house.alerts.open()[0].message


def test_a_clock_that_is_wrong_is_told(tmp_path: Path, valkey: RedisServer) -> None:
    """A host that is a minute behind the database."""
    engine = make_engine(
        f"sqlite:///{tmp_path}/a.db", clock=lambda: utcnow() + timedelta(minutes=1)
    )
    Base.metadata.create_all(engine)
    database = Database(engine)
    make_users(database)
    rig = Rig(database, valkey.url)
    house = House(rig)
    assert house.look() == {"clock_skew"}
    assert "60 s behind" in house.alerts.open()[0].message
    rig.close()
    database.close()


@pytest.mark.req("7.4", "database trouble")
def test_a_pool_without_a_connection_is_told(rig: Rig) -> None:
    """All in use for seconds: noted as soon as there is one for the note."""
    house = House(rig)
    house.key_fits = False
    house.host_watch.look()  # leaves a note, so that the next one isn't due yet
    pool = rig.database.engine.pool
    assert isinstance(pool, QueuePool)
    with ExitStack() as held:
        for _ in range(pool.size() + POOL_OVERFLOW):
            held.enter_context(rig.database.engine.connect())
        for _ in range(POOL_LOOKS):
            house.host_watch.look()
    rig.at += NOTE_EVERY_S
    assert house.look(0) == {"database_pool", "wrong_key"}


@pytest.mark.every_database
def test_a_describer_that_is_away_is_told(rig: Rig) -> None:
    """By the tasks that wait for it; one that waits for its own user's server is no alert."""
    house = House(rig)
    later = {"delayed": True, "available_at": utcnow() + timedelta(hours=1)}
    touch(rig.database, rig.submit().id, **later, waits_for="platform")
    house.look()
    assert house.look(31) == set()
    task = rig.submit(BERT)
    touch(rig.database, task.id, **later, waits_for="describer")
    house.look()
    assert house.look(31) == {"describer_down"}
    touch(rig.database, task.id, delayed=False, waits_for="")
    house.look()
    assert house.look(CALM_S) == set()


@pytest.mark.every_database
def test_a_task_that_is_stuck_is_told(rig: Rig) -> None:
    """Its worker lives and nothing comes of it; an item that ends is progress."""
    house = House(rig, stuck_task_s=900)
    rig.submit()
    task, item = rig.begin()
    assert house.look() == set()
    with rig.database.write() as session:
        event = update(TaskEventRow).where(TaskEventRow.task_id == task.id)
        session.execute(event.values(at=now(-1000)))
    assert house.look() == {"tasks_stuck"}
    assert task.id in house.alerts.open()[0].message
    rig.items.end_item(task, item, Worked(ItemStatus.DONE), 0.1)
    assert house.look_until_quiet() == set()


def test_an_open_alert_says_what_is_found_now(rig: Rig) -> None:
    """Its words and severity follow, and nothing is sent for that."""
    house = House(rig, {"webhook": Webhook("http://127.0.0.1:9")})
    house.workers_expected = 3
    house.look()
    house.look(31)
    [alert] = house.alerts.open()
    house.workers_expected = 5
    house.look()
    [reworded] = house.alerts.open()
    assert (reworded.id, reworded.raised_at) == (alert.id, alert.raised_at)
    assert "of 3 workers" in alert.message
    assert "of 5 workers" in reworded.message
    with rig.database.read() as session:
        assert session.scalar(select(func.count()).select_from(NoticeRow)) == 1


def test_guessed_passwords_are_told(rig: Rig) -> None:
    """Many that failed, whoever they were for; those that succeeded don't count."""
    house = House(rig, failed_sign_ins=5)
    limit = LoginLimit(rig.health)
    for number in range(20):
        limit.enter("anna", f"192.0.2.{number}")
        limit.forgive("anna", f"192.0.2.{number}")
    assert house.look() == set()
    for number in range(5):
        limit.enter(f"user{number}", "198.51.100.7")
    assert house.look() == {"sign_in_attack"}
    assert "5 sign-ins failed" in house.alerts.open()[0].message
    rig.health.client.set("altwright:login:failed", "of a stranger", ex=600)
    assert house.look_until_quiet() == set()
