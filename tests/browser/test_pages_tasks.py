"""Starting a run and following it: lost answers, old news, and ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from tests.support_browser import Site, violations

from altwright.domain.task import ItemStatus, Status
from altwright.errors import Category


def test_a_submit_whose_answer_got_lost(page: Page, site: Site) -> None:
    """The page sends it again with the same key, so that one run begins and no second."""
    keys: list[str | None] = []

    def answer(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        if len(keys) == 1:
            route.fetch()  # the server has it, but the page never hears so
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/tasks", answer)
    page.goto("/")
    with page.expect_response("**/api/v1/tasks"):
        page.get_by_role("button", name="Describe my pictures").click()
    card = page.get_by_role("region", name="Describing pictures")
    expect(card.get_by_text("Waiting", exact=True)).to_be_visible()
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]
    assert len(site.web.services.store.recent(site.web.anna.id)) == 1


def test_no_button_is_there_before_its_script(page: Page) -> None:
    """On a slow line nobody presses a button that does nothing yet."""
    held: list[Route] = []
    page.route("**/js/home.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    with page.expect_request("**/js/home.js"):
        page.goto("/", wait_until="commit")
    expect(page.get_by_role("heading", name="Look for pictures")).to_be_visible()
    button = page.get_by_role("button", name="Describe my pictures")
    expect(button).to_be_hidden()
    held[0].continue_()
    expect(button).to_be_visible()


def test_settings_go_with_the_run(page: Page, site: Site) -> None:
    """What is chosen in the form is what the run is told."""
    site.web.services.live.change({"DESCRIBER": "ollama"}, by=site.web.root.ref)
    page.goto("/")
    page.get_by_text("Settings of this run").click()
    page.get_by_label("Newest posts to look at").fill("20")
    page.get_by_label("Language of the texts").fill("de")
    page.get_by_label("Let the describer read").check()
    page.get_by_role("button", name="Describe my pictures").click()
    expect(page.get_by_role("region", name="Describing pictures")).to_be_visible()
    task = site.web.services.store.recent(site.web.anna.id)[0]
    assert task.settings["max_posts_per_run"] == 20
    assert task.settings["language"] == "de"
    assert task.settings["use_post_text"] is True
    assert task.settings["reprocess_existing"] is False


def test_a_describer_is_asked_for_what_it_can(page: Page) -> None:
    """The built-in one knows English and reads no post: the form says so, and offers neither."""
    page.goto("/")
    page.get_by_text("Settings of this run").click()
    expect(page.get_by_text("The built-in describer knows English only")).to_be_visible()
    expect(page.get_by_label("Language of the texts")).to_have_count(0)
    expect(page.get_by_label("Let the describer read")).to_have_count(0)
    assert violations(page) == []


def test_wrong_settings_are_named(page: Page, site: Site) -> None:
    """A setting that the server refuses is shown, with its field in focus."""
    site.web.services.live.change({"DESCRIBER": "ollama"}, by=site.web.root.ref)
    page.goto("/")
    page.get_by_text("Settings of this run").click()
    page.get_by_label("Language of the texts").fill("klingon!")
    page.get_by_role("button", name="Describe my pictures").click()
    expect(page.get_by_role("alert")).to_contain_text("Language of the texts should be")
    expect(page.get_by_label("Language of the texts")).to_be_focused()


def test_a_run_that_began_elsewhere(page: Page, site: Site) -> None:
    """A second submit shows the run that is active instead of an error."""
    page.route("**/socket.io.esm.min.js", lambda route: route.abort())  # the page hears nothing
    page.goto("/")
    task_id = site.task(done=2, total=8, step="Describing picture 3 of 8")
    page.get_by_role("button", name="Describe my pictures").click()
    card = page.get_by_role("region", name="Describing pictures")
    expect(card).to_contain_text("Describing picture 3 of 8")
    expect(card.get_by_role("link", name="Details")).to_have_attribute("href", f"/tasks/{task_id}")


@pytest.mark.req("5.1", "over WebSocket")
def test_progress_comes_without_a_reload(page: Page, site: Site) -> None:
    """A page follows its run to the end, and then offers the drafts."""
    task_id = site.task(done=1, total=4, step="Describing picture 2 of 4")
    page.goto("/")
    card = page.get_by_role("region", name="Describing pictures")
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "25")
    expect(page.get_by_role("button", name="Describe my pictures")).to_be_hidden()
    site.progress(task_id, items_done=3, step="Describing picture 4 of 4")
    expect(card).to_contain_text("Describing picture 4 of 4")
    site.progress(task_id, items_done=4, status=Status.COMPLETED, step="Described 4 of 4 pictures.")
    expect(card.get_by_role("link", name="Review 4 drafts of this run")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Describing pictures: Done.")
    expect(page.get_by_role("button", name="Describe my pictures")).to_be_visible()


def test_a_run_in_which_everything_failed_isnt_called_done(page: Page, site: Site) -> None:
    """While the page follows it, after a reload, and in the list of tasks."""
    task_id = site.task(done=0, total=2, step="Describing picture 2 of 2")
    page.goto(f"/tasks/{task_id}")
    badge = page.locator(".badge")
    expect(badge).to_have_text("Running")
    summary = "Described 0 of 2 pictures; 2 failed."
    site.progress(task_id, items_failed=2, status=Status.COMPLETED, step=summary)
    expect(badge).to_have_text("Nothing done")
    for path in (f"/tasks/{task_id}", "/tasks"):
        page.goto(path)
        expect(badge).to_have_text("Nothing done")
        expect(badge).to_have_class("badge badge--failed")


def test_old_news_is_ignored(page: Page, site: Site) -> None:
    """A message with a sequence that isn't higher than the one shown changes nothing."""
    task_id = site.task(done=3, total=4, step="Newest")
    page.goto("/")
    card = page.get_by_role("region", name="Describing pictures")
    expect(card).to_contain_text("Newest")
    task = site.web.services.store.get(task_id, None).to_json()

    def heard(sequence: int, step: str) -> bool:
        news: dict[str, Any] = json.loads(json.dumps(task))
        news["progress"] |= {"sequence": sequence, "step": step}
        return bool(
            page.evaluate(
                "news => import('/static/js/live.js').then(live => live.take(news))", news
            )
        )

    sequence = task["progress"]["sequence"]
    assert not heard(sequence - 1, "Older")
    assert not heard(sequence, "The same")
    expect(card).to_contain_text("Newest")
    assert heard(sequence + 1, "Newer")
    expect(card).to_contain_text("Newer")


