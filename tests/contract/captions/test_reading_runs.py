"""Runs over a real server's answers that are odd: what can be described is, the rest is said."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.pretend_reading import WALL, PretendServer, medium, raw, said, status
from tests.support_domain import Bench, PictureServer, drafted, make_world
from tests.support_leaves import TOKEN, Exchange, serving

from altwright.accounts.connections import Account, AccountStore
from altwright.db.session import Database
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.tasks.task import Task

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=20)
pytestmark = pytest.mark.every_database


class Reading:
    """A bench whose account lies on a PretendServer, read by the platform's own class."""

    def __init__(self, database: Database, pictures: PictureServer, folder: Path) -> None:
        """Take what a bench needs."""
        self.world = make_world(database)
        self.world.accounts = AccountStore(
            database, self.world.box, partial(connect, outbound=OUTBOUND)
        )
        self.bench = Bench(self.world, pictures, folder)
        self.pictures = pictures
        self.server = PretendServer()
        self.account: Account

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Run the server, and connect the account."""
        with serving(self.server.respond) as local:
            add = self.world.accounts.add
            self.account = add(self.world.user.id, "mastodon", local.url, TOKEN)
            self.server.queries.clear()  # connecting has looked whether posts can be read
            self.server.pages_asked = 0
            yield

    def post(self, number: int, **fields: Any) -> dict[str, Any]:
        """Return a post whose pictures there are."""
        url = f"http://{self.pictures.host}/{number}.jpg"
        return status(number, **{"media_attachments": [medium(f"{number}1", url=url)], **fields})

    def run(self) -> Task:
        """Submit a run and make one attempt."""
        self.bench.submit("captions", account_id=self.account.id)
        return self.bench.attempt()

    def described(self) -> list[str]:
        """Return the posts that have got a draft."""
        return [one for one, *_ in drafted(self.world, DraftStatus.DRAFT)]


@pytest.fixture
def reading(database: Database, pictures: PictureServer, tmp_path: Path) -> Reading:
    """Return a bench with an empty account."""
    return Reading(database, pictures, tmp_path)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "names no usable id"),
        ({"id": "5" * 100_000}, "names no usable id"),
        ({"id": "5\0"}, "names no usable id"),
        ({"media_attachments": [None]}, "1 attachment"),
        ({"media_attachments": [{"type": "image"}, {"id": ""}]}, "2 attachments"),
        ({"media_attachments": {"id": "1"}}, "1 attachment"),
    ],
)
def test_what_cant_be_read_is_skipped_and_said(
    reading: Reading, fields: dict[str, Any], reason: str
) -> None:
    """The posts around it are described, and the item says why this one isn't."""
    reading.server.posts = [reading.post(6), reading.post(5, **fields), reading.post(4)]
    with reading.serving():
        task = reading.run()
        assert task.status is Status.COMPLETED
        assert reading.described() == ["6", "4"]
        assert task.step == "Described 2 of 3 pictures; 1 skipped."
        (skipped,) = [one for one in reading.bench.outcomes(task) if one[1] == "skipped"]
        assert reason in skipped[2]
        again = reading.run()
        assert (again.status, again.items_done, again.items_skipped) == (Status.COMPLETED, 0, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": None},
        {"created_at": ""},
        {"created_at": "0000-00-00"},
        {"created_at": "0001-01-01T00:00:00+23:59"},
        {"created_at": "9999-12-31T23:59:59-23:59"},
        {"content": "<p>\ud83d\0\u202e\x1b[2J</p>"},
        {"content": "<a " * 20_000},
        {"content": "x" * 300_000},
        {"spoiler_text": "\0" + "x" * 300_000},
        {"url": "javascript:alert(1)", "uri": "x" * 300_000},
        {"language": "x" * 300},
        {"visibility": "x" * 300},
        {"favourites_count": float("inf")},
    ],
    ids=lambda fields: f"{next(iter(fields.items()))!r:.40}",
)
def test_odd_fields_cost_nothing(reading: Reading, fields: dict[str, Any]) -> None:
    """The post is described like its neighbours, and each database takes what is kept of it."""
    reading.server.posts = [reading.post(6), reading.post(5, **fields), reading.post(4)]
    with reading.serving():
        task = reading.run()
    assert (task.status, task.items_done, task.items_failed) == (Status.COMPLETED, 3, 0)
    assert sorted(reading.described()) == ["4", "5", "6"]


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "\0"},
        {"id": "m" * 63},
        {"meta": {"original": {"width": 10**30, "height": float("nan")}}},
    ],
    ids=lambda fields: f"{next(iter(fields))}",
)
def test_odd_media_are_described(reading: Reading, fields: dict[str, Any]) -> None:
    """Sizes that nobody believes are read from the picture itself."""
    url = f"http://{reading.pictures.host}/5.jpg"
    reading.server.posts = [
        reading.post(5, media_attachments=[medium("51", url=url, **fields)] * 2),
    ]
    with reading.serving():
        task = reading.run()
    assert (task.status, task.items_done, task.items_total) == (Status.COMPLETED, 1, 1)


