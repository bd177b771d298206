"""Describing again: with a hint, from the kept copy, never over an approved text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from tests.support_domain import Bench, PictureServer, World, jpeg
from tests.support_images import saved, scene

from altwright.accounts.context import AccountContext
from altwright.captions.drafts import draft_writes
from altwright.describers.style import Length, Style
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import InvalidInput
from altwright.platforms.port import Post

D = DraftStatus


def describe(bench: Bench, draft_id: int, hint: str = "") -> None:
    """Submit."""
    bench.submit("description", settings={"draft_id": draft_id, "hint": hint})


def test_the_hint_reaches_the_describer_and_the_text_is_replaced(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """The kept copy is described again; a skipped draft is one to review again."""
    world.platform.add(post(1, ""))
    bench.captions()
    draft = world.drafts.find(world.user.id).drafts[0]
    world.drafts.skip(draft.id, world.user.id)
    asked = len(pictures.asked)
    describe(bench, draft.id, " This is my cat Mia. ")
    task = bench.attempt()
    assert task.step == "Described the picture again."
    assert bench.describer.requests[-1].hint == "This is my cat Mia."
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.text, now.status, now.version) == (
        "A tabby cat on a red sofa, number 2.",
        D.DRAFT,
        draft.version + 2,
    )
    assert len(pictures.asked) == asked


def test_what_is_known_of_the_account_reaches_the_describer(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Names and style, with a run and when a picture is described again; the hint goes beside."""
    context = AccountContext("Mia is my grey cat.", Length.LONG, never_name_people=True)
    world.accounts.contexts.put(world.account.id, world.user.id, context)
    world.platform.add(post(1, ""))
    bench.captions()
    describe(bench, world.drafts.find(world.user.id).drafts[0].id, "On the sofa.")
    bench.attempt()
    asked = [(one.names, one.style, one.hint) for one in bench.describer.requests]
    style = Style(Length.LONG, names_nobody=True)
    assert asked == [(context.names, style, ""), (context.names, style, "On the sofa.")]


def test_it_is_described_again_in_the_language_of_its_run(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """A run in a chosen language isn't forgotten: neither by its draft, nor by the next text."""
    world.platform.add(post(1, ""))
    bench.captions(language="de")
    (draft,) = world.drafts.find(world.user.id).drafts
    assert (draft.post.language, draft.language) == ("en", "de")
    assert [one.code for one in draft.warnings] == ["language"]
    describe(bench, draft.id)
    bench.attempt()
    assert [one.language for one in bench.describer.requests] == ["de", "de"]
    assert {one.language for one in world.drafts.texts(draft.id, world.user.id)} == {"de"}


def test_a_purged_picture_is_fetched_again(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """Without a kept copy the server is asked, and the copy is there again."""
    world.platform.add(post(1, ""))
    bench.captions()
    draft = world.drafts.find(world.user.id).drafts[0]
    bench.pictures.delete_older(draft.picture.file, -1)
    pictures.answers["/1-0.jpg"] = (200, jpeg(colour="blue"))
    describe(bench, draft.id)
    assert bench.attempt().items_done == 1
    file, _ = world.drafts.picture_file(draft.picture.id, world.user.id)
    assert file != draft.picture.file
    assert bench.pictures.read(file)


def test_an_approved_text_is_kept(bench: Bench, world: World, post: Callable[..., Post]) -> None:
    """Also when it was approved after the submit."""
    world.platform.add(post(1, ""))
    bench.captions()
    draft = world.drafts.find(world.user.id).drafts[0]
    describe(bench, draft.id)
    approved = world.drafts.approve(draft.id, world.user.id)
    task = bench.attempt()
    assert (task.items_skipped, task.step) == (1, "The picture keeps its text.")
    assert world.drafts.get(draft.id, world.user.id) == approved
    assert len(bench.describer.requests) == 1


def test_somebody_elses_draft_is_not_described(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """The task fails as if there were no such draft."""
    draft = world.draft(post(1, ""))[0]
    bob = world.users.create("bob", "correct horse")
    bench.submit("description", user=bob.ref, settings={"draft_id": draft.id})
    assert bench.attempt().status is Status.FAILED
    assert bench.describer.requests == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"hint": "x"}, "draft_id"),
        ({"draft_id": "1"}, "draft_id"),
        ({"draft_id": True}, "draft_id"),
        ({"draft_id": 1, "hint": 5}, "hint"),
        ({"draft_id": 1, "hint": "x" * 501}, "hint"),
        ({"draft_id": 1, "tone": "dry"}, "tone"),
    ],
)
def test_a_wrong_setting_is_named(bench: Bench, settings: dict[str, Any], field: str) -> None:
    """Each wrong or unknown setting is named."""
    with pytest.raises(InvalidInput) as refused:
        bench.kinds["description"].checked(settings, None)
    assert list(refused.value.fields) == [field]


