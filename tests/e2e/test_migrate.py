"""`altwright migrate`: from the database to RQ and back while the service runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from tests.support import wait_until
from tests.support_service import Service, running
from tests.support_vedfolnir import OLD_KEY, Vedfolnir


@pytest.mark.req("10.4", "whether it is safe")
@pytest.mark.req("10.5", "back to database-only")
@pytest.mark.req("4.1", "by one command")
def test_there_and_back_while_the_service_runs(tmp_path: Path) -> None:
    """Each step says what it found, verifies it, and is safe to repeat; nothing is switched off."""
    old = Vedfolnir(sa.create_engine(f"sqlite:///{tmp_path}/old.db")).make()
    people = [old.user(name) for name in ("anna", "bert", "carl")]
    ids = {old.task(one, old.connection(one, f"u{one}")) for one in people}
    values = {"VEDFOLNIR_DATABASE_URL": old.url, "VEDFOLNIR_ENCRYPTION_KEY": OLD_KEY}
    service = Service(tmp_path, {**values, "WORKER_MODE": "hybrid"})

    def mode() -> str:
        answer: dict[str, Any] = requests.get(f"{service.url}/readyz", timeout=10).json()
        return str(answer["delivery"])

    with running(service, "serve"):
        assert service.command("queue", "pause", "normal").returncode == 0
        early = service.command("migrate", "status")
        assert early.returncode == 1
        assert "3 tasks" in early.stdout
        plan = service.json("migrate", "to-rq", "--dry-run")
        assert plan["taken"]["tables"][2]["added"] == 3
        assert {row["status"] for row in old.rows("caption_generation_tasks")} == {"QUEUED"}
        # They stay in the database while their queue is paused, so there is nothing to wait for.
        taken = service.command("migrate", "to-rq", "--wait", "0")
        assert "Not yet: the queue normal is paused; `altwright queue resume" in taken.stderr
        assert {row["status"] for row in old.rows("caption_generation_tasks")} == {"RUNNING"}
        assert ids <= {one["id"] for one in service.json("task", "list")}
        assert service.json("migrate", "status")["safe"] is True
        back = service.json("migrate", "to-database")
        assert (back["verified"], back["same"] >= 3, back["differing"]) == (True, True, [])
        wait_until(lambda: mode() == "database")
        assert service.command("migrate", "status").returncode == 1
        assert service.command("queue", "resume", "normal").returncode == 0
        again = service.json("migrate", "to-rq")
        assert (again["verified"], again["differing"]) == (True, [])
        wait_until(lambda: mode() == "rq")
        # Their servers don't exist: they wait for them, as they would have there.
        wait_until(lambda: all(one["attempt"] for one in service.json("task", "list")))
        actions = [one["action"] for one in service.json("audit")]
        assert actions.count("delivery changed") == 2
    # One more waits there, and nobody is left here who would give it to RQ.
    old.task(people[0], old.connection(people[0], "later"))
    unserved = service.command("migrate", "to-rq", "--wait", "0")
    assert "Not yet: no worker of Altwright is at work; start `altwright serve`" in unserved.stderr
    old.engine.dispose()
