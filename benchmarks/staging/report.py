"""The page of a rehearsal: its verdict, its events, and charts of one timeline."""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from altwright.db.session import Database
from altwright.db.task_tables import TaskEventRow, TaskRow
from benchmarks.staging.people import Call
from benchmarks.staging.timeline import Event, Timeline

HERE = Path(__file__).parent
VENDOR = HERE.parent.parent / "src" / "altwright" / "web" / "static" / "vendor"
#: Points of a chart at most.
POINTS_MOST = 300
Series = list[float | None]


class Charts:
    """Numbers by equal stretches of the rehearsal."""

    def __init__(self, timeline: Timeline) -> None:
        """Take the whole of it."""
        self._timeline = timeline
        self.length_s = max(1.0, *(event.until_s for event in timeline.events))
        self.step_s = max(1.0, self.length_s / POINTS_MOST)
        self.count = int(self.length_s / self.step_s) + 1

    @property
    def at_s(self) -> list[float]:
        """Return when each stretch begins."""
        return [round(number * self.step_s, 2) for number in range(self.count)]

    def of(
        self,
        pairs: Iterable[tuple[float, float]],
        take: Callable[[list[float]], float],
        empty: float | None = None,
    ) -> Series:
        """Return what ``take`` makes of each stretch's values, given with their instants."""
        found: dict[int, list[float]] = defaultdict(list)
        for at, value in pairs:
            found[int((at - self._timeline.began_at) / self.step_s)].append(value)
        return [
            round(take(found[number]), 3) if number in found else empty
            for number in range(self.count)
        ]

    def rate(self, instants: Iterable[float]) -> Series:
        """Return how many there are in a second."""
        return self.of(((at, 1.0) for at in instants), lambda some: sum(some) / self.step_s, 0.0)

    def sampled(self, name: str) -> Series:
        """Return the means of what was looked at."""
        began = self._timeline.began_at
        pairs = [(began + one["at_s"], one[name]) for one in self._timeline.samples if name in one]
        return self.of(pairs, lambda some: sum(some) / len(some))


def p95(some: list[float]) -> float:
    """Return the value that 95 of 100 don't exceed."""
    return sorted(some)[min(len(some) - 1, len(some) * 95 // 100)]


def charts(timeline: Timeline, database: Database, calls: Sequence[Call]) -> dict[str, Any]:
    """Return the charts: on one axis of seconds, each with a unit and series by name."""
    made = Charts(timeline)
    with database.read() as session:
        ends = [
            at.timestamp()
            for at in session.scalars(
                select(TaskEventRow.at).where(TaskEventRow.event == "completed")
            )
        ]
        begun = session.execute(
            select(TaskEventRow.at, TaskRow.created_at)
            .join(TaskRow, TaskRow.id == TaskEventRow.task_id)
            .where(TaskEventRow.event == "claimed", TaskEventRow.attempt == 1)
            .where(TaskRow.request_key.is_not(None))
        ).all()
    waits = [(at.timestamp(), (at - created).total_seconds()) for at, created in begun]
    took = [(call.at, call.took_s) for call in calls if not call.failed]
    failed = [call.at for call in calls if call.failed]
    return {
        "at_s": made.at_s,
        "charts": [
            _chart("Tasks that ended here", "a second", {"tasks": made.rate(ends)}),
            _chart(
                "Time that tasks of users waited",
                "s",
                {"median": made.of(waits, median), "95th percentile": made.of(waits, p95)},
            ),
            _chart(
                "Tasks that wait or run",
                "tasks",
                {
                    "wait in RQ": made.sampled("waiting, rq"),
                    "wait in the database": made.sampled("waiting, database"),
                    "run": made.sampled("running"),
                    "wait in the old database": made.sampled("waiting there"),
                },
            ),
            _chart(
                "Answers to users over HTTP",
                "a second",
                {
                    "requests": made.rate(at for at, _ in took),
                    "failed": made.rate(failed),
                },
            ),
            _chart(
                "Time of an answer",
                "s",
                {"median": made.of(took, median), "95th percentile": made.of(took, p95)},
            ),
        ],
    }


def _chart(title: str, unit: str, series: Mapping[str, Series]) -> dict[str, Any]:
    return {"title": title, "unit": unit, "series": dict(series)}


def page(
    title: str,
    verdict: str,
    broken: Sequence[str],
    counted: Mapping[str, int],
    events: Sequence[Event],
    drawn: Mapping[str, Any],
) -> str:
    """Return the whole page: nothing else is loaded."""
    rows = "".join(
        f"<tr><td>{number}</td><td>{event.at_s:.1f}</td><td>{event.until_s - event.at_s:.1f}</td>"
        f"<td>{html.escape(event.name)}</td><td>{html.escape(event.found)}</td></tr>"
        for number, event in enumerate(events, 1)
    )
    counts = "".join(
        f"<tr><th scope=row>{html.escape(name)}</th><td>{value:,}</td></tr>"
        for name, value in counted.items()
    )
    data = {
        **drawn,
        "events": [{"at_s": round(event.at_s, 2), "name": event.name} for event in events],
    }
    parts = {
        "TITLE": html.escape(title),
        "VERDICT": html.escape(verdict),
        "CLASS": "broken" if broken else "held",
        "BROKEN": "".join(f"<li>{html.escape(one)}</li>" for one in broken),
        "EVENTS": rows,
        "COUNTS": counts,
        # "</script>" in a string would end the element.
        "DATA": json.dumps(data).replace("</", "<\\/"),
        "UPLOT_CSS": (VENDOR / "uplot.css").read_text(),
        "UPLOT_JS": (VENDOR / "uplot.min.js").read_text(),
    }
    made = (HERE / "page.html").read_text()
    for name, value in parts.items():
        made = made.replace(f"<!--{name}-->", value)
    return made
