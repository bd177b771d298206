"""Between the database and RQ: the switch, and when the old workers aren't needed any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import click

from altwright.bootstrap import Services
from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.cli.takeover import box_of
from altwright.domain.counting import counted
from altwright.domain.task import Delivery
from altwright.takeover.old_database import OldDatabase
from altwright.takeover.pollers import reasons_to_stay
from altwright.takeover.report import Report
from altwright.takeover.run import Takeover
from altwright.tasks.store.statistics import Figures
from altwright.tasks.store.task_snapshot import Snapshot, compared, snapshots

#: Seconds between two looks at how far a switch is.
LOOK_S = 0.2
_URL = click.argument("url", envvar="VEDFOLNIR_DATABASE_URL", required=False)
_KEY = click.option(
    "--key", envvar="VEDFOLNIR_ENCRYPTION_KEY", help="Vedfolnir's PLATFORM_ENCRYPTION_KEY."
)
_WAIT = click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    help="Seconds to wait for a running service to follow.",
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
_COLUMNS = {
    "delivery": "tasks go by",
    "waiting": "waiting",
    "running": "running",
    "same": "as before",
    "went_on": "went on",
    "differing": "differ",
    "verified": "verified",
}
_NO_WORKER = "no worker of Altwright is at work; start `altwright serve`"


@click.group()
def migrate() -> None:
    """Move tasks between the database and RQ while the service runs, and verify it."""


@migrate.command()
@_URL
@json_option
def status(url: str | None, *, as_json: bool) -> None:
    """Say whether old database-polling workers may be switched off; exit code 1: not yet.

    URL is Vedfolnir's database, if there is one.
    """
    with opened() as services:
        reasons = _reasons(services, url)
        data = {"safe": not reasons, "why_not": reasons, **_now(services)}
    if as_json:
        show(data, as_json=True, columns={})
    else:
        show(data, as_json=False, columns={k: _COLUMNS[k] for k in list(_COLUMNS)[:3]})
        click.echo()
        for reason in reasons:
            click.echo(f"Not yet: {reason}.")
        if not reasons:
            click.echo("The old workers can be switched off.")
    if reasons:
        raise click.exceptions.Exit(1)


@migrate.command("to-rq")
@_URL
@_KEY
@_WAIT
@_DRY_RUN
@json_option
def to_rq(url: str | None, key: str | None, wait_s: int, *, dry_run: bool, as_json: bool) -> None:
    """Let RQ deliver tasks; those that wait in Vedfolnir's database at URL are taken over, too.

    Its workers may go on meanwhile: a task is taken out of their hands before it is queued here. A
    run that was ended goes on where it stopped.
    """
    with opened() as services:
        taken = _taken(services, url, key, dry_run=dry_run) if url else None
        before = snapshots(services.database)
        if not dry_run:
            _use(services, Delivery.RQ)
            _wait(wait_s, lambda: _arrived(services, Delivery.RQ))
        data = _verified(services, before, Delivery.RQ)
    _end(data, taken, dry_run=dry_run, as_json=as_json)


@migrate.command("to-database")
@_WAIT
@_DRY_RUN
@json_option
def to_database(wait_s: int, *, dry_run: bool, as_json: bool) -> None:
    """Let the database alone deliver tasks: those that wait, too; what runs goes on.

    Redis stays in use for pages and counters. `altwright migrate to-rq` goes back to RQ.
    """
    with opened() as services:
        before = snapshots(services.database)
        if not dry_run:
            _use(services, Delivery.DATABASE)
            services.engine.backlog.take_from_rq()
            services.queue.wake()
            _wait(wait_s, lambda: _arrived(services, Delivery.DATABASE))
        data = _verified(services, before, Delivery.DATABASE)
    _end(data, None, dry_run=dry_run, as_json=as_json)


def _use(services: Services, delivery: Delivery) -> None:
    was = services.engine.wish.current()
    services.engine.wish.use(delivery)
    if was is not delivery:
        services.audit.add(OPERATOR, "delivery changed", before=was, after=delivery)


def _taken(services: Services, url: str, key: str | None, *, dry_run: bool) -> Report:
    with closing(OldDatabase.open(url, writes=not dry_run)) as old:
        return Takeover(
            services.database,
            old,
            box=services.box,
            old_box=box_of(services, key),
            claims=True,
            dry_run=dry_run,
        ).take_in()


def _reasons(services: Services, url: str | None) -> list[str]:
    found = []
    if services.engine.wish.current() is Delivery.DATABASE:
        found.append("tasks stay in the database; `altwright migrate to-rq` changes that")
    if not services.engine.roster.alive():
        found.append(_NO_WORKER)
    if url:
        with closing(OldDatabase.open(url)) as old:
            found += reasons_to_stay(services.database, old)
    return found


def _now(services: Services) -> dict[str, Any]:
    figures = Figures(services.database)
    return {
        "delivery": services.engine.wish.current(),
        "waiting": {one: sum(of.values()) for one, of in figures.queued().items()},
        "running": len(services.engine.rescuer.running()),
    }


def _arrived(services: Services, delivery: Delivery) -> bool:
    """Return whether what waits lies where it should: of RQ's, as much as it takes at a time."""
    counts = Figures(services.database).queued()
    if delivery is Delivery.DATABASE:
        return not any(counts[Delivery.RQ].values())
    window = services.settings.dispatch_window
    return all(
        not here or counts[Delivery.RQ][priority] >= window
        for priority, here in counts[Delivery.DATABASE].items()
    )


def _wait(wait_s: float, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + wait_s
    while not condition() and time.monotonic() < until:
        time.sleep(LOOK_S)


def _verified(
    services: Services, before: dict[str, Snapshot], delivery: Delivery
) -> dict[str, Any]:
    found = compared(before, snapshots(services.database))
    arrived = _arrived(services, delivery)
    return {
        **_now(services),
        "same": found.same,
        "went_on": found.went_on,
        "differing": [f"{one}: {', '.join(names)}" for one, names in found.differing.items()],
        "why_not": [] if arrived else list(_obstacles(services)),
        "verified": arrived and not found.differing,
    }


def _obstacles(services: Services) -> Iterator[str]:
    if not services.engine.roster.alive():
        yield _NO_WORKER
    for priority in services.engine.pauses.all():
        yield f"the queue {priority.queue} is paused; `altwright queue resume {priority.queue}`"


def _end(data: dict[str, Any], taken: Report | None, *, dry_run: bool, as_json: bool) -> None:
    data["dry_run"] = dry_run
    if taken is not None:
        data["taken"] = taken.to_json()
    if as_json:
        show(data, as_json=True, columns={})
    else:
        show(data, as_json=False, columns=_COLUMNS)
        if taken is not None:
            said = f"{counted(taken.writes, 'row')} of the old database"
            click.echo(f"{said}: `altwright import vedfolnir --dry-run` says which.")
    if not data["verified"] and not dry_run:
        if not as_json:
            for reason in data["why_not"]:
                click.echo(f"Not yet: {reason}.", err=True)
            click.echo("Not all are where they should be yet; run this again.", err=True)
        raise click.exceptions.Exit(1)
