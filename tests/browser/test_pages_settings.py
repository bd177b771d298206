"""The administrators' page of settings: accessible in every state, by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_pages_accessible import check
from tests.support_browser import Site, enter

from altwright.tasks.cluster.live_settings import ROW


@pytest.fixture
def settings(blank: Page, site: Site) -> Page:
    """Open the page as root, with one setting that was changed and one that can't be used."""
    live = site.web.services.live
    live.change({"ALERT_BACKLOG_TASKS": 12}, by=site.web.root.ref)
    state = site.web.services.engine.state
    state.set(ROW, state.get(ROW) | {"from_tomorrow": 1})
    live.follow()
    enter(blank, site, "root")
    blank.goto("/admin/settings")
    return blank


def test_the_page_is_accessible(settings: Page) -> None:
    """As it stands, and with a fault beside its field."""
    expect(settings.get_by_text("FROM_TOMORROW")).to_be_visible()
    check(settings)
    settings.get_by_label("RQ_MAX_RETRIES", exact=True).fill("many")
    settings.get_by_role("button", name="Save Tasks").click()
    expect(settings.get_by_role("alert")).to_contain_text("RQ_MAX_RETRIES")
    check(settings)


def test_a_setting_is_changed_and_set_back_by_keyboard(settings: Page, site: Site) -> None:
    """Enter saves, wherever one types; the answer is read out first."""
    field = settings.get_by_label("RQ_MAX_RETRIES", exact=True)
    field.focus()
    settings.keyboard.press("ControlOrMeta+a")
    settings.keyboard.type("5")
    settings.keyboard.press("Enter")
    expect(settings.locator(".admin-done").first).to_be_focused()
    expect(settings.locator(".admin-done").first).to_contain_text("1 setting changed")
    assert site.web.services.live.current.rq_max_retries == 5
    settings.get_by_role("button", name="Back to 3 for RQ_MAX_RETRIES").focus()
    settings.keyboard.press("Enter")
    expect(field).to_have_value("3")
    expect(settings.get_by_role("table")).to_contain_text("RQ_MAX_RETRIES")
    assert site.web.services.live.current.rq_max_retries == 3


def test_a_setting_is_found_by_its_name(settings: Page) -> None:
    """However one writes it; groups are a jump away, and nothing is lost by looking."""
    settings.set_viewport_size({"width": 390, "height": 844})
    settings.get_by_role("navigation", name="Groups").get_by_role("link", name="Alerts").press(
        "Enter"
    )
    expect(settings.get_by_role("heading", name="Alerts")).to_be_in_viewport()
    find = settings.get_by_label("Find a setting")
    expect(find).to_be_in_viewport()
    find.fill("rq max")
    expect(settings.locator("[data-setting]:visible")).to_have_count(1)
    expect(settings.locator("#live")).to_have_text("1 setting with “rq max”.")
    check(settings)
    find.fill("no such thing")
    expect(settings.locator("#live")).to_have_text("0 settings with “no such thing”.")
    find.fill("")
    expect(settings.get_by_label("RQ_MAX_RETRIES", exact=True)).to_be_visible()
