"""What runs write: descriptions, and posts that are read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import support_drafts
from tests.support_domain import World, make_post
from tests.support_drafts import NEW, D, put_into, seen, store

from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.db.tables import PictureRow
from altwright.domain.caption import DraftStatus

world, draft = support_drafts.world, support_drafts.draft


def test_a_new_description_replaces_an_untouched_draft(world: World, draft: Draft) -> None:
    """Text, describer and task are the new ones; the version rises."""
    assert store(world, seen(world, draft))
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.text, now.described_text, now.model) == (NEW.text, NEW.text, "fake-2")
    assert (now.level, now.evidence, now.task_id) == ("low", {"text": "No 5"}, "task-2")
    assert now.version == draft.version + 1


@pytest.mark.every_database
def test_a_person_who_was_faster_wins_over_a_description(world: World, draft: Draft) -> None:
    """An edit made while the picture was being described is kept."""
    target = seen(world, draft)
    world.drafts.edit(draft.id, world.user.id, text="My cat Mia.")
    assert not store(world, target)
    assert world.drafts.get(draft.id, world.user.id).text == "My cat Mia."


@pytest.mark.parametrize("status", [D.APPROVED, D.PUBLISHING])
def test_an_approved_text_is_never_overwritten(
    world: World, draft: Draft, status: DraftStatus
) -> None:
    """Not even by a task that has seen it so."""
    put_into(world, draft, status)
    assert not store(world, seen(world, draft))
    assert world.drafts.get(draft.id, world.user.id).text == draft.text


@pytest.mark.every_database
def test_two_tasks_make_one_draft_of_a_picture(world: World, draft: Draft) -> None:
    """A task that saw no draft doesn't overwrite the one that came meanwhile."""
    target = replace(seen(world, draft), draft_version=None, status=None)
    assert not store(world, target)
    assert world.drafts.get(draft.id, world.user.id).text == draft.text


def test_a_picture_of_a_removed_account_is_left_alone(world: World, draft: Draft) -> None:
    """An effect that comes too late writes nothing."""
    target = seen(world, draft)
    world.accounts.remove(world.account.id, world.user.id)
    assert not store(world, target)


@pytest.mark.every_database
def test_a_post_read_again_is_updated_not_doubled(world: World, draft: Draft) -> None:
    """The second plan sees the draft, the new text of the post and a picture added since."""
    post = replace(make_post(1, "", "Described"), text="Edited words")
    with world.database.write() as session:
        found = draft_writes.save_posts(session, world.account.id, [post])
    assert found == {("p1", "m1-0"): D.DRAFT, ("p1", "m1-1"): None}
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.post.text, now.picture.of, now.post.id) == ("Edited words", 2, draft.post.id)


def test_videos_are_no_pictures(world: World) -> None:
    """Only attachments of the kind image get rows."""
    with world.database.write() as session:
        found = draft_writes.save_posts(
            session, world.account.id, [make_post(3, "", kind="video"), make_post(4, "")]
        )
        assert session.query(PictureRow).count() == 1
    assert list(found) == [("p4", "m4-0")]
