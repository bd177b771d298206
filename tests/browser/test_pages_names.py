"""Names and style of an account on its page, and what Review does with hints and reused texts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.support_browser import Site, enter, violations

from altwright.accounts.context import AccountContext
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.same_pictures import REUSED
from altwright.describers.port import Description
from altwright.describers.style import Length, Tone

HINT = "Mia is my grey cat."


def opened(page: Page, path: str) -> None:
    """Open a page and wait for its script."""
    page.goto(path)
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")


def known(site: Site) -> AccountContext:
    """Return what is kept of anna's account."""
    return site.web.services.accounts.contexts.get(site.web.account_id, site.web.anna.id)


def reuse(site: Site, draft_id: int, *, is_same: bool) -> None:
    """Give a draft the text of an older post's picture, as a run does."""
    draft = next(one for one in site.drafts() if one.id == draft_id)
    twin = {
        "url": "https://social.example/@anna/1",
        "posted_at": "2026-05-03T12:00:00+00:00",
        "is_same": is_same,
    }
    text = "My cat Mia asleep on the piano."
    level = "high" if is_same else "low"
    description = Description(text, REUSED, "", level, {"language": "en", REUSED: twin})  # type: ignore[arg-type]  # one of two
    with site.web.services.database.write() as session:
        seen = draft_writes.target(
            session, draft.account_id, draft.post.remote_id, draft.picture.remote_id
        )
        assert seen is not None
        draft_writes.store_draft(
            session, seen, description, None, user_id=draft.user_id, task_id=""
        )


def test_names_and_style_are_kept(page: Page, site: Site) -> None:
    """They are saved at once and there again; what somebody changed meanwhile isn't replaced."""
    opened(page, "/accounts")
    page.get_by_role("link", name="Names and style of anna@social.example").click()
    names = page.get_by_label("Names to remember")
    names.fill(HINT)
    page.get_by_label("Short: one sentence").check()
    page.get_by_label("Tone").select_option("Warm")
    page.get_by_label("Never name people").check()
    page.get_by_label("Use a text that you have approved").uncheck()
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toast")).to_contain_text("Saved.")
    wanted = AccountContext(
        HINT, Length.SHORT, Tone.WARM, never_name_people=True, reuse_texts=False, version=1
    )
    assert known(site) == wanted
    page.reload()
    expect(names).to_have_value(HINT)
    expect(page.get_by_label("Short: one sentence")).to_be_checked()
    site.web.services.accounts.contexts.remember(
        site.web.account_id, site.web.anna.id, "Tom is my brother."
    )
    names.fill("Nobody.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("changed elsewhere")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(names).to_have_value("Nobody.")
    assert "Tom" in known(site).names


def test_names_outlive_a_session(page: Page, site: Site) -> None:
    """Who has to sign in before they can save finds what they typed, and saves it then."""
    path = f"/accounts/{site.web.account_id}"
    opened(page, path)
    page.get_by_label("Names to remember").fill(HINT)
    page.get_by_label("Long: with details").check()
    page.get_by_label("Never name people").check()
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/login?**")
    assert known(site).names == ""
    enter(page, site)
    opened(page, path)
    expect(page.locator("#toast")).to_contain_text("What you typed is here again")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toast")).to_contain_text("Saved.")
    wanted = AccountContext(HINT, Length.LONG, never_name_people=True, version=1)
    assert known(site) == wanted
    opened(page, path)
    expect(page.locator("#toast")).not_to_contain_text("here again")


@pytest.mark.parametrize("by_key", [True, False])
def test_a_hint_is_remembered_with_one_key_or_click(
    page: Page, site: Site, *, by_key: bool
) -> None:
    """After the picture was described again with it; nothing is kept unasked."""
    draft = site.fill()[0]
    site.web.services.live.change({"DESCRIBER": "ollama"}, by=site.web.root.ref)
    opened(page, f"/review/{draft.id}")
    offer = page.locator(f"#draft-{draft.id}").get_by_role("group", name="Remember the hint")
    expect(offer).to_be_hidden()
    page.keyboard.press("d")
    page.get_by_label("What should the describer know?").fill(HINT)
    with page.expect_response("**/describe"):
        page.get_by_role("dialog").get_by_role("button", name="Describe again").click()
    site.work("Mia on the sofa.")
    expect(offer).to_contain_text(HINT)
    assert known(site).names == ""
    if by_key:
        page.keyboard.press("r")
    else:
        offer.get_by_role("button", name="Remember this for the account").click()
    expect(page.locator("#toast")).to_contain_text("Remembered.")
    expect(offer).to_be_hidden()
    assert known(site).names == HINT


def test_a_reused_text_says_where_it_is_from(page: Page, site: Site) -> None:
    """With a link to that post; of what is only nearly the same, that one has to compare."""
    first, second = (draft.id for draft in site.fill()[:2])
    reuse(site, first, is_same=True)
    reuse(site, second, is_same=False)
    opened(page, "/review")
    chip = page.locator(f"#draft-{first}").get_by_role("link", name="Same picture as a post of")
    expect(chip).to_have_attribute("href", "https://social.example/@anna/1")
    expect(chip).to_contain_text("3 May 2026")
    card = page.locator(f"#draft-{second}")
    expect(card.get_by_role("link", name="Nearly the same picture as")).to_be_visible()
    expect(card.get_by_text("Compare them before you approve.")).to_be_visible()
    expect(card.get_by_text("unsure", exact=True)).to_be_visible()
    assert violations(page) == []
    page.get_by_label("All drafts on this page").check()
    page.get_by_role("button", name="Approve 7 selected").click()
    expect(page.locator("#toast")).to_contain_text("1 could not be: look at its text.")
