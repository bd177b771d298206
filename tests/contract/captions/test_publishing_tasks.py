"""Publishing tasks through the real platforms, on pretend servers: what becomes of each draft."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from tests.pretend_servers import WINDOW_S, PretendServer, poll
from tests.pretend_software import (
    WRITING,
    GoToSocial,
    Mastodon43,
    Mastodon45,
    Pixelfed,
    Snac,
    TurncoatMastodon,
    UnknownMastodon,
    UnknownSnac,
)
from tests.support import wait_until
from tests.support_domain import Bench, FakePlatform, PictureServer, World, make_world
from tests.support_leaves import TOKEN, serving

from altwright.accounts.connections import Account, AccountStore
from altwright.accounts.servers import ServerStore
from altwright.captions.drafts.draft import Draft
from altwright.captions.tasks.publishing import Started, start_publishing
from altwright.db.session import Database
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import ActiveTaskExists
from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.platforms.publishing.outcomes import Learned
from altwright.platforms.publishing.ways import Way
from altwright.tasks.task import Task

D = DraftStatus
OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=60)


@pytest.fixture(autouse=True)
def _lag_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here lags."""
    monkeypatch.setattr("altwright.platforms.publishing.alt_texts.LAG_WAITS_S", (0.0, 0.0))


@dataclass
class Press:
    """A user with an account on a pretend server, and a bench for its tasks."""

    server: PretendServer
    bench: Bench
    world: World
    account: Account

    def approved(self, *post_ids: str, text: str = "A door & a window.") -> list[Draft]:
        """Draft and approve a text for each picture of posts, as they are now."""
        _, platform = self.world.accounts.open(self.account.id)
        ids = []
        for post_id in post_ids:
            found = self.world.draft(platform.post(post_id), account_id=self.account.id)
            ids += [one.id for one in sorted(found, key=lambda one: one.picture.position)]
        return [self.world.drafts.approve(one, self.world.user.id, text=text) for one in ids]

    def start(self, *drafts: Draft, request_key: str | None = None) -> Started:
        """Submit publishing."""
        ids = [draft.id for draft in drafts]
        return start_publishing(
            self.world.drafts, self.bench.queue, self.world.user.ref, ids, request_key
        )

    def publish(self, *drafts: Draft) -> Task:
        """Publish and make one attempt."""
        self.start(*drafts)
        return self.bench.attempt()

    def now(self, draft: Draft) -> Draft:
        """Return a draft as it is now."""
        return self.world.drafts.get(draft.id, self.world.user.id)


@contextmanager
def press_on(
    server: PretendServer, database: Database, pictures: PictureServer, folder: Path
) -> Iterator[Press]:
    """Connect a user's account to a pretend server."""
    world = make_world(database, FakePlatform(acct="nobody@fake.example"))
    world.accounts = AccountStore(
        database, world.box, lambda platform, url, token: connect(platform, url, token, OUTBOUND)
    )
    with serving(server.respond) as local:
        platform = "pixelfed" if isinstance(server, Pixelfed) else "mastodon"
        account = _connected(world, platform, local.url)
        yield Press(server, Bench(world, pictures, folder), world, account)


def _connected(world: World, platform: str, url: str) -> Account:
    return world.accounts.add(world.user.id, platform, url, TOKEN)


@pytest.fixture
def press(
    request: pytest.FixtureRequest, database: Database, pictures: PictureServer, tmp_path: Path
) -> Iterator[Press]:
    """Return a press on the server that the test names."""
    with press_on(request.param(), database, pictures, tmp_path) as made:
        yield made


def on(*kinds: type[PretendServer]) -> pytest.MarkDecorator:
    """Run a test on these servers."""
    return pytest.mark.parametrize("press", kinds, indirect=True)


@on(*WRITING)
def test_each_platform_publishes(press: Press) -> None:
    """From approved to published in one go, and the page shows the text as people read it."""
    drafts = press.approved(press.server.add("unlisted"), press.server.add())
    task = press.publish(*drafts)
    assert task.step == "Published the alt texts of 2 of 2 posts."
    for draft in map(press.now, drafts):
        assert (draft.status, draft.problem) == (D.PUBLISHED, "")
        assert draft.picture.published_text == "A door & a window."


@on(Pixelfed)
def test_pixelfeds_entities_are_not_shown_to_people(press: Press) -> None:
    """The text on the server, described by somebody else, reads as on its page."""
    draft = press.approved(press.server.add(texts=("Tom &amp; Jerry",)))[0]
    assert draft.picture.published_text == "Tom & Jerry"
    assert press.publish(draft).items_done == 1
    assert press.now(draft).status is D.PUBLISHED


