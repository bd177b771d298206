"""What axe can't see of administrators' pages: names that say which, and where the focus goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from tests.browser.test_pages_accessible import REFLOW
from tests.contract.test_worker_administration import long_ago, running, seen
from tests.support_browser import Site, sign_in

from altwright.domain.task import Priority, Status
from altwright.errors import Category
from altwright.tasks.alerting.rules import Finding, Severity
from altwright.tasks.store.task_search import TaskFilter, TaskSearch
from altwright.web.admin.access import SECTIONS

#: Buttons and links by what is read of them, and what each does: where it leads, what it sends.
NAMED = """() => {
const found = document.querySelectorAll("main :is(a[href], button, summary):not(nav *)");
return [...found].map(one => {
  const form = one.tagName === "BUTTON" && one.type === "submit" ? one.form : null;
  const sent = form ? [...new FormData(form, one)].filter(([name]) => name !== "csrf_token") : [];
  return [
    (one.getAttribute("aria-label") ?? one.textContent).trim().replace(/\\s+/g, " "),
    JSON.stringify([one.getAttribute("href") ?? form?.getAttribute("action") ?? one.id, sent]),
  ];
});
}"""
#: What has the focus: whether it is on the screen with nothing before it; null: nothing has.
FOCUSED = """async () => {
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getClientRects()[0];
  const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 20), 1), innerHeight - 1);
  const isSeen = [box.left + 5, box.left + box.width / 2, box.right - 5].some((x) =>
    one.contains(document.elementFromPoint(x, y)));
  return [one.outerHTML.slice(0, 200), isSeen && box.bottom > 0 && box.top < innerHeight];
}"""


@pytest.fixture
def root(blank: Page, site: Site) -> Page:
    """Sign in to a service with some of everything, two and more where that is possible."""
    services = site.web.services
    for category in (Category.FAULT, Category.NETWORK, Category.NETWORK):
        site.task(Status.FAILED, error=(category, "It broke."))
    site.task(Status.COMPLETED, done=3, total=3)
    seen(site.web)
    task = running(site.web, "here.a.1.1.integrated1")
    long_ago(site.web, task["id"])
    site.web.tasks(2, priority=Priority.LOW)
    for name in ("redis_down", "disk_full"):
        services.alerts.raise_(Finding(name, Severity.CRITICAL, "It is so."))
    services.administration.pause(Priority.LOW, by=site.web.root.ref)
    services.live.change({"ALERT_BACKLOG_TASKS": 12, "TASK_SLICE": 70}, by=site.web.root.ref)
    sign_in(blank, site.url, "root")
    return blank


def paths(site: Site) -> list[str]:
    """Return the pages: each section, a user, tasks that run and have failed, and a question."""
    search = TaskSearch(site.web.services.database, site.web.services.box)
    some = [
        task.id
        for status in (Status.QUEUED, Status.RUNNING, Status.FAILED)
        for task in search.page(TaskFilter(status=status), 1).tasks
    ]
    return [
        *(path for path, _ in SECTIONS),
        *(f"/admin/tasks/{one}" for one in some),
        f"/admin/users/{site.web.anna.id}",
        "/admin/tasks/many?action=requeue&status=failed",
        "/admin/queues/normal/clear",
    ]


def test_what_is_named_alike_does_the_same(root: Page, site: Site) -> None:
    """A list of a page's buttons and links says what each does, and to which; tables have names."""
    for path in paths(site):
        root.goto(path)
        does: dict[str, str] = {}
        for name, what in root.evaluate(NAMED):
            assert name, (path, what)
            assert does.setdefault(name, what) == what, f"{path}: “{name}” does several things"
        unnamed = root.locator("table:not(.u-legend):not(:has(caption))")
        assert unnamed.count() == 0, path
        assert root.locator("h1").count() == 1, path


def test_where_one_is_can_be_seen(root: Page, site: Site) -> None:
    """By keyboard on a narrow screen, nothing lies over what has the focus."""
    root.set_viewport_size(REFLOW)
    for path in paths(site):
        root.goto(path)
        stops = 0
        while True:
            root.keyboard.press("Tab")
            focused = root.evaluate(FOCUSED)
            if focused is None:
                break
            stops += 1
            assert focused[1], f"{path}: out of sight: {focused[0]}"
        assert stops > 10, path
