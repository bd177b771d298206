"""Pictures that come next are fetched and described ahead, and nobody can tell by the drafts."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_leaves import Exchange
from tests.support_pretend import Misbehaviour, PretendWorld, pretend_world, status

from altwright.db.session import Database
from altwright.domain.task import ItemStatus, Status

FILE = re.compile(r"/files/(\d+)-")
PATIENCE_S = 30


@dataclass
class Watch:
    """What a model server was asked, in order, and how often at once; ``before`` holds a call.

    It is told of the post's number, which the prompt has.
    """

    pretend: PretendWorld
    before: Callable[[int], None] = lambda _: None
    asked: list[int] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._answer = self.pretend.model.respond
        self.pretend.model.respond = self

    def __call__(self, exchange: Exchange) -> None:
        """Answer a call."""
        if exchange.path != "/api/chat":
            self._answer(exchange)
            return
        found = re.search(rb"Words of post (\d+)", exchange.call.body)
        number = int(found[1]) if found else 0  # a probe's small picture
        with self._lock:
            self.asked.append(number)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.before(number)
        finally:
            with self._lock:
                self.at_once -= 1
        self._answer(exchange)

    def fetched(self) -> list[int]:
        """Return the numbers of the posts whose pictures were fetched, in order."""
        calls = [FILE.match(call.path) for call in list(self.pretend.fediverse.server.calls)]
        return [int(found[1]) for found in calls if found]


@contextmanager
def watched(
    database: Database, folder: Path, posts: int, *, parallel: int
) -> Iterator[tuple[PretendWorld, Watch]]:
    """Return an account with so many posts of one picture each."""
    with pretend_world(database, folder, timeout_s=PATIENCE_S, parallel=parallel) as pretend:
        for number in range(1, posts + 1):
            pretend.fediverse.post(number)
        yield pretend, Watch(pretend)


def drafts_of(pretend: PretendWorld) -> list[int]:
    """Return the numbers of the posts that have drafts, in the order in which these were made."""
    found = pretend.world.drafts.find(pretend.world.user.id, limit=200).drafts
    return [int(one.post.remote_id) for one in sorted(found, key=lambda one: one.id)]


def ended(pretend: PretendWorld, task_id: str) -> dict[int, ItemStatus]:
    """Return how the posts' items stand."""
    items = pretend.bench.store.items(task_id)
    return {int(one.key.partition(":")[0]): one.status for one in items}


def test_as_many_are_described_at_a_time_as_may_be(database: Database, tmp_path: Path) -> None:
    """Always when there are enough, never more, in their order; so are the drafts."""
    with watched(database, tmp_path, 12, parallel=4) as (pretend, watch):
        gate = threading.Barrier(4)
        watch.before = lambda _: void(gate.wait(PATIENCE_S))
        task = pretend.bench.captions(use_post_text=True)
        assert task.status is Status.COMPLETED
        assert watch.most_at_once == 4
        assert [sorted(watch.asked[at : at + 4]) for at in (8, 4, 0)] == [
            [1, 2, 3, 4],
            [5, 6, 7, 8],
            [9, 10, 11, 12],
        ]
        assert drafts_of(pretend) == list(range(12, 0, -1))


def test_one_at_a_time_finds_the_next_ones_prepared(database: Database, tmp_path: Path) -> None:
    """Two pictures are fetched while one is described, and no more."""
    with watched(database, tmp_path, 6, parallel=1) as (pretend, watch):
        least_fetched = []

        def before(number: int) -> None:
            coming = set(range(max(1, number - 2), number))
            wait_until(lambda: coming <= set(watch.fetched()), PATIENCE_S)
            least_fetched.append(min(watch.fetched()))

        watch.before = before
        assert pretend.bench.captions(use_post_text=True).items_done == 6
        assert watch.most_at_once == 1
        assert watch.asked == [6, 5, 4, 3, 2, 1]
        assert least_fetched == [4, 3, 2, 1, 1, 1]
        assert sorted(watch.fetched()) == [1, 2, 3, 4, 5, 6]


def test_a_pause_between_pictures_is_kept(database: Database, tmp_path: Path) -> None:
    """Nothing is asked for before the pause is over."""
    with watched(database, tmp_path, 3, parallel=4) as (pretend, watch):
        task = pretend.bench.captions(use_post_text=True, processing_delay=0.01)
        assert task.items_done == 3
        assert watch.most_at_once == 1