@on(Mastodon43, Pixelfed)
def test_a_text_written_meanwhile_goes_back_to_review(press: Press) -> None:
    """Its neighbour is published; publishing again can't replace it, approving again can."""
    first, second = press.approved(post_id := press.server.add())
    press.server.posts[post_id]["media"][0]["description"] = "By the person herself"
    task = press.publish(first, second)
    assert (task.status, task.items_failed) == (Status.COMPLETED, 1)
    seen = press.now(first)
    assert (seen.status, seen.picture.published_text) == (D.DRAFT, "By the person herself")
    assert "“By the person herself”" in seen.problem
    assert press.now(second).status is D.PUBLISHED
    press.world.drafts.approve(first.id, press.world.user.id)
    assert press.publish(first).items_done == 1
    assert html.unescape(press.server.texts(post_id)[0]) == first.text


@on(Mastodon43)
def test_a_run_that_reads_a_new_text_does_not_make_it_seen(press: Press) -> None:
    """A draft that is approved keeps what its person saw; only looking again consents."""
    draft = press.approved(post_id := press.server.add(texts=("",)))[0]
    press.server.posts[post_id]["media"][0]["description"] = "By the person herself"
    _, platform = press.world.accounts.open(press.account.id)
    press.world.draft(platform.post(post_id), account_id=press.account.id)
    press.publish(draft)
    assert press.now(draft).status is D.DRAFT
    assert press.server.texts(post_id) == ["By the person herself"]


@on(Mastodon43)
def test_what_can_never_be_published_leaves_approved_with_its_reason(press: Press) -> None:
    """A deleted post, a removed picture and an ended poll fail no later publishing."""
    server = press.server
    posts = gone, torn, ended, good = [server.add() for _ in range(4)]
    drafts = press.approved(*posts)
    del server.posts[gone]
    del server.posts[torn]["media"][0]
    server.posts[ended]["poll"] = poll(ends_in_s=-60)
    task = press.publish(*drafts)
    assert task.step == "Published the alt texts of 2 of 4 posts; 2 skipped."
    states = [(one.status, one.problem[:40]) for one in map(press.now, drafts)]
    assert states == [
        *[(D.SKIPPED, "The post isn't on its server any more.")] * 2,
        (D.SKIPPED, "The picture isn't in its post any more."),
        (D.PUBLISHED, ""),
        *[(D.SKIPPED, "The post has a poll that has ended; an e")] * 2,
        *[(D.PUBLISHED, "")] * 2,
    ]
    assert server.edits == [torn, good]


@on(UnknownMastodon)
def test_posts_for_fewer_are_left_alone_on_an_unknown_server(press: Press) -> None:
    """Each draft says so, and the public ones are published."""
    closed, public = press.server.add("private"), press.server.add()
    drafts = press.approved(closed, public)
    assert press.publish(*drafts).items_skipped == 1
    assert [one.status for one in map(press.now, drafts)] == [*[D.SKIPPED] * 2, *[D.PUBLISHED] * 2]
    assert "isn't public" in press.now(drafts[0]).problem


@on(TurncoatMastodon)
def test_a_widened_post_stops_the_task_with_an_alarm(press: Press) -> None:
    """The whole task fails; the draft and the task name the post, what it was, and its link."""
    server = press.server
    posts = [server.add("private") for _ in range(3)]
    drafts = press.approved(*posts)
    task = press.publish(*drafts)
    assert task.status is Status.FAILED
    widened = server.edits[0]
    assert server.edits == [widened]
    for problem in (task.error or "", press.now(drafts[0]).problem):
        assert "Post of 1 March 2026" in problem
        assert "“private”" in problem
        assert f"https://pretend.example/@ada/{widened}" in problem
    assert [press.now(one).status for one in drafts] == [*[D.DRAFT] * 2, *[D.APPROVED] * 4]
    press.publish(*drafts[2:])
    assert server.edits == [widened]


@on(Snac, UnknownSnac)
def test_a_server_that_cannot_ends_the_task_with_the_reason(press: Press) -> None:
    """One edit at most, and a second click makes none."""
    posts = [press.server.add(mentions=[], in_reply_to_id=None) for _ in range(3)]
    drafts = press.approved(*posts)
    for _ in range(2):
        task = press.publish(*drafts)
        assert (task.status, task.items_done) == (Status.FAILED, 0)
        assert "alt text" in (task.error or "")
        assert len(press.server.edits) <= 1
    assert {press.now(one).status for one in drafts} == {D.APPROVED}


@on(GoToSocial)
def test_a_refusal_of_one_post_ends_that_post_only(press: Press) -> None:
    """422 with the server's own words."""
    bad, good = press.server.add(), press.server.add()
    drafts = press.approved(bad, good)
    press.server.refusals["PUT", f"/api/v1/statuses/{bad}"] = 422, {"error": "Too many pictures"}
    task = press.publish(*drafts)
    assert (task.status, task.items_failed, task.items_done) == (Status.COMPLETED, 1, 1)
    refused = press.now(drafts[0])
    assert refused.status is D.APPROVED
    assert "Too many pictures" in refused.problem


