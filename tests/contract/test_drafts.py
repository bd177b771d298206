"""Drafts: finding, editing, approving, skipping; and what tasks may overwrite."""

from __future__ import annotations

import base64
import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests import support_drafts
from tests.support_domain import MAY, World, make_post
from tests.support_drafts import D, put_into, seen, store

from altwright.captions.drafts import draft_store, draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_filter import DraftFilter, matching
from altwright.db.tables import PictureRow
from altwright.domain.caption import DRAFT_MOVES, DraftStatus
from altwright.errors import Conflict, InvalidInput, NotFound
from altwright.platforms.port import Post

world, draft = support_drafts.world, support_drafts.draft


def turn(post: Post) -> Post:
    """Return a post whose author has turned the order of its pictures round."""
    turned = tuple(replace(one, position=-one.position) for one in post.media)
    return replace(post, media=turned)


@pytest.mark.every_database
def test_pages_go_from_the_newest_post_to_the_oldest(world: World) -> None:
    """Paging with cursors shows each draft once, newest post first, pictures in their order."""
    world.draft(make_post(9, "", "", ""))
    world.draft(make_post(2, "", "", ""))
    turned = world.draft(turn(make_post(2, "", "", "")))
    # Two posts of the same moment may not hide each other at the edge of a page.
    world.draft(replace(make_post(5, "", "", ""), created_at=make_post(9).created_at))
    seen: list[Draft] = []
    cursor: str | None = None
    while True:
        page = world.drafts.find(world.user.id, cursor=cursor, limit=2)
        seen += page.drafts
        assert len(page.drafts) <= 2
        cursor = page.next_cursor
        if cursor is None:
            break
        assert re.fullmatch(r"[\w-]+", cursor)  # as it may stand in an address
    assert len({one.id for one in seen}) == len(seen) == 9
    order = [(one.post.posted_at, one.post.id, -one.picture.position) for one in seen]
    assert order == sorted(order, reverse=True)
    assert [one.picture.position for one in seen if one.post.remote_id == "p2"] == [1, 2, 3]
    of_post = [one.picture.remote_id for one in seen if one.post.remote_id == "p2"]
    assert of_post == [one.picture.remote_id for one in turned] == ["m2-2", "m2-1", "m2-0"]


@pytest.mark.every_database
def test_a_page_is_not_moved_by_what_leaves_before_it(world: World) -> None:
    """Approving the first page's drafts skips none on the second."""
    for number in range(4):
        world.draft(make_post(number, ""))
    first = world.drafts.find(world.user.id, statuses=[D.DRAFT], limit=2)
    world.drafts.approve_many(world.user.id, [one.id for one in first.drafts])
    second = world.drafts.find(world.user.id, statuses=[D.DRAFT], limit=2, cursor=first.next_cursor)
    assert [one.post.remote_id for one in second.drafts] == ["p1", "p0"]
    assert second.next_cursor is None


def test_pages_of_one_tell_pictures_of_one_place_apart(world: World, draft: Draft) -> None:
    """A picture that was exchanged on the server leaves its draft, at the place of the new one."""
    post = make_post(1, "")
    (exchanged,) = (replace(one, remote_id="m1-new") for one in post.media)
    world.draft(replace(post, media=(exchanged,)))
    seen: list[int] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        page = world.drafts.find(world.user.id, cursor=cursor, limit=1)
        seen += [one.id for one in page.drafts]
        cursor = page.next_cursor
    assert seen[0] == draft.id
    assert len(set(seen)) == len(seen) == 2


@pytest.mark.parametrize(
    "key",
    [
        '"2026-05-03T12:00:00", 1, 1, 1',
        f'"2026-05-03T12:00:00Z", {2**63}, 1, 1',
        f'"2026-05-03T12:00:00Z", 1, 1, {-(2**63)}',
    ],
)
def test_a_cursor_that_no_page_has_given_is_named(world: World, key: str) -> None:
    """A time without a zone would be another instant on another host; no id is as large."""
    cursor = base64.urlsafe_b64encode(f"[{key}]".encode()).decode()
    with pytest.raises(InvalidInput, match="page can't be shown"):
        world.drafts.find(world.user.id, cursor=cursor)


