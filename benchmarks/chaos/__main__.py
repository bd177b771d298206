"""`python -m benchmarks.chaos`: break everything for a minute, and count what was lost."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.chaos.run import Options, run


def main() -> int:
    """Run it; return 1 when a promise was broken, 2 when a server isn't installed."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    databases = ("postgresql", "sqlite", "mariadb")
    parser.add_argument("--database", choices=databases, default="postgresql")
    parser.add_argument("--tasks", type=int, default=2000, help="at least so many (%(default)s)")
    parser.add_argument("--users", type=int, default=200, help="(%(default)s)")
    parser.add_argument("--minutes", type=float, default=1.0, help="of injection (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="replays a schedule (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    parser.add_argument("--keep", action="store_true", help="keep the service's log")
    parser.add_argument("--quiet", action="store_true", help="print the report only")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # lost connections are what is wanted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the servers too
    options = Options(given.database, given.tasks, given.users, given.minutes, given.seed)
    folder = Path(tempfile.mkdtemp(prefix="altwright-chaos-"))
    try:
        report = run(options, folder, (lambda _: None) if given.quiet else _say)
    except pytest.skip.Exception as missing:
        _say(str(missing))
        return 2
    _say("\n".join(["", *report.lines()]))
    if given.json is not None:
        given.json.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    if given.keep or report.broken:
        _say(f"The service's log and its database, if it was SQLite: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if report.broken else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
