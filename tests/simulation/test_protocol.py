"""The protocol under thousands of orders of events: what was promised holds in each.

A failing seed prints the command that replays it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import arena, first_violation
from tests.simulation.scenario import run_seed

#: Seeds of `make test`, of `make prove`, and of one test of either.
SEEDS, MANY_SEEDS = 400, 10_000
CHUNK, LARGE_CHUNK = 50, 500


def chunks() -> Iterator[object]:
    """Yield the seeds, a test's worth at a time."""
    for first in range(0, SEEDS, CHUNK):
        yield pytest.param(range(first, first + CHUNK), id=f"{first}")
    for first in range(SEEDS, MANY_SEEDS, LARGE_CHUNK):
        seeds = range(first, min(first + LARGE_CHUNK, MANY_SEEDS))
        yield pytest.param(seeds, id=f"{first}", marks=pytest.mark.slow_proof)


@pytest.mark.req("3.5", "never two workers at a time")
@pytest.mark.req("4.3", "one active task per user")
@pytest.mark.parametrize("seeds", list(chunks()))
def test_every_promise_holds_in_every_order(seeds: range) -> None:
    """Every task ends once, every item has its effect once, nobody has two tasks or none."""
    assert first_violation(seeds) is None


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_in_the_protocol_is_noticed(mutation: str) -> None:
    """The simulation bites: each fault put in on purpose breaks a promise within few seeds."""
    found = first_violation(range(CHUNK * 4), mutation)
    assert found is not None
    assert f"python -m tests.simulation.run {found.split(':')[0].split()[1]} {mutation}" in found


def test_a_seed_replays() -> None:
    """The same seed gives the same events, step by step."""
    with arena() as (database, file):
        first, second = (run_seed(4, database, file, traced=True).trace for _ in range(2))
    assert first
    assert first == second
