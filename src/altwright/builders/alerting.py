"""What watches over the service, put together: alerts, notifications, statistics, maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from altwright.builders.engine import Engine
from altwright.tasks.alerting.alerts import AlertBook, AlertWatch
from altwright.tasks.alerting.database_watch import DatabaseWatch
from altwright.tasks.alerting.describer_watch import DescriberWatch
from altwright.tasks.alerting.host_watch import HostWatch
from altwright.tasks.alerting.monitor import AlertMonitor, Watched
from altwright.tasks.alerting.notifications import Channel, Notifier
from altwright.tasks.alerting.rules import Thresholds
from altwright.tasks.cluster.leader import Leader
from altwright.tasks.maintenance.recorder import Recorded, StatisticsRecorder
from altwright.tasks.maintenance.scheduler import MaintenanceScheduler
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.rq.redis_client import FAILED_LOGINS_KEY
from altwright.tasks.store.running_work import RunningWork
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.time_series import Series

#: The leader's name in the table of leases.
ROLE = "caretaker"


class Alerting:
    """Every process has it; the leader acts. Threads begin with ``loops``."""

    def __init__(
        self,
        engine: Engine,
        upkeep: RQUpkeep,
        channels: Mapping[str, Channel],
        thresholds: Thresholds,
        *,
        workers_expected: Callable[[], int],
        work: RunningWork,
        folder: Path,
        key_fits: Callable[[], bool],
        maintenance_every_s: float,
        owner: str,
        lock: Path,
        probe: Callable[[], object] = lambda: None,
        lacks: Callable[[], str] = lambda: "",
        probe_every_s: float = 60.0,
        quiet_s: Callable[[str], float] = lambda _: 0.0,
        always: Sequence[Callable[[], None]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put it together.

        Args:
            engine: what is watched.
            upkeep: what cleans up in Redis.
            channels: the ways in which administrators are told, by name.
            thresholds: from where on something counts as wrong.
            workers_expected: how many workers there have to be in the cluster.
            work: says which running tasks are stuck.
            folder: where there has to be room on the disk.
            key_fits: whether this process has the database's encryption key.
            maintenance_every_s: seconds between two maintenance tasks.
            owner: the name of this process in the cluster.
            lock: a file of this host, for what one process of it tells.
            lacks: what this host lacks to describe; "": nothing, or it needn't.
            probe: asks the describer how it is; it raises what is wrong.
            probe_every_s: seconds between two such questions.
            quiet_s: how many seconds from now on a channel tells of no warnings.
            always: what every process does each second, leader or not.
            clock: seconds that pauses go by.
        """
        database = engine.store.database
        self.alerts = AlertBook(database, tuple(channels), quiet_s)
        self.notifier = Notifier(database, channels, clock)
        self.describer_watch = DescriberWatch(probe, probe_every_s, engine.state, clock)
        figures = Figures(database)
        self.monitor = AlertMonitor(
            Watched(
                figures=figures,
                work=work,
                roster=engine.roster,
                control=engine.control,
                health=engine.health,
                pauses=engine.pauses,
                upkeep=upkeep,
                repair=engine.repair,
                state=engine.state,
                workers_expected=workers_expected,
                failed_sign_ins=partial(_failed_sign_ins, engine.health),
                describer=self.describer_watch,
            ),
            AlertWatch(self.alerts, clock),
            thresholds,
            clock,
        )
        self._scheduler = MaintenanceScheduler(
            engine.state,
            engine.queue,
            engine.health,
            upkeep,
            owner=owner,
            every_s=maintenance_every_s,
            clock=clock,
        )
        self.recorder = StatisticsRecorder(
            Recorded(Series(database), figures, engine.roster, engine.health), clock
        )
        rounds = (
            self.monitor.look,
            self.notifier.loop.wake,
            self.describer_watch.look,
            self._scheduler.tick,
            self.recorder.tick,
        )
        self.host_watch = HostWatch(database, folder, thresholds, key_fits, lacks, clock)
        self.database_watch = DatabaseWatch(self.alerts, self.notifier, engine.health, lock, clock)
        self.leader = Leader(
            engine.leases,
            ROLE,
            owner,
            rounds,
            (*always, self.host_watch.look),
            self.database_watch.heard,
        )
        #: The threads of a process, in the order of their start.
        self.loops = (
            self.leader.loop,
            self.describer_watch.loop,
            *([self.notifier.loop] if channels else []),
        )

    def adopt(self, thresholds: Thresholds, maintenance_every_s: float) -> None:
        """Go by what administrators changed while all runs."""
        self.monitor.thresholds = self.host_watch.thresholds = thresholds
        self._scheduler.every_s = maintenance_every_s


def _failed_sign_ins(health: RedisHealthMonitor) -> int:
    """Return how many sign-ins failed lately. Raises RedisUnavailable."""
    with health.guarded() as client:
        counted: Any = client.get(FAILED_LOGINS_KEY) or b""
    return int(counted) if counted.isdigit() else 0  # below zero after its time to live
