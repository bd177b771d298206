"""A run over an account in which one post in twenty is poisoned, in every way there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from tests.support_pretend import (
    Fault,
    Misbehaviour,
    PretendWorld,
    answers,
    breaks_off,
    drops,
    pretend_world,
    status,
)

from altwright.db.session import Database
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ItemStatus, Status
from altwright.tasks.task import Task

#: One post in so many is poisoned.
EVERY = 20
PAGE = answers(b"<html>Just a moment</html>")
READING: list[Fault] = [
    *(status(code) for code in (500, 502, 401, 403, 404, 410, 422, 400)),
    *(answers([]), answers({}), PAGE, drops, breaks_off),
]
FILES: list[Fault] = [
    *(status(code) for code in (404, 403, 500, 503)),
    *(answers(b""), PAGE, drops, breaks_off),
]
MODEL: list[Fault] = [
    *(status(code, {"error": "no"}) for code in (500, 503, 403, 400, 413)),
    *(answers([]), answers({}), PAGE, drops, breaks_off),
]


SLOW = [pytest.mark.slow_proof, pytest.mark.timeout(1800)]


@pytest.fixture(params=[200, pytest.param(2000, marks=SLOW)])
def pretend(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> Iterator[PretendWorld]:
    """Return an account with many posts, some of four pictures."""
    with pretend_world(database, tmp_path, timeout_s=30) as world:
        for number in range(1, request.param + 1):
            world.fediverse.post(number, pictures=4 if number % 40 == 0 else 1)
        yield world


def poison(pretend: PretendWorld) -> set[str]:
    """Let something be wrong with one post in twenty; return the posts' ids."""
    reading, files, model = cycle(READING), cycle(FILES), cycle(MODEL)
    count = len(pretend.fediverse.statuses)
    poisoned = [str(number) for number in range(EVERY, count + 1, EVERY)]
    # Several in a row, too.
    poisoned += [str(count // 2 + number) for number in (1, 2, 3)]
    for at, number in enumerate(sorted(set(poisoned), key=int)):
        where = at % 3
        if where == 0:
            one = Misbehaviour(rf"/api/v1/statuses/{number}/?$", next(reading))
            pretend.fediverse.wrong.append(one)
        elif where == 1:
            one = Misbehaviour(rf"/files/{number}-", next(files))
            pretend.fediverse.wrong.append(one)
        else:
            words = f"Words of post {number}\\"
            one = Misbehaviour("/api/chat", next(model), "POST", body=words)
            pretend.model.wrong.append(one)
    return set(poisoned)


def finish(pretend: PretendWorld) -> Task:
    """Run over the account until it ends."""
    bench = pretend.bench
    settings = {"use_post_text": True}
    task = bench.submit("captions", account_id=pretend.world.account.id, settings=settings)
    for _ in range(30):
        task = bench.attempt()
        if task.ended:
            return task
    raise AssertionError(f"no end: {task}")


def drafts(pretend: PretendWorld) -> dict[str, tuple[int, str]]:
    """Return version and text of each picture's draft."""
    world = pretend.world
    found: dict[str, tuple[int, str]] = {}
    cursor = None
    while True:
        page = world.drafts.find(
            world.user.id, statuses=(DraftStatus.DRAFT,), limit=200, cursor=cursor
        )
        found |= {one.picture.remote_id: (one.version, one.text) for one in page.drafts}
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_every_good_picture_is_described_and_no_bad_one_is_in_the_way(
    pretend: PretendWorld,
) -> None:
    """The run ends, each bad picture says why, and the next run begins and ends with the bad."""
    bad = poison(pretend)
    good = {
        media["id"]
        for number, post in pretend.fediverse.statuses.items()
        for media in post["media_attachments"]
        if number not in bad
    }
    first = finish(pretend)
    assert first.status is Status.COMPLETED
    assert set(drafts(pretend)) == good
    items = pretend.bench.store.items(first.id)
    unfinished = [one for one in items if one.status is not ItemStatus.DONE]
    assert {one.key.partition(":")[0] for one in unfinished} == bad
    assert all(one.reason for one in unfinished)
    before = drafts(pretend)

    newest = len(pretend.fediverse.statuses) + 1
    pretend.fediverse.post(newest)
    second = finish(pretend)
    assert second.status is Status.COMPLETED
    again = pretend.bench.store.items(second.id)
    assert again[0].key.partition(":")[0] == str(newest)
    assert {one.key.partition(":")[0] for one in again[1:]} <= bad
    failed_before = [one for one in again if re.search(r"failed before, since", one.label)]
    assert failed_before == again[-len(failed_before) :]
    after = drafts(pretend)
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 1


def test_a_page_that_always_fails_costs_only_what_is_older(pretend: PretendWorld) -> None:
    """What the server lists before it is described, and one sentence says how far that was."""
    newest = len(pretend.fediverse.statuses)
    pretend.fediverse.wrong.append(Misbehaviour(rf"max_id={newest - 79}$", status(500)))
    task = finish(pretend)
    assert task.status is Status.COMPLETED
    (failed,) = pretend.bench.store.items(task.id, [ItemStatus.FAILED])
    assert failed.label == "All older posts"
    assert failed.reason == (
        "The server listed 80 posts with pictures, which this run covers, "
        "and fails at those before them: The server is in trouble (it answered 500)."
    )
    covered = {str(number) for number in range(newest - 79, newest + 1)}
    described = pretend.bench.store.items(task.id, [ItemStatus.DONE])
    assert {one.key.partition(":")[0] for one in described} == covered
    assert len(drafts(pretend)) == task.items_done


def test_a_server_that_is_down_is_waited_for_behind_a_page(pretend: PretendWorld) -> None:
    """Nobody takes its outage for the end of the account."""
    newest = len(pretend.fediverse.statuses)
    pretend.fediverse.wrong = [
        Misbehaviour(rf"max_id={newest - 39}$", status(502)),
        Misbehaviour("verify_credentials", status(502), after=1),
    ]
    bench = pretend.bench
    bench.submit("captions", account_id=pretend.world.account.id)
    for _ in range(6):
        assert bench.attempt().status is Status.QUEUED
    pretend.fediverse.wrong.clear()
    assert bench.attempt().items_failed == 0
