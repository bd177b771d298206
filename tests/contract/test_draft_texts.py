"""The texts that a draft has had: none that a person wrote or published is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update
from tests.support_domain import World, make_post, make_world

from altwright.captions.drafts import draft_texts, draft_writes
from altwright.captions.drafts.draft import DEFAULT_LANGUAGE, Draft
from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.db.session import Database
from altwright.db.tables import DraftRow, DraftTextRow, PictureRow, UserRow
from altwright.db.types import now
from altwright.describers.port import Description
from altwright.domain.caption import DraftStatus, TextKind
from altwright.errors import Conflict, InvalidInput, NotFound

K = TextKind
CAT = "A red bicycle leans on a wall."
AGAIN = Description("A blue door with a brass knocker.", "fake", "fake-2", "low", {})

pytestmark = pytest.mark.every_database


@pytest.fixture
def world(database: Database) -> World:
    """Return anna with her account."""
    return make_world(database)


@pytest.fixture
def draft(world: World) -> Draft:
    """Return a draft of hers."""
    return world.draft(make_post(1, ""))[0]


def kinds(world: World, draft: Draft) -> list[tuple[TextKind, str]]:
    """Return a draft's texts, oldest first."""
    found = world.drafts.texts(draft.id, world.user.id)
    return [(one.kind, one.text) for one in reversed(found)]


def edit(world: World, draft: Draft, text: str) -> Draft:
    """Write a text by hand."""
    return world.drafts.edit(draft.id, world.user.id, text=text)


def describe(world: World, draft: Draft, description: Description = AGAIN) -> bool:
    """Put another description into the draft, as a task does."""
    with world.database.write() as session:
        seen = draft_writes.target(session, draft.account_id, "p1", "m1-0")
        assert seen is not None
        return draft_writes.store_draft(
            session, seen, description, None, user_id=world.user.id, task_id="task-2"
        )


def publish(world: World, draft: Draft) -> None:
    """Approve and publish."""
    world.drafts.approve(draft.id, world.user.id)
    with world.database.write() as session:
        mine = draft_writes.begin_publishing(session, world.user.id, draft.post.id, [draft.id])
        draft_writes.published(session, mine)


def test_a_draft_begins_with_the_describers_text(world: World, draft: Draft) -> None:
    """It says which describer wrote it, how sure it was, and in which task."""
    (only,) = world.drafts.texts(draft.id, world.user.id)
    assert (only.kind, only.text, only.is_current) == (K.DESCRIBED, draft.text, True)
    assert (only.describer, only.model, only.level) == (draft.describer, draft.model, draft.level)
    assert (only.by, only.task_id) == (None, draft.task_id)


def test_describing_again_keeps_what_a_person_wrote(world: World, draft: Draft) -> None:
    """The person's text is in the history, with their name, and can be brought back."""
    edit(world, draft, "My own careful words.")
    assert describe(world, draft)
    found = world.drafts.texts(draft.id, world.user.id)
    assert [(one.kind, one.text, one.by) for one in found] == [
        (K.DESCRIBED, AGAIN.text, None),
        (K.WRITTEN, "My own careful words.", "anna"),
        (K.DESCRIBED, draft.text, None),
    ]
    before = world.drafts.get(draft.id, world.user.id)
    after = world.drafts.restore(draft.id, world.user.id, found[1].id, version=before.version)
    assert (after.text, after.version) == ("My own careful words.", before.version + 1)
    current = [one.text for one in world.drafts.texts(draft.id, world.user.id) if one.is_current]
    assert current == ["My own careful words."]


def test_the_describers_words_come_back_with_their_origin(world: World, draft: Draft) -> None:
    """A restored description is again that describer's, at its level."""
    describe(world, draft)
    edit(world, draft, "By hand.")
    first = world.drafts.texts(draft.id, world.user.id)[-1]
    after = world.drafts.restore(draft.id, world.user.id, first.id)
    assert after.text == after.described_text == draft.text
    assert (after.describer, after.model, after.level) == (
        draft.describer,
        draft.model,
        draft.level,
    )


def test_the_text_that_a_draft_has_is_one_of_equal_ones(world: World, draft: Draft) -> None:
    """Where the same words come twice, the draft names the text that was brought back."""
    edit(world, draft, "By hand.")
    same = Description(draft.text, draft.describer, draft.model, "low", {})
    assert describe(world, draft, same)
    newest, by_hand, first = world.drafts.texts(draft.id, world.user.id)
    assert [one.is_current for one in (newest, by_hand, first)] == [True, False, False]
    for text in (by_hand, first):
        after = world.drafts.restore(draft.id, world.user.id, text.id)
        assert (after.text, after.text_id) == (text.text, text.id)
        current = [one for one in world.drafts.texts(draft.id, world.user.id) if one.is_current]
        assert [one.id for one in current] == [text.id]
    after = edit(world, draft, "By hand again.")
    assert after.text_id == world.drafts.texts(draft.id, world.user.id)[0].id


