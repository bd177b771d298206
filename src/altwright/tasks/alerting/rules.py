"""Alert rules: what an administrator should know of, as one function of the facts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from altwright.domain.counting import counted, duration
from altwright.tasks.rq.circuit_breaker import AWAY, MEMORY_ALERT


class Severity(StrEnum):
    """How soon somebody should look."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now. ``name`` is the rule's: one alert at a time is open for it."""

    name: str
    severity: Severity
    message: str


#: Share of a threshold below which its alert is resolved; and the thresholds of rules that waver.
EASE = 0.9
EASED = {
    "backlog_large": "backlog_tasks",
    "backlog_old": "backlog_age_s",
    "many_failures": "failure_share",
    "slow_processing": "slow_item_s",
    "database_slow": "database_slow_s",
    "sign_in_attack": "failed_sign_ins",
    "describer_slow": "describer_slow_s",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something counts as wrong; see ALERT_… in docs/reference/settings.md."""

    backlog_tasks: float = 1000
    backlog_age_s: float = 900.0
    dead_letters: int = 1
    failure_share: float = 0.5
    slow_item_s: float = 120.0
    database_slow_s: float = 1.0
    disk_free_share: float = 0.05
    clock_skew_s: float = 10.0
    stuck_task_s: float = 900.0
    failed_sign_ins: float = 100
    describer_slow_s: float = 10.0

    def eased(self, is_open: Collection[str]) -> Self:
        """Return those by which alerts that are open are resolved.

        They lie lower, so that a fact that wavers about its threshold is told of once.
        """
        fields = [field for name, field in EASED.items() if name in is_open]
        return replace(self, **{field: EASE * getattr(self, field) for field in fields})


@dataclass(frozen=True, slots=True)
class Facts:
    """How the service stands. What nobody could find out is None.

    What its user can mend is no failure here.
    ``ended`` and ``failed`` count tasks of the last hour, ``dead_letters``, ``set_aside`` and
    ``not_set_up`` those of the last day; ``item_s`` is the median time of an item in the last hour.
    ``stopped``: while no worker is there, which were asked to stop, by whom and when.
    ``database_s``: how long the database took for a small question. ``pool``, ``disk``, ``clock``,
    ``key`` and ``model``: what is wrong on a host, as a sentence. ``without_describer``: tasks
    that wait for it. ``describer``: what is wrong with it, as a sentence; ``describer_s``: how long
    it took to say how it is. ``stuck``: ids of running tasks without progress.
    ``failed_sign_ins``: of a quarter of an hour.
    """

    redis_usable: bool = True
    redis_reason: str = AWAY
    redis_full: bool = False
    memory_share: float | None = None
    remarks: tuple[str, ...] = ()
    refused_jobs: int | None = None
    suspended: bool = False
    strange_keys: tuple[str, ...] = ()
    waiting: int = 0
    oldest_waiting_s: float = 0.0
    dead_letters: int = 0
    set_aside: int = 0
    not_set_up: int = 0
    damaged: int = 0
    ended: int = 0
    failed: int = 0
    item_s: float | None = None
    workers: int = 0
    workers_expected: int = 0
    stopped: tuple[str, ...] = ()
    database_s: float = 0.0
    pool: str | None = None
    disk: str | None = None
    clock: str | None = None
    key: str | None = None
    model: str | None = None
    without_describer: int = 0
    describer: str | None = None
    describer_s: float | None = None
    stuck: tuple[str, ...] = ()
    failed_sign_ins: int = 0


#: Ids of stuck tasks that a message names.
STUCK_SHOWN = 3
#: Ended tasks in an hour below which a share of failures says nothing.
FEW = 5
#: Seconds after which an open alert that nobody has acknowledged is told again.
REPEAT_S = {Severity.CRITICAL: 4 * 3600.0, Severity.WARNING: 24 * 3600.0}
#: Seconds for which something has to be wrong before it is an alert, where a moment is normal.
PATIENCE_S = {
    "workers_missing": 30.0,
    "backlog_large": 30.0,
    "redis_refused_jobs": 5.0,
    "database_slow": 10.0,
    "describer_down": 30.0,
    "database_down": 15.0,
}
#: Seconds for which something has to be right again before its alert is resolved, so that what
#: comes and goes is told of once; and for rules whose facts go to and fro by themselves.
QUIET_S = 10.0
QUIET_OF = {
    "database_slow": 60.0,
    "database_pool": 60.0,
    "describer_down": 60.0,
    "database_down": 30.0,
}


def findings(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    """Yield what is wrong now, each rule at most once."""
    yield from _redis(facts)
    yield from _backlog(facts, limits)
    yield from _results(facts, limits)
    yield from _database(facts, limits)
    yield from _hosts(facts)
    yield from _trouble(facts, limits)
    yield from _workers(facts)


def _workers(facts: Facts) -> Iterator[Finding]:
    severity = Severity.WARNING if facts.workers else Severity.CRITICAL
    by = f" Stopped: {'; '.join(facts.stopped)}." if facts.stopped else ""
    if facts.workers < facts.workers_expected:
        message = f"{facts.workers} of {counted(facts.workers_expected, 'worker')} at work.{by}"
        yield Finding("workers_missing", severity, message)
    elif facts.stopped and facts.waiting:
        # As it was wished, but hardly for as long as tasks wait for it.
        message = f"Nobody works, and {counted(facts.waiting, 'task')} waiting.{by}"
        yield Finding("workers_missing", severity, message)


def _redis(facts: Facts) -> Iterator[Finding]:
    if not facts.redis_usable:
        message = f"{facts.redis_reason} Tasks go on with the database as their queue."
        yield Finding("redis_down", Severity.CRITICAL, message)
    elif facts.redis_full:
        message = "Redis has no room for new jobs; tasks wait in the database until it has."
        yield Finding("redis_full", Severity.CRITICAL, message)
    if facts.memory_share is not None and facts.memory_share > MEMORY_ALERT:
        message = f"Redis uses {facts.memory_share:.0%} of its maxmemory; old results are removed."
        yield Finding("redis_memory", Severity.WARNING, message)
    if facts.remarks:
        yield Finding("redis_settings", Severity.WARNING, f"Redis: {'; '.join(facts.remarks)}.")
    if facts.refused_jobs:
        message = (
            f"Redis held {counted(facts.refused_jobs, 'job')} that could not be read; set aside "
            "there, and delivered anew. Somebody else may write to this Redis."
        )
        yield Finding("redis_refused_jobs", Severity.WARNING, message)
    if facts.strange_keys:
        message = (
            f"In Redis something else stood at {', '.join(facts.strange_keys)}; it was removed. "
            "Somebody else may write to this Redis."
        )
        yield Finding("redis_strange_keys", Severity.WARNING, message)
    if facts.suspended:
        message = "Workers are suspended (`rq suspend`) and take no tasks; `rq resume` ends it."
        yield Finding("rq_suspended", Severity.WARNING, message)


def _backlog(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    if facts.waiting > limits.backlog_tasks:
        yield Finding(
            "backlog_large", Severity.WARNING, f"{counted(facts.waiting, 'task')} waiting."
        )
    if facts.oldest_waiting_s > limits.backlog_age_s:
        waited = counted(round(facts.oldest_waiting_s / 60), "minute")
        message = f"The oldest task that is due has waited for {waited}."
        yield Finding("backlog_old", Severity.WARNING, message)


def _results(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    if facts.dead_letters >= limits.dead_letters:
        message = (
            f"{counted(facts.dead_letters, 'task')} failed for good within a day; "
            "`altwright task dead` groups them, `altwright task requeue` tries again."
        )
        yield Finding("dead_letters", Severity.WARNING, message)
    if facts.not_set_up:
        message = (
            f"{counted(facts.not_set_up, 'task')} failed within a day because the service isn't "
            "set up; `altwright check` says what is missing, and the log what happened."
        )
        yield Finding("not_set_up", Severity.CRITICAL, message)
    if facts.set_aside or facts.damaged:
        message = (
            f"{counted(facts.set_aside + facts.damaged, 'damaged task')}; "
            "`altwright task repair` says what is wrong."
        )
        yield Finding("tasks_damaged", Severity.CRITICAL, message)
    if facts.ended >= FEW and facts.failed > limits.failure_share * facts.ended:
        message = f"{facts.failed} of the {facts.ended} tasks that ended within an hour failed."
        yield Finding("many_failures", Severity.CRITICAL, message)
    if facts.item_s is not None and facts.item_s > limits.slow_item_s:
        message = f"A picture takes {facts.item_s:.0f} s (median of the last hour)."
        yield Finding("slow_processing", Severity.WARNING, message)


def _database(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    if facts.database_s > limits.database_slow_s:
        message = f"The database took {facts.database_s:.1f} s to answer a small question."
        yield Finding("database_slow", Severity.WARNING, message)
    if facts.pool:
        yield Finding("database_pool", Severity.WARNING, facts.pool)


def database_down(host: str, words: str) -> Finding:
    """Return what a process finds whose questions to the database get no answer."""
    return Finding("database_down", Severity.CRITICAL, f"{host}: {words}")


def _hosts(facts: Facts) -> Iterator[Finding]:
    if facts.disk:
        yield Finding("disk_low", Severity.CRITICAL, facts.disk)
    if facts.clock:
        yield Finding("clock_skew", Severity.WARNING, facts.clock)
    if facts.key:
        yield Finding("wrong_key", Severity.CRITICAL, facts.key)
    if facts.model:
        message = f"{facts.model} Its pictures wait for another describer or another host."
        yield Finding("model_missing", Severity.WARNING, message)


def _trouble(facts: Facts, limits: Thresholds) -> Iterator[Finding]:
    if facts.without_describer or facts.describer:
        many = counted(facts.without_describer, "task")
        why = facts.describer or "The describer is away."
        yield Finding("describer_down", Severity.CRITICAL, f"{why} {many} waiting.")
    elif facts.describer_s is not None and facts.describer_s > limits.describer_slow_s:
        message = f"The describer took {facts.describer_s:.0f} s to say how it is."
        yield Finding("describer_slow", Severity.WARNING, message)
    if facts.stuck:
        shown = ", ".join(facts.stuck[:STUCK_SHOWN])
        many = counted(len(facts.stuck), "running task")
        message = f"{many} without progress for {duration(limits.stuck_task_s)}: {shown}."
        yield Finding("tasks_stuck", Severity.WARNING, message)
    if facts.failed_sign_ins >= limits.failed_sign_ins:
        many = counted(facts.failed_sign_ins, "sign-in")
        message = f"{many} failed within a quarter of an hour; somebody may be guessing passwords."
        yield Finding("sign_in_attack", Severity.WARNING, message)
