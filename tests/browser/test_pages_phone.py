"""Review on a telephone: what a small screen shows at once, and what a finger does."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests import support_review
from tests.support_browser import Site
from tests.support_review import card, now

from altwright.captions.drafts.draft import Draft
from altwright.domain.caption import DraftStatus

#: The text ends above the actions; letters that come late move both.
IS_ABOVE = """() => {
  const [field, actions] = [".draft__text", ".draft__actions"].map((one) =>
    document.querySelector(`li[data-current] ${one}`)?.getBoundingClientRect());
  return field && actions && field.bottom <= actions.top;
}"""

#: Source: WCAG 2.2, 1.4.12, as a reader's own style sheet sets it on a page that is there.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""


drafts = support_review.drafts


def test_a_phone_shows_picture_text_and_actions_together(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Nobody approves a text that they can't see, upright or lying; at 320 px nothing is cut off.

    What is too long for that scrolls in its field.
    """
    site.web.services.drafts.edit(drafts[1].id, site.web.anna.id, text="A long story. " * 100)
    site.describe(drafts[2], "A post.")
    for width, height in ((390, 844), (320, 640), (640, 320)):
        page.set_viewport_size({"width": width, "height": height})
        for draft in drafts[:3]:
            page.goto(f"/review/{draft.id}")
            page.wait_for_function(IS_ABOVE)
            place = card(page, draft)
            approve = place.get_by_role("button", name="Approve", exact=True)
            expect(approve).to_be_in_viewport(ratio=1)
            field, picture = place.get_by_label("Alt text"), place.get_by_role("img").first
            actions = place.locator(".draft__actions")
            picture_box, field_box, actions_box = (
                one.bounding_box() for one in (picture, field, actions)
            )
            assert picture_box
            assert field_box
            assert actions_box
            assert picture_box["height"] > 0
            assert picture_box["y"] >= 0
            if height > width:
                assert picture_box["height"] <= height / 3
                assert picture_box["y"] < field_box["y"]
            assert field_box["y"] + field_box["height"] <= actions_box["y"]
            assert field_box["y"] >= 0
        assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(place.get_by_text("Drafted by the built-in describer")).to_be_visible()


def test_a_text_stays_above_the_actions_when_letters_or_the_telephone_change(
    page: Page, drafts: list[Draft]
) -> None:
    """A person's own spacing that comes after all else (WCAG 1.4.12), and a telephone turned."""
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"/review/{drafts[0].id}")
    page.wait_for_function(IS_ABOVE)
    page.evaluate(SPACED)
    page.wait_for_function(IS_ABOVE)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    for width, height in ((640, 320), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(IS_ABOVE)


def test_a_swipe_decides_and_is_undone(page: Page, site: Site, drafts: list[Draft]) -> None:
    """A finger to the right approves, to the left skips; a short one does nothing."""
    page.set_viewport_size({"width": 390, "height": 844})
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def swipe(by: int) -> None:
        box = page.locator("li[data-current] img").bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for kind, at in (("touchStart", 0), ("touchMove", by / 2), ("touchMove", by)):
            points = [{"x": x + at, "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(40)
    swipe(-150)
    expect(card(page, drafts[1])).to_be_visible()
    expect(page.locator("#toast")).to_contain_text("Skipped.")
    swipe(150)
    expect(card(page, drafts[2])).to_be_visible()
    expect(page.locator("#toast")).to_contain_text("Approved.")
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(card(page, drafts[1])).to_be_visible()
    expect(page.locator("#toast")).to_have_text("Undone: approved.")
    decided = [now(site, draft).status for draft in drafts[:3]]
    assert decided == [DraftStatus.SKIPPED, DraftStatus.DRAFT, DraftStatus.DRAFT]