def test_a_text_of_no_known_language_is_in_the_usual_one(world: World) -> None:
    """Neither it nor its post says one when it is brought back from the server's."""
    (draft,) = world.draft(replace(make_post(1, ""), language=None))
    with world.database.write() as session:
        draft_writes.note_published(session, draft.picture.id, "Found on the server.")
    found = world.drafts.texts(draft.id, world.user.id)[0]
    assert found.kind is K.SERVER
    assert world.drafts.restore(draft.id, world.user.id, found.id).language == DEFAULT_LANGUAGE


def test_a_text_keeps_its_language(world: World, draft: Draft) -> None:
    """It is the one asked for, unless the describer names another; it comes back with its text."""
    with world.database.write() as session:
        seen = draft_writes.target(session, draft.account_id, "p1", "m1-0")
        assert seen is not None
        german = Description("Eine Katze auf einem Sofa.", "fake", "fake-2", "low", {})
        draft_writes.store_draft(
            session,
            seen,
            german,
            None,
            user_id=world.user.id,
            task_id="task-2",
            asked_language="de",
        )
    after = world.drafts.get(draft.id, world.user.id)
    assert (after.language, after.asked_language) == ("de", "de")
    assert [one.code for one in after.warnings if one.code == "language"] == []
    assert edit(world, draft, "Die Katze liegt auf dem Sofa.").language == "de"
    texts = world.drafts.texts(draft.id, world.user.id)
    assert [one.language for one in texts] == ["de", "de", ""]  # the first: nobody said
    back = world.drafts.restore(draft.id, world.user.id, texts[-1].id)
    assert (back.language, back.asked_language) == ("en", "de")
    with world.database.write() as session:
        draft_writes.note_published(session, draft.picture.id, "A cat.")
    theirs = world.drafts.texts(draft.id, world.user.id)[0]
    assert world.drafts.restore(draft.id, world.user.id, theirs.id).language == "en"
    publish(world, draft)
    newest = world.drafts.texts(draft.id, world.user.id)[0]
    assert (newest.kind, newest.language) == (K.PUBLISHED, "en")


def test_a_blank_comes_back_where_nobody_is_about_to_publish_it(world: World) -> None:
    """An approved draft keeps its words."""
    (draft,) = world.draft(make_post(1, ""), "")
    edit(world, draft, "By hand.")
    blank = world.drafts.texts(draft.id, world.user.id)[-1]
    assert world.drafts.restore(draft.id, world.user.id, blank.id).text == ""
    edit(world, draft, "By hand again.")
    world.drafts.approve(draft.id, world.user.id)
    with pytest.raises(InvalidInput, match="is empty"):
        world.drafts.restore(draft.id, world.user.id, blank.id)


def test_saving_while_writing_makes_one_text(world: World, draft: Draft) -> None:
    """The page saves at every pause; the history has what came of it."""
    for words in ("A", "A ca", "A cat", "A cat sleeps."):
        edit(world, draft, words)
    assert kinds(world, draft) == [(K.DESCRIBED, draft.text), (K.WRITTEN, "A cat sleeps.")]


@pytest.mark.parametrize("pause", ["decision", "own decision", "time", "restored"])
def test_what_was_decided_or_is_old_is_not_written_over(
    world: World, draft: Draft, pause: str
) -> None:
    """A text that was approved, is some minutes old, or was come back to, stays as it was."""
    edit(world, draft, "First.")
    if pause == "decision":
        world.drafts.approve_many(world.user.id, [draft.id])
    elif pause == "own decision":
        world.drafts.approve(draft.id, world.user.id)
    elif pause == "time":
        with world.database.write() as session:
            session.execute(update(DraftTextRow).values(at=now(-draft_texts.WRITING_S - 1)))
    else:
        described = world.drafts.texts(draft.id, world.user.id)[-1]
        world.drafts.restore(draft.id, world.user.id, described.id)
    edit(world, draft, "Second.")
    assert kinds(world, draft) == [
        (K.DESCRIBED, draft.text),
        (K.WRITTEN, "First."),
        (K.WRITTEN, "Second."),
    ]


