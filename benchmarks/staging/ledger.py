"""The verdict: what both databases, the server, nginx and the users say at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from altwright.db.tables import DraftRow, PictureRow
from altwright.db.task_tables import TaskEventRow, TaskRow
from altwright.domain.task import ACTIVE, Status
from benchmarks.chaos import truth
from benchmarks.chaos.truth import told
from benchmarks.staging.deployment import TASKS
from benchmarks.staging.people import Call, People
from benchmarks.staging.timeline import Event, Timeline
from benchmarks.staging.world import World

#: Seconds around the kill of a web process in which requests that it had in hand are cut off.
CUT_S = 3.0
_SERVER_ERROR = 500
#: Words of logs that say that something went wrong which nobody foresaw, or wasn't allowed.
_BAD_WORDS = ("Traceback", "denied", "must be owner")


@dataclass
class Verdict:
    """What was counted, and what was broken: empty when all held."""

    counted: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in a line."""
        if self.broken:
            return f"Broken promises: {len(self.broken)}."
        return "Nothing lost, nothing twice, no request failed."


def judge(world: World, people: People, timeline: Timeline, before: Mapping[str, str]) -> Verdict:
    """Compare everything; ``before``: the old deployment's tasks with their states."""
    made = Verdict()
    made.broken += told("users", people.broken)
    _requests(made, world, people, timeline)
    _tasks(made, world, people, before)
    _texts(made, world, people)
    made.broken += _logs(world.logs())
    return made


def _requests(made: Verdict, world: World, people: People, timeline: Timeline) -> None:
    cuts = [event for event in timeline.events if event.cuts]
    failed = [call for call in people.calls if call.failed]
    cut = [call for call in failed if _is_in(call, cuts, timeline.began_at)]
    calls = world.front.calls()
    made.counted |= {
        "requests of users": len(people.calls),
        "requests that nginx answered": len(calls),
        "requests that nginx gave to the other host": sum("," in one["hosts"] for one in calls),
        "requests cut off with a killed process, and sent again": len(cut),
    }
    made.broken += told(
        "a request failed",
        (f"{call.what}: {call.status} {call.said}" for call in failed if call not in cut),
    )
    # A browser's requests are in nginx's log only.
    wrong = [one for one in calls if one["status"] >= _SERVER_ERROR]
    if len(wrong) > len(cut):
        made.broken += told("nginx answered", (f"{one}" for one in wrong))


def _is_in(call: Call, cuts: Collection[Event], began_at: float) -> bool:
    at = call.at - began_at
    return any(event.at_s - call.took_s <= at <= event.until_s + CUT_S for event in cuts)


def _tasks(made: Verdict, world: World, people: People, before: Mapping[str, str]) -> None:
    database = world.services.database
    with database.read() as session:
        rows = {
            row.id: row
            for row in session.execute(
                select(TaskRow.id, TaskRow.kind, TaskRow.status, TaskRow.error)
            )
        }
        completed = {
            row.task_id: row.times
            for row in session.execute(
                select(TaskEventRow.task_id, func.count().label("times"))
                .where(TaskEventRow.event == "completed")
                .group_by(TaskEventRow.task_id)
            )
        }
    waited = {task_id for task_id, status in before.items() if status == "queued"}
    by_pollers = Counter(world.begun_by_pollers)
    there = {row["id"]: row["status"].lower() for row in world.old.rows(TASKS)}
    accepted = {task_id for ids in people.accepted.values() for task_id in ids}
    here = {task_id for task_id in waited if completed.get(task_id)}
    made.counted |= {
        "tasks of the old deployment": len(before),
        "of these, waiting when it was taken over": len(waited),
        "of these, done by old workers": len(by_pollers),
        "of these, done here": len(here),
        "tasks that users submitted": len(accepted),
        "tasks that ended here": sum(completed.values()),
    }
    made.broken += told("lost", _lost(before, rows, there, by_pollers, accepted))
    made.broken += told(
        "twice",
        [
            *(f"old workers began {one} {n} times" for one, n in by_pollers.items() if n > 1),
            *(f"{one} was done there and here" for one in here & by_pollers.keys()),
            *(f"{one} was completed {n} times" for one, n in completed.items() if n > 1),
            *(
                f"one key gave several tasks: {ids}"
                for ids in people.accepted.values()
                if len(ids) > 1
            ),
        ],
    )
    history = truth.read(database, has_effects=False)
    made.counted["attempts"] = len(history.attempts)
    made.broken += told("attempts", truth.unsound_attempts(history))
    made.broken += told("two at a time", truth.overlaps(history))


def _lost(
    before: Mapping[str, str],
    rows: Mapping[str, Any],
    there: Mapping[str, str],
    by_pollers: Collection[str],
    accepted: Collection[str],
) -> Iterable[str]:
    for task_id, status in before.items():
        if task_id in by_pollers:
            if there[task_id] != Status.COMPLETED:
                yield f"{task_id} was begun by an old worker and is {there[task_id]}"
            continue
        wanted = Status.COMPLETED if status == Status.QUEUED else status
        if _state(rows, task_id) != wanted:
            yield f"{task_id} was {status} there, and is {_said(rows, task_id)} here"
    for task_id in accepted:
        if _state(rows, task_id) != Status.COMPLETED:
            yield f"{task_id} was accepted, and is {_said(rows, task_id)}"
    for task_id, row in rows.items():
        if row.status in ACTIVE:
            yield f"{task_id} ({row.kind}) is still {row.status}"


def _state(rows: Mapping[str, Any], task_id: str) -> str:
    return rows[task_id].status if task_id in rows else "missing"


def _said(rows: Mapping[str, Any], task_id: str) -> str:
    row = rows.get(task_id)
    return f"{row.status}: {row.error}" if row is not None else "missing"


def _texts(made: Verdict, world: World, people: People) -> None:
    with world.services.database.read() as session:
        drafts = session.scalar(select(func.count()).select_from(DraftRow))
        pictures = session.scalar(select(func.count()).select_from(PictureRow))
    twice = world.fediverse.written_twice()
    made.counted |= {
        "pictures": pictures or 0,
        "drafts": drafts or 0,
        "texts published by users": people.published,
        "texts on the server": sum(len(home.texts()) for home in world.fediverse.homes.values()),
    }
    made.broken += told("twice", (f"picture {one} was given the same text again" for one in twice))


def _logs(logs: Mapping[str, str]) -> list[str]:
    return told(
        "a log says",
        (
            f"{name}: {line}"
            for name, log in logs.items()
            for line in log.splitlines()
            if any(word in line for word in _BAD_WORDS)
        ),
    )
