"""No page for administrators reads all tasks: so SQLite says of each statement of theirs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

from sqlalchemy import event
from tests import support_web
from tests.support_backlog import fill
from tests.support_web import Web

from altwright.db.session import Database
from altwright.domain.period import Period
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.task_search import LOOK_AT
from altwright.web.admin.access import SECTIONS

web = support_web.web


@contextmanager
def plans(database: Database) -> Iterator[dict[str, list[str]]]:
    """Yield how each statement that is executed inside is answered: lines of its plan."""
    found: dict[str, list[str]] = {}

    def explain(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
        if statement.startswith("SELECT"):
            lines = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            found[statement] = [line[-1] for line in lines]

    event.listen(database.engine, "before_cursor_execute", explain)
    yield found
    event.remove(database.engine, "before_cursor_execute", explain)


def addresses(task_id: str) -> list[str]:
    """Return every page, with each filter and some together, and what programs ask for."""
    choices: dict[str, list[str]] = {
        "status": ["", *Status],
        "priority": ["", Priority.URGENT.queue],
        "kind": ["", "captions"],
        "category": ["", Category.NETWORK],
        "delivery": ["", Delivery.RQ],
        "user": ["", "anna"],
        "after": ["", task_id],
    }
    queries = [
        "&".join(f"{name}={one}" for name, one in zip(choices, chosen, strict=True))
        for chosen in product(*choices.values())
    ]
    return [
        *(path for path, _ in SECTIONS),
        *(f"/admin?period={period}" for period in Period),
        *(f"/admin/tasks?{query}" for query in queries),
        f"/admin/tasks/{task_id}",
        "/admin/queues/low/clear",
        *(
            f"/admin/tasks/many?action={action}&{one}"
            for action in ("cancel", "requeue", "priority&to=low")
            for one in queries
            if one.endswith("after=")
        ),
        "/api/v1/admin/statistics",
        "/metrics",
    ]


def test_no_page_reads_all_tasks(web: Web) -> None:
    """Each statement begins at an entry of an index, or walks along one until its page is full.

    The one that groups dead letters reads their own index.
    """
    failed = web.failed()["id"]
    browser, program = web.by_session(web.root), web.by_token(web.root)
    with plans(web.services.database) as found:
        for path in addresses(failed):
            caller = program if path.startswith(("/api", "/metrics")) else browser
            assert caller.get(path).status_code == 200, path
    of_tasks = {one: plan for one, plan in found.items() if "FROM tasks" in one}
    assert len(of_tasks) > 50
    for statement, plan in of_tasks.items():
        scans = [line for line in plan if line.startswith("SCAN tasks")]
        if "LIMIT" in statement and "USE TEMP B-TREE FOR ORDER BY" not in plan:
            scans = [line for line in scans if "INDEX ix_tasks_created_at" not in line]
        assert [line for line in scans if "INDEX ix_tasks_dead_letters" not in line] == [], (
            statement
        )


def test_what_is_seldom_is_looked_for_in_steps(web: Web) -> None:
    """A page looks at so many tasks, says so, and offers to go on; the last one says it all."""
    fill(web.services.database, LOOK_AT + 1, "x")
    browser = web.by_session(web.root)
    page = browser.get("/admin/tasks?priority=urgent").text
    assert "No task is like that among those that were submitted since" in page
    further = re.search(r'href="([^"]+)">Look further back', page)
    assert further
    page = browser.get(html.unescape(further[1])).text
    assert "No task is like that." in page
    assert "Look further back" not in page