def test_a_published_picture_stays_published_when_it_is_described_again(
    world: World, draft: Draft
) -> None:
    """The new text waits for review; what was published, and when, is not forgotten."""
    publish(world, draft)
    published = world.drafts.get(draft.id, world.user.id)
    assert describe(world, draft)
    again = world.drafts.get(draft.id, world.user.id)
    assert (again.status, again.text) == (DraftStatus.DRAFT, AGAIN.text)
    assert again.published_at == published.published_at
    assert again.picture.published_text == draft.text
    assert (K.PUBLISHED, draft.text) in kinds(world, draft)
    page = world.drafts.find(world.user.id, was_published=True)
    assert [one.id for one in page.drafts] == [draft.id]
    assert world.drafts.count_published(world.user.id) == 1


def test_what_somebody_put_on_the_server_is_kept(world: World, draft: Draft) -> None:
    """A text found there stands in the history, whoever replaces it."""
    with world.database.write() as session:
        draft_writes.note_published(session, draft.picture.id, "Written on the server.")
        draft_writes.save_posts(session, draft.account_id, [make_post(1, "Changed there again.")])
        draft_writes.save_posts(session, draft.account_id, [make_post(1, "")])
        draft_writes.review_again(session, draft, None, "Look.")
        draft_writes.review_again(session, draft, "Found by publishing.", "Look.")
    assert kinds(world, draft)[1:] == [
        (K.SERVER, "Written on the server."),
        (K.SERVER, "Changed there again."),
        (K.SERVER, "Found by publishing."),
    ]
    assert world.drafts.get(draft.id, world.user.id).picture.published_text == (
        "Found by publishing."
    )


def test_the_history_is_bounded(world: World, draft: Draft) -> None:
    """The last 50 stay, and the newest of each kind beyond them."""
    publish(world, draft)
    describe(world, draft)
    for number in range(draft_texts.KEPT + 5):
        edit(world, draft, f"Text {number}.")
        world.drafts.skip(draft.id, world.user.id)
    found = kinds(world, draft)
    assert len(found) == draft_texts.KEPT + 2
    assert found[:2] == [(K.PUBLISHED, draft.text), (K.DESCRIBED, AGAIN.text)]
    assert found[-1] == (K.WRITTEN, f"Text {draft_texts.KEPT + 4}.")


def test_a_text_that_an_older_process_wrote_is_kept_too(world: World, draft: Draft) -> None:
    """During an update a process without the history may have changed the draft."""
    with world.database.write() as session:
        session.execute(update(DraftRow).values(text="By an old process."))
        session.execute(delete(DraftTextRow))
    edit(world, draft, "By a new one.")
    assert kinds(world, draft) == [
        (K.WRITTEN, "By an old process."),
        (K.WRITTEN, "By a new one."),
    ]


def test_a_text_to_choose_stands_beside_the_one_that_a_draft_has(
    world: World, draft: Draft
) -> None:
    """With where it is from; the draft keeps its words, whoever wrote them, and so do others."""
    (other,) = world.draft(make_post(2, ""))
    with world.database.write() as session:
        row = session.get_one(DraftRow, other.id)
        row.text = "By an old process."
    known = world.drafts.get(other.id, world.user.id)
    said = Description(" A door.\n", "d" * 99, "m" * 999, "low", {})

    def add() -> bool:
        with world.database.write() as session:
            return draft_writes.add_text(session, other.id, said, "task-2", asked_language="de")

    assert add()
    assert world.drafts.get(other.id, world.user.id) == known
    assert kinds(world, other) == [
        (K.DESCRIBED, other.text),
        (K.WRITTEN, "By an old process."),
        (K.DESCRIBED, "A door."),
    ]
    found = world.drafts.texts(other.id, world.user.id)[0]
    assert (found.describer, found.model) == ("d" * 32, "m" * 128)
    assert (found.language, found.level, found.task_id) == ("de", "low", "task-2")
    assert kinds(world, draft) == [(K.DESCRIBED, draft.text)]
    world.accounts.remove(world.account.id, world.user.id)
    assert not add()


def test_a_refused_restore_changes_nothing(world: World, draft: Draft) -> None:
    """An old version, a published draft, and a text too long for the server are refused."""
    edit(world, draft, "By hand.")
    known = world.drafts.texts(draft.id, world.user.id)
    described = known[-1].id
    with pytest.raises(Conflict):
        world.drafts.restore(draft.id, world.user.id, described, version=draft.version)
    with world.database.write() as session:
        row = session.get_one(DraftTextRow, described)
        row.text = "x" * 1501
    with pytest.raises(InvalidInput):
        world.drafts.restore(draft.id, world.user.id, described)
    publish(world, draft)
    with pytest.raises(Conflict):
        world.drafts.restore(draft.id, world.user.id, known[0].id)


