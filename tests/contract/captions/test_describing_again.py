"""Describing again: with a hint, from the kept copy, never over an approved text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support_domain import Bench, PictureServer, World, jpeg

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
    bench.pictures.delete(draft.picture.file)
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
