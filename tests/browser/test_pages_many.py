"""Many tasks at once, as a person does it: by keyboard, on narrow screens, while pages answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_pages_accessible import check
from tests.support import wait_until
from tests.support_browser import Site, enter
from tests.support_many import KIND, Pretending, working

from altwright.domain.task import Priority, Status

#: The dead letters of roadmap 5.
MANY = 5_000


@pytest.fixture
def root(blank: Page, site: Site) -> Page:
    """Open a page of root's, signed in."""
    enter(blank, site, "root")
    return blank


def press(page: Page, name: str, role: str = "button") -> None:
    """Reach a control and press it, by keyboard."""
    control = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # a literal's
    control.focus()
    page.keyboard.press("Enter")


def requeue_all(page: Page) -> None:
    """Queue all dead letters of a cause again: from their page, by keyboard."""
    page.goto("/admin/failed")
    press(page, "Queue again", "link")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Queue again {MANY:,} tasks?")
    page.get_by_label("Why").focus()
    page.keyboard.type("The describer is mended")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{MANY:,} tasks: under way")).to_be_visible()


def test_5000_dead_letters_go_through_a_canary(
    root: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, ten, and the rest; the page of the change tells, and all pages answer meanwhile."""
    monkeypatch.setitem(site.web.services.engine.kinds, KIND, Pretending(is_mended=True))
    site.web.tasks(MANY, Status.FAILED)
    root.set_viewport_size({"width": 390, "height": 844})
    requeue_all(root)
    seen = set()

    def is_through() -> bool:
        for path in ("/admin", "/admin/tasks", "/admin/failed", "/admin/queues"):
            answer = root.request.get(path)
            assert answer.ok, path
        root.reload()
        badge = root.locator(".badge").first.inner_text()
        seen.add(badge)
        return badge == "Done"

    with working(site.web):
        wait_until(is_through, within_s=120)
    assert len(seen) > 1
    facts = root.get_by_role("region", name="How it stands")
    expect(facts).to_contain_text(f"Of {MANY:,}: {MANY:,} queued again. 1 of 1 ended well")
    expect(facts).to_contain_text("10 of 10 ended well, 0 failed again.")
    assert root.locator("td", has_text="100 queued again").count() >= MANY // 100 - 1


def test_it_stops_by_itself(root: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that goes first fails again: 4,999 stay as they are, and the page says so."""
    monkeypatch.setitem(site.web.services.engine.kinds, KIND, Pretending(is_mended=False))
    site.web.tasks(MANY, Status.FAILED)
    requeue_all(root)

    def is_through() -> bool:
        root.reload()
        return root.locator(".badge").first.inner_text() == "Done"

    with working(site.web):
        wait_until(is_through, within_s=120)
    facts = root.get_by_role("region", name="How it stands")
    expect(facts).to_contain_text(f"Stopped by itself. Of {MANY:,}: 1 queued again; {MANY - 1:,}")
    root.goto("/admin/failed")
    expect(root.get_by_role("link", name=f"{MANY - 1:,}").first).to_be_visible()


def test_each_step_is_accessible(root: Page, site: Site) -> None:
    """List, question, refusal, work under way and its end, wide and narrow; and the way back."""
    site.web.tasks(3, priority=Priority.LOW)
    site.web.tasks(2, Status.FAILED)
    site.web.tasks(1, Status.COMPLETED)
    for path in ("/admin/failed", "/admin/tasks?before=2099-01-01T00:00", "/admin/tasks?user=anna"):
        root.goto(path)
        check(root)
    root.get_by_role("combobox", name="All that match").select_option("priority")
    root.get_by_label("New priority").select_option("high")
    press(root, "Count them …")
    expect(root.get_by_text("3 don")).to_be_visible()
    check(root)
    root.get_by_label("Why").fill("\u200b ")
    press(root, "Change the priority of 3 tasks")
    expect(root.get_by_text("Nothing was done")).to_be_visible()
    check(root)
    root.get_by_label("Why").fill("A demonstration")
    press(root, "Change the priority of 3 tasks")
    expect(root.get_by_text("3 tasks: under way")).to_be_visible()
    check(root)
    site.web.work_on(root.url.rpartition("/")[2])
    root.reload()
    expect(root.get_by_text("Of 3: 3 given another priority.")).to_be_visible()
    check(root)
    root.get_by_label("Why undo it").fill("It is over")
    press(root, "Give the priority back to those that wait still")
    expect(root.get_by_text("Those that wait still get their priority back.")).to_be_visible()
    site.web.work_on(root.url.rpartition("/")[2])
    root.reload()
    expect(root.get_by_text("Of 3: 3 given their priority back.")).to_be_visible()
    check(root)
