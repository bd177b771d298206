"""`python -m benchmarks.memory`: what a worker process holds after it has described an account.

`altwright worker --count 1` on SQLite, once with a model server and once with the offline
describer, whose model lives in a process of its own. Read from /proc while the worker is still
there: PSS and RSS at the end, and the most that it held at any time, while pictures were prepared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.support_leaves import serving
from tests.support_pretend import MODEL
from tests.support_service import tree

from benchmarks.databases import say
from benchmarks.processes import memory_mb, peak_mb
from benchmarks.whole_job import TimedModel, photographs, whole_job

#: Pictures of a run, and seconds that the model server takes for each.
PICTURES, TAKES_S = 120, 0.05
#: Pictures at a time: as it comes, and what a large model server is asked for.
PARALLEL = (1, 8)

Row = dict[str, float]


def row(pid: int) -> Row:
    """Return what a process holds, in MB."""
    pss, rss = memory_mb(pid)
    named = {"pss_mb": pss, "rss_mb": rss, "peak_mb": peak_mb(pid)}
    return {name: round(value, 1) for name, value in named.items()}


def without_model(pictures: list[bytes], count: int, parallel: int) -> Row:
    """Return what a worker holds whose model is on a server."""
    found: list[Row] = []
    model = TimedModel(TAKES_S, parallel)
    with serving(model) as server:
        model.server = server
        whole_job(
            pictures,
            count,
            lambda pid: found.append(row(pid)),
            DESCRIBER="ollama",
            DESCRIBER_PARALLEL=str(parallel),
            OLLAMA_URL=server.url,
            OLLAMA_MODEL=MODEL,
        )
    return found[0]


def with_model(pictures: list[bytes], count: int) -> tuple[Row, Row]:
    """Return what a worker holds with the offline describer, and what that one does."""
    found: list[Row] = []

    def look(pid: int) -> None:
        below = max(tree(pid) - {pid}, key=peak_mb)
        found.extend((row(pid), row(below)))

    whole_job(pictures, count, look, DESCRIBER="offline")
    return found[0], found[1]


def main() -> None:
    """Measure, print a table, and write the figures where they are wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try, of few pictures")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    given = parser.parse_args()
    pictures = photographs()
    count = PICTURES // 8 if given.quick else PICTURES
    found = {
        f"worker, model server, {parallel} at a time": without_model(pictures, count, parallel)
        for parallel in PARALLEL
    }
    found["worker, offline describer"], found["offline describer"] = with_model(pictures, count)
    say(f"{'MB':<44}{'PSS':>8}{'RSS':>8}{'most':>8}")
    for name, its in found.items():
        say(f"{name:<44}" + "".join(f"{value:>8.1f}" for value in its.values()))
    if given.json:
        given.json.write_text(f"{json.dumps(found, indent=1)}\n")


if __name__ == "__main__":
    main()
