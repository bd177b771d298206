"""Administrators' page of workers, and why tasks wait: accessible, by keyboard, without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update
from tests.browser.test_pages_accessible import check
from tests.contract.test_worker_administration import long_ago, running, seen
from tests.support import wait_until
from tests.support_browser import Site, enter

from altwright.db.task_tables import WorkerRow
from altwright.db.types import now
from altwright.domain.task import Priority
from altwright.domain.worker import WorkerKind
from altwright.tasks.cluster.stack_dumps import StackDumps, request_row
from altwright.workers.manager import RQWorkerManager

STUCK = "here.a.1.1.integrated1"


@pytest.fixture
def busy(site: Site) -> Site:
    """Return a site with workers of every kind, one that is stuck and one that vanished."""
    seen(site.web)
    task = running(site.web, STUCK)
    long_ago(site.web, task["id"])
    with site.web.services.database.write() as session:
        gone = update(WorkerRow).where(WorkerRow.pid == 3)
        session.execute(gone.values(seen_at=now(-60)))
    return site


@pytest.fixture
def admin(blank: Page, busy: Site) -> Page:
    """Open the page as root."""
    enter(blank, busy, "root")
    blank.goto("/admin/workers")
    return blank


def test_the_pages_are_accessible(admin: Page, busy: Site) -> None:
    """Workers, with wishes and without; a stack before and after its answer; the stuck task."""
    check(admin)
    administration = busy.web.services.worker_administration
    administration.scale("pool", "there", 1, 4, by=busy.web.root.ref)
    administration.stop("external", "there", by=busy.web.root.ref)
    administration.restart("integrated", "", by=busy.web.root.ref)
    admin.reload()
    check(admin)
    row = admin.locator(f'[data-worker="{STUCK}"]')
    expect(row).to_contain_text("Stuck")
    row.get_by_role("button", name="What is it at?").press("Enter")
    expect(admin.get_by_text("answers within two seconds")).to_be_visible()
    check(admin)
    services = busy.web.services
    [wish] = services.engine.control.read([request_row(STUCK)]).values()
    lines = ["altwright/tasks/execution/runner.py:213 _one: worked = work.item(item)"] * 30
    StackDumps(services.database).answer(STUCK, wish.id, lines)
    expect(admin.locator(".admin-stack li")).to_have_count(30)  # by itself
    expect(admin.locator("#live")).to_have_text("It has answered.")
    check(admin)
    admin.locator("#task-title + p a").press("Enter")
    expect(admin.get_by_role("button", name="Take it over")).to_be_visible()
    check(admin)


def test_the_page_follows_and_takes_nothing_away(admin: Page, busy: Site) -> None:
    """Workers come and vanish without a reload; focus, a typed number and the place read stay."""
    admin.set_viewport_size({"width": 390, "height": 844})
    admin.evaluate("window.isSame = true")
    expect(admin.get_by_text("1 worker stuck. 1 worker vanished.")).to_be_visible()
    number = admin.get_by_label("Number")
    number.fill("5")
    ask = admin.locator(f'[data-worker="{STUCK}"]').get_by_role("button")
    ask.focus()
    region = admin.get_by_role("region", name="Workers of process 1 on here")
    scrolled = region.evaluate("node => node.scrollLeft")
    assert scrolled > 0
    third = "here.a.1.1.integrated3"
    busy.web.services.engine.roster.seen([third], kind="integrated", host="here", pid=1)
    with busy.web.services.database.write() as session:
        gone = update(WorkerRow).where(WorkerRow.pid == 2)
        session.execute(gone.values(seen_at=now(-60)))
    expect(region.locator(f'[data-worker="{third}"]')).to_contain_text("Idle")
    expect(admin.locator("#live")).to_have_text("1 worker stuck. 2 workers vanished.")
    expect(admin.locator("#wrong")).to_have_text("1 worker stuck. 2 workers vanished.")
    expect(ask).to_be_focused()
    expect(number).to_have_value("5")
    assert region.evaluate("node => node.scrollLeft") == scrolled
    assert admin.evaluate("window.isSame")
    check(admin)


def test_a_stuck_task_is_taken_over_by_keyboard(admin: Page, busy: Site) -> None:
    """From the list to the task, and away from its worker."""
    admin.locator(f'[data-worker="{STUCK}"] a').press("Enter")
    admin.get_by_role("button", name="Take it over").press("Enter")
    expect(admin.locator(":focus")).to_contain_text("another worker goes on")
    expect(admin.locator("[data-reason]").first).to_be_visible()
    check(admin)
    assert busy.web.services.engine.claims.claim_next("another") is not None


def test_why_a_task_waits_follows(page: Page, site: Site) -> None:
    """Its user sees the reasons, and that they go away, without a reload."""
    services = site.web.services
    services.administration.pause(Priority.NORMAL, by=site.web.root.ref)
    task = site.web.submit()
    page.goto(f"/tasks/{task['id']}")
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    check(page)
    services.administration.resume(Priority.NORMAL, by=site.web.root.ref)
    services.engine.roster.seen(["w"], kind="integrated", host="here", pid=1)
    expect(page.locator("#waiting")).to_contain_text("A worker takes it in a moment")
    assert services.engine.claims.claim_next("w") is not None
    services.progress.publish_by_id(task["id"])
    expect(page.locator("#waiting")).to_be_empty()


@pytest.fixture
def manager(site: Site) -> Iterator[RQWorkerManager]:
    """Run the integrated workers of a process, two of them."""
    services = site.web.services
    made = services.worker_manager(WorkerKind.INTEGRATED, None)
    made.loop.start()
    yield made
    made.stop(5)


@pytest.mark.req("7.5", "workers")
def test_workers_are_scaled_and_stopped_by_keyboard(
    blank: Page, site: Site, manager: RQWorkerManager
) -> None:
    """On a narrow screen: two real workers become five, and none; then as configured."""
    enter(blank, site, "root")
    blank.set_viewport_size({"width": 390, "height": 844})
    wait_until(lambda: len(manager.workers) == 2)
    blank.goto("/admin/workers")
    expect(blank.locator("[data-wanted]")).to_have_text("2")
    blank.get_by_label("Number").fill("5")
    blank.get_by_label("Number").press("Enter")
    expect(blank.locator(":focus")).to_contain_text("5 wanted")
    wait_until(lambda: len(manager.workers) == 5)
    blank.get_by_role("button", name="Stop integrated workers").press("Enter")
    expect(blank.locator(":focus")).to_contain_text("asked to stop")
    wait_until(lambda: not manager.workers)
    wait_until(lambda: not site.web.services.engine.roster.all())
    blank.reload()
    expect(blank.locator("[data-standing]")).to_contain_text("Asked to stop by root: stopped.")
    check(blank)
    blank.get_by_role("button", name="Start again, as configured").press("Enter")
    wait_until(lambda: len(manager.workers) == 2)
