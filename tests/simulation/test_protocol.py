"""The protocol under thousands of orders of events: what was promised holds in each.

ALTWRIGHT_SEEDS says how many; a failing seed prints the command that replays it.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest
from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import arena, first_violation
from tests.simulation.scenario import run_seed

SEEDS = int(os.environ.get("ALTWRIGHT_SEEDS", "1000"))
#: Seeds given to one process at a time, and the number from which several share the work.
CHUNK = 200


@pytest.mark.req("3.3")
@pytest.mark.req("3.5")
@pytest.mark.req("4.6")
@pytest.mark.req("6.5")
def test_every_promise_holds_in_every_order() -> None:
    """Every task ends once, every item has its effect once, nobody has two tasks or none."""
    chunks = [range(first, min(first + CHUNK, SEEDS)) for first in range(0, SEEDS, CHUNK)]
    if len(chunks) == 1:
        found = [first_violation(chunks[0])]
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=spawn) as pool:
            found = list(pool.map(first_violation, chunks))
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_in_the_protocol_is_noticed(mutation: str) -> None:
    """The simulation bites: each fault put in on purpose breaks a promise within few seeds."""
    found = first_violation(range(200), mutation)
    assert found is not None
    assert f"python -m tests.simulation.run {found.split(':')[0].split()[1]} {mutation}" in found


def test_a_seed_replays() -> None:
    """The same seed gives the same events, step by step."""
    with arena() as (database, file):
        first, second = (run_seed(4, database, file, traced=True).trace for _ in range(2))
    assert first
    assert first == second