@on(Mastodon45)
def test_what_a_server_changes_beside_is_said_on_the_draft(press: Press) -> None:
    """It is published, and its problem names the change and the post."""
    server = press.server
    drafts = press.approved(post_id := server.add())

    def forget(method: str, _path: str) -> None:
        if server.edits:
            server.posts[post_id]["language"] = "en"

    server.before = forget
    assert press.publish(*drafts).items_failed == 1
    draft = press.now(drafts[0])
    assert draft.status is D.PUBLISHED
    assert "the language" in draft.problem
    assert f"https://pretend.example/@ada/{post_id}" in draft.problem


# --- more than one account ---


def test_each_account_has_a_task_of_its_own(
    database: Database, pictures: PictureServer, tmp_path: Path
) -> None:
    """One that waits for its server's rate limit keeps nobody from publishing to another."""
    other = Pixelfed()
    with (
        press_on(Mastodon43(limit=6), database, pictures, tmp_path) as press,
        serving(other.respond) as local,
    ):
        press.server.limit = None
        first, second = press.approved(press.server.add(), press.server.add())[::2]
        account = _connected(press.world, "pixelfed", local.url)
        elsewhere = Press(other, press.bench, press.world, account)
        theirs, later = elsewhere.approved(other.add(), other.add())[::2]
        began = press.start(first, theirs, request_key="click")
        assert [task.account_id for task in began.tasks] == [press.account.id, account.id]
        again = press.start(first, theirs, request_key="click")
        assert [task.id for task in again.tasks] == [task.id for task in began.tasks]
        press.server.limit = 0
        assert press.bench.attempt().status is Status.QUEUED
        due = press.bench.claims.claim_next("bench")
        assert due is not None
        press.bench.runner.run(due, press.bench.interrupted)
        assert press.now(theirs).status is D.PUBLISHED
        more = press.start(second, later)
        assert [task.account_id for task in more.tasks] == [account.id]
        assert more.busy == (press.account.id,)
        assert more.to_json()["busy_accounts"] == [press.account.id]
        with pytest.raises(ActiveTaskExists):
            press.start(second)


# --- rate limits ---


class VirtualClock:
    """Seconds that pass when told."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


@pytest.mark.parametrize("names_allowance", [True, False])
def test_185_posts_through_a_limit_of_300_requests_in_5_minutes(
    database: Database,
    pictures: PictureServer,
    tmp_path: Path,
    names_allowance: bool,  # noqa: FBT001 - a case
) -> None:
    """All are published and none fails; no post is begun that can't be ended."""
    clock = VirtualClock()
    server = GoToSocial(clock=clock, names_allowance=names_allowance)
    with press_on(server, database, pictures, tmp_path) as press:
        press.start(*_many(press))
        server.limit, server.requests[:] = 300, []
        clock.now += WINDOW_S
        waits = 0
        while (task := press.bench.attempt()).status is Status.QUEUED:
            assert task.error_category == "rate_limit"
            waits += 1
            clock.now += WINDOW_S
        assert (task.status, task.items_done, task.items_failed) == (Status.COMPLETED, 185, 0)
    assert waits == 2
    assert server.refused == (0 if names_allowance else waits)
    # Four requests a post, and what tells which server it is, with each attempt. A post that is
    # refused in its middle is looked at again.
    assert len(server.requests) <= 4 * 185 + 4 * (waits + 1) + (0 if names_allowance else 4 * waits)
    assert len(server.edits) == 185


@pytest.mark.slow_proof
@pytest.mark.timeout(1_800)
def test_185_posts_through_a_real_limit(
    database: Database, pictures: PictureServer, tmp_path: Path
) -> None:
    """The same with time as it passes: a quarter of an hour."""
    with press_on(GoToSocial(), database, pictures, tmp_path) as press:
        press.start(*_many(press))
        press.server.limit = 300
        while (task := press.bench.attempt()).status is Status.QUEUED:
            wait_until(partial(_is_past, task.available_at), within_s=WINDOW_S + 60)
        assert (task.status, task.items_done, task.items_failed) == (Status.COMPLETED, 185, 0)


def _is_past(at: datetime) -> bool:
    return datetime.now(UTC) >= at


def _many(press: Press) -> list[Draft]:
    return press.approved(*(press.server.add(texts=("",)) for _ in range(185)))


# --- what is remembered of servers ---


@pytest.mark.every_database
def test_what_was_learned_is_kept_for_all(database: Database) -> None:
    """By host, whatever its case; the last one counts, also when two write at once."""
    store = ServerStore(database)
    assert store.recall("social.example") is None
    store.remember("Social.example", Learned(Way.EDIT, "Novum 1.0"))
    last = Learned(Way.NONE, "Novum 1.1", reason="It can't — 🐈")
    store.remember("social.example", last)
    assert ServerStore(database).recall("SOCIAL.example") == last
    store.remember("social.example:8443", Learned(Way.DESCRIBE, "Novum 1.1", is_proved=True))
    assert store.recall("social.example") == last
