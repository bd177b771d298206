"""The steps of the rehearsal, in their order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import requests
from sqlalchemy import select
from tests.support import wait_until
from tests.support_service import Service

from altwright.db.tables import AccountRow, UserRow
from altwright.errors import AltwrightError
from altwright.tasks.store.statistics import Figures
from benchmarks.chaos import truth
from benchmarks.staging import deployment, ledger, report
from benchmarks.staging.browsers import Browsers
from benchmarks.staging.deployment import TASKS, Person, Size
from benchmarks.staging.ledger import Verdict
from benchmarks.staging.people import People
from benchmarks.staging.timeline import Timeline
from benchmarks.staging.world import Parts, World, built

#: Seconds that a step may take before the rehearsal gives up.
STEP_WITHIN_S = 1800.0
#: Where the program says that it is well; the rehearsed version says something else there.
_NAMES = {"mariadb": "MariaDB", "postgresql": "PostgreSQL", "sqlite": "SQLite"}
_HEALTH = "web/health.py"
_OLD_WORDS, _NEW_WORDS = '"status": "ok"}', '"status": "ok", "version": "the next"}'


@dataclass(frozen=True, slots=True)
class Options:
    """How much there is of everything; ``between``: tasks that users submit between two steps."""

    parts: Parts = field(default_factory=Parts)
    size: Size = field(default_factory=Size)
    #: Users who do something at a time. They look as often as a page does; more than three for a
    #: processor, beside all of the service itself, only wait for each other.
    clients: int = field(default_factory=lambda: min(12, 3 * (os.cpu_count() or 1)))
    browsers: int = 1
    between: int = 30
    #: Web hosts that are restarted, besides reloads of all.
    restarts: int = 2

    @classmethod
    def short(cls, database: str) -> Self:
        """Return the least that has every step in it, without browsers."""
        parts = Parts(database, web_processes=1, worker_processes=1, has_sockets=False, pollers=1)
        size = Size(users=6, tasks=60, waiting=4, pictures=4)
        return cls(parts, size, clients=4, browsers=0, between=3, restarts=0)


@dataclass
class Rehearsal:
    """All that is known at the end."""

    options: Options
    timeline: Timeline
    people: People
    verdict: Verdict
    #: The report, as HTML.
    page: str


def run(options: Options, folder: Path, say: Callable[[str], None]) -> Rehearsal:
    """Rehearse it all in ``folder``."""
    timeline = Timeline(say)
    with built(folder, options.parts) as world, ExitStack() as stack:
        stack.callback(timeline.close)
        steps = _Steps(world, options, timeline)
        with timeline.event("the old deployment runs") as event:
            steps.found_old_deployment()
            event.found = f"{len(steps.before)} tasks, {options.size.users} users"
        steps.take_over()
        people = steps.people_of(stack)
        steps.go_to_rq()
        steps.break_things()
        steps.roll()
        steps.back_to_database_and_forward()
        verdict = steps.end()
        drawn = report.charts(timeline, world.services.database, people.calls)
        title = f"Rehearsal on {_NAMES[options.parts.database]}, {options.size.users} users"
        page = report.page(
            title, str(verdict), verdict.broken, verdict.counted, timeline.events, drawn
        )
        return Rehearsal(options, timeline, people, verdict, page)


class _Steps:
    """One rehearsal under way."""

    def __init__(self, world: World, options: Options, timeline: Timeline) -> None:
        self._world = world
        self._options = options
        self._timeline = timeline
        self._persons: list[Person] = []
        self.before: dict[str, str] = {}
        self._people: People
        self._browsers: Browsers

    def found_old_deployment(self) -> None:
        """Fill the old database, and let its workers begin."""
        world = self._world
        self._persons = deployment.fill(world.old, world.fediverse, self._options.size)
        self.before = {row["id"]: row["status"].lower() for row in world.old.rows(TASKS)}
        world.start_pollers()

    def take_over(self) -> None:
        """Import beside the old workers, and start the service."""
        world, operator = self._world, self._world.operator
        with self._timeline.event("altwright db upgrade, db roles"):
            world.set_up_database()
        self._timeline.watch(self._look)
        with self._timeline.event("altwright import vedfolnir --dry-run") as event:
            event.found = _tables(operator.json("import", "vedfolnir", "--dry-run"))
        with self._timeline.event("altwright import vedfolnir") as event:
            event.found = _tables(operator.json("import", "vedfolnir"))
            world.let_pollers_end_a_task()
        with self._timeline.event("two web hosts, nginx and workers start"):
            world.start()

    def people_of(self, stack: ExitStack) -> People:
        """Let the users come."""
        world = self._world
        with world.services.database.read() as session:
            users = {
                row.username: row.id
                for row in session.execute(select(UserRow.username, UserRow.id))
            }
            accounts = {
                row.user_id: row.id
                for row in session.execute(select(AccountRow.user_id, AccountRow.id))
            }
        in_browsers = [one for one in self._persons if not one.waits][: self._options.browsers]
        others = [one for one in self._persons if one not in in_browsers]
        self._people = People(
            world.front.url,
            world.front.certificate,
            others,
            {
                one.name: world.services.users.make_token(users[one.name], "staging")
                for one in others
            },
            {one.name: accounts[users[one.name]] for one in others},
            world.fediverse,
            self._options.clients,
        )
        self._browsers = Browsers(world.front.url, in_browsers, world.fediverse)
        with self._timeline.event("users sign in with their old passwords"):
            self._people.start()
            stack.callback(self._people.stop)
            self._browsers.start()
            stack.callback(self._browsers.stop)
            self._go_on()
        return self._people

    def go_to_rq(self) -> None:
        """Take what waits out of the old workers' hands, until they can be switched off."""
        operator = self._world.operator
        with self._timeline.event("altwright migrate to-rq --dry-run") as event:
            assert operator.command("migrate", "status").returncode == 1
            plan = operator.json("migrate", "to-rq", "--dry-run")
            event.found = f"{plan['taken']['tables'][2]['added']} tasks would move"
        rounds = 0
        with self._timeline.event("altwright migrate to-rq, until status says yes") as event:
            until = time.monotonic() + STEP_WITHIN_S
            while not self._may_stop_pollers():
                assert time.monotonic() < until, operator.command("migrate", "status").stdout
                rounds += 1
                waiting = deployment.waiting(self._world.old)
                self._migrated("to-rq", "--wait", "0")
                if (
                    deployment.waiting(self._world.old) == waiting
                ):  # users have one active task at a time
                    self._world.let_pollers_end_a_task()
            event.found = f"run {rounds} times"
        with self._timeline.event("the old workers are switched off") as event:
            self._world.stop_pollers()
            event.found = f"they have done {len(self._world.begun_by_pollers)} tasks"
        self._people.everybody.set()
        self._go_on()

    def _may_stop_pollers(self) -> bool:
        done = self._world.operator.command("migrate", "status", "--json")
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["safe"] == (done.returncode == 0), done.stdout
        return bool(answer["safe"])

    def _migrated(self, where: str, *options: str) -> str:
        """Run the command, which may say that not all has arrived yet; nothing may differ."""
        done = self._world.operator.command("migrate", where, *options, "--json")
        assert done.stdout, done.stderr
        answer = json.loads(done.stdout)
        if answer["differing"]:
            self._people.broken.append(f"migrate {where}: not as before: {answer['differing']}")
        return (
            f"verified: {answer['verified']}, {answer['same']} as before, "
            f"{answer['went_on']} went on, {len(answer['differing'])} differ"
        )

    def break_things(self) -> None:
        """Kill a worker with a task in hand, a web process, and Redis, which comes back empty."""
        world = self._world
        with self._timeline.event("kill -9 of a worker with a task in hand") as event:
            running = wait_until(world.services.engine.rescuer.running, STEP_WITHIN_S)
            pid = int(running[0].worker_id.split(".")[2])
            world.kill(pid)
            wait_until(partial(world.has_workers, {pid}), STEP_WITHIN_S)
            event.found = "its pool has another one"
        self._go_on()
        with self._timeline.event("kill -9 of a Gunicorn process", cuts=True) as event:
            first = world.web[0]
            pid = min(wait_until(lambda: world.web_pids(first)))
            count = len(world.web_pids(first))
            world.kill(pid)
            wait_until(lambda: len(world.web_pids(first) - {pid}) >= count, STEP_WITHIN_S)
            event.found = "Gunicorn has another one"
        self._go_on()
        with self._timeline.event("kill -9 of Redis") as event:
            world.redis.kill()
            wait_until(lambda: world.delivery() == "database", STEP_WITHIN_S)
            event.found = "the database delivers"
        self._go_on()
        with self._timeline.event("Redis comes back, empty") as event:
            shutil.rmtree(world.redis.folder / "appendonlydir", ignore_errors=True)
            world.redis.start()
            wait_until(lambda: world.delivery() == "rq", STEP_WITHIN_S)
            event.found = "RQ delivers"
        self._go_on()

    def roll(self) -> None:
        """Exchange the program, and let one after the other take it up; restart a web host."""
        world = self._world
        with self._timeline.event("a new version is installed"):
            file = world.program / "altwright" / _HEALTH
            text = file.read_text()
            assert _OLD_WORDS in text
            file.write_text(text.replace(_OLD_WORDS, _NEW_WORDS, 1))
        for one in world.web:
            with self._timeline.event(f"reload of {one.folder.name}") as event:
                before = world.web_pids(one)
                self._reload(one)
                wait_until(partial(_is_next, one, before, world), STEP_WITHIN_S)
                event.found = "all of its processes are of the next version"
        with self._timeline.event("reload of the workers") as event:
            old = world.worker_pids()
            self._reload(world.workers)
            wait_until(partial(world.has_workers, old), STEP_WITHIN_S)
            event.found = "all of their processes are of the next version"
        self._go_on()
        for one in world.web[: self._options.restarts]:
            with self._timeline.event(f"restart of {one.folder.name}, down in nginx meanwhile"):
                world.front.take_down(one.port, int(one.settings.get("SOCKETS_PORT", 0)))
                assert one.stop() == 0, one.log
                world.start_web(one)
                world.front.take_down()
            self._go_on()

    @staticmethod
    def _reload(one: Service) -> None:
        assert one.process is not None
        os.kill(one.process.pid, signal.SIGHUP)

    def back_to_database_and_forward(self) -> None:
        """Let the database alone deliver, with tasks queued and running, and RQ again."""
        world = self._world
        with self._timeline.event("altwright migrate to-database") as event, world.model.held():
            wait_until(self._has_both, STEP_WITHIN_S, every_s=0.02)
            event.found = self._migrated("to-database")
            wait_until(lambda: world.delivery() == "database", STEP_WITHIN_S)
        self._go_on()
        with self._timeline.event("altwright migrate to-rq, again") as event, world.model.held():
            wait_until(self._has_both, STEP_WITHIN_S, every_s=0.02)
            event.found = self._migrated("to-rq")
            wait_until(lambda: world.delivery() == "rq", STEP_WITHIN_S)
        self._go_on()

    def _has_both(self) -> bool:
        services = self._world.services
        waiting = sum(sum(of.values()) for of in Figures(services.database).queued().values())
        return bool(waiting and services.engine.rescuer.running())

    def _go_on(self) -> None:
        """Wait until users have submitted some more tasks."""
        enough = len(self._people.accepted) + self._options.between
        wait_until(
            lambda: len(self._people.accepted) >= enough or self._people.broken, STEP_WITHIN_S
        )

    def end(self) -> Verdict:
        """Let all end, look at everything, and go back to the old deployment."""
        world = self._world
        with self._timeline.event("users end; all tasks end"):
            self._people.stop()
            self._browsers.stop()
            wait_until(lambda: truth.active(world.services.database) == 0, STEP_WITHIN_S)
        with self._timeline.event("altwright check") as event:
            rows = world.operator.json("check")
            wrong = [row for row in rows if not row["ok"]]
            event.found = f"{len(rows)} lines, {len(wrong)} wrong"
        with world.redis.client() as client:
            kept = truth.growing_keys(client)
        with self._timeline.event("all is stopped") as event:
            codes = world.stop()
            event.found = f"exit codes {sorted(codes.values())}"
        verdict = ledger.judge(world, self._people, self._timeline, self.before)
        verdict.broken += kept + self._browsers.broken
        verdict.broken += [f"altwright check: {row}" for row in wrong]
        verdict.broken += [f"{name} ended with {code}" for name, code in codes.items() if code]
        with self._timeline.event("altwright export vedfolnir --stopped") as event:
            event.found = _tables(world.operator.json("export", "vedfolnir", "--stopped"))
            there = deployment.statuses(world.old)
            if there.keys() & {"queued", "running"}:
                verdict.broken.append(f"in the old database, after the way back: {dict(there)}")
        self._timeline.close()
        return verdict

    def _look(self) -> dict[str, Any]:
        """Return how the service stands now; nothing while its database doesn't say."""
        world = self._world
        with suppress(AltwrightError):
            queued = Figures(world.services.database).queued()
            return {
                "waiting there": deployment.waiting(world.old),
                **{f"waiting, {name}": sum(of.values()) for name, of in queued.items()},
                "running": len(world.services.engine.rescuer.running()),
                "workers": len(world.services.engine.roster.alive()),
            }
        return {}


def _is_next(one: Service, before: set[int], world: World) -> bool:
    if before & world.web_pids(one):
        return False
    with suppress(requests.RequestException):
        return "version" in requests.get(f"{one.url}/healthz", timeout=10).json()
    return False


def _tables(report: dict[str, Any]) -> str:
    """Say what an import or export did."""
    return "; ".join(
        f"{row['table']} "
        + ", ".join(f"{value:,} {name}" for name, value in row.items() if name != "table" and value)
        for row in report["tables"]
        if any(value for name, value in row.items() if name != "table")
    )
