"""The review page narrowed by what drafts are like: counts, choices, and what is done to them."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.support_browser import Site, violations

from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status


def test_a_filter_narrows_counts_and_decisions(page: Page, site: Site) -> None:
    """By keyboard alone; all numbers are of what is shown, and nothing else is approved."""
    for number in range(3):
        site.draft(
            number, "A post", ("sign", f"A sign with the number {number}.", {"kind": "sign"})
        )
    site.draft(3, "A post", ("bar_chart", "Image of some bars", {"kind": "bar chart"}))
    site.draft(
        4, "A post", ("bar_chart", "Bars that rise from May to June.", {"kind": "bar chart"})
    )
    page.goto("/review")
    page.wait_for_selector("html[data-ready]")
    page.get_by_text("Filter", exact=True).press("Enter")
    page.get_by_label("Kind of picture").select_option(label="Bar chart (2)")
    assert violations(page) == []
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(page.locator("li.draft")).to_have_count(2)
    expect(page.locator("[data-tab-count=draft]")).to_have_text("2")
    expect(page.get_by_role("link", name="Review 5 to review")).to_be_visible()
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("button", name="Approve sure ones …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("How sure the describer has to be").select_option("Quite or fairly sure")
    dialog.get_by_role("button", name="Approve 1", exact=True).click()
    expect(page.locator("[data-tab-count=draft]")).to_have_text("1")
    expect(page.get_by_role("link", name="Review 4 to review")).to_be_visible()
    (approved,) = site.drafts(DraftStatus.APPROVED)
    assert approved.text == "Bars that rise from May to June."
    page.get_by_role("button", name="Skip all 1 …").click()
    page.get_by_role("dialog").get_by_role("button", name="Skip 1", exact=True).click()
    expect(page.locator("[data-tab-count=skipped]")).to_have_text("1")
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_have_text("Undone: skipped 1.")
    expect(page.locator("[data-tab-count=draft]")).to_have_text("1")
    page.get_by_role("link", name="Kind of picture: bar chart: no longer only this").click()
    expect(page.locator("li.draft")).to_have_count(4)
    page.goto("/review?warning=any&level=high")
    expect(page.get_by_role("heading", name="No draft is like this")).to_be_visible()
    page.get_by_role("link", name="Show all of them").click()
    expect(page.locator("li.draft")).to_have_count(4)
    page.goto("/review?warning=nonsense")
    expect(page.get_by_text("There is no warning “nonsense”.")).to_be_visible()
    expect(page.locator("li.draft")).to_have_count(0)


def test_a_filter_that_can_not_be_is_told_once(page: Page, site: Site) -> None:
    """In words, with the way out; no request that the API refuses follows, whatever is done."""
    drafts = site.fill()
    site.web.services.drafts.approve(drafts[0].id, site.web.anna.id)
    refused: list[str] = []
    page.on("response", lambda one: refused.append(one.url) if one.status >= 400 else None)
    page.goto("/review?warning=nonsense&level=high")
    page.wait_for_selector("html[data-ready]")
    expect(page.locator(".no-such")).to_contain_text("There is no warning “nonsense”.")
    page.keyboard.press("p")
    site.set_text(drafts[1].id, "Changed elsewhere.")
    site.draft(20, "A new post", ("sign", "A new sign.", {}))
    site.task(Status.COMPLETED, done=1, total=1)
    # The navigation goes on counting, so the page has heard of all that.
    expect(page.get_by_role("link", name="Review 7 to review")).to_be_visible()
    assert refused == []
    page.get_by_role("link", name="Show all", exact=True).click()
    expect(page.locator("li.draft")).to_have_count(7)
