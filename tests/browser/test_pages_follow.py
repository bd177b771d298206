"""Pages follow a run that goes on: counts, headings, and drafts that are new."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.support import wait_until
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


def test_the_empty_review_page_says_that_a_run_goes_on(page: Page, site: Site) -> None:
    """It asks nobody to start what is running, and says none are there once some are."""
    run = site.task()
    opened(page, "/review")
    end = page.get_by_role("region", name="No drafts yet")
    expect(end).to_contain_text("A run describes your pictures")
    expect(end.get_by_role("link", name="See how far it is")).to_be_visible()
    start = page.get_by_role("link", name="Describe my pictures")
    expect(start).to_be_hidden()
    site.progress(run, status=Status.FAILED)
    expect(start).to_be_visible()
    expect(end).to_contain_text("Start a run")
    run = site.task()
    expect(start).to_be_hidden()
    site.draft(1, "The first post", ("sign", "A sign.", {}))
    site.progress(run, items_done=1, items_total=5)
    expect(page.get_by_role("heading", name="Drafts are here")).to_be_visible()
    expect(page.locator("main .button--primary:visible")).to_have_text("Show 1 new draft")


def test_home_follows_a_run(page: Page, site: Site) -> None:
    """Heading, counts and a way to what is ready come while the run goes on."""
    run = site.task(step="Describing picture 1 of 5")
    opened(page, "/")
    expect(page.get_by_role("heading", name="find your pictures.")).to_be_visible()
    site.draft(1, "The first post", ("sign", "A sign.", {}), task_id=run)
    site.progress(run, items_done=1, items_total=5)
    expect(page.get_by_role("link", name="Review 1 draft of this run so far")).to_be_visible()
    expect(page.get_by_role("heading", name="1 draft to review.")).to_be_visible()
    expect(page.locator("main .button--primary:visible")).to_have_text("Review 1 draft")
    leads: dict[str, set[str]] = {}
    for link in page.locator("a:visible").all():
        leads.setdefault(link.inner_text().strip(), set()).add(str(link.get_attribute("href")))
    assert all(len(hrefs) == 1 for hrefs in leads.values()), leads
    expect(page.locator("[data-to-review]")).to_contain_text("1")
    site.progress(run, status=Status.COMPLETED)
    expect(page.get_by_role("button", name="Describe my pictures")).to_be_visible()
    site.web.services.drafts.approve(site.drafts()[0].id, site.web.anna.id)
    page.reload()
    expect(page.locator("main .button--primary:visible")).to_have_text("Publish 1 text")


@pytest.mark.parametrize("path", ["/tasks", "/accounts", "/tasks/TASK"])
def test_the_navigation_counts_on_each_page(path: str, page: Page, site: Site) -> None:
    """Drafts to review that a run brings, and that a person decides about elsewhere."""
    run = site.task()
    opened(page, path.replace("TASK", run))
    expect(page.locator("[data-to-review]")).to_be_hidden()
    site.draft(1, "The first post", ("sign", "A sign.", {}), ("terminal", "Words.", {}))
    site.progress(run, items_done=2, items_total=5)
    expect(page.locator("[data-to-review]")).to_have_text("2 to review")
    draft = site.web.services.drafts.find(site.web.anna.id).drafts[0]
    response = site.web.by_token(site.web.anna).post(f"/api/v1/drafts/{draft.id}/approve")
    assert response.status_code == 200
    expect(page.locator("[data-to-review]")).to_have_text("1 to review")


def test_home_counts_with_the_card(page: Page, site: Site) -> None:
    """The heading asks for its count in the moment in which the card shows another."""
    run = site.task(step="Describing picture 1 of 5")
    opened(page, "/")
    task = site.web.services.store.get(run, None).to_json()

    def asks_at_once() -> bool:
        """Whether news of one more draft is asked about by nobody's timer."""
        task["progress"]["sequence"] += 1
        task["items"]["done"] += 1
        asked = page.evaluate(
            """news => import('/static/js/live.js').then(live => {
              const { fetch } = window;
              const asked = [];
              window.fetch = (...all) => { asked.push(all[0]); return fetch(...all); };
              live.take(news);
              window.fetch = fetch;
              return asked;
            })""",
            task,
        )
        return "/" in asked

    wait_until(asks_at_once, every_s=1.0)  # it never asks twice at a time, and rests in between


def test_a_second_window_follows_the_first(page: Page, site: Site) -> None:
    """A text that is edited, decided about or described again in one is so in the other."""
    first, second, *_ = site.fill()
    other = page.context.new_page()
    opened(other, f"/review/{first.id}")
    opened(page, "/review")
    here, there = (one.locator(f"#draft-{first.id}") for one in (page, other))
    here.get_by_label("Alt text").fill("Written in the first window.")
    expect(there.get_by_label("Alt text")).to_have_value("Written in the first window.")
    here.get_by_role("button", name="Approve").click()
    expect(there.get_by_text("Approved", exact=True)).to_be_visible()
    expect(other.locator("[data-tab-count=approved]")).to_have_text("1")
    page.locator(f"#draft-{second.id}").get_by_role("button", name="Describe again").click()
    with page.expect_response("**/describe"):
        page.get_by_role("dialog").get_by_role("button", name="Describe again").click()
    site.work("Another text.")
    other.keyboard.press("j")
    expect(other.locator(f"#draft-{second.id} textarea")).to_have_value("Another text.")


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_somebody_writes_in_a_second_window_stays(
    page: Page, site: Site, *, is_kept: bool
) -> None:
    """Whoever is in a text is shown the other one, and chooses; both texts can be found."""
    draft = site.fill()[0]
    other = page.context.new_page()
    opened(other, f"/review/{draft.id}")
    place = other.locator(f"#draft-{draft.id}")
    field = place.get_by_label("Alt text")
    field.focus()
    opened(page, f"/review/{draft.id}")
    page.locator(f"#draft-{draft.id}").get_by_label("Alt text").fill("Written elsewhere.")
    conflict = place.get_by_role("group", name="Changed elsewhere")
    expect(conflict).to_contain_text("Written elsewhere.")
    expect(field).to_have_value(draft.text)
    other.keyboard.type("Written here. ")
    mine = field.input_value()
    assert "Written here." in mine
    name = "Keep what I wrote" if is_kept else "Take the other text"
    conflict.get_by_role("button", name=name).click()
    expect(conflict).to_be_hidden()
    wanted = mine if is_kept else "Written elsewhere."
    expect(field).to_have_value(wanted.strip())
    store = site.web.services.drafts
    wait_until(lambda: store.get(draft.id, site.web.anna.id).text == wanted)


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