@pytest.mark.parametrize("cursor", ["", "x", "äö", "W10", "bnVsbA", "WzEsMiwzLDRd", "a" * 999])
def test_a_wrong_cursor_is_named(world: World, cursor: str) -> None:
    """Whatever comes as a cursor is answered with 422."""
    with pytest.raises(InvalidInput) as refused:
        world.drafts.find(world.user.id, cursor=cursor)
    assert "cursor" in refused.value.fields


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_wrong_limit_is_named(world: World, limit: int) -> None:
    """A page has 1 to 200 drafts."""
    with pytest.raises(InvalidInput, match="page can't be shown") as refused:
        world.drafts.find(world.user.id, limit=limit)
    assert "limit" in refused.value.fields


@pytest.mark.every_database
def test_drafts_are_found_by_state_account_and_task(world: World, draft: Draft) -> None:
    """Each filter narrows the list."""
    other = world.draft(make_post(2, ""))[0]
    world.drafts.skip(other.id, world.user.id)
    find = world.drafts.find
    assert [one.id for one in find(world.user.id, statuses=[D.DRAFT]).drafts] == [draft.id]
    assert len(find(world.user.id, statuses=[D.DRAFT, D.SKIPPED]).drafts) == 2
    assert len(find(world.user.id, account_id=world.account.id).drafts) == 2
    assert find(world.user.id, account_id=world.account.id + 1).drafts == []
    assert len(find(world.user.id, task_id="task-1").drafts) == 2
    assert find(world.user.id, task_id="task-2").drafts == []
    assert world.drafts.counts(world.user.id) == {
        D.DRAFT: 1,
        D.APPROVED: 0,
        D.PUBLISHING: 0,
        D.PUBLISHED: 0,
        D.SKIPPED: 1,
    }


def test_blanks_of_a_task_are_counted_until_somebody_has_decided(world: World) -> None:
    """Neither another task's, nor somebody else's, nor a draft that has a text."""
    blanks = [world.draft(make_post(number, ""), "")[0] for number in (1, 2)]
    world.draft(make_post(3, ""))
    count, bob = world.drafts.count_blanks, world.users.create("bob", "correct horse")
    assert count("task-1", world.user.id) == 2
    assert count("task-2", world.user.id) == count("task-1", bob.id) == 0
    world.drafts.skip(blanks[0].id, world.user.id)
    assert count("task-1", world.user.id) == 1


def test_drafts_are_found_by_their_ids_and_by_what_came_since(world: World, draft: Draft) -> None:
    """What was changed at the moment itself has been seen by whoever names it."""
    other = world.draft(make_post(2, ""))[0]
    find = world.drafts.find
    assert [one.id for one in find(world.user.id, ids=[other.id, 10**9]).drafts] == [other.id]
    at = world.drafts.edit(draft.id, world.user.id, text="By hand.").updated_at
    before = at - timedelta(microseconds=1)
    assert [one.id for one in find(world.user.id, updated_since=before).drafts] == [draft.id]
    assert find(world.user.id, updated_since=at).drafts == []


def test_posts_of_one_moment_keep_their_pictures_together(world: World) -> None:
    """In a list of some posts as in the list of all."""
    posts = [replace(make_post(number, "", ""), created_at=MAY) for number in (1, 2, 3)]
    ids = [one.id for post in [*posts, turn(posts[1])] for one in world.draft(post)]
    listed = world.drafts.find(world.user.id).drafts
    of_posts = world.drafts.of_posts(world.user.id, {one.post.id for one in listed}, ids)
    assert [one.id for one in of_posts] == [one.id for one in listed]


@pytest.mark.parametrize("how", ["approve", "edit", "restore"])
def test_a_problem_is_gone_once_somebody_acts_on_it(world: World, draft: Draft, how: str) -> None:
    """Why it wasn't published has been seen by whoever approves it again or changes its text."""
    put_into(world, draft, D.APPROVED)
    with world.database.write() as session:
        draft_writes.note_problem(session, world.user.id, draft.post.id, [draft.id], "Wait.")
    reopened = world.drafts.reopen(draft.id, world.user.id)
    assert reopened.problem == "Wait."
    match how:
        case "approve":
            after = world.drafts.approve(draft.id, world.user.id)
        case "edit":
            after = world.drafts.edit(draft.id, world.user.id, text="A door.")
        case _:
            text_id = world.drafts.texts(draft.id, world.user.id)[0].id
            after = world.drafts.restore(draft.id, world.user.id, text_id)
    assert after.problem == ""


def test_an_edit_keeps_what_the_describer_wrote(world: World, draft: Draft) -> None:
    """The text changes, its version rises, the described text stays for comparison."""
    edited = world.drafts.edit(
        draft.id,
        world.user.id,
        text="  A red\r\nbicycle.\x00\u202e\u200b\x9b ",
        version=draft.version,
    )
    assert edited.text == "A red\nbicycle."
    assert edited.described_text == draft.described_text
    assert edited.version == draft.version + 1
    assert edited.status is D.DRAFT
    assert edited.updated_at >= draft.updated_at


