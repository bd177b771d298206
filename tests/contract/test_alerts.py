"""Alerts: raised once, kept, sent over real sockets, resolved on their own."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from tests import leaks
from tests.servers import RedisServer, valkey
from tests.support import free_port, wait_until
from tests.support_engine import (
    ANNA,
    BERT,
    ROOT,
    Rig,
    at_once,
    elapse,
    make_users,
    only_sqlite,
    touch,
)
from tests.support_house import House
from tests.support_sinks import an_alert, mail_sink, web_sink

from altwright.db.session import Database
from altwright.db.task_tables import NoticeRow
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.alerting.alerts import RAISED, RESOLVED, RUNBOOK, AlertBook
from altwright.tasks.alerting.notifications import (
    AGAIN_S,
    TRIES,
    Channel,
    Mail,
    Notifier,
    NotSent,
    Webhook,
)
from altwright.tasks.alerting.rules import (
    QUIET_S,
    Facts,
    Finding,
    Severity,
    Thresholds,
    findings,
)
from altwright.tasks.alerting.runbook import advice
from altwright.tasks.error_classification import NOT_SET_UP
from altwright.tasks.rq.redis_client import EPOCH_KEY

SOMETHING = Finding("something", Severity.WARNING, "Something is wrong.")


@pytest.fixture
def house(rig: Rig) -> House:
    """Return what watches over an engine on each database."""
    rig.health.check()
    return House(rig)


def test_nothing_is_wrong_with_a_service_at_rest(house: House) -> None:
    """No alert for nothing."""
    assert house.look() == set()
    house.rig.submit()
    house.rig.drain_database()
    assert house.look(70) == set()


class LoadedHouse(House):
    """One whose database is so busy that a look at everything takes ten seconds."""

    looks = 0

    @property
    def workers_expected(self) -> int:
        """Count the look, and take its time."""
        self.looks += 1
        self.rig.at += 10
        return 0

    @workers_expected.setter
    def workers_expected(self, _: int) -> None:
        """Stay at none."""


@pytest.mark.req("9.5", "tasks before statistics")
def test_looking_gives_way_to_work_under_load(rig: Rig) -> None:
    """The slower a look is, the rarer: it takes a twentieth of the time at most."""
    house = LoadedHouse(rig)
    for _ in range(20):
        house.look(5)
    assert house.looks == 1
    house.look(100)
    assert house.looks == 2


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
@pytest.mark.req("7.4", "resolved on their own")
def test_redis_lost_and_found_is_told(house: House) -> None:
    """One alert when it goes, resolved when it has been back for a while."""
    house.rig.lose_redis()
    assert house.look() == {"redis_down"}
    assert house.look() == {"redis_down"}
    house.rig.find_redis()
    assert house.look() == {"redis_down"}  # it may flap
    assert house.look(QUIET_S + 1) == set()
    assert [alert.name for alert in house.alerts.recent()] == ["redis_down"]
    assert house.alerts.recent()[0].resolved_at is not None


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
def test_a_policy_that_evicts_is_told(house: House, valkey: RedisServer) -> None:
    """Another policy than noeviction is an alert until it is set right."""
    client = valkey.client()
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        house.rig.health.look()
        assert house.look() == {"redis_settings"}
        assert "set noeviction" in house.alerts.open()[0].message
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()
    house.rig.health.look()
    assert house.look_until_quiet() == set()


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
@pytest.mark.req("7.4", "resolved on their own")
@pytest.mark.every_database
def test_a_large_and_an_old_backlog_are_told(house: House) -> None:
    """Over the thresholds, and not what an administrator made wait."""
    house.rig.kind.exclusive = False
    tasks = [house.rig.submit(user) for user in (ANNA, BERT, ROOT, BERT)]
    assert house.look() == set()
    assert house.look(31) == {"backlog_large"}
    old = tasks[0].created_at.replace(year=tasks[0].created_at.year - 1)
    touch(house.rig.database, tasks[0].id, created_at=old)
    assert house.look() == {"backlog_old", "backlog_large"}
    house.rig.administration.pause(Priority.NORMAL, by=ROOT)
    house.rig.administration.pause(Priority.HIGH, by=ROOT)
    assert house.look_until_quiet() == set()


@pytest.mark.req("7.4", "resolved on their own")
@pytest.mark.every_database
def test_dead_letters_are_told_until_they_are_requeued(house: House) -> None:
    """A task that failed for good is an alert; requeued, it is none."""
    house.rig.submit()
    task = house.rig.take()
    house.rig.claims.fail(task, Category.BAD_INPUT, "wrong")
    assert house.look() == {"dead_letters"}
    house.rig.queue.requeue_failed(task.id, by=ROOT)
    assert house.look_until_quiet() == set()


def test_a_service_that_isnt_set_up_is_told(house: House) -> None:
    """Its tasks' users read that an administrator has been told; so one has."""
    house.rig.submit()
    house.rig.claims.fail(house.rig.take(), Category.CONFIGURATION, NOT_SET_UP)
    assert house.look() == {"dead_letters", "not_set_up"}


