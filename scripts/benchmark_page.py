"""The page on speed and its charts, made of docs/benchmarks.json: part of `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark_charts import chart
from benchmark_comparisons import COMPARISONS, Comparison
from benchmark_promises import PROMISES, RESULT, Results
from requirements import Seen

PAGE, CHARTS = "explanation/benchmarks.md", "explanation/benchmarks"
SLOWER = """\
## Where it is slower, and why

Each step of a task is a transaction: it is claimed, planned, worked on and ended in the database,
so that nothing that happens to Redis or to a process loses or doubles it. A task of one item, the
worst case, costs one script of Redis and two transactions (on PostgreSQL three messages: claim,
items, end), each of which also writes the task's history; the database and its layer take half of
a worker's time, Redis and RQ's records a fifth at most. Queues that keep jobs
in Redis alone write to memory, and are faster for it when a job does nothing; Huey by far, which
also forgets a job whose worker dies. Celery and Dramatiq hand such a job out again (Celery over
Redis an hour later, by default, if the whole worker died), and lose it with their Redis. Compare
Altwright with Procrastinate, which keeps its jobs in PostgreSQL too. As soon as a job takes 10 ms
there is little between any of them; a caption takes hundreds.

A job of RQ's SimpleWorker is some fifty calls of Redis, most of them Python's work. Tasks on
SQLite need no server, so that they are ahead of it; on PostgreSQL and MariaDB a second process
works for each task, and both wait for each other. Procrastinate makes two calls of functions in
PostgreSQL, keeps no items and asks no Redis; Celery writes nothing down.

Two processes on SQLite write in turns. The servers of PostgreSQL and MariaDB take their share of
the same processors, so that a second worker adds less than it would beside a server elsewhere.

A beginning is later than RQ's by the claim in the database and the read of the first items:
after Redis' answer RQ has the job, we have the right to ask for it. PostgreSQL wakes workers of
other processes when Redis is away; SQLite and MariaDB can't, so that workers ask.

A submit finds out who calls, takes its turn among the users' tasks and is written with its
history; bare Flask knows no users and writes to Redis only. Without Redis it costs less by Redis'
calls. Its slowest in a hundred waited: for a commit, or for a thread of Gunicorn. What
SQLite, redis-py and RQ's records take of it alone, 1.5 ms, is one and a half times all of bare
Flask's. Times in ms grow with a slow processor: the same code kept the 10 ms mean at 50 a second
on one twice as quick.

A model server's best is its own time, as if calling it cost nothing. Bare calls, which encode the
picture and send it, reach what the table says beside it; of that a whole job loses one or two
seconds until its first pictures are there, and a few milliseconds a picture while the same process
prepares the next ones and writes the last. With a model that takes seconds neither is seen.

A worker process holds the whole application (the database's layer, HTTP, the describers'
clients), the other queues' workers here a module of twenty lines.
"""


def pages() -> dict[str, str]:
    """Return the page and its charts by their names below docs/."""
    results = Results(RESULT.read_text())
    made = {PAGE: "\n".join(_page(results))}
    for one in COMPARISONS:
        bars = one.bars(results)
        if bars:
            title = f"{one.heading} ({one.unit})"
            made[f"{CHARTS}/{one.slug}.svg"] = chart(title, one.gist(bars), bars)
    return made


def promises() -> dict[str, Seen]:
    """Return what was seen of each promise, by its words."""
    results = Results(RESULT.read_text())
    found = {}
    for one in PROMISES:
        seen, verdict = one.verdict(results)
        words = f"{one.promised}, seen {seen}, {verdict} (`python -m benchmarks.{one.benchmark}`)"
        found[one.what] = Seen(words, verdict == "reached")
    return found


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
    yield SLOWER
    yield from _set_up(results)


def _machine(results: Results) -> Iterator[str]:
    yield f"System: {results.all['system']}."
    versions = results.all["versions"].items()
    yield f"Versions: {', '.join(f'{name} {version}' for name, version in versions)}."
    yield ""
    yield "| command | date | commit | processors | took | load before |"
    yield "|---|---|---|---|---:|---:|"
    for one in results.all["results"].values():
        day, commit, load = one["date"], one["commit"], one["load"]
        took, on = one["took_s"], one.get("processors", results.all["processors"])
        yield f"| `{one['command']}` | {day} | {commit} | {on} | {took} s | {load} |"
    yield ""
    if any(one["quick"] for one in results.all["results"].values()):
        yield "**What was called with `--quick` was a short try of few jobs in one round: a hint.**"
        yield ""


def _comparison(results: Results, one: Comparison) -> Iterator[str]:
    yield f"## {one.heading}"
    yield ""
    yield f"{one.text} `python -m benchmarks.{one.benchmark}`"
    yield ""
    bars = one.bars(results)
    if bars:
        yield f"![{one.gist(bars)} The table has all.](benchmarks/{one.slug}.svg)"
        yield ""
        yield from one.table(results)
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
