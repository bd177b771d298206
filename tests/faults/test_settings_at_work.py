"""Settings that are changed while Gunicorn and a worker of its own run (requirement 8.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from tests.servers import valkey
from tests.support import wait_until
from tests.support_modes import Fleet, fleet

from altwright.db.session import utcnow
from altwright.db.task_tables import TaskRow
from altwright.errors import Category


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet whose Gunicorn works on no tasks."""
    with valkey() as server, fleet(tmp_path, server, WORKER_MODE="external") as fleet_:
        yield fleet_


@pytest.mark.req("8.2", "change while it runs")
def test_every_process_takes_a_change_up_without_a_restart(made: Fleet) -> None:
    """Gunicorn gives new tasks so many retries; the worker's attempts may take so long."""
    keys = (f"key-{number}" for number in count())

    def retries() -> int:
        answer = made.post(next(keys), items=1)
        assert answer.status_code == 202, answer.text
        return made.task(answer.json()["id"]).max_retries

    def history(task_id: str) -> list[str]:
        return [entry.event for entry in made.services.store.history(task_id)]

    with made.gunicorn() as web, made.worker("--count", "1") as worker:
        pids = {*web.children(), worker.pid}
        assert retries() == 3
        long = made.submit(items=3000, item_s=0.05)
        wait_until(lambda: "claimed" in history(long.id))
        made.command("settings", "set", "RQ_MAX_RETRIES=7", "RQ_DEFAULT_TIMEOUT=0.5")
        wait_until(lambda: retries() == 7)
        wait_until(lambda: "time used up" in history(long.id))
        made.command("settings", "reset", "RQ_MAX_RETRIES", "RQ_DEFAULT_TIMEOUT")
        wait_until(lambda: retries() == 3)
        made.services.store.cancel(long.id, user_id=None, actor="test")
        wait_until(lambda: made.task(long.id).ended)
        assert {*web.children(), worker.pid} == pids


@pytest.mark.req("8.2", "change while it runs")
def test_thresholds_and_retention_follow_too(made: Fleet) -> None:
    """An alert is over once its threshold says so; what is old enough by now goes."""
    book = made.services.alerts

    def is_open() -> bool:
        return any(one.name == "dead_letters" for one in book.open())

    failed = made.submit()
    claimed = made.services.engine.claims.claim_next("host.boot.1.1.test")
    assert claimed is not None
    made.services.engine.claims.fail(claimed, Category.FAULT, "It broke.")
    with made.gunicorn():
        wait_until(is_open)
        made.command("settings", "set", "ALERT_DEAD_LETTERS=5", "FAILED_TASK_RETENTION_DAYS=1")
        wait_until(lambda: not is_open())
    with made.services.database.write() as session:
        session.get_one(TaskRow, failed.id).finished_at = utcnow() - timedelta(days=2)
    made.services.live.follow()
    assert made.services.chores["tasks"].run(lambda: None) == 1
