"""Statistics over time: each number is what an independent count of the tasks' rows says."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from statistics import median

import pytest
from sqlalchemy import select
from tests.support_engine import ANNA, BERT, ROOT, Rig, at_once, touch
from tests.support_house import House, slow_statements

from altwright.db.session import utcnow
from altwright.db.task_tables import StatisticsRow, TaskRow
from altwright.domain.bucket import ENDS, KEPT, Bucket, Span
from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.store.statistics import HOUR_S
from altwright.tasks.store.time_series import SETTLED, Series

pytestmark = pytest.mark.every_database

MINUTE = timedelta(minutes=1)
#: (minutes ago, seconds until the start, seconds of work, how it ended, priority)
PAST = [
    (150, 1.0, 5.0, Status.COMPLETED, "urgent"),
    (149, 40.0, 90.0, Status.COMPLETED, "normal"),
    (149, 2.0, 8.0, Status.FAILED, "normal"),
    (70, 0.2, 0.4, Status.CANCELLED, "low"),
    (5, 300.0, 1200.0, Status.COMPLETED, "high"),
    (5, 3.0, 6.0, Status.COMPLETED, "normal"),
    (5, 4.0, 7.0, Status.COMPLETED, "normal"),
]


def make_past(rig: Rig) -> None:
    """Let tasks end as PAST says."""
    rig.kind.exclusive = False
    at = utcnow()
    for minutes, waited_s, took_s, status, priority in PAST:
        task = rig.submit(ROOT, priority=priority)
        if status is Status.CANCELLED:
            rig.queue.cancel(task.id, by=ROOT)
        else:
            taken = rig.take()
            if status is Status.FAILED:
                rig.claims.fail(taken, Category.FAULT, "No.")
            else:
                rig.claims.complete(taken, "")
        ended = at - timedelta(minutes=minutes)
        started = ended - timedelta(seconds=took_s)
        created = started - timedelta(seconds=waited_s)
        touch(rig.database, task.id, created_at=created, started_at=started, finished_at=ended)


def record(house: House) -> int:
    """Record until nothing is left to; return how many minutes were written."""
    total = 0
    while count := house.recorder.record():
        total += count
    return total


def ends_of(buckets: dict[datetime, Bucket]) -> Counter[tuple[Priority, Status]]:
    """Return how many tasks ended by priority and state."""
    found: Counter[tuple[Priority, Status]] = Counter()
    for bucket in buckets.values():
        for priority, part in bucket.priorities.items():
            found.update({(priority, status): part.ended[status] for status in ENDS})
    return +found


def counted(rig: Rig, since: datetime, until: datetime) -> Counter[tuple[Priority, Status]]:
    """Count the rows themselves, one by one."""
    found: Counter[tuple[Priority, Status]] = Counter()
    with rig.database.read() as session:
        for row in session.scalars(select(TaskRow)):
            if row.finished_at is not None and since <= row.finished_at < until:
                found[Priority(row.priority), Status(row.status)] += 1
    return found


def test_what_ended_is_counted_in_each_span(rig: Rig) -> None:
    """Minutes, hours, days and all time have what the rows have, gaps of the leader included."""
    make_past(rig)
    house, series = House(rig), Series(rig.database)
    assert record(house) >= 4
    until = series.counted_until()
    for span in (Span.MINUTE, Span.HOUR, Span.DAY):
        buckets = series.since(span, until - timedelta(days=2))
        assert ends_of(buckets) == counted(rig, until - timedelta(days=2), until)
        for begin, bucket in buckets.items():
            assert span.begin_of(begin) == begin
            if span is Span.MINUTE:
                assert ends_of({begin: bucket}) == counted(rig, begin, begin + MINUTE)
    assert ends_of({until: series.ever()}) == counted(rig, until - timedelta(days=2), until)
    assert record(house) == (series.counted_until() - until) // MINUTE  # none, or what is new


def test_times_are_the_rows_times(rig: Rig) -> None:
    """Median and 95th percentile are as exact as the bounds: 19 %."""
    make_past(rig)
    record(House(rig))
    normal = Series(rig.database).ever().priorities[Priority.NORMAL]
    waited = sorted(one[1] for one in PAST if one[4] == "normal")
    took = sorted(one[2] for one in PAST if one[4] == "normal")
    assert normal.waited.count == len(waited)
    assert normal.waited.total_s == pytest.approx(sum(waited), abs=0.01)
    assert normal.took.quantile_s(0.5) == pytest.approx(sorted(took)[1], rel=0.19)
    assert normal.waited.quantile_s(0.95) == pytest.approx(waited[-1], rel=0.19)
    assert median(took) > 7
    low = Series(rig.database).ever().priorities[Priority.LOW]
    assert (low.waited.count, low.took.count) == (1, 0)  # cancelled: its time says nothing


def test_only_what_was_looked_at_has_gauges(rig: Rig) -> None:
    """A leader that was away leaves a gap in what only a look can tell."""
    make_past(rig)
    rig.submit(ANNA)
    rig.submit(BERT, priority="low")
    rig.take()
    rig.roster.seen(["a", "b"], kind="integrated", host="here", pid=1)
    rig.lose_redis()
    house, series = House(rig), Series(rig.database)
    house.recorder.record()
    buckets = list(series.since(Span.MINUTE, utcnow() - timedelta(hours=4)).values())
    assert [bucket.looks for bucket in buckets] == [0] * (len(buckets) - 1) + [1]
    last = buckets[-1]
    assert (last.workers, last.without_redis) == (2, 1)
    assert (last.priorities[Priority.NORMAL].running, last.priorities[Priority.LOW].waiting) == (
        1,
        1,
    )


def test_of_two_leaders_one_counts(rig: Rig) -> None:
    """Two that take themselves for the leader write each minute once."""
    make_past(rig)
    series = Series(rig.database)
    # The minute may have turned since.
    minute = Span.MINUTE.begin_of(utcnow() - timedelta(minutes=6))
    bucket = series.ended(minute, minute + 2 * MINUTE)
    assert sorted(at_once(4, lambda _: series.add(minute, bucket))) == [False] * 3 + [True]
    assert ends_of({minute: series.ever()}) == ends_of({minute: bucket})
    assert sum(ends_of({minute: bucket}).values()) == 3


def test_a_minute_is_counted_when_it_has_settled(rig: Rig) -> None:
    """What ends now is in no minute yet; one that is over by SETTLED is."""
    series = Series(rig.database)
    noon = utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
    assert list(series.unsettled(noon + MINUTE + SETTLED)) == [noon]
    assert series.add(noon, Bucket())
    assert list(series.unsettled(noon + 2 * MINUTE + SETTLED - MINUTE / 60)) == []
    assert list(series.unsettled(noon + 3 * MINUTE + SETTLED)) == [noon + 2 * MINUTE]


def test_what_is_old_goes(rig: Rig) -> None:
    """The table doesn't grow: each span is kept so long."""
    series = Series(rig.database)
    noon = utcnow().replace(minute=0, second=0, microsecond=0)
    for age in (KEPT[Span.DAY], KEPT[Span.HOUR], KEPT[Span.MINUTE], timedelta()):
        assert series.add(noon - age - 2 * timedelta(days=1) * bool(age), Bucket())
    with rig.database.read() as session:
        spans = Counter(session.scalars(select(StatisticsRow.span)))
    assert (spans[Span.MINUTE], spans[Span.HOUR], spans[Span.EVER]) == (1, 2, 1)
    assert spans[Span.DAY] == 3


@pytest.mark.req("9.5", "tasks before statistics")
def test_statistics_give_way_to_tasks_under_load(rig: Rig) -> None:
    """While tasks keep the database busy, alerts and statistics take a tenth of its time at most.

    A statement takes two seconds of a clock that nothing else drives.
    """
    house, own_s, tasks, began = House(rig), 0.0, 0, rig.at
    rig.kind.exclusive = False
    with slow_statements(rig, 2.0):
        while rig.at - began < HOUR_S:
            rig.submit(priority="normal")
            rig.claims.complete(rig.take(), "")
            tasks += 1
            before = rig.at
            house.monitor.look()
            house.recorder.tick()
            own_s += rig.at - before
    assert 0 < own_s <= (rig.at - began) / 10
    assert tasks > HOUR_S / 100
