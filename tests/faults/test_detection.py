"""A running service misses its Redis and finds it again; `make bench` measures how soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.recovery import outage


@pytest.mark.req("1.4", "no request fails")
@pytest.mark.req("6.4", "noticed and replaced")
@pytest.mark.req("6.4", "the submit that meets it")
@pytest.mark.req("6.5", "back to RQ")
def test_redis_is_missed_and_used_again(tmp_path: Path) -> None:
    """After a kill -9 every worker says so; after a start all use it. No submit fails.

    The one that meets the fault is accepted like those that follow, and all are worked on.
    """
    assert outage(tmp_path / "outage").deliveries == {
        "before": "rq",
        "during": "database",
        "later": "database",
        "after": "rq",
    }
