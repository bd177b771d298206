"""Cancel, stop and time limit reach a worker wherever it waits, and nobody waits for others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_leaves import Exchange, serving
from tests.support_pretend import (
    Fault,
    Misbehaviour,
    PretendMastodon,
    PretendWorld,
    dribbles,
    hangs,
    pretend_world,
)

from altwright.db.session import Database
from altwright.domain.task import Status
from altwright.tasks.execution.retrying import NO_PROGRESS
from altwright.workers.worker import TaskWorker

#: Seconds that servers are given; far more than any of these tests takes.
PATIENT_S = 900.0
PLACES = {
    "listing": r"/statuses/?(\?|$)",
    "post": r"/api/v1/statuses/",
    "picture": r"/files/",
}


@pytest.fixture
def pretend(database: Database, tmp_path: Path) -> Iterator[PretendWorld]:
    """Return a world in which nobody's patience ends."""
    with pretend_world(database, tmp_path, timeout_s=PATIENT_S) as world:
        world.bench.runner.leases.loop.start()
        world.fediverse.post(1)
        world.fediverse.post(2)
        yield world
        world.bench.runner.leases.loop.stop()


@contextmanager
def at_work(pretend: PretendWorld, *names: str) -> Iterator[list[TaskWorker]]:
    """Let workers take what waits until the end of the block."""
    bench = pretend.bench
    over = threading.Event()
    workers = [TaskWorker(name, bench.work_parts()) for name in names]

    def work(worker: TaskWorker) -> None:
        while not (over.is_set() or worker.interrupted.is_set()):
            if not worker.take_next():
                over.wait(0.05)

    threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        over.set()
        for worker in workers:
            worker.interrupted.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "it got stuck"


def state(pretend: PretendWorld, task_id: str) -> Status:
    """Return where a task is."""
    return pretend.bench.store.get(task_id, None).status


@pytest.mark.parametrize("fault", [hangs, dribbles])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["cancel", "stop"])
def test_it_reaches_a_worker_that_waits_for_a_server(
    pretend: PretendWorld, fault: Fault, place: str, how: str
) -> None:
    """While the server still dribbles; a cancel ends the task, a stop hands it back."""
    there = threading.Event()

    def met(exchange: Exchange) -> None:
        there.set()
        fault(exchange)

    pretend.fediverse.wrong.append(Misbehaviour(PLACES[place], met))
    bench = pretend.bench
    task = bench.submit("captions", account_id=pretend.world.account.id)
    with at_work(pretend, "w1") as (worker,):
        assert there.wait(60)
        if how == "cancel":
            bench.store.cancel(task.id, user_id=None, actor="anna")
            wait_until(lambda: state(pretend, task.id) is Status.CANCELLED, 60)
        else:
            worker.interrupted.set()
            wait_until(lambda: state(pretend, task.id) is Status.QUEUED, 60)
            assert bench.store.history(task.id)[-1].event == "worker stopped"
            bench.store.cancel(task.id, user_id=None, actor="anna")


def test_the_time_limit_reaches_it_too(pretend: PretendWorld) -> None:
    """A run whose server dribbles for ever ends as failed, with a sentence."""
    bench = pretend.bench
    at = [0.0]
    bench.runner._clock = lambda: at[0]  # noqa: SLF001 - time, which the test turns
    calls: list[None] = []

    def met(exchange: Exchange) -> None:
        at[0] += 10_000
        calls.append(None)
        dribbles(exchange)

    pretend.fediverse.wrong.append(Misbehaviour(PLACES["listing"], met))
    task = bench.submit("captions", account_id=pretend.world.account.id)
    with at_work(pretend, "w1"):
        wait_until(lambda: state(pretend, task.id) is Status.FAILED, 60)
    assert bench.store.get(task.id, None).error_category == "timeout"
    assert len(calls) == 3


@contextmanager
def account_of(pretend: PretendWorld, user_id: int, fault: Fault) -> Iterator[int]:
    """Connect another user's account, on a server that goes wrong when its posts are listed."""
    pretended = PretendMastodon()
    with serving(pretended) as pretended.server:
        url = pretended.server.url
        account = pretend.world.accounts.add(user_id, "mastodon", url, "token")
        pretended.wrong.append(Misbehaviour(PLACES["listing"], fault))
        yield account.id


