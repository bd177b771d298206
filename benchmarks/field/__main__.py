"""`python -m benchmarks.field`: Altwright's workers beside those of the field, as real processes.

How many waiting jobs a second are done, by one process and by two, jobs that do nothing and jobs
that take 10 ms; how soon an idle worker begins; what it holds of memory. In turns, so that whatever
else the machine does meets all; medians count, and their ratios to RQ's SimpleWorker.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.databases import KINDS, say
from benchmarks.field.contestants import PEERS, contestants
from benchmarks.field.session import Contestant, Sizes, measured

ROUNDS, QUICK_ROUNDS = 5, 1
QUICK = Sizes(jobs=100, slow_jobs=20, large=2, pickups=10)
#: The name of what all are compared with.
BASE = "RQ SimpleWorker"
#: A contestant's pairs for each figure, round by round.
Pairs = dict[str, dict[str, list[list[tuple[float, float]]]]]


def played(those: list[Contestant], rounds: int, sizes: Sizes) -> Pairs:
    """Let all work in turns; one that fails is named, and left out from then on."""
    seen: Pairs = defaultdict(lambda: defaultdict(list))
    failed: set[str] = set()
    for number in range(rounds):
        for one in those if number % 2 else those[::-1]:
            if one.name in failed:
                continue
            try:
                found = measured(one, sizes)
            except RuntimeError as error:
                failed.add(one.name)
                say(f"round {number + 1}: {error}")
                continue
            for what, pairs in found.items():
                seen[what][one.name].append(pairs)
    return seen


def figures(seen: Pairs, those: list[Contestant]) -> dict[str, dict[str, dict[str, float]]]:
    """Return by figure and contestant the medians, their spread over rounds, and ratios."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for what, by_name in seen.items():
        names = [one.name for one in those if one.name in by_name]
        made = {name: _figure(what, by_name[name]) for name in names}
        key = next(iter(next(iter(made.values()))))
        base = made.get(BASE, {}).get(key)
        if base:
            for one in made.values():
                one["ratio"] = round(one[key] / base, 3)
        found[what] = made
    return found


def _figure(what: str, rounds: list[list[tuple[float, float]]]) -> dict[str, float]:
    """Return the figure of one contestant; what counts comes first."""
    firsts = [statistics.median(first for first, _ in pairs) for pairs in rounds]
    middle, least, most = statistics.median(firsts), min(firsts), max(firsts)
    every = [pair for pairs in rounds for pair in pairs]
    second = statistics.median(second for _, second in every)
    match what:
        case "memory":
            made = {"pss_mb": middle, "rss_mb": second}
        case "pickup":
            ordered = sorted(first for first, _ in every)
            p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
            made = {"p50_ms": statistics.median(ordered), "p99_ms": p99, "with_submit_ms": second}
        case _:
            made = {"per_s": middle, "cpu_ms": second}
    made |= {"least": least, "most": most}
    return {key: round(value, 3) for key, value in made.items()}


def main() -> int:
    """Measure, and print a table for each figure; `--json` writes them to a file, too."""
    parser = argparse.ArgumentParser(prog="benchmarks.field", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--only", action="append", help="contestants whose names have this in them")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="one round of few jobs: a try")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    peers = PEERS.exists()
    if not peers:
        say("The other queues aren't installed (`make bench` does it): RQ and Altwright alone.")
    with contestants(asked.database or list(KINDS), peers=peers) as everybody:
        those = [one for one in everybody if _wanted(one.name, asked.only)]
        rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
        found = figures(played(those, rounds, QUICK if asked.quick else Sizes()), those)
    for what, by_name in found.items():
        _print_table(what, by_name)
    if asked.json:
        set_up = {one.name: one.set_up for one in those}
        written = json.dumps({**found, "set_up": set_up}, indent=1, ensure_ascii=False)
        asked.json.write_text(written)
    return 0


def _wanted(name: str, only: list[str] | None) -> bool:
    return not only or any(part in name for part in only)


def _print_table(what: str, by_name: dict[str, dict[str, Any]]) -> None:
    keys = list(next(iter(by_name.values())))
    say(f"\n{what:<44}" + "".join(f"{key:>15}" for key in keys))
    for name, one in by_name.items():
        say(f"{name:<44}" + "".join(f"{one[key]:>15.2f}" for key in keys if key in one))


if __name__ == "__main__":
    sys.exit(main())
