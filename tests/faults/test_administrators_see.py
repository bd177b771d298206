"""What an administrator of a running service sees when Redis is killed, and when it is back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tests.servers import valkey
from tests.support import wait_until
from tests.support_service import Service, running
from tests.support_web import csrf_token

PASSWORD = "correct horse battery"
TOKEN = "a-token-of-prometheus"


def signed_in(service: Service) -> requests.Session:
    """Return the session of root's browser."""
    browser = requests.Session()
    token = csrf_token(browser.get(f"{service.url}/login", timeout=60).text)
    form = {"username": "root", "password": PASSWORD, "csrf_token": token}
    answer = browser.post(f"{service.url}/login", data=form, timeout=60)
    assert answer.url == f"{service.url}/"
    return browser


def of_redis(service: Service) -> dict[str, float]:
    """Return what Prometheus reads of Redis and of alerts on it."""
    answer = requests.get(
        f"{service.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
    )
    found = {one.name: one for one in text_string_to_metric_families(answer.text)}
    alerts = [one.labels["name"] for one in found["altwright_alert_open"].samples]
    return {
        "up": found["altwright_redis_up"].samples[0].value,
        "alert": float("redis_down" in alerts),
    }


@pytest.mark.req("1.4", "says so in the admin page")
@pytest.mark.req("7.4", "resolved on their own")
def test_redis_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Page, REST API, metrics and command say so while it is away, and when it was afterwards."""
    with valkey() as server:
        service = Service(tmp_path, {"REDIS_URL": server.url, "METRICS_TOKEN": TOKEN})
        done = service.command("user", "create", "root", "--admin", typed=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
        with running(service, "serve"):
            browser = signed_in(service)

            def page() -> str:
                return browser.get(f"{service.url}/admin", timeout=60).text

            def statistics() -> dict[str, Any]:
                answer = browser.get(f"{service.url}/api/v1/admin/statistics", timeout=60)
                return dict(answer.json())

            wait_until(lambda: statistics()["now"]["delivery"] == "rq")
            assert "Redis isn&#39;t used" not in page()
            server.kill()
            wait_until(lambda: of_redis(service) == {"up": 0.0, "alert": 1.0})
            wait_until(lambda: statistics()["now"]["delivery"] == "database")
            assert "Redis isn&#39;t used" in page()
            assert "It is away now" in page()
            said = service.json("status")
            assert said["delivery"] == "database"
            assert "redis_down" in [one["name"] for one in said["alerts"]]
            server.start()
            wait_until(lambda: of_redis(service) == {"up": 1.0, "alert": 0.0})
            wait_until(lambda: statistics()["now"]["delivery"] == "rq")
            (outage,) = statistics()["redis_outages"]
            assert outage["until"] > outage["since"]
            assert "It is away now" not in page()
