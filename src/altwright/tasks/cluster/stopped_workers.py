"""Workers that somebody stopped by hand, and that nobody has started again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altwright.domain.counting import duration
from altwright.domain.worker import StartedBy, WorkerKind
from altwright.tasks.cluster.worker_control import INTEGRATED, POOL, Group, Wish
from altwright.tasks.cluster.worker_registry import WorkerRecord

#: Seconds for which it is shown that processes were ended which no page can start again.
STANDING_S = 3600.0


@dataclass(frozen=True, slots=True)
class Stopped:
    """A group that was stopped: ``workers`` (0: nobody noted how many) of ``among`` in all."""

    group: Group
    by: str
    at: datetime
    workers: int
    among: int

    def words(self, now: datetime) -> str:
        """Return what an administrator reads at a moment."""
        which = f"{self.workers} of {self.among}" if self.workers else self.group.words
        return f"{which} stopped by {self.by} {duration((now - self.at).total_seconds())} ago"

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return the shape that pages, the REST API and the command line show."""
        return {
            "kind": self.group.kind,
            "host": self.group.host,
            "workers": self.workers,
            "by": self.by,
            "at": self.at.isoformat(),
            "words": self.words(now),
        }


def stopped(
    stops: Mapping[Group, Wish], workers: Sequence[WorkerRecord], now: datetime
) -> list[Stopped]:
    """Return what of ``WorkerControl.stops`` holds still, by group."""
    alive = [one for one in workers if not one.vanished]
    holding = {
        group: wish for group, wish in stops.items() if not _is_over(group, wish, alive, now)
    }
    among = sum(group_of(one) not in holding for one in alive)
    among += sum(wish.there for wish in holding.values())
    return [
        Stopped(group, wish.by, wish.at, wish.there, among)
        for group, wish in sorted(holding.items())
    ]


def group_of(worker: WorkerRecord) -> Group:
    """Return with which others a worker is scaled, stopped and restarted."""
    if worker.kind == WorkerKind.INTEGRATED:
        return INTEGRATED
    if worker.started_by == StartedBy.POOL:
        return Group(POOL, worker.host)
    return Group(worker.kind, worker.host)


def _is_over(group: Group, wish: Wish, alive: Sequence[WorkerRecord], now: datetime) -> bool:
    """Return whether processes that were ended were started again, or have been gone for long."""
    if group == INTEGRATED or group.kind == POOL:
        return False  # that is so until somebody takes it back
    is_long_ago = (now - wish.at).total_seconds() >= STANDING_S
    return is_long_ago or any(group_of(one) == group and one.started_at >= wish.at for one in alive)
