"""The administrators' dashboard: live, by keyboard, on narrow screens, each chart a table too."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from tests.browser.test_pages_accessible import check, check_width
from tests.support_browser import Site, enter, violations
from tests.support_engine import touch

from altwright.db.session import utcnow
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Delivery, ItemStatus, Priority, Status
from altwright.errors import Category
from altwright.tasks.alerting.rules import Finding, Severity
from altwright.tasks.store.time_series import Series
from altwright.web.admin.charts import CHARTS

ALERT = Finding("redis_down", Severity.CRITICAL, "Redis is away. Tasks go on with the database.")


@pytest.fixture
def busy(site: Site) -> Site:
    """Return a site with a past of an hour, and an alert that is open and one that is over."""
    services = site.web.services
    at = utcnow()
    for minutes in range(2, 50, 3):
        task = site.task(Status.FAILED if minutes % 4 == 0 else Status.COMPLETED)
        ended = at - timedelta(minutes=minutes)
        touch(
            services.database,
            task,
            created_at=ended - timedelta(seconds=40 * minutes),
            started_at=ended - timedelta(seconds=30 * minutes),
            finished_at=ended,
        )
    series = Series(services.database)
    for minute in series.unsettled(at):
        ended_then = series.ended(minute, minute + timedelta(minutes=1))
        ended_then.look(Priority.NORMAL, waiting=7, running=2, oldest_waiting_s=75.0)
        ended_then.look_around(workers=2, delivery=Delivery.RQ, redis_bytes=3_000_000)
        series.add(minute, ended_then)
    ledger = services.engine.ledger
    services.alerts.raise_(ALERT)
    services.alerts.resolve(ALERT.name)
    ledger.begin("Redis does not answer.")
    ledger.take_over(1234)
    ledger.end()
    services.alerts.raise_(ALERT)
    ledger.begin("Redis does not answer.")
    services.engine.roster.seen(["a"], kind="integrated", host="here", pid=1)
    return site


@pytest.fixture
def admin(blank: Page, busy: Site) -> Page:
    """Open the dashboard as root."""
    enter(blank, busy, "root")
    blank.goto("/admin")
    return blank


def test_the_dashboard_is_accessible(admin: Page) -> None:
    """Light and dark, wide and narrow, with every table open."""
    expect(admin.locator("canvas")).to_have_count(len(CHARTS))
    check(admin)
    for summary in admin.locator("details > summary").all():
        summary.click()
    check(admin)


def test_in_forced_colours_too(admin: Page) -> None:
    """Lines are drawn in the reader's colours, and axe is content."""
    admin.emulate_media(forced_colors="active")
    expect(admin.locator("canvas")).to_have_count(len(CHARTS))
    assert violations(admin) == []
    for width in (1280, 390, 320):
        admin.set_viewport_size({"width": width, "height": 800})
        check_width(admin, width)


@pytest.mark.req("7.1", "the dashboard")
@pytest.mark.req("7.2", "figures as charts")
def test_the_numbers_are_those_of_the_rows(admin: Page, busy: Site) -> None:
    """What the table of queues and the tables of the charts say is what the database counts."""
    rows = admin.locator("#rows-ended tr")
    expect(rows).to_have_count(60)
    shown = [0, 0, 0]
    for row in rows.all():
        for position, cell in enumerate(row.locator("td").all()):
            shown[position] += int(cell.get_attribute("data-value") or 0)
    with busy.web.services.database.read() as session:
        counted = [
            session.scalar(select(func.count()).where(TaskRow.status == one))
            for one in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
        ]
    assert shown == counted
    cells = admin.locator("[data-queue=all] td").all_inner_texts()
    assert cells[4:7] == [str(count) for count in counted]


@pytest.mark.req("1.4", "says so in the admin page")
@pytest.mark.req("7.1", "the dashboard")
def test_it_follows_without_a_reload(admin: Page, busy: Site) -> None:
    """A task that is submitted and an alert that is over show by themselves, unless paused."""
    waiting = admin.locator("[data-queue=normal] td").first
    expect(waiting).to_have_text("0")
    alerts = admin.get_by_role("list", name="Open alerts")
    expect(alerts).to_contain_text("Redis is away")
    busy.web.submit()
    expect(admin.locator("#outages")).to_contain_text("It is away now")
    busy.web.services.alerts.resolve(ALERT.name)
    busy.web.services.engine.ledger.end()
    expect(waiting).to_have_text("1")
    expect(admin.locator("#alerts")).to_have_text(re.compile("No open alerts"))
    expect(admin.locator("#outages")).not_to_contain_text("It is away now")
    pause = admin.get_by_role("button", name="Pause updates")
    pause.press("Enter")
    expect(pause).to_have_attribute("aria-pressed", "true")
    with admin.expect_request(lambda request: request.url.endswith("/admin")):
        pause.press("Enter")
    expect(pause).to_have_attribute("aria-pressed", "false")


def test_old_numbers_say_so(admin: Page) -> None:
    """While the service doesn't answer, nobody takes what is shown for how it is."""
    stale = admin.get_by_text("These numbers are of")
    expect(stale).to_be_hidden()
    admin.route("**/admin", lambda route: route.abort())
    expect(stale).to_be_visible()
    assert violations(admin) == []
    admin.unroute("**/admin")
    expect(stale).to_be_hidden()