@pytest.mark.every_database
def test_damaged_tasks_are_told(house: House) -> None:
    """A row in no possible state, and one that was set aside."""
    task = house.rig.submit()
    touch(house.rig.database, task.id, status="asleep")
    assert house.look(70) == {"tasks_damaged"}
    touch(house.rig.database, task.id, status=Status.QUEUED)
    house.look(70)
    assert house.look(QUIET_S + 1) == set()
    house.rig.backlog.set_aside(task.id, 0, "a test says so")
    assert house.look() == {"tasks_damaged"}


def test_payloads_that_can_not_be_read_are_told(house: House) -> None:
    """Whoever writes to Redis what we can't read is noticed, until the jobs are gone."""
    rig = house.rig
    rig.dispatcher.tick()
    task = rig.submit()
    rig.health.client.hset(f"rq:job:{task.id}-0", "data", b"nothing of ours")
    rig.drain_rq()
    house.look()
    assert house.look(10) == {"redis_refused_jobs"}
    assert house.upkeep.forget_refused() == 1
    assert house.look_until_quiet() == set()


def test_a_killed_worker_s_job_is_no_strange_one(house: House) -> None:
    """RQ sets it aside as abandoned; nobody else wrote to Redis, and the task goes on."""
    rig = house.rig
    rig.dispatcher.tick()
    job = f"{rig.submit().id}-0"
    queue = rig.queue.jobs.queues[Priority.NORMAL]
    began = StartedJobRegistry(queue=queue)
    rig.health.client.hset(f"rq:job:{job}", "status", "started")
    rig.health.client.zadd(began.key, {f"{job}:execution": 1})
    assert house.upkeep.set_aside_abandoned() == 1
    assert FailedJobRegistry(queue=queue).get_job_ids() == [job]
    assert Job.fetch(job, rig.health.client, rig.queue.jobs.serializer).get_status() == "failed"
    assert began.get_job_ids(cleanup=False) == []
    assert leaks.everlasting(rig.health.client) == []
    house.look()
    assert house.look(10) == set()


