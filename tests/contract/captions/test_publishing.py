"""Publishing: one edit a post, nothing twice, nothing stranded, nothing overwritten unseen."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support_domain import AUTHENTICATION, Bench, World, make_post, refusing

from altwright.captions import drafting
from altwright.captions.publishing import start_publishing
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import (
    ActiveTaskExists,
    Conflict,
    InvalidInput,
    PlatformUnavailable,
)
from altwright.platforms.port import Post

D = DraftStatus


def publish(bench: Bench, *ids: int) -> None:
    """Start to publish."""
    start_publishing(bench.world.drafts, bench, bench.world.user.ref, ids)


def approved(world: World, *posts: Post) -> list[int]:
    """Return the ids of approved drafts of all pictures of these posts."""
    world.platform.add(*posts)
    ids = [one.id for post in posts for one in world.draft(post)]
    for number, draft_id in enumerate(ids):
        world.drafts.approve(draft_id, world.user.id, text=f"Alt text number {number}.")
    return ids


def test_the_texts_of_a_post_are_one_edit(bench: Bench, world: World) -> None:
    """Each post is edited once, and drafts say when they were published."""
    ids = approved(world, make_post(1, "", ""), make_post(2, ""))
    publish(bench, *ids)
    assert {one.status for one in world.drafts.find(world.user.id).drafts} == {D.APPROVED}
    task = bench.attempt()
    assert task.step == "Published the alt texts of 2 of 2 posts."
    assert world.platform.edits == [
        ("p2", {"m2-0": "Alt text number 2."}),
        ("p1", {"m1-0": "Alt text number 0.", "m1-1": "Alt text number 1."}),
    ]
    for draft in world.drafts.find(world.user.id).drafts:
        assert draft.status is D.PUBLISHED
        assert draft.published_at is not None
        assert draft.picture.published_text == draft.text


def test_what_is_not_approved_is_named(bench: Bench, world: World) -> None:
    """Nothing is submitted unless everything can be published."""
    ready, *_ = approved(world, make_post(1, ""))
    unready = world.draft(make_post(2, ""))[0].id
    with pytest.raises(Conflict, match=rf"{unready}, {10**9}\.$"):
        publish(bench, ready, unready, 10**9)
    bob = world.users.create("bob", "correct horse")
    with pytest.raises(Conflict, match=str(ready)):
        start_publishing(world.drafts, bench, bob.ref, [ready])
    with pytest.raises(InvalidInput):
        publish(bench)
    assert bench.store.recent(None) == []


def test_a_repeated_request_gets_the_first_task(bench: Bench, world: World) -> None:
    """Also when its drafts are published by now."""
    ids = approved(world, make_post(1, ""))
    tasks = []
    for _ in range(2):
        tasks.append(start_publishing(world.drafts, bench, world.user.ref, ids, "request-1").id)
        if len(tasks) == 1:
            bench.attempt()
    assert tasks[0] == tasks[1]
    assert len(world.platform.edits) == 1


def test_publishing_twice_at_a_time_is_refused(bench: Bench, world: World) -> None:
    """One of a user's publishing tasks is active; a run that describes may be beside it."""
    ids = approved(world, make_post(1, ""))
    bench.submit("captions", account_id=world.account.id)
    publish(bench, *ids)
    with pytest.raises(ActiveTaskExists):
        publish(bench, *ids)


def test_what_was_taken_back_is_not_published(bench: Bench, world: World) -> None:
    """A draft reopened before its turn stays off the server."""
    ids = approved(world, make_post(1, "", ""), make_post(2, ""))
    publish(bench, *ids)
    world.drafts.reopen(ids[0], world.user.id)
    world.drafts.skip(ids[2], world.user.id)
    task = bench.attempt()
    assert task.step == "Published the alt texts of 1 of 2 posts; 1 skipped."
    assert world.platform.edits == [("p1", {"m1-1": "Alt text number 1."})]


def test_a_refusal_gives_the_drafts_back_with_the_reason(bench: Bench, world: World) -> None:
    """The other posts are published, and editing the text clears the reason."""
    ids = approved(world, make_post(1, ""), make_post(2, ""))
    publish(bench, *ids)
    del world.platform.posts["p2"]
    task = bench.attempt()
    assert task.step == "Published the alt texts of 1 of 2 posts; 1 failed."
    refused = world.drafts.get(ids[1], world.user.id)
    assert (refused.status, refused.problem) == (
        D.APPROVED,
        "The server has no such post.",
    )
    assert world.drafts.get(ids[0], world.user.id).status is D.PUBLISHED
    assert world.drafts.edit(refused.id, world.user.id, text="Another.").problem == ""


