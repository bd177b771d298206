"""`python -m benchmarks.staging`: rehearse the take-over of a deployment, with real parts."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.staging.deployment import Size
from benchmarks.staging.rehearsal import Options, Rehearsal, run
from benchmarks.staging.world import Parts

REPORT = Path("var") / "staging"


def main() -> int:
    """Rehearse it; return 1 when a promise was broken, 2 when a program isn't installed."""
    parser = argparse.ArgumentParser(prog="benchmarks.staging", description=__doc__)
    databases = ("mariadb", "postgresql", "sqlite")
    parser.add_argument("--database", choices=databases, default="mariadb")
    parser.add_argument("--users", type=int, default=50, help="(%(default)s)")
    parser.add_argument("--tasks", type=int, default=5000, help="(%(default)s)")
    parser.add_argument("--browsers", type=int, default=2, help="users in Chromium (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="the short form, as in `make test`")
    parser.add_argument("--report", type=Path, default=REPORT, help="its folder (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the servers too
    if given.quick:
        options = Options.short(given.database)
    else:
        size = Size(users=given.users, tasks=given.tasks)
        options = Options(Parts(given.database), size, browsers=given.browsers)
    folder = Path(tempfile.mkdtemp(prefix="altwright-staging-"))
    try:
        made = run(options, folder, _say)
    except pytest.skip.Exception as missing:
        _say(str(missing))
        return 2
    except AssertionError as stuck:
        _say(f"\nBROKEN: a step didn't end as it should.\n{stuck}\nLogs: {folder}")
        return 1
    given.report.mkdir(parents=True, exist_ok=True)
    written = given.report / "report.html"
    written.write_text(made.page)
    (given.report / "report.json").write_text(json.dumps(_numbers(made), indent=2) + "\n")
    _say("")
    for name, value in made.verdict.counted.items():
        _say(f"{value:>8,}  {name}")
    for broken in made.verdict.broken:
        _say(f"BROKEN: {broken}")
    _say(f"\n{made.verdict}\n{written}")
    if given.keep or made.verdict.broken:
        _say(f"Logs: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if made.verdict.broken else 0


def _numbers(made: Rehearsal) -> dict[str, object]:
    return {**asdict(made.verdict), "events": [asdict(one) for one in made.timeline.events]}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