def test_a_stranger_s_keys_and_a_suspension_are_told(house: House) -> None:
    """Keys of another type in RQ's places go, tasks go on, and an administrator hears of it."""
    rig = house.rig
    rig.dispatcher.tick()
    client = rig.health.client
    task = rig.submit()
    client.delete(EPOCH_KEY)
    client.rpush(EPOCH_KEY, "not ours")
    client.expire(EPOCH_KEY, 600)
    names = ("queue:normal", "wip:normal", "finished:normal", "queues", "workers:normal")
    for key in (f"rq:{name}" for name in names):
        client.delete(key)
        client.set(key, "not of RQ")
    assert rig.submit(BERT).delivery is Delivery.DATABASE
    rig.later(10)
    for _ in range(2):
        rig.find_redis()
        rig.dispatcher.tick()
    assert rig.drain_rq() == 2
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    client.set("rq:suspended", 1, ex=600)
    assert house.look() == {"redis_strange_keys", "rq_suspended"}
    assert "rq:queue:normal" in str([one.message for one in house.alerts.open()])


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
@pytest.mark.every_database
def test_missing_workers_are_told_when_they_stay_away(house: House) -> None:
    """A restart is no alert; fewer workers than configured for half a minute are one."""
    house.workers_expected = 2
    house.rig.roster.seen(["a", "b"], kind="integrated", host="here", pid=1)
    assert house.look() == set()
    elapse(house.rig.database, 20)
    house.rig.roster.seen(["a"], kind="integrated", host="here", pid=1)
    assert house.look() == set()
    house.rig.roster.seen(["a"], kind="integrated", host="here", pid=1)
    assert house.look(31) == {"workers_missing"}
    assert "1 of 2" in house.alerts.open()[0].message
    house.rig.roster.seen(["a", "b"], kind="integrated", host="here", pid=1)
    assert house.look_until_quiet() == set()


RULES: dict[str, tuple[Facts, str]] = {
    "full": (Facts(redis_full=True), "redis_full"),
    "memory": (Facts(memory_share=0.81), "redis_memory"),
    "failures": (Facts(ended=10, failed=6), "many_failures"),
    "slow": (Facts(item_s=121.0), "slow_processing"),
    "a slow database": (Facts(database_s=1.5), "database_slow"),
    "no connection": (Facts(pool="h: all in use."), "database_pool"),
    "a full disk": (Facts(disk="h: 1 GB is free."), "disk_low"),
    "a wrong clock": (Facts(clock="h: its clock is wrong."), "clock_skew"),
    "a wrong key": (Facts(key="h: its key isn't this database's."), "wrong_key"),
    "no model": (Facts(model="h: it isn't here."), "model_missing"),
    "no describer": (Facts(without_describer=1), "describer_down"),
    "a describer at rest": (Facts(describer="It's gone."), "describer_down"),
    "a slow describer": (Facts(describer_s=11.0), "describer_slow"),
    "a stuck task": (Facts(stuck=("a", "b")), "tasks_stuck"),
    "guessed passwords": (Facts(failed_sign_ins=100), "sign_in_attack"),
    "no worker at all": (Facts(workers_expected=1), "workers_missing"),
    "workers that were stopped": (Facts(stopped=("all by root",), waiting=1), "workers_missing"),
}


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
@pytest.mark.parametrize("case", RULES)
def test_each_rule_finds_its_fact(case: str) -> None:
    """A fact over its threshold is one finding, with a sentence."""
    facts, name = RULES[case]
    found = list(findings(facts, Thresholds()))
    assert [finding.name for finding in found] == [name]
    assert found[0].message.endswith(".")


def test_few_tasks_say_nothing_of_failures() -> None:
    """Two of two failed is a dead letter, not a service that fails."""
    assert list(findings(Facts(ended=2, failed=2, item_s=1.0), Thresholds())) == []


def test_each_rule_has_its_section_of_the_runbook() -> None:
    """What an alert links to is there, and no section is of a rule that isn't."""
    root = Path(__file__).parents[2]
    rules = (root / "src/altwright/tasks/alerting/rules.py").read_text()
    named = set(re.findall(r'Finding\(\s*"(\w+)"', rules))
    page = root / RUNBOOK
    sections = set(re.findall(r"^### (\w+)$", page.read_text(), re.MULTILINE))
    assert len(named) >= 15
    assert named == sections
    assert page.read_text() == (root / "src/altwright/tasks/alerting/runbook.md").read_text()
    assert [name for name in sections if len(advice(name)) < 40] == []
    assert advice("nobody's") == ""
    assert an_alert().runbook == f"{RUNBOOK}#{an_alert().name}"


