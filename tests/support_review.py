"""What tests of the review page share: seven drafts to review, the first of which is open."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.support_browser import Site

from altwright.captions.drafts.draft import Draft


@pytest.fixture
def drafts(site: Site, page: Page) -> list[Draft]:
    """Open the first of seven drafts."""
    filled = site.fill()
    page.goto(f"/review/{filled[0].id}")
    expect(card(page, filled[0])).to_be_visible()
    page.wait_for_function("document.querySelector('li[data-current]')")
    return filled


def card(page: Page, draft: Draft) -> Locator:
    """Return a draft's place on the page."""
    return page.locator(f"#draft-{draft.id}")


def now(site: Site, draft: Draft) -> Draft:
    """Return a draft as the store has it now."""
    return site.web.services.drafts.get(draft.id, site.web.anna.id)
