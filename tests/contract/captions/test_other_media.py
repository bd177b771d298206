"""What isn't a picture: animations are described by their still, the rest is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.support_domain import Bench, PictureServer, World

from altwright.captions.tasks.publishing import start_publishing
from altwright.errors import DescriberUnavailable
from altwright.platforms.port import Post


def test_what_can_not_be_described_is_counted(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Nobody is told that all have a text when videos have none; the count outlives an attempt."""
    world.platform.add(
        post(1, "", "", kind="video"),
        post(2, "", kind="audio"),
        post(3, "", kind="unknown"),
        post(4, "Described.", kind="video"),
        post(5, "", kind="gifv"),  # without a still
    )
    words = (
        "3 videos, 1 audio file and 1 other attachment were passed over: "
        "only pictures and animations are described."
    )
    assert bench.captions().step == f"Found no new picture without an alt text. {words}"
    world.platform.add(post(6, ""))
    failures = [DescriberUnavailable("Away.")]

    def fail_once(_number: int) -> None:
        if failures:
            raise failures.pop()

    bench.describer.before = fail_once
    assert bench.captions().step == f"Described 1 of 1 picture. {words}"


def test_an_animation_is_described_by_its_still(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """A GIF that a server keeps as a video gets a text, a remark, and is published like others."""
    made = post(1, "", kind="gifv")
    still = f"http://{pictures.host}/still.png"
    media = replace(made.media[0], url=f"http://{pictures.host}/1.mp4", preview_url=still)
    world.platform.add(replace(made, media=(media,)))
    assert bench.captions().step == "Described 1 of 1 picture."
    assert pictures.asked == ["/still.png"]
    (draft,) = world.drafts.find(world.user.id).drafts
    assert [one.code for one in draft.warnings] == ["incomplete"]
    assert draft.warnings[0].message.startswith("This is an animation")
    bench.submit("description", settings={"draft_id": draft.id, "hint": ""})
    bench.attempt()
    again = world.drafts.get(draft.id, world.user.id)
    assert (again.version, again.warnings) == (draft.version + 1, draft.warnings)
    world.drafts.approve(draft.id, world.user.id)
    start_publishing(world.drafts, bench.queue, world.user.ref, [draft.id])
    bench.attempt()
    assert world.platform.edits == [("p1", {"m1-0": again.text})]
