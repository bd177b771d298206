"""Administrators' pages of alerts and errors: accessible, narrow, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_pages_accessible import check
from tests.support_browser import Site, enter

from altwright.tasks.alerting.rules import Finding, Severity

PAGES = ["/admin/alerts", "/admin/errors"]
LONG = "The oldest task that is due has waited for 42 minutes, and so have many others. " * 2


@pytest.fixture
def admin(blank: Page, site: Site) -> Page:
    """Sign in as root, with alerts that are open and over, and a task that failed."""
    book = site.web.services.alerts
    book.raise_(Finding("redis_down", Severity.CRITICAL, "Redis is away."))
    for number in range(3):
        book.raise_(Finding(f"rule_{number}", Severity.WARNING, LONG))
    for number in range(2):
        book.resolve(f"rule_{number}")
    site.web.failed()
    enter(blank, site, "root")
    return blank


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(admin: Page, path: str) -> None:
    """Wide and narrow, light and dark."""
    admin.goto(path)
    check(admin)


def test_alerts_are_filtered_by_keyboard(admin: Page) -> None:
    """Choose a rule, and only its alerts are there."""
    admin.goto("/admin/alerts")
    admin.get_by_label("Rule", exact=True).focus()
    admin.keyboard.type("rule 1")
    admin.get_by_role("button", name="Show", exact=True).focus()
    admin.keyboard.press("Enter")
    admin.wait_for_url("**name=rule_1**")
    expect(admin.locator("tbody tr")).to_have_count(1)


def test_somebody_looks_after_an_alert_by_keyboard(admin: Page) -> None:
    """Type a word, press Enter; the page says who looks after it, and is still accessible."""
    admin.goto("/admin/alerts")
    admin.get_by_label("What is known, or being done about redis_down").focus()
    admin.keyboard.type("The host is restarting.")
    admin.keyboard.press("Enter")
    expect(admin.get_by_text("You look after redis_down")).to_be_visible()
    expect(admin.get_by_text("The host is restarting.")).to_be_visible()
    check(admin)


def test_alerts_follow_while_somebody_writes(admin: Page, site: Site) -> None:
    """One ends and one begins, announced; the words that are being typed stay, and their focus."""
    book = site.web.services.alerts
    admin.goto("/admin/alerts")
    why = admin.get_by_label("What is known, or being done about redis_down")
    why.fill("The host is restart")
    admin.locator("summary", has_text="about redis_down").evaluate("one => one.click()")
    book.resolve("rule_2")
    book.raise_(Finding("disk_full", Severity.CRITICAL, "Nothing is free."))
    expect(admin.get_by_text("Nothing is free.")).to_be_visible()
    expect(admin.locator("#live")).to_have_text("2 open alerts: redis_down, disk_full.")
    expect(admin.locator("#sections .count")).to_have_text("2 open")
    expect(admin.locator("#open")).not_to_contain_text("rule_2")
    expect(why).to_be_focused()
    expect(why).to_have_value("The host is restart")
    expect(admin.locator("#open details[open]")).to_have_count(1)
