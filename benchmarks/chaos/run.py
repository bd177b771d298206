"""One chaos run from its servers to its verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from tests.support import wait_until

from altwright.errors import DatabaseUnavailable
from benchmarks.chaos import report as reports
from benchmarks.chaos import truth
from benchmarks.chaos.injections import Injector
from benchmarks.chaos.kind import STARTS_FILE, effects
from benchmarks.chaos.load import Load
from benchmarks.chaos.plan import Fault, schedule
from benchmarks.chaos.report import Report, Times
from benchmarks.chaos.world import World, built, libfaketime, people

#: Seconds after the last submit within which everything has to have ended, and within which
#: Redis has to be tidy again after that.
ENDED_WITHIN_S, TIDY_WITHIN_S = 300.0, 120.0
#: Seconds that a user's last submit may take to be accepted.
LAST_WITHIN_S = 180.0
#: Seconds that a run goes on at most when its tasks don't come along.
LONGEST_S = 600.0
CLOCK_FAULT = "one worker's clock a minute ahead"


@dataclass(frozen=True, slots=True)
class Options:
    """How much chaos; ``minutes`` is the time of injection."""

    database: str = "postgresql"
    tasks: int = 2000
    users: int = 200
    minutes: float = 1.0
    seed: int = 1


def run(options: Options, folder: Path, say: Callable[[str], None]) -> Report:
    """Run it all in ``folder``, and return what came of it."""
    result = Report(options.database, options.seed, users=options.users)
    clock = _clock(options, result)
    with built(folder, options.database, clock=clock) as world:
        users = people(world.database, options.users)
        say(f"starting the service on {options.database} ({folder})")
        world.start_service()
        load = Load(
            world.url,
            world.database,
            users,
            # A little faster than needed, so that the tasks are done when the faults are.
            rate=1.1 * options.tasks / (60 * options.minutes),
        )
        plan = schedule(options.seed, 60 * options.minutes, options.database)
        injector = Injector(world, plan, say)
        try:
            _under_fire(options, world, load, injector, result, say)
            _quiet(world, result, say)
            _judge(world, load, injector, result)
        finally:
            load.close()
            injector.close()  # not before: the servers that it started end with it
    return result


def _clock(options: Options, result: Report) -> str:
    if options.database == "sqlite":
        result.skipped.append(f"{CLOCK_FAULT}: SQLite serves one host, which has one clock")
        return ""
    clock = libfaketime()
    if clock:
        result.injected[CLOCK_FAULT] = 1
    else:
        result.skipped.append(f"{CLOCK_FAULT}: faketime is not installed")
        if os.environ.get("ALTWRIGHT_REQUIRE_ALL") == "1":
            result.broken.append(f"not injected: {CLOCK_FAULT}")
    return clock


def _under_fire(
    options: Options,
    world: World,
    load: Load,
    injector: Injector,
    result: Report,
    say: Callable[[str], None],
) -> None:
    began = time.monotonic()
    load.start()
    injector.start()
    injector.wait()
    result.under_fire_s = time.monotonic() - began
    result.tasks_per_s_under_fire = load.accepted / result.under_fire_s
    say(f"{result.under_fire_s:5.1f} s  no more faults; {load.accepted} tasks accepted so far")
    while load.accepted < options.tasks and time.monotonic() - began < LONGEST_S:
        time.sleep(0.1)
    if load.accepted < options.tasks:
        result.broken.append(f"only {load.accepted} tasks were accepted in {LONGEST_S:.0f} s")
    load.stop()
    result.took_s = time.monotonic() - began
    result.tasks_per_s = load.accepted / result.took_s
    _await_end(world, result)
    load.last_submits(LAST_WITHIN_S)
    _await_end(world, result)


def _await_end(world: World, result: Report) -> None:
    began = time.monotonic()

    def ended() -> bool:
        try:
            return truth.active(world.database) == 0
        except DatabaseUnavailable:
            return False

    try:
        wait_until(ended, ENDED_WITHIN_S, every_s=0.1)
    except AssertionError:
        left = truth.active(world.database)
        result.broken.append(f"{left} tasks hadn't ended {ENDED_WITHIN_S:.0f} s after the last")
    result.ended_within_s = max(result.ended_within_s, time.monotonic() - began)


def _quiet(world: World, result: Report, say: Callable[[str], None]) -> None:
    """Look at what stays: in Redis, and of processes."""
    with world.redis.client() as client:
        try:
            wait_until(lambda: truth.queued_jobs(client) == 0, TIDY_WITHIN_S, every_s=0.1)
        except AssertionError:
            result.broken.append(f"{truth.queued_jobs(client)} jobs stay in RQ's queues")
        result.redis_keys = dict(sorted(truth.keys_by_kind(client).items()))
        result.broken += truth.growing_keys(client)
    say("stopping the service")
    code = world.stop_service()
    if code != 0:
        result.broken.append(f"the service ended with exit code {code}")
    left = world.left_behind()
    if left:
        result.broken.append(f"processes are left behind: {left}")


def _judge(world: World, load: Load, injector: Injector, result: Report) -> None:
    history = truth.read(world.database)
    injected = injector.injected
    result.accepted = load.accepted
    result.injected |= reports.counted(one.fault for one in injected)
    result.missed = reports.counted(injector.missed)
    result.pauses = reports.pauses(injected, history)
    result.back_to_rq = reports.back_to_rq(injected, history)
    result.attempts = dict(history.ends().most_common())
    result.noticed = Times.of(one.total_seconds() for one in history.noticed())
    result.taken_over = Times.of(one.total_seconds() for one in history.taken_over())
    result.answers = dict(load.answers.most_common())
    result.answer_times = Times.of(one.took_s for one in load.submits)
    result.submits = {
        "made": len(load.submits),
        "sent": sum(one.sent for one in load.submits),
        "sent again": sum(one.sent - 1 for one in load.submits),
        "with a key used at the same time": len(load.submits)
        - len({(one.user_id, one.key) for one in load.submits}),
        "refused": sum(one.refused for one in load.submits),
        "never answered": sum(not one.answered for one in load.submits),
    }
    with world.database.read() as session:
        result.items = session.scalar(select(func.count()).select_from(effects)) or 0
    starts = (world.data_dir / STARTS_FILE).read_text("ascii").count("\n")
    result.items_redone = starts - result.items
    result.broken += load.broken
    result.broken += truth.broken_promises(world.database, load.submits, history)
    if result.submits["never answered"]:
        result.broken.append(f"{result.submits['never answered']} submits were never answered")
    result.broken += [f"never injected: {fault}" for fault in _never(result)]


def _never(result: Report) -> list[str]:
    planned = {step.fault for step in schedule(result.seed, 1, result.database)}
    return [fault for fault in Fault if fault in planned and fault not in result.injected]
