"""The administrators' pages of users: accessible in every state, by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_pages_accessible import check
from tests.support_browser import Site, enter, sign_in


@pytest.fixture
def admin(blank: Page, site: Site) -> Page:
    """Sign in as root."""
    enter(blank, site, "root")
    return blank


def test_the_pages_are_accessible(admin: Page, site: Site) -> None:
    """The list, a user's page, and both with faults in their forms."""
    anna = site.web.anna
    site.account("anna@pixel.example", "The server does not accept the token any more.")
    site.web.services.users.make_token(anna.id, "script")
    admin.goto("/admin/users")
    check(admin)
    admin.get_by_label("User name").fill("anna")
    admin.get_by_label("E-mail (may be left out)").fill("nowhere")
    admin.get_by_role("button", name="Add").click()
    expect(admin.get_by_role("alert").first).to_be_visible()
    check(admin)
    admin.goto(f"/admin/users/{anna.id}")
    check(admin)
    admin.get_by_label("E-mail").fill("nowhere")
    admin.get_by_role("button", name="Save e-mail").click()
    expect(admin.get_by_role("alert")).to_be_visible()
    expect(admin.get_by_label("E-mail")).to_be_focused()
    check(admin)
    admin.goto(f"/admin/users/{site.web.root.id}")
    check(admin)


def test_a_user_is_made_limited_and_locked_out_by_keyboard(admin: Page, site: Site) -> None:
    """The new user chooses a password by the link that the page shows once."""
    admin.goto("/admin/users")
    admin.get_by_label("User name").focus()
    admin.keyboard.type("carla")
    admin.keyboard.press("Enter")
    done = admin.locator(".admin-done")
    expect(done).to_be_focused()
    link = admin.locator(".admin-link code").inner_text()
    check(admin)
    lock = admin.get_by_role("button", name="Lock out carla")
    expect(lock).to_be_visible()
    own = admin.url
    # The new user sits at the same browser here; who opens the link is signed out.
    admin.goto(link)
    check(admin)
    admin.get_by_label("Password").focus()
    admin.keyboard.type("battery staple")
    admin.keyboard.press("Tab")
    admin.keyboard.type("battery stable")
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("alert")).to_contain_text("differ")
    check(admin)
    admin.keyboard.type("battery staple")
    admin.keyboard.press("Tab")
    admin.keyboard.type("battery staple")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("Your password is set")).to_be_visible()
    check(admin)
    assert site.web.services.users.authenticate("carla", "battery staple")
    sign_in(admin, site.url, "root")
    admin.goto(own)
    admin.get_by_label("Runs a day").focus()
    admin.keyboard.type("3")
    admin.keyboard.press("Enter")
    expect(done).to_contain_text("They may start 3 runs within a day")
    lock.focus()
    admin.keyboard.press("Enter")
    expect(done).to_contain_text("carla is locked out")
    expect(admin.get_by_role("button", name="Let in carla")).to_be_visible()
    carla = site.web.services.users.by_name("carla")
    assert carla is not None
    assert not carla.is_active
    assert carla.runs_per_day == 3


@pytest.mark.parametrize("is_allowed", [False, True])
def test_the_link_is_copied_by_keyboard(admin: Page, site: Site, *, is_allowed: bool) -> None:
    """It is the next stop after what was done; without a clipboard it is selected, and told."""
    if is_allowed:
        admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:  # as on an address without https
        admin.add_init_script("delete Navigator.prototype.clipboard; document.execCommand = null")
    admin.goto(f"/admin/users/{site.web.anna.id}")
    admin.get_by_role("button", name="Reset the password of anna").press("Enter")
    expect(admin.locator(".admin-done")).to_be_focused()
    copy = admin.get_by_role("button", name="Copy the link")
    expect(copy).to_be_visible()
    admin.keyboard.press("Tab")
    expect(copy).to_be_focused()
    admin.keyboard.press("Enter")
    link = admin.locator(".admin-link code").inner_text()
    if is_allowed:
        expect(admin.get_by_role("status").filter(has_text="Copied.")).to_have_count(1)
        assert admin.evaluate("navigator.clipboard.readText()") == link
    else:
        expect(admin.get_by_role("status").filter(has_text="Selected: copy it")).to_have_count(1)
        assert admin.evaluate("getSelection().toString()") == link
