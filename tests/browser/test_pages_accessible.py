"""Axe finds nothing on any page, in any state, light or dark, wide or narrow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from tests.support_browser import Site, enter, violations

from altwright.domain.caption import DraftStatus, Role
from altwright.domain.task import ItemStatus, Status
from altwright.errors import Category

SIZES = {"wide": (1280, 860), "narrow": (390, 844)}
#: Source: WCAG 2.2, 1.4.10: 320 px, as on a screen of 1,280 px enlarged four times.
REFLOW: ViewportSize = {"width": 320, "height": 640}
#: What has the focus, whether a person sees it, and where it stands in its card.
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getClientRects()[0] ?? one.getBoundingClientRect();
  const isThere = box.width > 2 && box.height > 2;
  const isSeen = isThere && [0.1, 0.5, 0.9].some((share) => {
    const at = document.elementFromPoint(box.left + box.width * share, box.top + box.height / 2);
    return at && (one.contains(at) || at.contains(one));
  });
  const card = one.closest("article");
  const cards = [...document.querySelectorAll("article")].filter((other) => other.offsetParent);
  const isFixed = getComputedStyle(one.closest(".draft__actions") ?? one).position === "fixed";
  const isBeside = isFixed || one.closest(".draft__picture");
  return {
    what: one.outerHTML.slice(0, 120), isSeen, card: isBeside ? "" : String(cards.indexOf(card)),
    top: card ? Math.floor((box.top - card.getBoundingClientRect().top + box.height / 2) / 24) : 0,
  };
}"""


@dataclass
class Filled:
    """Ids of what a filled site holds."""

    drafts: list[int] = field(default_factory=list)
    failed: str = ""
    running: str = ""


@pytest.fixture
def filled(site: Site) -> Filled:
    """Fill the site with drafts and tasks in every state."""
    drafts = [draft.id for draft in site.fill()]
    store, anna = site.web.services.drafts, site.web.anna
    store.approve_many(anna.id, drafts[2:4])
    store.skip_many(anna.id, drafts[4:5])
    site.publish_all(drafts[5:6])
    site.warn_about(drafts[0], "Numbers")
    site.account("anna@pixel.example", "The server does not accept the token any more.")
    failed = site.task(
        Status.FAILED,
        done=1,
        failed=1,
        skipped=1,
        total=9,
        error=(Category.AUTHENTICATION, "The server does not accept the token any more."),
    )
    site.item(failed, ItemStatus.FAILED, "Picture one", "It is no picture.", "bad_input")
    site.item(failed, ItemStatus.SKIPPED, "Picture two", "It has got an alt text.", None)
    running = site.task(done=3, total=12, step="Describing picture 4 of 12")
    return Filled(drafts, failed, running)


def check(page: Page) -> None:
    """Hold the page, as it is, against axe and against a narrow screen."""
    title = page.title()
    assert title.endswith(" · Altwright"), title
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], f"{title}, {size}, light"
        # All that the style sheets change in the dark is colours.
        page.emulate_media(color_scheme="dark")
        assert violations(page, of_colours=True) == [], f"{title}, {size}, dark"
        check_width(page, width)
    page.set_viewport_size(REFLOW)
    check_width(page, REFLOW["width"])
    # Letters twice as large on a telephone (WCAG 2.2, 1.4.4).
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.documentElement.style.fontSize = '212.5%'")
    check_width(page, 390)
    page.evaluate("document.documentElement.style.fontSize = ''")


def check_width(page: Page, width: int) -> None:
    """Hold the page against the width of its screen: nobody has to scroll sideways."""
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert beyond <= 0, f"{page.title()} is {beyond} px too wide at {width} px"


def test_sign_in(blank: Page) -> None:
    """The page to sign in is accessible, also when it refuses."""
    blank.goto("/login")
    check(blank)
    blank.get_by_label("User name").fill("anna")
    blank.get_by_label("Password").fill("wrong")
    blank.get_by_role("button", name="Sign in").click()
    expect(blank.get_by_role("alert")).to_contain_text("wrong")
    check(blank)