def test_a_cancel_ends_all_that_is_under_way(database: Database, tmp_path: Path) -> None:
    """Nothing of it is written, and no thread stays."""
    with watched(database, tmp_path, 9, parallel=3) as (pretend, watch):
        bench, over = pretend.bench, threading.Event()
        bench.runner.leases.loop.start()

        def before(number: int) -> None:
            if number <= 7:
                over.wait(PATIENCE_S)

        watch.before = before
        task = bench.submit(
            "captions", account_id=pretend.world.account.id, settings={"use_post_text": True}
        )
        thread = threading.Thread(target=bench.attempt)
        thread.start()
        wait_until(lambda: {7, 6, 5} <= set(watch.asked), PATIENCE_S)
        wait_until(lambda: drafts_of(pretend) == [9, 8], PATIENCE_S)
        bench.store.cancel(task.id, user_id=None, actor="anna")
        thread.join(PATIENCE_S)
        is_over = not thread.is_alive()
        over.set()
        bench.runner.leases.loop.stop()
        assert is_over
        assert bench.store.get(task.id, None).status is Status.CANCELLED
        assert drafts_of(pretend) == [9, 8]


def test_a_stop_costs_no_more_than_what_was_under_way(database: Database, tmp_path: Path) -> None:
    """The next attempt goes on, and describes again what no draft was made of."""
    with watched(database, tmp_path, 20, parallel=3) as (pretend, watch):
        bench = pretend.bench

        def before(number: int) -> None:
            if number == 10 and watch.asked.count(10) == 1:
                bench.interrupted.set()

        watch.before = before
        task = bench.captions(use_post_text=True)
        assert task.status is Status.QUEUED
        made = drafts_of(pretend)
        assert made == list(range(20, 20 - len(made), -1))
        bench.interrupted.clear()
        assert bench.attempt().status is Status.COMPLETED
        assert drafts_of(pretend) == list(range(20, 0, -1))
        again = {number for number, times in Counter(watch.asked).items() if times > 1}
        assert again.isdisjoint(made)
        assert len(again) <= 7  # the one in hand, and twice three ahead
        assert max(Counter(watch.asked).values()) <= 2


def test_it_gives_way_between_two_pictures(database: Database, tmp_path: Path) -> None:
    """Urgent work comes first; what was described ahead isn't written."""
    with watched(database, tmp_path, 9, parallel=3) as (pretend, watch):
        bench = pretend.bench

        def before(number: int) -> None:
            if number == 4 and watch.asked.count(4) == 1:
                wait_until(lambda: 9 in drafts_of(pretend), PATIENCE_S)
                draft = pretend.world.drafts.find(pretend.world.user.id, limit=1).drafts[0]
                by = replace(pretend.world.user.ref, is_admin=True)
                again = {"draft_id": draft.id}
                bench.submit("description", user=by, priority="urgent", settings=again)

        watch.before = before
        low = bench.submit(
            "captions",
            account_id=pretend.world.account.id,
            settings={"use_post_text": True},
            priority="low",
        )
        assert bench.attempt().status is Status.QUEUED
        assert "preempted" in [one.event for one in bench.store.history(low.id)]
        made = drafts_of(pretend)
        assert made == list(range(9, 9 - len(made), -1))
        assert bench.attempt().kind == "description"
        assert bench.attempt().status is Status.COMPLETED
        assert drafts_of(pretend) == list(range(9, 0, -1))


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_bad_picture_is_blamed_alone(database: Database, tmp_path: Path, parallel: int) -> None:
    """Its file, its answer or its refusal; each with its own reason."""
    with watched(database, tmp_path, 12, parallel=parallel) as (pretend, watch):
        pretend.fediverse.wrong.append(Misbehaviour(r"/files/9-", status(404)))
        pretend.fediverse.wrong.append(Misbehaviour(r"/files/6-", status(500), times=1))
        refused = status(400, {"error": "this image can't be read"})
        pretend.model.wrong.append(
            Misbehaviour("/api/chat", refused, method="POST", body="Words of post 4")
        )
        task = pretend.bench.captions(use_post_text=True)
        assert task.status is Status.COMPLETED
        found = ended(pretend, task.id)
        assert [n for n, one in found.items() if one is not ItemStatus.DONE] == [9, 4]
        assert {found[9], found[4]} == {ItemStatus.FAILED}
        reasons = {key: reason for key, _, reason in pretend.bench.outcomes(task) if reason}
        assert "isn't there any more" in reasons["9:900"]
        assert drafts_of(pretend) == [12, 11, 10, 8, 7, 5, 3, 2, 1, 6]
        assert 9 not in watch.asked


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_server_that_asks_for_a_pause_is_left_alone(
    database: Database, tmp_path: Path, parallel: int
) -> None:
    """What had its answer before is kept, no other request begins, and no picture is blamed."""
    with watched(database, tmp_path, 12, parallel=parallel) as (pretend, watch):
        asked_before: list[int] = []
        answer = status(429, {"error": "slow down"}, Retry_After="30")

        def fault(exchange: Exchange) -> None:
            asked_before.extend(watch.asked)
            answer(exchange)

        gone_wrong = Misbehaviour(
            "/api/chat", fault, method="POST", body="Words of post 8", times=1
        )
        pretend.model.wrong.append(gone_wrong)
        task = pretend.bench.captions(use_post_text=True)
        assert task.status is Status.QUEUED
        assert drafts_of(pretend) == [12, 11, 10, 9]
        # Others may begin beside it while its answer is under way.
        assert parallel > 1 or set(watch.asked) == set(asked_before)
        task = pretend.bench.attempt()
        assert task.status is Status.COMPLETED
        assert set(ended(pretend, task.id).values()) == {ItemStatus.DONE}


