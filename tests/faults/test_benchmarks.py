"""Each benchmark of workers runs, with as little as it can: what it measures isn't looked at."""

from __future__ import annotations

import gc

from benchmarks import admin_pages
from benchmarks.__main__ import machine, measured
from benchmarks.backlog import run
from benchmarks.field.__main__ import figures, played
from benchmarks.field.contestants import contestants
from benchmarks.field.session import Sizes

LEAST = Sizes(jobs=2, slow_jobs=2, large=1, pickups=2)
#: Those that differ in how they are run; the other databases' go the same way.
RUN = {
    "RQ SimpleWorker",
    "Altwright, SQLite",
    "Altwright, SQLite, 2 processes",
    "Altwright, SQLite, without Redis, one process",
}


def test_workers_are_compared() -> None:
    """Real workers come, do what was ordered, are measured, and end."""
    with contestants(["sqlite"], peers=False) as everybody:
        those = [one for one in everybody if one.name in RUN]
        found = figures(played(those, 1, LEAST), those)
    assert {what: set(by_name) for what, by_name in found.items()} == {
        "memory": {"RQ SimpleWorker", "Altwright, SQLite", "Altwright, SQLite, 2 processes"},
        "drain": {"RQ SimpleWorker", "Altwright, SQLite", "Altwright, SQLite, 2 processes"},
        "work": {"RQ SimpleWorker", "Altwright, SQLite", "Altwright, SQLite, 2 processes"},
        "pickup": RUN - {"Altwright, SQLite, 2 processes"},
        "items": {"Altwright, SQLite"},
    }


def test_backlogs_are_compared() -> None:
    """Submits and claims are measured behind each backlog."""
    found = run("sqlite", (10, 20), 2)
    assert set(found) == {"10", "20"}
    assert set(found["20"]) == {"submit_ms", "claim_ms", "claims_per_s", "ratio"}


def test_administrators_pages_are_compared() -> None:
    """Every page is asked, and submits and claims are measured beside pages and without."""
    sizes = admin_pages.Sizes(100, 20, asked=1, turns=1, turn_s=0.1, days=1)
    gc.freeze()  # before each page it lets rubbish be collected, and needn't look at 5,000 tests
    try:
        pages, beside = admin_pages.run("sqlite", sizes)
    finally:
        gc.unfreeze()
    assert pages.keys() == admin_pages.pages().keys()
    assert beside.keys() >= {"submit_ratio", "claim_ratio"}


def test_the_engine_alone_is_compared() -> None:
    """A benchmark's figures are taken with the command that led to them."""
    found = measured("drain", ["sqlite", "--tasks", "2", "--rounds", "1"])
    assert found is not None
    assert found["figures"]["sqlite, one item"].keys() == {"per_s", "least", "most", "cpu_ms"}
    assert found["command"] == "python -m benchmarks.drain sqlite --tasks 2 --rounds 1"


def test_the_machine_is_named() -> None:
    """What figures were measured with stands beside them, also where other queues aren't."""
    found = machine()
    assert found["processors"]
    assert found["versions"].keys() >= {"Python", "rq", "SQLAlchemy", "valkey"}
