"""Publishing: one edit a post, nothing twice, nothing stranded, nothing overwritten unseen."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support_domain import (
    AUTHENTICATION,
    Bench,
    PictureServer,
    World,
    make_post,
    refusing,
)

from altwright.captions.drafts import draft_writes
from altwright.captions.tasks.publishing import PublishingWork, start_publishing
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import (
    ActiveTaskExists,
    Conflict,
    InvalidInput,
    PlatformRefused,
    PlatformUnavailable,
)
from altwright.platforms.port import Post
from altwright.tasks.task import Task
from altwright.tasks.task_kind import Run

D = DraftStatus


def publish(bench: Bench, *ids: int) -> None:
    """Start to publish."""
    start_publishing(bench.world.drafts, bench.queue, bench.world.user.ref, ids)


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
        start_publishing(world.drafts, bench.queue, bob.ref, [ready])
    with pytest.raises(InvalidInput):
        publish(bench)
    assert bench.store.recent(None) == []


@pytest.mark.every_database
def test_a_repeated_request_gets_the_first_task(bench: Bench, world: World) -> None:
    """Also when its drafts are published by now."""
    ids = approved(world, make_post(1, ""))
    tasks = []
    for _ in range(2):
        began = start_publishing(world.drafts, bench.queue, world.user.ref, ids, "request-1")
        tasks.append(began.tasks[0].id)
        if len(tasks) == 1:
            bench.attempt()
    assert tasks[0] == tasks[1]
    assert len(world.platform.edits) == 1


@pytest.mark.every_database
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
    """Approved still, and editing the text clears the reason."""
    ids = approved(world, make_post(1, ""))
    publish(bench, *ids)
    world.platform.before = refusing("publish_alt_texts", PlatformRefused("Too many pictures."))
    task = bench.attempt()
    assert task.step == "Published the alt texts of 0 of 1 post; 1 failed."
    refused = world.drafts.get(ids[0], world.user.id)
    assert (refused.status, refused.problem) == (D.APPROVED, "Too many pictures.")
    assert world.drafts.edit(refused.id, world.user.id, text="Another.").problem == ""


def test_all_drafts_of_a_deleted_post_are_told(bench: Bench, world: World) -> None:
    """Whoever finds it out: what is to review is set aside, what is published says so too."""
    world.platform.add(make_post(1, "", "", "", ""), other := make_post(2, ""))
    ids = [one.id for one in world.draft(make_post(1, "", "", "", ""))]
    first, published, skipped, waiting = ids
    (kept,) = world.draft(other)
    world.drafts.approve_many(world.user.id, [first, published])
    publish(bench, published)
    bench.attempt()
    world.drafts.skip(skipped, world.user.id)
    publish(bench, first)
    del world.platform.posts["p1"]
    assert bench.attempt().items_skipped == 1
    found = [world.drafts.get(one, world.user.id) for one in ids]
    assert [one.status for one in found] == [D.SKIPPED, D.PUBLISHED, D.SKIPPED, D.SKIPPED]
    assert {one.problem for one in found} == {"The post isn't on its server any more."}
    assert world.drafts.get(kept.id, world.user.id) == kept
    assert world.drafts.reopen(waiting, world.user.id).text == found[-1].text


@pytest.mark.parametrize("kind", ["captions", "description"])
def test_a_task_that_describes_tells_them_as_well(
    bench: Bench, world: World, kind: str, pictures: PictureServer
) -> None:
    """A run, and describing again without a kept copy, meet the deleted post."""
    post = make_post(1, "", "", host=pictures.host)
    world.platform.add(post)
    first, second = world.draft(post)
    if kind == "captions":
        settings: dict[str, Any] = {"reprocess_existing": True}
        bench.submit(kind, account_id=world.account.id, settings=settings)
    else:
        bench.submit(kind, settings={"draft_id": first.id, "hint": ""})

    def before(called: str) -> None:
        if called == "post":
            world.platform.posts.clear()

    world.platform.before = before
    assert bench.attempt().items_done == 0
    for one in (first, second):
        now = world.drafts.get(one.id, world.user.id)
        assert (now.status, now.problem) == (D.SKIPPED, "The post isn't on its server any more.")


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


def test_looking_whether_a_server_is_back_puts_no_post_behind(bench: Bench, world: World) -> None:
    """It is asked before the first post of an attempt."""
    publish(bench, *approved(world, *(make_post(number, "") for number in range(1, 5))))
    world.platform.before = refusing(("publish_alt_texts", "probe"), PlatformUnavailable("Away."))
    for _ in range(3):
        task = bench.attempt()
    items = bench.store.items(task.id)
    assert [bool(one.reason) for one in items] == [True, False, False, False]
    assert bench.items.next_items(task.id)[0] == items[1]


def test_a_revoked_token_stops_publishing(bench: Bench, world: World) -> None:
    """The task fails, the account says why, every draft is approved still."""
    ids = approved(world, make_post(1, ""), make_post(2, ""))
    publish(bench, *ids)
    world.platform.before = refusing(("publish_alt_texts", "probe"), AUTHENTICATION)
    task = bench.attempt()
    assert (task.status, task.error_category) == (Status.FAILED, "authentication")
    assert world.accounts.get(world.account.id, None).problem == str(AUTHENTICATION)
    assert world.drafts.counts(world.user.id)[D.APPROVED] == 2


@pytest.mark.every_database
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


@pytest.mark.every_database
def test_drafts_left_by_a_dead_worker_can_be_published(bench: Bench, world: World) -> None:
    """A cancelled task's draft that stood in publishing is published by the next one."""
    ids = approved(world, make_post(1, ""))
    post_id = world.drafts.get(ids[0], world.user.id).post.id
    with world.database.write() as session:
        draft_writes.begin_publishing(session, world.user.id, post_id, ids)
    publish(bench, *ids)
    assert bench.attempt().status is Status.COMPLETED
    assert world.drafts.get(ids[0], world.user.id).status is D.PUBLISHED


