"""Everything broken at once, for 20 s: the short version of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.chaos.plan import Fault, lanes
from benchmarks.chaos.run import Options, run
from tests import leaks

MINUTES = 20 / 60


@pytest.mark.req("3.3", "loses no task")
@pytest.mark.req("3.3", "starts none twice")
@pytest.mark.req("3.5", "never two workers at a time")
@pytest.mark.req("4.5", "the same one-per-user rule")
@pytest.mark.req("4.6", "Redis down or flushed")
@pytest.mark.req("6.3", "goes on from the last item")
@pytest.mark.req("6.5", "back empty")
def test_nothing_is_lost_or_doubled_whatever_dies(tmp_path: Path) -> None:
    """Each accepted task ends once, each item has one effect, and nobody is locked out.

    Meanwhile Redis, the network, the database, workers and Gunicorn are killed, frozen, cut off,
    filled up and flushed.
    """
    options = Options(database="postgresql", tasks=150, users=40, minutes=MINUTES, seed=7)
    with leaks.nothing_stays():
        report = run(options, tmp_path, print)
    shown = "\n".join(report.lines())
    assert report.broken == [], f"{shown}\n{(tmp_path / 'service.log').read_text()[-20_000:]}"
    planned = {fault for lane in lanes("postgresql") for fault in lane.faults}
    assert planned <= {Fault(name) for name in report.injected if name in set(Fault)}
    assert report.accepted >= 150
    assert report.items == 5 * report.accepted
