"""What benchmarks that run on each database share: their options, and the loop over databases."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

KINDS = ("sqlite", "postgresql", "mariadb")


def worst_of(
    program: str,
    description: str | None,
    default: int,
    measure: Callable[[str, int], float],
) -> float:
    """Read the command line, and return the largest figure of the databases that are chosen.

    ``--count N`` says how often to measure; a server that isn't installed is named and left out.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--count", type=int, default=default, help="(%(default)s)")
    given = parser.parse_args()
    worst = 0.0
    for kind in given.database or KINDS:
        try:
            worst = max(worst, measure(kind, given.count))
        except pytest.skip.Exception as missing:
            say(f"{kind:<12}{missing}")
    return worst


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - a command