def test_a_server_that_fails_stops_the_run_as_before(database: Database, tmp_path: Path) -> None:
    """It waits for the server; nobody is blamed, and what was described before is kept."""
    with watched(database, tmp_path, 12, parallel=3) as (pretend, watch):
        probe = Misbehaviour("/api/version", status(503, {"error": "down"}))
        chat = Misbehaviour("/api/chat", status(503, {"error": "down"}), method="POST", after=5)
        pretend.model.wrong.extend([probe, chat])
        task = pretend.bench.captions(use_post_text=True)
        assert task.status is Status.QUEUED
        made = drafts_of(pretend)
        assert made == list(range(12, 12 - len(made), -1))
        assert {5, 4, 3, 2, 1}.isdisjoint(watch.asked)
        pretend.model.wrong.clear()
        task = pretend.bench.attempt()
        assert task.status is Status.COMPLETED
        assert set(ended(pretend, task.id).values()) == {ItemStatus.DONE}


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_pictures_own_turn_decides(database: Database, tmp_path: Path, parallel: int) -> None:
    """One deleted meanwhile gets no draft; one whose post has other words is described anew."""
    with watched(database, tmp_path, 4, parallel=parallel) as (pretend, watch):
        statuses = pretend.fediverse.statuses

        def before(number: int) -> None:
            if number == 4:
                wait_until(lambda: {3, 2} <= set(watch.fetched()), PATIENCE_S)
                del statuses["3"]
                statuses["2"]["content"] = "<p>Words of post 77</p>"

        watch.before = before
        task = pretend.bench.captions(use_post_text=True)
        assert task.status is Status.COMPLETED
        found = ended(pretend, task.id)
        assert found[3] is ItemStatus.SKIPPED
        assert drafts_of(pretend) == [4, 2, 1]
        assert watch.asked.count(77) == 1


def test_what_a_person_has_written_meanwhile_stays(database: Database, tmp_path: Path) -> None:
    """Also if the picture was described ahead."""
    with watched(database, tmp_path, 3, parallel=3) as (pretend, watch):
        before_last = threading.Event()

        def before(number: int) -> None:
            if number == 3:
                wait_until(lambda: {2, 1} <= set(watch.asked), PATIENCE_S)
                pretend.fediverse.statuses["1"]["media_attachments"][0]["description"] = "By hand."
                before_last.set()

        watch.before = before
        task = pretend.bench.captions(use_post_text=True)
        assert before_last.is_set()
        assert ended(pretend, task.id)[1] is ItemStatus.SKIPPED
        assert drafts_of(pretend) == [3, 2]


def void(_: object) -> None:
    """Return nothing."""
