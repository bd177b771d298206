"""A caretaker on a rig, whose clock the test turns."""

from __future__ import annotations

from tests.support_engine import Rig

from altwright.tasks.alerting.alerts import QUIET_S, AlertBook, AlertWatch
from altwright.tasks.alerting.notifications import Channel, Notifier
from altwright.tasks.alerting.rules import Thresholds
from altwright.tasks.cluster.worker_registry import Roster
from altwright.tasks.maintenance.job_cleaner import RQUpkeep
from altwright.tasks.maintenance.scheduler import Caretaker, Watched
from altwright.tasks.store.integrity import TaskRepair
from altwright.tasks.store.statistics import Figures


class House:
    """A rig with a caretaker whose clock the test turns."""

    def __init__(self, rig: Rig, channels: dict[str, Channel] | None = None) -> None:
        """Wire the parts as bootstrap does; no thread runs."""
        self.rig = rig
        self.workers_expected = 0
        self.book = AlertBook(rig.database, tuple(channels or {}))
        self.notifier = Notifier(rig.database, channels or {})
        self.upkeep = RQUpkeep(rig.health)
        self.roster = Roster(rig.database)
        self.caretaker = Caretaker(
            Watched(
                leases=rig.leases,
                state=rig.state,
                figures=Figures(rig.database),
                roster=self.roster,
                health=rig.health,
                queue=rig.queue,
                upkeep=self.upkeep,
                repair=TaskRepair(rig.store, rig.backlog, rig.kinds),
                workers_expected=lambda: self.workers_expected,
            ),
            AlertWatch(self.book, rig.clock),
            self.notifier,
            Thresholds(backlog_tasks=3, backlog_age_s=600),
            owner=rig.owner,
            maintenance_every_s=3600,
            clock=rig.clock,
        )

    def look(self, after_s: float = 2.0) -> set[str]:
        """Let the caretaker look; return the names of the open alerts."""
        self.rig.at += after_s
        assert self.caretaker.tick()
        return {alert.name for alert in self.book.open()}

    def look_until_quiet(self) -> set[str]:
        """Let the caretaker look until what is over counts as over."""
        self.look()
        return self.look(QUIET_S + 1)
