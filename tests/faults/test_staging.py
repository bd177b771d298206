"""The short form of `make staging`: a deployment is taken over, broken, rolled and given back."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.staging.rehearsal import Options, run
from tests import leaks


@pytest.mark.req("4.1", "by one command")
@pytest.mark.req("10.4", "whether it is safe")
@pytest.mark.req("10.5", "back to database-only")
def test_a_rehearsal_loses_nothing_does_nothing_twice_and_fails_no_request(tmp_path: Path) -> None:
    """Two web hosts behind nginx, workers with a login of their own, old workers, and users.

    Nothing is lost and nothing done twice while tasks move to RQ and back, processes and Redis are
    killed, and a version is rolled; no request fails; all that was there goes back at the end.
    """
    with leaks.nothing_stays():
        made = run(Options.short("mariadb"), tmp_path, print)
    assert made.verdict.broken == []
    assert str(made.verdict) == "Nothing lost, nothing twice, no request failed."
    assert made.verdict.counted["of these, done here"] > 0
    assert made.verdict.counted["texts published by users"] > 0
    for event in made.timeline.events:
        assert event.name in made.page
