"""Drafts are their user's, their account's and their post's alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from tests import support_drafts
from tests.support_domain import World, make_post
from tests.support_drafts import D, put_into, seen, store

from altwright.captions.drafts import draft_store, draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_writes import Standing
from altwright.db.tables import DraftRow, PictureRow
from altwright.errors import NotFound

world, draft = support_drafts.world, support_drafts.draft


def test_somebody_elses_draft_is_not_there(world: World, draft: Draft) -> None:
    """Every door answers a stranger as if there were no such draft."""
    bob = world.users.create("bob", "correct horse").id
    drafts = world.drafts
    store(world, seen(world, draft))
    draft = put_into(world, draft, D.APPROVED)
    text_id = drafts.texts(draft.id, world.user.id)[0].id
    doors: list[Callable[[], object]] = [
        lambda: drafts.get(draft.id, bob),
        lambda: drafts.edit(draft.id, bob, text="mine"),
        lambda: drafts.approve(draft.id, bob),
        lambda: drafts.skip(draft.id, bob),
        lambda: drafts.reopen(draft.id, bob),
        lambda: drafts.texts(draft.id, bob),
        lambda: drafts.restore(draft.id, bob, text_id),
        lambda: drafts.picture_file(draft.picture.id, bob),
        lambda: drafts.picture_file(draft.picture.id, bob, small=True),
        lambda: drafts.get(2**70, world.user.id),
        lambda: drafts.picture_file(2**70, world.user.id),
    ]
    for door in doors:
        with pytest.raises(NotFound, match=r"There is no such (draft|picture)\."):
            door()
    assert drafts.find(bob).drafts == drafts.of_posts(bob, [draft.post.id], [draft.id]) == []
    assert set(drafts.counts(bob).values()) == {0}
    assert drafts.approve_many(bob, [draft.id]) == drafts.skip_many(bob, [draft.id]) == []
    assert drafts.get(draft.id, world.user.id) == draft


def test_a_task_publishes_its_users_drafts_only(world: World, draft: Draft) -> None:
    """Whatever ids it names: those of somebody else stay approved, and untouched."""
    bob = world.users.create("bob", "correct horse").id
    draft = put_into(world, draft, D.APPROVED)
    with world.database.write() as session:
        assert draft_writes.drafts_with(session, bob, [draft.id]) == []
        assert draft_writes.begin_publishing(session, bob, draft.post.id, [draft.id]) == []
        draft_writes.note_problem(session, bob, draft.post.id, [draft.id], "No.")
    assert world.drafts.get(draft.id, world.user.id) == draft
    taken = put_into(world, draft, D.PUBLISHING)
    with world.database.write() as session:
        draft_writes.give_back_all(session, bob, None)
    assert world.drafts.get(draft.id, world.user.id) == taken
    put_into_published(world, taken)
    assert (world.drafts.count_published(bob), world.drafts.count_published(world.user.id)) == (
        0,
        1,
    )


@pytest.mark.every_database
def test_what_is_to_be_published_is_told_of_its_user_alone(
    world: World, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each draft once, by rising id, in however many statements; a stranger's names find none."""
    monkeypatch.setattr(draft_store, "IDS_A_QUERY", 1)
    (other,) = world.draft(make_post(2, ""))
    draft = put_into(world, draft, D.APPROVED)
    bob = world.users.create("bob", "correct horse").id
    named = [other.id, draft.id, draft.id, 10_000]
    with world.database.read() as session:
        assert draft_writes.standings(session, bob, named) == []
        assert draft_writes.standings(session, world.user.id, [other.id]) == [
            Standing(other.id, world.account.id, D.DRAFT)
        ]
        assert draft_writes.standings(session, world.user.id, named) == [
            Standing(draft.id, world.account.id, D.APPROVED),
            Standing(other.id, world.account.id, D.DRAFT),
        ]


def put_into_published(world: World, draft: Draft) -> None:
    """End the publishing of a draft."""
    with world.database.write() as session:
        draft_writes.published(session, [draft])