@pytest.mark.parametrize("path", ["/", "/review", "/review?status=published", "/tasks", "/nowhere"])
def test_pages_with_nothing_on_them(page: Page, path: str) -> None:
    """Empty pages say what to do, and are accessible."""
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    check(page)


def test_a_person_without_account(page: Page, site: Site) -> None:
    """Who has no account is led to connecting one."""
    site.forget_accounts()
    for path in ("/", "/accounts"):
        page.goto(path)
        check(page)
    page.goto("/")
    page.get_by_role("link", name="Connect an account").click()
    expect(page.get_by_role("button", name="Connect", exact=True)).to_be_visible()


def test_home_and_tasks(page: Page, filled: Filled) -> None:
    """Home, history and tasks are accessible while a run goes on and after one has failed."""
    for path in ("/", "/tasks", f"/tasks/{filled.failed}", f"/tasks/{filled.running}"):
        page.goto(path)
        check(page)


def test_an_administrators_menu_beside_a_count_of_drafts(
    blank: Page, site: Site, filled: Filled
) -> None:
    """Its five words and the count fit on a telephone."""
    site.web.services.users.set_role(site.web.anna.id, Role.ADMIN)
    enter(blank, site)
    for width in (320, 360, 390, 430, 600):
        blank.set_viewport_size({"width": width, "height": 844})
        blank.goto("/accounts")
        expect(
            blank.get_by_role("navigation", name="Main").locator("[data-to-review]")
        ).to_be_visible()
        check_width(blank, width)


def test_accounts(page: Page, site: Site, filled: Filled) -> None:
    """So are the accounts, with faults in the form and with the question before disconnecting."""
    page.goto("/accounts")
    check(page)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_label("Address of the server")).to_be_focused()
    check(page)
    page.get_by_role("button", name="Disconnect anna@social.example").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page)
    page.goto(f"/accounts/{site.web.account_id}")
    check(page)


@pytest.mark.parametrize("status", ["draft", "approved", "published", "skipped", "all"])
def test_review_in_each_state(page: Page, filled: Filled, status: str) -> None:
    """The grid is accessible for drafts in every state."""
    page.goto(f"/review?status={status}")
    expect(page.get_by_role("article").first).to_be_visible()
    check(page)


@pytest.mark.parametrize(
    "opened",
    [
        lambda page: page.keyboard.press("j"),
        lambda page: page.keyboard.press("?"),
        lambda page: page.keyboard.press("d"),
        lambda page: page.keyboard.press("p"),
        lambda page: page.keyboard.press("x"),
        lambda page: page.locator("li[data-current] summary").click(),
    ],
    ids=["next", "help", "again", "publish", "selected", "evidence"],
)
def test_review_one_at_a_time(page: Page, filled: Filled, opened: Callable[[Page], None]) -> None:
    """The large view is accessible, and so is every dialog above it."""
    page.goto(f"/review/{filled.drafts[0]}")
    page.wait_for_load_state("networkidle")
    opened(page)
    check(page)


def test_focus_is_always_seen_and_goes_as_the_eye(page: Page, filled: Filled) -> None:
    """Nothing that has the focus is hidden or under a bar (WCAG 2.4.3, 2.4.7, 2.4.11)."""
    for path in ("/review", f"/review/{filled.drafts[1]}"):
        for width, height in (*SIZES.values(), (REFLOW["width"], REFLOW["height"])):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(path)
            page.wait_for_selector("html[data-ready]")
            tops = []
            for _ in range(45):
                page.keyboard.press("Tab")
                seen = page.evaluate(FOCUSED)
                if seen is None:
                    break
                assert seen["isSeen"], f"{path}, {width} px: {seen['what']}"
                if seen["card"] == "0":
                    tops.append(seen["top"])
            # Within a card from the top to the bottom, but for buttons in a row and fixed ones.
            assert tops == sorted(tops), f"{path}, {width} px"


def test_alt_texts_are_the_texts_under_review(page: Page, site: Site, filled: Filled) -> None:
    """A picture's alternative on the page is the very text that is reviewed."""
    page.goto("/review")
    for draft in site.drafts(DraftStatus.DRAFT):
        expect(page.locator(f"#draft-{draft.id} img")).to_have_attribute("alt", draft.text)