def test_publishing_anything_takes_back_what_a_dead_worker_left(bench: Bench, world: World) -> None:
    """A draft of an older task doesn't stay in publishing for ever."""
    left, other = approved(world, make_post(1, ""), make_post(2, ""))
    post_id = world.drafts.get(left, world.user.id).post.id
    with world.database.write() as session:
        draft_writes.begin_publishing(session, world.user.id, post_id, [left])
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
    assert (draft.status, draft.picture.published_text) == (D.DRAFT, "Alt text")
    assert draft.problem.startswith(
        "The server has taken the text and shows another: “Alt text”. Change your text"
    )


def test_the_last_failure_of_a_post_is_said_on_its_drafts(bench: Bench, world: World) -> None:
    """A server in trouble with one post: when the item has failed, its drafts say why."""
    ids = approved(world, make_post(1, ""))
    publish(bench, *ids)
    task = bench.claims.claim_next("bench")
    assert task is not None
    bench.items.plan(task, bench.kinds["publishing"].open(_run(task)).plan())
    item = bench.items.next_items(task.id)[0]
    work = bench.kinds["publishing"].open(_run(task))
    assert isinstance(work, PublishingWork)
    with world.database.write() as session:
        work.failed(item, "The server is in trouble (it answered 500).")(session)
    draft = world.drafts.get(ids[0], world.user.id)
    assert (draft.status, draft.problem) == (
        D.APPROVED,
        "The server is in trouble (it answered 500).",
    )


def _run(task: Task) -> Run:
    return Run(task, lambda: None, lambda _step: None)


@pytest.mark.parametrize(
    "settings", [{}, {"draft_ids": []}, {"draft_ids": ["1"]}, {"draft_ids": [0]},
                 {"draft_ids": [2**70]}, {"draft_ids": [1], "more": 1}, {"draft_ids": [True]}]
)  # fmt: skip
def test_wrong_settings_are_refused(bench: Bench, settings: dict[str, Any]) -> None:
    """Only a list of ids can be published."""
    with pytest.raises(InvalidInput):
        bench.kinds["publishing"].checked(settings, None)
