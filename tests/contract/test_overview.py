"""How the service stands: each number equals a count made independently from the database."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, ROOT, Rig, elapse, only_sqlite, touch
from tests.support_house import House
from tests.support_service import Service

from altwright.db.session import utcnow
from altwright.db.types import Instant
from altwright.domain.period import Period
from altwright.domain.task import Delivery, Priority
from altwright.errors import Category

pytestmark = pytest.mark.every_database

ENDED = ("completed", "failed", "cancelled")


@pytest.fixture
def house(rig: Rig) -> House:
    """Return an engine that is watched, with traffic and faults behind it and more to come.

    Of each priority some tasks completed, some failed, one was cancelled, some wait, one runs;
    Redis was lost and found meanwhile.
    """
    rig.kind.exclusive = False
    rig.health.check()
    rig.dispatcher.tick()
    for number, priority in enumerate(Priority):
        for ended in range(3 + number):
            rig.submit(ROOT, priority=priority.queue)
            taken = rig.take()
            if ended % 3 == 1:
                rig.claims.fail(taken, Category.FAULT, "No.")
            else:
                rig.claims.complete(taken, "")
            back = timedelta(minutes=7 * ended, hours=ended // 2)
            touch(rig.database, taken.id, finished_at=utcnow() - back)
        rig.queue.cancel(rig.submit(ROOT, priority=priority.queue).id, by=ROOT)
    rig.lose_redis()
    rig.dispatcher.tick()
    for priority in (Priority.LOW, Priority.URGENT):
        rig.submit(ROOT, priority=priority.queue)
        rig.take(f"worker of {priority.queue}")
    for user in (ANNA, BERT, ROOT):
        rig.submit(user, priority="normal")
    later = rig.submit(ANNA)
    touch(rig.database, later.id, delayed=True, available_at=utcnow() + timedelta(hours=1))
    rig.administration.pause(Priority.LOW, by=ROOT)
    rig.roster.seen(["a", "b", "c"], kind="integrated", host="here", pid=1)
    house = House(rig)
    house.workers_expected = 4
    house.look()
    return house


def counts(rig: Rig, sql: str, **values: Any) -> Counter[tuple[Any, ...]]:
    """Return the last column of each row by the others, as the database itself counts."""
    given = [bindparam(name, value, Instant()) for name, value in values.items()]
    statement = text(sql).bindparams(*given)
    with rig.database.read() as session:
        return Counter({tuple(row[:-1]): row[-1] for row in session.execute(statement)})


@pytest.mark.req("7.1", "counts by priority")
@pytest.mark.req("1.4", "says so in the admin page")
def test_what_is_now_is_what_the_rows_say(house: House) -> None:
    """Waiting, delayed, running and oldest of each queue; workers; mode; alerts."""
    now = house.overview.current()
    rows = counts(
        house.rig,
        "SELECT priority, status, tasks.delayed, count(*) FROM tasks "
        "GROUP BY priority, status, tasks.delayed",
    )
    for queue in now["queues"]:
        number = Priority[queue["queue"].upper()]
        assert queue["waiting"] == rows[number, "queued", False]
        assert queue["delayed"] == rows[number, "queued", True]
        assert queue["running"] == rows[number, "running", False]
    by_name = {one["queue"]: one for one in now["queues"]}
    assert (by_name["normal"]["waiting"], by_name["normal"]["delayed"]) == (3, 1)
    assert by_name["low"]["paused_by"] == "root"
    assert now["workers"] == {"alive": 3, "vanished": 0, "expected": 4, "stopped": []}
    describer = {"order": ["offline"], "tasks_waiting": 0, "item_s": None, "asked_s": None}
    assert now["describer"] == describer
    assert now["delivery"] == Delivery.DATABASE
    assert now["redis"]["state"] == "down"
    assert [one["name"] for one in now["alerts"]] == ["redis_down", "dead_letters"]
    assert now["database"]["kind"] == house.rig.database.engine.dialect.name


def test_waiting_for_others_is_shown(rig: Rig) -> None:
    """Tasks that wait for the describer, and for a Fediverse server; by the sample of them."""
    later = {"delayed": True, "available_at": utcnow() + timedelta(hours=1)}
    for user, server in ((ANNA, "platform"), (BERT, "describer"), (ROOT, "")):
        touch(rig.database, rig.submit(user).id, **later, waits_for=server)
    now = House(rig).overview.current()
    assert now["describer"]["tasks_waiting"] == 1
    assert now["platforms"]["tasks_waiting"] == 1


@pytest.mark.req("7.2", "figures as charts")
def test_each_worker_s_state_is_shown(rig: Rig) -> None:
    """Working with its task, idle, vanished."""
    rig.roster.seen(["lost"], kind="external", host="there", pid=3)
    elapse(rig.database, 60)
    rig.roster.seen(["busy", "idle"], kind="integrated", host="here", pid=1)
    task = rig.submit()
    rig.take("busy")
    shown = {one["id"]: (one["state"], one["task_id"]) for one in House(rig).overview.workers()}
    assert shown == {
        "busy": ("working", task.id),
        "idle": ("idle", None),
        "lost": ("vanished", None),
    }


@pytest.mark.req("7.1", "counts by priority")
@pytest.mark.req("7.2", "figures as charts")
@pytest.mark.parametrize("period", sorted(Period))
@pytest.mark.parametrize("is_recorded", [False, True])
def test_what_ended_is_what_the_rows_say(
    house: House, period: Period, *, is_recorded: bool
) -> None:
    """By queue and state, from the period's begin on, whether a leader has counted it or not."""
    if is_recorded:
        while house.recorder.record():
            pass
    shown = house.overview.timeline(period)
    rows = counts(
        house.rig,
        "SELECT priority, status, count(*) FROM tasks WHERE finished_at >= :since "
        "GROUP BY priority, status",
        since=datetime.fromisoformat(shown["since"]),
    )
    if not is_recorded:  # nobody has counted what ended before the last minutes
        assert sum(shown["all"][name] for name in ENDED) <= rows.total()
        return
    for priority in Priority:
        for name in ENDED:
            assert shown["queues"][priority.queue][name] == rows[priority, name], name
    for name in ENDED:
        total = sum(count for key, count in rows.items() if key[1] == name)
        assert shown["all"][name] == total
        assert sum(point[name] for point in shown["points"]) == total
    tried = shown["all"]["completed"] + shown["all"]["failed"]
    assert shown["all"]["success_rate"] == pytest.approx(
        shown["all"]["completed"] / tried, abs=1e-4
    )
    assert len(shown["points"]) == period.points


