"""What the page on speed compares, a section each: the figure, who belongs there, its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmark_charts import Bar
from benchmark_promises import DATABASES, Results, shown

Row = dict[str, float]
#: So many of our own figures are told in a chart's text beside the best and the worst.
TOLD_MOST = 4


def _all(_name: str) -> bool:
    return True


def _is_two(name: str) -> bool:
    return name.endswith(", 2 processes")


def _is_one(name: str) -> bool:
    return not _is_two(name)


def _is_without_redis(name: str) -> bool:
    return "without Redis" in name


def _has_redis(name: str) -> bool:
    return not _is_without_redis(name)


class Comparison(NamedTuple):
    """A figure of some contestants."""

    benchmark: str
    #: Under which key of the benchmark's figures; "": they are rows themselves.
    part: str
    #: The figure that is drawn, and its unit.
    key: str
    unit: str
    heading: str
    text: str
    #: Whether a contestant belongs here, by its name.
    takes: Callable[[str], bool] = _all
    #: Whether less is better.
    least: bool = False
    #: What the ratio is over.
    ratio: str = "over RQ's SimpleWorker"

    @property
    def slug(self) -> str:
        """Return its chart's name."""
        return "-".join(word.strip(",") for word in self.heading.lower().split())

    def rows(self, results: Results) -> dict[str, Row]:
        """Return each contestant's figures."""
        found: dict[str, Any] = results.of(self.benchmark, *filter(None, [self.part])) or {}
        if self.benchmark == "backlog":
            found = dict(_flat(found))
        return {name: row for name, row in found.items() if self.takes(name)}

    def bars(self, results: Results) -> list[Bar]:
        """Return what is drawn."""
        return [
            Bar(
                name.replace(", 2 processes", "").replace(", without Redis", ""),
                row[self.key],
                self.cell(self.key, row[self.key]),
                row.get("least", row[self.key]),
                row.get("most", row[self.key]),
                name.startswith("Altwright")
                or (self.benchmark == "submits" and "bare" not in name),
            )
            for name, row in self.rows(results).items()
            if row.get(self.key) is not None
        ]

    def gist(self, bars: list[Bar]) -> str:
        """Return what the chart shows at a glance; its table has the rest."""
        ordered = sorted(bars, key=lambda bar: bar.value, reverse=not self.least)
        ours = [bar for bar in bars if bar.ours]
        few = ours if len(ours) <= TOLD_MOST else []
        told = dict.fromkeys([ordered[0], *few, ordered[-1]])
        words = "; ".join(f"{bar.name}: {bar.shown}" for bar in told)
        return f"{len(bars)} bars, {self.unit}. {words}."

    def table(self, results: Results) -> Iterator[str]:
        """Yield the lines of all figures."""
        rows = self.rows(results)
        keys = list(dict.fromkeys(key for row in rows.values() for key in row))
        words = COLUMNS | {"ratio": self.ratio}
        yield f"| | {' | '.join(words.get(key, key) for key in keys)} |"
        yield f"|---|{'---:|' * len(keys)}"
        for name, row in rows.items():
            yield f"| {name} | {' | '.join(self.cell(key, row.get(key)) for key in keys)} |"

    def cell(self, key: str, value: float | None) -> str:
        """Return a figure as it is shown."""
        return "-" if value is None else shown(value, "%" if key == "share" else "").strip()


def _flat(found: dict[str, dict[str, Row]]) -> Iterator[tuple[str, Row]]:
    names = {name.lower(): name for name in DATABASES}
    for kind, by_size in found.items():
        for size, row in by_size.items():
            yield f"{names[kind]}, {int(size):,} waiting", row


