"""What is injected when: four lanes that run beside each other, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

#: Seconds after which the service takes a silent worker's task back, in a chaos run.
LEASE_S = 3


class Fault(StrEnum):
    """Everything that a run breaks; the value is what the report calls it."""

    REDIS_KILLED = "redis killed -9, started again"
    REDIS_RESTARTED = "redis stopped and started again"
    REDIS_EMPTY = "redis killed -9, came back empty"
    REDIS_FLUSHED = "redis flushed (FLUSHALL)"
    REDIS_FROZEN = "redis frozen (SIGSTOP)"
    REDIS_FULL = "redis filled to its maxmemory"
    JOBS_STOLEN = "jobs taken out of the queues (LPOP)"
    LINK_DROPS = "network to redis drops everything"
    LINK_DELAYS = "network to redis delays"
    LINK_HALF_CLOSES = "network to redis half-closes"
    LINK_CUT = "network to redis cut (RST)"
    WORKER_KILLED = "worker process killed -9"
    WORKER_FROZEN = "worker process frozen longer than its lease"
    WEB_KILLED = "gunicorn worker killed -9"
    WEB_FROZEN = "gunicorn worker frozen longer than a lease"
    WEB_RELOADED = "gunicorn reloaded (HUP)"
    MASTER_KILLED = "gunicorn master killed -9"
    DATABASE_KILLED = "database server killed -9, started again"
    DATABASE_STOPPED = "database stopped at once, started again"
    DATABASE_LOCKED = "database's write lock held by a stranger"


@dataclass(frozen=True, slots=True)
class Range:
    """Seconds from ``least`` to ``most``."""

    least: float
    most: float

    def draw(self, rng: random.Random, scale: float) -> float:
        """Return a number of seconds, ``scale`` times as long."""
        return rng.uniform(self.least, self.most) * scale


#: How long each lasts. What has to outlast a lease isn't made shorter in a short run.
LASTS: Mapping[Fault, Range] = MappingProxyType(
    {
        Fault.REDIS_KILLED: Range(0.3, 3),
        Fault.REDIS_RESTARTED: Range(0.2, 1),
        Fault.REDIS_EMPTY: Range(0.3, 2),
        Fault.REDIS_FLUSHED: Range(0, 0),
        Fault.REDIS_FROZEN: Range(1, 4),
        Fault.REDIS_FULL: Range(2, 4),
        Fault.JOBS_STOLEN: Range(0, 0),
        Fault.LINK_DROPS: Range(1, 3),
        Fault.LINK_DELAYS: Range(1, 3),
        Fault.LINK_HALF_CLOSES: Range(0.5, 2),
        Fault.LINK_CUT: Range(0.5, 3),
        Fault.WORKER_KILLED: Range(0, 0),
        Fault.WORKER_FROZEN: Range(LEASE_S + 1, LEASE_S + 2),
        Fault.WEB_KILLED: Range(0, 0),
        Fault.WEB_FROZEN: Range(LEASE_S + 0.5, LEASE_S + 1),
        Fault.WEB_RELOADED: Range(0, 0),
        Fault.MASTER_KILLED: Range(0, 0),
        Fault.DATABASE_KILLED: Range(0.2, 1.5),
        Fault.DATABASE_STOPPED: Range(0.2, 1.5),
        Fault.DATABASE_LOCKED: Range(2, 5),
    }
)
_LONGER_THAN_A_LEASE = {Fault.WORKER_FROZEN, Fault.WEB_FROZEN}


@dataclass(frozen=True, slots=True)
class Lane:
    """Faults of which one is there at a time; ``pause`` lies between two."""

    name: str
    faults: tuple[Fault, ...]
    pause: Range


@dataclass(frozen=True, slots=True)
class Step:
    """One fault to inject; ``choice`` (0 to 1) picks whom it hits."""

    at_s: float
    lane: str
    fault: Fault
    for_s: float
    choice: float


def lanes(database: str) -> tuple[Lane, ...]:
    """Return the lanes of a run on this kind of database."""
    in_database = (
        (Fault.DATABASE_LOCKED,)
        if database == "sqlite"
        else (Fault.DATABASE_KILLED, Fault.DATABASE_STOPPED)
    )
    in_redis = tuple(fault for fault in Fault if fault.value.startswith(("redis", "jobs", "netw")))
    return (
        Lane("redis", in_redis, Range(0.5, 2)),
        Lane("workers", (Fault.WORKER_KILLED, Fault.WORKER_FROZEN), Range(1.5, 4)),
        Lane(
            "web",
            (Fault.WEB_KILLED, Fault.WEB_FROZEN, Fault.WEB_RELOADED, Fault.MASTER_KILLED),
            Range(2.5, 6),
        ),
        Lane("database", in_database, Range(6, 12)),
    )


def schedule(seed: int, length_s: float, database: str) -> list[Step]:
    """Return the same steps for the same seed, each fault at least once, in order of time.

    In a run too short for a round of a lane, its faults and pauses are shorter.
    """
    rng = random.Random(seed)  # noqa: S311 - replayed on purpose
    steps: list[Step] = []
    for lane in lanes(database):
        longest_s = sum(LASTS[fault].most + lane.pause.most for fault in lane.faults)
        scale = min(1.0, length_s / longest_s)
        at_s = 0.0
        first_round = True
        while at_s < length_s:
            for fault in rng.sample(lane.faults, len(lane.faults)):
                at_s += lane.pause.draw(rng, scale)
                for_s = LASTS[fault].draw(rng, 1.0 if fault in _LONGER_THAN_A_LEASE else scale)
                if at_s + for_s > length_s and not first_round:
                    at_s = length_s
                    break
                steps.append(Step(at_s, lane.name, fault, for_s, rng.random()))
                at_s += for_s
            first_round = False
    return sorted(steps, key=lambda step: step.at_s)
