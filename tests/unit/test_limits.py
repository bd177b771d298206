"""Concurrency per priority: a table of who may begin."""

from __future__ import annotations

import pytest

from altwright.domain.limits import Limits
from altwright.domain.task import Priority

URGENT, HIGH, NORMAL, LOW = Priority
LOW_TWO = Limits(most={LOW: 2})
URGENT_KEPT = Limits(kept={URGENT: 1})


@pytest.mark.req("8.5", "per priority")
@pytest.mark.parametrize(
    ("limits", "running", "workers", "full"),
    [
        (Limits(), {LOW: 50}, 1, set()),
        (LOW_TWO, {LOW: 1, NORMAL: 9}, 0, set()),
        (LOW_TWO, {LOW: 2}, 0, {LOW}),
        (Limits(most={LOW: 0}), {}, 3, {LOW}),
        (URGENT_KEPT, {NORMAL: 2}, 4, set()),
        (URGENT_KEPT, {NORMAL: 2, LOW: 1}, 4, {HIGH, NORMAL, LOW}),
        # An urgent task runs in the kept place; the others may fill the rest.
        (URGENT_KEPT, {URGENT: 1, LOW: 2}, 4, set()),
        # A single worker is for everybody; so is the last one.
        (URGENT_KEPT, {}, 1, set()),
        (Limits(kept={URGENT: 9}), {}, 4, set()),
        (Limits(kept={URGENT: 9}), {LOW: 1}, 4, {HIGH, NORMAL, LOW}),
        (Limits(kept={URGENT: 1, HIGH: 1}), {LOW: 2}, 4, {NORMAL, LOW}),
        (Limits(kept={URGENT: 1, HIGH: 1}), {LOW: 2, HIGH: 1}, 4, {HIGH, NORMAL, LOW}),
    ],
)
def test_who_may_begin(
    limits: Limits, running: dict[Priority, int], workers: int, full: set[Priority]
) -> None:
    """Limits count what runs; kept workers are left by everybody else."""
    assert limits.full(running, workers) == full


def test_limits_survive_their_json() -> None:
    """What is kept in the database reads back the same; what can't be read limits nothing."""
    limits = Limits(most={LOW: 2}, kept={URGENT: 1})
    assert Limits.from_json(limits.to_json()) == limits
    assert not Limits.from_json({"most": {"low": "many"}, "kept": None})


def test_limits_in_words() -> None:
    """As the audit log has them: what isn't limited is left out."""
    limits = Limits({Priority.LOW: 1, Priority.URGENT: 4}, {Priority.URGENT: 2})
    assert limits.words() == "urgent: 4 at a time, 2 kept free; low: 1 at a time"
    assert Limits().words() == "none"