def test_who_is_signed_out_elsewhere_is_asked_to_sign_in(admin: Page) -> None:
    """A page that nobody may see any more doesn't stay there with old numbers."""
    admin.context.clear_cookies()
    expect(admin.get_by_label("Password")).to_be_visible()


def test_periods_and_tables_by_keyboard(admin: Page) -> None:
    """Each chart's table opens with the keyboard, and stays open while numbers come anew."""
    admin.get_by_role("link", name="Last day").focus()
    admin.keyboard.press("Enter")
    admin.wait_for_url("**/admin?period=day")
    expect(admin.get_by_role("link", name="Last day")).to_have_attribute("aria-current", "true")
    summary = admin.locator("summary", has_text="Tasks that ended as a table")
    summary.focus()
    admin.keyboard.press("Enter")
    table = admin.get_by_role("region", name="Tasks that ended, numbers")
    expect(table.locator("tbody tr")).to_have_count(24)
    with admin.expect_response(lambda answer: "period=day" in answer.url):
        pass
    expect(table).to_be_visible()
    admin.goto("/admin?period=month")
    expect(admin.locator("#rows-took tr")).to_have_count(30)


def test_queues_follow_but_not_under_a_hand(admin: Page, busy: Site) -> None:
    """Another administrator's pause shows and is told; a button that one is at stays what it is."""
    services = busy.web.services
    admin.goto("/admin/queues")
    pause = admin.get_by_role("button", name="Pause high")
    pause.focus()
    for priority in (Priority.LOW, Priority.HIGH):
        services.administration.pause(priority, by=busy.web.root.ref)
    task = busy.web.submit()
    expect(admin.get_by_role("button", name="Resume low")).to_be_visible()
    live = admin.locator("#live")
    expect(live).to_have_text("High is paused by root. Low is paused by root.")
    expect(admin.locator("[data-queue=normal] [data-waiting]")).to_have_text("1")
    expect(admin.get_by_role("link", name="Clear normal …")).to_be_visible()
    expect(admin.locator("[data-queue=high]")).to_contain_text("Paused by root")
    expect(pause).to_be_focused()
    admin.get_by_role("button", name="Pause updates").focus()
    expect(admin.get_by_role("button", name="Resume high")).to_be_visible()
    services.administration.cancel(task["id"], by=busy.web.root.ref)
    expect(admin.get_by_role("link", name="Clear normal …")).to_have_count(0)


def test_the_newest_tasks_follow(admin: Page, busy: Site) -> None:
    """A new one comes first, with the number of all; what one is at stays, and so does its page."""
    count = admin.get_by_text(re.compile(r"All that match: \d+"))
    admin.goto("/admin/tasks")
    before = int(count.inner_text().rpartition(" ")[2])
    first = admin.locator("#found tbody tr").first.get_by_role("link")
    first.focus()
    was = first.get_attribute("href")
    task = busy.web.submit()
    expect(first).to_have_attribute("href", f"/admin/tasks/{task['id']}")
    expect(count).to_have_text(f"All that match: {before + 1}")
    expect(admin.locator(":focus")).to_have_attribute("href", was or "")
    admin.goto(f"/admin/tasks/{task['id']}")
    busy.progress(task["id"], status=Status.RUNNING, items_total=12, items_done=3)
    bar = admin.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "3 of 12 pictures, 25 percent")
    busy.progress(task["id"], status=Status.COMPLETED)
    expect(bar).to_have_count(0)
    expect(admin.locator("#task .badge")).to_have_text("Done")
    expect(admin.locator("#live")).to_have_text("Done")
    expect(admin.get_by_role("button", name="Cancel")).to_have_count(0)


@pytest.mark.parametrize(
    "path", ["tasks", "tasks?status=failed", "failed", "queues", "alerts", "users", "audit"]
)
def test_the_other_pages_are_accessible(admin: Page, busy: Site, path: str) -> None:
    """Axe finds nothing, in light and dark, and nobody scrolls sideways at 320 px."""
    services = busy.web.services
    services.administration.pause(Priority.LOW, by=busy.web.root.ref)
    admin.goto(f"/admin/{path}")
    check(admin)


def test_one_task_is_accessible(admin: Page, busy: Site) -> None:
    """With its history, its pictures and what can be done."""
    task = busy.task(Status.FAILED, done=1, failed=1, total=2, error=(Category.FAULT, "It broke."))
    busy.item(task, ItemStatus.FAILED, "Picture one", "It is no picture.", "bad_input")
    admin.goto(f"/admin/tasks/{task}")
    check(admin)


def test_a_queue_is_paused_and_a_task_moved_by_keyboard(admin: Page, busy: Site) -> None:
    """Every action is a button with a name of its own, and says what it did."""
    admin.goto("/admin/queues")
    admin.get_by_role("button", name="Pause low").focus()
    admin.keyboard.press("Enter")
    expect(admin.locator(":focus")).to_contain_text("low is paused")
    task = busy.task(Status.QUEUED)
    admin.goto(f"/admin/tasks/{task}")
    admin.get_by_label("Priority").select_option("urgent")
    admin.get_by_role("button", name="Change").press("Enter")
    expect(admin.locator(":focus")).to_contain_text("priority is urgent")
    expect(admin.get_by_role("region", name="History")).to_contain_text("normal → urgent")
