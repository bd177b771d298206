"""Reviewing by keyboard alone, and what happens to a text while its server is away."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect
from tests import support_review
from tests.support import wait_until
from tests.support_browser import Site, violations
from tests.support_review import card, now

from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.domain.caption import DraftStatus

drafts = support_review.drafts


def test_a_whole_review_by_keyboard(page: Page, site: Site, drafts: list[Draft]) -> None:
    """Approve, skip, edit, undo and publish need no mouse, and do what they say."""
    keys = page.keyboard
    keys.press("a")
    expect(card(page, drafts[1])).to_be_visible()
    keys.press("s")
    expect(card(page, drafts[2])).to_be_visible()
    keys.press("e")
    field = card(page, drafts[2]).get_by_label("Alt text")
    expect(field).to_be_focused()
    field.fill("A post by Regional Trains: the 17:42 is cancelled.")
    keys.press("Control+Enter")
    expect(card(page, drafts[3])).to_be_visible()
    keys.press("u")
    expect(card(page, drafts[2])).to_be_visible()
    expect(page.locator("#toast")).to_have_text("Undone: approved.")
    assert [now(site, draft).status for draft in drafts[:4]] == [
        DraftStatus.APPROVED,
        DraftStatus.SKIPPED,
        DraftStatus.DRAFT,
        DraftStatus.DRAFT,
    ]
    assert now(site, drafts[2]).text == "A post by Regional Trains: the 17:42 is cancelled."
    keys.press("p")
    dialog = page.get_by_role("dialog", name="Publish 1 text to 1 post?")
    expect(dialog.get_by_text(drafts[0].text)).to_be_visible()
    dialog.get_by_role("button", name="Publish").press("Enter")
    progress = page.get_by_role("region", name="Publishing alt texts")
    expect(progress).to_be_focused()
    site.work()
    expect(progress.get_by_text("Done").first).to_be_visible()
    assert now(site, drafts[0]).status is DraftStatus.PUBLISHED
    assert [list(texts.values()) for _, texts in site.platform.edits] == [[drafts[0].text]]


def test_what_was_written_before_the_script_came(page: Page, site: Site) -> None:
    """On a slow line somebody types at once: nothing of it is lost."""
    draft, *_ = site.fill()
    held: list[Route] = []
    page.route("**/js/review/main.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    with page.expect_request("**/js/review/main.js"):
        page.goto("/review", wait_until="commit")
    card(page, draft).get_by_label("Alt text").fill("A hand writes early.")
    held[0].continue_()
    wait_until(lambda: now(site, draft).text == "A hand writes early.")


def test_walking_through_pictures(page: Page, drafts: list[Draft]) -> None:
    """J, K and the arrows walk; the address and the focus go along; G changes the view."""
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    expect(card(page, drafts[2]).get_by_role("article")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/review/{drafts[2].id}$"))
    page.keyboard.press("k")
    expect(card(page, drafts[1])).to_be_visible()
    expect(card(page, drafts[2])).to_be_hidden()
    page.keyboard.press("g")
    expect(card(page, drafts[2])).to_be_visible()
    expect(page).to_have_url(re.compile(r"/review$"))
    page.keyboard.press("g")
    page.reload()
    expect(card(page, drafts[1])).to_be_visible()
    expect(card(page, drafts[0])).to_be_hidden()


def test_selected_ones_at_once(page: Page, site: Site, drafts: list[Draft]) -> None:
    """X selects; Shift+A approves all that is selected, and one undo takes it all back."""
    page.goto("/review")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Approve 2 selected")).to_be_visible()
    page.keyboard.press("Shift+A")
    expect(page.locator("#toast")).to_have_text("Approved: 2.")
    assert len(site.drafts(DraftStatus.APPROVED)) == 2
    expect(page.get_by_role("button", name="Publish 2").first).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_have_text("Undone: approved.")
    assert site.drafts(DraftStatus.APPROVED) == []


def test_the_end(page: Page, site: Site, drafts: list[Draft]) -> None:
    """After the last draft the page says so, and offers to publish."""
    for draft in drafts:
        expect(card(page, draft)).to_be_visible()
        page.keyboard.press("a")
    expect(page.get_by_role("heading", name="You have reviewed them all")).to_be_visible()
    expect(page.get_by_role("button", name="Publish 7").first).to_be_visible()
    wait_until(lambda: len(site.drafts(DraftStatus.APPROVED)) == len(drafts))


def test_shortcuts_can_be_switched_off(page: Page, site: Site, drafts: list[Draft]) -> None:
    """Single keys do nothing once they are off, and the browser remembers it (WCAG 2.1.4)."""
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single-key shortcuts").uncheck()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("a")
    page.keyboard.press("j")
    expect(card(page, drafts[0])).to_be_visible()
    assert now(site, drafts[0]).status is DraftStatus.DRAFT
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("switch", name="Single-key shortcuts").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(card(page, drafts[1])).to_be_visible()


def test_letters_in_a_text_are_letters(page: Page, drafts: list[Draft]) -> None:
    """No shortcut works inside a field; Escape leaves it."""
    page.keyboard.press("e")
    page.keyboard.press("Control+A")
    page.keyboard.type("jaks dups")
    field = card(page, drafts[0]).get_by_label("Alt text")
    expect(field).to_have_value("jaks dups")
    page.keyboard.press("Escape")
    expect(card(page, drafts[0]).get_by_role("article")).to_be_focused()


def test_a_text_is_saved_by_itself(page: Page, site: Site, drafts: list[Draft]) -> None:
    """A text is saved while it is written; count, warnings and the picture's alt follow."""
    place = card(page, drafts[0])
    place.get_by_label("Alt text").fill("Image of a chart 🦊")
    expect(place.locator("[data-count]")).to_have_text("18")
    expect(place.get_by_text("Saved", exact=True)).to_be_visible()
    expect(place.get_by_text("Leave out")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Leave out “Image of”")
    expect(place.locator("img")).to_have_attribute("alt", "Image of a chart 🦊")
    assert now(site, drafts[0]).text == "Image of a chart 🦊"


def test_a_text_survives_a_server_that_is_away(page: Page, site: Site, drafts: list[Draft]) -> None:
    """A failed save is said, kept through a reload, and made good as soon as it can be."""
    is_away = [True]

    def answer(route: Route) -> None:
        if is_away[0] and route.request.method == "PATCH":
            route.fulfill(status=503, json={"detail": "The database does not answer."})
        else:
            route.continue_()

    page.route("**/api/v1/drafts/*", answer)
    place = card(page, drafts[0])
    place.get_by_label("Alt text").fill("Words that must not get lost.")
    expect(place.get_by_text("Not saved yet")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("kept in this browser")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(place.get_by_label("Alt text")).to_have_value("Words that must not get lost.")
    assert now(site, drafts[0]).text == drafts[0].text
    is_away[0] = False
    expect(place.get_by_text("Saved", exact=True)).to_be_visible()
    assert now(site, drafts[0]).text == "Words that must not get lost."
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_a_text_that_was_changed_elsewhere(page: Page, site: Site, drafts: list[Draft]) -> None:
    """Nobody's words are overwritten: both texts are shown, and the person chooses."""
    place = card(page, drafts[0])
    site.set_text(drafts[0].id, "Words from another window.")
    place.get_by_label("Alt text").fill("Words from here.")
    conflict = place.get_by_role("group", name="Changed elsewhere")
    expect(conflict).to_contain_text("Words from another window.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    assert now(site, drafts[0]).status is DraftStatus.DRAFT
    conflict.get_by_role("button", name="Keep what I wrote").click()
    expect(place.get_by_text("Saved", exact=True)).to_be_visible()
    assert now(site, drafts[0]).text == "Words from here."


def test_a_decision_that_fails_comes_back(page: Page, site: Site, drafts: list[Draft]) -> None:
    """An approval that the server refuses is taken back on the page, and said."""
    page.route(
        "**/approve",
        lambda route: route.fulfill(status=503, json={"detail": "The database does not answer."}),
    )
    # Chromium lets requests of a page pass that was loaded a moment before its route was set.
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Not approved: The database does not answer.")
    expect(card(page, drafts[0])).to_be_visible()
    expect(card(page, drafts[0]).get_by_text("To review", exact=True)).to_be_visible()
    assert now(site, drafts[0]).status is DraftStatus.DRAFT


def test_describing_again_takes_the_hint(page: Page, site: Site, drafts: list[Draft]) -> None:
    """The hint goes with the request; the card waits, and says how it ended."""
    site.web.services.live.change({"DESCRIBER": "ollama"}, by=site.web.root.ref)
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    page.keyboard.press("d")
    page.get_by_label("What should the describer know?").fill("The library is in Marburg")
    with page.expect_response("**/describe") as answered:
        page.get_by_role("button", name="Describe again").last.click()
    assert answered.value.request.post_data_json == {"hint": "The library is in Marburg"}
    expect(card(page, drafts[0]).get_by_text("Describing again …")).to_be_visible()
    task_id = site.web.services.store.recent(site.web.anna.id)[0].id
    site.web.services.store.cancel(task_id, user_id=site.web.anna.id, actor="anna")
    expect(page.locator("#toast")).to_contain_text("The picture keeps its text.")
    expect(card(page, drafts[0]).get_by_label("Alt text")).to_be_editable()


def test_another_describer_s_text_is_chosen_by_one_key(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Both stand side by side; the draft keeps its own until a key says otherwise."""
    order = {"DESCRIBER": "ollama", "DESCRIBER_FALLBACKS": "offline"}
    site.web.services.live.change(order, by=site.web.root.ref)
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    field = card(page, drafts[0]).get_by_label("Alt text")
    dialog = page.get_by_role("dialog")
    for key, said in (("1", drafts[0].text), ("2", "Visitors by month, said by another one.")):
        page.keyboard.press("o")
        expect(card(page, drafts[0]).get_by_text("Asking Ollama …")).to_be_visible()
        wait_until(lambda: [one.status for one in site.newest()] == ["queued"])
        site.work("Visitors by month, said by another one.", "ollama")
        expect(dialog).to_contain_text("Visitors by month, said by another one.")
        expect(dialog).to_contain_text(drafts[0].text)
        assert violations(page) == []
        assert now(site, drafts[0]).text == drafts[0].text
        page.keyboard.press(key)
        expect(dialog).to_have_count(0)
        expect(field).to_have_value(said)
    assert now(site, drafts[0]).describer == "ollama"
    page.keyboard.press("u")
    expect(field).to_have_value(drafts[0].text)


def test_back_and_escape_close_the_large_picture(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Nobody leaves Review by it: the grid is there again, at the picture that was seen last."""
    page.goto("/")
    page.goto("/review")
    page.wait_for_selector("html[data-ready]")
    card(page, drafts[0]).get_by_role("link", name=re.compile("large")).click()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(rf"/review/{drafts[1].id}$"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/review$"))
    expect(card(page, drafts[0])).to_be_visible()
    expect(card(page, drafts[1]).get_by_role("article")).to_be_focused()
    page.go_forward()
    expect(card(page, drafts[0])).to_be_hidden()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    expect(card(page, drafts[0])).to_be_hidden()
    page.keyboard.press("Escape")
    expect(card(page, drafts[0])).to_be_visible()
    expect(page).to_have_url(re.compile(r"/review$"))
    page.go_back()
    expect(page).to_have_url(site.url + "/")


def test_a_blank_asks_for_a_sentence(page: Page, site: Site) -> None:
    """What was seen stands beside the empty field; nothing is approved before there are words."""
    site.draft(1, "Nothing to see", ("sign", "", {"seen": "Picture, mostly in blue."}))
    (blank,) = site.drafts()
    page.goto(f"/review/{blank.id}")
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    place = card(page, blank)
    expect(place.get_by_text("Looked at by", exact=True)).to_be_visible()
    expect(place).to_contain_text("Too little was seen for a draft: Picture, mostly in blue.")
    expect(place).to_contain_text("There is no text yet: write a sentence, or skip.")
    assert violations(page) == []
    for key in "aa":
        page.keyboard.press(key)
    expect(page.locator("#toast")).to_contain_text("There is no text yet to approve: E for writing")
    field = place.get_by_label("Alt text")
    expect(field).to_have_value("")
    place.get_by_role("button", name="Approve").click()
    expect(field).to_be_focused()
    field.fill("The lake at dusk, without anybody.")
    page.keyboard.press("Control+Enter")
    wait_until(lambda: now(site, blank).status is DraftStatus.APPROVED)
    assert now(site, blank).text == "The lake at dusk, without anybody."


def test_more_drafts_than_a_page(page: Page, site: Site) -> None:
    """Walking on fetches what follows, in order and without a gap."""
    for number in range(45):
        site.draft(number, f"Post {number}", ("sign", f"Text number {number}.", {}))
    page.goto("/review")
    page.keyboard.press("g")
    for number in range(44, 1, -1):
        field = page.locator("li[data-current] textarea")
        expect(field).to_have_value(f"Text number {number}.")
        page.keyboard.press("j")
    expect(page.locator(".dock__position")).to_contain_text("44 of 45")


def test_selecting_counts_what_can_be_done(page: Page, site: Site) -> None:
    """Buttons count the drafts that they would change, and nothing stays selected afterwards."""
    site.fill()
    page.goto("/review")
    everything = page.get_by_role("checkbox", name="All drafts on this page")
    page.locator("li.draft").first.get_by_role("button", name="Approve").click()
    everything.check()
    expect(page.get_by_role("button", name="Skip 7 selected")).to_be_visible()
    page.get_by_role("button", name="Approve 6 selected").click()
    expect(page.locator("#toast")).to_have_text("Approved: 6.")
    expect(everything).not_to_be_checked()
    everything.check()
    expect(page.get_by_role("button", name="Approve 6 selected")).to_be_hidden()
    page.keyboard.press("p")
    with page.expect_response("**/publish"):
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    site.work()
    expect(page.locator("li.draft").first.get_by_text("Published", exact=True)).to_be_visible()
    expect(everything).to_be_disabled()
    expect(everything).not_to_be_checked()
    expect(page.get_by_role("button", name=re.compile("selected"))).to_have_count(0)
    assert len(site.drafts(DraftStatus.PUBLISHED)) == 7


def test_a_text_that_is_not_saved_is_not_approved_with_others(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Nobody approves another text than the one that they see."""
    page.route(
        "**/api/v1/drafts/*",
        lambda route: (
            route.fulfill(status=503, json={"detail": "Away."})
            if route.request.method == "PATCH"
            else route.continue_()
        ),
    )
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    card(page, drafts[0]).get_by_label("Alt text").fill("Words that are not saved.")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Shift+A")
    expect(page.locator("#toast")).to_have_text("Approved: 1. 1 could not be: look at its text.")
    assert now(site, drafts[0]).status is DraftStatus.DRAFT
    assert now(site, drafts[1]).status is DraftStatus.APPROVED


def test_a_picture_begins_where_its_words_begin(
    page: Page, site: Site, drafts: list[Draft]
) -> None:
    """Beside a long card nobody has to look for it; where nothing can be done, no gap is left."""
    site.set_text(drafts[0].id, "A line of a long text.\n" * 60)
    for mode in ("one", "grid"):
        page.goto("/review" if mode == "grid" else f"/review/{drafts[0].id}")
        picture = card(page, drafts[0]).get_by_role("img")
        expect(picture).to_be_visible()
        gap = picture.evaluate(
            "one => one.getBoundingClientRect().top"
            " - one.closest('article').getBoundingClientRect().top"
        )
        assert gap < 10, mode
    site.publish_all([drafts[1].id])
    page.goto("/review?status=published")
    expect(card(page, drafts[1])).to_be_visible()
    expect(page.locator(".dock")).to_be_hidden()


def test_pictures_are_their_owners(site: Site) -> None:
    """A picture is sent to its owner, kept by no shared cache, and isn't there for others."""
    draft = site.fill()[0]
    own = site.web.by_session(site.web.anna).get(f"/pictures/{draft.picture.id}")
    assert own.mimetype == "image/png"
    assert own.cache_control.private
    assert not own.cache_control.public
    again = site.web.by_session(site.web.anna).get(
        f"/pictures/{draft.picture.id}?size=small",
        headers={"If-None-Match": own.headers["ETag"]},
    )
    assert again.status_code == 304
    other = site.web.by_session(site.web.bert)
    assert other.get(f"/pictures/{draft.picture.id}").status_code == 404
    assert other.get(f"/review/{draft.id}").status_code == 404
    assert other.get(f"/review/{draft.id}/card").status_code == 404


def test_a_blank_waits_for_words(page: Page, site: Site, drafts: list[Draft]) -> None:
    """The cursor stands in its field, but not after a shortcut: the next one is no text."""
    site.describe(drafts[1], "")
    site.describe(drafts[3], "")
    page.goto(f"/review/{drafts[0].id}")
    page.wait_for_selector("html[data-ready]")
    page.get_by_role("button", name="Next picture").click()
    field = card(page, drafts[1]).get_by_label("Alt text")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    for key in "kjs":
        page.keyboard.press(key)
    expect(card(page, drafts[2]).get_by_role("article")).to_be_focused()
    wait_until(lambda: now(site, drafts[1]).status is DraftStatus.SKIPPED)
    assert now(site, drafts[1]).text == ""
    page.keyboard.press("x")
    expect(page.locator("#toast")).to_have_text("Selected, 1 in all")
    for key in "aexx":
        page.keyboard.press(key)
    expect(card(page, drafts[3]).get_by_label("Alt text")).to_have_value("xx")


def test_replacing_a_text_has_to_be_ticked(page: Page, site: Site, drafts: list[Draft]) -> None:
    """The dialog says what is there now and what it becomes; nothing is replaced unseen."""
    first, second = drafts[0], drafts[4]
    with site.web.services.database.write() as session:
        draft_writes.note_published(session, second.picture.id, "Prices, written by hand.")
    site.web.services.drafts.approve_many(site.web.anna.id, [first.id, second.id])
    page.goto("/review")
    page.wait_for_selector("html[data-ready]")
    page.keyboard.press("p")
    dialog = page.get_by_role("dialog", name="Publish 1 text to 1 post?")
    expect(dialog.get_by_text("Prices, written by hand.")).to_be_visible()
    expect(dialog.get_by_text("No alt text")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("checkbox", name=f"Publish: {second.text}").check()
    both = page.get_by_role("dialog", name="Publish 2 texts to 2 posts?")
    both.get_by_role("checkbox", name=f"Publish: {first.text}").uncheck()
    with page.expect_request("**/api/v1/drafts/publish") as asked:
        dialog.get_by_role("button", name="Publish").click()
    assert asked.value.post_data_json == {"ids": [second.id]}