@pytest.mark.every_database
def test_an_edit_of_an_older_version_is_refused(world: World, draft: Draft) -> None:
    """Who edits what they haven't seen is told to look again, and nothing is lost."""
    world.drafts.edit(draft.id, world.user.id, text="The first wins.", version=draft.version)
    with pytest.raises(Conflict):
        world.drafts.edit(draft.id, world.user.id, text="Too late.", version=draft.version)
    for door in (world.drafts.approve, world.drafts.skip, world.drafts.reopen):
        with pytest.raises(Conflict, match="changed meanwhile"):
            door(draft.id, world.user.id, version=draft.version)
    assert world.drafts.get(draft.id, world.user.id).text == "The first wins."


@pytest.mark.every_database
def test_of_edits_at_the_same_moment_one_wins(world: World, draft: Draft) -> None:
    """Ten writers of the same version: one writes, nine are told."""
    outcomes: list[str] = []
    barrier = threading.Barrier(10)

    def write(number: int) -> None:
        barrier.wait()
        try:
            edited = world.drafts.edit(
                draft.id, world.user.id, text=f"Text {number}.", version=draft.version
            )
            outcomes.append(edited.text)
        except Conflict as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=write, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [text for text in outcomes if "changed meanwhile" not in text]
    assert len(outcomes) == 10
    assert won == [world.drafts.get(draft.id, world.user.id).text]


@pytest.mark.parametrize("text", ["", "  \n", "\x00", "x" * 1501, "half \ud83d"])
def test_a_text_that_cannot_be_published_is_refused(world: World, draft: Draft, text: str) -> None:
    """Empty and too long texts are refused by edit and approve, naming the field."""
    for door in (world.drafts.edit, world.drafts.approve):
        with pytest.raises(InvalidInput) as refused:
            door(draft.id, world.user.id, text=text)
        assert str(refused.value) == f"The text {refused.value.fields['text']}."
        assert re.match("is empty|has .*characters|holds a NUL", refused.value.fields["text"])
    assert world.drafts.get(draft.id, world.user.id) == draft


def test_a_draft_that_its_server_would_not_take_is_not_approved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not without another text either, alone or among others, whatever one statement takes."""
    monkeypatch.setattr(draft_store, "IDS_A_QUERY", 1)
    drafts, user_id = world.drafts, world.user.id
    too_long, empty = (world.draft(make_post(at, ""), "x" * 1501 * at)[0].id for at in (1, 0))
    for one, fault in ((too_long, "has 1,501 characters"), (empty, "is empty")):
        with pytest.raises(InvalidInput, match=fault):
            drafts.approve(one, user_id)
    assert drafts.approve_many(user_id, [too_long, empty]) == []
    assert drafts.approve_matching(user_id, DraftFilter()) == []
    assert drafts.skip_matching(user_id, DraftFilter()) == [too_long, empty]
    for one in (too_long, empty):
        assert drafts.reopen(one, user_id).status is D.DRAFT
        assert drafts.skip(one, user_id).status is D.SKIPPED


@pytest.mark.parametrize("text", ["?", "…", "?!? *** ?!? ***"])
def test_a_draft_without_words_is_approved_by_nobody_unread(world: World, text: str) -> None:
    """Signs alone say nothing: neither a choice nor a filter takes them, and the card says why."""
    draft = world.draft(make_post(1, ""), text)[0]
    assert "There is no word in the text" in " ".join(one.message for one in draft.warnings)
    assert world.drafts.approve_many(world.user.id, [draft.id]) == []
    assert world.drafts.count_matching(world.user.id, DraftFilter())[0] == 0
    assert world.drafts.approve_matching(world.user.id, DraftFilter()) == []


def test_a_text_of_exactly_the_limit_is_taken(world: World, draft: Draft) -> None:
    """The limit counts characters, not bytes."""
    text = "🦊" * 1500
    assert world.drafts.edit(draft.id, world.user.id, text=text).text == text


def test_approving_may_change_the_text(world: World, draft: Draft) -> None:
    """One call writes and approves; approving again changes nothing but the version."""
    approved = world.drafts.approve(draft.id, world.user.id, text="A bicycle.")
    assert (approved.status, approved.text) == (D.APPROVED, "A bicycle.")
    assert world.drafts.approve(draft.id, world.user.id).status is D.APPROVED


@pytest.mark.parametrize("old", list(DraftStatus))
@pytest.mark.parametrize("new", [D.APPROVED, D.SKIPPED, D.DRAFT])
def test_moves_of_a_reviewer_are_those_of_the_table(
    world: World, draft: Draft, old: DraftStatus, new: DraftStatus
) -> None:
    """What DRAFT_MOVES doesn't have is refused, as is all that is being or was published."""
    known = put_into(world, draft, old)
    assert known.status is old
    doors = {
        D.APPROVED: world.drafts.approve,
        D.SKIPPED: world.drafts.skip,
        D.DRAFT: world.drafts.reopen,
    }
    fenced = old in {D.PUBLISHING, D.PUBLISHED}
    if not fenced and (new in DRAFT_MOVES[old] or new is old):
        assert doors[new](draft.id, world.user.id).status is new
    else:
        with pytest.raises(Conflict):
            doors[new](draft.id, world.user.id)
        assert world.drafts.get(draft.id, world.user.id) == known