@pytest.mark.req("7.4", "raised once")
@pytest.mark.every_database
def test_of_many_that_see_the_same_one_raises(database: Database) -> None:
    """Ten threads find the same thing: one alert, one notice a channel; and it ends once."""
    book = AlertBook(database, ("webhook",))
    assert sorted(at_once(10, lambda _: book.raise_(SOMETHING))) == [False] * 9 + [True]
    assert sorted(at_once(10, lambda _: book.resolve("something"))) == [False] * 9 + [True]
    assert [one.event for one in notices(database)] == [RAISED, RESOLVED]
    assert book.raise_(SOMETHING)
    assert len(book.open()) == 1


def notices(database: Database) -> list[NoticeRow]:
    """Return every notice."""
    with database.read() as session:
        return list(session.query(NoticeRow).order_by(NoticeRow.id))


@pytest.mark.req("7.4", "sent")
def test_an_alert_reaches_webhook_mail_and_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Over real sockets, when it is raised and when it is over, each once."""
    caplog.set_level(logging.WARNING)
    with web_sink() as web, mail_sink() as mail:
        channels: dict[str, Channel] = {
            "webhook": Webhook(web.url),
            "mail": Mail(mail.url, "altwright@example.org", ["a@example.org", "b@example.org"]),
        }
        book, notifier = AlertBook(database, tuple(channels)), Notifier(database, channels)
        book.raise_(SOMETHING)
        assert notifier.send_due() == 2
        assert notifier.send_due() == 0
        book.resolve("something")
        assert notifier.send_due() == 2
    first, second = web.posted
    assert (first["event"], first["alert"]["name"]) == (RAISED, "something")
    assert (first["text"], first["alert"]["severity"]) == ("Something is wrong.", "warning")
    assert (second["event"], second["text"]) == (RESOLVED, "Resolved: Something is wrong.")
    assert [message["Subject"] for message in mail.taken] == [
        "[Altwright] raised: something",
        "[Altwright] resolved: something",
    ]
    assert "What to do: docs/how-to/alerts.md#something" in mail.taken[0].get_payload()
    assert mail.receivers[:2] == ["a@example.org", "b@example.org"]
    assert "alert something: Something is wrong." in caplog.text
    assert "alert something is over" in caplog.text


def test_a_server_that_is_away_gets_its_notice_later(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused notice is tried again after a growing pause, its secret address never logged."""
    with web_sink() as web:
        web.status = 500
        channels: dict[str, Channel] = {"webhook": Webhook(web.url)}
        book, notifier = AlertBook(database, ("webhook",)), Notifier(database, channels)
        book.raise_(SOMETHING)
        assert notifier.send_due() == 0
        assert [(one.tries, one.problem) for one in notices(database)] == [(1, "HTTP 500")]
        assert notifier.send_due() == 0
        assert notices(database)[0].tries == 1  # not due yet
        web.status = 200
        past_due(database, AGAIN_S)
        assert notifier.send_due() == 1
        assert len(web.posted) == 1
    assert "s3cret" not in caplog.text
    assert "HTTP 500" in caplog.text


def past_due(database: Database, seconds: float) -> None:
    """Let time pass for the notices."""
    with database.write() as session:
        for row in session.query(NoticeRow):
            row.due_at -= timedelta(seconds=seconds)


def test_a_notice_is_given_up_in_the_end(database: Database) -> None:
    """A server that never answers is tried so often and no more; nothing else waits for it."""
    nobody: dict[str, Channel] = {"webhook": Webhook(f"http://127.0.0.1:{free_port()}/")}
    book, notifier = AlertBook(database, ("webhook",)), Notifier(database, nobody)
    book.raise_(SOMETHING)
    for _ in range(TRIES + 2):
        notifier.send_due()
        past_due(database, 100_000)
    row = notices(database)[0]
    assert (row.tries, row.problem, row.sent_at) == (TRIES, "ConnectionError", None)