COLUMNS = {
    "per_s": "a second",
    "cpu_ms": "ms of processor each",
    "p50_ms": "median, ms",
    "p99_ms": "99th percentile, ms",
    "with_submit_ms": "with the submit, ms",
    "pss_mb": "MB (PSS)",
    "rss_mb": "MB (RSS)",
    "peak_mb": "MB at most (RSS)",
    "least": "least of a round",
    "most": "most of a round",
    "mean_ms": "mean, ms",
    "submit_ms": "submit, ms",
    "claim_ms": "claim, ms",
    "claims_per_s": "claims a second",
    "median_s": "median, s",
    "median_ms": "median, ms",
    "most_ms": "most, ms",
    "kb": "kB",
    "submit_beside_ms": "submit beside pages, ms",
    "claim_beside_ms": "claim beside pages, ms",
    "submit_ratio": "submit, ratio",
    "claim_ratio": "claim, ratio",
    "promised_s": "promised, s",
    "per_min": "pictures a minute",
    "best_per_min": "best there can be",
    "share": "share",
}
COMPARISONS = (
    Comparison(
        "field",
        "drain",
        "per_s",
        "a second",
        "Waiting jobs, one process",
        "Jobs (of Altwright: tasks of one item) that do nothing, of which some hundreds wait.",
        _is_one,
    ),
    Comparison(
        "field",
        "drain",
        "per_s",
        "a second",
        "Waiting jobs, two processes",
        "The same, by two processes on one queue.",
        _is_two,
    ),
    Comparison(
        "field",
        "work",
        "per_s",
        "a second",
        "Jobs that take 10 ms, one process",
        "Jobs that wait for 10 ms, as if for a server: 100 a second is the most there can be. "
        "Dramatiq isn't here: its threads wait at the same time.",
        _is_one,
    ),
    Comparison(
        "field",
        "work",
        "per_s",
        "a second",
        "Jobs that take 10 ms, two processes",
        "The same, by two processes on one queue: 200 a second is the most there can be.",
        _is_two,
    ),
    Comparison(
        "field",
        "items",
        "per_s",
        "items a second",
        "Items of large tasks",
        "Tasks of 100 items each, by one process: what captions are. The other queues know no "
        "items; their figure is the one for jobs, above.",
    ),
    Comparison(
        "field",
        "pickup",
        "p50_ms",
        "ms",
        "How soon an idle worker begins",
        "From the end of a submit to the beginning of its work, one at a time; the median. "
        "“With the submit” counts from the submit's beginning.",
        _has_redis,
        least=True,
    ),
    Comparison(
        "field",
        "pickup",
        "p50_ms",
        "ms",
        "How soon an idle worker begins without Redis",
        "The same, straight from the database: by a worker of another process, and of the process "
        "that submits. Where nobody can wake a worker it asks.",
        _is_without_redis,
        least=True,
    ),
    Comparison(
        "field",
        "memory",
        "pss_mb",
        "MB",
        "Memory of idle workers, one process",
        "All processes of a worker that was just at work, pages that several share split among "
        "them (PSS).",
        _is_one,
        least=True,
    ),
    Comparison(
        "field",
        "memory",
        "pss_mb",
        "MB",
        "Memory of idle workers, two processes",
        "The same, of two.",
        _is_two,
        least=True,
    ),
    Comparison(
        "submits",
        "",
        "mean_ms",
        "ms, mean",
        "Submits",
        "`POST /api/v1/tasks`, beside a Flask view that enqueues a job of RQ: no user, no "
        "database, no promise.",
        least=True,
        ratio="over bare Flask and RQ",
    ),
    Comparison(
        "whole_job",
        "",
        "share",
        "of the best there can be",
        "A whole job",
        "Pictures described a minute, beside what the model could do at best.",
    ),
    Comparison(
        "memory",
        "",
        "peak_mb",
        "MB",
        "Memory of a worker at work",
        "What `altwright worker --count 1` holds once it has described an account, and the most it "
        "ever held. An embedded model lives in a process of its own.",
        least=True,
    ),
    Comparison(
        "backlog",
        "",
        "claims_per_s",
        "claims a second",
        "Behind a long backlog",
        "Medians of submits and of claims, in turns between databases in which so many tasks wait; "
        "one worker claims, so that a second's claims are what one can do.",
        ratio="the larger ratio to the least backlog",
    ),
    Comparison(
        "admin_pages",
        "slowest",
        "median_ms",
        "ms, median",
        "The slowest pages of administrators",
        "Beside 1,000,000 tasks that have ended and 100,000 that wait, of 1,000 users: every page "
        "with its usual filters, and what programs ask for. The five slowest of each database.",
        least=True,
    ),
    Comparison(
        "admin_pages",
        "beside",
        "submit_beside_ms",
        "ms",
        "Submits beside pages and statistics",
        "Submits and claims in the same database, in turns while another process leads the service "
        "(alerts, statistics) and asks for a page every 1.7 seconds, as three dashboards that "
        "stand open, and without it: tasks go before statistics. Medians of the turns' means.",
        least=True,
    ),
    Comparison(
        "recovery",
        "",
        "median_s",
        "s",
        "How soon it is itself again",
        "After a loss; [what is tried besides](chaos.md).",
        least=True,
    ),
)
