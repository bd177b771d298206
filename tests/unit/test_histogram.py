"""Durations between fixed bounds, stretches, periods: exact as promised, however put together."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.domain.bucket import LENGTH, Bucket, Ended, Span
from altwright.domain.histogram import LAST, LEAST_S, STEPS, Histogram, bound_s
from altwright.domain.period import Period, timeline
from altwright.domain.task import Delivery, Priority, Status

DURATIONS = st.lists(st.floats(LEAST_S, bound_s(LAST)), min_size=1, max_size=60)
NOON = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)


def filled(durations: list[float]) -> Histogram:
    """Count durations."""
    made = Histogram()
    for one in durations:
        made.add(one)
    return made


@given(DURATIONS, st.sampled_from([0.01, 0.5, 0.95, 1.0]))
def test_a_quantile_is_as_exact_as_its_bounds(durations: list[float], share: float) -> None:
    """At most 19 % off the duration that has this rank."""
    true = sorted(durations)[math.ceil(share * len(durations)) - 1]
    found = filled(durations).quantile_s(share)
    assert found is not None
    assert abs(math.log2(found / true)) <= 1 / STEPS + 1e-9


@given(DURATIONS, DURATIONS)
def test_two_are_one(first: list[float], second: list[float]) -> None:
    """Put together, through JSON too, they are what all durations at once make."""
    both = Histogram.from_json(filled(first).to_json())
    both.merge(filled(second))
    all_at_once = filled([*first, *second])
    assert both.counts == all_at_once.counts
    assert both.count == len(first) + len(second)
    assert both.total_s == pytest.approx(sum([*first, *second]), abs=0.01)
    below = [both.up_to(index) for index in range(LAST + 1)]
    assert below == sorted(below)
    assert below[-1] == both.count


def test_the_ends_of_the_scale() -> None:
    """Nothing, next to nothing, a clock that was set back, and more than is foreseen."""
    assert Histogram().quantile_s(0.5) is None
    assert Histogram().to_json() == {}
    assert filled([0.0, -5.0, LEAST_S]).counts == {0: 3}
    assert filled([0.001]).quantile_s(0.5) == LEAST_S
    assert filled([10 * bound_s(LAST)]).counts == {LAST: 1}
    assert filled([LEAST_S * 1.01]).counts == {1: 1}


def test_a_stretch_survives_being_kept() -> None:
    """JSON and back is the same; what a newer version wrote is left out, and so is what is zero."""
    bucket = Bucket()
    assert bucket.to_json() == {}
    bucket.count(Ended(Priority.LOW, Status.FAILED, 3.0, 5.0))
    bucket.count(Ended(Priority.LOW, Status.CANCELLED, None, None))
    bucket.look(Priority.LOW, waiting=3, running=1, oldest_waiting_s=9.5)
    bucket.look_around(workers=2, delivery=Delivery.DATABASE, redis_bytes=7)
    kept = bucket.to_json()
    assert (
        Bucket.from_json({**kept, "newer": 1, "low": {**kept["low"], "newer": 1}}).to_json() == kept
    )
    total = Bucket.from_json(kept)
    total.merge(bucket)
    low = total.priorities[Priority.LOW]
    assert (low.ended[Status.FAILED], low.waiting, low.oldest_waiting_s) == (2, 6, 9.5)
    assert (total.looks, total.workers, total.without_redis, total.redis_bytes) == (2, 4, 2, 7)
    assert low.took.count == 2


@pytest.mark.parametrize("period", sorted(Period))
def test_a_period_is_whole(period: Period) -> None:
    """Its points touch each other, end with the one that goes on, and have means, or gaps."""
    begin, length = period.begin_of(NOON), LENGTH[period.span]
    seen = Bucket()
    for waiting in (2, 4):
        seen.look(Priority.HIGH, waiting=waiting, running=1, oldest_waiting_s=waiting)
        seen.look_around(workers=3, delivery=Delivery.RQ, redis_bytes=waiting)
    seen.count(Ended(Priority.HIGH, Status.COMPLETED, 1.0, 2.0))
    shown = timeline(period, NOON, {begin: seen, begin - length: seen})
    points = shown["points"]
    instants = [datetime.fromisoformat(point["at"]) for point in points]
    assert instants == [begin + number * length for number in range(period.points)]
    assert instants[-1] <= NOON < instants[-1] + length
    assert shown["all"]["completed"] == 1, "what began before the period isn't in it"
    assert (points[0]["waiting"]["high"], points[0]["running"], points[0]["workers"]) == (3, 1, 3)
    assert (points[0]["without_redis"], points[0]["redis_bytes"]) == (0, 4)
    assert (points[1]["waiting"]["high"], points[1]["workers"], points[1]["success_rate"]) == (
        None,
        None,
        None,
    )


def test_stretches_begin_where_clocks_do() -> None:
    """At full minutes and hours, and at UTC's midnight."""
    begins = [span.begin_of(NOON) for span in (Span.MINUTE, Span.HOUR, Span.DAY)]
    assert begins == [
        datetime(2026, 3, 29, 12, 34, tzinfo=UTC),
        datetime(2026, 3, 29, 12, tzinfo=UTC),
        datetime(2026, 3, 29, tzinfo=UTC),
    ]
    assert Span.EVER.begin_of(NOON) == Span.EVER.begin_of(NOON - timedelta(days=10_000))