@pytest.mark.parametrize("status", [D.PUBLISHING, D.PUBLISHED])
def test_what_is_published_cannot_be_edited(
    world: World, draft: Draft, status: DraftStatus
) -> None:
    """The text that the server is given stays the text that the page shows."""
    put_into(world, draft, status)
    with pytest.raises(Conflict, match=status.value):
        world.drafts.edit(draft.id, world.user.id, text="Changed.")


def test_what_is_published_can_be_corrected(world: World, draft: Draft) -> None:
    """Its new text is approved at once; no other state, and no empty text, comes in by this way."""
    with pytest.raises(Conflict, match="it can't be changed now"):
        world.drafts.correct(draft.id, world.user.id, text="A red bicycle.")
    put_into(world, draft, D.PUBLISHED)
    with pytest.raises(InvalidInput, match="is empty"):
        world.drafts.correct(draft.id, world.user.id, text=" ")
    corrected = world.drafts.correct(draft.id, world.user.id, text="A red bicycle.")
    assert (corrected.status, corrected.text) == (D.APPROVED, "A red bicycle.")
    assert draft.text in [one.text for one in world.drafts.texts(draft.id, world.user.id)]


@pytest.mark.every_database
def test_many_are_approved_where_they_can_be(world: World) -> None:
    """A bulk action does what it can and says how much that was."""
    some = [world.draft(make_post(number, ""))[0] for number in range(5)]
    put_into(world, some[0], D.PUBLISHED)
    put_into(world, some[1], D.PUBLISHING)
    put_into(world, some[2], D.SKIPPED)
    too_long = world.draft(make_post(9, ""), "x" * 2000)[0]
    ids = [one.id for one in (*some, too_long)]
    assert len(world.drafts.approve_many(world.user.id, [*ids, *ids, 10**9])) == 3
    assert world.drafts.counts(world.user.id)[D.APPROVED] == 3
    assert world.drafts.get(too_long.id, world.user.id).status is D.DRAFT
    assert len(world.drafts.skip_many(world.user.id, ids)) == 4
    for wrong in ([2**63], range(10_001)):
        with pytest.raises(InvalidInput, match="drafts can't be changed") as refused:
            world.drafts.skip_many(world.user.id, wrong)
        assert refused.value.fields == {"ids": "should be at most 10,000 ids"}
    nobodys = [*range(2**62, 2**62 + 9_993), 2**63 - 1]
    reopened = world.drafts.reopen_many(world.user.id, [*ids, *nobodys])
    assert sorted(reopened) == sorted(ids[2:])


def test_who_asks_for_what_is_so_already_changes_nothing(world: World, draft: Draft) -> None:
    """What was approved or set aside before isn't counted, by its id or by what it is like."""
    drafts, user_id = world.drafts, world.user.id
    for decide, all_like_it in (
        (drafts.approve_many, drafts.approve_matching),
        (drafts.skip_many, drafts.skip_matching),
    ):
        assert decide(user_id, [draft.id]) == [draft.id]
        known = drafts.get(draft.id, user_id)
        assert decide(user_id, [draft.id]) == []
        assert all_like_it(user_id, DraftFilter(statuses=[known.status])) == []
        assert drafts.get(draft.id, user_id) == known