def endless(pretend: PretendWorld) -> Callable[[Exchange], None]:
    """Return pages that never end, of posts that are somebody else's."""
    pages = iter(range(1, 1_000_000))

    def page(exchange: Exchange) -> None:
        first = next(pages) * 40
        someone = {**pretend.fediverse.statuses["1"], "account": {"id": "8"}}
        exchange.answer(200, [{**someone, "id": str(first + at)} for at in range(40)])

    return page


def endless_of_their_own(pretend: PretendWorld) -> Callable[[Exchange], None]:
    """Return pages that never end, of posts without a picture."""
    pages = iter(range(1, 1_000_000))

    def page(exchange: Exchange) -> None:
        exchange.server.closing.wait(0.05)
        first = next(pages) * 40
        post = {**pretend.fediverse.statuses["1"], "media_attachments": []}
        exchange.answer(200, [{**post, "id": str(first + at)} for at in range(40)])

    return page


def test_two_users_with_a_bad_server_hold_no_worker_for_longer_than_a_slice(
    pretend: PretendWorld,
) -> None:
    """One has an endless server, one a dribbling one; nobody cancels, and a third gets her turn."""
    bench, world = pretend.bench, pretend.world
    bench.runner._slice_s = 0.1  # noqa: SLF001 - the setting is for longer ones
    with ExitStack() as stack:
        tasks = []
        for name, fault in (("bob", dribbles), ("cleo", endless_of_their_own(pretend))):
            user = world.users.create(name, "correct horse")
            other = stack.enter_context(account_of(pretend, user.id, fault))
            tasks.append(bench.submit("captions", user=user.ref, account_id=other))
        with at_work(pretend, "w1", "w2"):
            wait_until(lambda: all(state(pretend, one.id) is Status.RUNNING for one in tasks))
            third = bench.submit("captions", account_id=world.account.id)
            wait_until(lambda: state(pretend, third.id) is Status.COMPLETED)
            for one in tasks:
                assert not bench.store.get(one.id, None).ended
                bench.store.cancel(one.id, user_id=None, actor="root")
            wait_until(lambda: all(state(pretend, one.id) is Status.CANCELLED for one in tasks))
    assert bench.store.get(third.id, None).items_done == 2


def test_a_dribbling_server_ends_its_run_while_others_wait(pretend: PretendWorld) -> None:
    """With one worker and a user who waits each time, three slices without progress end it."""
    bench, world = pretend.bench, pretend.world
    bench.runner._slice_s = 0.1  # noqa: SLF001 - the setting is for longer ones
    user = world.users.create("bob", "correct horse")
    with account_of(pretend, user.id, dribbles) as other, at_work(pretend, "w1"):
        bad = bench.submit("captions", user=user.ref, account_id=other)
        for _ in range(3):
            wait_until(lambda: state(pretend, bad.id) is Status.RUNNING)
            good = bench.submit("captions", account_id=world.account.id)
            wait_until(lambda: state(pretend, good.id) is Status.COMPLETED)  # noqa: B023 - now
    dead = bench.store.get(bad.id, None)
    assert (dead.status, dead.error) == (Status.FAILED, NO_PROGRESS)


def test_two_users_with_a_bad_server_dont_keep_a_third_from_working(
    pretend: PretendWorld,
) -> None:
    """One has an endless server, one a dribbling one; both cancel, and the third gets her turn."""
    bench, world = pretend.bench, pretend.world
    with ExitStack() as stack:
        tasks = []
        for name, fault in (("bob", dribbles), ("cleo", endless(pretend))):
            user = world.users.create(name, "correct horse")
            other = stack.enter_context(account_of(pretend, user.id, fault))
            tasks.append(bench.submit("captions", user=user.ref, account_id=other))
        with at_work(pretend, "w1", "w2"):
            wait_until(lambda: all(state(pretend, one.id) is Status.RUNNING for one in tasks), 60)
            third = bench.submit("captions", account_id=world.account.id)
            for one in tasks:
                bench.store.cancel(one.id, user_id=None, actor="root")
            wait_until(lambda: state(pretend, third.id) is Status.COMPLETED, 60)
            # Of pages without end that are somebody else's some are read; the cancel may come late.
            wait_until(lambda: all(bench.store.get(one.id, None).ended for one in tasks))
            assert state(pretend, tasks[0].id) is Status.CANCELLED
    assert bench.store.get(third.id, None).items_done == 2
