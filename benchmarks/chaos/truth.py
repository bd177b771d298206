"""What the database and Redis say at the end: each promise, and what breaks it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import redis
from sqlalchemy import func, select
from tests import leaks

from altwright.db.session import Database
from altwright.db.task_tables import ItemRow, TaskEventRow, TaskRow
from altwright.domain.task import ACTIVE, Delivery, ItemStatus, Status
from benchmarks.chaos.kind import ITEMS, ChaosKind, effects
from benchmarks.chaos.load import Submit

#: Events that end an attempt.
ENDS = frozenset(
    {
        "completed",
        "failed",
        "cancelled",
        "rescued",
        "retry",
        "preempted",
        "slice over",
        "worker stopped",
    }
    | {"database away", "time used up"}
)
#: Kinds of keys of which there is one for each worker, job or user.
_NUMEROUS = {
    *("rq:worker", "rq:job", "rq:executions", "rq:execution", "rq:results"),
    *("altwright:active", "altwright:login"),
}
#: The tasks that the run submitted; the service's own upkeep goes on beside them.
_SUBMITTED = select(TaskRow.id).where(TaskRow.kind == ChaosKind.name)
#: Broken promises of one kind that are told in full; the others are counted.
SHOWN = 5


class Attempt(NamedTuple):
    """One claim of a task until whatever ended it; ``signed_at``: its last sign of life."""

    task_id: str
    user_id: int | None
    number: int
    claimed_at: datetime
    signed_at: datetime
    ended_at: datetime | None
    end: str
    detail: str


@dataclass
class History:
    """Every attempt of the run, and when work on each of a task's items ended."""

    attempts: list[Attempt]
    effects_at: list[datetime]
    #: When tasks that RQ delivered were claimed.
    from_rq_at: list[datetime]

    def taken_over(self) -> list[timedelta]:
        """Return the times from a dead attempt's last sign to the next attempt's claim."""
        by_task = _by_task(self.attempts)
        return [
            after.claimed_at - before.signed_at
            for some in by_task.values()
            for before, after in pairwise(some)
            if before.end == "rescued"
        ]

    def noticed(self) -> list[timedelta]:
        """Return the times from a dead attempt's last sign to its end by the dispatcher."""
        return [
            one.ended_at - one.signed_at
            for one in self.attempts
            if one.end == "rescued" and one.ended_at is not None
        ]

    def ends(self) -> Counter[str]:
        """Return how attempts ended."""
        return Counter(
            f"{one.end}: {one.detail}" if one.end == "rescued" else one.end for one in self.attempts
        )


def read(database: Database, *, has_effects: bool = True) -> History:
    """Read what happened; ``has_effects``: its tasks are of the chaos run's kind."""
    with database.read() as session:
        users = {row[0]: row[1] for row in session.execute(select(TaskRow.id, TaskRow.user_id))}
        deliveries = dict.fromkeys(
            session.scalars(_SUBMITTED.where(TaskRow.delivery == Delivery.RQ))
        )
        events = session.execute(
            select(
                TaskEventRow.task_id,
                TaskEventRow.attempt,
                TaskEventRow.event,
                TaskEventRow.at,
                TaskEventRow.detail,
            )
            .where(TaskEventRow.task_id.in_(_SUBMITTED))
            .order_by(TaskEventRow.id)
        ).all()
        left = select(effects.c.task_id, effects.c.attempt, effects.c.at).order_by(effects.c.at)
        marks = session.execute(left).all() if has_effects else []
    claims: dict[tuple[str, int], datetime] = {}
    ends: dict[tuple[str, int], tuple[datetime | None, str, str]] = {}
    for task_id, attempt, event, at, detail in events:
        if event == "claimed":
            claims[task_id, attempt] = at
        elif event in ENDS and attempt > 0:
            ends.setdefault((task_id, attempt), (at, event, detail))
    signs = dict(claims)
    for task_id, attempt, at in marks:
        key = task_id, attempt
        signs[key] = max(at, signs.get(key, at))
    attempts = []
    for key in sorted(claims):
        end = ends.get(key, (None, "", ""))
        attempts.append(Attempt(key[0], users[key[0]], key[1], claims[key], signs[key], *end))
    last = {one.task_id: one for one in attempts}
    return History(
        attempts,
        [mark.at for mark in marks],
        sorted(last[task_id].claimed_at for task_id in deliveries if task_id in last),
    )


def broken_promises(database: Database, submits: list[Submit], history: History) -> list[str]:
    """Return what the database shows to be broken; empty when everything held."""
    return [
        *told("accepted tasks", _accepted(database, submits)),
        *told("items and effects", _effects(database)),
        *told("attempts", unsound_attempts(history)),
        *told("two at a time", overlaps(history)),
        *told("fencing", _late_effects(database, history)),
    ]


