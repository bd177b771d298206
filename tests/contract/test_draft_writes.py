"""What runs write: descriptions, and posts that are read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session
from tests import support_drafts
from tests.support_domain import MAY, World, make_post
from tests.support_drafts import NEW, D, put_into, seen, store

from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_writes import Target
from altwright.db.tables import PictureRow
from altwright.describers.port import Description
from altwright.domain.caption import DraftStatus
from altwright.platforms.port import Post

world, draft = support_drafts.world, support_drafts.draft


def test_a_new_description_replaces_an_untouched_draft(world: World, draft: Draft) -> None:
    """Text, describer and task are the new ones; the version rises. Others keep theirs."""
    (other,) = world.draft(make_post(2, ""))
    assert store(world, seen(world, other))
    assert world.drafts.get(draft.id, world.user.id) == draft
    assert store(world, seen(world, draft))
    assert world.drafts.texts(draft.id, world.user.id)[0].task_id == "task-2"
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


def test_all_of_a_post_is_as_it_was_last_read(world: World, draft: Draft) -> None:
    """What its author changes is seen; a size that isn't sent any more is kept."""
    (medium,) = make_post(1, "").media
    post = Post(
        remote_id="p1",
        url="https://social.example/@anna/new",
        text="New words",
        created_at=MAY,
        language="de-" + "x" * 20,
        sensitive=True,
        spoiler_text="Careful",
        visibility="unlisted",
        media=(replace(medium, url="http://files.example/new.jpg", width=None, height=None),),
    )
    with world.database.write() as session:
        draft_writes.save_posts(session, world.account.id, [post])
        known = draft_writes.known(session, draft.picture.id)
        assert draft_writes.known(session, draft.picture.id + 1) is None
    assert known == draft_writes.Known(
        "http://files.example/new.jpg", "New words", "de-" + "x" * 13
    )
    now = world.drafts.get(draft.id, world.user.id)
    for name in ("url", "text", "sensitive", "spoiler_text", "visibility"):
        assert getattr(now.post, name) == getattr(post, name), name
    assert now.post.posted_at == MAY
    assert (now.picture.width, now.picture.height, now.picture.of) == (800, 600, 1)
    world.draft(replace(post, language=None, media=(replace(medium, width=90, height=60),)))
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.post.language, now.picture.width, now.picture.height) == (None, 90, 60)


def test_a_text_with_entities_on_the_server_is_another(world: World, draft: Draft) -> None:
    """What a post is read with has none left, so they are what its readers see."""
    for text in ("A & B", "A &amp; B"):
        with world.database.write() as session:
            draft_writes.save_posts(session, world.account.id, [make_post(1, text)])
        assert world.drafts.get(draft.id, world.user.id).picture.published_text == text


def test_only_what_its_person_saw_is_replaced_by_publishing(world: World, draft: Draft) -> None:
    """So what is read from the server is no news to a draft that somebody has approved."""
    for status, kept in ((D.DRAFT, "One"), (D.APPROVED, "One"), (D.PUBLISHED, "Three")):
        put_into(world, draft, status)
        text = {D.DRAFT: "One", D.APPROVED: "Two", D.PUBLISHED: "Three"}[status]
        with world.database.write() as session:
            draft_writes.save_posts(session, world.account.id, [make_post(1, text)])
        assert world.drafts.get(draft.id, world.user.id).picture.published_text == kept
    (described,) = world.draft(make_post(2, "Described elsewhere."))
    assert described.picture.published_text == "Described elsewhere."


def test_a_picture_has_the_size_of_its_file_if_its_server_names_none(world: World) -> None:
    """What the server says counts more."""
    sized, unsized = world.draft(make_post(1, "", ""))
    with world.database.write() as session:
        row = session.get_one(PictureRow, unsized.picture.id)
        row.width = row.height = None
    for draft, size in ((sized, (800, 600)), (unsized, (10, 20))):
        assert store(world, seen(world, draft))
        now = world.drafts.get(draft.id, world.user.id).picture
        assert (now.width, now.height) == size


def test_since_when_a_picture_cannot_be_described_is_kept(world: World, draft: Draft) -> None:
    """A second failure doesn't make it later; a description ends it."""
    with world.database.write() as session:
        draft_writes.note_failure(session, draft.picture.id)
        first = draft_writes.failed_before(session, world.account.id, ["p1"])
        assert draft_writes.failed_before(session, world.account.id, ["p2"]) == {}
    with world.database.write() as session:
        draft_writes.note_failure(session, draft.picture.id)
        assert draft_writes.failed_before(session, world.account.id, ["p1"]) == first
    assert list(first) == [("p1", "m1-0")]
    assert store(world, seen(world, draft))
    with world.database.read() as session:
        assert draft_writes.failed_before(session, world.account.id, ["p1"]) == {}