def test_mail_that_is_refused_is_not_sent() -> None:
    """The server's refusal is an error that says which, without addresses."""
    with mail_sink() as mail:
        mail.status = 554
        channel = Mail(mail.url, "altwright@example.org", ["a@example.org"])
        with pytest.raises(NotSent, match="SMTPDataError"):
            channel.send(RAISED, an_alert())


def test_a_hanging_server_holds_nobody_up(rig: Rig) -> None:
    """While a notice waits for its server, the leader goes on looking."""
    begun, go_on = threading.Event(), threading.Event()

    class Hanging:
        def send(self, event: str, alert: object) -> None:
            begun.set()
            assert go_on.wait(60)

    house = House(rig, {"hanging": Hanging()})
    house.notifier.loop.start()
    rig.lose_redis()
    house.look()
    assert begun.wait(60)
    rig.find_redis()
    assert house.look_until_quiet() == set()
    go_on.set()
    wait_until(lambda: all(one.sent_at for one in notices(rig.database)))
    house.notifier.loop.stop()
    assert len(notices(rig.database)) == 2


@pytest.mark.req("7.4", "sent")
@pytest.mark.every_database
def test_two_senders_send_each_notice_once(database: Database) -> None:
    """The process that takes a try sends; another one leaves it alone."""
    with web_sink() as web:
        channels: dict[str, Channel] = {"webhook": Webhook(web.url)}
        book = AlertBook(database, ("webhook",))
        for number in range(5):
            book.raise_(Finding(f"thing {number}", Severity.WARNING, "x."))
        at_once(3, lambda _: Notifier(database, channels).send_due())
        assert sorted(one["alert"]["name"] for one in web.posted) == [
            f"thing {number}" for number in range(5)
        ]


@pytest.mark.req("6.7", "alert, purge, database")
@only_sqlite
def test_a_redis_that_fills_up_is_purged_then_left_alone_then_used_again(
    database: Database, rig_on_small_redis: Rig
) -> None:
    """Over 80 %: alert, old results go. Over 90 %: new tasks stay in the database. Then back."""
    rig = rig_on_small_redis
    client = rig.health.client
    house = House(rig)
    rig.kind.exclusive = False
    rig.dispatcher.tick()
    for _ in range(40):
        rig.submit()
    while rig.drain_rq():
        rig.dispatcher.tick()
    jobs = len(list(client.scan_iter("rq:job:*")))
    assert jobs == 40
    assert house.look() == set()
    fill(rig, 0.84)
    house.look()
    alerts = {alert.name for alert in house.alerts.open()}
    assert alerts == {"redis_memory"}
    assert list(client.scan_iter("rq:job:*")) == []
    assert list(client.scan_iter("rq:results:*")) == []
    assert rig.submit().delivery == "rq"  # there is room yet
    fill(rig, 0.93)
    assert house.look() == {"redis_memory", "redis_full"}
    before = rig.job_count()
    task = rig.submit()
    assert task.delivery == "database"
    rig.at += 3
    rig.dispatcher.tick()
    assert rig.job_count() == before
    assert rig.drain_database() == 2
    client.delete("filler")
    rig.health.look()
    assert house.look_until_quiet() == set()
    assert rig.submit().delivery == "rq"


@pytest.fixture
def rig_on_small_redis(database: Database) -> Iterator[Rig]:
    """Return an engine whose Valkey has 24 MB."""
    with valkey(maxmemory="24mb") as server:
        make_users(database)
        rig = Rig(database, server.url)
        rig.health.check()
        yield rig
        rig.close()


def fill(rig: Rig, share: float) -> None:
    """Fill Redis up to a share of its memory."""
    block = b"x" * 100_000
    while (rig.health.look().memory_share or 0.0) < share:
        rig.health.client.append("filler", block)