def test_it_is_described_again_as_its_run_was_set(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Length and the use of the post's words are its last run's, however often it is described."""
    world.platform.add(post(1, "", text="My cat Mia on the new sofa."))
    bench.captions(max_caption_length=120, use_post_text=True)
    (draft,) = world.drafts.find(world.user.id).drafts
    world.platform.add(post(2, ""))
    bench.captions(max_caption_length=200)  # over the new picture only
    for _ in range(2):
        describe(bench, draft.id)
        bench.attempt()
    first, _, *others = bench.describer.requests
    assert (first.max_length, first.post_text) == (120, "My cat Mia on the new sofa.")
    assert others == [first, first]
    bench.captions(max_caption_length=150, reprocess_existing=True)
    describe(bench, draft.id)
    bench.attempt()
    assert bench.describer.requests[-1].max_length == 150


def test_what_the_file_was_is_known_again(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """An animation's frames and a damaged file's note don't go with the file."""
    frames = [Image.new("RGB", (64, 48), (0, 20 * number, 0)) for number in range(10)]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    whole = saved(scene(), "JPEG")
    pictures.answers |= {"/1-0.jpg": (200, moving), "/1-1.jpg": (200, whole[: len(whole) * 4 // 5])}
    world.platform.add(post(1, "", ""))
    bench.captions()
    for draft in world.drafts.find(world.user.id).drafts:
        describe(bench, draft.id)
        assert bench.attempt().items_done == 1
    before, after = bench.describer.pictures[:2], bench.describer.pictures[2:]
    seen = [[(one.frames, one.duration_s, one.note) for one in some] for some in (before, after)]
    assert seen[0] == seen[1]
    assert seen[0][0][:2] == (10, 1.0)
    assert seen[0][1][2]
    assert [
        draft.evidence.get("file") or "" for draft in world.drafts.find(world.user.id).drafts
    ] == [note for _, _, note in seen[0]]


@pytest.mark.every_database
@pytest.mark.parametrize("kind", ["captions", "description"])
def test_a_description_that_comes_too_late_is_skipped(
    bench: Bench, world: World, post: Callable[..., Post], kind: str
) -> None:
    """A person was faster: their text stays, and the item says so instead of "done"."""
    world.platform.add(post(1, ""))
    bench.captions()
    (draft,) = world.drafts.find(world.user.id).drafts

    def edit(_: int) -> None:
        world.drafts.edit(draft.id, world.user.id, text="By hand.")

    bench.describer.before = edit
    if kind == "captions":
        task = bench.captions(reprocess_existing=True)
    else:
        describe(bench, draft.id)
        task = bench.attempt()
    assert (task.items_done, task.items_skipped) == (0, 1)
    ((_, status, reason),) = bench.outcomes(task)
    assert status == "skipped"
    assert "changed or decided about meanwhile" in reason
    assert world.drafts.get(draft.id, world.user.id).text == "By hand."


def test_a_published_text_is_one_to_review_when_it_is_described_again(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """As a run over described pictures does it; the server keeps its text until then."""
    world.platform.add(post(1, ""))
    bench.captions()
    (draft,) = world.drafts.find(world.user.id).drafts
    world.drafts.approve(draft.id, world.user.id)
    with world.database.write() as session:
        mine = draft_writes.begin_publishing(session, world.user.id, draft.post.id, [draft.id])
        draft_writes.published(session, mine)
    describe(bench, draft.id)
    assert bench.attempt().items_done == 1
    now = world.drafts.get(draft.id, world.user.id)
    assert (now.status, now.picture.published_text) == (D.DRAFT, draft.text)
    assert now.text != draft.text
