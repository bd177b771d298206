"""What is promised of speed, beside what docs/benchmarks.json has seen."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_limits import RECOVERY_S

RESULT = Path(__file__).parent.parent / "docs" / "benchmarks.json"
DATABASES = ("SQLite", "PostgreSQL", "MariaDB")
SIMPLE, CELERY_2 = "RQ SimpleWorker", "Celery prefork, late ack, 2 processes"


class Results:
    """The figures of each benchmark, by name."""

    def __init__(self, text: str) -> None:
        """Take the file's text."""
        self.all: dict[str, Any] = json.loads(text)

    def of(self, benchmark: str, *keys: str) -> Any:
        """Return what stands under a benchmark's keys; None: it wasn't measured."""
        found = self.all["results"].get(benchmark, {}).get("figures")
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def ratio(self, benchmark: str, where: str, figure: str, over: str, under: str) -> Any:
        """Return one contestant's figure over another's."""
        above = self.of(benchmark, where, over, figure)
        below = self.of(benchmark, where, under, figure)
        return above / below if above is not None and below else None

    def rows(self, benchmark: str, *words: str) -> list[dict[str, Any]]:
        """Return the rows whose names have all the words in them, whatever their case."""
        found: dict[str, Any] = self.of(benchmark) or {}
        return [
            row for name, row in found.items() if all(one.lower() in name.lower() for one in words)
        ]


@dataclass(frozen=True, slots=True)
class Promise:
    """One figure that was promised."""

    what: str
    limit: float
    seen: Callable[[Results], float | None]
    benchmark: str
    unit: str = ""
    at_least: bool = False

    @property
    def promised(self) -> str:
        """Return the limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {shown(self.limit, self.unit)}"

    def verdict(self, results: Results) -> tuple[str, str]:
        """Return what was seen, and whether that is enough."""
        seen = self.seen(results)
        if seen is None:
            return "-", "not measured"
        reached = seen >= self.limit if self.at_least else seen <= self.limit
        return shown(seen, self.unit), "reached" if reached else "**not reached**"


def shown(value: float, unit: str) -> str:
    """Return a figure with its unit, three digits of it."""
    if unit == "%":
        return f"{100 * value:.0f} %"
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
    return f"{number} {unit}".rstrip()


def worst(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Return the largest of a figure."""
    return max((row[figure] for row in rows if row.get(figure) is not None), default=None)


