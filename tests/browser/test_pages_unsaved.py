"""What a person has written and can't be saved stays, whatever they press or others write."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.test_pages_texts import card, field, opened, text, write
from tests.support_browser import Site

from altwright.captions.drafts.draft import Draft

#: More than the server takes, so that it can't be saved.
LONG = "My long work. " * 300


@pytest.fixture
def draft(site: Site, page: Page) -> Draft:
    """Open the first of seven drafts."""
    first = site.fill()[0]
    opened(page, f"/review/{first.id}")
    return first


def kept(page: Page, draft: Draft) -> bool:
    """Return whether the browser keeps a text of this draft."""
    key = f"altwright.unsaved.{draft.id}"
    return bool(page.evaluate("key => localStorage.getItem(key) !== null", key))


def write_too_much(page: Page, draft: Draft) -> None:
    """Write a text that the server refuses, and leave the field."""
    page.keyboard.press("e")
    field(page, draft).fill(LONG)
    page.keyboard.press("Escape")
    expect(card(page, draft).get_by_text("Not saved")).to_be_visible()


def describers_words(page: Page, draft: Draft) -> None:
    """Ask for the describer's words."""
    card(page, draft).get_by_role("button", name="Back to the describer").click()


WAYS: dict[str, Callable[[Page, Draft], None]] = {
    "undo": lambda page, _: page.keyboard.press("u"),
    "describe again": lambda page, _: page.keyboard.press("d"),
    "describer's words": describers_words,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_other_text_takes_its_place(page: Page, site: Site, draft: Draft, way: str) -> None:
    """What puts another text there says that this one isn't saved, and leaves it."""
    write(page, draft, "First edit.")
    write_too_much(page, draft)
    WAYS[way](page, draft)
    expect(page.locator("#toast")).to_contain_text("What you wrote here is not saved yet.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(field(page, draft)).to_have_value(LONG)
    assert kept(page, draft)
    assert text(site, draft) == "First edit."
    # Once it can be saved, all is as ever.
    field(page, draft).fill("Shorter.")
    page.keyboard.press("Escape")
    expect(card(page, draft).get_by_text("Saved", exact=True)).to_be_visible()


def test_undo_of_other_drafts_leaves_it(page: Page, site: Site, draft: Draft) -> None:
    """A step back that fails takes nothing that was written meanwhile."""
    write(page, draft, "First edit.")
    write_too_much(page, draft)
    page.keyboard.press("j")
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("Not undone")
    expect(field(page, draft)).to_have_value(LONG)
    assert kept(page, draft)


@pytest.mark.parametrize("key", ["Control+Enter", "s"])
def test_a_decision_overwrites_nobodys_text_unseen(
    page: Page,
    site: Site,
    draft: Draft,
    key: str,
) -> None:
    """Approving or skipping a text that somebody else has changed shows both; a person chooses."""
    # Nothing is heard of the other change, nor saved, before the decision.
    page.route("**/api/v1/drafts?updated_since=*", lambda route: route.abort())
    site.web.services.drafts.edit(draft.id, site.web.anna.id, text="Theirs.")
    held: list[Route] = []
    page.route("**/api/v1/drafts/*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.keyboard.press("e")
    field(page, draft).fill("Mine.")
    if key == "s":
        with page.expect_request("**/api/v1/drafts/*"):
            page.keyboard.press("Escape")
    page.keyboard.press(key)
    page.unroute("**/api/v1/drafts/*")
    for route in held:
        route.continue_()
    conflict = card(page, draft).get_by_role("group", name="Changed elsewhere")
    expect(conflict).to_contain_text("Theirs.")
    expect(field(page, draft)).to_have_value("Mine.")
    assert text(site, draft) == "Theirs."
    conflict.get_by_role("button", name="Keep what I wrote").click()
    expect(conflict).to_be_hidden()
    expect(card(page, draft).get_by_text("Saved", exact=True)).to_be_visible()
    assert text(site, draft) == "Mine."


def test_a_card_says_its_state_under_published(page: Page, site: Site, draft: Draft) -> None:
    """A listener hears the state that the badge shows, before and after the card is made anew."""
    site.publish_all([draft.id])
    site.describe(draft, "Bars of a chart.")
    opened(page, "/review?status=published")
    article = card(page, draft).locator("article")
    expect(article.get_by_text("Published", exact=True)).to_be_visible()
    name = article.get_attribute("aria-label") or ""
    assert "Published" in name
    assert "To review" not in name


def test_a_card_that_is_made_anew_keeps_its_name(page: Page, draft: Draft) -> None:
    """Number, state and text are heard after a text came back as before it."""
    write(page, draft, "First edit.")
    article = card(page, draft).locator("article")
    page.keyboard.press("u")
    expect(field(page, draft)).to_have_value(draft.text)
    expect(article).to_have_attribute("aria-label", article_name(draft, "To review"))


def test_a_card_says_its_new_state_at_once(page: Page, draft: Draft) -> None:
    """After the first of two windows has approved it, the card in the second says so."""
    other = page.context.new_page()
    opened(other, f"/review/{draft.id}")
    page.keyboard.press("a")
    article = card(other, draft).locator("article")
    expect(article).to_have_attribute("aria-label", article_name(draft, "Approved"))


def article_name(draft: Draft, state: str) -> re.Pattern[str]:
    """Return a pattern for the name of the first card."""
    return re.compile(rf"^1 of 7\. .*{state}\. {re.escape(draft.text[:20])}")