def _accepted(database: Database, submits: list[Submit]) -> Iterable[str]:
    query = select(
        TaskRow.id, TaskRow.request_key, TaskRow.user_id, TaskRow.status, TaskRow.error
    ).where(TaskRow.kind == ChaosKind.name)
    with database.read() as session:
        rows = {(row.user_id, row.request_key): row for row in session.execute(query)}
        ended = {
            row[0]: row[1]
            for row in session.execute(
                select(TaskEventRow.task_id, func.count())
                .where(TaskEventRow.event == "completed")
                .group_by(TaskEventRow.task_id)
            )
        }
    answers: dict[tuple[int | None, str], set[str]] = defaultdict(set)
    for submit in submits:
        answers[submit.user_id, submit.key].add(submit.task_id or "")
    for key, ids in answers.items():
        row = rows.get(key)
        accepted = ids - {""}
        if accepted and (row is None or accepted != {row.id}):
            yield f"{accepted} was accepted; the database has {row.id if row else 'nothing'}"
    refused = {(one.user_id, one.key) for one in submits if one.refused}
    for key in refused & rows.keys():
        if answers[key] == {""}:
            yield f"a submit was refused and made task {rows[key].id} all the same"
    for key, row in rows.items():
        if key not in answers:
            yield f"task {row.id} was made by nobody's submit"
        if row.status != Status.COMPLETED:
            yield f"task {row.id} ended as {row.status}: {row.error}"
        elif ended.get(row.id) != 1:
            yield f"task {row.id} was completed {ended.get(row.id, 0)} times"


def _effects(database: Database) -> Iterable[str]:
    with database.read() as session:
        marks = Counter(
            (task_id, key)
            for task_id, key in session.execute(select(effects.c.task_id, effects.c.item_key))
        )
        items = session.execute(
            select(ItemRow.task_id, ItemRow.key, ItemRow.status, ItemRow.reason).where(
                ItemRow.task_id.in_(_SUBMITTED)
            )
        ).all()
        tasks = session.scalars(_SUBMITTED).all()
    counts: Counter[str] = Counter()
    for task_id, key, status, reason in items:
        counts[task_id] += 1
        effect_count = marks.pop((task_id, key), 0)
        if effect_count != 1 or status != ItemStatus.DONE:
            yield f"task {task_id} item {key} is {status} {reason!r}, effects: {effect_count}"
    for task_id in tasks:
        if counts[task_id] != ITEMS:
            yield f"task {task_id} has {counts[task_id]} items"
    for task_id, key in marks:
        yield f"an effect of task {task_id} item {key}, which doesn't exist"


def unsound_attempts(history: History) -> Iterable[str]:
    """Yield the tasks whose attempts aren't numbered without a gap, or never ended."""
    for task_id, some in _by_task(history.attempts).items():
        numbers = [one.number for one in some]
        if numbers != list(range(1, len(some) + 1)):
            yield f"task {task_id} has attempts {numbers}"
        for one in some:
            if one.ended_at is None:
                yield f"task {task_id} attempt {one.number} never ended"


def overlaps(history: History) -> Iterable[str]:
    """Yield users who had two tasks at work at a time."""
    by_user: dict[int | None, list[Attempt]] = defaultdict(list)
    for one in history.attempts:
        by_user[one.user_id].append(one)
    for user_id, some in by_user.items():
        some.sort(key=lambda one: one.claimed_at)
        for before, after in pairwise(some):
            if before.ended_at is not None and after.claimed_at < before.ended_at:
                yield (
                    f"user {user_id}: task {after.task_id} was claimed at {after.claimed_at} and "
                    f"{before.task_id} ended at {before.ended_at}"
                )


def _late_effects(database: Database, history: History) -> Iterable[str]:
    ended = {
        (one.task_id, one.number): one.ended_at
        for one in history.attempts
        # The last item's effect and the task's completion are one transaction; that no item has a
        # second effect, later, is shown above.
        if one.ended_at is not None and one.end != "completed"
    }
    with database.read() as session:
        marks = session.execute(select(effects.c.task_id, effects.c.attempt, effects.c.at)).all()
    for task_id, attempt, at in marks:
        end = ended.get((task_id, attempt))
        if end is not None and at > end:
            yield f"task {task_id} attempt {attempt} had an effect at {at}, after its end at {end}"


def _by_task(attempts: list[Attempt]) -> dict[str, list[Attempt]]:
    by_task: dict[str, list[Attempt]] = defaultdict(list)
    for one in attempts:
        by_task[one.task_id].append(one)
    return by_task


def told(what: str, faults: Iterable[str]) -> list[str]:
    """Return faults of one kind, the first in full and the others counted."""
    found = list(faults)
    more = [f"{what}: {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"{what}: {one}" for one in found[:SHOWN]] + more


def active(database: Database) -> int:
    """Return how many tasks haven't ended."""
    query = select(func.count()).where(TaskRow.status.in_(ACTIVE))
    with database.read() as session:
        return session.scalar(query) or 0


def queued_jobs(client: redis.Redis) -> int:
    """Return how many jobs lie in RQ's queues."""
    return sum(int(client.llen(key)) for key in client.scan_iter("rq:queue:*"))


def keys_by_kind(client: redis.Redis) -> Counter[str]:
    """Count Redis's keys; ids in their names are left out."""
    return Counter(_short(key.decode("utf-8", "replace")) for key in client.scan_iter(count=1000))


def _short(name: str) -> str:
    kind = ":".join(name.split(":")[:2])
    return f"{kind}:…" if kind in _NUMEROUS else name


def growing_keys(client: redis.Redis) -> list[str]:
    """Return keys that never expire and nothing bounds."""
    return told("redis keeps", leaks.everlasting(client))