def test_what_was_changed_while_many_were_decided_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By who has changed its text, and by who has approved another text."""
    drafts, user_id = world.drafts, world.user.id
    mine, edited, approved = (world.draft(make_post(number, ""))[0] for number in (3, 2, 1))

    def found_and_changed(*args: Any, **named: Any) -> list[tuple[int, int]]:
        found = matching(*args, **named)
        for one in (edited, approved):
            drafts.edit(one.id, user_id, text="Meanwhile.")
        drafts.approve(approved.id, user_id)
        return found

    monkeypatch.setattr(draft_store, "matching", found_and_changed)
    assert drafts.approve_matching(user_id, DraftFilter()) == [mine.id]
    assert drafts.get(mine.id, user_id).status is D.APPROVED
    assert drafts.get(edited.id, user_id).status is D.DRAFT
    assert drafts.get(approved.id, user_id).version == approved.version + 2


def test_the_json_has_the_documented_shape(world: World, draft: Draft) -> None:
    """REST API and pages rely on these names."""
    shown = draft.to_json()
    names = (
        "id status version text text_id described_text describer model level language evidence"
        " problem max_length warnings account_id task_id created_at updated_at published_at picture"
        " post"
    )
    assert set(shown) == set(names.split())
    assert shown["picture"] == {
        "id": draft.picture.id,
        "url": f"/pictures/{draft.picture.id}",
        "thumbnail_url": f"/pictures/{draft.picture.id}?size=small",
        "width": 800,
        "height": 600,
        "position": 1,
        "of": 1,
        "published_text": "",
    }
    post = "id url text spoiler_text sensitive language visibility posted_at"
    assert set(shown["post"]) == set(post.split())
    assert shown["post"]["posted_at"] == "2026-05-04T12:00:00+00:00"
    assert (shown["status"], shown["warnings"], shown["published_at"]) == ("draft", [], None)


def test_warnings_follow_the_text(world: World, draft: Draft) -> None:
    """A text that could be better says so in the draft's JSON."""
    edited = world.drafts.edit(draft.id, world.user.id, text="Image of a cat on a sofa.")
    assert [one["code"] for one in edited.to_json()["warnings"]] == ["opening"]


@pytest.mark.every_database
def test_files_are_found_by_their_owner_and_missed_when_gone(world: World, draft: Draft) -> None:
    """picture_file names both copies; unreferenced_files names what belongs to nobody."""
    with pytest.raises(NotFound):
        world.drafts.picture_file(draft.picture.id, world.user.id)
    store(world, seen(world, draft))
    drafts, picture_id = world.drafts, draft.picture.id
    assert drafts.picture_file(picture_id, world.user.id) == ("new.jpg", "image/jpeg")
    assert drafts.picture_file(picture_id, world.user.id, small=True) == (
        "new-small.webp",
        "image/webp",
    )
    other = world.draft(make_post(2, ""))[0].picture.id  # of the same user, without a file
    with pytest.raises(NotFound, match="no such picture"):
        drafts.picture_file(other, world.user.id)
    with world.database.write() as session:
        session.get_one(PictureRow, other).file = "only.png"
        session.get_one(PictureRow, other).media_type = "image/png"
    assert drafts.picture_file(other, world.user.id, small=True) == ("only.png", "image/png")
    names = ["new.jpg", "new-small.webp", *(f"old{number}.jpg" for number in range(500))]
    assert drafts.unreferenced_files(names) == set(names[2:])
    world.accounts.remove(world.account.id, world.user.id)
    assert drafts.unreferenced_files(names[:2]) == set(names[:2])


@pytest.mark.every_database
def test_published_texts_are_kept_with_their_pictures(world: World, draft: Draft) -> None:
    """A published draft says when and what; its picture carries the text."""
    now = put_into(world, draft, D.PUBLISHED)
    assert now.published_at is not None
    assert now.picture.published_text == draft.text
    assert now.problem == ""


@pytest.mark.every_database
def test_drafts_left_in_publishing_can_be_taken_back(world: World, draft: Draft) -> None:
    """What a dead worker left behind is approved again; others are not touched."""
    other = world.draft(make_post(2, ""))[0]
    put_into(world, draft, D.APPROVED)
    put_into(world, other, D.PUBLISHED)
    mine = world.user.id, draft.post.id, [draft.id]
    with world.database.write() as session:
        draft_writes.note_problem(session, *mine, "Wait.")
        draft_writes.begin_publishing(session, *mine)
        draft_writes.give_back_all(session, world.user.id, None)
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.status, now.problem) == (D.APPROVED, "Wait.")
    assert world.drafts.get(other.id, world.user.id).status is D.PUBLISHED
