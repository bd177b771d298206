"""What others show of RQ says the same as our pages: rq-dashboard, and RQ's own command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rq_dashboard import blueprint
from rq_dashboard.web import setup_rq_connection
from tests.servers import RedisServer
from tests.support_engine import ROOT, Rig
from tests.support_web import Caller, beside

from altwright.domain.task import Priority
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.rq.worker_loop import WorkerLoop

RQ = Path(sys.executable).with_name("rq")
#: Tasks that are submitted of each priority.
SUBMITTED = {Priority.URGENT: 1, Priority.HIGH: 2, Priority.NORMAL: 4, Priority.LOW: 3}
#: The worker's name.
OURS = "host.boot.1.1.ours"


@pytest.fixture
def root(rig: Rig, tmp_path: Path, valkey: RedisServer) -> Iterator[Caller]:
    """Return an administrator's browser, on the rig's database and Redis."""
    with closing(beside(rig, tmp_path, valkey.url)) as web:
        yield web.by_session(web.root)


def of_rq_dashboard(redis_url: str, what: str) -> list[dict[str, Any]]:
    """Return the queues or the workers, as rq-dashboard answers over HTTP."""
    app: Any = Flask("rq-dashboard")
    app.config["RQ_DASHBOARD_REDIS_URL"] = redis_url
    setup_rq_connection(app)
    app.register_blueprint(blueprint)
    found: list[dict[str, Any]] = app.test_client().get(f"/0/data/{what}.json").get_json()[what]
    app.redis_conn.close()
    return found


def of_rqs_command(redis_url: str) -> tuple[dict[str, int], dict[str, str]]:
    """Return the queues' lengths and the workers' states, as `rq info` prints them."""
    argv = [str(RQ), "info", "--raw", "--url", redis_url]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    queues = re.findall(r"^queue (\S+) (\d+)", said, re.MULTILINE)
    workers = re.findall(r"^worker (\S+) \([^)]*\) (\w+)", said, re.MULTILINE)
    return {name: int(count) for name, count in queues}, dict(workers)


def of_our_page(root: Caller) -> dict[str, dict[str, int]]:
    """Return each queue's numbers by their words, as /admin/queues shows them."""
    page = root.get("/admin/queues").text
    found = {}
    for queue, card in re.findall(r'data-queue="(\w+)">(.*?)</li>', page, re.DOTALL):
        numbers = re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([\d,]+)</dd>", card)
        found[queue] = {name: int(value.replace(",", "")) for name, value in numbers}
    return found


def test_all_say_the_same(rig: Rig, root: Caller) -> None:
    """While one task runs and the others wait: jobs of each queue, and the worker with its job."""
    rig.kind.exclusive = False
    rig.health.check()
    rig.dispatcher.tick()
    for priority, count in SUBMITTED.items():
        for _ in range(count):
            rig.submit(ROOT, priority=priority.queue)
    seen: list[Any] = []

    def look(*_: Any) -> None:
        if not seen:
            seen.append(of_rqs_command(rig.redis_url))
            seen.append({one["name"]: one["count"] for one in queues_of_theirs()})
            seen.append(of_our_page(root))

    def queues_of_theirs() -> list[dict[str, Any]]:
        return of_rq_dashboard(rig.redis_url, "queues")

    def idle() -> bool:
        workers.extend(of_rq_dashboard(rig.redis_url, "workers") if not workers else [])
        return False

    rig.kind.meet = look
    workers: list[dict[str, Any]] = []
    worker, client = rig.worker(OURS), connect(rig.redis_url, call_timeout_s=5)
    with closing(client):
        records = rig.queue.jobs.records(client, OURS)
        WorkerLoop(records, worker.take, ends=idle, closed=worker.closed).work(burst=True)
    (rqs, rqs_workers), theirs, ours = seen
    lengths = {one.queue: count for one, count in SUBMITTED.items()} | {"urgent": 0}
    assert {name: one["In RQ"] for name, one in ours.items()} == lengths
    assert {name: one["Waiting"] for name, one in ours.items()} == lengths
    assert {name: one["Running"] for name, one in ours.items()} == {
        one.queue: int(one is Priority.URGENT) for one in Priority
    }
    # RQ forgets a queue that is empty, or shows it with none.
    assert dict.fromkeys(lengths, 0) | theirs == lengths
    assert dict.fromkeys(lengths, 0) | rqs == lengths
    assert rqs_workers == {OURS: "busy"}
    # One that works has a job, whose arguments rq-dashboard asks pickle for; ours are no pickle.
    assert [(one["name"], one["queues"]) for one in workers] == [
        (OURS, [one.queue for one in Priority])
    ]
