"""Alerting and maintenance on a rig, whose clock the test turns."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event
from tests.support_engine import Rig

from altwright.builders.alerting import Alerting
from altwright.tasks.alerting.notifications import Channel
from altwright.tasks.alerting.rules import QUIET_S, Thresholds
from altwright.tasks.overview import Overview, Seen
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.store.running_work import RunningWork
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.time_series import Series


class House(Alerting):
    """What watches over a rig; no thread runs."""

    def __init__(
        self,
        rig: Rig,
        channels: dict[str, Channel] | None = None,
        folder: Path | None = None,
        **thresholds: Any,
    ) -> None:
        """Take the rig, and thresholds that differ; this machine's disk may be full."""
        self.rig = rig
        self.workers_expected = 0
        self.key_fits = True
        self.lacks = ""
        self.probe: Callable[[], object] = lambda: None
        self.upkeep = RQUpkeep(rig.health, QueueOptions())
        limits = replace(
            Thresholds(backlog_tasks=3, backlog_age_s=600, disk_free_share=0), **thresholds
        )
        super().__init__(
            rig,
            self.upkeep,
            channels or {},
            limits,
            workers_expected=lambda: self.workers_expected,
            work=RunningWork(rig.database, limits.stuck_task_s),
            folder=folder or Path(tempfile.gettempdir()),
            key_fits=lambda: self.key_fits,
            lacks=lambda: self.lacks,
            lock=(folder or Path(tempfile.gettempdir())) / f"altwright-{os.getpid()}.alert",
            probe=lambda: self.probe(),  # noqa: PLW0108 - tests exchange it
            maintenance_every_s=3600,
            owner=rig.owner,
            clock=rig.clock,
        )

    @property
    def overview(self) -> Overview:
        """Return the look that pages and commands have at it."""
        rig = self.rig
        return Overview(
            Seen(
                database=rig.database,
                figures=Figures(rig.database),
                series=Series(rig.database),
                roster=rig.roster,
                control=rig.control,
                rescuer=rig.rescuer,
                queues=rig.administration.queues,
                health=rig.health,
                state=rig.state,
                ledger=rig.ledger,
                alerts=self.alerts,
                workers_expected=lambda: self.workers_expected,
                describers=lambda: ["offline"],
            )
        )

    def look(self, after_s: float = 2.0) -> set[str]:
        """Let the leader look; return the names of the open alerts."""
        self.rig.at += after_s
        assert self.leader.tick()
        return {alert.name for alert in self.alerts.open()}

    def look_until_quiet(self) -> set[str]:
        """Let the leader look until what is over counts as over."""
        self.look()
        return self.look(QUIET_S + 1)


@contextmanager
def slow_statements(rig: Rig, seconds: float) -> Iterator[None]:
    """Let each statement take so long on the clock of the test."""

    def wait(*_: Any) -> None:
        rig.at += seconds

    event.listen(rig.database.engine, "before_cursor_execute", wait)
    yield
    event.remove(rig.database.engine, "before_cursor_execute", wait)