def test_points_that_nobody_saw_are_gaps(house: House) -> None:
    """Only the minute at whose end somebody looked has waiting tasks and workers."""
    house.recorder.record()
    points = house.overview.timeline(Period.HOUR)["points"]
    seen = [point for point in points if point["workers"] is not None]
    assert 1 <= len(seen) <= 2
    assert (seen[-1]["workers"], seen[-1]["running"]) == (3, 2)
    assert (seen[-1]["waiting"]["normal"], seen[-1]["without_redis"]) == (4, 1)


def test_the_backlog_s_end_is_foretold_from_what_ended(rig: Rig) -> None:
    """Nothing open: now. Fewer than ten ended: unknown. Ten within five minutes: by their rate."""
    house = House(rig)
    assert house.overview.current()["backlog_done_in_s"] == 0
    rig.kind.exclusive = False
    for number in range(10):
        rig.submit(ROOT)
        unknown = house.overview.current()
        assert (unknown["ended_per_hour"], unknown["backlog_done_in_s"]) == (None, None)
        task = rig.take()
        rig.claims.complete(task, "")
        touch(rig.database, task.id, finished_at=utcnow() - timedelta(seconds=30 * number))
    for _ in range(5):
        rig.submit(ROOT)
    current = house.overview.current()
    assert current["ended_per_hour"] == pytest.approx(120, rel=0.25)
    assert current["backlog_done_in_s"] == pytest.approx(150, rel=0.25)


def test_when_redis_was_away_is_shown(house: House) -> None:
    """While it lasts without an end, then with one, and with what moved."""
    (outage,) = house.overview.redis_outages()
    assert (outage["until"], outage["ended"], outage["moved_back"]) == (None, None, None)
    house.rig.find_redis()
    house.rig.dispatcher.tick()
    (outage,) = house.overview.redis_outages()
    assert outage["since"] <= outage["until"]
    assert house.overview.current()["last_redis_outage"] == outage


def test_what_moved_is_what_the_rows_say(rig: Rig) -> None:
    """Tasks that were taken from RQ, that ended by the database, and that went back to RQ."""
    rig.kind.exclusive = False
    rig.health.check()
    rig.dispatcher.tick()
    for priority in ("low", "normal", "normal", "high", "urgent"):
        rig.submit(ROOT, priority=priority)
    by_delivery = "SELECT delivery, status, count(*) FROM tasks GROUP BY delivery, status"
    rig.claims.complete(rig.take(), "")
    before = counts(rig, by_delivery)
    rig.lose_redis()
    rig.dispatcher.tick()
    rig.submit(ROOT)
    for ends in (rig.claims.complete, rig.claims.complete):
        ends(rig.take(), "")
    meanwhile = counts(rig, by_delivery)
    rig.find_redis()
    rig.dispatcher.tick()
    after = counts(rig, by_delivery)
    (outage,) = House(rig).overview.redis_outages()
    assert outage["taken_over"] == before["rq", "queued"] == 4
    assert outage["ended"] == (meanwhile - before)["database", "completed"] == 2
    assert outage["moved_back"] == meanwhile["database", "queued"] == after["rq", "queued"] == 3
    rig.dispatcher.tick()
    assert House(rig).overview.redis_outages() == [outage]


@only_sqlite  # two commands; SQL isn't theirs
def test_the_command_says_so(house: House, tmp_path: Path, valkey: RedisServer) -> None:
    """`altwright status` in words, and with --json in the REST API's shape."""
    url = house.rig.database.engine.url.render_as_string(hide_password=False)
    service = Service(tmp_path, {"REDIS_URL": valkey.url, "DATABASE_URL": url})
    said = service.json("status")
    own = house.overview.current()
    assert said.keys() == own.keys()
    assert [one["running"] for one in said["queues"]] == [one["running"] for one in own["queues"]]
    assert said["redis"]["state"] == "healthy"
    assert said["workers"]["alive"] == 3
    words = service.command("status").stdout
    assert "Delivery   the database" in words
    assert "not used since" in words
    assert "4 waiting, 2 running" in words
    assert "critical: redis_down: " in words
