"""What each kind of failure means, with counts: page, REST API and command line."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from tests import support_web
from tests.support_engine import BERT, Rig
from tests.support_house import House
from tests.support_web import Web

from altwright.db.session import utcnow
from altwright.db.task_tables import TaskRow
from altwright.domain.retry_policy import POLICIES, retries_words
from altwright.errors import Category

web = support_web.web


def test_each_category_is_shown_with_its_policy_and_counts(web: Web) -> None:
    """The page, the API and the engine have one table; what fails most comes first."""
    root = web.by_session(web.root)
    failed, old = web.failed(), web.failed()
    with web.services.database.write() as session:
        session.get_one(TaskRow, old["id"]).finished_at = utcnow() - timedelta(days=2)
    page = root.get("/admin/errors").text
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>\s*<td>(\d+)</td>', page)
    assert {name.lower().replace(" ", "_") for name, _ in rows} == {one.value for one in Category}
    assert rows[0] == ("Fault", "1")
    assert "3 times: after 1 minute, after 4 minutes, after 16 minutes" in page
    link = re.search(r'href="(/admin/tasks\?status=failed&amp;category=fault[^"]*)"', page)
    assert link
    shown = root.get(html.unescape(link[1])).text
    assert failed["id"][:8] in shown
    assert old["id"][:8] not in shown
    errors = web.by_token(web.root).get("/api/v1/admin/errors").get_json()["errors"]
    by_name = {one["category"]: one for one in errors}
    assert (by_name["fault"]["last_hour"], by_name["fault"]["last_day"]) == (1, 1)
    assert by_name["network"]["retries_s"] == [0, 60, 240]
    assert by_name["network"]["last_day"] == 0
    for category, policy in POLICIES.items():
        assert bool(by_name[category]["retries_s"]) == policy.retried
        assert by_name[category]["who"] == policy.who


def test_the_command_shows_the_same(web: Web) -> None:
    """With retries as configured, in words and for programs."""
    done = web.command("task", "errors", "--json", RQ_MAX_RETRIES="1")
    of_network = [one for one in json.loads(done.stdout) if one["category"] == "network"]
    assert [one["retries_s"] for one in of_network] == [[0.0]]
    assert "1 time: at once" in web.command("task", "errors", RQ_MAX_RETRIES="1").stdout


def test_retries_in_words() -> None:
    """None, one and several."""
    assert retries_words([]) == "not"
    assert retries_words([0]) == "1 time: at once"
    assert retries_words([60, 3600]) == "2 times: after 1 minute, after 1 hour"


@pytest.mark.every_database
def test_one_users_revoked_token_is_no_administrators_alert(rig: Rig) -> None:
    """Its user reads what to do, on their own pages; another cause is told, as ever."""
    house = House(rig)
    for _ in range(6):
        rig.submit()
        rig.claims.fail(rig.take(), Category.AUTHENTICATION, "Your server refuses the token.")
    assert house.look() == set()
    rig.submit(BERT)
    rig.claims.fail(rig.take(), Category.SERVICE_DOWN, "It was away for too long.")
    assert house.look() == {"dead_letters"}
    assert house.alerts.open()[0].message.startswith("1 task failed")
