"""Captions: which pictures are described, and what stops or spares them."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable

import pytest
from tests.support_domain import (
    AUTHENTICATION,
    Bench,
    PictureServer,
    World,
    drafted,
    refusing,
)

from altwright.describers.local_models.folder import lacks, not_here
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ItemStatus, Status
from altwright.errors import (
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    NotFound,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.platforms.port import Post
from altwright.tasks.error_classification import NOT_SET_UP
from altwright.tasks.store.items import ITEM_TRIES
from altwright.tasks.task_kind import Run
from altwright.web.pages.template_filters import REMEDIES

D = DraftStatus


@pytest.mark.every_database
def test_each_picture_without_a_text_gets_a_draft(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Described ones, videos and posts without pictures are left alone; videos are counted."""
    world.platform.add(
        post(1, "", "Described already.", ""),
        post(2, "  "),
        post(3, "", kind="video"),
        post(4, "Described."),
    )
    task = bench.captions()
    assert task.status is Status.COMPLETED
    assert task.step == (
        "Described 3 of 3 pictures. "
        "1 video was passed over: only pictures and animations are described."
    )
    assert [key for key, *_ in bench.outcomes(task)] == ["p2:m2-0", "p1:m1-0", "p1:m1-2"]
    assert [one[:2] for one in drafted(world, D.DRAFT)] == [("p2", 1), ("p1", 1), ("p1", 3)]


