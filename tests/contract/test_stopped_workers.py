"""Workers that somebody stopped by hand: shown as wrong, and missed when tasks wait for them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update
from tests import support_web
from tests.contract.test_admin_pages import post
from tests.contract.test_worker_administration import seen
from tests.support_engine import ROOT, Rig
from tests.support_house import House
from tests.support_web import Web

from altwright.db.task_tables import StateRow
from altwright.db.types import now
from altwright.domain.task import Priority
from altwright.domain.worker import StartedBy, WorkerKind
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.cluster.worker_control import INTEGRATED

web = support_web.web


def test_what_was_stopped_by_hand_is_red_on_the_dashboard(web: Web) -> None:
    """How many of how many, by whom and how long ago; by command and program too."""
    seen(web)
    root, roster = web.by_session(web.root), web.services.engine.roster

    def stopped() -> list[str]:
        now = root.get("/api/v1/admin/statistics").get_json()["now"]["workers"]
        return [one["words"] for one in now["stopped"]]

    assert stopped() == []
    for _ in range(2):  # asked once more, there are fewer
        post(root, "/admin/workers/stop", kind="integrated", host="")
        roster.gone(["here.a.1.1.integrated1", "here.a.1.1.integrated2"])
    post(root, "/admin/workers/stop", kind="external", host="there")
    roster.gone(["there.a.2.1.external1"])
    with web.services.database.write() as session:
        session.execute(update(StateRow).values(changed_at=now(-300)))
    words = ["1 of 5 stopped by root 5 minutes ago", "2 of 5 stopped by root 5 minutes ago"]
    assert stopped() == words
    page = root.get("/admin").text
    [tile] = re.findall(
        r'<div class="tile tile--wrong">\s*<dt>Workers</dt>.*?</div>', page, re.DOTALL
    )
    assert ", ".join(words) in tile
    assert ", ".join(words) in web.command("status").stdout
    roster.seen(
        ["there.a.9.1.external1"],
        kind=WorkerKind.EXTERNAL,
        host="there",
        pid=9,
        started_by=StartedBy.SYSTEMD,
    )  # systemd has started it again
    assert stopped() == ["2 of 5 stopped by root 5 minutes ago"]
    post(root, "/admin/workers/reset", kind="integrated", host="")
    assert stopped() == []


@pytest.mark.req("7.4", "backlog, workers, slowness, Redis")
@pytest.mark.every_database
def test_workers_that_were_stopped_are_missed_when_tasks_wait(rig: Rig) -> None:
    """As they were meant to be none, no alert; once tasks wait for them, one that says by whom."""
    house = House(rig)
    rig.health.check()
    rig.roster.seen(["a"], kind="integrated", host="here", pid=1)
    rig.control.scale(INTEGRATED, 0, 0, ROOT, there=1)
    rig.roster.gone(["a"])
    assert house.look() == set()
    assert house.look(31) == set()
    rig.submit()
    assert house.look() == set()
    assert house.look(31) == {"workers_missing"}
    [alert] = house.alerts.open()
    assert alert.severity is Severity.CRITICAL
    assert "Nobody works, and 1 task waiting. Stopped: integrated workers by root" in alert.message
    rig.administration.pause(Priority.NORMAL, by=ROOT)  # then it waits for that
    assert house.look_until_quiet() == set()
    rig.administration.resume(Priority.NORMAL, by=ROOT)
    house.look()
    assert house.look(31) == {"workers_missing"}
    rig.control.reset(INTEGRATED, ROOT)
    assert house.look_until_quiet() == set()
