"""The page on speed and its charts, made of docs/benchmarks.json: part of `make docs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmark_charts import Bar, chart
from benchmark_promises import PROMISES, RESULT, Results, shown

PAGE, CHARTS = "explanation/benchmarks.md", "explanation/benchmarks"


def _is_two(name: str) -> bool:
    return name.endswith(", 2 processes")


def _is_one(name: str) -> bool:
    return not _is_two(name)


def _is_without_redis(name: str) -> bool:
    return "without Redis" in name


def _has_redis(name: str) -> bool:
    return not _is_without_redis(name)


class Comparison(NamedTuple):
    """A figure of some contestants: a section with a chart and a table."""

    heading: str
    text: str
    measured: str
    key: str
    unit: str
    #: Whether a contestant belongs here, by its name.
    takes: Callable[[str], bool]
    #: Whether less is better.
    least: bool = False


COMPARISONS = (
    Comparison(
        "Waiting jobs, one process",
        "Jobs (of Altwright: tasks of one item) that do nothing, 300 of which wait.",
        "drain",
        "per_s",
        "a second",
        _is_one,
    ),
    Comparison(
        "Waiting jobs, two processes",
        "The same, by two processes on one queue.",
        "drain",
        "per_s",
        "a second",
        _is_two,
    ),
    Comparison(
        "Jobs that take 10 ms, one process",
        "Jobs that wait for 10 ms, as if for a server: 100 a second is the most there can be. "
        "Dramatiq isn't here: its threads wait at the same time.",
        "work",
        "per_s",
        "a second",
        _is_one,
    ),
    Comparison(
        "Jobs that take 10 ms, two processes",
        "The same, by two processes on one queue.",
        "work",
        "per_s",
        "a second",
        _is_two,
    ),
    Comparison(
        "Items of large tasks",
        "Tasks of 100 items each, by one process: what captions are. The other queues know no "
        "items; their figure is the one for jobs, above.",
        "items",
        "per_s",
        "a second",
        _is_one,
    ),
    Comparison(
        "How soon an idle worker begins",
        "From the end of a submit to the beginning of its work, one at a time; the median. "
        "“With the submit” counts from the submit's beginning.",
        "pickup",
        "p50_ms",
        "ms",
        _has_redis,
        least=True,
    ),
    Comparison(
        "How soon an idle worker begins without Redis",
        "The same, straight from the database: by a worker of another process, and of the process "
        "that submits. What waits is found by asking where nobody can wake a worker.",
        "pickup",
        "p50_ms",
        "ms",
        _is_without_redis,
        least=True,
    ),
    Comparison(
        "Memory of idle workers, one process",
        "All processes of a worker that was just at work, pages that several share split among "
        "them (PSS).",
        "memory",
        "pss_mb",
        "MB",
        _is_one,
        least=True,
    ),
    Comparison(
        "Memory of idle workers, two processes",
        "The same, of two.",
        "memory",
        "pss_mb",
        "MB",
        _is_two,
        least=True,
    ),
)
COLUMNS = {
    "per_s": "a second",
    "cpu_ms": "ms of processor each",
    "p50_ms": "median, ms",
    "p99_ms": "99th percentile, ms",
    "with_submit_ms": "with the submit, ms",
    "pss_mb": "MB (PSS)",
    "rss_mb": "MB (RSS)",
    "least": "least of a round",
    "most": "most of a round",
    "ratio": "over RQ's SimpleWorker",
    "mean_ms": "mean, ms",
    "submit_ms": "submit, ms",
    "claim_ms": "claim, ms",
    "claims_per_s": "claims a second",
    "median_s": "median, s",
    "promised_s": "promised, s",
    "per_min": "pictures a minute",
    "best_per_min": "best there can be",
    "share": "share",
}
SLOWER = """\
## Where it is slower, and why

Each step of a task is a transaction: it is claimed, planned, worked on and ended in the database,
so that nothing that happens to Redis or to a process loses or doubles it. Queues that keep jobs
in Redis alone write to memory, and are faster for it when a job does nothing; Huey by far, which
also forgets a job whose worker dies. Celery and Dramatiq hand such a job out again (Celery over
Redis after an hour by default), and lose it with their Redis. Compare Altwright with
Procrastinate, which keeps its jobs in PostgreSQL too. As soon as a job takes 10 ms there is
little between any of them; a caption takes hundreds.

Two processes on SQLite write in turns. The servers of PostgreSQL and MariaDB take their share of
the same processors, so that a second worker adds less than it would beside a server elsewhere.

A beginning is later than RQ's by the claim in the database. PostgreSQL wakes workers of other
processes when Redis is away; SQLite and MariaDB can't, so that workers ask.

