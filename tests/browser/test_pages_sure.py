"""Approving by one confirmation all drafts that are sure, and taking that back."""

from __future__ import annotations

import re

import pytest
from benchmarks import review
from playwright.sync_api import Page, expect
from tests.support_browser import Site, violations

from altwright.captions.drafts.draft import Draft
from altwright.domain.caption import DraftStatus


@pytest.fixture
def drafts(site: Site, page: Page) -> list[Draft]:
    """Open the first of seven drafts."""
    filled = site.fill()
    page.goto(f"/review/{filled[0].id}")
    page.wait_for_selector("html[data-ready]")
    return filled


def test_all_sure_ones_at_once(page: Page, site: Site, drafts: list[Draft]) -> None:
    """One confirmation approves what is sure and has no warning; one undo takes it all back."""
    chosen = page.get_by_role("button", name="Approve sure ones …")
    chosen.click()
    dialog = page.get_by_role("dialog", name="Approve all that are sure?")
    expect(dialog.get_by_text("No draft is like this.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Approve")).to_be_disabled()
    dialog.get_by_label("How sure the describer has to be").select_option("Quite or fairly sure")
    able = sum(not draft.warnings for draft in drafts)
    assert 0 < able < len(drafts)
    dialog.get_by_role("button", name=f"Approve {able}", exact=True).click()
    expect(page.locator("#toast")).to_contain_text(f"Approved: {able}. Undo takes them back.")
    left = [draft.id for draft in site.drafts(DraftStatus.DRAFT)]
    assert left == [draft.id for draft in drafts if draft.warnings]
    expect(page.locator("li.draft")).to_have_count(len(left))
    expect(page.get_by_role("button", name=f"Publish {able}").first).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_have_text(f"Undone: approved {able}.")
    assert site.drafts(DraftStatus.APPROVED) == []
    expect(page.locator("li.draft")).to_have_count(len(drafts))


def test_hundreds_at_once(page: Page, site: Site) -> None:
    """One approval, three requests; what is to be published comes in pages, by keyboard."""
    review.fill(site, 120)
    sent: list[str] = []
    page.goto("/review")
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("button", name="Approve sure ones …").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Approve 96", exact=True)
    expect(confirm).to_be_enabled()
    page.on("request", lambda one: sent.append(one.url))
    confirm.click()
    expect(page.locator("#toast")).to_contain_text("Approved: 96.")
    assert len([one for one in sent if "/api/" in one or "/review/" in one]) <= 3
    page.keyboard.press("p")
    dialog = page.get_by_role("dialog", name="Publish 93 texts to 93 posts?")
    expect(dialog.get_by_role("status")).to_have_text("1 to 25 of 96")
    following = page.get_by_role("button", name="Next texts")
    following.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-range]")).to_have_text("26 to 50 of 96")
    expect(following).to_be_focused()
    first = page.locator("[data-pick]").first
    left = int(first.get_attribute("value") or "")
    first.press("Space")
    expect(page.get_by_role("dialog", name="Publish 92 texts to 92 posts?")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    for _ in range(2):
        following.press("Enter")
    expect(page.locator("[data-range]")).to_have_text("76 to 96 of 96")
    expect(page.get_by_role("list", name="Posts and their new alt texts")).to_be_focused()
    page.get_by_role("button", name="Show only these").press("Enter")
    expect(page.locator("[data-range]")).to_have_text("1 to 3 of 3")
    expect(page.get_by_role("checkbox", name="Publish:").first).to_have_accessible_description(
        "Some numbers."
    )
    page.get_by_label("All 3 on this page").press("Space")
    assert violations(page) == []
    with page.expect_request("**/api/v1/drafts/publish") as asked:
        page.get_by_role("dialog").get_by_role("button", name="Publish").press("Enter")
    ids = set((asked.value.post_data_json or {})["ids"])
    assert ids == {one for one in range(1, 121) if one % review.UNSURE_EVERY} - {left}


def test_what_is_published_is_not_offered_to_be_undone(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Neither what was approved by one confirmation, nor what was approved by itself."""
    page.keyboard.press("a")
    page.get_by_role("button", name="Approve sure ones …").click()
    dialog = page.get_by_role("dialog", name="Approve all that are sure?")
    dialog.get_by_label("How sure the describer has to be").select_option("Quite or fairly sure")
    dialog.get_by_role("button", name=re.compile("Approve [0-9]")).click()
    expect(page.locator("#toast")).to_contain_text("Undo takes them back.")
    undo = page.get_by_role("button", name="Undo: approved")
    expect(undo).to_be_visible()
    page.keyboard.press("p")
    with page.expect_response("**/publish"):
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(undo).to_be_hidden()
