"""What a run promised, and whether the tables keep it."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from tests.simulation.fake_redis import Server
from tests.simulation.world import Violation, World

from altwright.domain.user import UserRef
from altwright.tasks.task import Task

ENDS = ("completed", "failed", "cancelled")
#: History entries after which a task waits again.
BACK = (
    *("retry", "waiting", "trying again later", "preempted", "worker stopped", "time used up"),
    *("slice over", "database away", "rescued"),
)
#: Seconds after a flush within which all jobs have to be back: two passes of the dispatcher.
BACK_WITHIN_S = 1.6
#: Seconds after which somebody dispatches.
BEGUN_AFTER_S = 1.2


class Ledger:
    """Looks at the tables past the engine, through a connection of its own."""

    def __init__(self, world: World, file: str) -> None:
        """Take the database's file."""
        self._world = world
        self._sql = sqlite3.connect(file, isolation_level=None)
        self._accepted: dict[str, tuple[int, str | None]] = {}
        self._lossless = world.faults.none
        self._losses: list[str] = []
        self._begun: dict[tuple[str, int], bool] = {}

    def reset(self) -> None:
        """Empty the tables of the run before."""
        self._sql.execute("BEGIN IMMEDIATE")
        for table in ("engine_effects", "task_events", "task_items", "tasks", "leases"):
            self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
        self._sql.execute("DELETE FROM service_state")
        self._sql.execute("COMMIT")

    def close(self) -> None:
        """Give the connection back."""
        self._sql.close()

    def active_count(self) -> int:
        """Return how many tasks haven't ended."""
        query = "SELECT COUNT(*) FROM tasks WHERE status IN ('queued', 'running')"
        return int(self._sql.execute(query).fetchone()[0])

    def moment(self) -> int:
        """Return how much has happened until now."""
        return int(self._sql.execute("SELECT COALESCE(MAX(id), 0) FROM task_events").fetchone()[0])

    def begins(self, task: Task) -> None:
        """Check that a worker which was given an attempt is the only one that was."""
        if self._begun.get((task.id, task.attempt)):
            raise Violation(f"attempt {task.attempt} of {task.id} began twice")
        self._begun[task.id, task.attempt] = True

    def accepted(self, user: UserRef, key: str | None, task_id: str) -> None:
        """Note a promise to a user; check that a repeated request gets the same task."""
        if key is not None:
            for known, (_, its_key) in self._accepted.items():
                if its_key == key and known != task_id:
                    raise Violation(f"request {key} got {known} and {task_id}")
        self._accepted[task_id] = (user.id, key)

    def refused(self, user: UserRef, task_id: str, since: int) -> None:
        """Check that a refusal names a task of the user that was active during the request."""
        row = self._sql.execute("SELECT user_id FROM tasks WHERE id = ?", (task_id,)).fetchone()
        if row is None or row[0] != user.id:
            raise Violation(f"{user.username} was refused because of a task that isn't theirs")
        last = self._sql.execute(
            "SELECT event FROM task_events WHERE task_id = ? AND id <= ? ORDER BY id DESC LIMIT 1",
            (task_id, since),
        ).fetchone()
        if last is not None and last[0] in ENDS:
            raise Violation(f"{user.username} was refused because of a task that had ended")

    def redis_was_lost(self) -> None:
        """Note that Redis may lack jobs from now on."""
        self._lossless = False

    def job_was_gone(self, job_id: str) -> None:
        """Note a popped job whose hash wasn't there."""
        self._losses.append(f"job {job_id} had no hash")

    def was_too_late(self, task_id: str) -> None:
        """Check that a job which had nothing to claim was one of a task that exists."""
        row = self._sql.execute("SELECT 1 FROM tasks WHERE id = ?", (task_id,)).fetchone()
        if row is None:
            raise Violation(f"{task_id} was in RQ before it was in the database")

    def watch_one_flush(self, server: Server) -> None:
        """Flush Redis once when tasks wait there; all have to be back within a moment."""
        world = self._world
        flushed_at: list[float] = []
        lost: list[tuple[str, int]] = []

        def strike() -> None:
            if world.at < BEGUN_AFTER_S:
                return
            if not flushed_at:
                waiting = [server.jobs[one] for some in server.lists.values() for one in some]
                if len(waiting) >= 2 and world.dice.random() < 0.05:
                    world.say("FAULT one flush")
                    self._lossless = False
                    flushed_at.append(world.at)
                    lost.extend(waiting)
                    server.flush()
            elif lost and world.at > flushed_at[0] + BACK_WITHIN_S:
                self._check_back(server, lost)
                lost.clear()

        world.strike = strike

    def _check_back(self, server: Server, lost: list[tuple[str, int]]) -> None:
        there = {server.jobs.get(one) for some in server.lists.values() for one in some}
        there |= server.popped  # with a worker that is about to claim it
        for task_id, attempt in lost:
            row = self._sql.execute(
                "SELECT status, attempt, delivery FROM tasks WHERE id = ?", (task_id,)
            ).fetchone()
            if row == ("queued", attempt, "rq") and (task_id, attempt) not in there:
                raise Violation(f"{task_id} isn't back in Redis after a flush")

    def check(self, submit: Callable[[UserRef], Any]) -> None:
        """Check everything at the end.

        Raises:
            Violation: a promise was broken.
        """
        if self._world.broken:
            raise Violation("; ".join(self._world.broken))
        self._check_histories()
        self._check_items()
        self._check_requests()
        users = sorted({user_id for user_id, _ in self._accepted.values()})
        held = "SELECT id FROM tasks WHERE active_key IS NOT NULL"
        if left := self._sql.execute(held).fetchall():
            raise Violation(f"{left} have ended and still stand in their users' way")
        if users:
            user_id = self._world.dice.choice(users)
            submit(UserRef(user_id, f"user{user_id}"))
        rescued = "SELECT task_id FROM task_events WHERE event = 'rescued'"
        if self._world.calm and (taken := self._sql.execute(rescued).fetchall()):
            raise Violation(f"{taken} were taken from workers that lived")
        if self._lossless and self._losses:
            raise Violation(f"jobs were lost though nothing went wrong: {self._losses}")

    def _check_histories(self) -> None:
        active: dict[int, set[str]] = defaultdict(set)
        state: dict[str, tuple[str, int]] = {}
        rows = self._sql.execute(
            "SELECT e.task_id, e.event, e.attempt, t.user_id FROM task_events e "
            "JOIN tasks t ON t.id = e.task_id ORDER BY e.id"
        )
        for task_id, event, attempt, user_id in rows:
            state[task_id] = _after(task_id, state.get(task_id, ("", -1)), event, attempt)
            if state[task_id][0] == "ended":
                active[user_id].discard(task_id)
            else:
                active[user_id].add(task_id)
            if len(active[user_id]) > 1:
                raise Violation(f"user {user_id} has {len(active[user_id])} active tasks")
        stored = dict(self._sql.execute("SELECT id, status FROM tasks").fetchall())
        for task_id in self._accepted:
            if task_id not in stored:
                raise Violation(f"{task_id} was accepted and isn't there")
        for task_id, status in stored.items():
            if state.get(task_id, ("", 0))[0] != "ended" or status not in ENDS:
                raise Violation(f"{task_id} is {status}, its history says {state.get(task_id)}")

    def _check_items(self) -> None:
        effects = Counter(self._sql.execute("SELECT task_id, key FROM engine_effects").fetchall())
        items = self._sql.execute(
            "SELECT i.task_id, i.key, i.status, t.status FROM task_items i "
            "JOIN tasks t ON t.id = i.task_id"
        ).fetchall()
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for task_id, key, status, task_status in items:
            wanted = 1 if status == "done" else 0
            if effects.pop((task_id, key), 0) != wanted:
                raise Violation(f"item {key} of {task_id} is {status} and hasn't {wanted} effects")
            if task_status == "completed" and status == "pending":
                raise Violation(f"{task_id} is completed with a pending item")
            counts[task_id][status] += 1
        if effects:
            raise Violation(f"effects without items: {effects}")
        for task_id, status, *kept, total, settings in self._sql.execute(
            "SELECT id, status, items_done, items_skipped, items_failed, items_total, settings "
            "FROM tasks"
        ).fetchall():
            counted = [counts[task_id][one] for one in ("done", "skipped", "failed")]
            if counted != kept:
                raise Violation(f"{task_id} counts {kept}, its items {counted}")
            if status == "completed" and (total != sum(kept) or f": {total}" not in settings):
                raise Violation(f"{task_id} completed {sum(kept)} of {total} items of {settings}")

    def _check_requests(self) -> None:
        twice = self._sql.execute(
            "SELECT user_id, request_key FROM tasks WHERE request_key IS NOT NULL "
            "GROUP BY user_id, request_key HAVING COUNT(*) > 1"
        ).fetchall()
        if twice:
            raise Violation(f"requests made two tasks: {twice}")


def _after(task_id: str, before: tuple[str, int], event: str, attempt: int) -> tuple[str, int]:
    """Return the state and attempt after an entry of the history, which has to fit."""
    state, last = before
    if event == "queued":
        fits, after = (state, attempt) == ("", 0), "queued"
    elif event == "claimed":
        fits, after = state == "queued" and attempt == last + 1, "running"
    elif event == "cancelled":
        fits, after = state in {"queued", "running", "asked"} and attempt == last, "ended"
    else:
        after = "queued" if event in BACK else "asked" if event == "cancel requested" else "ended"
        known = event in {*BACK, *ENDS, "cancel requested"}
        # Who was told that a task will be cancelled shall not find it completed.
        from_state = {"running"} if event == "completed" else {"running", "asked"}
        fits = known and state in from_state and attempt == last
    if not fits:
        raise Violation(f"{task_id}: {event} of attempt {attempt} after {state} of {last}")
    return after, attempt