def test_names_of_any_length_can_be_stored(world: World, draft: Draft) -> None:
    """A model's name is the operator's to choose."""
    with world.database.write() as session:
        described = Description(NEW.text, "d" * 99, "m" * 999, "low", {})
        target = draft_writes.target(session, world.account.id, "p1", "m1-0")
        assert target is not None
        assert draft_writes.store_draft(
            session, target, described, None, user_id=world.user.id, task_id="task-2"
        )
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.describer, now.model, now.problem) == ("d" * 32, "m" * 128, "")


def test_a_target_says_whether_a_person_has_written(world: World, draft: Draft) -> None:
    """Until it is published: then it is on the server, and described again like any other."""
    assert seen(world, draft) == Target(
        draft.picture.id, world.account.id, D.DRAFT, draft.version, has_text=True
    )
    with world.database.read() as session:
        for unknown in (("p1", "m2-0"), ("p2", "m1-0")):
            assert draft_writes.target(session, world.account.id, *unknown) is None
        assert draft_writes.target(session, world.account.id + 1, "p1", "m1-0") is None
    edited = world.drafts.edit(draft.id, world.user.id, text="By hand.")
    assert seen(world, draft).is_written
    put_into(world, edited, D.PUBLISHED)
    assert not seen(world, draft).is_written


def test_a_draft_that_was_given_back_is_published_if_its_text_was(
    world: World, draft: Draft
) -> None:
    """Another attempt thought the one dead that published it; what was written since stays."""
    second, third = world.draft(make_post(2, "", ""))
    taken = [put_into(world, one, D.PUBLISHING) for one in (draft, second, third)]
    with world.database.write() as session:
        draft_writes.give_back(session, [one.id for one in taken], "It was slow.")
    world.drafts.edit(second.id, world.user.id, text="By hand.")
    world.drafts.skip(third.id, world.user.id)
    with world.database.write() as session:
        draft_writes.published(session, taken, "The language is another.")
    now = [world.drafts.get(one.id, world.user.id) for one in taken]
    assert [(one.status, one.problem) for one in now] == [
        (D.PUBLISHED, "The language is another."),
        (D.APPROVED, ""),
        (D.SKIPPED, "It was slow."),
    ]
    assert [one.version for one in now] == [one.version + 2 for one in taken]
    assert all(one.published_at and one.picture.published_text for one in now)
    assert now[1].picture.published_text == taken[1].text


def test_what_publishing_replaced_can_be_brought_back(world: World) -> None:
    """The text that stood on the server first of all is among those of its own draft."""
    taken, other = (
        put_into(world, one, D.PUBLISHING)
        for number in (1, 2)
        for one in world.draft(make_post(number, f"There before, {number}."))
    )
    with world.database.write() as session:
        draft_writes.published(session, [taken])
    texts = [world.drafts.texts(one.id, world.user.id) for one in (taken, other)]
    there = [[one.text for one in of if one.kind == "server"] for of in texts]
    assert there == [["There before, 1."], []]


def in_each_state(world: World, number: int) -> dict[DraftStatus, Draft]:
    """Return drafts of one post, one in each state."""
    drafts = zip(DraftStatus, world.draft(make_post(number, *[""] * len(DraftStatus))), strict=True)
    return {status: put_into(world, draft, status) for status, draft in drafts}


def test_who_publishes_moves_only_what_is_being_published(world: World) -> None:
    """Given back, set aside, to be looked at again: what a person has moved meanwhile stays."""
    moves: dict[DraftStatus, Callable[[Session, Draft], None]] = {
        D.APPROVED: lambda session, one: draft_writes.give_back(session, [one.id], "Why."),
        D.SKIPPED: lambda session, one: draft_writes.set_aside(session, [one.id], "Why."),
        D.DRAFT: lambda session, one: draft_writes.review_again(session, one, None, "Why."),
    }
    for number, (wanted, move) in enumerate(moves.items()):
        drafts = in_each_state(world, number)
        with world.database.write() as session:
            for draft in drafts.values():
                move(session, draft)
        for status, draft in drafts.items():
            now = world.drafts.get(draft.id, world.user.id)
            if status is D.PUBLISHING:
                assert (now.status, now.problem) == (wanted, "Why.")
                assert now.version == draft.version + 1
            else:
                assert now == draft


def test_a_post_that_is_gone_is_said_on_each_of_its_drafts(world: World) -> None:
    """Those that were published stay so, and those of other posts as they are."""
    (other,) = world.draft(make_post(2, ""))
    drafts = in_each_state(world, 1)
    with world.database.write() as session:
        draft_writes.post_gone(session, world.account.id, "p1")
    for status, draft in drafts.items():
        now = world.drafts.get(draft.id, world.user.id)
        assert now.problem == draft_writes.GONE
        assert now.status is (D.PUBLISHED if status is D.PUBLISHED else D.SKIPPED)
    assert world.drafts.get(other.id, world.user.id) == other


def test_videos_are_no_pictures(world: World) -> None:
    """Only attachments of the kind image get rows."""
    with world.database.write() as session:
        found = draft_writes.save_posts(
            session, world.account.id, [make_post(3, "", kind="video"), make_post(4, "")]
        )
        assert session.query(PictureRow).count() == 1
    assert list(found) == [("p4", "m4-0")]