def test_somebody_elses_texts_are_not_there(world: World, draft: Draft) -> None:
    """A stranger, and another draft's text, are answered as if there were none."""
    bob = world.users.create("bob", "correct horse").id
    (text,) = world.drafts.texts(draft.id, world.user.id)
    other = world.draft(make_post(2, ""))[0]
    doors: list[Callable[[], object]] = [
        lambda: world.drafts.texts(draft.id, bob),
        lambda: world.drafts.restore(draft.id, bob, text.id),
        lambda: world.drafts.restore(other.id, world.user.id, text.id),
        lambda: world.drafts.restore(draft.id, world.user.id, 2**70),
    ]
    for door in doors:
        with pytest.raises(NotFound):
            door()


def test_texts_go_with_their_draft_and_outlive_their_writer_s_name(
    world: World, draft: Draft
) -> None:
    """No text stays without its draft; one whose writer was removed stays without a name."""
    edit(world, draft, "By hand.")
    bob = world.users.create("bob", "correct horse").id
    with world.database.write() as session:
        session.execute(update(DraftTextRow).values(user_id=bob))
        session.execute(delete(UserRow).where(UserRow.id == bob))
    assert {one.by for one in world.drafts.texts(draft.id, world.user.id)} == {None}
    with world.database.write() as session:
        session.execute(delete(PictureRow))
        assert session.scalar(select(func.count()).select_from(DraftTextRow)) == 0


def test_times_are_in_order(world: World, draft: Draft) -> None:
    """Each text says when it came."""
    edit(world, draft, "By hand.")
    found = world.drafts.texts(draft.id, world.user.id)
    assert found[1].at <= found[0].at <= found[1].at + timedelta(hours=1)


def test_a_text_that_comes_back_in_other_code_points_is_the_same(
    world: World, draft: Draft
) -> None:
    """Servers compose letters and accents: nobody else has written that."""
    publish(world, edit(world, draft, "A cafe\u0301."))
    before = kinds(world, draft)
    with world.database.write() as session:
        draft_writes.save_posts(session, draft.account_id, [make_post(1, "A caf\u00e9.")])
    assert kinds(world, draft) == before
    assert world.drafts.get(draft.id, world.user.id).picture.published_text == "A cafe\u0301."


def unsure_draft(world: World, draft: Draft, text: str) -> Draft:
    """Return the draft with a description that its describer isn't sure of."""
    assert describe(world, draft, Description(text, "fake", "fake-2", "low", {}))
    return world.drafts.get(draft.id, world.user.id)


def test_a_mend_judges_nothing(world: World, draft: Draft) -> None:
    """An unsure text that one key has mended loses that warning, and nothing else."""
    draft = unsure_draft(world, draft, "Image of a blue door (IMG_20.jpg).")
    store, anna = world.drafts, world.user.id
    assert [one.code for one in draft.warnings] == ["file_name", "opening"]
    named = store.mend(draft.id, anna, "file_name", version=draft.version)
    assert [one.code for one in named.warnings] == ["opening"]
    after = store.mend(draft.id, anna, "opening")
    assert (after.text, after.level, after.warnings) == ("A blue door.", "low", [])
    assert store.approve_matching(anna, DraftFilter()) == []
    assert [one.id for one in store.find(anna, wanted=DraftFilter(levels=["low"])).drafts] == [
        draft.id
    ]
    with world.database.read() as session:
        seen = draft_writes.target(session, draft.account_id, "p1", "m1-0")
    assert seen is not None
    assert not seen.is_written
    found = store.texts(draft.id, anna)
    assert [(one.kind, one.text, one.level, one.by, one.is_current) for one in found[:3]] == [
        (K.DESCRIBED, after.text, "low", "anna", True),
        (K.DESCRIBED, named.text, "low", "anna", False),
        (K.DESCRIBED, draft.text, "low", None, False),
    ]
    back = store.restore(draft.id, anna, found[2].id)
    assert (back.text, back.described_text, back.level) == (draft.text, draft.text, "low")
    with pytest.raises(Conflict, match="nothing of this kind"):
        store.mend(draft.id, anna, "emoji")
    with pytest.raises(Conflict, match="changed meanwhile"):
        store.mend(draft.id, anna, "opening", version=draft.version)


def test_a_persons_text_stays_theirs_when_it_is_mended(world: World, draft: Draft) -> None:
    """They have read the picture: the level that its describer gave stays out of it."""
    draft = unsure_draft(world, draft, "A blue door.")
    edit(world, draft, "Image of a green door.")
    after = world.drafts.mend(draft.id, world.user.id, "opening")
    assert (after.text, after.described_text) == ("A green door.", draft.text)
    assert kinds(world, draft)[-1] == (K.WRITTEN, "A green door.")
    assert world.drafts.approve_matching(world.user.id, DraftFilter()) == [draft.id]
