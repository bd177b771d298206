"""/metrics: in Prometheus' format, for those who may; Grafana's file asks for what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly_read
from prometheus_client.parser import text_string_to_metric_families
from tests import support_web
from tests.servers import RedisServer
from tests.support_engine import touch
from tests.support_web import Caller, Web, make_settings, make_web, problem

from altwright.db.session import utcnow
from altwright.domain.bucket import Span
from altwright.domain.task import Priority, Status
from altwright.tasks.store.time_series import Series

web = support_web.web

GRAFANA = Path(__file__).parents[2] / "deploy/grafana/altwright.json"
TOKEN = "a-token-of-prometheus"


class Given:
    """A collector of metrics that there are already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return them."""
        return self._families


def families(caller: Caller) -> dict[str, Metric]:
    """Return the metrics by name, as Prometheus' own parser reads them."""
    answer = caller.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    found = list(text_string_to_metric_families(answer.text))
    names = [family.name for family in found]
    assert len(names) == len(set(names))
    return {family.name: family for family in found}


def value(family: Metric, **labels: str) -> float:
    """Return the sample with these labels."""
    (sample,) = [one for one in family.samples if one.labels == labels]
    return float(sample.value)


def test_the_figures_are_those_of_the_service(web: Web) -> None:
    """Tasks by queue and state, what ended, how long it took, workers, delivery, alerts."""
    waits = web.failed()
    at = utcnow() - timedelta(minutes=5)
    touch(web.services.database, waits["id"], finished_at=at)
    minute = Span.MINUTE.begin_of(at)
    series = Series(web.services.database)
    series.add(minute, series.ended(minute, minute + timedelta(minutes=2)))
    web.submit()
    found = families(web.by_token(web.root))
    assert value(found["altwright_tasks"], queue="normal", state="waiting") == 1
    assert value(found["altwright_tasks"], queue="urgent", state="running") == 0
    ended = found["altwright_tasks_ended"]
    assert value(ended, queue="normal", state="failed") == 1
    assert {one.labels["queue"] for one in ended.samples} == {one.queue for one in Priority}
    assert value(found["altwright_workers"], state="alive") == 0
    assert value(found["altwright_delivery"], by="rq") == 1
    assert value(found["altwright_queue_paused"], queue="low") == 0
    waited = found["altwright_task_wait_seconds"].samples
    counted = [one.value for one in waited if one.labels == {"queue": "normal", "le": "+Inf"}]
    assert counted == [1.0]


def test_openmetrics_takes_them_too(web: Web) -> None:
    """Its parser is the strictest: names, suffixes, order, sums of histograms, no sample twice."""
    web.failed()
    found = families(web.by_token(web.root))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given(list(found.values())))
    written = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    read = {one.name: one for one in strictly_read(written)}  # type: ignore[no-untyped-call]
    assert read.keys() == found.keys()
    for name, family in found.items():
        assert len(read[name].samples) == len(family.samples), name
        assert family.documentation


def test_histograms_never_fall(web: Web) -> None:
    """Cumulative buckets, the last of which is the count."""
    took = families(web.by_token(web.root))["altwright_task_processing_seconds"]
    for priority in Priority:
        own = [one for one in took.samples if one.labels["queue"] == priority.queue]
        buckets = [one.value for one in own if one.name.endswith("_bucket")]
        assert buckets == sorted(buckets)
        assert [one.value for one in own if one.name.endswith("_count")] == buckets[-1:]


def test_it_names_nobody(web: Web) -> None:
    """Labels are bounded: no user, no task, no worker."""
    web.submit()
    known = {"queue", "state", "by", "name", "severity", "version", "le"}
    for family in families(web.by_token(web.root)).values():
        for sample in family.samples:
            assert sample.labels.keys() <= known


def test_it_is_for_administrators(web: Web) -> None:
    """Nobody else, and no page to sign in for a program."""
    assert "Bearer" in web.anonymous().get("/metrics").headers["WWW-Authenticate"]
    problem(web.anonymous().get("/metrics"), 401)
    problem(web.by_session(web.root).get("/metrics"), 401)
    problem(web.by_token(web.anna).get("/metrics"), 403)
    wrong = {"Authorization": "Bearer nonsense"}
    problem(web.anonymous().get("/metrics", headers=wrong), 401)


@pytest.fixture
def open_web(tmp_path: Path, valkey: RedisServer) -> Iterator[Web]:
    """Return an application that lets Prometheus in."""
    settings = make_settings(
        tmp_path, valkey.url, METRICS_TOKEN=TOKEN, METRICS_NETWORKS="10.1.0.0/16, fd00::/8"
    )
    made = make_web(settings)
    yield made
    made.services.health.client.close()
    made.services.database.close()


def test_prometheus_is_let_in(open_web: Web) -> None:
    """By its token from anywhere, without one from its networks; a wrong token is none."""
    anyone = open_web.anonymous()
    good, wrong = ({"Authorization": f"Bearer {one}"} for one in (TOKEN, TOKEN + "x"))
    assert anyone.get("/metrics", headers=good).status_code == 200
    problem(anyone.get("/metrics", headers=wrong), 401)
    problem(anyone.get("/metrics"), 401)
    addresses = {"10.1.2.3": 200, "fd00::1": 200, "::ffff:10.1.2.3": 200}
    addresses |= dict.fromkeys(("10.2.0.1", "::1", "unknown", ""), 401)
    for address, status in addresses.items():
        answer = anyone.get("/metrics", environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status, address
    inside = {"environ_base": {"REMOTE_ADDR": "10.1.2.3"}}
    problem(anyone.get("/metrics", headers=wrong, **inside), 401)


def test_what_grafana_asks_for_is_there(web: Web) -> None:
    """Every metric and label of deploy/grafana is one of ours, and every panel has its place."""
    found = families(web.by_token(web.root))
    names = {f"altwright_{one}" for one in ("info",)} | set(found)
    for family in found.values():
        names |= {sample.name for sample in family.samples}
    dashboard: dict[str, Any] = json.loads(GRAFANA.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in dashboard["templating"]["list"]]
    asked = {name for query in queries for name in re.findall(r"altwright_\w+", query)}
    assert asked - names == set()
    assert len(asked) >= 10
    states = {*Status, "waiting", "delayed", "running", "alive", "expected"}
    for query in queries:
        for wanted in re.findall(r'state=~?"([^"]+)"', query):
            assert set(wanted.split("|")) <= states
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