def test_without_a_socket_the_page_asks(page: Page, site: Site) -> None:
    """While no socket can be had, the page fetches its run every few seconds."""
    page.route("**/vendor/socket.io*", lambda route: route.abort())
    task_id = site.task(done=1, total=4, step="Before")
    page.goto("/")
    card = page.get_by_role("region", name="Describing pictures")
    expect(card).to_contain_text("Before")
    site.progress(task_id, step="After")
    expect(card).to_contain_text("After")


def test_cancel(page: Page, site: Site) -> None:
    """A run that goes on is cancelled with one button, which says that it was heard."""
    task_id = site.task(done=1, total=4, step="Describing")
    page.goto("/")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancelling …")).to_be_visible()
    assert site.web.services.store.get(task_id, None).cancel_requested


def test_a_failed_run_is_explained_and_queued_again(page: Page, site: Site) -> None:
    """The page of a failed task says what failed and why, and queues it again."""
    task_id = site.task(
        Status.FAILED, done=1, failed=1, total=4, error=(Category.SERVICE_DOWN, "Ollama is away.")
    )
    site.item(task_id, ItemStatus.FAILED, "The cat", "It is no picture.", "bad_input")
    page.goto("/tasks")
    page.get_by_role("link", name="Describing pictures").click()
    expect(page.get_by_role("region", name="Failed 1")).to_contain_text("It is no picture.")
    expect(page.get_by_text("Ollama is away.")).to_be_visible()
    page.get_by_role("button", name="Queue again").click()
    expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    expect(page.get_by_text("Queued again").first).to_be_visible()
    assert site.web.services.store.get(task_id, None).status is Status.QUEUED


@pytest.mark.req("5.4", "own tasks only")
def test_somebody_elses_task(page: Page, site: Site) -> None:
    """Another person's task isn't there."""
    task = site.web.submit(site.web.by_token(site.web.anna))
    page.context.clear_cookies()
    page.goto("/login")
    page.get_by_label("User name").fill("bert")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"/tasks/{task['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED])
@pytest.mark.parametrize("done", [0, 1, 3])
@pytest.mark.parametrize("kind", ["captions", "publishing", "description"])
def test_the_way_to_a_result_is_the_same_with_and_without_the_script(
    page: Page, site: Site, kind: str, done: int, status: Status
) -> None:
    """What the server has written stays as it is when the card is brought up to date."""
    task_id = site.task(status, done=done, total=3)
    site.progress(task_id, kind=kind)
    answer = page.request.get(f"/tasks/{task_id}").text()
    written = """html => {
      const made = new DOMParser().parseFromString(html, 'text/html');
      const link = made.querySelector('[data-result]');
      return link.hidden || [link.textContent.trim(), link.getAttribute('href')];
    }"""
    before = page.evaluate(written, answer)
    page.goto(f"/tasks/{task_id}")
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    assert page.evaluate(written, page.content()) == before
