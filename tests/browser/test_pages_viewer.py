"""What a viewer's pages offer: everything that can be looked at, and nothing that is refused."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.support_browser import Site

from altwright.domain.caption import Role
from altwright.domain.task import Status
from altwright.errors import Category

#: The review page's keys, without "?", which opens a sheet over it.
KEYS = (
    "j",
    "e",
    "a",
    "s",
    "m",
    "d",
    "r",
    "o",
    "u",
    "t",
    "Escape",
    "x",
    "Shift+A",
    "p",
    "g",
    "Escape",
)


def test_a_viewer_is_offered_nothing_that_is_refused(page: Page, site: Site) -> None:
    """Each button and each key of each page sends no request that would change something."""
    drafts = site.fill()
    site.publish_all([drafts[0].id])
    site.set_text(drafts[1].id, "Another text.")
    services = site.web.services
    services.drafts.approve(drafts[1].id, site.web.anna.id)
    services.drafts.skip(drafts[2].id, site.web.anna.id)
    site.account("@anna@pixels.example", problem="The token was refused.")
    failed = site.task(Status.FAILED, done=1, total=3, error=(Category.AUTHENTICATION, "No."))
    running = site.task(done=1, total=3, step="Describing")
    services.users.set_role(site.web.anna.id, Role.VIEWER)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(f"{one.method} {one.url}"))
    views = [f"/review?status={name}" for name in ("draft", "approved", "published", "skipped")]
    large = [f"/review/{draft.id}" for draft in drafts[:2]]
    for path in ("/", *views, *large, "/tasks", f"/tasks/{failed}", f"/tasks/{running}"):
        page.goto(path)
        page.wait_for_selector("html[data-ready]")
        for button in page.locator("main button").all():
            if button.is_visible() and button.is_enabled():
                button.click()
                page.keyboard.press("Escape")
        for key in KEYS if "review" in path else ():
            page.keyboard.press(key)
        assert page.locator("main form[method=post]").count() == 0, path
    page.goto("/accounts")
    page.wait_for_selector("html[data-ready]")
    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    assert page.locator("main").get_by_role("button").count() == 0
    assert [one for one in sent if not one.startswith("GET ")] == []
