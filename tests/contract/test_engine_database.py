"""The engine under the databases' own troubles: locks, deadlocks, lost connections, long tables."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import OperationalError as SQLAlchemyOperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from tests.support import PATIENCE_S, wait_until
from tests.support_engine import (
    BERT,
    NOWHERE,
    Rig,
    at_once,
    effect_of,
    make_users,
    new_task,
)

from altwright.db import session as session_module
from altwright.db.session import Database, Deadlocked, again_after_deadlock, make_engine
from altwright.db.tables import UserRow
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.domain.user import UserRef
from altwright.errors import (
    ActiveTaskExists,
    AltwrightError,
    DatabaseUnavailable,
    TaskStateConflict,
)
from altwright.tasks.store.items import Planned, Worked

pytestmark = pytest.mark.every_database


def in_use(database: Database) -> int:
    """Return how many connections are out of the pool."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def _refused_submit(rig: Rig) -> None:
    rig.submit()
    with pytest.raises(ActiveTaskExists):
        rig.submit()


def _zombie(rig: Rig) -> None:
    rig.submit()
    task, item = rig.begin()
    rig.rescuer.rescue(task.id, task.attempt, "test")
    with pytest.raises(TaskStateConflict):
        rig.items.end_item(task, item, Worked(ItemStatus.DONE), 0.1)