def test_a_server_away_gives_the_drafts_back_until_it_is_there(bench: Bench, world: World) -> None:
    """Nothing stays in publishing while the task waits for its retry."""
    ids = approved(world, make_post(1, ""))
    publish(bench, *ids)
    world.platform.before = refusing(("publish_alt_texts", "probe"), PlatformUnavailable("Away."))
    task = bench.attempt()
    draft = world.drafts.get(ids[0], world.user.id)
    assert (task.status, draft.status, draft.problem) == (Status.QUEUED, D.APPROVED, "")
    world.platform.before = lambda _: None
    assert bench.attempt().status is Status.COMPLETED
    assert world.drafts.get(ids[0], world.user.id).status is D.PUBLISHED


def test_a_revoked_token_stops_publishing(bench: Bench, world: World) -> None:
    """The task fails, the account says why, every draft is approved still."""
    ids = approved(world, make_post(1, ""), make_post(2, ""))
    publish(bench, *ids)
    world.platform.before = refusing(("publish_alt_texts", "probe"), AUTHENTICATION)
    task = bench.attempt()
    assert (task.status, task.error_category) == (Status.FAILED, "authentication")
    assert world.accounts.get(world.account.id, None).problem == str(AUTHENTICATION)
    assert world.drafts.counts(world.user.id)[D.APPROVED] == 2


@pytest.mark.req("6.3")
def test_a_worker_that_dies_after_the_edit_edits_once(bench: Bench, world: World) -> None:
    """The next attempt sees that the server has the text, and publishes nothing twice."""
    ids = approved(world, make_post(1, ""))
    publish(bench, *ids)
    task = bench.claims.claim_next("dying")
    assert task is not None

    class Died(BaseException):
        """The worker is gone."""

    def die() -> None:
        raise Died

    world.platform.after_edit = die
    with pytest.raises(Died):
        bench.runner.run(task, bench.interrupted)
    world.platform.after_edit = lambda: None
    bench.claims.release(task, "lease lost")
    assert bench.attempt().status is Status.COMPLETED
    assert len(world.platform.edits) == 1
    assert world.drafts.get(ids[0], world.user.id).status is D.PUBLISHED


def test_drafts_left_by_a_dead_worker_can_be_published(bench: Bench, world: World) -> None:
    """A cancelled task's draft that stood in publishing is published by the next one."""
    ids = approved(world, make_post(1, ""))
    post_id = world.drafts.get(ids[0], world.user.id).post.id
    with world.database.write() as session:
        drafting.begin_publishing(session, world.user.id, post_id, ids)
    publish(bench, *ids)
    assert bench.attempt().status is Status.COMPLETED
    assert world.drafts.get(ids[0], world.user.id).status is D.PUBLISHED


def test_publishing_anything_takes_back_what_a_dead_worker_left(bench: Bench, world: World) -> None:
    """A draft of an older task doesn't stay in publishing for ever."""
    left, other = approved(world, make_post(1, ""), make_post(2, ""))
    post_id = world.drafts.get(left, world.user.id).post.id
    with world.database.write() as session:
        drafting.begin_publishing(session, world.user.id, post_id, [left])
    publish(bench, other)
    bench.attempt()
    assert world.drafts.get(left, world.user.id).status is D.APPROVED


def test_a_server_that_shows_another_text_has_not_published(bench: Bench, world: World) -> None:
    """What is read back decides, not the server's "OK"."""
    ids = approved(world, make_post(1, ""))
    world.platform.after_edit = lambda: world.platform.describe("p1", {"m1-0": "Alt text"})
    publish(bench, *ids)
    assert bench.attempt().items_failed == 1
    draft = world.drafts.get(ids[0], world.user.id)
    assert (draft.status, draft.problem) == (
        D.APPROVED,
        "The server has taken the texts, and shows others.",
    )


def test_an_alt_text_that_nobody_here_has_seen_is_not_overwritten(
    bench: Bench, world: World
) -> None:
    """The page shows what the server has; publishing again replaces it knowingly."""
    ids = approved(world, make_post(1, ""))
    world.platform.describe("p1", {"m1-0": "Written in another app."})
    publish(bench, *ids)
    assert bench.attempt().items_failed == 1
    draft = world.drafts.get(ids[0], world.user.id)
    assert (draft.status, draft.picture.published_text) == (
        D.APPROVED,
        "Written in another app.",
    )
    assert "Written in another app." in draft.problem
    assert world.platform.edits == []
    publish(bench, *ids)
    assert bench.attempt().items_done == 1


@pytest.mark.parametrize(
    "settings", [{}, {"draft_ids": []}, {"draft_ids": ["1"]}, {"draft_ids": [0]},
                 {"draft_ids": [2**70]}, {"draft_ids": [1], "more": 1}, {"draft_ids": [True]}]
)  # fmt: skip
def test_wrong_settings_are_refused(bench: Bench, settings: dict[str, Any]) -> None:
    """Only a list of ids can be published."""
    with pytest.raises(InvalidInput):
        bench.kinds["publishing"].checked(settings, None)
