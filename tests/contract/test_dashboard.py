"""The dashboard over HTTP: for administrators, readable without a script."""

from __future__ import annotations

import re

import pytest
from tests import support_web
from tests.support_web import Web, problem

from altwright.domain.period import Period
from altwright.web.admin.charts import CHARTS, worded
from altwright.web.api.statistics_responses import Statistics

web = support_web.web


def test_it_is_for_administrators(web: Web) -> None:
    """Others are refused, strangers sign in first."""
    assert web.by_session(web.anna).get("/admin").status_code == 403
    assert web.anonymous().get("/admin").headers["Location"].startswith("/login")


@pytest.mark.parametrize("period", [*sorted(Period), "century", ""])
def test_every_number_is_there_without_a_script(web: Web, period: str) -> None:
    """Each chart's table has all of its points; what is no period shows the hour."""
    web.failed()
    answer = web.by_session(web.root).get("/admin", query_string={"period": period})
    assert answer.status_code == 200
    points = Period(period).points if period in set(Period) else Period.HOUR.points
    for chart in CHARTS:
        body = re.search(rf'id="rows-{chart.id}"(.*?)</tbody>', answer.text, re.DOTALL)
        assert body
        assert body[1].count("<tr>") == points
    assert 'data-value="1"' in answer.text


@pytest.mark.parametrize("period", sorted(Period))
def test_programs_get_the_same(web: Web, period: Period) -> None:
    """The REST API's answer has its documented shape, with what the page shows."""
    web.failed()
    root = web.by_token(web.root)
    answer = root.get(f"/api/v1/admin/statistics?period={period}").get_json()
    Statistics.model_validate(answer)
    assert answer["timeline"]["all"]["failed"] == 1
    assert len(answer["timeline"]["points"]) == period.points
    assert [one["name"] for one in answer["now"]["alerts"]] == []
    problem(root.get("/api/v1/admin/statistics?period=century"), 422)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "count", "—"),
        (0, "count", "0"),
        (0.5, "count", "0.5"),
        (1234567, "count", "1,234,567"),
        (0.25, "seconds", "0.2 s"),
        (75.0, "seconds", "75 seconds"),
        (600.0, "seconds", "10 minutes"),
        (0.98765, "share", "98.8 %"),
        (3 * 2**20, "bytes", "3.0 MB"),
    ],
)
def test_numbers_read_well(value: float | None, unit: str, words: str) -> None:
    """A number is shown with its unit; an unknown one is none."""
    assert worded(value, unit) == words
