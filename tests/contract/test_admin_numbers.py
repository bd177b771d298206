"""Each number on an administrator's page equals a count made independently from the database."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from tests.servers import RedisServer
from tests.support_engine import ANNA, BERT, ROOT, Rig, elapse, touch
from tests.support_house import House
from tests.support_web import Caller, beside

from altwright.db.session import utcnow
from altwright.db.types import Instant
from altwright.domain.task import Priority
from altwright.errors import Category

ENDED = ("completed", "failed", "cancelled")


@pytest.fixture
def root(rig: Rig, tmp_path: Path, valkey: RedisServer) -> Iterator[Caller]:
    """Return an administrator's browser, in front of a service with traffic and faults behind it.

    Of each priority tasks completed, failed, were cancelled, wait, wait for later; two run, and
    workers came and vanished; Redis was lost, and its alert was resolved; another one is open.
    """
    rig.kind.exclusive = False
    rig.health.check()
    rig.dispatcher.tick()
    categories = (Category.FAULT, Category.NETWORK, Category.TIMEOUT)
    for number, priority in enumerate(Priority):
        for ended in range(4 + 2 * number):
            rig.submit(ROOT, priority=priority.queue)
            taken = rig.take()
            if ended % 2:
                rig.claims.fail(taken, categories[(number + ended) % 3], "No.")
            else:
                rig.claims.complete(taken, "")
            back = timedelta(minutes=7 * ended)
            touch(rig.database, taken.id, finished_at=utcnow() - back)
        rig.queue.cancel(rig.submit(ROOT, priority=priority.queue).id, by=ROOT)
    house = House(rig, dead_letters=1)
    rig.roster.seen(["lost"], kind="external", host="there", pid=3)
    elapse(rig.database, 60)
    rig.roster.seen(["a", "b", "c"], kind="integrated", host="here", pid=1)
    rig.lose_redis()
    house.look()
    rig.find_redis()
    house.look_until_quiet()
    for worker, priority in (("a", Priority.LOW), ("b", Priority.URGENT)):
        rig.submit(ROOT, priority=priority.queue)
        rig.take(worker)
    for number, user in enumerate((ANNA, BERT, ROOT, ROOT, ROOT)):
        rig.submit(user, priority="normal" if number < 3 else "high")
    later = rig.submit(ANNA)
    touch(rig.database, later.id, delayed=True, available_at=utcnow() + timedelta(hours=1))
    rig.administration.pause(Priority.LOW, by=ROOT)
    house.look()
    while house.recorder.record():
        pass
    with closing(beside(rig, tmp_path, valkey.url)) as web:
        yield web.by_session(web.root)


def counts(rig: Rig, sql: str, **values: Any) -> Counter[tuple[Any, ...]]:
    """Return the last column of each row by the others, as the database itself counts."""
    given = [bindparam(name, value, Instant()) for name, value in values.items()]
    with rig.database.read() as session:
        rows = session.execute(text(sql).bindparams(*given))
        return Counter({tuple(row[:-1]): row[-1] for row in rows})


def number(words: str) -> int:
    """Return a number as a page writes it."""
    return int(words.replace(",", ""))


def tallies(page: str) -> dict[str, dict[str, int]]:
    """Return the numbers of each card by their words; those that are none are left out."""
    found = {}
    for queue, card in re.findall(r'data-queue="(\w+)">(.*?)</li>', page, re.DOTALL):
        numbers = re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([\d,]+)</dd>", card)
        found[queue] = {name: number(value) for name, value in numbers}
    return found


def cells(page: str, key: str) -> dict[str, list[str]]:
    """Return the cells of the table's rows that carry this key."""
    rows = re.findall(rf'<tr {key}="([^"]+)">(.*?)</tr>', page, re.DOTALL)
    return {
        name: [
            re.sub(r"<[^>]+>", "", one).strip()
            for one in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for name, row in rows
    }


def listed(page: str) -> int:
    """Return how many tasks a page lists."""
    return len(re.findall(r'<th scope="row"><a href="/admin/tasks/', page))


@pytest.mark.req("7.1", "counts by priority")
def test_queues(rig: Rig, root: Caller) -> None:
    """Waiting, later, running of each queue, and what lies in RQ; also before it is cleared."""
    rows = counts(
        rig,
        "SELECT priority, status, tasks.delayed, count(*) FROM tasks "
        "GROUP BY priority, status, tasks.delayed",
    )
    shown = tallies(root.get("/admin/queues").text)
    assert list(shown) == [one.queue for one in Priority]
    for priority in Priority:
        waiting, later = (rows[priority, "queued", one] for one in (0, 1))
        assert shown[priority.queue] | {"Oldest waits": 0} == {
            "Waiting": waiting,
            "Later": later,
            "Running": rows[priority, "running", 0],
            "Oldest waits": 0,
            "In RQ": rig.health.client.llen(f"rq:queue:{priority.queue}"),
        }
        asked = root.get(f"/admin/queues/{priority.queue}/clear").text
        assert number(re.findall(r"data-count>([\d,]+)<", asked)[0]) == waiting + later


@pytest.mark.req("7.1", "counts by priority")
def test_the_dashboard(rig: Rig, root: Caller) -> None:
    """Each number of the queues' table, the workers' tile, and the alerts."""
    page = root.get("/admin").text
    since = re.search(r'What ended is counted since <time datetime="([^"]+)"', page)
    assert since
    states = counts(
        rig,
        "SELECT priority, status, tasks.delayed, count(*) FROM tasks "
        "GROUP BY priority, status, tasks.delayed",
    )
    ended = counts(
        rig,
        "SELECT priority, status, count(*) FROM tasks WHERE finished_at >= :since "
        "GROUP BY priority, status",
        since=datetime.fromisoformat(since[1]),
    )
    shown = cells(page, "data-queue")
    totals = Counter[int]()
    for priority in Priority:
        expected = [states[priority, "queued", 0], states[priority, "queued", 1]]
        expected += [states[priority, "running", 0]]
        row = shown[priority.queue]
        assert [number(one) for one in row[:3]] == expected
        of_ended = [ended[priority, status] for status in ENDED]
        assert [number(one) for one in row[4:7]] == of_ended
        tried = of_ended[0] + of_ended[1]
        assert row[7] == f"{100 * of_ended[0] / tried:.3g} %"
        totals.update(dict(enumerate([*expected, *of_ended])))
    everything = shown["all"]
    assert [number(one) for one in [*everything[:3], *everything[4:7]]] == list(totals.values())
    alive = counts(rig, "SELECT count(*) FROM workers WHERE host = 'here'")[()]
    assert f"<strong>{alive}</strong>" in page.partition("<dt>Workers</dt>")[2][:400]
    assert "1 vanished" in page
    alerts = counts(
        rig, "SELECT name, count(*) FROM alerts WHERE resolved_at IS NULL GROUP BY name"
    )
    block = page.partition('id="alerts"')[2].partition('id="tiles"')[0]
    assert Counter(re.findall(r'class="muted">(\w+), since', block)) == {
        name: count for (name,), count in alerts.items()
    }


def test_dead_letters(rig: Rig, root: Caller) -> None:
    """Tasks of each cause and kind; the list behind each has all of them."""
    rows = counts(
        rig,
        "SELECT error_category, kind, count(*) FROM tasks WHERE status = 'failed' "
        "GROUP BY error_category, kind",
    )
    page = root.get("/admin/failed").text
    found = re.findall(
        r'<a href="([^"]+status=failed&amp;category=(\w+)&amp;kind=(\w+))">([\d,]+)<', page
    )
    assert {(cause, kind): number(count) for _, cause, kind, count in found} == rows
    assert len(rows) == 3
    for address, cause, kind, _ in found:
        assert listed(root.get(html.unescape(address)).text) == rows[cause, kind]


def test_tasks(rig: Rig, root: Caller) -> None:
    """As many as there are of each state and of each priority."""
    by_state = counts(rig, "SELECT status, count(*) FROM tasks GROUP BY status")
    by_priority = counts(rig, "SELECT priority, count(*) FROM tasks GROUP BY priority")
    for (state,), count in by_state.items():
        assert listed(root.get(f"/admin/tasks?status={state}").text) == count
    for (priority,), count in by_priority.items():
        assert listed(root.get(f"/admin/tasks?priority={Priority(priority).queue}").text) == count


@pytest.mark.parametrize(
    ("path", "rows", "sql"),
    [
        ("/admin/users", r"<tr data-user=", "SELECT count(*) FROM users"),
        ("/admin/workers", r"<tr data-worker=", "SELECT count(*) FROM workers"),
        ("/admin/audit", r"<tr><th scope=\"row\"><time", "SELECT count(*) FROM audit_entries"),
        (
            "/admin/alerts",
            r'<li class="notice|<tr><th scope="row">',
            "SELECT count(*) FROM alerts",
        ),
    ],
)
def test_lists(rig: Rig, root: Caller, path: str, rows: str, sql: str) -> None:
    """A line for each there is."""
    there = counts(rig, sql)[()]
    assert there > 0
    assert len(re.findall(rows, root.get(path).text)) == there
