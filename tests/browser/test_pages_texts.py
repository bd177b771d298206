"""A draft's former texts come back: after an edit, another description, a reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.support import wait_until
from tests.support_browser import Site, violations

from altwright.captions.drafts.draft import Draft
from altwright.domain.caption import DraftStatus
from altwright.errors import DescriberUnavailable

MINE = "My own careful words."


@pytest.fixture
def draft(site: Site, page: Page) -> Draft:
    """Open the first of seven drafts."""
    first = site.fill()[0]
    opened(page, f"/review/{first.id}")
    return first


def opened(page: Page, path: str) -> None:
    """Open a page and wait for its script."""
    page.goto(path)
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")


def card(page: Page, draft: Draft) -> Locator:
    """Return a draft's place on the page."""
    return page.locator(f"#draft-{draft.id}")


def field(page: Page, draft: Draft) -> Locator:
    """Return the field of a draft's text."""
    return card(page, draft).get_by_label("Alt text")


def text(site: Site, draft: Draft) -> str:
    """Return the text that the store has."""
    return site.web.services.drafts.get(draft.id, site.web.anna.id).text


def write(page: Page, draft: Draft, words: str) -> None:
    """Write a text and leave it."""
    page.keyboard.press("e")
    field(page, draft).fill(words)
    page.keyboard.press("Escape")
    expect(card(page, draft).get_by_text("Saved", exact=True)).to_be_visible()


def describe_again(page: Page, site: Site, says: str) -> None:
    """Have the picture described again, to its end."""
    page.keyboard.press("d")
    with page.expect_response("**/describe"):
        page.get_by_role("dialog").get_by_role("button", name="Describe again").click()
    site.work(says)


