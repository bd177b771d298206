"""Pages follow a run that goes on: counts, headings, and drafts that are new."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.support_browser import Site

from altwright.domain.task import Status


def opened(page: Page, path: str) -> None:
    """Open a page and wait for its script."""
    page.goto(path)
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")


def test_the_review_page_offers_drafts_as_they_are_written(page: Page, site: Site) -> None:
    """An open page with drafts counts on, and shows the new ones behind those that it has."""
    site.draft(1, "The first post", ("sign", "A sign.", {}))
    run = site.task()
    opened(page, "/review")
    site.draft(2, "The second post", ("terminal", "A terminal.", {}), ("sign", "Signs.", {}))
    site.progress(run, items_done=2, items_total=5)
    button = page.get_by_role("button", name="Show 2 new drafts")
    expect(button).to_be_visible()
    expect(page.locator("[data-to-review]")).to_contain_text("3")
    expect(page.locator("[data-tab-count=draft]")).to_have_text("3")
    button.click()
    expect(button).to_be_hidden()
    expect(page.locator("li.draft")).to_have_count(3)
    expect(page.locator("li.draft[data-current] textarea")).to_have_value("A terminal.")


def test_the_empty_review_page_keeps_its_word(page: Page, site: Site) -> None:
    """With no drafts yet, the page that promises to show them does."""
    opened(page, "/review")
    expect(page.get_by_text("as soon as drafts are written")).to_be_visible()
    run = site.task()
    site.draft(1, "The first post", ("sign", "A sign.", {}))
    site.progress(run, items_done=1, items_total=5)
    page.get_by_role("button", name="Show 1 new draft").click()
    expect(page.locator("li.draft textarea")).to_have_value("A sign.")
    expect(page.locator("[data-to-review]")).to_contain_text("1")


def test_home_follows_a_run(page: Page, site: Site) -> None:
    """Heading, counts and a way to what is ready come while the run goes on."""
    run = site.task(step="Describing picture 1 of 5")
    opened(page, "/")
    expect(page.get_by_role("heading", name="find your pictures.")).to_be_visible()
    site.draft(1, "The first post", ("sign", "A sign.", {}), task_id=run)
    site.progress(run, items_done=1, items_total=5)
    expect(page.get_by_role("link", name="Review 1 draft so far")).to_be_visible()
    expect(page.get_by_role("heading", name="1 draft to review.")).to_be_visible()
    expect(page.locator("[data-to-review]")).to_contain_text("1")


def test_the_list_of_tasks_grows(page: Page, site: Site) -> None:
    """A run that begins while the list is open gets a row of its own, above the others."""
    site.task(Status.COMPLETED, done=1, total=1)
    opened(page, "/tasks")
    rows = page.locator("[data-task-row]")
    expect(rows).to_have_count(1)
    site.task(Status.RUNNING, done=1, total=3)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Running")
    expect(rows.first).to_contain_text("1 of 3 done")