def test_only_the_drafts_of_a_post_are_taken_to_be_published(world: World, draft: Draft) -> None:
    """Neither another post's nor one that isn't named, nor one that nobody has approved."""
    named, unnamed, unread = world.draft(make_post(2, "", "", ""))
    for one in (draft, named, unnamed):
        world.drafts.approve(one.id, world.user.id)
    ids = [draft.id, named.id, unread.id]
    with world.database.write() as session:
        read_before = session.scalars(select(DraftRow)).all()
        draft_writes.note_problem(session, world.user.id, named.post.id, ids, "Wait.")
        taken = draft_writes.begin_publishing(session, world.user.id, named.post.id, ids)
        again = draft_writes.begin_publishing(session, world.user.id, named.post.id, ids)
    assert [one.id for one in taken] == [one.id for one in again] == [named.id]
    assert len(read_before) == 4  # and read anew: from then on nobody changes them
    now = {one.id: one for one in world.drafts.find(world.user.id).drafts}
    assert now[named.id].problem == "Wait."
    assert [now[one.id].problem for one in (draft, unnamed, unread)] == [""] * 3
    assert [now[one.id].status for one in (draft, unnamed, unread)] == [
        *(D.APPROVED, D.APPROVED, D.DRAFT),
    ]


def other_account(world: World) -> int:
    """Connect a second account of the user, whose server gives the same ids."""
    world.platform.acct = "anna@other.example"
    return world.accounts.add(world.user.id, "mastodon", "https://other.example", "token-2").id


@pytest.mark.every_database
def test_accounts_whose_servers_give_the_same_ids_are_kept_apart(
    world: World, draft: Draft
) -> None:
    """What is read, described, failed and deleted on one is nothing of the other's."""
    other_id = other_account(world)
    (theirs,) = world.draft(replace(make_post(1, ""), text="Other words"), account_id=other_id)
    assert (theirs.account_id, theirs.picture.id != draft.picture.id) == (other_id, True)
    assert world.drafts.get(draft.id, world.user.id).post.text == "Words of post 1"
    with world.database.write() as session:
        draft_writes.note_failure(session, theirs.picture.id)
        assert draft_writes.failed_before(session, world.account.id, ["p1"]) == {}
        failed = draft_writes.failed_before(session, other_id, ["p1", "p2"])
        assert list(failed) == [("p1", "m1-0")]
        draft_writes.post_gone(session, other_id, "p2")
        draft_writes.post_gone(session, other_id, "p1")
    assert world.drafts.get(theirs.id, world.user.id).status is D.SKIPPED
    assert world.drafts.get(draft.id, world.user.id) == draft
    taken = put_into(world, draft, D.PUBLISHING)
    with world.database.write() as session:
        draft_writes.give_back_all(session, world.user.id, other_id)
    assert world.drafts.get(draft.id, world.user.id) == taken
    with world.database.write() as session:
        draft_writes.give_back_all(session, world.user.id, world.account.id)
    assert world.drafts.get(draft.id, world.user.id).status is D.APPROVED


def test_drafts_of_posts_are_those_that_are_named(
    world: World, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newest post first, a post's pictures in their order; of other posts and ids none."""
    monkeypatch.setattr(draft_store, "IDS_A_QUERY", 1)
    second, first, unnamed = world.draft(make_post(2, "", "", ""))
    with world.database.write() as session:
        session.get_one(PictureRow, first.picture.id).position = -1
    elsewhere = world.draft(make_post(3, ""))[0]
    ids = [second.id, draft.id, first.id, elsewhere.id]
    found = world.drafts.of_posts(world.user.id, [draft.post.id, first.post.id], ids)
    assert [one.id for one in found] == [first.id, second.id, draft.id]
    with world.database.read() as session:
        found = draft_writes.drafts_with(session, world.user.id, ids)
    assert [one.id for one in found] == [elsewhere.id, first.id, second.id, draft.id]
    assert unnamed.post.id == first.post.id


def test_a_text_of_another_draft_is_not_brought_back(world: World, draft: Draft) -> None:
    """A draft has its own texts only."""
    other = world.draft(make_post(2, ""), "Of another picture.")[0]
    text_id = world.drafts.texts(other.id, world.user.id)[0].id
    for unknown in (text_id, 2**70):
        with pytest.raises(NotFound, match="no such text"):
            world.drafts.restore(draft.id, world.user.id, unknown)
    assert world.drafts.get(draft.id, world.user.id) == draft
