"""Signing in, and connecting and disconnecting accounts."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect
from tests.support_browser import Site
from tests.support_domain import AUTHENTICATION, refusing
from tests.support_web import PASSWORD

from altwright.platforms.software import Software


def test_signing_in_needs_no_javascript(chromium: Browser, site: Site) -> None:
    """The form works without scripts, leads where one was going, and says what is wrong."""
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/tasks")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    expect(page.get_by_label("User name")).to_have_value("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/tasks")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login"))
    context.close()


def test_connecting_an_account(page: Page, site: Site) -> None:
    """Address and token connect an account, which is then listed."""
    site.platform.acct = "anna@second.example"
    page.goto("/accounts")
    page.get_by_label("Address of the server").fill("second.example")
    page.get_by_label("Access token").fill("a-token")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("button", name="Disconnect anna@second.example")).to_be_visible()
    expect(page.locator("#live")).to_have_text("Connected anna@second.example")
    assert len(site.web.services.accounts.of_user(site.web.anna.id)) == 2


def test_a_server_that_takes_no_texts_says_so_at_once(page: Page, site: Site) -> None:
    """The account is there, with the reason and what is left; it stays beside it."""
    site.platform.acct = "anna@snac.example"
    site.platform.software = Software("snac", "2.94")
    page.goto("/accounts")
    page.get_by_label("Address of the server").fill("snac.example")
    page.get_by_label("Access token").fill("a-token")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("#live")).to_contain_text("snac's API can't change")
    account = page.get_by_role("article", name="Anna").last
    expect(account).to_contain_text("Altwright can still draft texts")
    expect(account.get_by_role("button", name="Reconnect")).to_have_count(0)


def test_a_token_that_the_server_refuses(page: Page, site: Site) -> None:
    """What is wrong is said, stays beside its field, and the form stays filled."""
    page.goto("/accounts")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_label("Address of the server")).to_be_focused()
    expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")
    site.platform.before = refusing("introduction", AUTHENTICATION)
    page.get_by_label("Address of the server").fill("https://second.example")
    page.get_by_label("Access token").fill("revoked")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("doesn't accept the token")
    expect(page.get_by_label("Address of the server")).to_have_value("https://second.example")


def test_reconnecting_takes_the_address_over(page: Page, site: Site) -> None:
    """An account with a problem shows it, and needs nothing but a new token."""
    account = site.web.services.accounts.of_user(site.web.anna.id)[0]
    site.web.services.accounts.set_problem(account.id, "The token was revoked.")
    page.goto("/accounts")
    expect(page.get_by_text("The token was revoked.")).to_be_visible()
    page.get_by_role("button", name="Reconnect anna@social.example").click()
    expect(page.get_by_label("Address of the server")).to_have_value("https://social.example")
    expect(page.get_by_label("Access token")).to_be_focused()
    page.keyboard.type("new-token")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Connected anna@social.example")
    expect(page.get_by_text("The token was revoked.")).to_be_hidden()


def test_disconnecting_asks_first(page: Page, site: Site) -> None:
    """An account goes only after a question that says what goes with it."""
    page.goto("/accounts")
    page.get_by_role("button", name="Disconnect anna@social.example").click()
    dialog = page.get_by_role("dialog", name="Disconnect anna@social.example?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert len(site.web.services.accounts.of_user(site.web.anna.id)) == 1
    page.get_by_role("button", name="Disconnect anna@social.example").click()
    dialog.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("heading", name="No account yet")).to_be_visible()
    assert site.web.services.accounts.of_user(site.web.anna.id) == []