def least(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Return the smallest of a figure."""
    return min((row[figure] for row in rows if row.get(figure) is not None), default=None)


def _workers() -> Iterator[Promise]:
    for database, limit in (("SQLite", 2.0), ("PostgreSQL", 1.2)):
        yield Promise(
            f"tasks of one item on {database}, over jobs of RQ's SimpleWorker",
            limit,
            lambda r, us=f"Altwright, {database}": r.ratio("field", "drain", "per_s", us, SIMPLE),
            "field",
            "times",
            at_least=True,
        )
    yield Promise(
        "tasks of one item on PostgreSQL, over jobs of Procrastinate there",
        1.5,
        lambda r: r.ratio("field", "drain", "per_s", "Altwright, PostgreSQL", "Procrastinate"),
        "field",
        "times",
        at_least=True,
    )
    for database in DATABASES:
        yield Promise(
            f"two processes on {database}, over two of Celery with late acknowledging",
            1.0,
            lambda r, us=f"Altwright, {database}, 2 processes": r.ratio(
                "field", "drain", "per_s", us, CELERY_2
            ),
            "field",
            "times",
            at_least=True,
        )
    for database, limit in (("SQLite", 1.0), ("PostgreSQL", 1.5)):
        yield Promise(
            f"processor time of an item on {database}",
            limit,
            lambda r, us=f"Altwright, {database}": r.of("field", "items", us, "cpu_ms"),
            "field",
            "ms",
        )


def _pickup() -> Iterator[Promise]:
    for database in DATABASES:
        yield Promise(
            f"an idle worker begins, on {database}, over RQ's SimpleWorker (medians)",
            1.5,
            lambda r, us=f"Altwright, {database}": r.ratio("field", "pickup", "p50_ms", us, SIMPLE),
            "field",
            "times",
        )
    for words, limit in ((", one process", 20.0), ("", 100.0)):
        for database in DATABASES:
            yield Promise(
                f"without Redis an idle worker of {'the same' if words else 'another'} process "
                f"begins, on {database} (median)",
                limit,
                lambda r, us=f"Altwright, {database}, without Redis{words}": r.of(
                    "field", "pickup", us, "p50_ms"
                ),
                "field",
                "ms",
            )


def _submits() -> Iterator[Promise]:
    for database, limit in (("SQLite", 1.5), ("PostgreSQL", 2.0), ("MariaDB", 2.0)):
        for name, words in (("Redis up", ""), ("Redis down", " without Redis")):
            yield Promise(
                f"`POST /api/v1/tasks` on {database}{words}, over bare Flask and RQ (means)",
                limit,
                lambda r, us=f"{database}, {name}": r.of("submits", us, "ratio"),
                "submits",
                "times",
            )
    for where, words in (("", "50 a second"), (" on the server,", "50 a second, on the server")):
        for name, figure in (("mean", "mean_ms"), ("99th percentile", "p99_ms")):
            yield Promise(
                f"`POST /api/v1/tasks` at 50 a second,{where} {name}",
                10.0,
                lambda r, words=words, figure=figure: worst(r.rows("submits", words), figure),
                "submits",
                "ms",
            )


def _whole_job() -> Iterator[Promise]:
    for what, words, limit in (
        ("pictures a minute, over the model server's best", "server", 0.95),
        ("pictures a minute, over the offline describer's bare speed", "offline", 0.9),
    ):
        yield Promise(
            what,
            limit,
            lambda r, words=words: least(r.rows("whole_job", words), "share"),
            "whole_job",
            "%",
            at_least=True,
        )


def _memory() -> Iterator[Promise]:
    for what, words, limit in (
        ("a worker process without a model of its own", "worker, model server, 1", 150.0),
        ("any worker process", "worker", 500.0),
    ):
        yield Promise(
            f"most memory (RSS) of {what} that describes an account",
            limit,
            lambda r, words=words: worst(r.rows("memory", words), "peak_mb"),
            "memory",
            "MB",
        )


def _recovery() -> Iterator[Promise]:
    for name, limit in RECOVERY_S.items():
        yield Promise(
            f"{name} (median)",
            limit,
            lambda r, name=name: r.of("recovery", name, "median_s"),
            "recovery",
            "s",
        )


def _review() -> Iterator[Promise]:
    for what, limit, figure, unit in (
        ("from a key to the next picture and text (median)", 100, "move_median_ms", "ms"),
        ("approval of all sure ones", 2_000, "approve_ms", "ms"),
        ("requests of that approval", 3, "approve_requests", ""),
        ("until the list of what will be published is there", 1_000, "list_ms", "ms"),
    ):
        yield Promise(
            f"in Review, {what}, beside 10,000 drafts in Chromium",
            limit,
            lambda r, figure=figure: r.of("review", figure),
            "review",
            unit,
        )


def _administration() -> Iterator[Promise]:
    for database in DATABASES[:2]:
        yield Promise(
            f"administrators' slowest page beside 1,000,000 finished tasks, on {database} (median)",
            200.0,
            lambda r, database=database: worst(
                list((r.of("admin_pages", "pages", database) or {}).values()), "median_ms"
            ),
            "admin_pages",
            "ms",
        )
    for database in DATABASES:
        yield Promise(
            f"submits and claims while pages are asked and statistics written, on {database}",
            1.2,
            lambda r, database=database: max(
                (
                    value
                    for name, value in (r.of("admin_pages", "beside", database) or {}).items()
                    if name.endswith("_ratio")
                ),
                default=None,
            ),
            "admin_pages",
            "times",
        )


PROMISES = (
    *_workers(),
    *_pickup(),
    *_submits(),
    *_whole_job(),
    *_memory(),
    *_administration(),
    *_review(),
    *_recovery(),
)


def main() -> None:
    """Print all; the file may be named."""
    results = Results(Path(sys.argv[1] if len(sys.argv) > 1 else RESULT).read_text())
    for one in PROMISES:
        seen, verdict = one.verdict(results)
        print(f"{one.what:<88} {one.promised:>16} {seen:>10}  {verdict}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