def _broken_effect(rig: Rig) -> None:
    rig.submit()
    task, item = rig.begin()

    def effect(session: Any) -> None:
        session.execute(text("SELECT 1"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rig.items.end_item(task, item, Worked(ItemStatus.DONE, effect=effect), 0.1)


def _broken_statement(rig: Rig) -> None:
    with pytest.raises(DBAPIError), rig.database.write() as session:
        session.execute(text("SELECT nonsense FROM nowhere"))


def _broken_plan(rig: Rig) -> None:
    rig.submit()
    task = rig.take()

    def items() -> Iterator[Planned]:
        yield Planned("a", "A")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rig.items.plan(task, items())


def _interrupted(rig: Rig) -> None:
    with pytest.raises(KeyboardInterrupt), rig.database.write() as session:
        _then(session, KeyboardInterrupt())


def _abandoned_read(rig: Rig) -> None:
    with pytest.raises(ZeroDivisionError), rig.database.read() as session:
        _then(session, ZeroDivisionError())


def _then(session: Session, error: BaseException) -> None:
    session.execute(text("SELECT 1"))
    raise error


def _failed_task(rig: Rig) -> None:
    def meet(_run: Any, _item: Any) -> None:
        raise RuntimeError

    rig.kind.meet = meet
    rig.submit()
    rig.drain_database()


def _cut(rig: Rig) -> None:
    with pytest.raises(DatabaseUnavailable), rig.database.write() as session:
        _cut_and_ask(rig.database, session)


ERROR_PATHS = {
    "refused submit": _refused_submit,
    "zombie": _zombie,
    "broken effect": _broken_effect,
    "broken statement": _broken_statement,
    "broken plan": _broken_plan,
    "interrupted": _interrupted,
    "abandoned read": _abandoned_read,
    "failed task": _failed_task,
    "cut connection": _cut,
}


def _cut_and_ask(database: Database, session: Session) -> None:
    """Let the server end the session's connection, and use it."""
    match database.engine.dialect.name:
        case "postgresql":
            number = session.scalar(text("SELECT pg_backend_pid()"))
            statement = f"SELECT pg_terminate_backend({number})"
        case "sqlite":
            raise DatabaseUnavailable("SQLite has no connection to cut.")
        case _:
            number = session.scalar(text("SELECT CONNECTION_ID()"))
            statement = f"KILL {number}"
    with database.engine.connect() as other:
        other.exec_driver_sql(statement)
    session.execute(text("SELECT 1"))


@pytest.mark.req("6.6", "sessions are closed")
@pytest.mark.req("6.8", "no leak")
@pytest.mark.req("6.8", "counted")
@pytest.mark.parametrize("path", ERROR_PATHS)
def test_every_path_gives_its_connection_back(rig: Rig, path: str) -> None:
    """After each kind of error no connection is out of the pool, and the next work succeeds."""
    ERROR_PATHS[path](rig)
    assert in_use(rig.database) == 0
    assert rig.submit(BERT).status is Status.QUEUED
    assert in_use(rig.database) == 0


def test_connections_that_were_cut_in_the_pool(rig: Rig) -> None:
    """They are replaced before anybody uses one."""
    rig.store.recent(None)
    _cut_all(rig.database)
    assert rig.submit(BERT).status is Status.QUEUED
    assert in_use(rig.database) == 0


def _cut_all(database: Database) -> None:
    """Let the server end all connections to a database; SQLite has none."""
    other = make_engine(database.engine.url.render_as_string(hide_password=False))
    match database.engine.dialect.name:
        case "sqlite":
            return
        case "postgresql":
            numbers = "pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            numbers += " AND datname = current_database()"
            end = "SELECT pg_terminate_backend({})"
        case _:
            numbers = "id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
            numbers += " AND db = DATABASE()"
            end = "KILL {}"
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        there = connection.scalars(text(f"SELECT {numbers}")).all()
        for number in there:
            connection.exec_driver_sql(end.format(number))
        gone = text(f"SELECT {numbers}")
        wait_until(lambda: not {*there} & {*connection.scalars(gone)})
    other.dispose()


@contextmanager
def impatient(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Give a second way to the same database that waits for locks a second at most."""
    monkeypatch.setattr(session_module, "SQLITE_BUSY_S", 0.2)
    monkeypatch.setattr(session_module, "LOCK_WAIT_MS", 1000)
    other = Database(make_engine(database.engine.url.render_as_string(hide_password=False)))
    yield other
    assert in_use(other) == 0
    other.close()


def test_a_lock_that_isnt_had_in_time_is_a_passing_fault(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submit that waits for another transaction gives up with 503 instead of hanging."""
    with impatient(rig.database, monkeypatch) as other:
        store = Rig(other, NOWHERE).store
        with rig.database.write() as session:
            session.execute(text("UPDATE users SET email = 'x' WHERE id = 1"))
            task = new_task("1" * 36)
            session.add(
                TaskRow(id="2" * 36, kind="x", user_id=1, exclusive_key="user:1", settings="")
            )
            session.flush()
            with pytest.raises(DatabaseUnavailable) as fault:
                store.submit(task, delivery=Delivery.DATABASE, actor="anna")
            assert not isinstance(fault.value, Deadlocked)


def test_a_missing_table_is_no_passing_fault(database: Database) -> None:
    """What no retry can heal is raised as it is, so that it's seen."""
    with pytest.raises((ProgrammingError, SQLAlchemyOperationalError)), database.read() as session:
        session.execute(text("SELECT * FROM never_made"))
    with pytest.raises((ProgrammingError, SQLAlchemyOperationalError)), database.read() as session:
        session.execute(text("SELECT no_such_column FROM tasks"))


def test_a_broken_rule_is_no_passing_fault(database: Database) -> None:
    """A unique index that refuses is the caller's to understand."""
    make_users(database, [1])
    with pytest.raises(IntegrityError):
        make_users(database, [1])


def test_a_deadlock_is_told_from_other_faults_and_tried_again(database: Database) -> None:
    """Two transactions that wait for each other: one is rolled back, tried again, and succeeds."""
    if database.engine.dialect.name == "sqlite":
        with pytest.raises(Deadlocked):
            again_after_deadlock(_deadlocked)()
        return
    make_users(database, [1, 2])
    tries: list[int] = []

    def write_both(first: int, second: int, barrier: Callable[[], None]) -> None:
        @again_after_deadlock
        def transaction() -> None:
            tries.append(first)
            with database.write() as session:
                for number in (first, second):
                    statement = update(UserRow).where(UserRow.id == number)
                    session.execute(statement.values(email=str(first)))
                    if len(tries) <= 2:
                        barrier()

        transaction()

    met: list[int] = []
    both = threading.Event()

    def wait_for_both() -> None:
        met.append(1)
        if len(met) > 1:
            both.set()
        both.wait(PATIENCE_S)

    orders = [(1, 2), (2, 1)]
    results = at_once(2, lambda n: write_both(*orders[n], wait_for_both))
    assert results == [None, None]
    assert len(tries) >= 3  # the one that is rolled back may be quick, and in the way once more


def _deadlocked() -> None:
    raise Deadlocked("again")


#: What each thread does.
ACTIONS = 60


@dataclass
class Chaos:
    """What threads do to one engine at random, and what they saw."""

    rig: Rig
    users: list[UserRef]
    accepted: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def submit(self, dice: random.Random) -> None:
        """Submit for a user who may have a task already."""
        self.accepted.append(self.rig.submit(dice.choice(self.users)).id)

    def work(self, dice: random.Random) -> None:
        """Claim a task and work on it to its end."""
        claims, items = self.rig.claims, self.rig.items
        task = claims.claim_next(f"w{dice.random()}")
        if task is None:
            return
        items.plan(task, [Planned(f"item-{n}", "x") for n in range(2)])
        while (item := self.rig.next_item(task.id)) is not None:
            items.end_item(
                task, item, Worked(ItemStatus.DONE, effect=effect_of(task, item.key)), 0.1
            )
        claims.complete(task, "done")
        self.done.append(task.id)

    def cancel(self, dice: random.Random) -> None:
        """Cancel one of the last tasks."""
        if self.accepted:
            self.rig.store.cancel(dice.choice(self.accepted[-10:]), user_id=None, actor="x")

    def dispatch(self, _dice: random.Random) -> None:
        """Do what a dispatcher does, and take a task away from its worker."""
        backlog = self.rig.backlog
        for task_id, attempt, *_ in self.rig.rescuer.running()[:1]:
            self.rig.rescuer.rescue(task_id, attempt, "test")
        backlog.mark(backlog.due(Priority.NORMAL, 5), Delivery.RQ)
        backlog.take_from_rq()

    def act(self, number: int) -> list[str]:
        """Act; return the errors that nobody should meet."""
        dice = random.Random(number)  # noqa: S311 - a seed, no secret
        faults = []
        actions = [self.submit, self.submit, *[self.work] * 3, self.cancel, self.dispatch]
        for _ in range(ACTIONS):
            try:
                dice.choice(actions)(dice)
            except (ActiveTaskExists, TaskStateConflict):
                continue
            except AltwrightError as error:
                faults.append(repr(error))
        return faults


def test_everything_at_once_meets_no_error(rig: Rig) -> None:
    """Eight threads submit, claim, work, cancel, rescue and mark at random: no error, no loss."""
    rig.lose_redis()
    chaos = Chaos(rig, make_users(rig.database, range(100, 140)))
    assert at_once(8, chaos.act) == [[]] * 8
    for task_id, attempt, *_ in rig.rescuer.running():
        rig.rescuer.rescue(task_id, attempt, "the end")
    rig.drain_database()
    assert chaos.done
    for task_id in chaos.accepted:
        task = rig.store.get(task_id, None)
        assert task.ended
        if task.status is Status.COMPLETED:
            assert sorted(set(rig.effects(task_id))) == sorted(rig.effects(task_id))


def test_the_databases_clock_decides(database: Database) -> None:
    """Offsets, fractions of seconds and the past mean the same on each."""
    with database.read() as session:
        columns = select(now(), now(1.5), now(-86_400), now())
        first, later, earlier, last = session.execute(columns).one()
    rounding = timedelta(milliseconds=1)
    for shifted, by in ((later, timedelta(seconds=1.5)), (earlier, timedelta(days=-1))):
        assert first - rounding <= shifted - by <= last + rounding