def test_the_longest_ids_make_a_key(reading: Reading) -> None:
    """Both ids as long as they may be fit into an item's key."""
    url = f"http://{reading.pictures.host}/5.jpg"
    media = [medium("m" * 63, url=url)]
    reading.server.posts = [reading.post(5, id="p" * 63, media_attachments=media)]
    with reading.serving():
        assert reading.run().items_done == 1


def test_the_same_post_twice_is_planned_once(reading: Reading) -> None:
    """On a page and on two."""
    one = reading.post(6)
    reading.server.posts = [one, one, reading.post(5), one]
    with reading.serving():
        assert reading.run().items_total == 2


def _page_refuses(number: int, answer: Callable[[Exchange], None]) -> Callable[..., None]:
    """Return what answers the page of this number with ``answer``, once, and the others well."""

    def page(reading: Reading, exchange: Exchange, asked: int) -> None:
        server = reading.server
        if asked == number:
            answer(exchange)
        else:
            server.answer_page(exchange, server.queries[-1])

    return page


@pytest.mark.parametrize(
    "answer",
    [
        said(429, {"error": "Too many requests"}),
        said(500, {"error": "x"}),
        raw(403, WALL, Content_Type="text/html"),
        raw(502, "<h1>Bad gateway</h1>", Content_Type="text/html"),
        raw(200, "[{"),
    ],
    ids=["429", "500", "firewall", "502", "cut"],
)
def test_a_plan_goes_on_from_its_cursor(
    reading: Reading, answer: Callable[[Exchange], None]
) -> None:
    """A page that fails is asked for again; those before it aren't."""
    reading.server.posts = [reading.post(9 - n) for n in range(6)]
    reading.server.page = partial(_page_refuses(2, answer), reading)
    with reading.serving():
        task = reading.run()
        assert (task.status, task.items_total) == (Status.QUEUED, None)
        assert task.plan_cursor
        done = reading.bench.attempt()
    assert (done.status, done.items_done, done.plan_cursor) == (Status.COMPLETED, 6, None)
    asked = [query.rpartition("=")[2] for query in reading.server.queries]
    assert asked == ["40", "2", "4", "4"]
    assert reading.world.accounts.get(reading.account.id, None).problem == ""


def test_a_stop_while_planning_costs_no_page(reading: Reading) -> None:
    """What was planned when the worker stopped isn't planned again, and the limit still counts."""
    reading.server.posts = [reading.post(9 - n) for n in range(8)]

    def page(exchange: Exchange, asked: int) -> None:
        if asked == 1:
            reading.bench.interrupted.set()
        reading.server.answer_page(exchange, reading.server.queries[-1])

    reading.server.page = page
    with reading.serving():
        reading.bench.submit(
            "captions", account_id=reading.account.id, settings={"max_posts_per_run": 5}
        )
        stopped = reading.bench.attempt()
        assert (stopped.status, stopped.failures) == (Status.QUEUED, 0)
        reading.bench.interrupted.clear()
        done = reading.bench.attempt()
    assert (done.status, done.items_done) == (Status.COMPLETED, 5)
    assert reading.described() == ["9", "8", "7", "6", "5"]


def test_a_cancel_reaches_a_plan_between_two_pages(reading: Reading) -> None:
    """Also while none of the pages holds a post that is wanted."""

    def page(exchange: Exchange, asked: int) -> None:
        reading.server.posts = [status(10**6 - asked, media_attachments=[])]
        link = f'<http://x.example/?max_id={asked}>; rel="next"'
        if asked == 3:
            reading.bench.interrupted.set()
        exchange.answer(200, reading.server.posts, Link=link)

    reading.server.page = page
    with reading.serving():
        task = reading.run()
    assert task.status is Status.QUEUED
    assert reading.server.pages_asked == 4


def test_a_revoked_token_is_told_from_a_post_that_isnt_ours(reading: Reading) -> None:
    """A 403 of the API on the list of posts is the token's, and the account says so."""
    reading.server.posts = [reading.post(5)]
    refused = said(403, {"error": "This action is outside the authorized scopes"})
    with reading.serving():
        reading.server.page = lambda exchange, _: refused(exchange)
        task = reading.run()
        assert (task.status, task.error_category) == (Status.FAILED, "authentication")
        problem = reading.world.accounts.get(reading.account.id, None).problem
        assert "outside the authorized scopes" in problem