def test_a_draft_has_its_picture_beside_it(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Both copies are kept, and the draft knows the post and what described it."""
    world.platform.add(post(1, "", text="Found in the archive."))
    task = bench.captions()
    draft = world.drafts.find(world.user.id).drafts[0]
    assert (draft.describer, draft.model, draft.level) == ("fake", "fake-1", "medium")
    assert (draft.task_id, draft.post.text) == (task.id, "Found in the archive.")
    file, media_type = world.drafts.picture_file(draft.picture.id, world.user.id)
    small, _ = world.drafts.picture_file(draft.picture.id, world.user.id, small=True)
    assert media_type in {"image/jpeg", "image/png"}
    assert bench.pictures.read(file) == bench.describer.pictures[0].data
    assert bench.pictures.read(small)


@pytest.mark.every_database
def test_a_second_run_finds_nothing_to_do(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """What has a draft isn't described again."""
    world.platform.add(post(1, ""), post(2, ""))
    bench.captions()
    again = bench.captions()
    assert again.step == "Found no new picture without an alt text."
    assert len(bench.describer.requests) == 2


def test_describing_again_on_request_spares_what_a_person_decided(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """reprocess_existing replaces describers' drafts, and no approved or written text."""
    world.platform.add(post(1, ""), post(2, ""), post(3, ""), post(4, "Described on the server."))
    bench.captions()
    first, second, third = (one.id for one in world.drafts.find(world.user.id).drafts)
    approved = world.drafts.approve(first, world.user.id)
    written = world.drafts.edit(second, world.user.id, text="Written by hand.")
    task = bench.captions(reprocess_existing=True)
    assert task.step == "Described 2 of 3 pictures; 1 skipped."
    assert world.drafts.get(first, world.user.id) == approved
    assert world.drafts.get(second, world.user.id) == written
    assert world.drafts.get(third, world.user.id).text.endswith("number 5.")


def test_the_settings_reach_the_describer(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Language, length and the post's text are passed on only as they were asked for."""
    world.platform.add(post(1, "", text="My cat."), post(2, ""))
    world.platform.limit = 420
    world.accounts.add(world.user.id, "mastodon", "https://social.example", "token")
    bench.captions(max_posts_per_run=1, language="de", max_caption_length=450, use_post_text=True)
    bench.captions(max_caption_length=300)
    first, second = bench.describer.requests
    assert (first.language, first.max_length, first.post_text) == ("de", 420, "Words of post 2")
    assert (second.language, second.max_length, second.post_text) == ("en", 300, "")


def test_a_picture_that_is_none_fails_alone(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """The others are described, and the reason can be read; no text is invented."""
    world.platform.add(post(1, "", "", ""))
    pictures.answers["/1-0.jpg"] = (200, b"<html>not here</html>")
    pictures.answers["/1-2.jpg"] = (404, b"")
    task = bench.captions()
    assert task.status is Status.COMPLETED
    assert task.step == "Described 1 of 3 pictures; 2 failed."
    assert [one[1] for one in bench.outcomes(task)] == ["failed", "done", "failed"]
    assert all(reason for _, status, reason in bench.outcomes(task) if status == "failed")
    assert [one[:2] for one in drafted(world)] == [("p1", 2)]


def test_an_unusable_answer_leaves_no_draft(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """No text is better than a false one."""
    world.platform.add(post(1, "", ""))

    def refuse(number: int) -> None:
        if not bench.describer.requests:
            bench.describer.before = lambda _: None
            raise CaptionUnusable(f"Answer {number} was no description.")

    bench.describer.before = refuse
    task = bench.captions()
    assert [one[1:] for one in bench.outcomes(task)] == [
        ("failed", "Answer 1 was no description."),
        ("done", ""),
    ]
    assert len(drafted(world)) == 1


def test_a_silent_describer_ends_the_attempt_and_keeps_its_work(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """The task is tried again, and goes on where it stopped."""
    world.platform.add(post(1, "", "", ""))

    def refuse(number: int = 2) -> None:
        if number == 2:
            raise DescriberUnavailable("The model server doesn't answer.")

    bench.describer.before = bench.describer.before_probe = refuse
    task = bench.captions()
    assert (task.status, task.items_done, task.failures) == (Status.QUEUED, 1, 0)
    bench.describer.before, bench.describer.before_probe = lambda _: None, lambda: None
    task = bench.attempt()
    assert (task.status, task.items_done) == (Status.COMPLETED, 3)
    assert len(bench.describer.requests) == 3


def test_a_run_on_a_host_without_the_model_goes_to_another_one(
    bench: Bench, world: World, post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """It waits and has not failed; its user reads no setting, the host's log has the command."""
    world.platform.add(post(1, "", ""))

    def missing(_: int = 0) -> None:
        raise not_here(lacks("qwen3-vl-2b"))

    bench.describer.before = bench.describer.before_probe = missing
    task = bench.captions()
    assert (task.status, task.failures, task.items_failed) == (Status.QUEUED, 0, 0)
    assert "MODEL_NAME" not in str(bench.store.history(task.id)) + str(bench.outcomes(task))
    assert "`altwright model get qwen3-vl-2b`" in caplog.text
    bench.describer.before, bench.describer.before_probe = lambda _: None, lambda: None
    task = bench.attempt()
    assert (task.status, task.items_done) == (Status.COMPLETED, 2)


def test_a_picture_described_meanwhile_is_skipped(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Between finding and describing, people work too."""
    world.platform.add(post(1, ""), post(2, ""), post(3, ""), post(4, ""))

    def change(_: int) -> None:
        world.platform.describe("p3", {"m3-0": "By hand."})
        del world.platform.posts["p2"]
        world.platform.posts["p1"] = post(1)

    bench.describer.before = change
    task = bench.captions()
    assert task.step == "Described 1 of 4 pictures; 3 skipped."
    assert [one[1] for one in bench.outcomes(task)] == ["done", "skipped", "skipped", "skipped"]
    assert all(reason for _, status, reason in bench.outcomes(task) if status == "skipped")
    assert len(bench.describer.requests) == 1


@pytest.mark.parametrize("method", ["pages", "post"])
def test_a_revoked_token_asks_the_user_to_reconnect(
    bench: Bench, world: World, post: Callable[..., Post], method: str
) -> None:
    """The task fails at once, and the account says why."""
    world.platform.add(post(1, ""))
    world.platform.before = refusing((method, "probe"), AUTHENTICATION)
    task = bench.captions()
    assert (task.status, task.error_category) == (Status.FAILED, "authentication")
    assert world.accounts.get(world.account.id, None).problem == str(AUTHENTICATION)
    world.platform.before = lambda _: None
    bench.captions()
    assert world.accounts.get(world.account.id, None).problem == ""


def test_a_describer_that_isnt_set_up_is_the_administrators_matter(
    bench: Bench, world: World, post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """Its user reads no path and no setting, and isn't sent to reconnect; the log has both."""
    world.platform.add(post(1, ""))

    def missing(_: int = 0) -> None:
        raise ConfigError(["DESCRIBER: no models in /srv/altwright/models; `altwright models`"])

    bench.describer.before = bench.describer.before_probe = missing
    task = bench.captions()
    assert (task.status, task.error_category) == (Status.FAILED, "configuration")
    assert task.error == NOT_SET_UP
    assert "/srv" not in str(bench.store.history(task.id)) + str(bench.outcomes(task))
    assert "/srv/altwright/models" in caplog.text
    assert world.accounts.get(world.account.id, None).problem == ""
    assert "econnect" not in REMEDIES[Category.CONFIGURATION]


def test_one_refused_post_costs_no_other_and_no_connection(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """403 for one post is no refused token: the account is as it was, the others are described."""
    world.platform.add(post(1, ""), post(2, ""), post(3, ""))
    asked = itertools.count()

    def refuse(method: str) -> None:
        if method == "post" and len(bench.describer.requests) == 1 and next(asked) < ITEM_TRIES:
            raise AUTHENTICATION

    world.platform.before = refuse
    task = bench.captions()
    assert task.step == "Described 3 of 3 pictures."
    assert world.accounts.get(world.account.id, None).problem == ""


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (PlatformRefused("The server refused (400)."), "authentication"),
        (PlatformUnavailable("The server is in trouble."), "service_down"),
    ],
)
def test_a_post_that_is_refused_isnt_gone(
    bench: Bench,
    world: World,
    post: Callable[..., Post],
    error: PlatformRefused | PlatformUnavailable,
    category: str,
) -> None:
    """A server that refuses everything (a revoked token is 400 to Takahē) has lost no post."""
    world.platform.add(*(post(number, "") for number in range(8)))

    def refuse(method: str) -> None:
        if bench.describer.requests and method in {"post", "probe"}:
            raise error

    world.platform.before = refuse
    task = bench.captions()
    assert task.items_skipped == 0
    assert task.items_done == 1
    assert task.error_category == category
    assert task.status is (Status.FAILED if category == "authentication" else Status.QUEUED)
    problem = world.accounts.get(world.account.id, None).problem
    assert bool(problem) is (category == "authentication")


@pytest.mark.every_database
def test_what_failed_before_comes_last_and_says_since_when(
    bench: Bench, world: World, post: Callable[..., Post], pictures: PictureServer
) -> None:
    """The next run begins with the others; a picture that is described at last is forgiven."""
    world.platform.add(post(3, ""))
    pictures.answers["/3-0.jpg"] = (500, b"")
    first = bench.captions()
    assert (first.status, first.items_failed) == (Status.COMPLETED, 1)
    world.platform.add(post(1, ""), post(2, ""))
    again = bench.captions()
    assert [(key, status) for key, status, _ in bench.outcomes(again)] == [
        ("p2:m2-0", "done"),
        ("p1:m1-0", "done"),
        ("p3:m3-0", "failed"),
    ]
    label = bench.store.items(again.id)[-1].label
    assert re.search(r" \(failed before, since \d+ \w+ \d{4}\)$", label)
    del pictures.answers["/3-0.jpg"]
    assert bench.captions().items_done == 1
    world.drafts.skip(world.drafts.find(world.user.id).drafts[0].id, world.user.id)
    assert "failed" not in bench.store.items(bench.captions(reprocess_existing=True).id)[0].label


def test_a_server_that_asks_to_wait_is_waited_for(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Planning goes on in the next attempt, and no picture is planned twice."""
    world.platform.add(*(post(number, "") for number in range(30)))
    calls = itertools.count(1)

    def limit(method: str) -> None:
        if method == "pages" and next(calls) == 2:
            raise RateLimited("Too many requests.", retry_in_s=7)

    world.platform.before = limit
    task = bench.captions()
    assert (task.status, task.items_total) == (Status.QUEUED, None)
    task = bench.attempt()
    assert task.step == "Described 30 of 30 pictures."
    assert len(bench.outcomes(task)) == 30
    assert world.platform.cursors == [0, 20], "the first page was read twice"


def test_a_stop_ends_a_pause_between_pictures(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """processing_delay waits, and hands the task back as soon as its worker has to stop."""
    world.platform.add(post(1, "", ""))
    stop = threading.Timer(0.3, bench.interrupted.set)
    bench.describer.before = lambda _: stop.start()
    task = bench.captions(processing_delay=10)
    stop.join()
    assert (task.status, task.items_done, task.failures) == (Status.QUEUED, 1, 0)


def test_a_cancel_ends_the_run_at_the_next_picture(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """What was described until then is kept."""
    world.platform.add(post(1, "", "", ""))
    task = bench.submit("captions", account_id=world.account.id)

    def cancel(_: int) -> None:
        if not bench.describer.requests:
            bench.store.cancel(task.id, user_id=None, actor="anna")

    bench.describer.before = cancel
    ended = bench.attempt()
    assert (ended.status, ended.items_done) == (Status.CANCELLED, 1)
    assert len(drafted(world)) == 1


def test_an_account_that_was_removed_fails_its_task(bench: Bench, world: World) -> None:
    """Nobody waits for what can't come back."""
    bench.submit("captions", account_id=world.account.id)
    world.accounts.remove(world.account.id, world.user.id)
    task = bench.attempt()
    assert (task.status, task.error) == (
        Status.FAILED,
        "The account of this task was removed.",
    )


def test_somebody_elses_account_is_not_worked_on(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """A task that names a stranger's account is none."""
    world.platform.add(post(1, ""))
    bob = world.users.create("bob", "correct horse")
    with pytest.raises(NotFound, match="no such account"):
        bench.submit("captions", user=bob.ref, account_id=world.account.id)
    assert bench.store.recent(None) == []
    assert bench.describer.requests == []


def test_labels_are_what_people_read(bench: Bench, world: World, post: Callable[..., Post]) -> None:
    """An item says which picture it is."""
    world.platform.add(post(1, "", ""), post(2, "", text="Hello\n\n" + "many words " * 20))
    task = bench.captions()
    labels = [one.label for one in bench.store.items(task.id)]
    assert labels[1:] == [
        "1st picture of the post of 4 May 2026: “Words of post 1”",
        "2nd picture of the post of 4 May 2026: “Words of post 1”",
    ]
    assert labels[0].startswith("Picture of the post of 5 May 2026: “Hello many words")
    assert labels[0].endswith(" …”")


def test_a_page_reads_what_the_task_is_doing(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """Posts and pictures are counted while looking, pictures while describing."""
    world.platform.add(*(post(number, "" if number % 2 else "Text.") for number in range(50)))
    submitted = bench.submit("captions", account_id=world.account.id)
    steps: list[str] = []
    work = bench.kinds["captions"].open(Run(submitted, lambda: None, steps.append))
    planned = list(work.plan())
    assert steps[0] == "Looking for pictures: 20 posts seen, 10 pictures found"
    assert steps[-1] == "Looking for pictures: 50 posts seen, 25 pictures found"
    task = bench.claims.claim_next("bench")
    assert task is not None
    bench.items.plan(task, planned)
    item = bench.store.items(task.id)[2]
    assert work.item(item).status is ItemStatus.DONE
    assert steps[-1] == "Describing picture 1 of 25"