A worker process holds the whole application (the database's layer, HTTP, the describers'
clients), the other queues' workers here a module of twenty lines.
"""


def pages() -> dict[str, str]:
    """Return the page and its charts by their names below docs/."""
    results = Results(RESULT.read_text())
    made = {PAGE: "\n".join(_page(results))}
    for one in COMPARISONS:
        bars = _bars(results, one)
        if bars:
            title = f"{one.heading} ({one.unit})"
            made[f"{CHARTS}/{_slug(one)}.svg"] = chart(title, _gist(one, bars), bars)
    return made


def _page(results: Results) -> Iterator[str]:
    yield "# How fast it is"
    yield ""
    yield "Beside RQ's own workers, Celery, Dramatiq, Huey and Procrastinate, all on one machine"
    yield "and as real processes, each in its usual and safest set-up, in turns, so that whatever"
    yield "else the machine does meets all. Medians of rounds; ratios outlive the machine, the"
    yield "rest doesn't. `make bench` measures all of it anew (`make bench BENCH=--quick` tries"
    yield "it), and `make docs` makes this page and its charts of"
    yield "[benchmarks.json](../benchmarks.json). What breaking it has shown is on [another"
    yield "page](chaos.md)."
    yield ""
    yield from _machine(results)
    yield "## What is promised"
    yield ""
    yield "| | promised | seen | | command |"
    yield "|---|---|---|---|---|"
    for one in PROMISES:
        seen, verdict = one.verdict(results)
        command = f"`python -m benchmarks.{one.benchmark}`"
        yield f"| {one.what} | {one.promised} | {seen} | {verdict} | {command} |"
    yield ""
    for comparison in COMPARISONS:
        yield from _comparison(results, comparison)
    yield from _table(results, "submits", "Submits", "`POST /api/v1/tasks`, beside a Flask view "
                      "that enqueues a job of RQ: no user, no database, no promise.")  # fmt: skip
    yield from _table(results, "whole_job", "A whole job", "Pictures described a minute, beside "
                      "what the model could do at best.")  # fmt: skip
    yield from _backlog(results)
    yield from _table(results, "recovery", "How soon it is itself again", "After a loss.")
    yield SLOWER
    yield from _set_up(results)


def _machine(results: Results) -> Iterator[str]:
    yield f"Processors: {results.all['processors']}. System: {results.all['system']}."
    versions = results.all["versions"].items()
    yield f"Versions: {', '.join(f'{name} {version}' for name, version in versions)}."
    yield ""
    yield "| command | date | commit | took | load before |"
    yield "|---|---|---|---:|---:|"
    for one in results.all["results"].values():
        day, commit, load = one["date"], one["commit"], one["load"]
        yield f"| `{one['command']}` | {day} | {commit} | {one['took_s']} s | {load} |"
    yield ""
    if any(one["quick"] for one in results.all["results"].values()):
        yield "**What was called with `--quick` was a short try of few jobs in one round: a hint.**"
        yield ""


def _rows(results: Results, one: Comparison) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = results.of("field", one.measured) or {}
    return {name: row for name, row in found.items() if one.takes(name)}


def _bars(results: Results, one: Comparison) -> list[Bar]:
    return [
        Bar(
            name.replace(", 2 processes", "").replace(", without Redis", ""),
            row[one.key],
            shown(row[one.key], ""),
            row["least"],
            row["most"],
            name.startswith("Altwright"),
        )
        for name, row in _rows(results, one).items()
    ]


def _gist(one: Comparison, bars: list[Bar]) -> str:
    """Return what the chart shows at a glance; its table has the rest."""
    ordered = sorted(bars, key=lambda bar: bar.value, reverse=not one.least)
    ours = [bar for bar in bars if bar.ours]
    ends = [] if len(ours) == len(bars) else [ordered[0], *ours, ordered[-1]]
    told = list(dict.fromkeys(ends or ours))
    words = "; ".join(f"{bar.name}: {bar.shown.strip()}" for bar in told)
    return f"{len(bars)} bars, {one.unit}. {words}."


def _slug(one: Comparison) -> str:
    words = [word.strip(",") for word in one.heading.lower().split()]
    return "-".join(words)


def _comparison(results: Results, one: Comparison) -> Iterator[str]:
    yield f"## {one.heading}"
    yield ""
    yield f"{one.text} `python -m benchmarks.field`"
    yield ""
    rows, bars = _rows(results, one), _bars(results, one)
    if not bars:
        yield "Not measured."
        yield ""
        return
    yield f"![{_gist(one, bars)} The table has all.](benchmarks/{_slug(one)}.svg)"
    yield ""
    yield from _rows_of_table(rows)


def _table(results: Results, benchmark: str, heading: str, text: str) -> Iterator[str]:
    yield f"## {heading}"
    yield ""
    yield f"{text} `python -m benchmarks.{benchmark}`"
    yield ""
    rows = results.of(benchmark)
    if rows:
        yield from _rows_of_table(rows)
    else:
        yield "Not measured."
        yield ""


def _set_up(results: Results) -> Iterator[str]:
    yield "## How each was set up"
    yield ""
    yield "All queues over Redis share one Valkey, over TCP; PostgreSQL and MariaDB are reached"
    yield "by a socket and don't fsync; all on the same machine. What else is set stands in"
    yield "`benchmarks/peers`. `benchmarks.field.ours worker` is `altwright worker --count 1` with"
    yield "one kind of task more."
    yield ""
    yield "| | workers |"
    yield "|---|---|"
    for name, command in (results.of("field", "set_up") or {}).items():
        yield f"| {name} | `{command}` |"
    yield ""


def _backlog(results: Results) -> Iterator[str]:
    yield "## Behind a long backlog"
    yield ""
    yield "Medians of submits and of claims, in turns between databases in which so many tasks"
    yield "wait; the ratio is the larger of both, to the smallest backlog. `python -m"
    yield "benchmarks.backlog`"
    yield ""
    found = results.of("backlog") or {}
    yield from _rows_of_table(
        {
            f"{kind}, {int(size):,} waiting": row
            for kind, by_size in found.items()
            for size, row in by_size.items()
        },
        {"ratio": "ratio"},
    )


def _rows_of_table(
    rows: dict[str, dict[str, Any]], words: dict[str, str] | None = None
) -> Iterator[str]:
    keys = list(dict.fromkeys(key for row in rows.values() for key in row))
    names = [(words or {}).get(key, COLUMNS.get(key, key)) for key in keys]
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---:|' * len(keys)}"
    for name, row in rows.items():
        cells = [_cell(key, row.get(key)) for key in keys]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    return shown(value, "%" if key == "share" else "").strip()