def test_a_text_of_ones_own_comes_back_after_another_description(
    page: Page, site: Site, draft: Draft
) -> None:
    """The dialog says that a person's text is replaced; undo brings it back, a reload between."""
    write(page, draft, MINE)
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog", name="Describe this picture again")
    expect(dialog.get_by_text("You have changed this text.")).to_be_visible()
    expect(dialog.get_by_text("a hint")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    describe_again(page, site, "Bars of a chart.")
    expect(page.locator("#toast")).to_contain_text("The picture has a new text.")
    expect(field(page, draft)).to_have_value("Bars of a chart.")
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("The former text is back. Written by anna.")
    expect(field(page, draft)).to_have_value(MINE)
    assert text(site, draft) == MINE
    page.keyboard.press("u")
    expect(field(page, draft)).to_have_value(draft.text)
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("There is nothing more to undo")


def test_a_persons_words_are_not_called_the_describers(page: Page, draft: Draft) -> None:
    """Once they differ, at once and after a reload: nor is the describer sure of them."""
    place = card(page, draft)
    theirs = place.get_by_text("Drafted by", exact=True)
    rewritten = place.get_by_text("Rewritten by a person; drafted by", exact=True)
    expect(theirs).to_be_visible()
    expect(place.locator(".level")).to_be_visible()
    write(page, draft, MINE)
    for _ in range(2):
        expect(rewritten).to_be_visible()
        expect(theirs).to_be_hidden()
        expect(place.locator(".level")).to_be_hidden()
        page.reload()
    write(page, draft, draft.text)
    expect(theirs).to_be_visible()
    expect(place.locator(".level")).to_be_visible()


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_undo_ends_where_the_same_words_came_twice(
    page: Page, site: Site, draft: Draft, *, is_reloaded: bool
) -> None:
    """Each step goes back, never forth, and the last one says that it was the first text."""
    write(page, draft, MINE)
    describe_again(page, site, draft.text)
    expect(field(page, draft)).to_have_value(draft.text)
    expect(field(page, draft)).to_be_editable()
    if is_reloaded:
        page.reload()
        page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    for value in (MINE, draft.text):
        page.keyboard.press("u")
        expect(field(page, draft)).to_have_value(value)
    for _ in range(2):
        page.keyboard.press("u")
        expect(page.locator("#toast")).to_contain_text("There is nothing more to undo")
        expect(field(page, draft)).to_have_value(draft.text)
    assert text(site, draft) == draft.text
    assert len(site.web.services.drafts.texts(draft.id, site.web.anna.id)) == 3


def test_undo_goes_back_step_by_step(page: Page, site: Site, draft: Draft) -> None:
    """An edit, a description and an approval are undone in turn, the last one first."""
    write(page, draft, MINE)
    describe_again(page, site, "Bars of a chart.")
    expect(field(page, draft)).to_have_value("Bars of a chart.")
    page.keyboard.press("a")
    for words, value in (
        ("Undone: approved.", "Bars of a chart."),
        ("Undone: described again.", MINE),
        ("Undone: changed text.", draft.text),
    ):
        page.keyboard.press("u")
        expect(page.locator("#toast")).to_have_text(words)
        expect(field(page, draft)).to_have_value(value)
    assert text(site, draft) == draft.text


def test_undo_pressed_quickly_is_as_many_steps(page: Page, site: Site, draft: Draft) -> None:
    """No press is lost, and none reads what the one before has not yet brought back."""
    write(page, draft, MINE)
    describe_again(page, site, "Bars of a chart.")
    expect(field(page, draft)).to_have_value("Bars of a chart.")
    expect(field(page, draft)).to_be_editable()
    for _ in range(3):
        page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("There is nothing more to undo")
    expect(field(page, draft)).to_have_value(draft.text)
    assert text(site, draft) == draft.text


def test_the_same_words_again_are_no_new_text(page: Page, site: Site, draft: Draft) -> None:
    """Nobody is told of a new text when there is none."""
    describe_again(page, site, draft.text)
    expect(page.locator("#toast")).to_have_text("The text stayed the same.")
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_warnings_are_mended_by_one_key(page: Page, site: Site, draft: Draft) -> None:
    """One after the other, each said and undone; what needs words leads to the field."""
    chart = site.drafts()[1]
    page.keyboard.press("j")
    warnings = (
        card(page, chart).get_by_role("list", name="To look at twice").get_by_role("listitem")
    )
    expect(warnings).to_have_count(2)
    expect(warnings.first.get_by_role("button")).to_have_accessible_description(
        re.compile("The picture seems to show words")
    )
    page.keyboard.press("m")
    expect(page.locator("#toast")).to_contain_text("Mended. 1 more to look at.")
    page.keyboard.press("m")
    expect(field(page, chart)).to_have_value("A pie chart. “How we came to the meeting”")
    expect(warnings).to_have_count(0)
    assert text(site, chart) == "A pie chart. “How we came to the meeting”"
    # Nobody has read it by that: it is as sure as it was, and says whose it is.
    expect(card(page, chart).locator(".level")).to_be_visible()
    expect(card(page, chart).get_by_text("Rewritten by a person")).to_be_hidden()
    page.keyboard.press("u")
    expect(field(page, chart)).to_have_value(chart.text)
    field(page, chart).fill("A pie.")
    page.keyboard.press("Escape")
    card(page, chart).get_by_role("button", name="Write").first.click()
    expect(field(page, chart)).to_be_focused()


def test_back_to_the_describers_words(page: Page, site: Site, draft: Draft) -> None:
    """One button takes an edit back to what the describer wrote; undo returns to the edit."""
    button = card(page, draft).get_by_role("button", name="Back to the describer")
    expect(button).to_be_hidden()
    write(page, draft, MINE)
    button.click()
    expect(field(page, draft)).to_have_value(draft.text)
    expect(button).to_be_hidden()
    page.keyboard.press("u")
    expect(field(page, draft)).to_have_value(MINE)
    assert text(site, draft) == MINE


def test_the_list_of_texts(page: Page, site: Site, draft: Draft) -> None:
    """Every text is listed with who wrote it, and any of them can be brought back."""
    write(page, draft, MINE)
    describe_again(page, site, "Bars of a chart.")
    expect(field(page, draft)).to_have_value("Bars of a chart.")
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog", name="Texts of this picture")
    items = dialog.get_by_role("listitem")
    expect(items).to_have_count(3)
    expect(items.nth(0)).to_contain_text("This is the text now.")
    expect(items.nth(1)).to_contain_text("Written by anna")
    expect(items.nth(2)).to_contain_text("Written by the built-in describer")
    assert violations(page) == []
    items.nth(1).get_by_role("button").click()
    expect(dialog).to_be_hidden()
    expect(field(page, draft)).to_have_value(MINE)
    assert text(site, draft) == MINE


def test_a_published_picture_that_was_described_again(page: Page, site: Site, draft: Draft) -> None:
    """It stays published, with its text and date, while the new draft waits for review."""
    site.publish_all([draft.id])
    site.describe(draft, "Bars of a chart.")
    opened(page, "/review?status=published")
    place = card(page, draft)
    expect(place.get_by_text(draft.text)).to_be_visible()
    expect(place.get_by_text("Published", exact=True)).to_be_visible()
    expect(page.locator("[data-tab-count=published]")).to_have_text("1")
    place.get_by_role("link", name="See the new text").click()
    expect(field(page, draft)).to_have_value("Bars of a chart.")
    expect(card(page, draft).get_by_text("On the server now (published")).to_be_visible()
    expect(card(page, draft).get_by_text(draft.text)).to_be_visible()
    assert violations(page) == []


def test_what_stands_on_the_server_is_shown_beside_the_draft(
    page: Page, site: Site, draft: Draft
) -> None:
    """Whoever approves a text that replaces somebody's sees both."""
    theirs = "Written on the server, by hand."
    site.platform.describe(draft.post.remote_id, {draft.picture.remote_id: theirs})
    page.keyboard.press("a")
    page.keyboard.press("p")
    with page.expect_response("**/publish"):
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Publishing has begun.")).to_be_attached()
    site.work()
    progress = page.get_by_role("region", name="Publishing alt texts")
    expect(progress).to_contain_text("1 failed")
    progress.get_by_role("link", name="Details").click()
    failed = page.get_by_role("region", name="Failed 1")
    expect(failed).to_contain_text("approve this text again to replace it")
    expect(failed).not_to_contain_text("Trying again")
    assert violations(page) == []
    failed.get_by_role("link", name="Open the draft").click()
    place = card(page, draft)
    expect(place.get_by_text("On the server now:")).to_be_visible()
    expect(place.get_by_text(theirs, exact=True)).to_be_visible()
    expect(place.get_by_text("Not published:")).to_be_visible()
    place.get_by_role("button", name="Use this text").click()
    expect(field(page, draft)).to_have_value(theirs)
    page.keyboard.press("u")
    expect(field(page, draft)).to_have_value(draft.text)
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_what_was_approved_a_moment_ago_is_published_too(
    page: Page, site: Site, draft: Draft
) -> None:
    """The list of what will be published waits for approvals that are on their way."""
    held: list[Route] = []
    page.route("**/approve", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.keyboard.press("a")
    page.keyboard.press("p")
    wait_until(lambda: page.evaluate("1") and held)
    held[0].continue_()
    with page.expect_response("**/publish"):
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    site.work()
    assert site.drafts(DraftStatus.PUBLISHED)


def test_what_is_published_is_not_offered_to_be_undone(
    page: Page, site: Site, draft: Draft
) -> None:
    """An approval whose text was published can't be taken back, so nothing says it could."""
    page.keyboard.press("a")
    undo = page.get_by_role("button", name="Undo: approved")
    expect(undo).to_be_visible()
    page.keyboard.press("p")
    with page.expect_response("**/publish"):
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    site.work()
    expect(undo).to_be_hidden()
    assert site.drafts(DraftStatus.PUBLISHED)


def test_a_card_says_what_it_is_about(page: Page, site: Site, draft: Draft) -> None:
    """Coming to a card by key, a listener hears its number, text and level; its order is DOM's."""
    page.keyboard.press("j")
    article = page.locator("li[data-current] article")
    expect(article).to_be_focused()
    second = site.drafts()[1]
    name = article.get_attribute("aria-label") or ""
    assert name.startswith("2 of 7. ")
    assert second.text.rstrip(".") in name
    assert "fairly sure" in name
    stops = article.locator("textarea, [data-act=approve], .draft__link a")
    found = stops.evaluate_all("all => all.map((one) => one.tagName)")
    assert found == ["TEXTAREA", "BUTTON", "A"]


def test_the_field_has_the_language_of_its_text(page: Page, site: Site, draft: Draft) -> None:
    """An English draft for a German post is read aloud as English."""
    assert draft.language == "en"
    site.describe(draft, "Bars of a chart.")
    opened(page, f"/review/{draft.id}")
    expect(field(page, draft)).to_have_attribute("lang", "en")


def test_another_describer_that_is_away_is_said_on_the_card(
    page: Page, site: Site, draft: Draft
) -> None:
    """With why, and a button that asks again; nothing goes on behind it."""
    order = {"DESCRIBER": "ollama", "DESCRIBER_FALLBACKS": "offline"}
    site.web.services.live.change(order, by=site.web.root.ref)
    opened(page, f"/review/{draft.id}")
    page.keyboard.press("o")
    latest = site.web.services.store.recent
    wait_until(lambda: any(one.status == "queued" for one in latest(site.web.anna.id)))
    site.work(name="ollama", fault=DescriberUnavailable("Ollama doesn't answer."))
    notice = card(page, draft).get_by_role("group", name="No other text")
    expect(notice).to_contain_text("No text from Ollama. Ollama doesn't answer.")
    assert violations(page) == []
    assert latest(site.web.anna.id)[0].status == "cancelled"
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_be_hidden()
    wait_until(lambda: latest(site.web.anna.id)[0].status == "queued")
    site.work("Visitors by month.", "ollama")
    expect(page.get_by_role("dialog")).to_contain_text("Visitors by month.")


def test_a_published_text_is_changed_and_brought_back(page: Page, site: Site, draft: Draft) -> None:
    """A typo needs no new run: the new text is published as a task, and so is a former one."""
    site.publish_all([draft.id])
    opened(page, "/review?status=published")
    place, dialog = card(page, draft), page.get_by_role("dialog", name="Change a published text")
    place.get_by_role("button", name="Change this text").click()
    expect(dialog.get_by_label("New alt text")).to_have_value(draft.text)
    dialog.get_by_label("New alt text").fill(MINE)
    assert violations(page) == []
    dialog.get_by_role("button", name="Publish the new text").click()
    expect(page.get_by_role("region", name="Publishing alt texts")).to_be_focused()
    site.work()
    expect(place.locator(".draft__final")).to_have_text(MINE)
    place.get_by_role("button", name="Former texts").click()
    first = f"Publish this text instead: {draft.text[:60]}"
    page.get_by_role("dialog").get_by_role("button", name=first).first.click()
    expect(dialog.get_by_label("New alt text")).to_have_value(draft.text)
    dialog.get_by_role("button", name="Publish the new text").click()
    wait_until(lambda: site.web.services.store.recent(site.web.anna.id)[0].status == "queued")
    site.work()
    expect(place.locator(".draft__final")).to_have_text(draft.text)
    written = [list(texts.values()) for _, texts in site.platform.edits]
    assert written == [[MINE], [draft.text]]
